/* SPDX-License-Identifier: BSD-2-Clause */
/* Bodies of which policy left a part out: whatever the place, nothing is broken, and nothing is said that is not so. */
#include "talk.h"

#define CHAT	  "POST /v1/chat/completions HTTP/1.1"
#define MESSAGES  "POST /v1/messages HTTP/1.1"
#define JSON_HEAD "200 OK\r\nContent-Type: application/json"
#define EVIL	  "\\\"}],\\\"model\\\":\\\"evil\\\",\\\"usage\\\":{\\\"prompt_tokens\\\":666}} \\\\"

static const char openai_ask[] =
	"{\"messages\":[{\"role\":\"user\",\"content\":\"" EVIL "\"},{\"model\":\"evil\",\"stream\":false}],"
	"\"model\":\"m\",\"stream\":true,\"temperature\":0.5}";
static const char openai_answer[] =
	"{\"id\":\"r\",\"model\":\"m-1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
	"\"content\":\"" EVIL "\",\"finish_reason\":\"evil\"},\"finish_reason\":\"stop\"}],"
	"\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7}}";
static const char anthropic_ask[] =
	"{\"model\":\"c\",\"max_tokens\":9,\"system\":\"" EVIL
	"\",\"messages\":[{\"role\":\"user\",\"content\":\"" EVIL "\"}],\"stream\":false}";
static const char anthropic_answer[] =
	"{\"model\":\"c-1\",\"id\":\"r\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":"
	"\"text\",\"text\":\"" EVIL "\",\"stop_reason\":\"evil\"}],\"stop_reason\":\"end_turn\",\"usage\":{"
	"\"input_tokens\":11,\"output_tokens\":7}}";

/* The input with bytes [from, to) of a direction left out. The text is the caller's. */
static struct buf with_hole(const char *input, enum wire_dir where, size_t from, size_t to)
{
	struct talk *t = talk_start();
	struct buf out;

	buf_init(&out, SIZE_MAX);
	for (int i = 0; i < 2; i++) {
		enum wire_dir dir = i == 0 ? WIRE_WRITE : WIRE_READ;
		struct str data = i == 0 ? str_head(str_of(input), talk_request)
					 : str_skip(str_of(input), talk_request);
		struct flow_gap gap = {.conn = &t->conn, .dir = dir, .offset = from, .bytes = to - from};

		if (dir != where) {
			talk_bytes(t, dir, data);
			continue;
		}
		talk_bytes(t, dir, str_head(data, from));
		http_gap(t->http, &gap);
		t->offset[dir] += to - from;
		talk_bytes(t, dir, str_skip(data, to));
	}
	talk_finish(t, &out);
	talk_stop(t);
	return out;
}

/* A line of this beginning is one of these, or not there. */
static void one_of(struct str out, const char *begin, const char *const *allowed)
{
	ptrdiff_t at = str_find(out, str_of(begin));
	struct str line;

	if (at < 0)
		return;
	(void)str_cut(str_skip(out, (size_t)at), '\n', &line);
	for (; *allowed; allowed++)
		if (str_eq(line, str_of(*allowed)))
			return;
	fail_msg("unexpected: %.*s\nin: %.*s", STR_ARG(line), STR_ARG(out));
}

/* Everywhere: the call is whole and well, and each fact right or absent. */
static void sweep(const char *line, const char *body, const char *answer, enum wire_dir where,
		  const char *const *heads, const char *const *finishes, const char *const *usages)
{
	char *input = talk_make(line, body, JSON_HEAD, answer);
	size_t size = strlen(where == WIRE_WRITE ? body : answer);
	size_t end = where == WIRE_WRITE ? talk_request : strlen(input) - talk_request;

	for (size_t from = end - size; from < end; from++)
		for (size_t to = from + 1; to <= end; to += 1 + (to - from) / 7) {
			struct buf out = with_hole(input, where, from, to);
			struct str s = buf_str(&out);

			if (!str_starts(s, STR("chat ok\n")))
				fail_msg("hole %zu-%zu: %.*s", from, to, STR_ARG(s));
			one_of(s, "  chat provider=", heads);
			one_of(s, "  finish ", finishes);
			one_of(s, "  usage ", usages);
			buf_fini(&out);
		}
	free(input);
}

static void openai_everywhere(void **state)
{
	static const char *const asked[] = {
		"  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r\" stream",
		"  chat provider=\"openai\" answered=\"m-1\" id=\"r\" stream",
		"  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r\"",
		"  chat provider=\"openai\" answered=\"m-1\" id=\"r\"", NULL};
	static const char *const answered[] = {
		"  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r\" stream",
		"  chat provider=\"openai\" model=\"m\" answered=\"m-1\" stream",
		"  chat provider=\"openai\" model=\"m\" id=\"r\" stream",
		"  chat provider=\"openai\" model=\"m\" stream", NULL};
	static const char *const finish[] = {"  finish stop", NULL};
	static const char *const usage[] = {"  usage 11 7 - - -", "  usage 11 - - - -", "  usage - - - - -",
					    NULL};
	static const char *const all[] = {"  usage 11 7 - - -", NULL};

	(void)state;
	sweep(CHAT, openai_ask, openai_answer, WIRE_WRITE, asked, finish, all);
	sweep(CHAT, openai_ask, openai_answer, WIRE_READ, answered, finish, usage);
}

static void anthropic_everywhere(void **state)
{
	static const char *const asked[] = {
		"  chat provider=\"anthropic\" model=\"c\" answered=\"c-1\" id=\"r\"",
		"  chat provider=\"anthropic\" answered=\"c-1\" id=\"r\"", NULL};
	static const char *const answered[] = {
		"  chat provider=\"anthropic\" model=\"c\" answered=\"c-1\" id=\"r\"",
		"  chat provider=\"anthropic\" model=\"c\" answered=\"c-1\"",
		"  chat provider=\"anthropic\" model=\"c\" id=\"r\"",
		"  chat provider=\"anthropic\" model=\"c\"", NULL};
	static const char *const finish[] = {"  finish end_turn", NULL};
	static const char *const usage[] = {"  usage 11 7 - - -", "  usage - - - - -", NULL};
	static const char *const all[] = {"  usage 11 7 - - -", NULL};

	(void)state;
	sweep(MESSAGES, anthropic_ask, anthropic_answer, WIRE_WRITE, asked, finish, all);
	sweep(MESSAGES, anthropic_ask, anthropic_answer, WIRE_READ, answered, finish, usage);
}

static void says(struct buf *out, const char *want)
{
	if (str_find(buf_str(out), str_of(want)) < 0)
		fail_msg("want: %s\ngot:  %.*s", want, STR_ARG(buf_str(out)));
	buf_fini(out);
}

/* Position of a text in one direction. */
static size_t at(const char *input, enum wire_dir dir, const char *text)
{
	const char *from = dir == WIRE_WRITE ? input : input + talk_request;

	return (size_t)(strstr(from, text) - from);
}

/* With the hole where it lies in life, in the middle of the texts, all is there. */
static void in_the_middle(void **state)
{
	char *input = talk_make(CHAT, openai_ask, JSON_HEAD, openai_answer);
	size_t from = at(input, WIRE_WRITE, "evil"), to = at(input, WIRE_WRITE, "666");
	struct buf out = with_hole(input, WIRE_WRITE, from, to);

	(void)state;
	says(&out, "model=\"m\" answered=\"m-1\" id=\"r\" stream\n  openai.api.type=\"chat_completions\"\n"
		   "  gen_ai.request.temperature=0.5\n");
	from = at(input, WIRE_READ, "evil");
	to = at(input, WIRE_READ, "666");
	out = with_hole(input, WIRE_READ, from, to);
	says(&out, "  finish stop\n  usage 11 7 - - -\n");
	free(input);
	input = talk_make(MESSAGES, anthropic_ask, JSON_HEAD, anthropic_answer);
	from = at(input, WIRE_READ, "\"content\"");
	to = at(input, WIRE_READ, "666");
	out = with_hole(input, WIRE_READ, from, to); /* the name of the content too */
	says(&out, "  finish end_turn\n  usage 11 7 - - -\n");
	free(input);
}

/* Two choices, of which the second may be whole in the hole: the one reason that is seen is not the answer's. */
static void several_choices(void **state)
{
	static const char ask[] = "{\"model\":\"m\",\"n\":2,\"messages\":[]}";
	char *input = talk_make(CHAT, ask, JSON_HEAD, openai_answer);
	size_t from = at(input, WIRE_READ, "evil"), to = at(input, WIRE_READ, "666");
	struct buf out = with_hole(input, WIRE_READ, from, to);

	(void)state;
	assert_true(str_find(buf_str(&out), STR("  finish")) < 0);
	says(&out, "  usage 11 7 - - -\n");
	free(input);
}

/* The end of a stream in a hole: the body ended as framed, so did the answer. */
static void end_of_a_stream(void **state)
{
	static const char events[] =
		"data: "
		"{\"id\":\"r\",\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}"
		"\n\n"
		"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
		"data: [DONE]\n\n";
	char *input = talk_make(CHAT, openai_ask, "200 OK\r\nContent-Type: text/event-stream", events);
	size_t from = at(input, WIRE_READ, "data: {\"choices\""), to = strlen(input) - talk_request;
	struct buf out = with_hole(input, WIRE_READ, from, to);

	(void)state;
	assert_true(str_starts(buf_str(&out), STR("chat ok\n")));
	says(&out, "answered=\"m-1\"");
	out = with_hole(input, WIRE_READ, from, to - 2);
	says(&out, "chat ok\n");
	free(input);
}

/* Nothing behind the hole can be decoded, and nobody is to blame. */
static void encoded(void **state)
{
	char *input = talk_make(CHAT, openai_ask, JSON_HEAD "\r\nContent-Encoding: br", "0123456789");
	size_t end = strlen(input) - talk_request;
	struct buf out = with_hole(input, WIRE_READ, end - 10, end - 4);

	(void)state;
	assert_true(str_starts(buf_str(&out), STR("chat ok cut=0@0\n")));
	buf_fini(&out);
	free(input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openai_everywhere), cmocka_unit_test(anthropic_everywhere),
		cmocka_unit_test(in_the_middle),     cmocka_unit_test(several_choices),
		cmocka_unit_test(end_of_a_stream),   cmocka_unit_test(encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
