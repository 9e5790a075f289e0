/* SPDX-License-Identifier: BSD-2-Clause */
/* Redaction. Parts: t text, u URL, j JSON under the name before '=', a an argument of one command line, c a command as
 * text, h a header field's name. What came out must be valid, and a planted key gone. */
#include <ctype.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "fuzz.h"
#include "guard/guard.h"
#include "guard/name.h"
#include "guard/value.h"

#define ARENA_BYTES (4u << 20)
#define ARGS_MAX    32u
#define KEY	    "sk-proj-Zq3vT9xK7mW1pR5nB8dLc2Yf6Hj4Gs0Qe7Ua1Xi3"

static void check_json(struct str text)
{
	autodrop(drop_arena) struct arena *a = arena_new(ARENA_BYTES);
	struct json_end end;

	(void)json_parse(a, text, &end);
	assert(end.state == JSON_WHOLE && end.offset == text.n);
}

/* Alone between spaces nothing may hide it. (In the middle of a word it is none.) */
static void planted(struct guard *g, struct str text)
{
	autodrop(buf_fini) struct buf b;

	buf_init(&b, ARENA_BYTES);
	if (str_has(text, STR(KEY)))
		return;
	buf_add(&b, text);
	buf_add(&b, STR(" " KEY " "));
	assert(!str_has(guard_text(g, buf_str(&b)), STR(KEY)));
}

static void json(struct guard *g, struct str body)
{
	autodrop(drop_arena) struct arena *a = arena_new(ARENA_BYTES);
	autodrop(buf_fini) struct buf out;
	struct str name, value = str_cut(body, '=', &name);
	struct jsonw w;

	buf_init(&out, ARENA_BYTES);
	const struct json *j = json_parse(a, value, NULL);
	if (j == NULL)
		return;
	jsonw_init(&w, &out);
	value_json(g, &w, a, name, j);
	if (buf_err(&out) == 0)
		check_json(buf_str(&out));
}

static void arguments(struct guard *g, const struct str *argv, uint32_t argc)
{
	autodrop(buf_fini) struct buf out;
	struct jsonw w;

	buf_init(&out, ARENA_BYTES);
	jsonw_init(&w, &out);
	guard_argv(g, &w, argv, argc);
	check_json(buf_str(&out));
}

/* Of tokens, as in X-RateLimit-Remaining-Tokens. */
static bool is_limit(struct str name)
{
	char letters[256];
	size_t n = 0;

	for (size_t i = 0; i < name.n && n < sizeof(letters); i++)
		if (isalnum((unsigned char)name.p[i]))
			letters[n++] = (char)tolower((unsigned char)name.p[i]);
	return str_has(str_make(letters, n), STR("ratelimit"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct guard *g; /* its table of pairs takes longer to make than an input */
	struct str rest = str_make(data, size), body, argv[ARGS_MAX];
	uint32_t argc = 0;
	char letter;

	if (g == NULL)
		g = guard_new();
	while (fuzz_part(&rest, &letter, &body)) {
		char *copy = fuzz_copy(body);
		struct str text = str_make(copy, body.n);

		if (letter == 't') {
			(void)guard_text(g, text);
			planted(g, text);
		} else if (letter == 'u') {
			(void)guard_url(g, text);
		} else if (letter == 'c') {
			(void)value_text(g, text, true);
		} else if (letter == 'h') {
			assert(!name_is_open_header(text) || !name_is_credential_header(text) ||
			       is_limit(text));
		} else if (letter == 'j') {
			json(g, text);
		} else if (letter == 'a' && argc < ARGS_MAX) {
			argv[argc++] = body;
		}
		free(copy);
	}
	if (argc > 0)
		arguments(g, argv, argc);
	return 0;
}
