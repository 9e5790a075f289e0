/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/frames.h"

#include <errno.h>

static const struct {
	const char *content_type;
	const struct http_frames_kind *kind;
} rows[] = {
	{"text/event-stream", &http_frames_sse},
	{"application/x-ndjson", &http_frames_ndjson},
	{"application/ndjson", &http_frames_ndjson},
	{"application/jsonl", &http_frames_ndjson},
	{"application/vnd.amazon.eventstream", &http_frames_eventstream},
	{"application/grpc", &http_frames_grpc},
	{"application/grpc+proto", &http_frames_grpc},
	{"application/grpc+json", &http_frames_grpc},
	{"application/grpc-web", &http_frames_grpc},
	{"application/grpc-web+proto", &http_frames_grpc},
};

const struct http_frames_kind *http_frames_find(struct str content_type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_eq(content_type, str_of(rows[i].content_type)))
			return rows[i].kind;
	return NULL;
}

int http_frames_open(struct http_frames *f, const struct http_frames_kind *kind, struct http_frames_ops ops)
{
	f->state = kind->open(ops);
	if (f->state == NULL)
		return -ENOMEM;
	f->kind = kind;
	return 0;
}

void http_frames_close(struct http_frames *f)
{
	if (f->kind != NULL)
		f->kind->close(f->state);
	*f = (struct http_frames){0};
}
