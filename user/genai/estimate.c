/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Token counts that nobody told, from the texts. docs/cost.md has the rule's error: it is a figure for the order of size.
 * Never made where the texts are not all here (gaps, pictures, history that the server holds), or where nothing was answered.
 */
#include "genai/decoder.h"

/* Per 100 of what stands in the text; fitted to the counts that providers gave for recorded calls. */
#define ASCII_CENT   25	 /* a byte of ASCII prose */
#define JSON_CENT    33	 /* a byte of JSON: arguments, results, definitions */
#define TWO_CENT     45	 /* a character of two bytes: Greek, Cyrillic, Hebrew, Arabic */
#define THREE_CENT   85	 /* of three: Chinese, Japanese, Korean, Indian scripts */
#define FOUR_CENT    220 /* of four: emoji */
#define MESSAGE_CENT 400 /* what frames a message */

static uint64_t text_cent(struct str s, unsigned ascii_cent)
{
	uint64_t ascii = 0, two = 0, three = 0, four = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint64_t eight;

		while (s.n - i >= sizeof(eight)) { /* most of it is ASCII */
			memcpy(&eight, s.p + i, sizeof(eight));
			if (eight & 0x8080808080808080u)
				break;
			ascii += sizeof(eight);
			i += sizeof(eight);
		}
		if (i == s.n)
			break;
		unsigned char c = (unsigned char)s.p[i];

		ascii += c < 0x80;
		two += c >= 0xc0 && c < 0xe0;
		three += c >= 0xe0 && c < 0xf0;
		four += c >= 0xf0;
	}
	return ascii * ascii_cent + two * TWO_CENT + three * THREE_CENT + four * FOUR_CENT;
}

/* False: it holds what is no text. */
static bool parts_cent(const struct genai_part *parts, uint32_t count, uint64_t *sum)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct genai_part *p = &parts[i];

		if (p->type == GENAI_BLOB || p->type == GENAI_URI || p->type == GENAI_FILE ||
		    p->type == GENAI_OTHER)
			return false;
		*sum += text_cent(p->text, ASCII_CENT) + text_cent(p->name, ASCII_CENT) +
			text_cent(p->value, JSON_CENT);
	}
	return true;
}

int64_t genai_estimate_message(const struct genai_message *m)
{
	uint64_t sum = MESSAGE_CENT;

	return parts_cent(m->parts, m->count, &sum) && sum < INT64_MAX ? (int64_t)sum : -1;
}

static bool messages_cent(const struct genai_message *m, uint32_t count, uint64_t *sum)
{
	for (uint32_t i = 0; i < count; i++) {
		int64_t cent = m[i].known ? m[i].cent : genai_estimate_message(&m[i]);

		if (cent < 0)
			return false;
		*sum += (uint64_t)cent;
	}
	return true;
}

static int64_t tokens(uint64_t cent)
{
	return (int64_t)((cent + 99) / 100);
}

/* Something is not here, lost or left out by policy: the counts that were told may be in it. */
static bool is_torn(const struct http_exchange *x)
{
	return x->gaps != NULL || x->request.torn || x->response.torn;
}

static void estimate_input(struct genai_work *w)
{
	struct genai_call *c = &w->c;
	uint64_t sum = text_cent(c->tools, JSON_CENT);

	if (c->input_count == 0 || c->previous_id.n > 0 || c->conversation_id.n > 0 ||
	    w->omitted_messages > 0)
		return;
	if (!parts_cent(c->system, c->system_count, &sum) || !messages_cent(c->input, c->input_count, &sum))
		return;
	c->usage.input = tokens(sum);
	c->estimated |= GENAI_ESTIMATED_INPUT;
}

static void estimate_output(struct genai_work *w)
{
	struct genai_call *c = &w->c;
	uint64_t sum = 0;

	if (w->omitted_pieces > 0)
		return;
	for (uint32_t i = 0; i < c->output_count; i++)
		if (!parts_cent(c->output[i].parts, c->output[i].count, &sum))
			return;
	if (sum == 0) /* an answer that is not here */
		return;
	c->usage.output = tokens(sum);
	c->estimated |= GENAI_ESTIMATED_OUTPUT;
}

void genai_estimate(struct genai_work *w)
{
	struct genai_call *c = &w->c;
	bool talk = c->kind == GENAI_CHAT || c->kind == GENAI_TEXT_COMPLETION ||
		    c->kind == GENAI_GENERATE_CONTENT;

	/* What is spoken counts by its time, and its history is the server's. */
	if (w->lane != NULL && w->lane->talk != &genai_talk_responses)
		return;
	if (!talk || c->output_count == 0 || c->x == NULL || is_torn(c->x) || c->x->status >= 400 ||
	    c->status == GENAI_OPEN)
		return;
	if (c->usage.input == GENAI_UNKNOWN)
		estimate_input(w);
	if (c->usage.output == GENAI_UNKNOWN || (c->terms.interim && c->status != GENAI_OK))
		estimate_output(w);
}
