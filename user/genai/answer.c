/* SPDX-License-Identifier: BSD-2-Clause */
/* An answer put together from what comes piece by piece: texts that grow, tool calls whose arguments come in fragments. */
#include "genai/decoder.h"

struct genai_answer_piece {
	int64_t index;
	struct genai_part part;
	struct genai_rope text; /* of TEXT and REASONING; of a TOOL_CALL whose arguments come as text */
	bool fragments;		/* of arguments came */
};

static struct genai_answer_piece *piece_new(struct genai_work *w, struct genai_answer *a, int64_t index)
{
	if (a->count == GENAI_PIECES_MAX) {
		w->omitted_pieces++;
		return NULL;
	}
	if (a->count == a->room) {
		uint32_t room = a->room ? a->room * 2 : 4;
		struct genai_answer_piece *more = arena_alloc(w->c.arena, room * sizeof(*more));

		if (more == NULL)
			return NULL;
		if (a->count > 0)
			memcpy(more, a->pieces, a->count * sizeof(*more));
		a->pieces = more;
		a->room = room;
	}
	a->pieces[a->count] = (struct genai_answer_piece){.index = index};
	return &a->pieces[a->count++];
}

static struct genai_answer_piece *call_get(struct genai_answer *a, int64_t index)
{
	for (uint32_t i = a->count; i-- > 0;)
		if (a->pieces[i].index == index && (a->pieces[i].part.type == GENAI_TOOL_CALL ||
						    a->pieces[i].part.type == GENAI_SERVER_TOOL_CALL ||
						    a->pieces[i].part.type == GENAI_SERVER_TOOL_RESPONSE))
			return &a->pieces[i];
	return NULL;
}

bool genai_answer_text(struct genai_work *w, struct genai_answer *a, enum genai_part_type type, int64_t index,
		       struct str text)
{
	struct genai_answer_piece *p = a->count ? &a->pieces[a->count - 1] : NULL;

	if (text.n == 0)
		return false;
	if (p == NULL || p->part.type != type || p->index != index)
		p = piece_new(w, a, index);
	if (p == NULL)
		return true;
	p->part.type = type;
	genai_rope_add(w->c.arena, &p->text, text);
	return true;
}

void genai_answer_part(struct genai_work *w, struct genai_answer *a, int64_t index,
		       const struct genai_part *part)
{
	struct genai_answer_piece *p;

	if (part->type == GENAI_TEXT || part->type == GENAI_REASONING) {
		(void)genai_answer_text(w, a, part->type, index, part->text);
		return;
	}
	p = piece_new(w, a, index);
	a->called |= part->type == GENAI_TOOL_CALL;
	if (p != NULL)
		p->part = *part;
}

void genai_answer_call(struct genai_work *w, struct genai_answer *a, enum genai_part_type type, int64_t index,
		       struct str id, struct str name)
{
	genai_answer_part(w, a, index, &(struct genai_part){.type = type, .id = id, .name = name});
}

void genai_answer_arguments(struct genai_work *w, struct genai_answer *a, int64_t index, struct str fragment)
{
	struct genai_answer_piece *p = call_get(a, index);

	if (p == NULL || fragment.p == NULL)
		return;
	p->fragments = true;
	if (p->part.type == GENAI_SERVER_TOOL_RESPONSE && p->text.n > 0)
		genai_rope_add(w->c.arena, &p->text, STR(","));
	genai_rope_add(w->c.arena, &p->text, fragment);
}

/* {"type": type, member: value} */
static struct str typed(struct genai_work *w, struct str type, const char *member, struct str value)
{
	struct str quoted = genai_quote(w, type.p ? type : STR(""));

	return arena_printf(w->c.arena, "{\"type\":%.*s,\"%s\":%.*s}", STR_ARG(quoted), member,
			    STR_ARG(value.p ? value : STR("null")));
}

struct str genai_server_call(struct genai_work *w, struct str name, struct str input)
{
	return typed(w, name, "input", input);
}

struct str genai_server_result(struct genai_work *w, struct str type, struct str content)
{
	return typed(w, type, "content", content);
}

static struct str arguments_of(struct genai_work *w, const struct genai_answer_piece *p)
{
	if (p->part.type == GENAI_SERVER_TOOL_RESPONSE)
		/* Fragments of a call that came for a result are no list. */
		return genai_server_result(
			w, p->part.name,
			genai_arguments(w, arena_printf(w->c.arena, "[%.*s]",
							STR_ARG(genai_rope_str(w->c.arena, &p->text)))));
	struct str args = p->text.n ? genai_arguments(w, genai_rope_str(w->c.arena, &p->text)) : STR("{}");

	return p->part.type == GENAI_SERVER_TOOL_CALL ? genai_server_call(w, p->part.name, args) : args;
}

bool genai_answer_message(struct genai_work *w, const struct genai_answer *a, struct genai_message *m)
{
	*m = (struct genai_message){.role = STR("assistant")};
	m->parts = arena_alloc(w->c.arena, (a->count ? a->count : 1) * sizeof(*m->parts));
	if (m->parts == NULL)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct genai_answer_piece *from = &a->pieces[i];
		struct genai_part *p = &m->parts[m->count++];

		*p = from->part;
		if (p->type == GENAI_TEXT || p->type == GENAI_REASONING)
			p->text = genai_rope_str(w->c.arena, &from->text);
		else if (from->fragments)
			p->value = arguments_of(w, from);
	}
	genai_message_hash(w, m);
	return true;
}

void genai_answer_only(struct genai_work *w, const struct genai_answer *a, struct str theirs, struct str otel)
{
	struct genai_call *c = &w->c;

	if (a->count == 0 && theirs.p == NULL)
		return;
	c->output = arena_alloc(c->arena, sizeof(*c->output));
	c->finish_reasons = arena_alloc(c->arena, sizeof(*c->finish_reasons));
	if (c->output == NULL || c->finish_reasons == NULL || !genai_answer_message(w, a, c->output))
		return;
	c->output_count = 1;
	if (theirs.p == NULL)
		return;
	c->output[0].finish = otel;
	c->finish_reasons[0] = theirs;
	c->finish_count = 1;
}

struct genai_single *genai_single_get(struct genai_work *w)
{
	if (w->stream == NULL)
		w->stream = arena_alloc(w->c.arena, sizeof(struct genai_single));
	return w->stream;
}

void genai_single_join(struct genai_work *w, struct str (*otel)(struct str theirs))
{
	const struct genai_single *s = w->stream;

	if (s != NULL)
		genai_answer_only(w, &s->answer, s->finish, otel(s->finish));
}

struct str genai_finish(const struct genai_finish_row *rows, size_t n, struct str theirs)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(theirs, str_of(rows[i].theirs)))
			return str_of(rows[i].otel);
	return theirs;
}
