/* SPDX-License-Identifier: BSD-2-Clause */
/* What one session of the attacher holds, for the files of this room. */
#ifndef PROBE_ENGINE_H
#define PROBE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/map.h"
#include "base/str.h"
#include "probe/governor.h"
#include "probe/audit.h"
#include "probe/library.h"
#include "probe/load.h"
#include "probe/loader.h"
#include "probe/maker.h"
#include "probe/marker.h"
#include "probe/probe.h"
#include "probe/python.h"
#include "probe/self.h"
#include "probe/site.h"
#include "probe/tasks.h"
#include "state.h"

/* A process that the kernel filter lets through, as far as the attacher cares. */
struct process {
	uint32_t pid;
	uint32_t parent_pid; /* 0: not traced */
	uint64_t start_ns;
	uint64_t parent_start_ns;
	uint16_t flags;	  /* WIRE_FACT_*, as last told */
	bool told;	  /* the session knows it: from its fork record, or from our fact */
	bool named;	  /* the user named it */
	bool listens;	  /* seen listening since its last exec */
	unsigned scans;	  /* of its maps, since its fork or last exec */
	unsigned mapped;  /* libraries with probes that it maps */
	uint64_t next_ns; /* of the next scan, monotonic */
	uint64_t scanned_ns;
	uint64_t maps_hash;  /* of the executable mappings at the last scan; 0: look at all */
	uint16_t maps_flags; /* WIRE_FACT_*: what they showed */
	bool python;	     /* its interpreter was told, of this epoch: */
	uint32_t python_epoch;
};

struct ring_buffer;

struct probe {
	struct probe_settings settings;
	struct load *load;
	struct self
		self; /* our own probed functions; left alone until the end: taking links away takes time */
	struct libraries *libs;
	struct loaders loaders;
	struct markers markers;
	struct makers makers;
	struct audits audits;
	struct map *processes; /* struct state_process -> struct process, owned; parents before children */
	struct map *notes;     /* struct state_process -> struct witness_note, owned (witness.c) */
	struct map *foreseen;  /* hash of a program and its search path -> itself */
	struct map *pythons;   /* files that were looked into for an interpreter (python.c) */
	struct ring_buffer *notify;
	struct tasks tasks;
	struct site_costs costs;
	struct governor governor;
	struct governor_step seen; /* by it, when it last looked */
	bool blunted;	/* at some time reads were not followed to their end: their bytes are in no sum */
	dev_t self_dev; /* our own executable */
	ino_t self_ino;
	uint64_t next_sync_ns;
	uint64_t next_look_ns; /* of the witness */
	unsigned looks;
	bool commanded;	 /* a command's own lines stand on stderr: nothing is said between them */
	bool departures; /* something ended since the last sweep */
	bool complete;	 /* every program is loaded, and what asks for no target is attached */
	bool attached;	 /* the first probes are live */
	bool detached;
	bool stopped;
};

/* Only the processes that were named, by links that no other process meets. */
static inline bool probe_is_narrow(const struct probe *p)
{
	return p->settings.options & WIRE_OPT_NARROW;
}

static inline struct state_process process_key(uint32_t pid, uint64_t start_ns)
{
	return (struct state_process){.start_ns = start_ns, .pid = pid};
}

/* ---- probe.c ---- */

/* Waits for what need not be there when the first library gets its probes: stacks, markers, sockets without TLS, word of
 * libraries that come. 0, negative errno, said. */
int probe_complete(struct probe *p) MUST_CHECK;

/* ---- process.c ---- */

/* Finds or makes; NULL without memory or beyond LIMIT_PROCESSES. */
struct process *process_add(struct probe *p, uint32_t pid, uint64_t start_ns);
struct process *process_find(const struct probe *p, uint32_t pid, uint64_t start_ns);
void process_remove(struct probe *p, uint32_t pid, uint64_t start_ns);
void process_free_all(struct probe *p);
/* Tells the session: parents, flags, and with_image what runs in it (for processes that lived before us). */
void process_tell(struct probe *p, struct process *x, bool with_image);
/* Sees its flags, without probing or telling anything. */
void process_look(struct probe *p, struct process *x);
/* Reads its maps: probes those libraries that are OpenSSL's by their names, if there are none all. */
void process_probe(struct probe *p, const struct process *x);
/* Reads its maps: probes the libraries that are there, sees its flags, tells them when they changed. */
void process_scan(struct probe *p, struct process *x);
/* Probes what its program may load later; once for each program and search path. */
void process_foresee(struct probe *p, struct process *x);
/* Probes the libraries that a command will load. */
void process_foresee_command(struct probe *p, char *const *argv, char *const *envp, const char *cwd);

/* ---- python.c ---- */

/* Before its first probe, and before stacks can be taken of it: tells the session that it runs Python. */
void python_announce(struct probe *p, const struct process *x, struct str maps);
/* Finds the interpreter in the text of a process's maps, once for each program: tells the kernel and the session. */
void python_look(struct probe *p, struct process *x, struct str maps);

/* ---- watch.c ---- */

/* Reads `notify` into the table of processes. */
int watch_notice(void *ctx, void *data, size_t size);

/* ---- shed.c ---- */

/* Before the first probe of a target: draws the sample, tells the kernel what was asked for. */
void shed_begin(struct probe *p);
/* The targets changed: says so where others look. */
void shed_show(struct probe *p);
/* Once a second: has the governor look, and does what it says. */
void shed_tick(struct probe *p, uint64_t now_ns);
void shed_end(struct probe *p);

/* ---- sweep.c ---- */

/* Final counters of processes that ended, of connections that were closed without a record, of connections whose
 * process ended. */
void sweep_departures(struct probe *p);
/* All that is left: alive or not. */
void sweep_all(struct probe *p);

#endif
