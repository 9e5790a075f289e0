/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <sodium.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/limits.h"
#include "cmd/recording.h"

static bool is_framing(struct str name)
{
	return str_ieq(name, STR("content-length")) || str_ieq(name, STR("transfer-encoding")) ||
	       str_ieq(name, STR("content-encoding")) || str_ieq(name, STR("host"));
}

static void add_fields(struct buf *out, struct arena *a, const struct json *headers)
{
	for (const struct json *h = json_first(headers); h; h = json_next(h)) {
		struct str name = json_key(a, h), value = json_str(a, h);

		if (value.p && !is_framing(name) && str_find_char(value, '\n') < 0)
			buf_addf(out, "%.*s: %.*s\r\n", STR_ARG(name), STR_ARG(value));
	}
}

static void add_unpacked(struct buf *out, struct str packed)
{
	size_t n = 0;
	char *room = buf_reserve(out, packed.n);

	if (room && sodium_base642bin((unsigned char *)room, packed.n, packed.p, packed.n, "\r\n ", &n, NULL,
				      sodium_base64_VARIANT_ORIGINAL) == 0)
		buf_commit(out, n);
}

/* A body is {"text": …}, {"base64": …} or {"json": …}. */
static void add_body(struct buf *out, struct arena *a, const struct json *body)
{
	struct str text = json_get_str(a, body, "text");
	struct str packed = json_get_str(a, body, "base64");
	const struct json *value = json_get(body, "json");
	autodrop(buf_fini) struct buf raw = {0};

	buf_init(&raw, LIMIT_BODY_BYTES * 2);
	if (text.p)
		buf_add(&raw, text);
	else if (packed.p)
		add_unpacked(&raw, packed);
	else if (value)
		buf_add(&raw, json_raw(value));
	buf_addf(out, "Content-Length: %zu\r\n\r\n", raw.n);
	buf_add(out, buf_str(&raw));
}

/* "https://host:port/path" -> host:port; *target what stands behind it. */
static struct str host_of(struct str url, struct str *target)
{
	ptrdiff_t scheme = str_find(url, STR("://"));
	struct str rest = scheme < 0 ? url : str_skip(url, (size_t)scheme + 3);
	ptrdiff_t slash = str_find_char(rest, '/');

	*target = slash < 0 ? STR("/") : str_skip(rest, (size_t)slash);
	return slash < 0 ? rest : str_head(rest, (size_t)slash);
}

int exchange_feed(struct pipeline *p, struct arena *a, const struct json *line, struct str server_name)
{
	autodrop(buf_fini) struct buf request = {0};
	autodrop(buf_fini) struct buf response = {0};
	struct str url = json_get_str(a, line, "url"), method = json_get_str(a, line, "method"), target, name;
	struct str host = host_of(url, &target);
	int64_t status = 200;

	buf_init(&request, LIMIT_BODY_BYTES * 4);
	buf_init(&response, LIMIT_BODY_BYTES * 4);
	buf_addf(&request, "%.*s %.*s HTTP/1.1\r\nHost: %.*s\r\n", STR_ARG(method), STR_ARG(target),
		 STR_ARG(host));
	add_fields(&request, a, json_get(line, "req_headers"));
	add_body(&request, a, json_get(line, "req"));
	(void)json_i64(json_get(line, "status"), &status);
	buf_addf(&response, "HTTP/1.1 %d X\r\n", (int)status);
	add_fields(&response, a, json_get(line, "resp_headers"));
	add_body(&response, a, json_get(line, "resp"));
	if (buf_err(&request) || buf_err(&response))
		return -ENOMEM;
	(void)str_cut(server_name.p ? server_name : host, ':', &name);
	return pipeline_connection(p, name, buf_str(&request), buf_str(&response));
}

/* ---- {"dir", "http", "msg"} ---- */

void exchange_init(struct exchange_talk *t, struct str server_name)
{
	*t = (struct exchange_talk){.server_name = server_name};
	buf_init(&t->request, LIMIT_BODY_BYTES);
	buf_init(&t->body, LIMIT_BODY_BYTES);
	buf_init(&t->answer, LIMIT_HEADER_BYTES);
	buf_init(&t->messages, LIMIT_BODY_BYTES * 2);
	buf_init(&t->target, LIMIT_HEADER_BYTES);
}

void exchange_fini(struct exchange_talk *t)
{
	buf_fini(&t->request);
	buf_fini(&t->body);
	buf_fini(&t->answer);
	buf_fini(&t->messages);
	buf_fini(&t->target);
}

/* "Name: value" of a field, with nothing in brackets. */
static bool is_field(struct str s)
{
	ptrdiff_t colon = str_find_char(s, ':');

	if (colon <= 0 || str_find_char(s, '\n') >= 0 || str_find_char(s, '\r') >= 0)
		return false;
	for (ptrdiff_t i = 0; i < colon; i++) {
		char c = s.p[i];

		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-')
			return false;
	}
	return true;
}

/* "POST /mcp  Accept: application/json  Mcp-Method: tools/call": a request line, then fields, two spaces between. What
 * stands before the method, and what is no field, is a remark. */
static int head_read(struct exchange_talk *t, struct str words)
{
	static const char *const methods[] = {"POST /", "GET /", "DELETE /"};
	ptrdiff_t at = -1, gap;
	struct str method, target;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]) && at < 0; i++)
		at = str_find(words, str_of(methods[i]));
	if (at < 0)
		return -EBADMSG;
	words = str_cut(str_skip(words, (size_t)at), ' ', &method);
	words = str_cut(words, ' ', &target);
	buf_clear(&t->target);
	buf_addf(&t->target, "%.*s %.*s", STR_ARG(method), STR_ARG(target));
	buf_addf(&t->request, "%.*s HTTP/1.1\r\n", STR_ARG(buf_str(&t->target)));
	while (words.n > 0) {
		struct str field;

		gap = str_find(words, STR("  "));
		field = str_trim(gap < 0 ? words : str_head(words, (size_t)gap));
		words = gap < 0 ? STR("") : str_skip(words, (size_t)gap + 2);
		if (is_field(field))
			buf_addf(&t->request, "%.*s\r\n", STR_ARG(field));
	}
	return 0;
}

static int ask(struct exchange_talk *t, struct pipeline *p, struct str words, const struct json *msg)
{
	int r = exchange_flush(t, p);

	if (r < 0)
		return r;
	t->open = true;
	t->asks = json_get(msg, "jsonrpc") == NULL ||
		  (json_get(msg, "id") != NULL && json_get(msg, "method") != NULL);
	if (words.n > 0)
		r = head_read(t, words);
	else if (t->target.n > 0)
		buf_addf(&t->request, "%.*s HTTP/1.1\r\n", STR_ARG(buf_str(&t->target)));
	else
		r = -EBADMSG;
	buf_add(&t->body, msg ? json_raw(msg) : STR(""));
	return r < 0 ? r : buf_err(&t->request) || buf_err(&t->body) ? -ENOMEM : 0;
}

static int tell(struct exchange_talk *t, struct str words, const struct json *msg)
{
	if (!t->open)
		return -EBADMSG;
	if (words.n > 0 && t->answer.n == 0)
		buf_add(&t->answer, words);
	if (msg) {
		buf_add(&t->messages, json_raw(msg));
		buf_add_char(&t->messages, '\n');
	}
	return buf_err(&t->answer) || buf_err(&t->messages) ? -ENOMEM : 0;
}

int exchange_say(struct exchange_talk *t, struct pipeline *p, struct arena *a, const struct json *line)
{
	struct str words = json_get_str(a, line, "http");
	const struct json *msg = json_get(line, "msg");

	if (json_is(json_get(line, "dir"), "c2s"))
		return ask(t, p, words, msg);
	return json_is(json_get(line, "dir"), "s2c") ? tell(t, words, msg) : -EBADMSG;
}

static void answer_write(const struct exchange_talk *t, struct buf *out)
{
	autodrop(buf_fini) struct buf body = {0};
	struct str words = buf_str(&t->answer), messages = buf_str(&t->messages), status, type, one;
	bool stream = str_has(words, STR("text/event-stream"));

	buf_init(&body, LIMIT_BODY_BYTES * 4);
	(void)str_cut(str_cut(words, ' ', &status), ' ', &type);
	if (status.n != 3)
		status = !t->asks && messages.n == 0 ? STR("202") : STR("200");
	if (str_find_char(type, '/') < 0)
		type = STR("application/json");
	messages = str_cut(messages, '\n', &one);
	stream = stream || messages.n > 0;
	for (; one.n > 0; messages = str_cut(messages, '\n', &one)) {
		if (stream)
			buf_add(&body, STR("data: "));
		buf_add(&body, one);
		if (stream)
			buf_add(&body, STR("\n\n"));
	}
	buf_addf(out, "HTTP/1.1 %.*s X\r\nContent-Type: %.*s\r\nContent-Length: %zu\r\n\r\n", STR_ARG(status),
		 STR_ARG(stream ? STR("text/event-stream") : type), body.n);
	buf_add(out, buf_str(&body));
}

int exchange_flush(struct exchange_talk *t, struct pipeline *p)
{
	autodrop(buf_fini) struct buf answer = {0};
	struct str name;
	int r = 0;

	buf_init(&answer, LIMIT_BODY_BYTES * 4);
	if (t->open) {
		if (t->server_name.p)
			buf_addf(&t->request, "Host: %.*s\r\n", STR_ARG(t->server_name));
		buf_addf(&t->request, "Content-Length: %zu\r\n\r\n", t->body.n);
		buf_add(&t->request, buf_str(&t->body));
		/* Without a word of the server the recording ends before its answer. */
		if (!t->asks || t->messages.n > 0 || t->answer.n > 0)
			answer_write(t, &answer);
		(void)str_cut(t->server_name, ':', &name);
		r = buf_err(&t->request) || buf_err(&answer)
			    ? -ENOMEM
			    : pipeline_connection(p, t->server_name.p ? name : STR_NONE, buf_str(&t->request),
						  buf_str(&answer));
	}
	t->open = false;
	buf_clear(&t->request);
	buf_clear(&t->body);
	buf_clear(&t->answer);
	buf_clear(&t->messages);
	return r;
}
