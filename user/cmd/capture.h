/* SPDX-License-Identifier: BSD-2-Clause */
/* What `run` and `attach` make of their options alike. */
#ifndef CMD_CAPTURE_H
#define CMD_CAPTURE_H

#include "base/drop.h"
#include "cmd/option.h"

/* Checks and completes v->session. EXIT_OK or EXIT_USAGE after saying why. */
int capture_settings(struct option_values *v, enum wire_mode mode) MUST_CHECK;

#endif
