/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a JSON string: valid UTF-8, read back the same; and as text for a terminal: nothing that moves it. The
 * first bytes are a number too; and when it is JSON, its value is written anew, through a filter. */
#include "base/jsonw.h"
#include "base/arena.h"
#include "base/text.h"
#include "fuzz.h"

#define ARENA_BYTES (4u << 20)

static void check_utf8(struct str s)
{
	uint32_t code;

	while (s.n > 0) {
		size_t n = text_utf8(s, &code);

		assert(n > 0);
		s = str_skip(s, n);
	}
}

static void check_terminal(struct str s)
{
	check_utf8(s);
	for (size_t i = 0; i < s.n; i++)
		assert((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f);
}

static void texts(struct str s)
{
	autodrop(buf_fini) struct buf safe;
	char out[32];
	int64_t n = 0;

	buf_init(&safe, ARENA_BYTES);
	text_safe(&safe, s, false);
	check_terminal(buf_str(&safe));
	(void)text_width(buf_str(&safe));
	buf_clear(&safe);
	text_safe(&safe, s, true);
	check_terminal(buf_str(&safe));
	for (size_t columns = 0; columns < 12; columns += 3) {
		buf_clear(&safe);
		text_safe_cut(&safe, s, columns, columns & 1);
		check_terminal(buf_str(&safe));
		assert(text_width(buf_str(&safe)) <= columns || columns < 3);
	}
	memcpy(&n, s.p, s.n < sizeof(n) ? s.n : sizeof(n));
	autodrop(drop_memory) char *bytes = malloc(2 * s.n + 4);
	if (bytes) {
		ptrdiff_t got = text_base64(s, bytes);

		assert(got <= (ptrdiff_t)(s.n / 4 * 3 + 3));
		text_hex(s.p, s.n, bytes);
	}
	text_clock((uint64_t)n, text_utc((uint64_t)n, n), out);
	text_time(n, out);
	text_duration((uint64_t)n, out);
	text_size((uint64_t)n, out);
	text_count((uint64_t)n, out);
}

static void numbers(struct jsonw *w, struct str s)
{
	double f = 0;
	uint64_t n = 0;

	if (s.n >= sizeof(f)) {
		memcpy(&f, s.p, sizeof(f));
		memcpy(&n, s.p, sizeof(n));
	}
	jsonw_f64(jsonw_key(w, "f"), f);
	jsonw_i64(jsonw_key(w, "i"), (int64_t)n);
	jsonw_u64(jsonw_key(w, "u"), n);
	jsonw_bool(jsonw_key(w, "b"), n & 1);
	jsonw_null(jsonw_key(w, "n"));
	jsonw_z(jsonw_key(w, "z"), n & 1 ? NULL : "z");
}

static struct str shorten(void *ctx, struct str text)
{
	(void)ctx;
	return str_head(text, 3);
}

static void value(struct str s)
{
	autodrop(drop_arena) struct arena *a = arena_new(ARENA_BYTES);
	autodrop(buf_fini) struct buf out;
	struct json_end end;
	struct jsonw w;

	buf_init(&out, ARENA_BYTES);
	const struct json *j = json_parse(a, s, &end);
	if (j == NULL)
		return;
	jsonw_init(&w, &out);
	w.filter = shorten;
	jsonw_value(&w, a, j);
	if (buf_err(&out))
		return;
	check_utf8(buf_str(&out));
	(void)json_parse(a, buf_str(&out), &end);
	assert(end.state == JSON_WHOLE && end.offset == out.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autodrop(drop_arena) struct arena *a = arena_new(ARENA_BYTES);
	struct str s = str_make(data, size);
	autodrop(buf_fini) struct buf out;
	struct json_end end;
	struct jsonw w;

	buf_init(&out, ARENA_BYTES);
	jsonw_init(&w, &out);
	jsonw_object(&w);
	jsonw_str(jsonw_key(&w, "s"), s);
	jsonw_array(jsonw_key_str(&w, str_head(s, 40)));
	jsonw_str(&w, str_skip(s, 1));
	jsonw_array_end(&w);
	numbers(&w, s);
	jsonw_object_end(&w);
	assert(buf_err(&out) == 0);
	check_utf8(buf_str(&out));
	const struct json *j = json_parse(a, buf_str(&out), &end);
	assert(j && end.state == JSON_WHOLE && end.offset == out.n);
	struct str back = json_str(a, json_first(j));
	assert(back.p);
	/* Valid text comes back as it was. */
	struct str left = s;
	uint32_t code;
	while (left.n > 0 && text_utf8(left, &code) > 0)
		left = str_skip(left, text_utf8(left, &code));
	assert(left.n > 0 || str_eq(back, s));
	texts(s);
	value(s);
	return 0;
}
