/* SPDX-License-Identifier: BSD-2-Clause */
/* What every decoder needs to build messages: texts, JSON values, parts, and the hash by which an answer is known again
 * when a later request quotes it. */
#include "base/jsonw.h"
#include "genai/decoder.h"

struct str genai_str(struct genai_work *w, const struct json *j)
{
	struct str s = json_str(w->c.arena, j);
	const struct http_exchange *x = w->c.x;
	struct str raw = json_raw(j);

	/* Without escapes the text is borrowed. The bodies of ended messages live as long as the exchange; all else (an
	 * event, a body that may still grow) goes with its callback. */
	if (s.p == NULL || s.p < raw.p || s.p > raw.p + raw.n)
		return s;
	for (int i = 0; i < 2; i++) {
		const struct http_message *m = i == 0 ? &x->request : &x->response;

		if (m->done && m->body.n > 0 && raw.p >= m->body.p && raw.p < m->body.p + m->body.n)
			return s;
	}
	return arena_dup(w->c.arena, s);
}

struct str genai_prose(struct genai_work *w, const struct json *object, const char *member)
{
	struct str s = genai_str(w, json_get(object, member));

	return s.n > 0 ? s : STR_NONE;
}

struct str genai_copy(struct genai_work *w, const struct json *object, const char *member)
{
	struct str s = json_get_str(genai_scratch(w), object, member);

	return s.n > 0 ? arena_dup(w->c.arena, s) : STR_NONE;
}

struct str genai_word(struct genai_work *w, const struct json *object, const char *member)
{
	return json_is_cut(json_get(object, member)) ? STR_NONE : genai_prose(w, object, member);
}

struct str genai_compact(struct genai_work *w, const struct json *j)
{
	struct arena *scratch = genai_scratch(w);
	struct buf *b = genai_text(w);
	struct jsonw out;

	if (json_type(j) == JSON_NONE || scratch == NULL)
		return STR_NONE;
	jsonw_init(&out, b);
	jsonw_value(&out, scratch, j);
	return buf_err(b) ? STR_NONE : arena_dup(w->c.arena, buf_str(b));
}

struct str genai_quote(struct genai_work *w, struct str s)
{
	struct buf *b = genai_text(w);
	struct jsonw out;

	if (s.p == NULL)
		return STR_NONE;
	jsonw_init(&out, b);
	jsonw_str(&out, s);
	return buf_err(b) ? STR_NONE : arena_dup(w->c.arena, buf_str(b));
}

/* A document and nothing after it. */
static bool is_whole(struct str text, const struct json_end *end)
{
	return end->state == JSON_WHOLE && str_trim(str_skip(text, end->offset)).n == 0;
}

struct str genai_arguments(struct genai_work *w, struct str s)
{
	struct arena *scratch = genai_scratch(w);
	struct json_end end = {0};

	if (s.p == NULL || scratch == NULL)
		return STR_NONE;
	const struct json *j = json_parse(scratch, s, &end);

	return j != NULL && is_whole(s, &end) ? genai_compact(w, j) : genai_quote(w, s);
}

bool genai_join_texts(struct genai_work *w, const struct json *array, struct str *out)
{
	struct genai_rope all = {0};

	if (json_type(array) != JSON_ARRAY)
		return false;
	for (const struct json *e = json_first(array); e; e = json_next(e)) {
		const struct json *text = json_get(e, "text");

		if (json_type(text) != JSON_STRING)
			return false;
		genai_rope_add(w->c.arena, &all, json_str(genai_scratch(w), text));
	}
	*out = genai_rope_str(w->c.arena, &all);
	return true;
}

struct str genai_result(struct genai_work *w, const struct json *content)
{
	struct str s;

	if (json_type(content) == JSON_ARRAY && json_count(content) > 0 && genai_join_texts(w, content, &s))
		return genai_quote(w, s);
	return genai_compact(w, content);
}

void genai_part_url(struct genai_part *p, const char *modality, struct str url)
{
	struct str head, data;

	p->modality = str_of(modality);
	p->type = GENAI_URI;
	p->text = url;
	if (!str_istarts(url, STR("data:")))
		return;
	data = str_cut(url, ',', &head);
	if (data.p == NULL || !str_ends(head, STR(";base64")))
		return;
	p->type = GENAI_BLOB;
	p->text = data;
	(void)str_cut(str_skip(head, 5), ';', &p->mime);
	if (p->mime.n == 0)
		p->mime = STR_NONE;
}

/* ---- the hash ---- */

/* Seeds: what kind of thing is hashed, so that a text never equals a name. Stored nowhere; may change freely. */
enum { SEED_ROLE = 1, SEED_TEXT, SEED_ID, SEED_NAME, SEED_ARGUMENTS, SEED_RESULT, SEED_MEDIA, SEED_OTHER };

static void mix(struct hash128 *h, struct str s, uint64_t seed)
{
	*h = hash_chain(*h, hash_u128(s, seed));
}

/* No arguments have many spellings. */
static struct str arguments_normal(struct str json)
{
	if (json.n == 0 || str_eq(json, STR("\"\"")) || str_eq(json, STR("null")))
		return STR("{}");
	return json;
}

static bool is_silent(const struct genai_part *p)
{
	return p->type == GENAI_REASONING || (p->type == GENAI_TEXT && p->text.n == 0) ||
	       (p->type == GENAI_OTHER && str_eq(p->name, STR("redacted_thinking")));
}

/* The text parts from i on, up to the next part that is heard and no text. Returns that part's position. */
static uint32_t mix_texts(struct genai_work *w, struct hash128 *h, const struct genai_message *m, uint32_t i)
{
	struct str first = m->parts[i].text;
	struct buf *b = NULL;
	uint32_t n = i + 1;

	for (; n < m->count; n++) {
		const struct genai_part *p = &m->parts[n];

		if (is_silent(p))
			continue;
		if (p->type != GENAI_TEXT)
			break;
		if (b == NULL) {
			b = genai_text(w);
			buf_add(b, first);
		}
		buf_add(b, p->text);
	}
	mix(h, b ? buf_str(b) : first, SEED_TEXT);
	return n;
}

static void mix_part(struct hash128 *h, const struct genai_part *p)
{
	switch (p->type) {
	case GENAI_TOOL_CALL:
		mix(h, p->id, SEED_ID);
		mix(h, p->name, SEED_NAME);
		mix(h, arguments_normal(p->value), SEED_ARGUMENTS);
		break;
	case GENAI_TOOL_RESPONSE:
		mix(h, p->id, SEED_ID);
		mix(h, p->value, SEED_RESULT);
		break;
	case GENAI_SERVER_TOOL_CALL:
	case GENAI_SERVER_TOOL_RESPONSE:
		mix(h, p->id, SEED_ID);
		mix(h, p->name, SEED_NAME);
		break;
	case GENAI_BLOB:
	case GENAI_URI:
	case GENAI_FILE:
		mix(h, p->text, SEED_MEDIA);
		break;
	default:
		mix(h, p->value, SEED_OTHER);
	}
}

void genai_message_hash(struct genai_work *w, struct genai_message *m)
{
	struct hash128 h = hash_u128(m->role, SEED_ROLE);
	uint32_t i = 0;

	while (i < m->count) {
		if (is_silent(&m->parts[i])) {
			i++;
		} else if (m->parts[i].type == GENAI_TEXT) {
			i = mix_texts(w, &h, m, i);
		} else {
			mix_part(&h, &m->parts[i]);
			i++;
		}
	}
	m->hash = h;
}

/* ---- the exact fingerprint: what prints differently is different ---- */

static void mix_exact(struct hash128 *h, struct str s, uint64_t seed)
{
	*h = hash_chain(*h, hash_u128(s, s.p ? seed : 0));
}

struct hash128 genai_parts_exact(const struct genai_part *parts, uint32_t count)
{
	struct hash128 h = {.lo = count};

	for (uint32_t i = 0; i < count; i++) {
		const struct genai_part *p = &parts[i];

		h = hash_chain(h, (struct hash128){.lo = p->type, .hi = p->is_error});
		mix_exact(&h, p->text, 1);
		mix_exact(&h, p->id, 2);
		mix_exact(&h, p->name, 3);
		mix_exact(&h, p->value, 4);
		mix_exact(&h, p->modality, 5);
		mix_exact(&h, p->mime, 6);
	}
	return h;
}

struct hash128 genai_message_exact(const struct genai_message *m)
{
	struct hash128 h = genai_parts_exact(m->parts, m->count);

	mix_exact(&h, m->role, 1);
	mix_exact(&h, m->name, 2);
	return h;
}
