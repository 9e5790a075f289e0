/* SPDX-License-Identifier: BSD-2-Clause */
/* What is alive, as text: as approved, whatever a state holds. */
#include "harness.h"

#include <errno.h>

#include "base/arena.h"
#include "base/json.h"
#include "view/view.h"

/* clang-format off */
static const char alive[] =
	"{\"agents\":[{\"name\":\"Writer.run\\u001b[2J\",\"name_from\":\"step\",\"parent\":\"00000000000000aa\",\"pid\":100,\"tid\":101,"
	"\"task\":\"Task-2\",\"call\":{\"span\":\"00000000000000ab\",\"kind\":\"chat\",\"what\":\"gpt-5-mini\",\"server\":\"api.openai.com\","
	"\"since\":\"2026-11-22T20:41:00.000000000Z\",\"tid\":101,\"bytes_sent\":8412,\"bytes_received\":0,\"first_byte\":null,\"attempts\":2},"
	"\"tools\":[{\"span\":\"00000000000000ac\",\"name\":\"search\",\"call_id\":\"c1\",\"arguments\":{\"q\":1},"
	"\"since\":\"2026-11-22T20:40:07.000000000Z\"}],\"doing\":\"model\",\"calls\":3,\"since\":\"2026-11-22T20:40:00.000000000Z\","
	"\"last\":{\"span\":\"00000000000000ab\",\"model\":\"gpt-5-mini\",\"status\":\"open\",\"type\":null,\"end\":null},"
	"\"system\":\"You write.\",\"messages\":[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"go on\\u001b]0;x\"}]}],"
	"\"messages_before\":4,\"source\":{\"file\":\"/a/agent.py\",\"line\":41,\"function\":\"run\"},"
	"\"stack\":[{\"file\":\"/a/agent.py\",\"line\":41,\"function\":\"run\"}],\"stack_time\":\"2026-11-22T20:41:00.000000000Z\"}],"
	"\"agents_left_out\":2,"
	"\"steps\":[{\"span\":\"00000000000000aa\",\"parent\":null,\"name\":\"Writer.run\",\"pid\":100,\"tid\":101,"
	"\"since\":\"2026-11-22T20:40:00.000000000Z\",\"failing\":true,\"input\":{\"a\":1},\"state\":{\"plan\":[\"a\",\"b\"]}}],"
	"\"processes\":[{\"span\":\"00000000000000a9\",\"pid\":100,\"parent_pid\":1,\"name\":\"python3\",\"since\":null,\"state\":{},"
	"\"calls\":[],\"tools\":[]}]";

static const char text[] =
	"pid 100 at 2026-11-22T20:41:10.000000000Z\n"
	"\n"
	"agent Writer.run\\e[2J  pid 100  tid 101  task Task-2  waits for the model  for 1m10s\n"
	"  call      chat gpt-5-mini  api.openai.com  for 10.0 s  8.4 kB sent  0 B received  attempt 2\n"
	"  tool      search  c1  for 1m03s\n"
	"            {\"q\":1}\n"
	"  calls     3  the last one of gpt-5-mini  open\n"
	"  stack     as it was 10.0 s ago\n"
	"            /a/agent.py:41 run\n"
	"  system\n"
	"            You write.\n"
	"  messages  4 before these\n"
	"  user\n"
	"    go on\\e]0;x\n"
	"  and 2 more agents: left out for want of room\n"
	"\n"
	"step Writer.run  pid 100  tid 101  failing  for 1m10s\n"
	"  input\n"
	"            {\"a\":1}\n"
	"  state     plan\n"
	"            [\"a\",\"b\"]\n"
	"\n"
	"proc python3  pid 100\n";

static const char failed[] =
	"span 7  step  Writer.run  failed at 2026-11-22T20:41:10.000000000Z  KeyError: gone\n";
/* clang-format on */

static struct str state_of(struct arena *a)
{
	return arena_printf(a,
			    "{\"schema\":\"bottrace.v1.state\",\"pid\":100,\"time\":\"2026-11-22T20:41:10."
			    "000000000Z\",%s}",
			    alive + 1);
}

static struct str document_of(struct arena *a)
{
	return arena_printf(a,
			    "{\"schema\":\"bottrace.v1.trace\",\"spans\":[{\"id\":\"00000000000000a0\",\"n\":"
			    "6,\"kind\":\"step\",\"events\":[]},"
			    "{\"id\":\"00000000000000aa\",\"n\":7,\"kind\":\"step\",\"name\":\"Writer.run\","
			    "\"status\":{\"code\":\"error\",\"type\":\"KeyError\",\"message\":\"gone\"},"
			    "\"events\":[{\"time\":"
			    "\"2026-11-22T20:41:10.000000000Z\",\"name\":\"bottrace.failure\","
			    "\"attributes\":{\"bottrace.failure.state\":%s}}}]}]}",
			    alive);
}

static void as_approved(void **unused)
{
	(void)unused;
	struct arena *a = arena_new(1 << 24);
	const struct view_style style = {0};
	struct buf out;

	buf_init(&out, 1 << 20);
	const struct json *j = json_parse(a, state_of(a), NULL);
	assert_true(view_is_state(j));
	assert_int_equal(view_state(&out, a, j, &style), 0);
	HARNESS_TEXT("state", buf_str(&out), text);
	buf_fini(&out);
	arena_free(a);
}

static void failures(void **unused)
{
	(void)unused;
	struct arena *a = arena_new(1 << 24);
	const struct view_style style = {0};
	struct buf out;
	struct str want = arena_printf(a, "%s%s", failed, strchr(text, '\n') + 1);
	const struct json *j = json_parse(a, document_of(a), NULL);

	buf_init(&out, 1 << 20);
	assert_int_equal(view_failures(&out, a, j, 0, 7, &style), 0);
	HARNESS_TEXT("failure", buf_str(&out), want.p);
	buf_clear(&out);
	assert_int_equal(view_failures(&out, a, j, 0, 0, &style), 0);
	HARNESS_TEXT("of all", buf_str(&out), want.p);
	buf_clear(&out);
	assert_int_equal(view_failures(&out, a, j, 0, 6, &style), -ENOENT);
	assert_int_equal(view_failures(&out, a, j, 0, 99, &style), -ENOENT);
	assert_int_equal(view_failures(&out, a, json_parse(a, STR("{}"), NULL), 0, 0, &style), -EBADMSG);
	buf_clear(&out);
	assert_int_equal(view_failures_json(&out, a, j, 0, 0), 0);
	const struct json *all = json_parse(a, arena_dup(a, buf_str(&out)), NULL);
	assert_true(json_is(json_get(all, "schema"), "bottrace.v1.failures"));
	assert_int_equal(json_count(json_get(all, "failures")), 1);
	assert_true(json_is(json_path(all, "failures", "0", "span", NULL), "00000000000000aa"));
	assert_int_equal(json_count(json_path(all, "failures", "0", "state", "agents", NULL)), 1);
	buf_fini(&out);
	arena_free(a);
}

/* Any prefix, closed by the reader; any member of another type. */
static void hostile(void **unused)
{
	(void)unused;
	struct arena *a = arena_new(1 << 26);
	const struct view_style style = {.ascii = true, .colour = false};
	struct str whole = state_of(a);
	struct buf out;

	buf_init(&out, 1 << 20);
	for (size_t n = 0; n < whole.n; n++) {
		struct arena *b = arena_new(1 << 22);
		const struct json *j = json_parse(b, str_head(whole, n), NULL);

		buf_clear(&out);
		int r = view_state(&out, b, j, &style);
		assert_true(r == 0 || r == -EBADMSG);
		for (size_t i = 0; i < out.n; i++)
			assert_true(out.p[i] == '\n' || (out.p[i] >= ' ' && out.p[i] <= '~'));
		arena_free(b);
	}
	static const char *const odd[] = {
		"{\"schema\":\"bottrace.v1.state\",\"processes\":[1,null,[],{\"calls\":3,\"state\":\"x\","
		"\"tools\":{}}],"
		"\"agents\":{\"a\":1},\"steps\":\"x\"}",
		"{\"schema\":\"bottrace.v1.state\",\"processes\":[],\"agents\":[{\"name\":7,\"call\":[],"
		"\"messages\":[3,{}],"
		"\"stack\":[1],\"last\":null}],\"agents_left_out\":-1,\"steps_left_out\":\"x\"}",
	};
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		buf_clear(&out);
		assert_int_equal(view_state(&out, a, json_parse(a, str_of(odd[i]), NULL), &style), 0);
	}
	buf_fini(&out);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_approved),
		cmocka_unit_test(failures),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
