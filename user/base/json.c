/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/json.h"

#include <math.h>
#include <stdarg.h>

#include "base/lane.h"
#include "base/reader.h"
#include "base/text.h"

#define NUMBER_MAX 1024u /* bytes; longer numbers are valid, but have no double */

const struct json *json_parse(struct arena *a, struct str text, struct json_end *end)
{
	return reader_parse(a, text, end);
}

/* ---- decoding ---- */

static uint32_t hex4(const char *p)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 4 | (uint32_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	return v;
}

/* Decodes the escape at *p, which the reader has found to be whole. */
static size_t decode_escape(const char **p, const char *end, char out[4])
{
	const char *at = *p;

	*p += 2;
	out[0] = reader_simple[(unsigned char)at[1]];
	if (out[0])
		return 1;
	*p += 4;
	uint32_t code = hex4(at + 2);

	if ((code & 0xfc00) == 0xd800 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
		uint32_t low = hex4(*p + 2);

		if ((low & 0xfc00) == 0xdc00) {
			*p += 6;
			code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
		}
	}
	return text_utf8_put(code, out);
}

/* To the first byte beyond ASCII, or end. */
static const char *skip_ascii(const char *p, const char *end)
{
	while (end - p >= LANE_BYTES) {
		lane high = (lane)(lane_load(p) < lane_of(0));

		if (lane_any(high))
			return p + lane_first(high);
		p += LANE_BYTES;
	}
	while (p < end && (unsigned char)*p < 0x80)
		p++;
	return p;
}

/* The next decoded bytes: a slice of the text or what is now in space. *p moves on; p < end. */
static struct str next_piece(const char **p, const char *end, char space[4])
{
	const char *at = *p;
	uint32_t code;

	if (*at == '\\')
		return str_make(space, decode_escape(p, end, space));
	if ((unsigned char)*at < 0x80) {
		const char *stop = at;

		while (stop < end && *stop != '\\' && (unsigned char)*stop < 0x80)
			stop++;
		*p = stop;
		return str_make(at, (size_t)(stop - at));
	}
	struct str rest = str_make(at, (size_t)(end - at));
	size_t n = text_utf8(rest, &code);

	if (n) {
		*p += n;
		return str_make(at, n);
	}
	*p += text_utf8_bad(rest);
	return str_make(space, text_utf8_put(0xfffd, space));
}

static bool is_utf8(struct str s)
{
	const char *p = s.p, *end = s.p + s.n;
	uint32_t code;

	while ((p = skip_ascii(p, end)) < end) {
		size_t n = text_utf8(str_make(p, (size_t)(end - p)), &code);

		if (n == 0)
			return false;
		p += n;
	}
	return true;
}

/* Copies to the first backslash or end; moves both. Copies whole lanes: there is always as much room as there are bytes
 * left to read, since escapes only shrink. */
static void copy_plain(const char **from, const char *end, char **out)
{
	const char *p = *from;
	char *to = *out;

	while (end - p >= LANE_BYTES) {
		lane v = lane_load(p), hit = lane_eq(v, '\\');

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
	while (p < end && *p != '\\')
		*to++ = *p++;
	*from = p;
	*out = to;
}

/* Of valid UTF-8 only the escapes need a look. */
static struct str decode_valid(struct arena *a, struct str raw)
{
	const char *p = raw.p, *end = raw.p + raw.n;
	char *out = arena_bytes(a, raw.n), *to = out;
	char space[4];

	if (out == NULL)
		return STR_NONE;
	for (;;) {
		copy_plain(&p, end, &to);
		if (p == end)
			return str_make(out, (size_t)(to - out));
		size_t n = decode_escape(&p, end, space);

		memcpy(to, space, n);
		to += n;
	}
}

/* raw decoded, in the arena. */
static struct str decode(struct arena *a, struct str raw, bool valid)
{
	const char *p = raw.p, *end = raw.p + raw.n;
	size_t n = 0;
	char space[4];

	if (valid)
		return decode_valid(a, raw);
	/* A bad byte becomes three: how many bytes it will be shows a first pass. */
	while (p < end)
		n += next_piece(&p, end, space).n;
	char *out = arena_bytes(a, n), *to = out;

	if (out == NULL)
		return STR_NONE;
	for (p = raw.p; p < end;) {
		struct str piece = next_piece(&p, end, space);

		memcpy(to, piece.p, piece.n);
		to += piece.n;
	}
	return str_make(out, (size_t)(to - out));
}

static bool is_decoded(struct str raw, struct str want)
{
	const char *p = raw.p, *end = raw.p + raw.n;
	char space[4];

	while (p < end) {
		struct str piece = next_piece(&p, end, space);

		if (!str_starts(want, piece))
			return false;
		want = str_skip(want, piece.n);
	}
	return want.n == 0;
}

static struct str string_raw(const struct json *j)
{
	return str_make(j->p + 1, j->n - (j->cut ? 1 : 2));
}

const struct json *json_join(const struct json *head, const struct json *tail)
{
	/* Nodes are given out const; they are in arenas, and writable. */
	struct json *h = (struct json *)head, *t = (struct json *)tail;

	if (json_count(tail) == 0)
		return head;
	if (json_count(head) == 0 || (uint64_t)h->count + t->count >= 1u << 25) {
		t->cut = 1;
		return t;
	}
	struct json *last = (struct json *)json_first(head);

	while (last->next)
		last = last->next;
	last->next = (struct json *)json_first(tail);
	h->count += t->count;
	h->cut = 1;
	return h;
}

/* ---- looking ---- */

enum json_type json_type(const struct json *j)
{
	return j ? (enum json_type)j->type : JSON_NONE;
}

bool json_is_cut(const struct json *j)
{
	return j && j->cut;
}

struct str json_raw(const struct json *j)
{
	return j ? str_make(j->p, j->n) : STR_NONE;
}

size_t json_count(const struct json *j)
{
	return j ? j->count : 0;
}

const struct json *json_first(const struct json *j)
{
	if (j == NULL || j->count == 0)
		return NULL;
	return j[1].type == JSON_NONE ? j[1].next : j + 1;
}

const struct json *json_next(const struct json *j)
{
	return j ? j->next : NULL;
}

struct str json_raw_key(const struct json *member)
{
	return member && member->key_back ? str_make(member->p - member->key_back, member->key_n) : STR_NONE;
}

struct str json_key(struct arena *a, const struct json *member)
{
	struct str raw = json_raw_key(member);

	if (raw.n == 0)
		return raw;
	bool valid = is_utf8(raw);

	return valid && !member->key_escaped ? raw : decode(a, raw, valid);
}

bool json_key_is(const struct json *member, struct str name)
{
	struct str raw = json_raw_key(member);

	return raw.p && (str_eq(raw, name) ? !member->key_escaped : is_decoded(raw, name));
}

const struct json *json_find(const struct json *object, struct str name)
{
	const struct json *found = NULL;

	if (json_type(object) != JSON_OBJECT)
		return NULL;
	for (const struct json *j = json_first(object); j; j = j->next) {
		/* Most names have another length, or another first letter, and no escape. */
		if (!j->key_escaped && j->key_n != name.n)
			continue;
		char first = j->key_n > 0 ? *(j->p - j->key_back) : 0;

		if ((unsigned char)first < 0x80 && first != 0 && first != '\\' && name.n > 0 &&
		    first != name.p[0])
			continue;
		if (json_key_is(j, name))
			found = j;
	}
	return found;
}

const struct json *json_at(const struct json *array, size_t i)
{
	const struct json *j = json_type(array) == JSON_ARRAY && i < array->count ? json_first(array) : NULL;

	while (j && i--)
		j = j->next;
	return j;
}

const struct json *json_path(const struct json *j, ...)
{
	const char *step;
	va_list ap;

	va_start(ap, j);
	while (j && (step = va_arg(ap, const char *)) != NULL) {
		uint64_t i;

		if (json_type(j) == JSON_ARRAY)
			j = str_to_u64(str_of(step), &i) && i < SIZE_MAX ? json_at(j, (size_t)i) : NULL;
		else
			j = json_get(j, step);
	}
	va_end(ap);
	return j;
}

/* ---- values ---- */

struct str json_str(struct arena *a, const struct json *j)
{
	if (json_type(j) != JSON_STRING)
		return STR_NONE;
	struct str raw = string_raw(j);
	bool valid = !j->wide || is_utf8(raw);

	return valid && !j->escaped ? raw : decode(a, raw, valid);
}

struct str json_get_str(struct arena *a, const struct json *object, const char *name)
{
	return json_str(a, json_get(object, name));
}

bool json_is(const struct json *j, const char *value)
{
	if (json_type(j) != JSON_STRING)
		return false;
	return j->escaped || j->wide ? is_decoded(string_raw(j), str_of(value))
				     : str_eq(string_raw(j), str_of(value));
}

bool json_bool(const struct json *j, bool *out)
{
	if (json_type(j) != JSON_BOOL)
		return false;
	*out = j->p[0] == 't';
	return true;
}

/* Exponents beyond this are all the same to an int64 made of at most 2^32 digits. */
#define EXPONENT_MAX ((int64_t)1 << 40)

static int64_t read_exponent(struct str s)
{
	bool negative = s.n && s.p[0] == '-';
	int64_t v = 0;

	for (size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+'); i < s.n; i++) {
		if (v < EXPONENT_MAX)
			v = v * 10 + (s.p[i] - '0');
	}
	return negative ? -v : v;
}

bool json_i64(const struct json *j, int64_t *out)
{
	if (json_type(j) != JSON_NUMBER)
		return false;
	struct str s = json_raw(j), whole, fraction;
	bool negative = s.p[0] == '-';

	s = str_skip(s, negative);
	/* No number has both letters, so one of the two cuts does nothing. */
	struct str exponent = str_cut(s, 'e', &s);

	if (exponent.n == 0)
		exponent = str_cut(s, 'E', &s);
	fraction = str_cut(s, '.', &whole);
	int64_t scale = read_exponent(exponent);

	/* The value is digits * 10^scale, digits without zeros at its end. */
	while (fraction.n && fraction.p[fraction.n - 1] == '0')
		fraction.n--;
	scale -= (int64_t)fraction.n;
	if (fraction.n == 0) {
		while (whole.n && whole.p[whole.n - 1] == '0') {
			whole.n--;
			scale++;
		}
	}
	uint64_t v = 0;
	struct str parts[] = {whole, fraction};

	for (int part = 0; part < 2; part++) {
		for (size_t i = 0; i < parts[part].n; i++) {
			uint64_t digit = (uint64_t)(parts[part].p[i] - '0');

			if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, digit, &v))
				return false;
		}
	}
	if (v != 0 && scale < 0)
		return false;
	for (; v != 0 && scale > 0; scale--) {
		if (__builtin_mul_overflow(v, 10u, &v))
			return false;
	}
	if (v > (uint64_t)INT64_MAX + negative)
		return false;
	*out = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool json_f64(const struct json *j, double *out)
{
	char z[NUMBER_MAX + 1];

	if (json_type(j) != JSON_NUMBER || j->n > NUMBER_MAX)
		return false;
	memcpy(z, j->p, j->n);
	z[j->n] = '\0';
	double v = strtod(z, NULL);

	if (!isfinite(v))
		return false;
	*out = v;
	return true;
}

/* ---- fingerprint ---- */

/* A container that is open while its children are hashed. */
struct json_level {
	const struct json *at;
	struct hash128 sum;
};

static struct hash128 hash_leaf(struct arena *a, const struct json *j)
{
	struct str s = json_raw(j);
	double number = 0;

	if (json_type(j) == JSON_STRING)
		s = json_str(a, j);
	else if (json_type(j) == JSON_NUMBER && json_f64(j, &number))
		s = str_make(&number, sizeof(number));
	number += 0.0; /* of the two zeros, the one without a sign */
	return hash_u128(s, 16 + (uint64_t)json_type(j));
}

/* A child's hash goes into its container's: members in any order, elements in theirs. */
static void hash_into(struct arena *a, struct json_level *l, const struct json *child, struct hash128 h)
{
	if (json_type(l->at) == JSON_ARRAY) {
		l->sum = hash_chain(l->sum, h);
		return;
	}
	struct str name = json_key(a, child);

	h = hash_chain(hash_u128(name, 1), h);
	l->sum.lo += h.lo;
	l->sum.hi += h.hi;
}

struct hash128 json_hash(struct arena *a, const struct json *j)
{
	struct json_level stack[JSON_DEPTH_MAX + 1];
	uint32_t depth = 0;
	struct hash128 h = {0};

	while (j != NULL) {
		if (json_type(j) >= JSON_ARRAY && depth <= JSON_DEPTH_MAX) {
			stack[depth++] = (struct json_level){.at = j};
			if (json_first(j) != NULL) {
				j = json_first(j);
				continue;
			}
			h = hash_chain((struct hash128){.lo = json_type(j)}, stack[--depth].sum);
		} else {
			h = hash_leaf(a, j);
		}
		/* j is done: on to what follows it, out of every container that ends with it. */
		while (depth > 0) {
			struct json_level *l = &stack[depth - 1];

			hash_into(a, l, j, h);
			if (json_next(j) != NULL)
				break;
			j = l->at;
			h = hash_chain((struct hash128){.lo = json_type(j)}, l->sum);
			depth--;
		}
		j = depth > 0 ? json_next(j) : NULL;
	}
	return h;
}
