/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tool calls: from the answer that asked to the request that told. A request tells a result when it quotes the call and
 * then its result, and goes on with the conversation that asked: the messages before the quoted call are, one for one,
 * the asker's input, or what a client left of it (see accepts). The same ids in another agent's prompt answer nothing.
 * Calls without an id are told apart by their place in the answer, and then only in an exact continuation.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "trace/said.h"
#include "trace/set.h"

#define TOOL_FALLBACKS_MAX 256u /* comparisons of edited conversations per request */

struct tool_key {
	struct hash128 id;
	uint64_t process;
};

/* ---- lists ---- */

static struct tool_key key_of(const struct trace_process *pr, struct hash128 id)
{
	return (struct tool_key){.id = id, .process = pr->serial};
}

static void unindex(struct trace_set *t, struct trace_tool *tool)
{
	struct tool_key key = key_of(tool->process, tool->key);
	struct trace_tool *head = map_get(t->tool_index, &key);

	if (!tool->indexed)
		return;
	tool->indexed = false;
	if (head == tool) {
		(void)map_remove(t->tool_index, &key);
		if (tool->same && map_add(t->tool_index, &key, tool->same) < 0)
			for (struct trace_tool *s = tool->same; s != NULL; s = s->same)
				s->indexed = false;
		return;
	}
	for (; head != NULL; head = head->same)
		if (head->same == tool) {
			head->same = tool->same;
			return;
		}
}

/* Newest first among those with the same id; the oldest of too many can no longer be found and stays unanswered. */
static void add_index(struct trace_set *t, struct trace_tool *tool)
{
	struct tool_key key = key_of(tool->process, tool->key);
	struct trace_tool *last = NULL;
	uint32_t n = 1;

	tool->same = map_get(t->tool_index, &key);
	if (map_add(t->tool_index, &key, tool) < 0) {
		tool->same = NULL;
		return;
	}
	tool->indexed = true;
	for (last = tool; last->same != NULL; last = last->same)
		n++;
	if (n > TRACE_SAME_ID_MAX)
		unindex(t, last);
}

static void ask_drop(struct trace_ask *ask)
{
	if (ask->tools > 0)
		return;
	free(ask->messages);
	free(ask);
}

void trace_tool_free(struct trace_set *t, struct trace_tool *tool)
{
	unindex(t, tool);
	if (tool->prev)
		tool->prev->next = tool->next;
	else
		t->tools = tool->next;
	if (tool->next)
		tool->next->prev = tool->prev;
	else
		t->last_tool = tool->prev;
	if (tool->before)
		tool->before->after = tool->after;
	else
		tool->process->tools = tool->after;
	if (tool->after)
		tool->after->before = tool->before;
	t->tool_count--;
	trace_join_part(tool);
	trace_join_free(tool->seen);
	tool->ask->tools--;
	uint64_t chat = tool->ask->chat;
	ask_drop(tool->ask);
	free(tool);
	trace_keep_leave(t, chat);
}

/* ---- the span ---- */

struct outcome {
	const char *word; /* returned, error, unanswered, unseen */
	enum trace_status status;
	uint64_t end_ns;
	uint64_t answered_in; /* 0: nowhere */
	struct str result;
};

static uint64_t parent_of(const struct trace_tool *tool)
{
	return tool->ask->parent ? tool->ask->parent : trace_process_parent(tool->process);
}

/* Why it stands where it stands. */
static void draft_link(struct trace_draft *d, const struct trace_tool *tool, const struct outcome *o)
{
	trace_draft_link(d, "tool_call_id", true);
	trace_draft_evidence(d, "%s %.*s in the answer of span %016llx",
			     tool->has_id ? "tool call" : "tool call without id",
			     STR_ARG(str_head(tool->call_id, 128)), (unsigned long long)tool->ask->chat);
	if (o->answered_in)
		trace_draft_evidence(d, "its result in the request of span %016llx",
				     (unsigned long long)o->answered_in);
}

static void tell(struct trace_set *t, struct trace_tool *tool, const struct outcome *o)
{
	const char *word = o->word;
	struct str result = o->result;
	struct trace_draft d;
	struct buf name;

	buf_init(&name, 4096);
	trace_draft_init(&d);
	d.s.id = tool->id;
	d.s.asked_by = tool->ask->chat;
	d.s.seq = tool->seq;
	d.s.kind = "execute_tool";
	buf_addf(&name, "execute_tool %.*s", STR_ARG(str_head(tool->name, 1024)));
	d.s.name = buf_err(&name) ? STR("execute_tool") : buf_str(&name);
	d.s.parent = parent_of(tool);
	d.s.start_ns = tool->start_ns;
	d.s.end_ns = o->end_ns;
	d.s.bounded = true;
	d.s.status = o->status;
	if (o->status == TRACE_STATUS_ERROR)
		d.s.status_type = STR("tool_error");
	if (tool->seen)
		trace_join_draft(&d, tool, &word, &result);
	d.s.pid = tool->process->proc ? tool->process->proc->pid : 0;
	if (d.s.parent)
		draft_link(&d, tool, o);
	if (d.s.parent && tool->seen)
		trace_draft_evidence(&d, "called by MCP from this process: the same arguments, and its name");
	trace_draft_str(&d, "gen_ai.operation.name", STR("execute_tool"));
	trace_draft_str(&d, "gen_ai.tool.name", tool->name);
	if (tool->has_id)
		trace_draft_str(&d, "gen_ai.tool.call.id", tool->call_id);
	if (!t->light) {
		trace_draft_json(&d, "gen_ai.tool.call.arguments", tool->args);
		trace_draft_json(&d, "gen_ai.tool.call.result", result);
	}
	trace_draft_str(&d, "bottrace.tool.outcome", str_of(word));
	trace_draft_str(&d, "bottrace.requested_by", trace_draft_hex(&d, tool->ask->chat));
	if (o->answered_in)
		trace_draft_str(&d, "bottrace.answered_in", trace_draft_hex(&d, o->answered_in));
	if (o->answered_in)
		trace_keep_refer(t, tool->id, o->answered_in);
	if (d.s.status == TRACE_STATUS_ERROR)
		trace_draft_str(&d, "error.type", d.s.status_type);
	trace_tell(t, tool->root, &d, &tool->told);
	trace_errand_add(t, tool, o->end_ns);
	buf_fini(&name);
}

/* ---- asked ---- */

/* A call's own id, or its place among the calls of its message that have none. */
static struct hash128 call_key(struct str id, uint32_t place)
{
	return id.n ? hash_u128(id, 1) : hash_u128(str_make(&place, sizeof(place)), 2);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t conversation_of(const struct genai_call *c)
{
	return c->kept && c->conversation_id.n > 0 ? hash_u64(c->conversation_id, 1) : 0;
}

static struct trace_ask *ask_new(const struct trace_call *k)
{
	const struct genai_call *c = k->c;
	struct trace_ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL)
		return NULL;
	ask->chat = k->id;
	ask->parent = trace_call_place(k);
	ask->connection = k->connection;
	ask->conversation = conversation_of(c);
	ask->inputs = c->input_count;
	ask->tid = c->x ? c->x->tid : 0;
	ask->system = k->system;
	ask->messages = calloc(c->input_count ? c->input_count : 1, sizeof(*ask->messages));
	for (uint32_t i = 0; i < c->input_count; i++) {
		ask->chain = hash_chain(ask->chain, c->input[i].hash);
		if (ask->messages)
			ask->messages[i] = c->input[i].hash.lo;
	}
	if (c->input_count > 0) {
		ask->first = c->input[0].hash.lo;
		ask->last = c->input[c->input_count - 1].hash.lo;
		ask->first_is_system =
			str_eq(c->input[0].role, STR("system")) || str_eq(c->input[0].role, STR("developer"));
	}
	if (ask->messages)
		qsort(ask->messages, c->input_count, sizeof(*ask->messages), by_value);
	return ask;
}

static struct str keep(char **at, struct str s)
{
	struct str kept = {s.p ? *at : NULL, s.n};

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return kept;
}

static struct trace_tool *tool_new(struct trace_call *k, struct trace_ask *ask, const struct genai_part *p,
				   uint32_t place, uint32_t index)
{
	struct trace_tool *tool = calloc(1, sizeof(*tool) + p->id.n + p->name.n + p->value.n + 1);
	uint64_t facts[] = {k->id, index};

	if (tool == NULL)
		return NULL;
	char *at = (char *)(tool + 1);
	tool->call_id = keep(&at, p->id);
	tool->name = keep(&at, p->name);
	tool->args = keep(&at, p->value);
	tool->has_id = p->id.n > 0;
	tool->key = call_key(p->id, place);
	tool->process = k->process;
	tool->root = k->root;
	tool->ask = ask;
	tool->id = trace_id_of(facts, 2, 3);
	tool->start_ns = k->c->end_ns;
	ask->tools++;
	return tool;
}

static void open_tool(struct trace_set *t, struct trace_tool *tool)
{
	struct trace_process *pr = tool->process;

	if (t->tool_count >= LIMIT_OPEN_SPANS) {
		tell(t, t->tools, &(struct outcome){.word = "unanswered", .status = TRACE_STATUS_OPEN});
		trace_tool_free(t, t->tools);
	}
	tool->prev = t->last_tool;
	if (t->last_tool)
		t->last_tool->next = tool;
	else
		t->tools = tool;
	t->last_tool = tool;
	t->tool_count++;
	tool->after = pr->tools;
	if (pr->tools)
		pr->tools->before = tool;
	pr->tools = tool;
	tool->seq = ++tool->root->seq;
	add_index(t, tool);
	trace_keep_enter(t, tool->root, tool->ask->chat);

	struct trace_span s = {.id = tool->id, .parent = parent_of(tool), .seq = tool->seq};
	s.kind = "execute_tool";
	s.name = tool->name;
	s.start_ns = tool->start_ns;
	s.bounded = true;
	trace_began(t, tool->root, &s);
}

static void ask_said(struct trace_set *t, struct trace_call *k)
{
	struct genai_part call;

	if (!trace_said_part(k->c, &call))
		return;
	struct trace_ask *ask = ask_new(k);
	struct trace_tool *tool = ask ? tool_new(k, ask, &call, 0, 0) : NULL;

	if (tool)
		open_tool(t, tool);
	else
		t->lost++;
	if (ask)
		ask_drop(ask);
}

void trace_tool_ask(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;
	struct trace_ask *ask = NULL;
	uint32_t index = 0;

	for (uint32_t i = 0; i < c->output_count; i++) {
		const struct genai_message *m = &c->output[i];
		uint32_t place = 0;

		for (uint32_t j = 0; j < m->count; j++) {
			const struct genai_part *p = &m->parts[j];

			if (p->type != GENAI_TOOL_CALL)
				continue;
			if (ask == NULL)
				ask = ask_new(k);
			struct trace_tool *tool = ask ? tool_new(k, ask, p, place, index) : NULL;
			place += p->id.n == 0;
			index++;
			if (tool)
				open_tool(t, tool);
			else
				t->lost++;
		}
	}
	if (ask)
		ask_drop(ask);
	else
		ask_said(t, k);
}

/* ---- told ---- */

/* The request being looked at. */
struct reading {
	struct trace_set *t;
	struct trace_call *k;
	struct hash128 chain; /* of the messages before the one at hand */
	uint32_t at;	      /* its position */
	uint32_t fallbacks;
	uint32_t calls, results;  /* without id, since the last message that asked */
	uint32_t looks;		  /* at stacks of askers */
	struct trace_visit *from; /* where the request was made; NULL: not looked at yet, or not known */
};

/* Whether all messages before the one at hand were in the asker's input: a history that was only trimmed. */
static bool only_ours(struct reading *r, struct trace_ask *ask)
{
	const struct genai_call *c = r->k->c;

	if (ask->messages == NULL)
		return false;
	if (ask->checked != r->t->request) {
		ask->checked = r->t->request;
		ask->members = 0;
	}
	while (ask->members < r->at && bsearch(&c->input[ask->members].hash.lo, ask->messages, ask->inputs,
					       sizeof(*ask->messages), by_value))
		ask->members++;
	return ask->members >= r->at;
}

/*
 * Whether the call quoted at hand is the asker's, in its own conversation. Exactly so when the messages before it are
 * the asker's input. Clients trim and compact histories: then the message right before it must still be the one that
 * the asker answered, and the instructions the asker's; where there are none, nothing foreign may stand before the call.
 */
static bool accepts(struct reading *r, const struct trace_tool *tool, bool *exact)
{
	const struct genai_call *c = r->k->c;
	struct trace_ask *ask = tool->ask;

	*exact = r->at == ask->inputs && hash_eq(r->chain, ask->chain) && hash_eq(ask->system, r->k->system);
	if (*exact)
		return true;
	if (!tool->has_id || r->at == 0 || ask->inputs == 0 || !hash_eq(ask->system, r->k->system) ||
	    ++r->fallbacks > TOOL_FALLBACKS_MAX)
		return false;
	if (ask->first_is_system && c->input[0].hash.lo != ask->first)
		return false;
	if (c->input[r->at - 1].hash.lo != ask->last)
		return false;
	return ask->first_is_system || c->system_count > 0 || only_ours(r, ask);
}

static void quote_call(struct reading *r, const struct genai_part *p)
{
	struct tool_key key = key_of(r->k->process, call_key(p->id, r->calls));

	r->calls += p->id.n == 0;
	for (struct trace_tool *tool = map_get(r->t->tool_index, &key); tool != NULL; tool = tool->same) {
		bool exact = false;

		if (accepts(r, tool, &exact)) {
			tool->pending = r->t->request;
			tool->exact = exact;
		}
	}
}

static void tell_result(struct reading *r, const struct genai_part *p)
{
	struct tool_key key = key_of(r->k->process, call_key(p->id, r->results));
	uint32_t tid = r->k->c->x ? r->k->c->x->tid : 0;
	struct trace_tool *best = NULL, *first = map_get(r->t->tool_index, &key);
	bool several = first && first->same;
	uint32_t best_score = 0;

	r->results += p->id.n == 0;
	/* Newest first: of equals the newest stays. */
	for (struct trace_tool *tool = first; tool != NULL; tool = tool->same) {
		if (tool->pending != r->t->request)
			continue;
		uint32_t score = 1 + 4 * TRACE_SHARED_MAX * tool->exact + (tool->ask->tid == tid);

		if (several && ++r->looks <= TRACE_VISIT_LOOKS)
			score += 2 * trace_errand_shared(r->t, r->k, tool->ask->chat, &r->from);

		if (score > best_score) {
			best = tool;
			best_score = score;
		}
	}
	if (best == NULL)
		return;
	best->pending = 0;
	/* An id may come again in one conversation: the exact place counts, else the last one. */
	if (best->answered == r->t->request && best->answered_exactly && !best->exact)
		return;
	best->answered = r->t->request;
	best->answered_exactly = best->exact;
	best->result = p;
}

static void end_answered(struct reading *r)
{
	struct trace_tool *tool = r->k->process->tools, *next = NULL;

	while (tool->after) /* the oldest first, as they were asked */
		tool = tool->after;
	for (; tool != NULL; tool = next) {
		next = tool->before;
		if (tool->answered != r->t->request)
			continue;
		bool error = tool->result->is_error;

		r->k->asked_in = tool->ask->chat;
		tell(r->t, tool,
		     &(struct outcome){
			     .word = error ? "error" : "returned",
			     .status = error ? TRACE_STATUS_ERROR : TRACE_STATUS_OK,
			     .end_ns = r->k->c->start_ns,
			     .answered_in = r->k->id,
			     .result = tool->result->value,
		     });
		trace_tool_free(r->t, tool);
	}
}

/* The response that this request goes on from asked, or one on the same connection or in the same conversation, whose
 * history the server holds: its calls stand right before, on the server. */
static void chained_calls(struct reading *r)
{
	uint64_t conversation = conversation_of(r->k->c);

	for (struct trace_tool *tool = r->k->process->tools; tool != NULL; tool = tool->after) {
		bool held = r->k->c->held && tool->has_id && tool->ask->connection == r->k->connection;
		bool kept = conversation != 0 && tool->has_id && tool->ask->conversation == conversation;

		if (!held && !kept && (!r->k->continues.chained || tool->ask->chat != r->k->continues.id))
			continue;
		tool->pending = r->t->request;
		tool->exact = true;
	}
}

void trace_tool_answer(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;
	struct reading r = {.t = t, .k = k};
	uint32_t before = k->continues.chained ? 0 : k->continues.messages; /* that an earlier request had */

	t->request++;
	if (k->process->tools == NULL)
		return;
	if (k->continues.chained || c->held || c->kept)
		chained_calls(&r);
	for (uint32_t i = 0; i < c->input_count; i++) {
		const struct genai_message *m = &c->input[i];
		bool asked = false;

		r.at = i;
		for (uint32_t j = 0; j < m->count; j++) {
			if (m->parts[j].type == GENAI_TOOL_CALL) {
				if (!asked)
					r.calls = r.results = 0;
				asked = true;
				quote_call(&r, &m->parts[j]);
			} else if (m->parts[j].type == GENAI_TOOL_RESPONSE && (m->known || i < before)) {
				r.results +=
					m->parts[j].id.n == 0; /* the request that had it first told it */
			} else if (m->parts[j].type == GENAI_TOOL_RESPONSE) {
				tell_result(&r, &m->parts[j]);
			}
		}
		r.chain = hash_chain(r.chain, m->hash);
	}
	free(r.from);
	end_answered(&r);
}

/* The newest one with this id. */
static struct trace_tool *tool_find(struct trace_set *t, struct trace_process *pr, struct str id)
{
	struct tool_key key = key_of(pr, call_key(id, 0));

	return id.n > 0 ? map_get(t->tool_index, &key) : NULL;
}

uint64_t trace_tool_find(struct trace_set *t, struct trace_process *pr, struct str id)
{
	struct trace_tool *tool = tool_find(t, pr, id);

	return tool ? tool->id : 0;
}

void trace_tool_told(struct trace_set *t, struct trace_call *k, const struct genai_part *result,
		     uint64_t ts_ns)
{
	struct trace_tool *tool = tool_find(t, k->process, result->id);

	if (tool == NULL)
		return;
	tell(t, tool,
	     &(struct outcome){
		     .word = result->is_error ? "error" : "returned",
		     .status = result->is_error ? TRACE_STATUS_ERROR : TRACE_STATUS_OK,
		     .end_ns = ts_ns,
		     .result = result->value,
	     });
	trace_tool_free(t, tool);
}

/* ---- never told ---- */

/* Nobody told the result; or it may stand in what policy left out of a later request, and when that was is not known. */
static void tell_unanswered(struct trace_set *t, struct trace_tool *tool, struct outcome o)
{
	bool unseen = tool->process->cut_ns && tool->process->cut_ns >= tool->start_ns;

	o.word = unseen ? "unseen" : "unanswered";
	if (unseen)
		o.end_ns = 0;
	tell(t, tool, &o);
	trace_tool_free(t, tool);
}

void trace_tool_end(struct trace_set *t, struct trace_process *pr)
{
	const struct proc *p = pr->proc;
	/* A program that ends in peace may have asked for its last answer in the form of a tool call. */
	bool peace = p->exit_signal == 0 && p->exit_code == 0;
	struct outcome o = {.end_ns = p->end_ns};

	o.status = peace ? TRACE_STATUS_OK : TRACE_STATUS_ABORTED;
	while (pr->tools)
		tell_unanswered(t, pr->tools, o);
}

void trace_tool_finish(struct trace_set *t)
{
	while (t->tools)
		tell_unanswered(t, t->tools, (struct outcome){.status = TRACE_STATUS_OPEN});
}
