/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "cmd/recording.h"
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
	return code == EXIT_OK ? recording_feed(p, v->args[0], buf_str(&first.b), server) : code;
}

int decode_run(struct option_values *v)
{
	autodrop(buf_fini) struct buf prices = {0};
	struct pipeline_settings settings = {.decode = true};
	struct view_style style = word_style(v, STDOUT_FILENO);
	enum session_format format;
	int code = word_format(v, &format);

	if (code != EXIT_OK)
		return code;
	if (v->arg_count < 1 || v->arg_count > 2)
		return err_say(EXIT_USAGE, "bottrace decode REQUEST RESPONSE, or bottrace decode FILE.jsonl",
			       "two files, or one of JSON lines, are to be given");
	code = session_prices(v->session.prices_file, &prices);
	if (code != EXIT_OK)
		return code;
	settings.prices = buf_str(&prices);
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
