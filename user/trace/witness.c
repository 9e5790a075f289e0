/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls by JSON-RPC whose client and server are both traced: the same message, byte for byte, in the same session, went
 * out of one process and into another (or the same). The client's span stays, and says who served it. Records of the two
 * ends may come in either order, so the server's view waits for its own close and looks among the clients' calls that are
 * open or closed lately. Two that look alike: none.
 */
#include "trace/set.h"

static bool is_of(const struct trace_call *o, const struct trace_call *k)
{
	return o != k && o->c && o->c->method.n > 0 && o->process->root == k->process->root &&
	       !o->superseded && (o->c->x == NULL || !o->c->x->server_side) &&
	       hash_eq(o->c->body_hash, k->c->body_hash);
}

bool trace_witness_serves(struct trace_set *t, struct trace_call *k)
{
	struct trace_call *client = NULL;
	uint32_t found = 0;

	if (k->c->x == NULL || !k->c->x->server_side || k->c->method.n == 0)
		return false;
	for (struct trace_call *o = t->calls; o != NULL; o = o->next)
		if (is_of(o, k)) {
			client = o;
			found++;
		}
	for (uint32_t i = 0; i < t->met_count && i < TRACE_MET_MAX; i++)
		found += t->met[i].root == k->process->root && hash_eq(t->met[i].message, k->c->body_hash);
	if (found != 1)
		return false;
	if (client && !client->closed)
		client->served_by = trace_process_parent(k->process);
	return true;
}

void trace_witness_keep(struct trace_set *t, const struct trace_call *k)
{
	if (k->c->method.n == 0 || (k->c->x && k->c->x->server_side))
		return;
	t->met[t->met_count++ % TRACE_MET_MAX] =
		(struct trace_met){.message = k->c->body_hash, .root = k->process->root};
}
