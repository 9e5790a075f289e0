/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/emit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static struct wire_head head_of(uint16_t kind, size_t size, uint32_t pid, uint64_t start_ns)
{
	return (struct wire_head){
		.size = (uint32_t)(size + 7) & ~7u,
		.kind = kind,
		.ts_ns = clock_now_ns(),
		.pid = pid,
		.start_ns = start_ns,
	};
}

/* `a` relative to CLOCK_MONOTONIC. Read between two looks at the latter; of several tries the tightest counts. */
static int64_t offset_of(clockid_t a)
{
	uint64_t best = UINT64_MAX;
	int64_t offset = 0;

	for (int i = 0; i < 5; i++) {
		uint64_t before = clock_now_ns();
		uint64_t there = clock_ns(a);
		uint64_t after = clock_now_ns();

		if (after - before >= best)
			continue;
		best = after - before;
		offset = (int64_t)(there - (before + best / 2));
	}
	return offset;
}

/* 8d1e...: 32 hex digits and four dashes. */
void emit_boot_id(uint8_t id[16])
{
	char text[64];
	unsigned n = 0;

	memset(id, 0, 16);
	autodrop(drop_fd) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text));
	for (ssize_t i = 0; i < len && n < 32; i++) {
		uint64_t digit;

		if (!str_to_u64_hex(str_make(text + i, 1), &digit))
			continue;
		id[n / 2] = (uint8_t)(id[n / 2] << 4 | digit);
		n++;
	}
}

void emit_session(emit_fn *emit, void *ctx, const struct emit_session *s)
{
	struct wire_session r = {
		.head = head_of(WIRE_SESSION, sizeof(r), 0, 0),
		.version = WIRE_VERSION,
		.mode = s->mode,
		.options = s->options,
		.utc_offset_ns = offset_of(CLOCK_REALTIME),
		.boot_offset_ns = (uint64_t)offset_of(CLOCK_BOOTTIME),
		.ring_bytes = s->ring_bytes,
		.base_ns = s->costs.base_ns,
		.sample_n = s->sample_n,
		.budget_ppm = s->budget_ppm,
	};

	/* A host whose clock is behind its boot clock by a few ns of reading. */
	if ((int64_t)r.boot_offset_ns < 0)
		r.boot_offset_ns = 0;
	/* Libraries' symbols begin with other instructions than the emulated ones nearly everywhere. */
	r.site_ns = s->costs.data_ns[0];
	emit_boot_id(r.boot_id);
	emit(ctx, &r.head);
}

void emit_library(emit_fn *emit, void *ctx, const struct library *lib, const struct site_costs *costs)
{
	_Alignas(8) char space[sizeof(struct wire_lib) + WIRE_PATH_MAX];
	struct wire_lib *r = (struct wire_lib *)space;
	struct str path = str_head(str_of(lib->path), WIRE_PATH_MAX);

	memset(space, 0, sizeof(space));
	r->head = head_of(WIRE_LIB, sizeof(*r) + path.n, 0, 0);
	r->id = lib->id;
	r->path_len = (uint32_t)path.n;
	r->dev = lib->dev;
	r->ino = lib->ino;
	memcpy(r->build_id, lib->build_id, sizeof(r->build_id));
	r->sites = (uint32_t)lib->site_count;
	for (size_t i = 0; i < lib->site_count; i++) {
		const struct site *s = &lib->sites[i];

		r->site[i].fn = s->fn;
		r->site[i].ns_per_hit = site_cost(s, costs);
		r->site[i].offset = s->offset;
		memcpy(r->site[i].bytes, s->bytes, sizeof(r->site[i].bytes));
	}
	memcpy(r->payload, path.p, path.n);
	emit(ctx, &r->head);
}

void emit_fact(emit_fn *emit, void *ctx, const struct emit_fact *f)
{
	_Alignas(8) char space[sizeof(struct wire_proc_fact) + WIRE_PATH_MAX + WIRE_ARGV_MAX];
	struct wire_proc_fact *r = (struct wire_proc_fact *)space;
	struct str path = str_head(f->path, WIRE_PATH_MAX);
	struct str argv = str_head(f->argv, WIRE_ARGV_MAX);

	memset(space, 0, sizeof(space));
	r->parent_pid = f->parent_pid;
	r->parent_start_ns = f->parent_start_ns;
	memcpy(r->comm, f->comm, sizeof(r->comm));
	if (path.n > 0)
		memcpy(r->payload, path.p, path.n);
	if (argv.n > 0) {
		memcpy(r->payload + path.n, argv.p, argv.n);
		/* Each argument ends with a NUL, the one that was cut too. */
		if (r->payload[path.n + argv.n - 1] != '\0') {
			if (argv.n == WIRE_ARGV_MAX)
				r->payload[path.n + argv.n - 1] = '\0';
			else
				argv.n++;
		}
	}
	r->path_len = (uint32_t)path.n;
	r->argv_len = (uint32_t)argv.n;
	r->head = head_of(WIRE_PROC_FACT, sizeof(*r) + path.n + argv.n, f->pid, f->start_ns);
	r->head.flags = f->flags;
	emit(ctx, &r->head);
}

void emit_shed(emit_fn *emit, void *ctx, const struct governor_step *step)
{
	struct wire_shed_step r = {
		.head = head_of(WIRE_SHED, sizeof(r), 0, 0),
		.level = step->level,
		.before = step->before,
		.cost_ns = step->cost_ns,
		.budget_ns = step->budget_ns,
		.window_ns = step->window_ns,
	};

	emit(ctx, &r.head);
}

void emit_python(emit_fn *emit, void *ctx, uint32_t pid, uint64_t start_ns, const struct python *py)
{
	_Alignas(8) char space[sizeof(struct wire_py_runtime) + WIRE_PATH_MAX];
	struct wire_py_runtime *r = (struct wire_py_runtime *)space;
	struct str path = str_head(py->path, WIRE_PATH_MAX);

	memset(space, 0, sizeof(space));
	r->head = head_of(WIRE_PY_RUNTIME, sizeof(*r) + path.n, pid, start_ns);
	r->version = py->version;
	r->flags = py->flags;
	r->reason = py->reason;
	r->path_len = (uint32_t)path.n;
	memcpy(r->payload, path.p, path.n);
	emit(ctx, &r->head);
}

void emit_target(emit_fn *emit, void *ctx, uint32_t pid, uint64_t start_ns)
{
	struct wire_target r = {.head = head_of(WIRE_TARGET, sizeof(r), pid, start_ns)};

	emit(ctx, &r.head);
}

void emit_stdio(emit_fn *emit, void *ctx, uint32_t pid, uint64_t start_ns, const uint64_t ino[2])
{
	struct wire_proc_stdio r = {.head = head_of(WIRE_PROC_STDIO, sizeof(r), pid, start_ns),
				    .ino = {ino[0], ino[1]}};

	emit(ctx, &r.head);
}

void emit_blind(emit_fn *emit, void *ctx, uint32_t pid, uint64_t start_ns, struct str what, struct str why,
		uint64_t bytes)
{
	_Alignas(8) char space[sizeof(struct wire_blind) + 2 * WIRE_PATH_MAX];
	struct wire_blind *r = (struct wire_blind *)space;

	memset(space, 0, sizeof(space));
	what = str_head(what, WIRE_PATH_MAX);
	why = str_head(why, WIRE_PATH_MAX);
	r->head = head_of(WIRE_BLIND, sizeof(*r) + what.n + why.n, pid, start_ns);
	r->what_len = (uint32_t)what.n;
	r->why_len = (uint32_t)why.n;
	r->bytes = bytes;
	memcpy(r->payload, what.p, what.n);
	memcpy(r->payload + what.n, why.p, why.n);
	emit(ctx, &r->head);
}

void emit_process_final(emit_fn *emit, void *ctx, uint32_t pid, uint64_t start_ns,
			const struct wire_counts *counts)
{
	struct wire_proc_final r = {.head = head_of(WIRE_PROC_FINAL, sizeof(r), pid, start_ns),
				    .counts = *counts};

	emit(ctx, &r.head);
}

void emit_conn_final(emit_fn *emit, void *ctx, uint32_t pid, uint64_t start_ns,
		     const struct wire_conn_key *conn, const struct wire_side side[WIRE_DIRS])
{
	struct wire_tls_close r = {.head = head_of(WIRE_CONN_FINAL, sizeof(r), pid, start_ns), .conn = *conn};

	memcpy(r.side, side, sizeof(r.side));
	emit(ctx, &r.head);
}
