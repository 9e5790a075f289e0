/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing the document: what its files share. */
#ifndef VIEW_RECORD_H
#define VIEW_RECORD_H

#include "base/buf.h"
#include "base/jsonw.h"
#include "view/view.h"

/* Connections and processes by trace, each in order of first sight, so that every trace finds its own in one walk. */
struct record_roster {
	struct flow_conn **conns;
	struct proc **procs;
	size_t *conn_from, *proc_from; /* per trace, one more than there are */
	size_t traces;
	unsigned char *talks; /* per proc->seq: it has a connection */
	size_t talks_count;
};

int record_roster_init(struct record_roster *r, const struct view_session *v) MUST_CHECK;
void record_roster_fini(struct record_roster *r);

/* All members of trace t that stand before its connections: schema to ledger. */
void record_facts(struct jsonw *w, const struct view_session *v, const struct record_roster *r,
		  const struct trace *t);
/* Elements of `connections` and `processes`. */
void record_connection(struct jsonw *w, const struct view_session *v, const struct flow_conn *c);
void record_process(struct jsonw *w, const struct view_session *v, const struct record_roster *r,
		    const struct proc *p);

#endif
