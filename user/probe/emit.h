/* SPDX-License-Identifier: BSD-2-Clause */
/* The attacher's own records: built here, given to the session's emit. */
#ifndef PROBE_EMIT_H
#define PROBE_EMIT_H

#include <stdint.h>

#include "base/str.h"
#include "probe/governor.h"
#include "probe/library.h"
#include "probe/python.h"
#include "probe/site.h"
#include "wire.h"

typedef void emit_fn(void *ctx, const struct wire_head *rec);

struct emit_session {
	uint32_t mode;
	uint64_t options;
	uint64_t ring_bytes;
	uint32_t sample_n, budget_ppm;
	struct site_costs costs;
};

/* Of /proc/sys/kernel/random/boot_id; zeros where it cannot be read. */
void emit_boot_id(uint8_t id[16]);

void emit_session(emit_fn *emit, void *ctx, const struct emit_session *s);
void emit_library(emit_fn *emit, void *ctx, const struct library *lib, const struct site_costs *costs);

struct emit_fact {
	uint32_t pid;
	uint64_t start_ns;
	uint16_t flags; /* WIRE_FACT_* */
	uint32_t parent_pid;
	uint64_t parent_start_ns;
	struct str path; /* cut to WIRE_PATH_MAX */
	struct str argv; /* NUL-terminated strings, cut to WIRE_ARGV_MAX */
	char comm[16];
};

void emit_fact(emit_fn *emit, void *ctx, const struct emit_fact *f);
void emit_shed(emit_fn *emit, void *ctx, const struct governor_step *step);
void emit_python(emit_fn *emit, void *ctx, uint32_t pid, uint64_t start_ns, const struct python *py);
void emit_target(emit_fn *emit, void *ctx, uint32_t pid, uint64_t start_ns);
void emit_stdio(emit_fn *emit, void *ctx, uint32_t pid, uint64_t start_ns, const uint64_t ino[2]);
/* what, why: cut to WIRE_PATH_MAX each. */
void emit_blind(emit_fn *emit, void *ctx, uint32_t pid, uint64_t start_ns, struct str what, struct str why,
		uint64_t bytes);
void emit_process_final(emit_fn *emit, void *ctx, uint32_t pid, uint64_t start_ns,
			const struct wire_counts *counts);
void emit_conn_final(emit_fn *emit, void *ctx, uint32_t pid, uint64_t start_ns,
		     const struct wire_conn_key *conn, const struct wire_side side[WIRE_DIRS]);

#endif
