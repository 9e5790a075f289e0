/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One logical call, several attempts. The Stainless SDKs (openai, anthropic, ...) number their retries in a header and
 * send the same body again: both must agree, in one process. The span keeps its id, its start and its place; the rest
 * is the last attempt's, each failed one is an event.
 */
#include <stdio.h>
#include <stdlib.h>

#include "trace/set.h"

/* What must be equal: where it went and what was sent. */
static struct hash128 request_of(const struct genai_call *c)
{
	return hash_chain(hash_chain(c->body_hash, hash_u128(c->path, 1)), hash_u128(c->server, 2));
}

static void unlink_failed(struct trace_set *t, struct trace_failed *f)
{
	if (f->prev)
		f->prev->next = f->next;
	else
		t->failed = f->next;
	if (f->next)
		f->next->prev = f->prev;
	else
		t->last_failed = f->prev;
	f->prev = f->next = NULL;
	t->failed_count--;
	f->process->failed--;
}

void trace_retry_drop(struct trace_set *t, struct trace_failed *f)
{
	if (f == NULL)
		return;
	if (f->attempt_count > 0)
		trace_keep_leave(t, f->id);
	free(f->attempts);
	free(f->gaps);
	trace_join_free(f->seen);
	free(f);
}

void trace_retry_free(struct trace_set *t, struct trace_failed *f)
{
	unlink_failed(t, f);
	trace_retry_drop(t, f);
}

static void make_room(struct trace_set *t, const struct trace_process *pr)
{
	if (pr->failed >= TRACE_FAILED_EACH) {
		struct trace_failed *f = t->failed;

		while (f && f->process != pr)
			f = f->next;
		if (f)
			trace_retry_free(t, f);
	}
	if (t->failed_count >= TRACE_FAILED_MAX)
		trace_retry_free(t, t->failed);
}

/* The failed attempt of k joins those before it; NULL without memory. */
static struct trace_failed *attempted(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;
	struct trace_failed *f = k->before ? take(k->before) : calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	struct trace_attempt *all = realloc(f->attempts, (f->attempt_count + 1) * sizeof(*all));
	if (all == NULL) {
		trace_retry_drop(t, f);
		return NULL;
	}
	f->attempts = all;
	struct trace_attempt *a = &all[f->attempt_count];
	*a = (struct trace_attempt){
		.time_ns = c->end_ns,
		.retry_after_ns = c->retry_after_ns,
		.status = c->x ? c->x->status : 0,
	};
	a->asked = c->asks.lo != 0;
	struct str type = c->error_type.n	    ? c->error_type
			  : c->status == GENAI_OPEN ? STR("no_answer")
						    : STR_NONE;
	if (type.n)
		snprintf(a->type, sizeof(a->type), "%.*s", STR_ARG(str_head(type, sizeof(a->type) - 1)));
	if (f->attempt_count++ == 0) {
		f->process = k->process;
		f->request = request_of(c);
		f->id = k->id;
		f->seq = k->seq;
		f->tid = c->x ? c->x->tid : 0;
		f->start_ns = c->start_ns;
		f->continues = k->continues;
		trace_keep_enter(t, k->root, f->id);
	}
	return f;
}

static void keep_gaps(struct trace_failed *f, struct trace_call *k)
{
	const struct genai_call *c = k->c;
	uint32_t n = 0;

	for (const struct http_gap *g = c->x ? c->x->gaps : NULL; g != NULL; g = g->next)
		n++;
	if (n == 0)
		return;
	struct trace_gap *all = realloc(f->gaps, (f->gap_count + n) * sizeof(*all));
	if (all == NULL)
		return; /* the first attempt's own span, told already, still says that the trace is not complete */
	f->gaps = all;
	for (const struct http_gap *g = c->x->gaps; g != NULL; g = g->next)
		f->gaps[f->gap_count++] =
			(struct trace_gap){k->connection, g->dir, g->offset, g->bytes, g->cause};
	k->gaps_told = n;
}

static void keep(struct trace_set *t, struct trace_call *k, struct trace_failed *f)
{
	if (f == NULL)
		return;
	keep_gaps(f, k);
	f->closed_ns = k->c->end_ns ? k->c->end_ns : t->now_ns;
	f->told = k->told;
	make_room(t, f->process);
	f->prev = t->last_failed;
	if (t->last_failed)
		t->last_failed->next = f;
	else
		t->failed = f;
	t->last_failed = f;
	t->failed_count++;
	f->process->failed++;
}

void trace_retry_keep(struct trace_set *t, struct trace_call *k)
{
	/* What names no attempt is no SDK's that would retry under this rule. */
	if (k->c->retry_count >= 0)
		keep(t, k, attempted(t, k));
}

void trace_retry_ask(struct trace_set *t, struct trace_call *k)
{
	struct trace_seen *seen = trace_join_keep(k, t->light); /* with what earlier rounds said */
	struct trace_failed *f = attempted(t, k);

	if (f == NULL) {
		trace_join_free(seen);
		return;
	}
	f->request = k->c->asks;
	f->asked = true;
	trace_join_free(f->seen);
	f->seen = seen;
	keep(t, k, f);
}

static void adopt(struct trace_call *k, struct trace_failed *f)
{
	k->before = f;
	k->id = f->id;
	k->seq = f->seq;
	k->told = f->told;
	k->continues = f->continues;
}

void trace_retry_resume(struct trace_set *t, struct trace_call *k)
{
	for (struct trace_failed *f = t->failed; f != NULL; f = f->next)
		if (f->asked && f->process == k->process && hash_eq(f->request, k->c->resumes)) {
			unlink_failed(t, f);
			adopt(k, f);
			return;
		}
}

/* Of several equal calls that failed: the same thread's, of as many attempts as the header counts, the oldest. */
static struct trace_failed *find(const struct trace_set *t, const struct trace_call *k)
{
	const struct genai_call *c = k->c;
	struct hash128 request = request_of(c);
	struct trace_failed *best = NULL;
	uint32_t best_score = 0;

	for (struct trace_failed *f = t->failed; f != NULL; f = f->next) {
		if (f->asked || f->process != k->process || !hash_eq(f->request, request) ||
		    f->attempt_count > (uint32_t)c->retry_count)
			continue;
		uint32_t score = 1 + 2 * (f->attempt_count == (uint32_t)c->retry_count) +
				 (c->x && f->tid == c->x->tid);
		if (score > best_score) {
			best = f;
			best_score = score;
		}
	}
	return best;
}

/* Whether a client would try again after this: an error, or no answer so far (it gave up waiting). */
static bool is_hopeless(const struct trace_call *k)
{
	if (k->closed)
		return k->c->status == GENAI_ERROR || k->c->status == GENAI_ABORTED;
	return k->c->first_byte_ns == 0;
}

/* The retry may begin before the connection that failed or hangs is closed. */
static struct trace_call *find_hanging(const struct trace_set *t, const struct trace_call *k)
{
	struct hash128 request = request_of(k->c);

	for (struct trace_call *o = t->calls; o != NULL; o = o->next)
		if (o != k && o->process == k->process && !o->superseded && is_hopeless(o) &&
		    o->c->retry_count == k->c->retry_count - 1 && hash_eq(request_of(o->c), request))
			return o;
	return NULL;
}

void trace_retry_join(struct trace_set *t, struct trace_call *k)
{
	struct trace_failed *f = NULL;

	if (k->c->retry_count < 1)
		return;
	f = find(t, k);
	if (f) {
		unlink_failed(t, f);
	} else {
		struct trace_call *hanging = find_hanging(t, k);

		f = hanging ? attempted(t, hanging) : NULL;
		if (f == NULL)
			return;
		keep_gaps(f, hanging);
		f->told = hanging->told;
		if (!hanging->closed)
			f->attempts[f->attempt_count - 1].time_ns = k->c->start_ns;
		hanging->superseded = true;
	}
	adopt(k, f);
}
