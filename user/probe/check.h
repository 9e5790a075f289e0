/* SPDX-License-Identifier: BSD-2-Clause */
/* The doctor's findings, one line each, collected until the document is written. */
#ifndef PROBE_CHECK_H
#define PROBE_CHECK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/drop.h"
#include "base/jsonw.h"

#define CHECK_MAX 48

struct check {
	const char *name;   /* "kernel" */
	const char *state;  /* "ok", "note", "blind", "FAIL" */
	const char *remedy; /* NULL: none needed */
	struct buf text;
};

struct checks {
	struct check list[CHECK_MAX];
	unsigned count;
	bool failed;
};

/* Beyond CHECK_MAX nothing is added. */
void check_add(struct checks *c, const char *name, const char *state, const char *remedy, const char *fmt,
	       ...) PRINTF(5, 6);
/* The member "checks". */
void check_write(const struct checks *c, struct jsonw *w);
void check_fini(struct checks *c);

#endif
