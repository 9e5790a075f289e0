/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"

static void test_nesting(void **state)
{
	autodrop(buf_fini) struct buf b;
	struct jsonw w;

	(void)state;
	buf_init(&b, 1u << 20);
	buf_add(&b, STR("data: "));
	jsonw_init(&w, &b);
	jsonw_object(&w);
	jsonw_str(jsonw_key(&w, "a\"b"), STR("c"));
	jsonw_array(jsonw_key(&w, "list"));
	jsonw_array(&w);
	jsonw_array_end(&w);
	jsonw_object(&w);
	jsonw_object_end(&w);
	jsonw_i64(&w, INT64_MIN);
	jsonw_u64(&w, UINT64_MAX);
	jsonw_array_end(&w);
	jsonw_bool(jsonw_key(&w, "t"), true);
	jsonw_bool(jsonw_key(&w, "f"), false);
	jsonw_null(jsonw_key_str(&w, STR("n")));
	jsonw_z(jsonw_key(&w, "z"), NULL);
	jsonw_z(jsonw_key(&w, "y"), "q");
	jsonw_raw(jsonw_key(&w, "r"), STR("{\"x\":1}"));
	jsonw_object_end(&w);
	assert_int_equal(buf_err(&b), 0);
	HARNESS_TEXT(
		"nesting", buf_str(&b),
		"data: "
		"{\"a\\\"b\":\"c\",\"list\":[[],{},-9223372036854775808,18446744073709551615],\"t\":true,"
		"\"f\":false,\"n\":null,\"z\":null,\"y\":\"q\",\"r\":{\"x\":1}}");
	/* Scalars side by side at the top have no comma: lines are the caller's business. */
	buf_clear(&b);
	jsonw_init(&w, &b);
	jsonw_i64(&w, 1);
	buf_add_char(&b, '\n');
	jsonw_i64(&w, 2);
	HARNESS_TEXT("lines", buf_str(&b), "1\n2");
}

static void writes(struct str s, const char *want)
{
	autodrop(buf_fini) struct buf b;
	struct jsonw w;

	buf_init(&b, 1u << 20);
	jsonw_init(&w, &b);
	jsonw_str(&w, s);
	HARNESS_TEXT("string", buf_str(&b), want);
}

static void test_strings(void **state)
{
	(void)state;
	writes(STR_NONE, "\"\"");
	writes(STR("plain text, longer than a word"), "\"plain text, longer than a word\"");
	writes(STR("\"\\\b\f\n\r\t/"), "\"\\\"\\\\\\b\\f\\n\\r\\t/\"");
	writes(STR("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\\u007f\"");
	writes(STR("\xc2\x9b"), "\"\\u009b\"");
	writes(STR("\xc2\xa0\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
	       "\"\xc2\xa0\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	writes(STR("a\xff\xe2\x82z\xed\xa0\x80"),
	       "\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	writes(STR("12345678\xe2"), "\"12345678\xef\xbf\xbd\"");
	/* Each byte at each place of a word. */
	for (int c = 0; c < 256; c++) {
		for (size_t at = 0; at < 17; at++) {
			char text[20] = "aaaaaaaaaaaaaaaaaaa";
			autodrop(buf_fini) struct buf b;
			autodrop(drop_arena) struct arena *a = arena_new(65536);
			struct jsonw w;
			struct json_end end;

			text[at] = (char)c;
			buf_init(&b, 1000);
			jsonw_init(&w, &b);
			jsonw_str(&w, str_make(text, 17));
			for (size_t i = 0; i < b.n; i++)
				assert_true((unsigned char)b.p[i] >= 0x20 && b.p[i] != 0x7f);
			struct str back = json_str(a, json_parse(a, buf_str(&b), &end));

			assert_int_equal(end.state, JSON_WHOLE);
			assert_int_equal(end.offset, b.n);
			if (c < 0x80)
				assert_true(str_eq(back, str_make(text, 17)));
			else
				assert_true(back.n == 19 &&
					    str_starts(str_skip(back, at), STR("\xef\xbf\xbd")));
		}
	}
}

static void test_doubles(void **state)
{
	static const struct {
		double v;
		const char *want;
	} cases[] = {
		{0, "0"},
		{-0.0, "-0"},
		{1, "1"},
		{-1.5, "-1.5"},
		{0.1, "0.1"},
		{0.1 + 0.2, "0.30000000000000004"},
		{100, "100"},
		{123456789012345680.0, "123456789012345680"},
		{1e21, "1000000000000000000000"},
		{1e-7, "0.0000001"},
		{0.000012345, "0.000012345"},
		{2.5e-3, "0.0025"},
		{NAN, "null"},
		{INFINITY, "null"},
		{-INFINITY, "null"},
	};
	static const double hard[] = {DBL_MAX,
				      -DBL_MAX,
				      DBL_MIN,
				      5e-324,
				      1.0 / 3,
				      2.0 / 3e9,
				      1e22,
				      9007199254740993.0,
				      1.7976931348623155e308,
				      M_PI * 1e100};
	autodrop(buf_fini) struct buf b;
	struct jsonw w;

	(void)state;
	buf_init(&b, 1u << 20);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&b);
		jsonw_init(&w, &b);
		jsonw_f64(&w, cases[i].v);
		HARNESS_TEXT("double", buf_str(&b), cases[i].want);
	}
	uint64_t bits = 88172645463325252u;

	for (size_t i = 0; i < 20000; i++) {
		double v;

		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&v, &bits, sizeof(v));
		if (i < sizeof(hard) / sizeof(hard[0]))
			v = hard[i];
		if (!isfinite(v))
			continue;
		buf_clear(&b);
		jsonw_init(&w, &b);
		jsonw_f64(&w, v);
		assert_true(strtod(buf_z(&b), NULL) == v);
		assert_int_equal(strcspn(buf_z(&b), "eE"), b.n);
	}
}

static void test_depth(void **state)
{
	autodrop(buf_fini) struct buf b;
	struct jsonw w;

	(void)state;
	buf_init(&b, 1u << 20);
	jsonw_init(&w, &b);
	for (int i = 0; i < JSONW_DEPTH_MAX; i++)
		jsonw_array(&w);
	assert_int_equal(buf_err(&b), 0);
	jsonw_array(&w);
	assert_int_equal(buf_err(&b), -EMSGSIZE);
	for (int i = 0; i < JSONW_DEPTH_MAX + 1; i++)
		jsonw_array_end(&w);
	assert_int_equal(b.n, JSONW_DEPTH_MAX);
	assert_int_equal(w.depth, 0);
}

static void rewrites(struct str text, const char *want)
{
	autodrop(drop_arena) struct arena *a = arena_new(64u << 20);
	autodrop(buf_fini) struct buf b;
	struct jsonw w;

	buf_init(&b, 64u << 20);
	jsonw_init(&w, &b);
	jsonw_array(&w);
	jsonw_value(&w, a, json_parse(a, text, NULL));
	jsonw_i64(&w, 9);
	jsonw_array_end(&w);
	assert_int_equal(buf_err(&b), 0);
	HARNESS_TEXT("rewritten", str_skip(str_head(buf_str(&b), b.n - 3), 1), want);
}

static void test_values(void **state)
{
	(void)state;
	rewrites(STR(""), "null");
	rewrites(STR(" \"a\\u0041\\/\xff\" "), "\"aA/\xef\xbf\xbd\"");
	rewrites(STR("[ 1.50 , 1E5 , -0 , true , null , [ ] , { } ]"), "[1.50,1E5,-0,true,null,[],{}]");
	rewrites(STR("{ \"a\" : { \"b\" : [ { } , [ 1 ] ] } , \"c\" : 2 }"),
		 "{\"a\":{\"b\":[{},[1]]},\"c\":2}");
	/* Cut values are closed. */
	rewrites(STR("{\"a\":[1,{\"b\":\"x\\u12"), "{\"a\":[1,{\"b\":\"x\"}]}");
	rewrites(STR("{\"a\":1,\"b\":tru"), "{\"a\":1}");
	/* Of doubled names the last, however they are spelt, at every level. */
	rewrites(STR("{\"a\":1,\"b\":2,\"\\u0061\":3}"), "{\"b\":2,\"a\":3}");
	rewrites(STR("{\"a\":1,\"b\":{\"x\":1,\"x\":[{\"y\":1,\"y\":2}]},\"a\":{}}"),
		 "{\"b\":{\"x\":[{\"y\":2}]},\"a\":{}}");
	rewrites(STR("{\"k1\":1,\"k2\":1,\"k3\":1,\"k4\":1,\"k5\":1,\"k6\":1,\"k7\":1,\"k8\":1,\"k9\":{\"a\":"
		     "0,\"a\":1},"
		     "\"k\\u0032\":2,\"\":3,\"k9\":4,\"\":5}"),
		 "{\"k1\":1,\"k3\":1,\"k4\":1,\"k5\":1,\"k6\":1,\"k7\":1,\"k8\":1,\"k2\":2,\"k9\":4,\"\":5}");
}

/* Many members, all of one name or all different: neither may take quadratic time. */
static void test_many_members(void **state)
{
	enum { MANY = 300000 };
	autodrop(buf_fini) struct buf text, out;
	struct jsonw w;

	(void)state;
	for (int same = 0; same < 2; same++) {
		struct arena *a = arena_new(256u << 20);

		buf_init(&text, 64u << 20);
		buf_init(&out, 64u << 20);
		for (int i = 0; i < MANY; i++)
			buf_addf(&text, "%c\"\\u006b%d\":%d", i ? ',' : '{', same ? 0 : i, i);
		buf_add_char(&text, '}');
		jsonw_init(&w, &out);
		jsonw_value(&w, a, json_parse(a, buf_str(&text), NULL));
		assert_int_equal(buf_err(&out), 0);
		if (same)
			HARNESS_TEXT("same", buf_str(&out), "{\"k0\":299999}");
		else
			assert_int_equal(out.n, text.n - 5 * MANY);
		buf_fini(&text);
		buf_fini(&out);
		arena_free(a);
	}
}

static void test_deep_value(void **state)
{
	char text[2 * JSON_DEPTH_MAX + 1] = "";

	(void)state;
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	rewrites(str_make(text, sizeof(text) - 1), text);
}

static struct str shout(void *ctx, struct str s)
{
	char *space = ctx;

	for (size_t i = 0; i < s.n; i++)
		space[i] = s.p[i] >= 'a' && s.p[i] <= 'z' ? s.p[i] - 32 : s.p[i];
	return str_make(space, s.n);
}

static void test_filter(void **state)
{
	autodrop(drop_arena) struct arena *a = arena_new(65536);
	autodrop(buf_fini) struct buf b;
	struct jsonw w;
	char space[100];

	(void)state;
	buf_init(&b, 1000);
	jsonw_init(&w, &b);
	w.filter = shout;
	w.filter_ctx = space;
	jsonw_object(&w);
	jsonw_str(jsonw_key(&w, "key"), STR("text"));
	jsonw_z(jsonw_key(&w, "z"), "more");
	jsonw_value(jsonw_key(&w, "v"), a,
		    json_parse(a, STR("{\"k\":[\"x\\u0079\",true],\"l\":\"m\"}"), NULL));
	jsonw_object_end(&w);
	/* Every value, no name. */
	HARNESS_TEXT("filtered", buf_str(&b),
		     "{\"key\":\"TEXT\",\"z\":\"MORE\",\"v\":{\"k\":[\"XY\",true],\"l\":\"M\"}}");
}

static void test_full_buf(void **state)
{
	struct str text = STR("{\"a\":[1,\"two\\u0021\",{\"b\":0.5}],\"c\":\"\xff\"}");
	struct str want = STR("{\"a\":[1,\"two!\",{\"b\":0.5}],\"c\":\"\xef\xbf\xbd\"}");

	(void)state;
	for (size_t max = 0; max < want.n + 10; max++) {
		autodrop(drop_arena) struct arena *a = arena_new(65536);
		autodrop(buf_fini) struct buf b;
		struct jsonw w;

		buf_init(&b, max);
		jsonw_init(&w, &b);
		jsonw_value(&w, a, json_parse(a, text, NULL));
		assert_int_equal(buf_err(&b), max < want.n ? -EMSGSIZE : 0);
		assert_true(b.n <= max && str_starts(want, buf_str(&b)));
	}
}

/* ---- read and written: the sweeps ---- */

struct stage {
	struct buf text;
};

static void *start(void)
{
	struct stage *s = calloc(1, sizeof(*s));

	if (s)
		buf_init(&s->text, 1u << 20);
	return s;
}

static void feed(void *state, struct str piece)
{
	buf_add(&((struct stage *)state)->text, piece);
}

static void finish(void *state, struct buf *out)
{
	struct stage *s = state;
	autodrop(drop_arena) struct arena *a = arena_new(1u << 20);
	autodrop(buf_fini) struct buf b;
	struct json_end end;
	struct jsonw w;

	if (a == NULL || buf_err(&s->text))
		return;
	buf_init(&b, 1u << 20);
	jsonw_init(&w, &b);
	const struct json *j = json_parse(a, buf_str(&s->text), &end);

	jsonw_value(&w, a, j);
	if (end.state == JSON_MEMORY || buf_err(&b)) {
		/* Only for the reason that there was. */
		assert_true(harness_alloc_failed());
		assert_true(end.state == JSON_MEMORY || buf_err(&b) == -ENOMEM);
		return;
	}
	buf_addf(out, "%d@%zu ", (int)end.state, end.offset);
	buf_add(out, buf_str(&b));
	/* What was written is whole, and written anew it is the same. */
	struct buf again;
	const struct json *j2 = json_parse(a, buf_str(&b), &end);

	if (end.state == JSON_MEMORY)
		return;
	assert_int_equal(end.state, JSON_WHOLE);
	assert_int_equal(end.offset, b.n);
	buf_init(&again, 1u << 20);
	jsonw_init(&w, &again);
	jsonw_value(&w, a, j2);
	if (buf_err(&again) == 0)
		harness_assert_text("again", buf_str(&again), buf_str(&b));
	buf_fini(&again);
}

static void stop(void *state)
{
	struct stage *s = state;

	buf_fini(&s->text);
	free(s);
}

static void test_sweeps(void **state)
{
	const struct harness_stage stage = {start, feed, finish, stop};
	autodrop(buf_fini) struct buf text;

	(void)state;
	harness_sweep("small", &stage,
		      STR("{\"a\\n\":[1,2.5,\"\\ud83d\\ude00\xff\"],\"b\":{\"c\":null,\"c\":true},\"d\":"
			  "\"\xe2\x82\xac\"}"));
	/* Enough members, chunks and text to allocate at every place. */
	buf_init(&text, 1u << 20);
	for (int i = 0; i < 400; i++)
		buf_addf(&text, "%c\"n\\u00%02x\":{\"s\":\"%0*d\\n\",\"l\":[%d,[],{}]}", i ? ',' : '{',
			 i % 200 + 0x20 % 56, i % 40, i, i);
	buf_add_char(&text, '}');
	harness_sweep("large", &stage, buf_str(&text));
}

#define FILLER "abcdefghijklmnopqrstuvwxyz0123456789ABCD"

/* What needs an escape may stand at any place of the sixteen bytes that are copied at a time. */
static void escapes_at_every_place(void **state)
{
	static const struct {
		const char *raw, *written;
	} cases[] = {
		{"\n", "\\n"},
		{"\"", "\\\""},
		{"\\", "\\\\"},
		{"\x01", "\\u0001"},
		{"\x7f", "\\u007f"},
		{"\xc2\x80", "\\u0080"},
		{"\xc3\xa4", "\xc3\xa4"},
		{"\xff", "\xef\xbf\xbd"},
		{"\xe2\x82", "\xef\xbf\xbd"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t before = 0; before < 40; before++)
			for (size_t between = 0; between < 40; between++) {
				struct buf b, in, want;
				struct jsonw w;

				buf_init(&b, 1000);
				buf_init(&in, 1000);
				buf_init(&want, 1000);
				buf_addf(&in, "%.*s%s%.*s%s", (int)before, FILLER, cases[i].raw, (int)between,
					 FILLER, cases[i].raw);
				buf_addf(&want, "\"%.*s%s%.*s%s\"", (int)before, FILLER, cases[i].written,
					 (int)between, FILLER, cases[i].written);
				jsonw_init(&w, &b);
				jsonw_str(&w, buf_str(&in));
				HARNESS_TEXT("written", buf_str(&b), buf_z(&want));
				buf_fini(&b);
				buf_fini(&in);
				buf_fini(&want);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_at_every_place),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_many_members),
		cmocka_unit_test(test_deep_value),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_full_buf),
		cmocka_unit_test(test_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
