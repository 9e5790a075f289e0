/* SPDX-License-Identifier: BSD-2-Clause */
/* What the sockets of a traced process moved against what its TLS probes saw: the one who knows that we are blind. */
#ifndef PROBE_WITNESS_H
#define PROBE_WITNESS_H

#include "probe/engine.h"

/* Takes in the connections that newly traced processes have. Without it, or on a kernel without such walks, they are no
 * part of the sums. */
void witness_begin(struct probe *p);
/* The connections of a process that probes have met, before new ones are attached. */
struct witness_mark {
	uint64_t talks, begun; /* of state_wire */
};
void witness_mark(const struct probe *p, const struct process *x, struct witness_mark *mark);
/* Probes on a library that a process had mapped already are live now, and were not at the mark. What its connections
 * moved before may be unseen. */
void witness_note_late(struct probe *p, const struct process *x, const struct library *lib,
		       const struct witness_mark *mark);
/* Brings the kernel's sums up to now; false: it cannot, and they know of connections that ended. */
bool witness_look(struct probe *p);
/* A file that a process maps: with probes, or one that may be known to bring TLS of its own. unclean: it got none since
 * its code was changed in somebody's memory. */
void witness_note(struct probe *p, const struct process *x, struct str path, bool has_probes, bool unclean);
/* A process's last word, before its final counters: WIRE_BLIND when its connections moved what no probe saw. */
void witness_tell(struct probe *p, uint32_t pid, uint64_t start_ns, const struct wire_counts *counts);
void witness_fini(struct probe *p);

/* From time to time: settles what real bytes prove, and says on stderr which running process moves bytes past every
 * probe. */
void witness_watch(struct probe *p, uint64_t now_ns);
/* What traced processes map that brings TLS out of our reach: "; out of reach: BoringSSL inside cygrpc.so". */
void witness_describe(const struct probe *p, struct buf *out);

/* "sent 41 kB and received 3 kB over TCP to 192.0.2.1:443 and in 2 other connections" */
void witness_add_sum(struct buf *out, const struct state_wire *wire);
/* Bytes that moved past every probe; 0: all is accounted for, or it may be. */
uint64_t witness_unseen(const struct state_wire *wire, const struct wire_counts *counts, bool has_probes);
/* Whether the sockets bear out what probes saw, all calls of the process being one library's. 1: they do; -1: they moved
 * other bytes; 0: not clear, or too little yet. */
int witness_agrees(const struct state_wire *wire, const struct wire_counts *counts);
/* Whether bytes seen may be held against bytes moved. blunted: the governor had reads of muted connections counted and
 * not followed; what they moved is in no sum. */
bool witness_may_judge(bool blunted, const struct wire_counts *counts);

#endif
