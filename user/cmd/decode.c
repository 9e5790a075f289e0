/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "cmd/word.h"
#include "pipeline.h"

#define PIECE 65536

static int read_file(const char *file, struct buf *b)
{
	autodrop(drop_fd) int fd =
		strcmp(file, "-") == 0 ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC);

	buf_init(b, LIMIT_DOCUMENT_BYTES);
	if (fd < 0)
		return err_say(errno == EACCES ? EXIT_RIGHTS : EXIT_NOT_FOUND,
			       "give a file that you may read", "cannot read %s: %s", file, strerror(errno));
	int r = buf_read(b, fd);
	if (buf_err(b))
		return err_say(EXIT_CORRUPT, NULL, "%s is too large", file);
	if (r < 0)
		return err_say(EXIT_NOT_FOUND, "give a file that you may read", "cannot read %s: %s", file,
			       strerror(-r));
	return EXIT_OK;
}

/* ---- JSON lines: one exchange a line, turned back into the bytes that they were (docs/decode.md) ---- */

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

static int feed_line(struct pipeline *p, struct arena *a, const struct json *line, struct str server_name)
{
	autodrop(buf_fini) struct buf request = {0};
	autodrop(buf_fini) struct buf response = {0};
	struct str url = json_get_str(a, line, "url"), method = json_get_str(a, line, "method");
	int64_t status = 200;

	buf_init(&request, LIMIT_BODY_BYTES * 4);
	buf_init(&response, LIMIT_BODY_BYTES * 4);
	ptrdiff_t scheme = str_find(url, STR("://"));
	struct str rest = scheme < 0 ? url : str_skip(url, (size_t)scheme + 3);
	ptrdiff_t slash = str_find_char(rest, '/');
	struct str host = slash < 0 ? rest : str_head(rest, (size_t)slash);
	struct str target = slash < 0 ? STR("/") : str_skip(rest, (size_t)slash);
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
	struct str name;
	(void)str_cut(server_name.p ? server_name : host, ':', &name);
	return pipeline_connection(p, name, buf_str(&request), buf_str(&response));
}

static int feed_lines(struct pipeline *p, const char *file, struct str text, struct str server_name)
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
		if (j == NULL || end.state != JSON_WHOLE || json_get(j, "url") == NULL ||
		    json_get(j, "req") == NULL)
			return err_say(EXIT_CORRUPT,
				       "docs/decode.md has the forms: {\"method\", \"url\", \"req\", "
				       "\"status\", \"resp\"}",
				       "%s:%u is not a recorded exchange", file, number);
		if (feed_line(p, a, j, server_name) < 0)
			return err_say(EXIT_HOST, NULL, "%s:%u: no memory", file, number);
	}
	return EXIT_OK;
}

/* ---- the word ---- */

static int feed_files(struct pipeline *p, const struct option_values *v)
{
	autodrop(buf_fini) struct buf request = {0};
	autodrop(buf_fini) struct buf response = {0};
	struct str server = v->server_name ? str_of(v->server_name) : STR_NONE;
	int code = read_file(v->args[0], &request);

	if (code != EXIT_OK)
		return code;
	if (v->arg_count == 1)
		return feed_lines(p, v->args[0], buf_str(&request), server);
	code = read_file(v->args[1], &response);
	if (code == EXIT_OK && pipeline_connection(p, server, buf_str(&request), buf_str(&response)) < 0)
		code = err_say(EXIT_HOST, NULL, "cannot decode: no memory");
	return code;
}

int decode_run(struct option_values *v)
{
	struct pipeline_settings settings = {.decode = true};
	struct view_style style = word_style(v, STDOUT_FILENO);
	autodrop(buf_fini) struct buf document = {0};
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_DOCUMENT_BYTES);
	enum session_format format;
	int code = word_format(v, &format);

	if (code != EXIT_OK)
		return code;
	if (v->arg_count < 1 || v->arg_count > 2)
		return err_say(EXIT_USAGE, "bottrace decode REQUEST RESPONSE, or bottrace decode FILE.jsonl",
			       "two files, or one of JSON lines, are to be given");
	autodrop(drop_pipeline) struct pipeline *p = pipeline_new(&settings);
	if (p == NULL || a == NULL)
		return err_say(EXIT_HOST, NULL, "cannot decode: %s", strerror(errno));
	code = feed_files(p, v);
	if (code != EXIT_OK)
		return code;
	int r = pipeline_finish(p, false);
	struct view_session session = pipeline_session(p);
	buf_init(&document, LIMIT_DOCUMENT_BYTES);
	if (r == 0)
		r = view_document(&session, view_to_buf, &document);
	if (r < 0)
		return err_say(EXIT_HOST, NULL, "cannot decode: %s", strerror(-r));
	code = word_print_document(v, &document, format, a, &style);
	return code == EXIT_OK && v->strict && !pipeline_complete(p) ? EXIT_LOSSY : code;
}
