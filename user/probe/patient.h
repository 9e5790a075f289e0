/* SPDX-License-Identifier: BSD-2-Clause */
/* The doctor's look at one process. */
#ifndef PROBE_PATIENT_H
#define PROBE_PATIENT_H

#include <stdint.h>

#include "base/jsonw.h"
#include "probe/check.h"
#include "probe/library.h"
#include "probe/site.h"
#include "state.h"

#define PATIENT_LIBRARIES_MAX 16
#define PATIENT_SUSPECTS_MAX  8

/* A mapped file that brings TLS out of our reach. */
struct patient_suspect {
	const char *tls; /* "BoringSSL" */
	char *path;	 /* owned */
};

struct patient {
	uint32_t pid;
	uint64_t start_ns;			    /* 0: not known (without rights only ticks are) */
	struct library libs[PATIENT_LIBRARIES_MAX]; /* path owned */
	unsigned lib_count;
	struct patient_suspect suspects[PATIENT_SUSPECTS_MAX];
	unsigned suspect_count;
	struct state_wire wire; /* of its open TCP connections */
	bool has_wire;
	bool unreadable; /* its maps may not be read */
	bool python;
	bool has_interpreter; /* one that maps can tell: */
	uint32_t python_version, python_reason;
	char python_path[256];
	const char *events; /* how what its code does is seen (audit.h); NULL: not */
	unsigned bits;
};

/* Looks; 0, -ESRCH. */
int patient_look(struct patient *x, uint32_t pid, struct checks *c) MUST_CHECK;
/* The members "process" and "others". costs: NULL where they could not be measured. */
void patient_write(const struct patient *x, struct jsonw *w, const struct site_costs *costs,
		   struct checks *c);
void patient_fini(struct patient *x);

#endif
