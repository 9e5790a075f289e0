/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe: from "trace this" to attached programs; what this host and this process allow (doctor).
 * in:    targets (PIDs, or a command about to start) and settings
 * out:   attached programs, descriptors of the ring, the shared page and the verdicts, records of what was found (WIRE_* 0x80xx)
 * owns:  BPF objects, links, the table of probed files, a file in /run/bottrace that says what is traced (beacon.h)
 * may:   base, rules, wire
 * never: reads traffic; executes a stranger's file, but in a child that has no rights left (shuttle.h); pins anything
 * fails: -EPERM (what is missing is named), -ENOSYS (this kernel cannot), -ESRCH (no such process)
 * start: probe.c
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/drop.h"
#include "base/str.h"
#include "rules/rules.h"
#include "wire.h"

struct probe_settings {
	enum wire_mode mode;
	uint64_t options;		 /* WIRE_OPT_* */
	uint64_t ring_bytes;		 /* power of two >= 4096 */
	uint64_t rate_bytes, rate_calls; /* what of one process is copied a second; 0: no bound */
	uint32_t sample_n;		 /* run: one run in N, attach: one connection in N; 0 or 1: all */
	uint32_t budget_ppm;		 /* millionths of one core for the probes; 0: no bound */
	const struct rules
		*rules; /* by which values of Python frames are read; during probe_new only; NULL: none */
	/* Records for the collector: called during probe_* calls only. */
	void (*emit)(void *ctx, const struct wire_head *rec);
	void *ctx;
};

struct probe;

/* Loads and checks, attaches process probes (fork, exec, exit), calibrates, emits WIRE_SESSION. NULL: errno, said on
 * stderr with cause and remedy. */
struct probe *probe_new(const struct probe_settings *settings);
int probe_ring_fd(const struct probe *p);
int probe_shared_fd(const struct probe *p);
int probe_verdicts_fd(const struct probe *p);
size_t probe_ring_bytes(const struct probe *p);
/* Traces a running process and its descendants: kernel filter first, then facts, then the libraries it maps and those
 * that it may load. 0; -ESRCH; -EPERM; -ENOTSUP with *why when nothing of it could ever be seen. *mapped: how many
 * libraries with probes it maps now. */
int probe_attach(struct probe *p, uint32_t pid, unsigned *mapped, const char **why) MUST_CHECK;
/* As probe_attach for a process that is about to exec: also probes the libraries that the command will load, as far as
 * they can be foreseen. argv, envp: what it will exec with; cwd: its working directory. */
int probe_attach_command(struct probe *p, uint32_t pid, char *const *argv, char *const *envp,
			 const char *cwd) MUST_CHECK;
/* Looks after the session: new libraries of traced processes, counters of ended ones. Call when probe_event_fd is
 * readable and at the time it asks for. Returns ms until the next wish, -1: none. */
int probe_tick(struct probe *p);
int probe_event_fd(const struct probe *p);
/* Traced processes alive; 0: the last one ended. */
unsigned probe_alive(struct probe *p);
/* One line: "48213 (python3.11, agent.py) and 2 children; probes: libssl.so.3 (4), fork/exec/exit" */
void probe_describe(struct probe *p, struct buf *out);
/* Detaches everything: when it returns, no program of ours does anything and the ring gets no more records. The kernel may
 * still be taking links away; probe_free waits for that. */
void probe_detach(struct probe *p);
/* Detaches if that was not done, then emits final counters of processes and connections and no more. */
void probe_stop(struct probe *p);
void probe_free(struct probe *p);
DROP_POINTER(probe, probe_free)

/* The `bottrace.v1.doctor` document: host alone (pid 0) or with a process. Appends JSON. 0, -ESRCH, -EPERM. */
int probe_doctor(struct buf *json, uint32_t pid) MUST_CHECK;

#endif
