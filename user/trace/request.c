/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to a process that serves, who answered them, and whose calls are theirs. */
#include "trace/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/set.h"
#include "trace/visit.h"

#define LOOKS_MAX 4096u /* requests that one frame may have been answering at a time */

int trace_request_init(struct trace_requests *all)
{
	all->awaiting = map_new(sizeof(struct py_place), TRACE_REQUESTS_MAX);
	return all->awaiting ? 0 : -ENOMEM;
}

static void request_free(struct trace_requests *all, struct trace_request *r)
{
	if (r->awaits)
		(void)map_remove(all->awaiting, &r->place);
	free(r->trail);
	free(r);
	all->count--;
}

void trace_request_fini(struct trace_requests *all)
{
	while (all->first) {
		struct trace_request *r = all->first;

		all->first = r->next;
		request_free(all, r);
	}
	map_free(all->awaiting);
	*all = (struct trace_requests){0};
}

/* ---- as they come ---- */

void trace_request_begin(struct trace_set *t, struct trace_call *k)
{
	struct trace_requests *all = &t->requests;
	const struct http_exchange *x = k->c->x;

	if (x == NULL || !x->server_side || !x->request_seen || k->process->proc == NULL || t->py == NULL ||
	    all->awaiting == NULL)
		return;
	if (all->count >= TRACE_REQUESTS_MAX)
		trace_agent_settle(t); /* those that were answered go */
	if (all->count >= TRACE_REQUESTS_MAX)
		return;
	struct trace_request *r = calloc(1, sizeof(*r));
	if (r == NULL) {
		t->lost++;
		return;
	}
	r->process = k->process;
	r->id = k->id;
	r->connection = k->connection;
	r->http2 = x->http2;
	r->read_ns = x->request.first_ns;
	*(all->last ? &all->last->next : &all->first) = r;
	all->last = r;
	all->count++;
	k->request = r;
	k->process->asked = true;
}

static void took(struct trace_set *t, struct trace_request *r, struct py_stack *s)
{
	r->trail = trace_trail_new(s);
	t->visits.bytes += r->trail ? r->trail->count * sizeof(struct trace_alive) : 0;
	py_stack_free(s);
}

/* Whoever wrote the answer's first byte. Its stack comes behind the bytes. */
static void find_answer(struct trace_set *t, struct trace_request *r, const struct http_exchange *x)
{
	const struct http_write *w = &x->response.write;

	if (r->answered || !x->response.begun)
		return;
	r->answered = true;
	if (!w->is_one)
		return;
	r->place = (struct py_place){.pid = r->process->proc->pid,
				     .start_ns = r->process->proc->start_ns,
				     .ssl = w->conn.ssl,
				     .generation = w->conn.generation,
				     .offset = w->offset};
	struct py_stack *s = py_take(t->py, &r->place, false, 0);
	if (s != NULL)
		took(t, r, s);
	else
		r->awaits = map_add(t->requests.awaiting, &r->place, r) == 0;
}

bool trace_request_stack(struct trace_set *t, struct py *py, const struct py_place *place)
{
	struct trace_request *r = t->requests.awaiting ? map_remove(t->requests.awaiting, place) : NULL;

	if (r == NULL)
		return false;
	r->awaits = false;
	took(t, r, py_take(py, place, false, 0));
	return true;
}

void trace_request_tell(struct trace_set *t, struct trace_call *k, const struct trace_span *s)
{
	struct trace_request *r = k->request;
	const struct http_exchange *x = k->c->x;

	if (r == NULL || x == NULL)
		return;
	find_answer(t, r, x);
	/* What the wire or a marker places is part of something else; a model's server is seen by its callers. */
	r->told = k->parent == 0 && k->hop_of == 0 && k->tool == NULL && !genai_is_model(k->c->kind);
	r->asked = k->client_id != 0;
	r->status = s->status;
	r->span_start_ns = s->start_ns;
	r->span_end_ns = s->end_ns;
	r->end_ns = s->end_ns == 0 ? 0 : x->response.begun ? x->response.end_ns : s->end_ns;
	if (r->end_ns)
		k->request = NULL; /* it may be gone before the call is */
}

/* ---- whose a call is ---- */

struct sign_key {
	uint64_t process, code, frame, outer;
};

/* A request whose answer was written while that frame lived. */
struct sign {
	struct sign_key key;
	struct trace_request *request;
	uint64_t ns;	   /* the answer's write, or when what wrote it was made */
	uint64_t until_ns; /* of this one and those before it: when the last of the answers had ended */
	uint32_t index;
	bool made; /* the frame is the maker's */
	bool brief;
	bool shared; /* of the first of a frame: its requests came over several connections */
};

struct search {
	struct trace_set *t;
	struct map *frames; /* first of each frame's signs; they are in the order of their times */
	struct sign *list;
	uint32_t count;
	struct sign *strangers; /* requests of which nobody knows who answers them, as they began; ns: then */
	uint32_t stranger_count;
};

static uint64_t end_of(const struct trace_request *r)
{
	return r->end_ns ? r->end_ns : UINT64_MAX;
}

static void add_signs(struct search *s, struct trace_request *r)
{
	for (uint32_t i = 0; i < r->trail->count; i++) {
		const struct trace_alive *a = &r->trail->list[i];

		/* What made it before the request was read made it for others, too. */
		if (a->how && a->ns < r->read_ns)
			break;
		s->list[s->count] = (struct sign){.key = {r->process->serial, a->code, a->frame, a->outer},
						  .request = r,
						  .ns = a->ns,
						  .index = s->count,
						  .made = a->how != NULL,
						  .brief = a->brief};
		s->count++;
	}
}

static void add_stranger(struct search *s, struct trace_request *r)
{
	s->strangers[s->stranger_count++] = (struct sign){.request = r, .ns = r->read_ns};
}

static int compare(const void *va, const void *vb)
{
	const struct sign *a = va, *b = vb;
	int c = memcmp(&a->key, &b->key, sizeof(a->key));

	if (c != 0)
		return c;
	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static void sort_signs(struct search *s)
{
	struct sign *first = NULL;

	if (s->count > 1)
		qsort(s->list, s->count, sizeof(*s->list), compare);
	for (struct sign *x = s->list; x < s->list + s->count; x++) {
		bool same = first != NULL && memcmp(&first->key, &x->key, sizeof(x->key)) == 0;

		x->until_ns = end_of(x->request);
		if (same && x[-1].until_ns > x->until_ns)
			x->until_ns = x[-1].until_ns;
		first = same ? first : x;
		first->shared |= x->request->connection != first->request->connection;
		if (!same && map_add(s->frames, &x->key, x) < 0)
			s->t->lost++;
	}
}

static void sort_strangers(struct search *s)
{
	uint64_t until = 0;

	if (s->stranger_count > 1)
		qsort(s->strangers, s->stranger_count, sizeof(*s->strangers), compare);
	for (struct sign *x = s->strangers; x < s->strangers + s->stranger_count; x++) {
		if (end_of(x->request) > until)
			until = end_of(x->request);
		x->until_ns = until;
	}
}

static bool has_span(const struct trace_set *t, const struct trace_request *r)
{
	return r->told && (trace_keep_waits(t) || trace_keep_has(t, r->id));
}

/* How many stand before `ns`. */
static uint32_t count_before(const struct sign *first, uint32_t count, uint64_t ns)
{
	uint32_t low = 0;

	while (low < count) {
		uint32_t mid = low + (count - low) / 2;

		if (first[mid].ns < ns)
			low = mid + 1;
		else
			count = mid;
	}
	return low;
}

/* Whether another request was open then of which nobody knows who answers it. */
static bool has_stranger(const struct search *s, const struct trace_request *r, uint64_t ns)
{
	uint32_t i = count_before(s->strangers, s->stranger_count, ns + 1), looks = 0;

	for (; i > 0 && s->strangers[i - 1].until_ns >= ns; i--) {
		const struct trace_request *o = s->strangers[i - 1].request;

		if (++looks > LOOKS_MAX)
			return true;
		if (o->process == r->process && end_of(o) >= ns &&
		    (o->connection != r->connection || r->http2))
			return true;
	}
	return false;
}

struct claim {
	const struct sign *open; /* its answer had begun and had not ended */
	const struct sign *next; /* else the first one to be answered from there */
	bool several;
};

static bool is_same(const struct sign *a, const struct sign *b)
{
	return memcmp(&a->key, &b->key, sizeof(a->key)) == 0;
}

/* Signs of one frame, by the time of a call from it. */
static struct claim claim_of(const struct search *s, const struct sign *first, uint64_t ns)
{
	uint32_t from = (uint32_t)(first - s->list), looks = 0, at = from, end = s->count;
	struct claim c = {0};

	while (at < end) { /* the first of the frame's own that is not before the call, or the next frame's */
		uint32_t mid = at + (end - at) / 2;

		if (is_same(&s->list[mid], first) && s->list[mid].ns < ns)
			at = mid + 1;
		else
			end = mid;
	}
	for (uint32_t i = at; i < s->count && is_same(&s->list[i], first) && !c.next && !c.several; i++) {
		const struct sign *x = &s->list[i];

		if (x->request->read_ns <= ns && (!x->brief || x->ns == ns))
			c.next = x;
		c.several = ++looks > LOOKS_MAX;
	}
	for (uint32_t i = at; i > from && s->list[i - 1].until_ns >= ns && !c.several; i--) {
		const struct sign *x = &s->list[i - 1];

		c.several = ++looks > LOOKS_MAX;
		if (x->made || x->brief || end_of(x->request) < ns)
			continue;
		c.several |= c.open != NULL;
		c.open = x;
	}
	return c;
}

/* NULL: none; *sure false: nothing further out can tell either. */
static struct trace_request *claimant(const struct search *s, const struct trace_process *pr,
				      const struct trace_alive *a, bool *sure)
{
	struct sign_key key = {pr->serial, a->code, a->frame, a->outer};
	const struct sign *first = map_get(s->frames, &key);
	struct claim c = {0};

	*sure = true;
	if (first == NULL)
		return NULL;
	c = claim_of(s, first, a->ns);
	const struct sign *x = c.open ? c.open : c.next;
	*sure = !c.several;
	if (x == NULL || c.several)
		return NULL;
	/* Who made both may have made more than that. */
	bool maker = x->made && x->ns != a->ns;
	if ((maker || (first->shared && !x->made)) && has_stranger(s, x->request, a->ns)) {
		*sure = false;
		return NULL;
	}
	return x->request;
}

static void find_one(const struct search *s, struct trace_visit *v)
{
	bool sure = true;

	v->request = NULL;
	for (uint32_t i = 0; i < v->trail->count && sure; i++) {
		struct trace_request *r = claimant(s, v->process, &v->trail->list[i], &sure);

		if (r == NULL)
			continue;
		if (has_span(s->t, r)) {
			v->request = r;
			v->request_how = v->trail->list[i].how;
		}
		return;
	}
}

void trace_request_find(struct trace_set *t)
{
	size_t count = 0;

	for (struct trace_request *r = t->requests.first; r != NULL; r = r->next)
		count += r->trail ? r->trail->count : 0;
	if (count == 0 || count > UINT32_MAX / 2)
		return;
	autodrop(drop_map) struct map *frames = map_new(sizeof(struct sign_key), SIZE_MAX / 64);
	autodrop(drop_memory) struct sign *list = calloc(count, sizeof(*list));
	autodrop(drop_memory) struct sign *strangers = calloc(t->requests.count + 1ul, sizeof(*strangers));
	struct search s = {.t = t, .frames = frames, .list = list, .strangers = strangers};
	if (frames == NULL || list == NULL || strangers == NULL) {
		t->lost++;
		return;
	}
	for (struct trace_request *r = t->requests.first; r != NULL; r = r->next)
		if (r->trail)
			add_signs(&s, r);
		else
			add_stranger(&s, r);
	sort_signs(&s);
	sort_strangers(&s);
	for (struct trace_visit *v = t->visits.first; v != NULL; v = v->next)
		if (v->trail && v->follows == 0 && v->root->session == NULL)
			find_one(&s, v);
}

/* ---- later ---- */

void trace_request_clear(struct trace_set *t)
{
	struct trace_requests *all = &t->requests;
	struct trace_request **at = &all->first;

	all->last = NULL;
	for (struct trace_request *r = all->first, *next = NULL; r != NULL; r = next) {
		next = r->next;
		if (r->end_ns == 0) { /* calls may still come */
			all->last = r;
			at = &r->next;
			continue;
		}
		*at = next;
		request_free(all, r);
	}
}
