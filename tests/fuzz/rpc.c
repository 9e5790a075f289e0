/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON-RPC over HTTP: MCP, A2A, agents' cards, other tracers' exports; several connections of one process, where the
 * answer to one may come on another. Parts: q "request line and fields LF LF body", a the same of an answer, e one that
 * goes on, d more of it; 0-3 the connection of what follows; x it ends.
 */
#include "call.h"

#define CONNECTIONS 4u

struct wires {
	struct call call;
	struct flow_conn conn[CONNECTIONS];
	uint64_t offset[CONNECTIONS][WIRE_DIRS];
	unsigned at;
};

static void feed(struct wires *w, enum wire_dir dir, struct str data)
{
	struct flow_chunk chunk = {.conn = &w->conn[w->at],
				   .dir = dir,
				   .offset = w->offset[w->at][dir],
				   .start_ns = 10,
				   .ts_ns = 20,
				   .data = data};

	if (data.n == 0)
		return;
	w->offset[w->at][dir] += data.n;
	http_feed(w->call.http, &chunk);
}

/* Line ends of the head become those of HTTP. */
static void message(struct wires *w, enum wire_dir dir, struct str part, bool whole)
{
	autodrop(buf_fini) struct buf b;
	ptrdiff_t end = str_find(part, STR("\n\n"));
	struct str head = end < 0 ? part : str_head(part, (size_t)end), line;
	struct str body = end < 0 ? STR("") : str_skip(part, (size_t)end + 2);

	buf_init(&b, 1u << 20);
	while (head.n > 0) {
		head = str_cut(head, '\n', &line);
		buf_addf(&b, "%.*s\r\n", STR_ARG(line));
	}
	if (whole)
		buf_addf(&b, "Content-Length: %zu\r\n", body.n);
	buf_add(&b, STR("\r\n"));
	buf_add(&b, body);
	feed(w, dir, buf_str(&b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct genai_ops ops = {
		.begin = call_begin,
		.request = call_nothing,
		.first = call_nothing,
		.close = call_close,
		.end = call_end,
	};
	struct wires w = {0};
	struct str rest = str_make(data, size), body;
	char letter;

	for (unsigned i = 0; i < CONNECTIONS; i++)
		w.conn[i].id = i + 1;
	w.call.genai = genai_new(&ops, &w.call);
	w.call.http = http_new(genai_http_ops(), w.call.genai);
	while (fuzz_part(&rest, &letter, &body)) {
		if (letter == 'q') {
			message(&w, WIRE_WRITE, body, true);
		} else if (letter == 'a' || letter == 'e') {
			message(&w, WIRE_READ, body, letter == 'a');
		} else if (letter == 'd') {
			feed(&w, WIRE_READ, body);
		} else if (letter >= '0' && letter < '0' + (char)CONNECTIONS) {
			w.at = (unsigned)(letter - '0');
		} else if (letter == 'x') {
			http_close(w.call.http, &w.conn[w.at], FLOW_END_FREED, 30);
			w.conn[w.at].close_ns = 30;
		}
	}
	for (unsigned i = 0; i < CONNECTIONS; i++)
		http_close(w.call.http, &w.conn[i], FLOW_END_FREED, 30);
	http_free(w.call.http);
	genai_free(w.call.genai);
	/* Calls that another connection was to answer never end. */
	assert(w.call.begun >= w.call.ended && w.call.closed <= w.call.begun);
	return 0;
}
