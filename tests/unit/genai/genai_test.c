/* SPDX-License-Identifier: BSD-2-Clause */
/* Life of a call: when it closes, and how. */
#include "talk.h"

#define CHAT	  "POST /v1/chat/completions HTTP/1.1"
#define JSON_HEAD "200 OK\r\nContent-Type: application/json"
#define SSE_HEAD  "200 OK\r\nContent-Type: text/event-stream"
#define ASK	  "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define HEAD_TEXT " server=\"api.example.com\" port=443 path="
#define CHAT_TEXT HEAD_TEXT "\"/v1/chat/completions\"\n"
#define ASK_TEXT  "  openai.api.type=\"chat_completions\"\n  input user\n    text text=\"hi\"\n"
#define CHUNK(text) \
	"data: {\"id\":\"r\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define FINISH	      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define DONE	      "data: [DONE]\n\n"
#define ASKED_TEXT(x) "  chat provider=\"openai\" model=\"m\"" x " stream first\n" ASK_TEXT

/* Reads `cut` bytes less of the answer than there are, then the connection ends so. */
static void cut_short(const char *name, const char *answer, size_t cut, enum flow_end end, const char *want)
{
	char *input = talk_make(CHAT, ASK, SSE_HEAD, answer);

	input[strlen(input) - cut] = 0;
	talk_end = end;
	talk_sweep(name, input, want);
	talk_end = FLOW_END_FREED;
	free(input);
}

static void streams_close_at_their_semantic_end(void **state)
{
	static const char ok[] = "chat ok\n " CHAT_TEXT ASKED_TEXT(
		" id=\"r\"") "  output assistant finish=\"stop\"\n    text text=\"ab\"\n  finish stop\n  "
			     "usage ~5 ~1 - - -\n";

	(void)state;
	cut_short("whole", CHUNK("a") CHUNK("b") FINISH DONE, 0, FLOW_END_FREED, ok);
	/* Clients leave the bytes after [DONE] unread, and go. */
	cut_short("after done", CHUNK("a") CHUNK("b") FINISH DONE "tail", 4, FLOW_END_FREED, ok);
	cut_short("after done, on", CHUNK("a") CHUNK("b") FINISH DONE "tail", 4, FLOW_END_SESSION, ok);
	/* The finish reason was read, [DONE] was not. */
	cut_short("after finish", CHUNK("a") CHUNK("b") FINISH DONE, sizeof(DONE) - 1, FLOW_END_FREED, ok);
	cut_short("after finish, on", CHUNK("a") CHUNK("b") FINISH DONE, sizeof(DONE) - 1, FLOW_END_SESSION,
		  ok);
	cut_short("no done at all", CHUNK("a") CHUNK("b") FINISH, 0, FLOW_END_FREED, ok);
}

static void cut_streams_are_aborted_with_what_came(void **state)
{
	static const char *const rest =
		CHAT_TEXT ASKED_TEXT(" id=\"r\"") "  output assistant\n    text text=\"ab\"\n  usage ";
	struct buf want;

	(void)state;
	buf_init(&want, SIZE_MAX);
	buf_addf(&want, "chat aborted\n %s~5 ~1 - - -\n", rest);
	cut_short("closed", CHUNK("a") CHUNK("b") FINISH, sizeof(FINISH) - 1, FLOW_END_FREED, buf_z(&want));
	cut_short("killed", CHUNK("a") CHUNK("b") FINISH, sizeof(FINISH) - 1, FLOW_END_PROC_EXIT,
		  buf_z(&want));
	cut_short("no finish", CHUNK("a") CHUNK("b"), 0, FLOW_END_FREED, buf_z(&want));
	buf_clear(&want);
	buf_addf(&want, "not closed: chat open\n %s- - - - -\n", rest);
	cut_short("goes on", CHUNK("a") CHUNK("b") FINISH, sizeof(FINISH) - 1, FLOW_END_SESSION,
		  buf_z(&want));
	buf_fini(&want);
}

static void cut_bodies_are_read_as_far_as_they_go(void **state)
{
	char *input = talk_make(CHAT, ASK, JSON_HEAD,
				"{\"id\":\"r\",\"model\":\"m-1\",\"choices\":[{\"index\":0,\"message\":{"
				"\"role\":\"assistant\","
				"\"content\":\"Hello wor\\u00");

	(void)state;
	/* Framed whole, and yet no whole JSON: the sender's doing. */
	talk_sweep("broken", input,
		   "chat error type=\"broken\" message=\"JSON ends too early\" broken=0\n " CHAT_TEXT
		   "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r\" stream\n" ASK_TEXT
		   "  output assistant\n    text text=\"Hello wor\"\n  usage ~5 ~3 - - -\n");
	/* Cut by the connection: ours to say that it ended early. */
	input[strlen(input) - 1] = 0;
	talk_sweep("cut", input,
		   "chat aborted\n " CHAT_TEXT
		   "  chat provider=\"openai\" model=\"m\" answered=\"m-1\" id=\"r\" stream\n" ASK_TEXT
		   "  output assistant\n    text text=\"Hello wor\"\n  usage ~5 ~3 - - -\n");
	free(input);
}

/* `bytes` of a direction, `back` from its end, never reach us. */
static void with_gap(const char *name, const char *head, const char *answer, enum wire_dir where, size_t back,
		     size_t bytes, const char *want)
{
	char *input = talk_make(CHAT, ASK, head, answer);
	struct talk *t = talk_start();
	struct buf out;

	buf_init(&out, SIZE_MAX);
	for (int i = 0; i < 2; i++) {
		enum wire_dir dir = i == 0 ? WIRE_WRITE : WIRE_READ;
		struct str data = i == 0 ? str_head(str_of(input), talk_request)
					 : str_skip(str_of(input), talk_request);
		struct flow_gap gap = {
			.conn = &t->conn, .dir = dir, .bytes = bytes, .cause = WIRE_CAUSE_RING_FULL};

		if (dir != where) {
			talk_bytes(t, dir, data);
			continue;
		}
		talk_bytes(t, dir, str_head(data, data.n - back));
		gap.offset = t->offset[dir];
		http_gap(t->http, &gap);
		t->offset[dir] += bytes;
		talk_bytes(t, dir, str_skip(data, data.n - back + bytes));
	}
	talk_finish(t, &out);
	talk_stop(t);
	HARNESS_TEXT(name, buf_str(&out), want);
	buf_fini(&out);
	free(input);
}

static void gaps_hide_only_what_they_hide(void **state)
{
	static const char answer[] = "{\"id\":\"r\",\"choices\":[{\"message\":{\"content\":\"hello\"},"
				     "\"finish_reason\":\"stop\"}]}";

	(void)state;
	/* The events behind a hole are read on. */
	with_gap("in an event", SSE_HEAD, CHUNK("a") CHUNK("b") CHUNK("c") FINISH DONE, WIRE_READ,
		 sizeof(FINISH DONE) - 1 + 2 * sizeof(CHUNK("b")) - 20, 10,
		 "chat ok\n " CHAT_TEXT ASKED_TEXT(
			 " id=\"r\"") "  output assistant finish=\"stop\"\n    text text=\"ac\"\n"
				      "  finish stop\n  usage - - - - -\n");
	with_gap("over the end", SSE_HEAD, CHUNK("a") FINISH DONE, WIRE_READ, sizeof(FINISH DONE) - 1,
		 sizeof(FINISH DONE) - 1,
		 "chat aborted\n " CHAT_TEXT ASKED_TEXT(
			 " id=\"r\"") "  output assistant\n    text text=\"a\"\n"
				      "  usage - - - - -\n");
	with_gap("in a body", JSON_HEAD, answer, WIRE_READ, 40, 10,
		 "chat aborted\n " CHAT_TEXT
		 "  chat provider=\"openai\" model=\"m\" id=\"r\" stream\n" ASK_TEXT
		 "  output assistant finish=\"stop\"\n  finish stop\n  usage - - - - -\n");
	/* Half a role is no role. */
	with_gap("in a request", JSON_HEAD, answer, WIRE_WRITE, 20, 10,
		 "chat ok\n " CHAT_TEXT "  chat provider=\"openai\" model=\"m\" id=\"r\" stream\n"
		 "  openai.api.type=\"chat_completions\"\n  input \n"
		 "  output assistant finish=\"stop\"\n    text text=\"hello\"\n  finish stop\n  usage - - - "
		 "- -\n");
}

static void requests_without_answer_are_aborted(void **state)
{
	char *input = talk_make(CHAT, ASK, JSON_HEAD, "{}");

	(void)state;
	input[talk_request] = 0;
	talk_sweep("no answer", input,
		   "chat aborted\n " CHAT_TEXT "  chat provider=\"openai\" model=\"m\" stream\n" ASK_TEXT
		   "  usage - - - - -\n");
	/* The request itself was cut: what came of it is told. */
	input[talk_request - 4] = 0; /* in the last string, behind hi */
	talk_sweep("cut request", input,
		   "chat aborted\n " CHAT_TEXT "  chat provider=\"openai\" model=\"m\" stream\n" ASK_TEXT
		   "  usage - - - - -\n");
	free(input);
}

static void other_requests_are_http(void **state)
{
	static const struct {
		const char *line, *body, *head, *answer, *want;
	} rows[] = {
		{"GET /index.html?x=1 HTTP/1.1", "", "200 OK\r\nContent-Type: text/html", "<html>",
		 "http ok\n " HEAD_TEXT "\"/index.html\"\n"},
		{"POST /v1/x HTTP/1.1", "{}", "404 No", "x",
		 "http error type=\"404\"\n " HEAD_TEXT "\"/v1/x\"\n"},
		{CHAT, "{\"model\":\"m\"}", "400 No", "x",
		 "http error type=\"400\" note: its body has another shape than its path says\n " CHAT_TEXT},
		{CHAT, "{\"model\":\"m\",\"messages\":\"hi\"}", "200 OK", "x",
		 "http ok note: its body has another shape than its path says\n " CHAT_TEXT},
		{CHAT, "[1]", "200 OK", "x", "http ok note: its body is no JSON object\n " CHAT_TEXT},
		{"GET /v1/chat/completions HTTP/1.1", "", "200 OK", "{}",
		 "http ok no_model_call note: not a POST\n " CHAT_TEXT},
		{"POST /v1/messages/count_tokens?beta=true HTTP/1.1", "{\"model\":\"m\",\"messages\":[]}",
		 "200 OK", "{\"input_tokens\":16}",
		 "http ok no_model_call note: count_tokens counts and asks no model\n " HEAD_TEXT
		 "\"/v1/messages/count_tokens\"\n"},
		{"POST /v1/messages HTTP/1.1", "{\"messages\":[]}", "200 OK", "{}",
		 "http ok note: its body has another shape than its path says\n " HEAD_TEXT
		 "\"/v1/messages\"\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *input = talk_make(rows[i].line, rows[i].body, rows[i].head, rows[i].answer);

		talk_sweep(rows[i].want, input, rows[i].want);
		free(input);
	}
}

static void retries_say_so(void **state)
{
	char *input = talk_make(
		CHAT "\r\nX-Stainless-Retry-Count: 2", ASK,
		"429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 12",
		"{\"error\":{\"message\":\"slow\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}");

	(void)state;
	talk_sweep(
		"retry", input,
		"chat error type=\"requests\" message=\"slow\" retry_after=12000000000 retry=2\n " CHAT_TEXT
		"  chat provider=\"openai\" model=\"m\" stream\n" ASK_TEXT "  usage - - - - -\n");
	free(input);
}

static void several_calls_on_one_connection(void **state)
{
	char *one = talk_make(CHAT, ASK, SSE_HEAD, CHUNK("a") FINISH DONE);
	struct talk *t = talk_start();
	struct buf out;

	(void)state;
	buf_init(&out, SIZE_MAX);
	for (int i = 0; i < 3; i++) {
		t->fed = 0;
		talk_feed(t, str_of(one));
		/* Each is told at once, not when the connection ends. */
		assert_true(t->closed);
		t->closed = false;
	}
	assert_int_equal(genai_stats(t->genai).calls, 3);
	talk_finish(t, &out);
	talk_stop(t);
	buf_fini(&out);
	free(one);
}

/* What is freed in the middle of everything leaves nothing behind (the sanitizer looks). */
static void freed_in_the_middle(void **state)
{
	char *one = talk_make(CHAT, ASK, SSE_HEAD, CHUNK("a") FINISH DONE);
	struct talk *t = talk_start();

	(void)state;
	talk_feed(t, str_head(str_of(one), talk_request + 120));
	talk_stop(t);
	free(one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_close_at_their_semantic_end),
		cmocka_unit_test(cut_streams_are_aborted_with_what_came),
		cmocka_unit_test(cut_bodies_are_read_as_far_as_they_go),
		cmocka_unit_test(gaps_hide_only_what_they_hide),
		cmocka_unit_test(requests_without_answer_are_aborted),
		cmocka_unit_test(other_requests_are_http),
		cmocka_unit_test(retries_say_so),
		cmocka_unit_test(several_calls_on_one_connection),
		cmocka_unit_test(freed_in_the_middle),
	};

	return cmocka_run_group_tests_name("genai", tests, NULL, NULL);
}
