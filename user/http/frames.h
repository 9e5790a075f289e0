/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bodies that are a sequence of events: each kind of framing is one file with one struct http_frames_kind, and one row
 * in frames.c that says which content type it is. Bytes come decoded and in pieces of any size.
 */
#ifndef HTTP_FRAMES_H
#define HTTP_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/str.h"
#include "http/http.h"

struct http_frames_ops {
	void (*event)(void *ctx, const struct http_event *ev);
	void *ctx;
};

struct http_frames_kind {
	/* The body may be plain JSON in spite of its type, by its first byte: errors come so. */
	bool sniff;
	/* NULL without memory. */
	void *(*open)(struct http_frames_ops ops);
	/* 0; -EMSGSIZE: an event was too long and is left out, reading goes on after it; -EBADMSG: no such framing,
	 * nothing more can be read; -ENOMEM likewise. With an error *at is the first byte of data that was wrong, and
	 * *why a static text. */
	int (*feed)(void *frames, struct str data, uint64_t ts_ns, size_t *at, const char **why);
	/* Bytes are missing: what was begun is dropped; reads on where an event can be told to begin, if anywhere. */
	void (*gap)(void *frames);
	/* The body's end. cut: it was cut off, so a last event without its end is left out. NULL: none is
	 * ever without one. */
	void (*flush)(void *frames, bool cut, uint64_t ts_ns);
	void (*close)(void *frames);
};

/* By content type (lower case, no parameters); NULL: no sequence of events. */
const struct http_frames_kind *http_frames_find(struct str content_type);

struct http_frames {
	const struct http_frames_kind *kind; /* NULL: none is open */
	void *state;
};

/* 0 or -ENOMEM. */
int http_frames_open(struct http_frames *f, const struct http_frames_kind *kind,
		     struct http_frames_ops ops) MUST_CHECK;
void http_frames_close(struct http_frames *f);

/* sse.c: server-sent events, as the WHATWG's HTML standard reads them. */
extern const struct http_frames_kind http_frames_sse;
/* ndjson.c: a JSON document on each line. */
extern const struct http_frames_kind http_frames_ndjson;
/* eventstream.c: AWS's binary event stream. */
extern const struct http_frames_kind http_frames_eventstream;
/* grpc.c: length-prefixed messages of gRPC. */
extern const struct http_frames_kind http_frames_grpc;

#endif
