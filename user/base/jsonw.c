/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/jsonw.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/lane.h"
#include "base/text.h"

/* Objects with more members than this get a table of their names when they are written anew. */
#define FEW_MEMBERS 8u

void jsonw_init(struct jsonw *w, struct buf *b)
{
	*w = (struct jsonw){.b = b, .first = true};
}

static void refuse(struct jsonw *w, int err)
{
	if (w->b->err == 0)
		w->b->err = err;
}

/* The comma before a value that needs one. */
static void begin(struct jsonw *w)
{
	if (w->named)
		w->named = false;
	else if (!w->first && w->depth)
		buf_add_char(w->b, ',');
	w->first = false;
}

static void open_level(struct jsonw *w, char c)
{
	begin(w);
	if (w->depth >= JSONW_DEPTH_MAX)
		refuse(w, -EMSGSIZE);
	buf_add_char(w->b, c);
	w->depth++;
	w->first = true;
}

static void close_level(struct jsonw *w, char c)
{
	assert(w->depth > 0 && !w->named);
	buf_add_char(w->b, c);
	w->depth--;
	/* What was closed stands at the level above. */
	w->first = false;
}

void jsonw_object(struct jsonw *w)
{
	open_level(w, '{');
}

void jsonw_object_end(struct jsonw *w)
{
	close_level(w, '}');
}

void jsonw_array(struct jsonw *w)
{
	open_level(w, '[');
}

void jsonw_array_end(struct jsonw *w)
{
	close_level(w, ']');
}

/* What stands behind the backslash: a letter, 'u' for \u00xx, 0 for what needs no escape and for UTF-8. */
static const char escapes[256] = {
	'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b',	     't',	    'n',	  'u',
	'f', 'r', 'u', 'u', 'u', 'u', 'u', 'u', 'u',	     'u',	    'u',	  'u',
	'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', ['"'] = '"', ['\\'] = '\\', [0x7f] = 'u',
};

/* Copies to the first byte that is not printable ASCII, a quote or a backslash; moves both. Copies whole lanes: there
 * is always as much room as there are bytes left. */
static inline void copy_plain(const char **from, const char *end, char **out)
{
	const char *p = *from;
	char *to = *out;

	while (end - p >= LANE_BYTES) {
		lane v = lane_load(p);
		/* Beyond ASCII bytes are negative. */
		lane hit = (lane)(v < lane_of(0x20)) | lane_eq(v, 0x7f) | lane_eq(v, '"') | lane_eq(v, '\\');

		lane_store(to, v);
		if (lane_any(hit)) {
			size_t n = lane_first(hit);

			*from = p + n;
			*out = to + n;
			return;
		}
		p += LANE_BYTES;
		to += LANE_BYTES;
	}
	while (p < end && (unsigned char)*p < 0x80 && escapes[(unsigned char)*p] == 0)
		*to++ = *p++;
	*from = p;
	*out = to;
}

/* The longest that one character becomes: \u00xx. */
#define ESCAPE_MAX 6u

/* Writes what stands for the character at *p, which is not plain, and steps over it. Returns the bytes written. */
static size_t escape(const char **p, const char *end, char to[ESCAPE_MAX])
{
	static const char hex[] = "0123456789abcdef";
	struct str rest = str_make(*p, (size_t)(end - *p));
	uint32_t code;
	size_t n = text_utf8(rest, &code);

	*p += n ? n : text_utf8_bad(rest);
	if (n == 0) {
		memcpy(to, "\xef\xbf\xbd", 3);
		return 3;
	}
	if (code < 0xa0) {
		memcpy(to, "\\u00", 4);
		to[4] = hex[code >> 4];
		to[5] = hex[code & 15];
		return ESCAPE_MAX;
	}
	memcpy(to, rest.p, n);
	return n;
}

/* Room behind `used` more bytes for `need` and, as far as b may grow, for `spare` more. Says how many more. */
static char *reserve(struct buf *b, size_t used, size_t need, size_t *spare)
{
	buf_commit(b, used);
	size_t room = b->max - b->n;

	if (need > room)
		*spare = 0;
	else if (*spare > room - need)
		*spare = room - need;
	return buf_reserve(b, need + *spare);
}

static void add_string(struct buf *b, struct str s)
{
	const char *p = s.p, *end = s.n ? s.p + s.n : s.p;
	size_t spare = 16 + s.n / 16; /* room beyond that for the bytes left and the quote */
	char *start = reserve(b, 0, s.n + 2, &spare), *to = start;

	if (to == NULL)
		return;
	*to++ = '"';
	for (;;) {
		char two[ESCAPE_MAX];
		size_t n = 2;

		copy_plain(&p, end, &to);
		if (p == end)
			break;
		const char *at = p;

		two[0] = '\\';
		two[1] = escapes[(unsigned char)*p];
		if (two[1] == 0 || two[1] == 'u')
			n = escape(&p, end, two);
		else
			p++;
		size_t left = (size_t)(end - at) + 1, more = left - (size_t)(p - at) + n;

		if (more > left + spare) {
			spare = 64 + left / 8;
			start = reserve(b, (size_t)(to - start), more, &spare);
			to = start;
			if (to == NULL)
				return;
		} else {
			spare = left + spare - more;
		}
		memcpy(to, two, 2);
		if (n > 2)
			memcpy(to, two, n);
		to += n;
	}
	*to++ = '"';
	buf_commit(b, (size_t)(to - start));
}

struct jsonw *jsonw_key_str(struct jsonw *w, struct str key)
{
	assert(!w->named && w->depth > 0);
	begin(w);
	add_string(w->b, key);
	buf_add_char(w->b, ':');
	w->named = true;
	return w;
}

struct jsonw *jsonw_key(struct jsonw *w, const char *key)
{
	return jsonw_key_str(w, str_of(key));
}

void jsonw_str(struct jsonw *w, struct str s)
{
	begin(w);
	add_string(w->b, w->filter ? w->filter(w->filter_ctx, s) : s);
}

void jsonw_z(struct jsonw *w, const char *z)
{
	if (z)
		jsonw_str(w, str_of(z));
	else
		jsonw_null(w);
}

void jsonw_raw(struct jsonw *w, struct str json)
{
	begin(w);
	buf_add(w->b, json);
}

void jsonw_i64(struct jsonw *w, int64_t v)
{
	begin(w);
	buf_addf(w->b, "%lld", (long long)v);
}

void jsonw_u64(struct jsonw *w, uint64_t v)
{
	begin(w);
	buf_addf(w->b, "%llu", (unsigned long long)v);
}

/* Writes what "%.*e" gave (d.ddde[+-]xx) without its exponent. */
static void add_plain(struct buf *b, const char *z)
{
	char digits[24];
	size_t n = 0;

	if (*z == '-') {
		buf_add_char(b, '-');
		z++;
	}
	for (; *z && *z != 'e'; z++) {
		if (*z >= '0' && *z <= '9' && n < sizeof(digits))
			digits[n++] = *z;
	}
	long point = strtol(*z ? z + 1 : z, NULL, 10) + 1; /* digits before the point */

	while (n > 1 && digits[n - 1] == '0')
		n--;
	if (point <= 0) {
		buf_add(b, STR("0."));
		for (; point < 0; point++)
			buf_add_char(b, '0');
		buf_add(b, str_make(digits, n));
		return;
	}
	for (size_t i = 0; i < n || i < (size_t)point; i++) {
		if (i == (size_t)point)
			buf_add_char(b, '.');
		buf_add_char(b, i < n ? digits[i] : '0');
	}
}

void jsonw_f64(struct jsonw *w, double v)
{
	char z[40];

	if (!isfinite(v)) {
		jsonw_null(w);
		return;
	}
	begin(w);
	/* 15 digits always survive; 17 always suffice. */
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(z, sizeof(z), "%.*e", digits - 1, v);
		if (strtod(z, NULL) == v)
			break;
	}
	if (v == 0)
		buf_add(w->b, signbit(v) ? STR("-0") : STR("0"));
	else
		add_plain(w->b, z);
}

void jsonw_bool(struct jsonw *w, bool v)
{
	jsonw_raw(w, v ? STR("true") : STR("false"));
}

void jsonw_null(struct jsonw *w)
{
	jsonw_raw(w, STR("null"));
}

/* ---- values read before ---- */

/* An object or array that is being written, and for an object of many members its table: name -> last member. */
struct level {
	const struct json *node;
	const struct json **table; /* NULL: few members */
	size_t mask;
};

/* The place of member's name in the table: empty, or taken by a member of the same name. */
static const struct json **place(const struct level *l, struct str name)
{
	for (size_t i = hash_u64(name, (uint64_t)(uintptr_t)l->table) & l->mask;; i = (i + 1) & l->mask) {
		if (l->table[i] == NULL || json_key_is(l->table[i], name))
			return &l->table[i];
	}
}

static int make_table(struct level *l, struct arena *a)
{
	size_t size = FEW_MEMBERS * 4;

	while (size < json_count(l->node) * 2)
		size *= 2;
	l->mask = size - 1;
	l->table = arena_alloc(a, size * sizeof(*l->table));
	if (l->table == NULL)
		return -ENOMEM;
	for (const struct json *j = json_first(l->node); j; j = json_next(j)) {
		struct str name = json_key(a, j);

		if (name.p == NULL)
			return -ENOMEM;
		*place(l, name) = j;
	}
	return 0;
}

/* Whether no later member of the object has member's name. */
static bool is_last(const struct level *l, const struct json *member, struct str name)
{
	if (l->table)
		return *place(l, name) == member;
	for (const struct json *j = json_next(member); j; j = json_next(j)) {
		if (json_key_is(j, name))
			return false;
	}
	return true;
}

static void add_scalar(struct jsonw *w, struct arena *a, const struct json *j)
{
	struct str s;

	switch (json_type(j)) {
	case JSON_STRING:
		s = json_str(a, j);
		if (s.p == NULL)
			refuse(w, -ENOMEM);
		jsonw_str(w, s);
		return;
	case JSON_NUMBER:
	case JSON_BOOL:
		jsonw_raw(w, json_raw(j));
		return;
	default:
		jsonw_null(w);
	}
}

static bool is_container(const struct json *j)
{
	return json_type(j) == JSON_OBJECT || json_type(j) == JSON_ARRAY;
}

static void enter(struct jsonw *w, struct arena *a, struct level *l, const struct json *j)
{
	*l = (struct level){.node = j};
	if (json_type(j) == JSON_ARRAY) {
		jsonw_array(w);
		return;
	}
	jsonw_object(w);
	if (json_count(j) > FEW_MEMBERS && make_table(l, a) < 0)
		refuse(w, -ENOMEM);
}

static void leave(struct jsonw *w, const struct level *l)
{
	if (json_type(l->node) == JSON_ARRAY)
		jsonw_array_end(w);
	else
		jsonw_object_end(w);
}

static void add_container(struct jsonw *w, struct arena *a, const struct json *top)
{
	struct level levels[JSON_DEPTH_MAX];
	size_t depth = 1;
	const struct json *j = json_first(top);

	enter(w, a, &levels[0], top);
	/* After an error the buf stays as it is: what is half made is never written. */
	while (depth > 0 && buf_err(w->b) == 0) {
		struct level *l = &levels[depth - 1];

		if (j == NULL) {
			leave(w, l);
			depth--;
			j = depth ? json_next(l->node) : NULL;
			continue;
		}
		if (json_type(l->node) == JSON_OBJECT) {
			struct str name = json_key(a, j);

			if (name.p == NULL) {
				refuse(w, -ENOMEM);
				return;
			}
			if (!is_last(l, j, name)) {
				j = json_next(j);
				continue;
			}
			jsonw_key_str(w, name);
		}
		if (is_container(j)) {
			enter(w, a, &levels[depth++], j);
			j = json_first(j);
		} else {
			add_scalar(w, a, j);
			j = json_next(j);
		}
	}
}

void jsonw_value(struct jsonw *w, struct arena *a, const struct json *j)
{
	if (is_container(j))
		add_container(w, a, j);
	else
		add_scalar(w, a, j);
}
