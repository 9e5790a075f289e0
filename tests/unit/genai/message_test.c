/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash: an answer and its later quotation are one, whatever SDK wrote them. */
#include "talk.h"

static struct hash128 seen[8];
static uint32_t seen_count;

static void keep_output(void *ctx, struct genai_call *c)
{
	(void)ctx;
	for (uint32_t i = 0; i < c->output_count; i++)
		seen[seen_count++] = c->output[i].hash;
}

static void keep_input(void *ctx, struct genai_call *c)
{
	(void)ctx;
	for (uint32_t i = 0; i < c->input_count; i++)
		seen[seen_count++] = c->input[i].hash;
}

static void run(const char *input, bool output)
{
	const struct genai_ops ops = {.close = output ? keep_output : keep_input};
	struct genai *g = genai_new(&ops, NULL);
	struct http *h = http_new(genai_http_ops(), g);
	struct flow_conn conn = {.id = 1};
	struct flow_chunk chunk = {
		.conn = &conn, .dir = WIRE_WRITE, .data = str_head(str_of(input), talk_request)};

	seen_count = 0;
	http_feed(h, &chunk);
	chunk.dir = WIRE_READ;
	chunk.data = str_skip(str_of(input), talk_request);
	http_feed(h, &chunk);
	http_close(h, &conn, FLOW_END_FREED, 1);
	http_free(h);
	genai_free(g);
}

#define OPENAI	  "POST /v1/chat/completions HTTP/1.1"
#define ANTHROPIC "POST /v1/messages HTTP/1.1"
#define JSON_HEAD "200 OK\r\nContent-Type: application/json"
#define SSE_HEAD  "200 OK\r\nContent-Type: text/event-stream"

static struct hash128 answer(const char *line, const char *head, const char *body)
{
	char *input = talk_make(line, "{\"model\":\"m\",\"messages\":[]}", head, body);

	run(input, true);
	free(input);
	assert_int_equal(seen_count, 1);
	return seen[0];
}

static struct hash128 quotation(const char *line, const char *message)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	buf_addf(&b, "{\"model\":\"m\",\"messages\":[%s]}", message);
	char *input = talk_make(line, buf_z(&b), JSON_HEAD, "{}");

	run(input, false);
	free(input);
	buf_fini(&b);
	assert_int_equal(seen_count, 1);
	return seen[0];
}

static void openai_answers_equal_their_quotations(void **state)
{
	struct hash128 told =
		answer(OPENAI, SSE_HEAD,
		       "data: "
		       "{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null,"
		       "\"reasoning\":\"hm\"}}]}\n\n"
		       "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"I \"}}]}\n\n"
		       "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"look\"}}]}\n\n"
		       "data: "
		       "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\","
		       "\"function\":{\"name\":"
		       "\"f\",\"arguments\":\"\"}}]}}]}\n\n"
		       "data: "
		       "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{"
		       "\"arguments\":\"{\\\"a\\\":"
		       "1}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n");
	struct hash128 whole = answer(OPENAI, JSON_HEAD,
				      "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"I "
				      "look\",\"tool_calls\":[{\"id\":\"c1\",\"type\":"
				      "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{ \\\"a\\\" "
				      ": 1 }\"}}]},\"finish_reason\":\"stop\"}]}");
	static const char *const same[] = {
		"{\"role\":\"assistant\",\"content\":\"I "
		"look\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\","
		"\"arguments\":\"{\\\"a\\\":1}\"}}]}",
		"{\"name\":\"bob\",\"tool_calls\":[{\"function\":{\"arguments\":\"{\\n\\\"a\\\": "
		"1}\",\"name\":\"f\"},\"id\":\"c1\"}],"
		"\"content\":[{\"type\":\"text\",\"text\":\"I "
		"\"},{\"type\":\"text\",\"text\":\"look\"}],\"role\":\"assistant\"}",
		"{\"role\":\"assistant\",\"reasoning_content\":\"hm\",\"content\":\"\\u0049 "
		"look\",\"tool_calls\":[{\"id\":\"c1\","
		"\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}}]}",
	};
	static const char *const other[] = {
		"{\"role\":\"user\",\"content\":\"I "
		"look\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\","
		"\"arguments\":\"{\\\"a\\\":1}\"}}]}",
		"{\"role\":\"assistant\",\"content\":\"I look "
		"\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\","
		"\"arguments\":\"{\\\"a\\\":1}\"}}]}",
		"{\"role\":\"assistant\",\"content\":\"I "
		"look\",\"tool_calls\":[{\"id\":\"c2\",\"function\":{\"name\":\"f\","
		"\"arguments\":\"{\\\"a\\\":1}\"}}]}",
		"{\"role\":\"assistant\",\"content\":\"I "
		"look\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\","
		"\"arguments\":\"{\\\"a\\\":2}\"}}]}",
		"{\"role\":\"assistant\",\"content\":\"I look\"}",
	};

	(void)state;
	assert_true(hash_eq(told, whole));
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_true(hash_eq(told, quotation(OPENAI, same[i])));
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		assert_false(hash_eq(told, quotation(OPENAI, other[i])));
}

static void empty_arguments_are_one(void **state)
{
	struct hash128 none = answer(OPENAI, JSON_HEAD,
				     "{\"choices\":[{\"message\":{\"content\":null,\"tool_calls\":[{\"id\":"
				     "\"c1\",\"function\":{\"name\":\"f\"}}]}}]}");
	static const char *const same[] = {
		"{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{"
		"\"name\":\"f\",\"arguments\":\"\"}}]}",
		"{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\","
		"\"arguments\":\"{}\"}}]}",
		"{\"role\":\"assistant\",\"content\":[],\"tool_calls\":[{\"id\":\"c1\",\"function\":{"
		"\"name\":\"f\",\"arguments\":null}}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_true(hash_eq(none, quotation(OPENAI, same[i])));
}

static void anthropic_answers_equal_their_quotations(void **state)
{
	struct hash128 told = answer(ANTHROPIC, SSE_HEAD,
				     "event: message_start\ndata: "
				     "{\"type\":\"message_start\",\"message\":{\"role\":\"assistant\"}}\n\n"
				     "data: "
				     "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{"
				     "\"type\":\"thinking\",\"thinking\":\"\"}}\n\n"
				     "data: "
				     "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
				     "\"thinking_delta\",\"thinking\":\"hm\"}}\n\n"
				     "data: "
				     "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{"
				     "\"type\":\"text\",\"text\":\"\"}}\n\n"
				     "data: "
				     "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
				     "\"text_delta\",\"text\":\"I look\"}}\n\n"
				     "data: "
				     "{\"type\":\"content_block_start\",\"index\":2,\"content_block\":{"
				     "\"type\":\"tool_use\",\"id\":\"c1\",\"name\":"
				     "\"f\",\"input\":{}}}\n\n"
				     "data: "
				     "{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":"
				     "\"input_json_delta\",\"partial_json\":"
				     "\"{\\\"a\\\": 1}\"}}\n\n"
				     "data: {\"type\":\"message_stop\"}\n\n");

	(void)state;
	assert_true(hash_eq(told,
			    quotation(ANTHROPIC,
				      "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":"
				      "\"I look\"},{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"f\","
				      "\"input\":{\"a\":1},\"cache_control\":{\"type\":\"ephemeral\"}}]}")));
	assert_true(hash_eq(told,
			    quotation(ANTHROPIC,
				      "{\"role\":\"assistant\",\"content\":[{\"type\":\"redacted_thinking\","
				      "\"data\":\"x\"},{\"type\":\"text\",\"text\":\"I look\"},{\"type\":"
				      "\"tool_use\",\"id\":\"c1\",\"name\":\"f\",\"input\":{\"a\":1}}]}")));
	/* A text alone is the same as a string and as a block. */
	assert_true(
		hash_eq(quotation(ANTHROPIC, "{\"role\":\"user\",\"content\":\"x\"}"),
			quotation(ANTHROPIC,
				  "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}")));
	assert_false(hash_eq(quotation(ANTHROPIC, "{\"role\":\"user\",\"content\":\"x\"}"),
			     quotation(ANTHROPIC, "{\"role\":\"user\",\"content\":\"y\"}")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openai_answers_equal_their_quotations),
		cmocka_unit_test(empty_arguments_are_one),
		cmocka_unit_test(anthropic_answers_equal_their_quotations),
	};

	return cmocka_run_group_tests_name("genai message", tests, NULL, NULL);
}
