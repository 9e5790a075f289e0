/* SPDX-License-Identifier: BSD-2-Clause */
/* --light: of every API, what the call was and cost, and nothing of what was said; small bodies are copied whole. */
#include "pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

#define C "CANARY"

struct world {
	struct pipeline *p;
	uint64_t now, offset[WIRE_DIRS];
};

static const struct api {
	const char *path, *request, *answer;
	const char *kind, *says; /* in the document with or without content */
} apis[] = {
	{"/v1/chat/completions",
	 "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"" C
	 "\"},{\"role\":\"user\",\"content\":\"" C
	 "\"}],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
	 "\"description\":\"" C "\"}}]}",
	 "{\"model\":\"m\",\"choices\":[{\"index\":0,\"finish_reason\":\"tool_calls\",\"message\":{\"role\":"
	 "\"assistant\","
	 "\"content\":\"" C
	 "\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
	 "\"arguments\":\"{\\\"a\\\":\\\"" C
	 "\\\"}\"}}]}}],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7}}",
	 "chat", "\"gen_ai.usage.output_tokens\":7"},
	{"/v1/responses",
	 "{\"model\":\"m\",\"instructions\":\"" C "\",\"input\":\"" C
	 "\",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":\"" C "\"}]}",
	 "{\"id\":\"r\",\"object\":\"response\",\"status\":\"completed\",\"model\":\"m\",\"output\":[{"
	 "\"type\":\"message\","
	 "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"" C
	 "\"}]},{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":"
	 "\\\"" C "\\\"}\"}],\"usage\":{\"input_tokens\":11,\"output_tokens\":7,\"total_tokens\":18}}",
	 "chat", "\"gen_ai.usage.output_tokens\":7"},
	{"/v1/messages",
	 "{\"model\":\"m\",\"max_tokens\":9,\"system\":\"" C
	 "\",\"messages\":[{\"role\":\"user\",\"content\":\"" C "\"}]}",
	 "{\"id\":\"x\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[{\"type\":"
	 "\"thinking\","
	 "\"thinking\":\"" C "\"},{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"f\",\"input\":{\"a\":\"" C
	 "\"}}],\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":11,\"output_tokens\":7}}",
	 "chat", "\"gen_ai.usage.output_tokens\":7"},
	{"/v1beta/models/m:generateContent",
	 "{\"systemInstruction\":{\"parts\":[{\"text\":\"" C
	 "\"}]},\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"" C "\"}]}]}",
	 "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"" C
	 "\"},{\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":\"" C
	 "\"}}}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":11,"
	 "\"candidatesTokenCount\":7},"
	 "\"modelVersion\":\"m\"}",
	 "generate_content", "\"gen_ai.usage.output_tokens\":7"},
	{"/model/m/converse",
	 "{\"system\":[{\"text\":\"" C "\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"" C
	 "\"}]}]}",
	 "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"" C
	 "\"},{\"toolUse\":{\"toolUseId\":\"c1\",\"name\":\"f\",\"input\":{\"a\":\"" C
	 "\"}}}]}},\"stopReason\":\"tool_use\",\"usage\":{\"inputTokens\":11,\"outputTokens\":7,"
	 "\"totalTokens\":18}}",
	 "chat", "\"gen_ai.usage.output_tokens\":7"},
	{"/model/anthropic.m/invoke",
	 "{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","
	 "\"content\":\"" C "\"}]}",
	 "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"" C
	 "\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":11,\"output_tokens\":7}}",
	 "chat", "\"gen_ai.usage.output_tokens\":7"},
	{"/v2/chat", "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"" C "\"}]}",
	 "{\"id\":\"x\",\"finish_reason\":\"COMPLETE\",\"message\":{\"role\":\"assistant\",\"content\":[{"
	 "\"type\":\"text\","
	 "\"text\":\"" C "\"}]},\"usage\":{\"tokens\":{\"input_tokens\":11,\"output_tokens\":7}}}",
	 "chat", "\"gen_ai.usage.output_tokens\":7"},
	{"/api/chat",
	 "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":\"" C "\"}]}",
	 "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"" C
	 "\"},\"done_reason\":\"stop\",\"done\":true,\"prompt_eval_count\":11,\"eval_count\":7}",
	 "chat", "\"gen_ai.usage.output_tokens\":7"},
	{"/api/generate", "{\"model\":\"m\",\"stream\":false,\"system\":\"" C "\",\"prompt\":\"" C "\"}",
	 "{\"model\":\"m\",\"response\":\"" C
	 "\",\"done_reason\":\"stop\",\"done\":true,\"prompt_eval_count\":11,\"eval_count\":7}",
	 "text_completion", "\"gen_ai.usage.output_tokens\":7"},
	{"/v1/completions", "{\"model\":\"m\",\"prompt\":\"" C "\"}",
	 "{\"object\":\"text_completion\",\"model\":\"m\",\"choices\":[{\"text\":\"" C
	 "\",\"index\":0,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":"
	 "7}}",
	 "text_completion", "\"gen_ai.usage.output_tokens\":7"},
	{"/v1/rerank", "{\"model\":\"m\",\"query\":\"" C "\",\"documents\":[\"" C "\"]}",
	 "{\"id\":\"x\",\"results\":[{\"index\":0,\"relevance_score\":0.9}],\"meta\":{\"billed_units\":{"
	 "\"search_units\":7}}}",
	 "rerank", "\"bottrace.usage.search_units\":7"},
};

static void feed(struct world *w, struct wire_head *rec, uint32_t pid)
{
	rec->ts_ns = w->now += 1000000;
	rec->pid = rec->tid = pid;
	rec->start_ns = pid ? 1 : 0;
	pipeline_feed(w->p, rec);
}

static void moves(struct world *w, enum wire_dir dir, const char *text, size_t n)
{
	_Alignas(8) char space[8192] = {0};
	struct wire_tls_data *d = (void *)space;

	assert_true(sizeof(*d) + n < sizeof(space));
	d->head.size = (uint32_t)((sizeof(*d) + n + 7) & ~7ul);
	d->head.kind = WIRE_TLS_DATA;
	d->conn = (struct wire_conn_key){.ssl = 1, .generation = 2};
	d->offset = w->offset[dir];
	d->call_len = d->len = (uint32_t)n;
	d->dir = (uint8_t)dir;
	memcpy(d->payload, text, n);
	w->offset[dir] += n;
	feed(w, &d->head, 7);
}

static void http(struct world *w, const struct api *api)
{
	char text[4096];

	snprintf(text, sizeof(text), "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
		 api->path, strlen(api->request), api->request);
	moves(w, WIRE_WRITE, text, strlen(text));
	snprintf(text, sizeof(text),
		 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(api->answer), api->answer);
	moves(w, WIRE_READ, text, strlen(text));
}

/* Text frames, of a client with a mask of zeros. */
static void says(struct world *w, enum wire_dir dir, const char *text)
{
	size_t n = strlen(text), at = dir == WIRE_WRITE ? 8 : 4;
	char frame[4096] = {(char)0x81, (char)(dir == WIRE_WRITE ? 0xfe : 126), (char)(n >> 8), (char)n};

	assert_in_range(n, 126, sizeof(frame) - at);
	memcpy(frame + at, text, n);
	moves(w, dir, frame, at + n);
}

static const struct api talk = {.kind = "chat", .says = "\"gen_ai.usage.output_tokens\":7"};

static void websocket(struct world *w)
{
	static const char
		ask[] = "GET /v1/responses HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
			"Connection: Upgrade\r\n\r\n",
		yes[] = "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

	moves(w, WIRE_WRITE, ask, sizeof(ask) - 1);
	moves(w, WIRE_READ, yes, sizeof(yes) - 1);
	says(w, WIRE_WRITE,
	     "{\"type\":\"response.create\",\"model\":\"m\",\"instructions\":\"" C "\",\"input\":\"" C
	     "\",\"max_output_tokens\":1000,\"temperature\":0.5,\"store\":false}");
	says(w, WIRE_READ,
	     "{\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"object\":\"response\",\"status\":"
	     "\"completed\","
	     "\"model\":\"m\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{"
	     "\"type\":"
	     "\"output_text\",\"text\":\"" C
	     "\"}]}],\"usage\":{\"input_tokens\":11,\"output_tokens\":7,\"total_tokens\":18}}}");
}

static void play(const struct api *api, bool light, struct buf *document)
{
	struct pipeline_settings settings = {0};
	struct wire_session s = {.head = {.size = sizeof(s), .kind = WIRE_SESSION},
				 .mode = WIRE_MODE_RUN,
				 .options = light ? WIRE_OPT_LIGHT : 0};
	struct wire_proc_fact f = {.head = {.size = sizeof(f), .kind = WIRE_PROC_FACT}, .comm = "agent"};
	struct wire_end e = {.head = {.size = sizeof(e), .kind = WIRE_END}, .has_final = 1};
	struct world w = {.now = 1000000000, .p = pipeline_new(&settings)};

	assert_non_null(w.p);
	feed(&w, &s.head, 0);
	feed(&w, &f.head, 7);
	if (api == &talk)
		websocket(&w);
	else
		http(&w, api);
	feed(&w, &e.head, 0);
	assert_int_equal(pipeline_finish(w.p, false), 0);
	struct view_session v = pipeline_session(w.p);
	assert_int_equal(view_document(&v, view_to_buf, document), 0);
	pipeline_free(w.p);
}

static void check(const struct api *api)
{
	char kind[64];
	struct buf b;

	snprintf(kind, sizeof(kind), "\"kind\":\"%s\"", api->kind);
	buf_init(&b, 1u << 20);
	for (int light = 0; light < 2; light++) {
		buf_clear(&b);
		play(api, light, &b);
		assert_says(buf_str(&b), kind);
		assert_says(buf_str(&b), api->says);
		if (light && str_find(buf_str(&b), STR(C)) >= 0)
			fail_msg("%s: %.*s", api->path ? api->path : "WebSocket", (int)b.n, b.p);
		assert_true(light || str_find(buf_str(&b), STR(C)) >= 0);
		assert_true(!light || str_find(buf_str(&b), STR("\"light\":true")) >= 0);
	}
	buf_fini(&b);
}

static void every_api(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++)
		check(&apis[i]);
}

static void on_a_websocket(void **state)
{
	(void)state;
	check(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_api),
		cmocka_unit_test(on_a_websocket),
	};

	return cmocka_run_group_tests_name("light", tests, NULL, NULL);
}
