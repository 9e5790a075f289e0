/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
			return err_say(EXIT_USAGE, "give -o a file in a directory that you may write to",
				       "cannot write %s: %s", o->file, strerror(errno));
	}
	return EXIT_OK;
}

int output_open_tape(const char *file)
{
	bool created;
	autodrop(drop_fd) int fd = open_file(file, 0600, &created);

	if (fd < 0 || (!created && fchmod(fd, 0600) < 0 && errno != EPERM) ||
	    (!created && ftruncate(fd, 0) < 0 && errno != EINVAL)) {
		err_say(0, "give --tape a file in a directory that you may write to", "cannot write %s: %s",
			file, strerror(errno));
		return -1;
	}
	err_note(ERR_NORMAL,
		 "warning: %s will hold plaintext and keys as they went over the wire (mode 0600)", file);
	return take_fd(&fd);
}

void output_discard(struct session_settings *settings)
{
	for (unsigned i = 0; i < settings->output_count; i++) {
		if (settings->outputs[i].created)
			unlink(settings->outputs[i].file);
	}
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

/* Bytes that wait for a reader that is slow or stopped (a pager): beyond, lines are dropped and counted. The traced
 * process and the collector wait for nobody. */
#define PENDING_TEXT_BYTES  (1u << 20)
#define PENDING_LINES_BYTES (64u << 20)
#define PATIENCE_MS	    2000 /* for a reader, once tracing is over */
#define PIPE_PIECE	    4096 /* a pipe that says it is writable takes as much without blocking */

struct live_target {
	int fd;
	const char *file; /* NULL: standard output or error */
	enum session_format format;
	bool is_file; /* takes everything at once */
	bool has_old; /* a named file whose old content still stands */
	struct buf pending;
	uint64_t dropped; /* lines */
	int err;
};

struct output_live {
	const struct session_settings *settings;
	struct live_target targets[SESSION_OUTPUTS_MAX + 1];
	unsigned count;
	struct buf line;
	bool begun;
};

static void add_target(struct output_live *l, int fd, const char *file, enum session_format format)
{
	struct live_target *t = &l->targets[l->count++];
	struct stat st;

	*t = (struct live_target){.fd = fd, .file = file, .format = format};
	t->is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	t->has_old = t->is_file && file != NULL;
	buf_init(&t->pending, format == SESSION_TEXT ? PENDING_TEXT_BYTES : PENDING_LINES_BYTES);
}

struct output_live *output_live_new(const struct session_settings *settings)
{
	struct output_live *l = calloc(1, sizeof(*l));
	bool stdout_free = settings->mode == WIRE_MODE_ATTACH && !settings->quiet;

	if (l == NULL)
		return NULL;
	l->settings = settings;
	buf_init(&l->line, LIMIT_SPAN_BYTES * 2);
	for (unsigned i = 0; i < settings->output_count; i++) {
		const struct session_output *o = &settings->outputs[i];

		if (o->format != SESSION_JSON)
			add_target(l, o->fd, o->file, o->format);
		if (o->file == NULL || o->format == SESSION_TEXT)
			stdout_free = false;
	}
	if (stdout_free)
		add_target(l, STDOUT_FILENO, NULL, SESSION_TEXT);
	return l;
}

static void flush_target(struct live_target *t, int wait_ms)
{
	while (t->pending.n > 0 && t->err == 0) {
		struct pollfd p = {.fd = t->fd, .events = POLLOUT};

		if (poll(&p, 1, wait_ms) <= 0)
			return;
		if (t->has_old) {
			t->has_old = false;
			t->err = rewind_file(t->fd);
			continue;
		}
		size_t most = t->is_file || t->pending.n < PIPE_PIECE ? t->pending.n : PIPE_PIECE;
		ssize_t n = write(t->fd, t->pending.p, most);
		if (n < 0 && errno != EINTR)
			t->err = -errno;
		if (n > 0)
			buf_consume(&t->pending, (size_t)n);
	}
	if (t->err)
		buf_clear(&t->pending);
}

static void put(struct live_target *t, struct str line)
{
	flush_target(t, 0);
	if (t->pending.n + line.n > t->pending.max)
		t->dropped++;
	else
		buf_add(&t->pending, line);
}

static void put_text(struct output_live *l, struct live_target *t, struct str span_line)
{
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_SPAN_BYTES);

	buf_clear(&l->line);
	if (a)
		view_live_line(&l->line, a, span_line, &l->settings->style);
	if (l->line.n > 0)
		put(t, buf_str(&l->line));
}

/* Before the first line. */
static void put_heading(struct output_live *l)
{
	for (unsigned i = 0; i < l->count && !l->begun; i++) {
		if (l->targets[i].format != SESSION_TEXT)
			continue;
		buf_clear(&l->line);
		view_live_heading(&l->line, &l->settings->style);
		put(&l->targets[i], buf_str(&l->line));
	}
	l->begun = true;
}

void output_live_span(struct output_live *l, struct str line, uint32_t seq)
{
	put_heading(l);
	for (unsigned i = 0; i < l->count; i++) {
		struct live_target *t = &l->targets[i];

		if (t->format == SESSION_TEXT) {
			put_text(l, t, line);
			continue;
		}
		buf_clear(&l->line);
		view_numbered(&l->line, line, seq);
		buf_add_char(&l->line, '\n');
		put(t, buf_str(&l->line));
	}
}

void output_live_shed(struct output_live *l, const struct wire_shed_step *step, int64_t utc_offset_ns)
{
	put_heading(l);
	for (unsigned i = 0; i < l->count; i++) {
		struct live_target *t = &l->targets[i];

		if (t->format != SESSION_TEXT)
			continue;
		buf_clear(&l->line);
		view_live_shed(&l->line, step, utc_offset_ns, &l->settings->style);
		put(t, buf_str(&l->line));
	}
}

bool output_live_flush(struct output_live *l)
{
	bool pending = false;

	for (unsigned i = 0; i < l->count; i++) {
		flush_target(&l->targets[i], 0);
		pending |= l->targets[i].pending.n > 0;
	}
	return pending;
}

/* Tracing is over: a reader gets a little time, then the rest is dropped. 0 or the first -errno of a file. */
static int finish_target(struct live_target *t)
{
	flush_target(t, PATIENCE_MS);
	if (t->pending.n > 0)
		t->dropped++;
	if (t->dropped > 0)
		err_note(ERR_NORMAL, "note: %s was not read in time: %llu or more lines are not in it",
			 t->file ? t->file : "standard output", (unsigned long long)t->dropped);
	if (t->format == SESSION_JSONL && (t->err || t->dropped))
		return t->err ? fail(t->err, "write %s", t->file ? t->file : "JSON lines") : -EPIPE;
	return 0; /* a terminal or pager that went away costs no data */
}

void output_live_free(struct output_live *l)
{
	if (l == NULL)
		return;
	for (unsigned i = 0; i < l->count; i++)
		buf_fini(&l->targets[i].pending);
	buf_fini(&l->line);
	free(l);
}

/* ---- at the end ---- */

static int to_lines(void *ctx, struct str piece)
{
	struct live_target *t = ctx;

	buf_add(&t->pending, piece);
	flush_target(t, PATIENCE_MS);
	return t->err ? t->err : buf_err(&t->pending);
}

static void say_summary(const struct session_settings *settings, const struct view_session *session)
{
	autodrop(buf_fini) struct buf text = {0};
	struct view_style style = settings->style;

	buf_init(&text, LIMIT_TEXT_BYTES);
	style.colour = style.colour && isatty(STDERR_FILENO);
	int r = view_summary(&text, session, &style);
	if (r < 0)
		(void)fail(r, "sum up");
	else if (buf_write(&text, STDERR_FILENO) < 0)
		err_note(ERR_DEBUG, "the summary found no reader");
}

/* Where documents go: a file that fails takes no more, the others go on. */
struct sinks {
	const struct session_settings *settings;
	int errs[SESSION_OUTPUTS_MAX];
	bool begun;
	int err; /* the first */
};

static bool takes_document(const struct sinks *k, unsigned i)
{
	return k->settings->outputs[i].format == SESSION_JSON && k->errs[i] == 0;
}

static bool is_wanted(const struct sinks *k)
{
	for (unsigned i = 0; i < k->settings->output_count; i++)
		if (takes_document(k, i))
			return true;
	return false;
}

static int to_sinks(void *ctx, struct str piece)
{
	struct sinks *k = ctx;

	for (unsigned i = 0; i < k->settings->output_count; i++) {
		const struct session_output *o = &k->settings->outputs[i];
		const struct buf b = {.p = (char *)piece.p, .n = piece.n};

		if (!takes_document(k, i))
			continue;
		if (!k->begun && o->file)
			k->errs[i] = rewind_file(o->fd);
		if (k->errs[i] == 0)
			k->errs[i] = buf_write(&b, o->fd);
		if (k->errs[i] < 0 && k->err == 0)
			k->err = fail(k->errs[i], "write %s", o->file ? o->file : "the document");
	}
	k->begun = true;
	return is_wanted(k) ? 0 : k->err;
}

/* With every call's messages whole: of this the document is held in memory. 0, -errno (said). */
static int write_full(struct sinks *k, const struct view_session *session)
{
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_DOCUMENT_BYTES);
	autodrop(buf_fini) struct buf document = {0};
	struct json_end end = {0};

	buf_init(&document, LIMIT_DOCUMENT_BYTES);
	int r = view_document(session, view_to_buf, &document);
	if (r < 0)
		return fail(r, "write the document");
	const struct json *j = a ? json_parse(a, buf_str(&document), &end) : NULL;
	r = j && end.state == JSON_WHOLE ? view_full(a, j, to_sinks, k) : -ENOMEM;
	if (r < 0 && k->err == 0)
		r = fail(r, "expand the document%s", k->begun ? "" : " (it is written as it is)");
	if (r < 0 && !k->begun)
		(void)to_sinks(k, buf_str(&document));
	return r;
}

static int write_documents(const struct session_settings *settings, const struct view_session *session)
{
	struct sinks k = {.settings = settings};
	int r = 0;

	if (!is_wanted(&k))
		return 0;
	if (settings->full) {
		r = write_full(&k, session);
	} else {
		r = view_document(session, to_sinks, &k);
		if (r < 0 && k.err == 0)
			r = fail(r, "write the document");
	}
	return k.err ? k.err : r;
}

int output_write(const struct session_settings *settings, const struct view_session *session,
		 struct output_live *live)
{
	int r = write_documents(settings, session);

	for (unsigned i = 0; i < live->count; i++) {
		struct live_target *t = &live->targets[i];
		int w = t->format == SESSION_JSONL ? view_corrections(session, to_lines, t) : 0;
		int e = finish_target(t);

		if (r == 0)
			r = w < 0 ? w : e;
	}
	if (!settings->quiet)
		say_summary(settings, session);
	return r;
}
