/* SPDX-License-Identifier: BSD-2-Clause */
/* Start lines and heads of HTTP/1 messages: pure functions over whole lines. Read tolerantly, judged strictly. */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "http/http.h"

#define HTTP_CODINGS_MAX 4u

enum http_start_kind { HTTP_START_NONE, HTTP_START_REQUEST, HTTP_START_STATUS, HTTP_START_PREFACE };

struct http_start {
	enum http_start_kind kind;
	struct str method, target; /* of a request, borrowed from the line */
	int status;		   /* of a response */
};

enum http_coding { HTTP_CODING_GZIP, HTTP_CODING_DEFLATE, HTTP_CODING_BROTLI, HTTP_CODING_ZSTD };

/* What a head says about the bytes after it. */
struct http_facts {
	bool has_length, chunked;
	bool has_te; /* Transfer-Encoding with another last coding than chunked, when not chunked */
	uint64_t length;
	bool unframed;				    /* the body's end cannot be known */
	enum http_coding codings[HTTP_CODINGS_MAX]; /* in the order of their application */
	uint32_t coding_count;
	bool coding_unknown;
	const char *why; /* the first thing that is wrong; NULL: nothing */
	size_t why_at;	 /* in the head */
};

/* line may have its line end. */
struct http_start http_start_parse(struct str line);
/* Whether part (no line end in it) may become a start line. */
bool http_start_is_prefix(struct str part);
/* Whether s begins with the first bytes of a status line, up to the status. */
bool http_start_is_status(struct str s);
/* Where in a line a start line begins that reaches to its end: status lines, and request lines with one of the usual
 * methods. -1: none. */
ptrdiff_t http_start_find(struct str line, bool request, bool status);
/* Whether a line is a field of a head, or the empty line after it. */
bool http_head_is_field(struct str line);
/* Reads a whole head (start line to empty line) into m and facts. head is m's own memory: folds are straightened in
 * place. 0 or -ENOMEM. */
int http_head_parse(struct arena *a, char *head, size_t n, struct http_message *m,
		    struct http_facts *facts) MUST_CHECK;

#endif
