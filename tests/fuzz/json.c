/* SPDX-License-Identifier: BSD-2-Clause */
/* The JSON reader, everything that can be asked of a node, and the value written anew: that must be read again. */
#include "base/arena.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "fuzz.h"

#define ARENA_BYTES (8u << 20)
#define NODES_MAX   2000u

static void ask(struct arena *a, const struct json *j)
{
	int64_t i;
	double f;
	bool b;

	(void)json_raw(j);
	(void)json_is_cut(j);
	(void)json_str(a, j);
	(void)json_key(a, j);
	(void)json_key_is(j, STR("role"));
	(void)json_i64(j, &i);
	(void)json_f64(j, &f);
	(void)json_bool(j, &b);
	(void)json_is(j, "a\n\xc3\xa4");
	(void)json_get(j, "id");
	(void)json_get(j, "\xc3\xa4\"");
	(void)json_get_str(a, j, "name");
	(void)json_path(j, "a", "0", "b", NULL);
	(void)json_at(j, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autodrop(drop_arena) struct arena *a = arena_new(ARENA_BYTES);
	autodrop(buf_fini) struct buf out, again;
	struct json_end end;
	struct jsonw w;

	buf_init(&out, ARENA_BYTES);
	buf_init(&again, ARENA_BYTES);
	const struct json *j = json_parse(a, str_make(data, size), &end);
	assert(end.offset <= size && (end.state != JSON_BROKEN || end.why));
	if (j == NULL)
		return 0;
	ask(a, j);
	unsigned n = 0;
	for (const struct json *c = json_first(j); c && n++ < NODES_MAX; c = json_next(c)) {
		ask(a, c);
		ask(a, json_first(c));
	}
	jsonw_init(&w, &out);
	jsonw_value(&w, a, j);
	if (buf_err(&out))
		return 0;
	struct hash128 hash = json_hash(a, j);
	bool whole = end.state == JSON_WHOLE;
	/* What was written is whole, and writing it again changes nothing. */
	autodrop(drop_arena) struct arena *b = arena_new(ARENA_BYTES);
	j = json_parse(b, buf_str(&out), &end);
	assert(j && end.state == JSON_WHOLE && end.offset == out.n);
	jsonw_init(&w, &again);
	jsonw_value(&w, b, j);
	assert(str_eq(buf_str(&out), buf_str(&again)));
	/* White space is nothing to a value's hash; joined with another one it has the members of both. */
	autodrop(buf_fini) struct buf spaced;
	buf_init(&spaced, ARENA_BYTES);
	buf_add(&spaced, STR(" \n"));
	buf_add(&spaced, str_make(data, size));
	if (whole)
		assert(hash_eq(hash, json_hash(b, json_parse(b, buf_str(&spaced), &end))));
	autodrop(drop_arena) struct arena *d = arena_new(ARENA_BYTES);
	const struct json *head = json_parse(d, str_head(str_make(data, size), size / 2), &end),
			  *tail = json_parse(d, str_skip(str_make(data, size), size / 2), &end);
	if (json_type(head) == JSON_OBJECT && json_type(tail) == JSON_OBJECT) {
		size_t count = json_count(head) + json_count(tail);

		assert(json_count(json_join(head, tail)) == count);
	}
	return 0;
}
