/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is in the middle of a conversation. A call goes on with the one whose history or tools it carries on; any other begins
 * a conversation of its own. Nothing is concluded from it in the document but what stood where at a failure.
 */
#include "trace/speaker.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/jsonw.h"
#include "trace/excerpt.h"

#define SPEAKERS_MAX 256u

/* ---- list ---- */

static void list(struct trace_set *t, struct trace_speaker *s)
{
	s->next = NULL;
	s->prev = t->last_speaker;
	*(s->prev ? &s->prev->next : &t->speakers) = s;
	t->last_speaker = s;
	t->speaker_count++;
}

static void unlist(struct trace_set *t, struct trace_speaker *s)
{
	*(s->prev ? &s->prev->next : &t->speakers) = s->next;
	*(s->next ? &s->next->prev : &t->last_speaker) = s->prev;
	t->speaker_count--;
}

static void speaker_free(struct trace_set *t, struct trace_speaker *s)
{
	unlist(t, s);
	(void)map_remove(t->speaker_index, &s->id);
	if (s->call)
		s->call->speaker = NULL;
	s->process->speakers--;
	py_stack_free(s->stack);
	for (uint32_t i = 0; i < s->said_count; i++)
		free(s->said[i]);
	free(s->system);
	free(s);
}

/* The one of whom nothing was heard for longest, and who waits for no answer. */
static void make_room(struct trace_set *t)
{
	struct trace_speaker *s = t->speakers;

	while (s->next && s->call)
		s = s->next;
	speaker_free(t, s->call ? t->speakers : s);
}

/* ---- what was said ---- */

static void say(struct trace_speaker *s, const struct genai_message *m)
{
	autodrop(buf_fini) struct buf b = {0};

	s->messages++;
	if (m->known)
		return; /* its texts stand in an earlier request */
	buf_init(&b, 16 * SPEAKER_BYTES);
	trace_excerpt_message(&b, m, SPEAKER_BYTES);
	char *text = buf_err(&b) ? NULL : str_dup(buf_str(&b));
	if (text == NULL)
		return;
	if (s->said_count == SPEAKER_SAID) {
		free(s->said[0]);
		memmove(s->said, s->said + 1, (SPEAKER_SAID - 1) * sizeof(*s->said));
		s->said_count--;
	}
	s->said[s->said_count++] = text;
}

/* How many of the messages of its request were heard before. */
static uint32_t heard_before(const struct trace_speaker *s, const struct trace_call *k, bool known)
{
	const struct genai_call *c = k->c;
	uint32_t n = c->input_count;

	if (!known || k->continues.chained)
		return 0;
	if (k->continues.id == s->id)
		return k->continues.messages < n ? k->continues.messages : n;
	while (n > 0 && !str_eq(c->input[n - 1].role, STR("assistant")))
		n--;
	return n;
}

static void hear_request(struct trace_speaker *s, const struct trace_call *k, uint32_t before)
{
	const struct genai_call *c = k->c;
	uint32_t skip = c->input_count - before > SPEAKER_SAID ? c->input_count - SPEAKER_SAID : before;

	s->messages += skip - before;
	for (uint32_t i = skip; i < c->input_count; i++)
		say(s, &c->input[i]);
}

static void hear_system(struct trace_speaker *s, const struct genai_call *c)
{
	autodrop(buf_fini) struct buf b = {0};
	struct str text = STR_NONE;
	struct jsonw w;

	for (uint32_t i = 0; i < c->system_count && text.n == 0; i++)
		text = c->system[i].text;
	if (text.n == 0 && c->input_count > 0 && c->input[0].count > 0 &&
	    (str_eq(c->input[0].role, STR("system")) || str_eq(c->input[0].role, STR("developer"))))
		text = c->input[0].parts[0].text;
	if (text.n == 0)
		return;
	buf_init(&b, 8 * SPEAKER_SYSTEM);
	jsonw_init(&w, &b);
	jsonw_str(&w, trace_excerpt_text(text, SPEAKER_SYSTEM));
	s->system = buf_err(&b) ? NULL : str_dup(buf_str(&b));
}

/* ---- who ---- */

static struct trace_speaker *by_call(struct trace_set *t, const struct trace_call *k, uint64_t id)
{
	struct trace_speaker *s = id ? map_get(t->speaker_index, &id) : NULL;

	return s && s->process == k->process ? s : NULL;
}

static bool failed_alike(const struct trace_speaker *s, const struct trace_call *k)
{
	return s->call == NULL && (s->status == TRACE_STATUS_ERROR || s->status == TRACE_STATUS_ABORTED) &&
	       k->continues.messages == s->inputs && k->c->input_count == s->inputs;
}

static struct trace_speaker *find(struct trace_set *t, const struct trace_call *k)
{
	struct trace_speaker *s = by_call(t, k, k->id);

	if (s != NULL)
		return s; /* another attempt */
	s = by_call(t, k, k->continues.id);
	/* With the answer, or by the response's id. The same question again is somebody else's, as far as is known, but where
	 * it failed. */
	if (s && (k->continues.chained || k->continues.messages > s->inputs || failed_alike(s, k)))
		return s;
	return by_call(t, k, k->asked_in);
}

static struct trace_speaker *speaker_new(struct trace_set *t, const struct trace_call *k)
{
	struct trace_speaker *s;

	if (t->speaker_count >= SPEAKERS_MAX)
		make_room(t);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->process = k->process;
	s->process->speakers++;
	s->first_ns = k->c->start_ns;
	s->id = k->id;
	list(t, s);
	if (!t->light)
		hear_system(s, k->c);
	return s;
}

static void note_model(struct trace_speaker *s, const struct genai_call *c)
{
	struct str model = c->request_model.n ? c->request_model : c->response_model;

	if (model.n)
		(void)snprintf(s->model, sizeof(s->model), "%.*s", STR_ARG(str_head(model, 63)));
}

void trace_speaker_begin(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;
	struct trace_speaker *s = find(t, k);
	bool known = s != NULL, again = known && s->id == k->id;

	if (s == NULL)
		s = speaker_new(t, k);
	if (s == NULL)
		return; /* it is not shown */
	uint32_t before = heard_before(s, k, known);
	if (s->call)
		s->call->speaker = NULL;
	if (!again) {
		(void)map_remove(t->speaker_index, &s->id);
		s->calls++;
	}
	unlist(t, s);
	list(t, s);
	s->id = k->id;
	s->call = k;
	k->speaker = s;
	s->parent = trace_call_place(k);
	s->tid = c->x ? c->x->tid : 0;
	s->start_ns = c->start_ns;
	s->end_ns = 0;
	s->status = TRACE_STATUS_OPEN;
	s->type[0] = '\0';
	s->inputs = k->inputs > c->input_count ? k->inputs : c->input_count;
	note_model(s, c);
	if (!t->light && !again)
		hear_request(s, k, before);
	if (map_add(t->speaker_index, &s->id, s) < 0)
		speaker_free(t, s); /* the next call could not find it */
}

void trace_speaker_close(struct trace_set *t, struct trace_call *k)
{
	struct trace_speaker *s = k->speaker;
	const struct genai_call *c = k->c;

	if (s == NULL)
		return;
	s->told = k->id;
	s->parent = trace_call_place(k);
	s->end_ns = c->end_ns ? c->end_ns : t->now_ns;
	s->status = c->status == GENAI_ERROR || c->broken.set ? TRACE_STATUS_ERROR
		    : c->status == GENAI_ABORTED	      ? TRACE_STATUS_ABORTED
							      : TRACE_STATUS_OK;
	(void)snprintf(s->type, sizeof(s->type), "%.*s", STR_ARG(str_head(c->error_type, 63)));
	note_model(s, c);
	for (uint32_t i = 0; i < c->output_count && i < 4 && !t->light; i++)
		say(s, &c->output[i]);
}

void trace_speaker_forget(struct trace_call *k)
{
	struct trace_speaker *s = k->speaker;

	if (s == NULL)
		return;
	s->call = NULL;
	k->speaker = NULL;
	if (k->stack) {
		py_stack_free(s->stack);
		s->stack = take(k->stack);
	}
}

void trace_speaker_end(struct trace_set *t, const struct trace_process *pr)
{
	for (struct trace_speaker *s = t->speakers, *next = NULL; s != NULL && pr->speakers > 0; s = next) {
		next = s->next;
		if (s->process == pr)
			speaker_free(t, s);
	}
}

bool trace_speaker_init(struct trace_set *t)
{
	t->speaker_index = map_new(sizeof(uint64_t), SPEAKERS_MAX + 1);
	return t->speaker_index != NULL;
}

void trace_speaker_free(struct trace_set *t)
{
	while (t->speakers)
		speaker_free(t, t->speakers);
	map_free(t->speaker_index);
}
