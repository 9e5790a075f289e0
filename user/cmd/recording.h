/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON lines that hold recorded conversations, in the forms of docs/decode.md. */
#ifndef CMD_RECORDING_H
#define CMD_RECORDING_H

#include "base/drop.h"
#include "base/str.h"
#include "pipeline.h"

/* An exit code; what is wrong was said. server_name: p NULL when none was given. */
int recording_feed(struct pipeline *p, const char *file, struct str text, struct str server_name) MUST_CHECK;

/* ---- exchange.c: an exchange, or a part of one, turned back into the bytes that it was ---- */
/* {"method", "url", "req", "status", "resp"} as a connection of its own. 0 or -ENOMEM. */
int exchange_feed(struct pipeline *p, struct arena *a, const struct json *line,
		  struct str server_name) MUST_CHECK;

/* A conversation of messages with the head of each exchange in words: {"dir", "http", "msg"}. */
struct exchange_talk {
	struct str server_name;
	struct buf request, body;    /* the request that is told; its body */
	struct buf answer, messages; /* "status content-type"; the answers' JSON, a line each */
	struct buf target;	     /* of the last request that had one */
	bool open, asks;	     /* a request was told; it awaits an answer */
};
void exchange_init(struct exchange_talk *t, struct str server_name);
void exchange_fini(struct exchange_talk *t);
/* One line. 0, -ENOMEM, -EBADMSG: it is none. */
int exchange_say(struct exchange_talk *t, struct pipeline *p, struct arena *a,
		 const struct json *line) MUST_CHECK;
/* The last exchange is over. */
int exchange_flush(struct exchange_talk *t, struct pipeline *p) MUST_CHECK;

#endif
