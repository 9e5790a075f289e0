/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace/visit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/set.h"

#define VISITS_MAX (1u << 20)

struct input_key {
	struct hash128 chain;
	uint64_t process;
};

struct spot_key {
	uint64_t process, code;
	uint64_t name; /* an address may hold another code object later */
};

int trace_visit_init(struct trace_visits *v)
{
	v->ids = map_new(sizeof(uint64_t), VISITS_MAX);
	v->talks = map_new(sizeof(struct hash128) + sizeof(uint64_t), VISITS_MAX);
	v->inputs = map_new(sizeof(struct input_key), VISITS_MAX);
	v->spots = map_new(sizeof(struct spot_key), VISITS_MAX);
	v->names = map_new(sizeof(struct hash128), VISITS_MAX);
	return v->ids && v->talks && v->inputs && v->spots && v->names ? 0 : -ENOMEM;
}

static void free_visits(struct trace_visits *v)
{
	while (v->first) {
		struct trace_visit *old = v->first;

		v->first = old->next;
		while (old->errands) {
			struct trace_errand *e = old->errands;

			old->errands = e->next;
			free(e);
		}
		free(old->words);
		free(old->trail);
		free(old);
	}
	v->last = NULL;
	while (v->first_spot) {
		struct trace_spot *s = v->first_spot;

		v->first_spot = s->next;
		free(s);
	}
	while (v->first_name) {
		struct trace_name *n = v->first_name;

		v->first_name = n->next;
		free(n);
	}
}

void trace_visit_fini(struct trace_visits *v)
{
	free_visits(v);
	map_free(v->ids);
	map_free(v->talks);
	map_free(v->inputs);
	map_free(v->spots);
	map_free(v->names);
	*v = (struct trace_visits){0};
}

void trace_visit_clear(struct trace_visits *v)
{
	trace_visit_fini(v);
	if (trace_visit_init(v) < 0)
		trace_visit_fini(v); /* no agents from here on */
}

/* ---- frames ---- */

/* Functions that a program is run by, and that drive no agent however long they live. */
static bool is_outermost(struct str function)
{
	static const char *const names[] = {"<module>", "main", "_main", "amain", "async_main"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq(function, str_of(names[i])))
			return true;
	return false;
}

static struct str put(char **at, struct str s)
{
	struct str out = str_make(*at, s.n);

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return out;
}

static struct trace_spot *spot_get(struct trace_set *t, const struct trace_process *pr,
				   const struct py_frame *f)
{
	struct trace_visits *v = &t->visits;
	struct spot_key key = {.process = pr->serial, .code = f->code};

	key.name = hash_u64(f->function, hash_u64(f->file, 5));
	struct trace_spot *s = map_get(v->spots, &key);

	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s) + f->file.n + f->function.n);
	if (s == NULL)
		return NULL;
	char *at = (char *)(s + 1);
	s->file = put(&at, f->file);
	s->function = put(&at, f->function);
	s->user = f->origin == PY_ORIGIN_USER;
	s->qualified = f->qualified;
	s->outermost = is_outermost(f->function);
	s->rule =
		t->rules_table ? rules_next(t->rules_table, NULL, f->file, f->function, f->qualified) : NULL;
	if (map_add(v->spots, &key, s) < 0) {
		free(s);
		return NULL;
	}
	s->next = v->first_spot;
	v->first_spot = s;
	v->bytes += sizeof(*s) + f->file.n + f->function.n;
	return s;
}

bool trace_where_eq(const struct trace_where *a, const struct trace_where *b)
{
	return a->spot == b->spot && a->frame == b->frame && a->outer == b->outer;
}

uint32_t trace_visit_find(const struct trace_visit *v, const struct trace_where *w)
{
	for (uint32_t i = 0; i < v->count; i++)
		if (trace_where_eq(&v->sights[i].where, w))
			return i;
	return TRACE_VISIT_NONE;
}

/*
 * A generator's frame outlives whatever runs it: what stands outwards of it says nothing, except that a coroutine which
 * another one awaits is that one's for as long as it lives.
 */
static bool stands_alone(const struct py_stack *s, uint32_t i)
{
	const struct py_frame *f = &s->frames[i];

	return f->generator && !(f->coroutine && i + 1 < s->count && s->frames[i + 1].coroutine);
}

/*
 * Where a frame stands, as far as it is the same for all that it calls from there. One that waits for another coroutine
 * stands on one of several instructions of that await, by whether it was resumed: its line is meant.
 */
static int32_t place_of(const struct py_stack *s, uint32_t i)
{
	const struct py_frame *f = &s->frames[i];
	bool waits = f->generator && i > 0 && s->frames[i - 1].generator;

	return waits && f->line ? -(int32_t)(f->line & 0x3fffffff) - 2 : f->lasti;
}

/* ---- what rules say ---- */

static const struct trace_name *name_get(struct trace_visits *v, struct str text)
{
	struct hash128 key = hash_u128(text, 8);
	struct trace_name *n = map_get(v->names, &key);

	if (n != NULL)
		return n;
	n = calloc(1, sizeof(*n) + text.n);
	if (n == NULL)
		return NULL;
	char *at = (char *)(n + 1);
	n->text = put(&at, text);
	if (map_add(v->names, &key, n) < 0) {
		free(n);
		return NULL;
	}
	n->next = v->first_name;
	v->first_name = n;
	v->bytes += sizeof(*n) + text.n;
	return n;
}

struct values {
	const struct py_value *first;
	uint32_t count;
};

/* What a rule's path led to from a frame; n 0: nothing is known of it. */
static struct str value_of(const struct values *vs, uint64_t frame, uint32_t rule)
{
	for (uint32_t i = 0; i < vs->count; i++)
		if (vs->first[i].frame == frame && vs->first[i].rule == rule)
			return vs->first[i].text;
	return STR_NONE;
}

/* The first rule whose name is there decides; without any value, the first, and its name is not known. */
static void fill_rule(struct trace_set *t, struct trace_sight *to, const struct values *vs)
{
	const struct trace_spot *s = to->where.spot;
	const struct rules_rule *last = s->rule;

	to->ruled = true;
	to->kind = s->rule->kind;
	for (const struct rules_rule *r = s->rule; r != NULL;
	     r = rules_next(t->rules_table, r, s->file, s->function, s->qualified)) {
		struct str text = value_of(vs, to->where.frame, r->number);

		if (r->kind == RULES_TOOL_ID) {
			to->id = text.n ? name_get(&t->visits, text) : NULL;
			continue;
		}
		last = r;
		if (to->name == NULL && text.n) {
			to->name = name_get(&t->visits, text);
			to->kind = r->kind;
		}
	}
	/* All were looked for and none is there: it is what the last one says. */
	if (to->name == NULL && vs->count > 0)
		to->kind = last->kind;
}

static bool is_agents(const struct trace_sight *s)
{
	return s->ruled && (s->kind == RULES_AGENT || s->kind == RULES_RUN || s->kind == RULES_TURN);
}

/* ---- stacks ---- */

#define LINKS_MAX 32u /* boundaries from a call outwards */

/* A stack of the chain from a call outwards. */
struct link {
	const struct py_stack *stack;
	uint32_t reach; /* frames of it that belong to the run */
	const char *how;
	bool likely;
};

struct links {
	struct link list[LINKS_MAX];
	uint32_t count, frames;
	bool outermost; /* nothing lies further out */
};

static const char *how_word(enum py_how how)
{
	return how == PY_HOW_TASK     ? "task"
	       : how == PY_HOW_WORK   ? "submit"
	       : how == PY_HOW_THREAD ? "thread"
				      : NULL;
}

/* From the call's stack outwards, over what made each run. */
static void find_links(struct links *l, const struct py_stack *s)
{
	const char *how = NULL;
	bool likely = false;

	while (s != NULL && l->count < LINKS_MAX) {
		const struct py_stack *outer = py_outwards(s);
		uint32_t reach = outer && s->reach < s->count ? s->reach : s->count;

		l->list[l->count++] = (struct link){.stack = s, .reach = reach, .how = how, .likely = likely};
		l->frames += reach;
		l->outermost = outer == NULL && s->how == PY_HOW_NONE && s->partial == PY_WHOLE && !likely;
		how = how_word(s->how);
		likely |= !s->certain;
		s = outer;
	}
}

/* Whether functions of a stack that made a task had returned when that ran: a step of the same loop called them. What they
 * began is a run of its own each time, and may outlive them. */
static bool is_gone(const struct link *l)
{
	return l->how && strcmp(l->how, "task") == 0 &&
	       (l->stack->how == PY_HOW_TASK || l->stack->how == PY_HOW_CALLBACK);
}

/* From the outermost frame of one stack inwards; its sights end before `end`. */
static uint32_t fill_stack(struct trace_set *t, struct trace_visit *v, const struct link *l,
			   struct trace_spot *const *spots, uint32_t end)
{
	uint64_t outer = 0;
	bool gone = is_gone(l);
	struct values vs;

	vs.first = py_values(l->stack, &vs.count);

	for (uint32_t i = l->reach; i > 0; i--) {
		const struct py_frame *f = &l->stack->frames[i - 1];

		if (stands_alone(l->stack, i - 1))
			outer = 0;
		if (gone && !f->generator) {
			uint64_t facts[] = {outer, l->stack->ts_ns};
			outer = hash_u64(str_make(facts, sizeof(facts)), 6);
			gone = false;
		}
		if (spots[i - 1] != NULL) {
			struct trace_sight *to = &v->sights[--end];

			*to = (struct trace_sight){.lasti = place_of(l->stack, i - 1),
						   .line = f->line,
						   .seen_ns = l->stack->ts_ns,
						   .loop = f->loop,
						   .how = l->how,
						   .likely = l->likely};
			to->where.frame = f->frame;
			to->where.outer = outer;
			to->where.spot = spots[i - 1];
			if (to->where.spot->rule)
				fill_rule(t, to, &vs);
		}
		uint64_t facts[] = {outer, f->frame, f->code, (uint64_t)(int64_t)place_of(l->stack, i - 1)};
		outer = hash_u64(str_make(facts, sizeof(facts)), 6);
	}
	return end;
}

static void fill_sights(struct trace_set *t, struct trace_visit *v, const struct links *l,
			struct trace_spot *const *spots, uint32_t count)
{
	uint32_t end = count, at = l->frames;

	v->count = count;
	for (uint32_t i = l->count; i > 0; i--) {
		at -= l->list[i - 1].reach;
		end = fill_stack(t, v, &l->list[i - 1], spots + at, end);
	}
	while (v->inner < v->count && !is_agents(&v->sights[v->inner]))
		v->inner++;
}

/* Functions of the frames that are looked at; how many, UINT32_MAX without memory. */
static uint32_t find_spots(struct trace_set *t, struct trace_process *pr, const struct links *l,
			   struct trace_spot **spots)
{
	uint32_t count = 0, at = 0;

	for (uint32_t n = 0; n < l->count; n++)
		for (uint32_t i = 0; i < l->list[n].reach; i++, at++) {
			const struct py_frame *f = &l->list[n].stack->frames[i];
			struct trace_spot *spot = f->function.n ? spot_get(t, pr, f) : NULL;

			if (f->function.n && spot == NULL)
				return UINT32_MAX;
			spots[at] = spot && (spot->user || spot->rule) ? spot : NULL;
			count += spots[at] != NULL;
		}
	return count;
}

struct trace_visit *trace_visit_new(struct trace_set *t, struct trace_process *pr,
				    const struct py_stack *stack)
{
	struct links l = {0};

	find_links(&l, stack);
	autodrop(drop_memory) struct trace_spot **spots = calloc(l.frames + 1, sizeof(struct trace_spot *));
	uint32_t count = spots ? find_spots(t, pr, &l, spots) : UINT32_MAX;
	size_t bytes = sizeof(struct trace_visit) + (size_t)count * sizeof(struct trace_sight);
	struct trace_visit *v = count != UINT32_MAX ? calloc(1, bytes) : NULL;
	if (v == NULL)
		return NULL;
	v->process = pr;
	v->drive = v->run_at = TRACE_VISIT_NONE;
	v->talk = v;
	v->outermost = l.outermost;
	fill_sights(t, v, &l, spots, count);
	t->visits.bytes += bytes;
	return v;
}

static struct trace_visit *visit_new(struct trace_set *t, const struct trace_call *k)
{
	struct trace_visit *v = trace_visit_new(t, k->process, k->stack);

	if (v == NULL)
		return NULL;
	v->id = k->id;
	v->root = k->root ? k->root : k->process->root;
	v->tid = k->c->x ? k->c->x->tid : 0;
	v->trail = k->process->asked ? trace_trail_new(k->stack) : NULL;
	t->visits.bytes += v->trail ? v->trail->count * sizeof(struct trace_alive) : 0;
	if (k->c->conversation_id.n)
		v->conversation = name_get(&t->visits, k->c->conversation_id);
	return v;
}

/* ---- conversations ---- */

/* The deepest run that both stacks may share; of equals the first that is offered stays. */
static void consider(struct trace_visit *v, struct trace_visit *earlier)
{
	for (uint32_t i = 0; i < v->count && (v->from == NULL || i < v->at); i++) {
		uint32_t j = trace_visit_find(earlier, &v->sights[i].where);

		if (j == TRACE_VISIT_NONE)
			continue;
		v->from = earlier;
		v->at = i;
		v->from_at = j;
		return;
	}
}

static void consider_all(struct trace_visit *v, struct trace_visit *earlier)
{
	for (uint32_t n = 0; earlier != NULL && n < TRACE_VISIT_LOOKS; n++, earlier = earlier->same)
		consider(v, earlier);
}

/* Their input, followed by an answer, is what this one begins with. */
static void find_prefix(struct trace_visits *all, struct trace_visit *v, const struct trace_call *k,
			const struct hash128 *chains)
{
	const struct genai_call *c = k->c;

	for (uint32_t n = c->input_count; n-- > 1 && v->from == NULL;) {
		struct input_key key = {.chain = chains[n], .process = k->process->serial};

		if (str_eq(c->input[n].role, STR("assistant")))
			consider_all(v, map_get(all->inputs, &key));
	}
}

/* What is sent again after it failed, from the same place of the same run. */
static void find_failed(struct trace_visits *all, struct trace_visit *v, struct trace_visit *earlier)
{
	(void)all;
	for (uint32_t n = 0; earlier != NULL && n < TRACE_VISIT_LOOKS; n++, earlier = earlier->same) {
		if (!earlier->failed)
			continue;
		consider(v, earlier);
		if (v->from)
			break;
	}
	v->again = v->from != NULL;
}

/* Without memory the call begins like no other one. */
static void keep_words(struct trace_visits *all, struct trace_visit *v, const struct trace_call *k)
{
	const struct genai_call *c = k->c;
	uint32_t i = 0;

	while (i < c->input_count && !str_eq(c->input[i].role, STR("user")))
		i++;
	if (i == c->input_count || c->input[i].known || c->input[i].count == 0)
		return;
	struct str text = c->input[i].parts[0].text, head = str_head(text, TRACE_HEAD_BYTES);
	size_t tail = text.n < TRACE_TAIL_BYTES ? text.n : TRACE_TAIL_BYTES;
	v->words = head.n ? malloc(head.n + tail) : NULL;
	if (v->words == NULL)
		return;
	memcpy(v->words, head.p, head.n);
	memcpy(v->words + head.n, text.p + text.n - tail, tail);
	v->words_bytes = text.n;
	v->head_bytes = head.n;
	v->tail_bytes = tail;
	v->system = k->system;
	all->bytes += head.n + tail;
}

size_t trace_visit_grown(const struct trace_visit *v, const struct trace_visit *from)
{
	size_t head = 0, tail = 0;

	if (!v->words || !from->words || v->words_bytes <= from->words_bytes ||
	    !hash_eq(v->system, from->system))
		return 0;
	const char *v_end = v->words + v->head_bytes + v->tail_bytes,
		   *from_end = from->words + from->head_bytes + from->tail_bytes;
	while (head < from->head_bytes && v->words[head] == from->words[head])
		head++;
	while (tail < from->tail_bytes && v_end[-1 - (ptrdiff_t)tail] == from_end[-1 - (ptrdiff_t)tail])
		tail++;
	bool all = head == from->head_bytes && tail == from->tail_bytes;
	return all || head + tail >= from->words_bytes ? v->words_bytes - from->words_bytes : 0;
}

static void find_talk(struct trace_visits *all, struct trace_visit *v, const struct trace_call *k)
{
	const struct genai_call *c = k->c;
	uint32_t n = c->input_count;
	autodrop(drop_memory) struct hash128 *chains = calloc((size_t)n + 1, sizeof(*chains));

	if (chains == NULL)
		return;
	chains[0] = k->system;
	for (uint32_t i = 0; i < n; i++) {
		chains[i + 1] = hash_chain(chains[i], c->input[i].hash);
		v->answers += str_eq(c->input[i].role, STR("assistant"));
	}
	uint64_t said = k->continues.chained ? k->continues.id : k->asked_in;
	struct trace_visit *before = said ? map_get(all->ids, &said) : NULL;
	struct input_key key = {.chain = chains[n], .process = k->process->serial};
	struct trace_visit *same = n > 0 ? map_get(all->inputs, &key) : NULL;

	if (k->continues.chained && before)
		consider(v, before);
	if (v->from == NULL)
		find_prefix(all, v, k, chains);
	if (v->from == NULL && before)
		consider(v, before);
	if (v->from == NULL)
		find_failed(all, v, same);
	if (v->from)
		v->talk = v->from->talk;
	else
		keep_words(all, v, k);
	v->same = same;
	if (n > 0 && map_add(all->inputs, &key, v) < 0)
		v->same = NULL;
}

/* ---- told ---- */

static void update(struct trace_visit *v, const struct trace_call *k)
{
	const struct genai_call *c = k->c;
	uint64_t start = k->before ? k->before->start_ns : c->start_ns;

	v->start_ns = start;
	v->end_ns = c->status == GENAI_OPEN ? 0 : c->end_ns;
	v->failed = c->status == GENAI_ERROR || c->status == GENAI_ABORTED;
}

void trace_visit_add(struct trace_set *t, struct trace_call *k)
{
	struct trace_visits *all = &t->visits;

	if (all->ids == NULL || k->parent || k->process->root == NULL)
		return;
	bool talk = trace_talk_has(t, k);
	if (k->stack == NULL && k->hop_of == 0 && !talk)
		return;
	struct trace_visit *v = map_get(all->ids, &k->id);
	if (v != NULL) {
		update(v, k);
		return;
	}
	if (all->bytes > TRACE_VISIT_BYTES)
		trace_agent_settle(t);
	v = all->ids ? visit_new(t, k) : NULL;
	if (v == NULL || map_add(all->ids, &v->id, v) < 0) {
		if (v)
			free(v->trail);
		free(v);
		return;
	}
	update(v, k);
	v->model = genai_is_model(k->c->kind) && !(k->c->x && k->c->x->server_side);
	v->follows = k->hop_of;
	v->served_for = k->served_for;
	if (talk)
		trace_talk_add(t, v, k);
	else if (v->model && v->follows == 0)
		find_talk(all, v, k);
	*(all->last ? &all->last->next : &all->first) = v;
	all->last = v;
}
