/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "cmd/word.h"
#include "pipeline.h"

/* Of a file this much is held at a time. */
#define WINDOW_BYTES (4 * PIPELINE_PIECE_BYTES)

struct input {
	const char *file;
	int fd;
	struct buf b; /* all of it, or what was read and not yet fed */
	bool piecemeal; /* a regular file, which can be read when its bytes are due: of two pipes that one program
			 * fills in turn, neither can */
	bool ended;
	int err; /* of reading it */
};

static void drop_input(struct input *in)
{
	buf_fini(&in->b);
	if (in->fd >= 0)
		close(in->fd);
}

static int cannot_read(const struct input *in, int err)
{
	return err_say(err == EACCES ? EXIT_RIGHTS : EXIT_NOT_FOUND, "give a file that you may read",
		       "cannot read %s: %s", in->file, strerror(err));
}

static int open_input(struct input *in, const char *file)
{
	bool is_stdin = strcmp(file, "-") == 0;
	struct stat st;

	in->file = file;
	in->fd = is_stdin ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC);
	buf_init(&in->b, LIMIT_DOCUMENT_BYTES);
	if (in->fd < 0)
		return cannot_read(in, errno);
	in->piecemeal = !is_stdin && fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode);
	return EXIT_OK;
}

static int read_whole(struct input *in)
{
	int r = buf_read(&in->b, in->fd);

	if (buf_err(&in->b))
		return err_say(EXIT_CORRUPT, NULL, "%s is too large", in->file);
	return r < 0 ? cannot_read(in, -r) : EXIT_OK;
}

static int fill_input(void *ctx, struct str *data)
{
	struct input *in = ctx;

	buf_consume(&in->b, in->b.n - data->n);
	while (!in->ended && in->b.n < PIPELINE_PIECE_BYTES) {
		char *room = buf_reserve(&in->b, WINDOW_BYTES - in->b.n);
		ssize_t n = room ? read(in->fd, room, WINDOW_BYTES - in->b.n) : 0;

		if (room == NULL)
			return -ENOMEM;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			in->err = errno;
			return -errno;
		}
		in->ended = n == 0;
		buf_commit(&in->b, (size_t)n);
	}
	*data = buf_str(&in->b);
	return 0;
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

static void give(struct input *from, struct pipeline_input *to)
{
	to->ctx = from;
	to->data = buf_str(&from->b);
	to->fill = from->piecemeal ? fill_input : NULL;
	if (from->piecemeal)
		from->b.max = WINDOW_BYTES;
}

static int feed_two(struct pipeline *p, const struct option_values *v, struct input *written,
		    struct str server)
{
	autodrop(drop_input) struct input read = {.fd = -1};
	struct pipeline_input up, down;
	int code = written->piecemeal ? EXIT_OK : read_whole(written);

	if (code == EXIT_OK)
		code = open_input(&read, v->args[1]);
	if (code == EXIT_OK && !read.piecemeal)
		code = read_whole(&read);
	if (code != EXIT_OK)
		return code;
	give(written, &up);
	give(&read, &down);
	int r = pipeline_inputs(p, server, &up, &down);
	if (written->err || read.err)
		return cannot_read(written->err ? written : &read, written->err ? written->err : read.err);
	return r < 0 ? err_say(EXIT_HOST, NULL, "cannot decode: no memory") : EXIT_OK;
}

static int feed_files(struct pipeline *p, const struct option_values *v)
{
	autodrop(drop_input) struct input first = {.fd = -1};
	struct str server = v->server_name ? str_of(v->server_name) : STR_NONE;
	int code = open_input(&first, v->args[0]);

	if (code != EXIT_OK)
		return code;
	if (v->arg_count == 2)
		return feed_two(p, v, &first, server);
	code = read_whole(&first);
	return code == EXIT_OK ? feed_lines(p, v->args[0], buf_str(&first.b), server) : code;
}

int decode_run(struct option_values *v)
{
	struct pipeline_settings settings = {.decode = true};
	struct view_style style = word_style(v, STDOUT_FILENO);
	enum session_format format;
	int code = word_format(v, &format);

	if (code != EXIT_OK)
		return code;
	if (v->arg_count < 1 || v->arg_count > 2)
		return err_say(EXIT_USAGE, "bottrace decode REQUEST RESPONSE, or bottrace decode FILE.jsonl",
			       "two files, or one of JSON lines, are to be given");
	autodrop(drop_pipeline) struct pipeline *p = pipeline_new(&settings);
	if (p == NULL)
		return err_say(EXIT_HOST, NULL, "cannot decode: %s", strerror(errno));
	code = feed_files(p, v);
	if (code != EXIT_OK)
		return code;
	int r = pipeline_finish(p, false);
	if (r < 0)
		return err_say(EXIT_HOST, NULL, "cannot decode: %s", strerror(-r));
	struct view_session session = pipeline_session(p);
	code = word_print_session(v, &session, format, &style);
	return code == EXIT_OK && v->strict && !pipeline_complete(p) ? EXIT_LOSSY : code;
}
