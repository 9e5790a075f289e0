/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/recording.h"

#include <errno.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/limits.h"
#include "cmd/word.h"

#define ASKED_MAX 64u /* requests of a server's that await their answer, on a pipe without directions */

enum form { FORM_NONE, FORM_EXCHANGE, FORM_TALK, FORM_SOCKET, FORM_PIPE };

struct recording {
	struct pipeline *p;
	struct str server_name;
	enum form form; /* of what is open */
	struct exchange_talk talk;
	struct flow_conn *conn; /* of a WebSocket or a pipe */
	struct genai_pipe *pipe;
	uint64_t offset[WIRE_DIRS];
	uint64_t asked[ASKED_MAX]; /* hashes of ids */
	uint32_t asked_count;
};

/* ---- a WebSocket: its upgrade, then a frame for each message ---- */

static int socket_open(struct recording *r, struct str url, const struct json *first)
{
	autodrop(buf_fini) struct buf head = {0};
	bool google = json_get(first, "setup") != NULL;
	struct str host = r->server_name, target, rest;
	ptrdiff_t at;

	buf_init(&head, LIMIT_HEADER_BYTES);
	(void)str_cut(url, ' ', &url);
	at = str_find(url, STR("://"));
	rest = at < 0 ? url : str_skip(url, (size_t)at + 3);
	at = str_find_char(rest, '/');
	target = at < 0 ? STR("/") : str_skip(rest, (size_t)at);
	if (url.n == 0)
		target = google ? STR("/ws/google.ai.generativelanguage.v1beta.GenerativeService."
				      "BidiGenerateContent")
				: STR("/v1/realtime");
	if (host.p == NULL && url.n > 0)
		host = at < 0 ? rest : str_head(rest, (size_t)at);
	buf_addf(&head, "GET %.*s HTTP/1.1\r\n", STR_ARG(target));
	if (host.n > 0)
		buf_addf(&head, "Host: %.*s\r\n", STR_ARG(host));
	buf_add(&head, STR("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n"));
	(void)str_cut(host, ':', &host);
	r->conn = buf_err(&head) ? NULL : pipeline_open(r->p, host.n > 0 ? host : STR_NONE);
	if (r->conn == NULL)
		return -ENOMEM;
	r->form = FORM_SOCKET;
	pipeline_data(r->p, r->conn, WIRE_WRITE, buf_str(&head));
	pipeline_data(r->p, r->conn, WIRE_READ,
		      STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			  "Connection: Upgrade\r\n\r\n"));
	return 0;
}

/* RFC 6455 5.2; a client's mask is of zeros. */
static int socket_say(struct recording *r, bool sent, struct str text)
{
	autodrop(buf_fini) struct buf frame = {0};
	unsigned char masked = sent ? 0x80 : 0;

	buf_init(&frame, LIMIT_BODY_BYTES * 2);
	buf_add_char(&frame, (char)0x81);
	if (text.n < 126) {
		buf_add_char(&frame, (char)(masked | text.n));
	} else {
		int bytes = text.n < 65536 ? 2 : 8;

		buf_add_char(&frame, (char)(masked | (bytes == 2 ? 126 : 127)));
		while (bytes-- > 0)
			buf_add_char(&frame, (char)((uint64_t)text.n >> (8 * bytes)));
	}
	if (sent)
		buf_add(&frame, str_make("\0\0\0\0", 4));
	buf_add(&frame, text);
	if (buf_err(&frame))
		return -ENOMEM;
	pipeline_data(r->p, r->conn, sent ? WIRE_WRITE : WIRE_READ, buf_str(&frame));
	return 0;
}

/* ---- lines of two programs ---- */

static int pipe_open(struct recording *r)
{
	r->pipe = pipeline_pipe_open(r->p, &r->conn);
	if (r->pipe == NULL)
		return -ENOMEM;
	r->form = FORM_PIPE;
	r->offset[WIRE_READ] = r->offset[WIRE_WRITE] = 0;
	r->asked_count = 0;
	return 0;
}

/* Whose message it is, where nobody says: methods tell, and an answer belongs to a request. */
static bool is_servers(struct recording *r, struct arena *a, const struct json *j)
{
	static const char *const theirs[] = {"sampling/",
					     "elicitation/",
					     "roots/list",
					     "notifications/message",
					     "notifications/progress",
					     "notifications/tools/",
					     "notifications/resources/",
					     "notifications/prompts/"};
	struct str method = json_get_str(a, j, "method"), type = json_get_str(a, j, "type");
	const struct json *id = json_get(j, "id");
	uint64_t known = id ? json_hash(a, id).lo : 0;
	bool servers = false;

	if (type.p != NULL && method.p == NULL) /* an agent's program: the user's side asks and answers it */
		return !str_eq(type, STR("user")) && !str_eq(type, STR("control_request"));
	for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
		servers |= str_starts(method, str_of(theirs[i]));
	if (method.n > 0) {
		if (servers && id && r->asked_count < ASKED_MAX)
			r->asked[r->asked_count++] = known;
		return servers;
	}
	for (uint32_t i = 0; i < r->asked_count; i++)
		if (r->asked[i] == known) {
			r->asked[i] = r->asked[--r->asked_count];
			return false;
		}
	return true;
}

static void pipe_say(struct recording *r, bool servers, struct str text)
{
	enum wire_dir dir = servers ? WIRE_READ : WIRE_WRITE;

	genai_pipe_feed(r->pipe,
			&(struct genai_pipe_line){.dir = dir, .text = text, .offset = r->offset[dir]});
	r->offset[dir] += text.n + 1;
}

/* ---- lines ---- */

static int finish(struct recording *r)
{
	int code = exchange_flush(&r->talk, r->p);

	if (r->form == FORM_PIPE)
		pipeline_pipe_close(r->p, r->pipe, r->conn);
	else if (r->form == FORM_SOCKET)
		pipeline_close(r->p, r->conn);
	r->form = FORM_NONE;
	r->conn = NULL;
	r->pipe = NULL;
	return code;
}

static int enter(struct recording *r, enum form form)
{
	int code;

	if (r->form == form)
		return 0;
	code = finish(r);
	if (code == 0 && form == FORM_PIPE)
		return pipe_open(r);
	r->form = form;
	return code;
}

/* {"dir", "msg"}: goes on with what is open; on its own it is a line of a pipe. */
static int directed(struct recording *r, struct arena *a, const struct json *j, const struct json *msg)
{
	bool servers = json_is(json_get(j, "dir"), "s2c");
	int code;

	if (r->form == FORM_SOCKET)
		return socket_say(r, !servers, json_raw(msg));
	if (r->form == FORM_TALK)
		return exchange_say(&r->talk, r->p, a, j);
	code = enter(r, FORM_PIPE);
	if (code == 0)
		pipe_say(r, servers, json_raw(msg));
	return code;
}

/* {"kind": "message", "direction", "data"}. */
static int recorded(struct recording *r, const struct json *j, const struct json *data)
{
	int code = 0;

	if (r->form != FORM_SOCKET) {
		code = finish(r);
		if (code == 0)
			code = socket_open(r, STR(""), data);
	}
	return code ? code : socket_say(r, json_is(json_get(j, "direction"), "sent"), json_raw(data));
}

static bool is_pipe_line(const struct json *j)
{
	const struct json *first = json_type(j) == JSON_ARRAY ? json_at(j, 0) : j;

	return json_is(json_get(first, "jsonrpc"), "2.0") ||
	       (json_type(json_get(j, "type")) == JSON_STRING &&
		(json_get(j, "session_id") || json_get(j, "request_id") || json_get(j, "message")));
}

/* 0, -ENOMEM, -EBADMSG: a line of no form. */
static int say(struct recording *r, struct arena *a, const struct json *j)
{
	const struct json *msg = json_get(j, "msg"), *data = json_get(j, "data"), *dir = json_get(j, "dir");
	struct str ws = json_get_str(a, j, "ws");
	int code = 0;

	if (json_get(j, "url") && json_get(j, "req")) {
		code = enter(r, FORM_EXCHANGE);
		return code ? code : exchange_feed(r->p, a, j, r->server_name);
	}
	if (ws.p) {
		code = finish(r);
		return code ? code : socket_open(r, ws, NULL);
	}
	if (dir && json_get(j, "http")) {
		code = enter(r, FORM_TALK);
		return code ? code : exchange_say(&r->talk, r->p, a, j);
	}
	if (dir && msg)
		return directed(r, a, j, msg);
	if (json_is(json_get(j, "kind"), "message") && data)
		return recorded(r, j, data);
	if (json_get(j, "kind") && json_get(j, "direction") == NULL)
		return 0; /* how a recorder began or ended */
	if (!is_pipe_line(j))
		return -EBADMSG;
	code = enter(r, FORM_PIPE);
	if (code == 0)
		pipe_say(r, is_servers(r, a, j), json_raw(j));
	return code;
}

static int feed(struct recording *r, const char *file, struct str text)
{
	for (unsigned number = 1; text.n > 0; number++) {
		autodrop(drop_arena) struct arena *a = arena_new(LIMIT_SPAN_BYTES);
		struct json_end end = {0};
		struct str line;

		text = str_cut(text, '\n', &line);
		line = str_trim(line);
		if (line.n == 0)
			continue;
		const struct json *j = a ? json_parse(a, line, &end) : NULL;
		int code = a == NULL || end.state == JSON_MEMORY  ? -ENOMEM
			   : j == NULL || end.state != JSON_WHOLE ? -EBADMSG
								  : say(r, a, j);

		if (code == -EBADMSG)
			return err_say(EXIT_CORRUPT,
				       "docs/decode.md has the forms: {\"method\", \"url\", \"req\", "
				       "\"status\", \"resp\"}, {\"dir\", \"msg\"}, ...",
				       "%s:%u is not a recorded exchange or message", file, number);
		if (code < 0)
			return err_say(EXIT_HOST, NULL, "%s:%u: no memory", file, number);
	}
	return EXIT_OK;
}

int recording_feed(struct pipeline *p, const char *file, struct str text, struct str server_name)
{
	struct recording r = {.p = p, .server_name = server_name};
	int code, end;

	exchange_init(&r.talk, server_name);
	code = feed(&r, file, text);
	end = finish(&r);
	exchange_fini(&r.talk);
	return code == EXIT_OK && end < 0 ? err_say(EXIT_HOST, NULL, "%s: no memory", file) : code;
}
