/* SPDX-License-Identifier: BSD-2-Clause */
/* The collector's word to the kernel about what need not be copied out (struct wire_verdict). */
#ifndef SESSION_VERDICT_H
#define SESSION_VERDICT_H

#include "http/http.h"
#include "wire.h"

/* slots: the WIRE_VERDICTS of them that the kernel reads, while it may read them. */
void verdict_give(struct wire_verdict *slots, const struct flow_conn *conn, const struct http_verdict *v);

#endif
