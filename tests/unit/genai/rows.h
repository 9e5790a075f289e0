/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls as rows of texts, each run whole and through the sweeps; what is no text on the wire is made of it here. */
#ifndef UNIT_GENAI_ROWS_H
#define UNIT_GENAI_ROWS_H

#include <zlib.h>

#include "talk.h"

struct row {
	const char *name;
	const char *ask;    /* path */
	const char *body;   /* of the request */
	const char *head;   /* of the answer: "200 OK\r\nContent-Type: ..." */
	const char *answer; /* see row_answer */
	const char *want;
};

#define JSON_HEAD   "200 OK\r\nContent-Type: application/json"
#define SSE_HEAD    "200 OK\r\nContent-Type: text/event-stream"
#define NDJSON_HEAD "200 OK\r\nContent-Type: application/x-ndjson"
#define AWS_HEAD    "200 OK\r\nContent-Type: application/vnd.amazon.eventstream"

static void row_u32(struct buf *b, size_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_char(b, (char)(n >> shift));
}

static void row_sum(struct buf *b, size_t from)
{
	row_u32(b, crc32(0, (const unsigned char *)b->p + from, (unsigned)(b->n - from)));
}

static void row_header(struct buf *b, struct str name, struct str value)
{
	buf_add_char(b, (char)name.n);
	buf_add(b, name);
	buf_add_char(b, 7);
	buf_add_char(b, (char)(value.n >> 8));
	buf_add_char(b, (char)value.n);
	buf_add(b, value);
}

/* "TYPE {...}": an event; "!TYPE {...}": an exception. */
static void row_aws(struct buf *b, struct str line)
{
	struct str type, payload = str_cut(line, ' ', &type);
	bool exception = type.n > 0 && type.p[0] == '!';
	struct buf headers;
	size_t start = b->n;

	buf_init(&headers, SIZE_MAX);
	row_header(&headers, exception ? STR(":exception-type") : STR(":event-type"),
		   str_skip(type, exception));
	row_header(&headers, STR(":message-type"), exception ? STR("exception") : STR("event"));
	row_u32(b, 16 + headers.n + payload.n);
	row_u32(b, headers.n);
	row_sum(b, start);
	buf_add(b, buf_str(&headers));
	buf_add(b, payload);
	row_sum(b, start);
	buf_fini(&headers);
}

/* As it is; of an AWS event stream one event a line; of a stream of events with lines that begin with '{' or '[', each of
 * these as its data. */
static void row_answer(struct buf *b, const struct row *r)
{
	struct str rest = str_of(r->answer), line;
	bool aws = strstr(r->head, "eventstream") != NULL, sse = strstr(r->head, "event-stream") != NULL;

	if (!aws && !sse) {
		buf_add(b, rest);
		return;
	}
	while (rest.n > 0) {
		rest = str_cut(rest, '\n', &line);
		if (aws)
			row_aws(b, line);
		else if (line.n > 0 && (line.p[0] == '{' || line.p[0] == '['))
			buf_addf(b, "data: %.*s\n\n", STR_ARG(line));
		else
			buf_addf(b, "%.*s\n", STR_ARG(line));
	}
}

static void row_run(const struct row *r)
{
	struct buf input, answer;

	buf_init(&input, SIZE_MAX);
	buf_init(&answer, SIZE_MAX);
	row_answer(&answer, r);
	buf_addf(&input, "POST %s HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: %zu\r\n\r\n%s", r->ask,
		 strlen(r->body), r->body);
	talk_request = input.n;
	buf_addf(&input, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", r->head, answer.n);
	buf_add(&input, buf_str(&answer));
	talk_sweep_str(r->name, buf_str(&input), r->want);
	buf_fini(&answer);
	buf_fini(&input);
}

#define ROWS_RUN(rows)                                                    \
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) \
	row_run(&(rows)[row])

#endif
