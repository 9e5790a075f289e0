/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "session/person.h"

/* ---- files ---- */

static int open_file(const char *file, mode_t mode, bool *created)
{
	struct person_mask mask;
	int fd;

	*created = false;
	person_become(&mask);
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd >= 0)
		*created = true;
	else if (errno == EEXIST)
		fd = open(file, O_WRONLY | O_CLOEXEC);
	int err = errno;
	person_restore(&mask);
	errno = err;
	return fd;
}

int output_open(struct session_settings *settings)
{
	for (unsigned i = 0; i < settings->output_count; i++) {
		struct session_output *o = &settings->outputs[i];

		o->fd = -1;
		if (o->file == NULL) {
			o->fd = settings->mode == WIRE_MODE_RUN ? STDERR_FILENO : STDOUT_FILENO;
			continue;
		}
		o->fd = open_file(o->file, 0644, &o->created);
		if (o->fd < 0)
			return err_say(EXIT_USAGE, "give -o a file in a directory that you may write to", "cannot write %s: %s",
				       o->file, strerror(errno));
	}
	return EXIT_OK;
}

int output_open_tape(const char *file)
{
	bool created;
	autodrop(drop_fd) int fd = open_file(file, 0600, &created);

	if (fd < 0 || (!created && fchmod(fd, 0600) < 0 && errno != EPERM) || (!created && ftruncate(fd, 0) < 0 && errno != EINVAL)) {
		err_say(0, "give --tape a file in a directory that you may write to", "cannot write %s: %s", file, strerror(errno));
		return -1;
	}
	err_note(ERR_NORMAL, "warning: %s will hold plaintext and keys as they went over the wire (mode 0600)", file);
	return take_fd(&fd);
}

void output_discard(struct session_settings *settings)
{
	for (unsigned i = 0; i < settings->output_count; i++) {
		if (settings->outputs[i].created)
			unlink(settings->outputs[i].file);
	}
}

static int write_fd(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		s = str_skip(s, (size_t)n);
	}
	return 0;
}

/* Old content goes only now that there is new one. Not for pipes and devices. */
static int rewind_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return 0;
	return ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* ---- while it runs ---- */

struct output_live {
	const struct session_settings *settings;
	struct buf text;  /* live lines not yet written */
	struct buf lines; /* JSON lines not yet written */
	bool wants_text, wants_lines;
	bool begun;
	int err; /* first failure of a JSON lines file */
};

static bool is_live_text(const struct session_settings *s)
{
	bool stdout_taken = false;

	for (unsigned i = 0; i < s->output_count; i++) {
		if (s->outputs[i].format == SESSION_TEXT)
			return true;
		if (s->outputs[i].file == NULL)
			stdout_taken = true;
	}
	return s->mode == WIRE_MODE_ATTACH && !s->quiet && !stdout_taken;
}

struct output_live *output_live_new(const struct session_settings *settings)
{
	struct output_live *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->settings = settings;
	buf_init(&l->text, 1u << 20);
	buf_init(&l->lines, LIMIT_SPAN_BYTES * 2);
	l->wants_text = is_live_text(settings);
	for (unsigned i = 0; i < settings->output_count; i++)
		l->wants_lines |= settings->outputs[i].format == SESSION_JSONL;
	return l;
}

void output_live_span(struct output_live *l, struct str line, const struct trace_span *s)
{
	if (l->wants_lines) {
		view_numbered(&l->lines, line, s->seq);
		buf_add_char(&l->lines, '\n');
		output_live_flush(l);
	}
	if (l->wants_text) {
		autodrop(drop_arena) struct arena *a = arena_new(LIMIT_SPAN_BYTES);

		if (a == NULL)
			return;
		if (!l->begun)
			view_live_heading(&l->text, &l->settings->style);
		l->begun = true;
		view_live_line(&l->text, a, line, &l->settings->style);
	}
}

static void flush_text(struct output_live *l)
{
	const struct session_settings *s = l->settings;
	bool named = false;

	for (unsigned i = 0; i < s->output_count; i++) {
		if (s->outputs[i].format != SESSION_TEXT)
			continue;
		named = true;
		(void)write_fd(s->outputs[i].fd, buf_str(&l->text)); /* a terminal that went away costs no data */
	}
	if (!named)
		(void)write_fd(STDOUT_FILENO, buf_str(&l->text));
	buf_clear(&l->text);
}

static void flush_lines(struct output_live *l)
{
	const struct session_settings *s = l->settings;

	for (unsigned i = 0; i < s->output_count; i++) {
		int r = 0;

		if (s->outputs[i].format != SESSION_JSONL)
			continue;
		r = buf_err(&l->lines) ? buf_err(&l->lines) : write_fd(s->outputs[i].fd, buf_str(&l->lines));
		if (r < 0 && l->err == 0)
			l->err = fail(r, "write %s", s->outputs[i].file ? s->outputs[i].file : "JSON lines");
	}
	buf_clear(&l->lines);
}

void output_live_flush(struct output_live *l)
{
	if (l->text.n > 0)
		flush_text(l);
	if (l->lines.n > 0)
		flush_lines(l);
}

void output_live_free(struct output_live *l)
{
	if (l == NULL)
		return;
	buf_fini(&l->text);
	buf_fini(&l->lines);
	free(l);
}

/* ---- at the end ---- */

static int to_buf(void *ctx, struct str piece)
{
	buf_add(ctx, piece);
	return buf_err(ctx);
}

static int to_lines(void *ctx, struct str piece)
{
	struct output_live *l = ctx;

	buf_add(&l->lines, piece);
	output_live_flush(l);
	return l->err;
}

static void say_summary(const struct session_settings *settings, struct str document)
{
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_DOCUMENT_BYTES);
	autodrop(buf_fini) struct buf text = {0};
	struct view_style style = settings->style;

	buf_init(&text, LIMIT_TEXT_BYTES);
	style.colour = style.colour && isatty(STDERR_FILENO);
	const struct json *j = a ? json_parse(a, document, NULL) : NULL;
	if (j && view_summary(&text, a, j, &style) == 0)
		(void)write_fd(STDERR_FILENO, buf_str(&text));
}

int output_write(const struct session_settings *settings, const struct view_session *session, struct output_live *live)
{
	autodrop(buf_fini) struct buf document = {0};
	int r;

	output_live_flush(live);
	buf_init(&document, LIMIT_DOCUMENT_BYTES);
	r = view_document(session, to_buf, &document);
	if (r < 0)
		return fail(r, "write the document");
	for (unsigned i = 0; i < settings->output_count; i++) {
		const struct session_output *o = &settings->outputs[i];
		int w = 0;

		if (o->format != SESSION_JSON)
			continue;
		w = o->file ? rewind_file(o->fd) : 0;
		if (w == 0)
			w = write_fd(o->fd, buf_str(&document));
		if (w < 0 && r == 0)
			r = fail(w, "write %s", o->file ? o->file : "the document");
	}
	if (live->wants_lines) {
		int w = view_corrections(session, to_lines, live);

		if (w < 0 && r == 0)
			r = w;
	}
	if (!settings->quiet)
		say_summary(settings, buf_str(&document));
	return r;
}
