/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/reader.h"

#include "base/lane.h"
#include "base/text.h"

#define COUNT_MAX ((1u << 25) - 1)
#define CHUNK_MAX 2048u /* nodes */

struct reader {
	const char *p, *start, *end;
	struct arena *a;
	struct json *free;
	size_t free_n, chunk_n;
	struct json *root, *open, *last; /* open: innermost open container; last: its last child */
	const char *key;		 /* name that awaits its value */
	uint32_t key_n;
	bool key_escaped;
	unsigned int depth;
	const char *why;
};

/* More than enum json_state: go on reading. */
#define GO_ON ((enum json_state) - 1)

static enum json_state broken(struct reader *r, const char *at, const char *why)
{
	r->p = at;
	r->why = why;
	return JSON_BROKEN;
}

static enum json_state cut(struct reader *r)
{
	r->p = r->end;
	return JSON_CUT;
}

/* ---- nodes ---- */

static struct json *add_node(struct reader *r, enum json_type type)
{
	bool container = type == JSON_ARRAY || type == JSON_OBJECT;

	if (r->open && r->open->count == COUNT_MAX)
		return NULL;
	if (r->free_n < (container ? 2 : 1)) {
		/* A first child is looked for right behind its parent: the node that stays free there leads to it. */
		struct json *link = r->open && r->last == NULL ? r->free : NULL;

		r->free = arena_alloc(r->a, r->chunk_n * sizeof(*r->free));
		if (r->free == NULL) {
			r->free_n = 0;
			return NULL;
		}
		if (link)
			link->next = r->free;
		r->free_n = r->chunk_n;
		r->chunk_n = r->chunk_n < CHUNK_MAX / 2 ? r->chunk_n * 2 : CHUNK_MAX;
	}
	struct json *j = r->free++;

	r->free_n--;
	j->type = type;
	j->p = r->p;
	if (r->key) {
		j->key_back = (uint32_t)(r->p - r->key);
		j->key_n = r->key_n;
		j->key_escaped = r->key_escaped;
		r->key = NULL;
	}
	if (r->open)
		r->open->count++;
	if (r->last)
		r->last->next = j;
	else if (r->root == NULL)
		r->root = j;
	r->last = j;
	return j;
}

static enum json_state open_container(struct reader *r, enum json_type type)
{
	if (r->depth == JSON_DEPTH_MAX)
		return broken(r, r->p, "nested too deep");
	struct json *j = add_node(r, type);

	if (j == NULL)
		return JSON_MEMORY;
	j->next = r->open;
	r->open = j;
	r->last = NULL;
	r->depth++;
	r->p++;
	return GO_ON;
}

static void close_container(struct reader *r)
{
	struct json *j = r->open;

	r->open = j->next;
	j->next = NULL;
	j->n = (uint32_t)(r->p - j->p);
	r->last = j;
	r->depth--;
}

/* ---- strings ---- */

/* To the first '"' or '\\', or end. *seen becomes negative when a byte passed over is beyond ASCII, or one close behind:
 * who is told so looks himself. */
static inline const char *skip_plain(const char *p, const char *end, signed char *seen)
{
	signed char some = *seen;
	lane all = {0};

	while (end - p >= LANE_BYTES) {
		lane v = lane_load(p), hit = lane_eq(v, '"') | lane_eq(v, '\\');

		all |= v;
		if (lane_any(hit)) {
			*seen = lane_any((lane)(all < lane_of(0))) ? -1 : some;
			return p + lane_first(hit);
		}
		p += LANE_BYTES;
	}
	if (lane_any((lane)(all < lane_of(0))))
		some = -1;
	while (p < end && *p != '"' && *p != '\\')
		some |= (signed char)*p++;
	*seen = some;
	return p;
}

/* What \uXXXX at p says; -1 when it is none. */
static int32_t hex4(const char *p, const char *end)
{
	int32_t v = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int d = str_hex_digit(p[i]);

		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

const char reader_simple[256] = {
	['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
	['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

struct string {
	const char *from, *to; /* without quotes */
	bool escaped, wide;
};

/* Steps over the escape at r->p, which is none of the simple ones. */
static enum json_state read_escape(struct reader *r)
{
	const char *p = r->p + 1;

	if (p == r->end)
		return JSON_CUT;
	if (*p != 'u')
		return broken(r, p, "unknown escape");
	for (int i = 1; i <= 4; i++) {
		if (p + i == r->end)
			return JSON_CUT;
		if (str_hex_digit(p[i]) < 0)
			return broken(r, p + i, "not a hex digit");
	}
	r->p += 6;
	return GO_ON;
}

/* Without the half UTF-8 sequence that a cut leaves. */
static const char *whole_utf8(const char *from, const char *to)
{
	for (ptrdiff_t back = 1; back <= 3 && back <= to - from; back++) {
		struct str tail = str_make(to - back, (size_t)back);
		unsigned char c = (unsigned char)tail.p[0];
		uint32_t code;

		if (c >= 0xc2 && c <= 0xf4 && text_utf8(tail, &code) == 0 && text_utf8_bad(tail) == tail.n)
			return tail.p;
		if (c < 0x80 || c >= 0xc0)
			break;
	}
	return to;
}

/* From the opening quote to behind the closing one. When it does not get there, s holds what came. */
static enum json_state read_string(struct reader *r, struct string *s)
{
	signed char seen = 0;
	const char *half = NULL; /* the last high surrogate: half a character until its low one has come */

	*s = (struct string){.from = ++r->p};
	for (;;) {
		const char *at = skip_plain(r->p, r->end, &seen);

		if (r->end - at >= 2 && *at == '\\' && reader_simple[(unsigned char)at[1]]) {
			s->escaped = true;
			r->p = at + 2;
			continue;
		}
		r->p = at;
		enum json_state state = JSON_CUT;

		s->to = at;
		s->wide = seen < 0;
		if (at < r->end && *at == '"') {
			r->p++;
			return JSON_WHOLE;
		}
		if (at < r->end)
			state = read_escape(r);
		if (state != GO_ON) {
			if (half && half + 6 == at)
				s->to = half;
			if (state == JSON_BROKEN)
				return state;
			s->to = whole_utf8(s->from, s->to);
			return cut(r);
		}
		s->escaped = true;
		if ((hex4(at, r->end) & 0xfc00) == 0xd800)
			half = at;
	}
}

static enum json_state add_string(struct reader *r)
{
	struct json *j = add_node(r, JSON_STRING);
	struct string s;

	if (j == NULL)
		return JSON_MEMORY;
	enum json_state state = read_string(r, &s);

	j->cut = state != JSON_WHOLE;
	j->escaped = s.escaped;
	j->wide = s.wide;
	j->n = (uint32_t)(s.to + !j->cut - j->p);
	return state == JSON_WHOLE ? GO_ON : state;
}

/* ---- scalars ---- */

/* A byte that cannot stand right behind a number or literal. */
static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '+' ||
	       c == '-' || c == '.' || (unsigned char)c >= 0x80;
}

static enum json_state add_scalar(struct reader *r, enum json_type type, const char *to)
{
	if (to < r->end && is_word(*to))
		return broken(r, to, type == JSON_NUMBER ? "not a number" : "not a literal");
	struct json *j = add_node(r, type);

	if (j == NULL)
		return JSON_MEMORY;
	j->n = (uint32_t)(to - j->p);
	r->p = to;
	return GO_ON;
}

static enum json_state add_literal(struct reader *r, enum json_type type, struct str literal)
{
	for (size_t i = 0; i < literal.n; i++) {
		if (r->p + i == r->end)
			return cut(r);
		if (r->p[i] != literal.p[i])
			return broken(r, r->p + i, "not a literal");
	}
	return add_scalar(r, type, r->p + literal.n);
}

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* At least one digit at *p: GO_ON, with *p behind them. */
static enum json_state need_digits(struct reader *r, const char **p)
{
	const char *to = skip_digits(*p, r->end);

	if (to == *p)
		return to == r->end ? cut(r) : broken(r, to, "not a number");
	*p = to;
	return GO_ON;
}

static enum json_state add_number(struct reader *r)
{
	const char *p = r->p + (*r->p == '-');
	enum json_state state = GO_ON;

	if (p < r->end && *p == '0')
		p++;
	else
		state = need_digits(r, &p);
	if (state == GO_ON && p < r->end && *p == '.') {
		p++;
		state = need_digits(r, &p);
	}
	if (state == GO_ON && p < r->end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < r->end && (*p == '+' || *p == '-'))
			p++;
		state = need_digits(r, &p);
	}
	if (state != GO_ON)
		return state;
	/* More digits might have followed, but for a number that is the whole text. */
	if (p == r->end && r->open)
		return cut(r);
	return add_scalar(r, JSON_NUMBER, p);
}

/* ---- structure ---- */

static inline void skip_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
		r->p++;
}

static enum json_state read_value(struct reader *r)
{
	skip_space(r);
	if (r->p == r->end)
		return cut(r);
	switch (*r->p) {
	case '"':
		return add_string(r);
	case '{':
		return open_container(r, JSON_OBJECT);
	case '[':
		return open_container(r, JSON_ARRAY);
	case 't':
		return add_literal(r, JSON_BOOL, STR("true"));
	case 'f':
		return add_literal(r, JSON_BOOL, STR("false"));
	case 'n':
		return add_literal(r, JSON_NULL, STR("null"));
	case '-':
	case '0' ... '9':
		return add_number(r);
	}
	return broken(r, r->p, "not a value");
}

/* A name and its colon. */
static enum json_state read_key(struct reader *r)
{
	struct string s;

	skip_space(r);
	if (r->p == r->end)
		return cut(r);
	if (*r->p != '"')
		return broken(r, r->p, "not a name");
	enum json_state state = read_string(r, &s);

	if (state != JSON_WHOLE)
		return state;
	skip_space(r);
	if (r->p == r->end)
		return cut(r);
	if (*r->p != ':')
		return broken(r, r->p, "no colon");
	r->p++;
	r->key = s.from;
	r->key_n = (uint32_t)(s.to - s.from);
	r->key_escaped = s.escaped;
	return GO_ON;
}

/* Between values: closes what ends here and goes to the place of the next value. JSON_WHOLE when there is none. */
static enum json_state read_between(struct reader *r)
{
	while (r->open) {
		char closer = r->open->type == JSON_OBJECT ? '}' : ']';

		skip_space(r);
		if (r->p == r->end)
			return cut(r);
		if (*r->p == closer) {
			r->p++;
			close_container(r);
			continue;
		}
		if (r->last) {
			if (*r->p != ',')
				return broken(r, r->p, "no comma");
			r->p++;
		}
		return closer == '}' ? read_key(r) : GO_ON;
	}
	return JSON_WHOLE;
}

const struct json *reader_parse(struct arena *a, struct str text, struct json_end *end)
{
	/* Nothing has to be somewhere: pointers are compared and moved. */
	const char *start = text.p ? text.p : "";
	struct reader r = {.a = a, .p = start, .start = start, .end = start + text.n};
	enum json_state state = JSON_MEMORY;

	/* One allocation for small texts, without much waste when they are mostly prose. */
	r.chunk_n = text.n / 32 < 4 ? 4 : text.n / 32 > 256 ? 256 : text.n / 32;
	/* Lengths in nodes have 32 bits. */
	if (text.n < UINT32_MAX) {
		do {
			state = read_value(&r);
			if (state == GO_ON)
				state = read_between(&r);
		} while (state == GO_ON);
	}
	const char *stop = r.p;

	while (r.open) {
		r.open->cut = 1;
		close_container(&r);
	}
	if (end)
		*end = (struct json_end){.state = state, .offset = (size_t)(stop - r.start), .why = r.why};
	return r.root;
}
