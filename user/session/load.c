/* SPDX-License-Identifier: BSD-2-Clause */
/* What TRACE means until there is a store: a tape, replayed through the same pipeline, or a document read back. */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "drain/drain.h"
#include "pipeline.h"

static void replay_record(void *ctx, const struct wire_head *rec)
{
	pipeline_feed(ctx, rec);
}

static int load_tape(struct str head, int fd, const char *file, struct str prices, struct buf *document,
		     bool *complete)
{
	struct pipeline_settings settings = {.prices = prices};
	autodrop(drop_pipeline) struct pipeline *p = pipeline_new(&settings);
	enum drain_tape_end end = DRAIN_TAPE_CUT;
	uint64_t offset = 0;

	if (p == NULL)
		return err_say(EXIT_HOST, NULL, "cannot replay %s: %s", file, strerror(errno));
	int r = drain_replay(head, fd, replay_record, p, &end, &offset);
	if (r == -EPROTO)
		return err_say(EXIT_CORRUPT, "replay it with the bottrace that wrote it",
			       "%s is a tape of another version", file);
	if (r < 0)
		return err_say(EXIT_CORRUPT, "give a file written by --tape", "cannot replay %s: %s", file,
			       strerror(-r));
	if (end == DRAIN_TAPE_CUT)
		err_note(ERR_NORMAL,
			 "note: %s ends at byte %llu without its last record; shown as far as it goes", file,
			 (unsigned long long)offset);
	r = pipeline_finish(p, end == DRAIN_TAPE_CUT);
	struct view_session session = pipeline_session(p);
	if (r == 0)
		r = view_document(&session, view_to_buf, document);
	if (r < 0)
		return err_say(EXIT_HOST, NULL, "cannot show %s: %s", file, strerror(-r));
	*complete = pipeline_complete(p);
	return EXIT_OK;
}

static bool is_complete(const struct json *document)
{
	const struct json *traces = json_get(document, "traces");
	bool complete = false;

	if (traces == NULL)
		return json_bool(json_get(document, "complete"), &complete) && complete;
	for (const struct json *t = json_first(traces); t; t = json_next(t)) {
		if (!json_bool(json_get(t, "complete"), &complete) || !complete)
			return false;
	}
	return true;
}

static int load_document(struct str head, int fd, const char *file, struct buf *document, bool *complete)
{
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_DOCUMENT_BYTES);
	struct json_end end = {0};

	buf_add(document, head);
	int r = buf_read(document, fd);

	if (r < 0 || a == NULL)
		return err_say(EXIT_CORRUPT, NULL, "cannot read %s: %s", file, strerror(r < 0 ? -r : ENOMEM));
	if (document->n == 0)
		return err_say(EXIT_CORRUPT, "give a file written by --tape or -o json=FILE", "%s is empty",
			       file);
	const struct json *j = json_parse(a, buf_str(document), &end);
	if (j && end.state == JSON_CUT && view_is_document(j))
		return err_say(EXIT_CORRUPT, "write it again: bottrace tree TAPE -o json",
			       "%s is a document cut off at byte %zu", file, end.offset);
	if (j == NULL || end.state != JSON_WHOLE || !view_is_document(j))
		return err_say(EXIT_CORRUPT, "give a file written by --tape or -o json=FILE",
			       "%s is neither a tape nor a trace document", file);
	*complete = is_complete(j);
	return EXIT_OK;
}

static int not_found(const char *trace)
{
	if (errno == ENOENT)
		return err_say(EXIT_NOT_FOUND,
			       "TRACE is a file: a tape (--tape FILE) or a document (-o json=FILE)",
			       "no such trace: %s", trace);
	return err_say(errno == EACCES ? EXIT_RIGHTS : EXIT_NOT_FOUND, "give a file that you may read",
		       "cannot read %s: %s", trace, strerror(errno));
}

/* A pipe gives its first bytes once only: they are read here and handed on. Fewer than size: the file is shorter. */
static ssize_t read_head(int fd, char *head, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, head + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

int session_load(const char *trace, const char *prices_file, struct buf *document, bool *complete)
{
	autodrop(buf_fini) struct buf prices = {0};
	int code = prices_file ? session_prices(prices_file, &prices) : EXIT_OK;

	if (code != EXIT_OK)
		return code;

	autodrop(drop_fd) int fd =
		strcmp(trace, "-") == 0 ? dup(STDIN_FILENO) : open(trace, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char head[16];

	if (fd < 0)
		return not_found(trace);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return err_say(EXIT_CORRUPT, "give a file written by --tape or -o json=FILE",
			       "%s is a directory", trace);
	ssize_t n = read_head(fd, head, sizeof(head));
	if (n < 0)
		return err_say(EXIT_CORRUPT, NULL, "cannot read %s: %s", trace, strerror((int)-n));
	struct str first = str_make(head, (size_t)n);
	if (drain_is_tape(first))
		return load_tape(first, fd, trace, buf_str(&prices), document, complete);
	if (prices_file)
		return err_say(EXIT_USAGE, "give the tape: in a document the costs stand as they are",
			       "%s is no tape: --prices can change nothing in it", trace);
	return load_document(first, fd, trace, document, complete);
}
