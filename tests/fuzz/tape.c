/* SPDX-License-Identifier: BSD-2-Clause */
/* A file given as TRACE, as it is: tape or document, through the whole pipeline to the document's text. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/json.h"
#include "base/limits.h"
#include "drain/drain.h"
#include "fuzz.h"
#include "session/session.h"

static void record(void *ctx, const struct wire_head *rec)
{
	drain_tape_feed(ctx, rec);
}

static void many(void *ctx, const struct wire_head *rec)
{
	for (int i = 0; i < 200; i++)
		drain_tape_feed(ctx, rec);
}

static void nothing(void *ctx, const struct wire_head *rec)
{
	(void)ctx;
	(void)rec;
}

/* A file that cannot be read on, at any place. */
static void unreadable(struct str tape)
{
	enum drain_tape_end end;
	uint64_t offset;

	for (size_t n = 0; n < tape.n; n = n * 2 + 8) {
		int r = drain_replay(str_head(tape, n), -1, nothing, NULL, &end, &offset);

		assert(r < 0 || offset <= n);
	}
}

/* A disk that is full: told at the end, once. */
static void no_room(int fd)
{
	struct drain_tape *t = drain_tape_new(open("/dev/full", O_WRONLY | O_CLOEXEC));
	enum drain_tape_end end;
	uint64_t offset;

	if (lseek(fd, 0, SEEK_SET) != 0 || t == NULL)
		abort();
	(void)!drain_replay(STR_NONE, fd, many, t, &end, &offset);
	int r = drain_tape_close(t);
	assert(r == -ENOSPC);
}

/* What is replayed, written again, is the same tape as far as it was replayed. */
static void write_again(int fd, struct str tape)
{
	autodrop(buf_fini) struct buf copy;
	int file = fuzz_file(STR_NONE);
	autodrop(drop_fd) int kept = dup(file);
	struct drain_tape *t = drain_tape_new(file);
	enum drain_tape_end end;
	uint64_t offset = 0;

	if (lseek(fd, 0, SEEK_SET) != 0 || t == NULL)
		abort();
	int r = drain_replay(STR_NONE, fd, record, t, &end, &offset);
	if (drain_tape_close(t) != 0 || lseek(kept, 0, SEEK_SET) != 0)
		abort();
	buf_init(&copy, 1u << 20);
	if (r == 0 && offset > 0 && buf_read(&copy, kept) == 0)
		assert(str_eq(buf_str(&copy), str_head(tape, offset)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autodrop(drop_fd) int fd = fuzz_file(str_make(data, size));
	autodrop(buf_fini) struct buf document;
	struct json_end end;
	bool complete = false;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	buf_init(&document, LIMIT_DOCUMENT_BYTES);
	if (size == 0)
		(void)!(session_load("/dev/null/x", NULL, &document, &complete) |
			session_load("/", NULL, &document, &complete));
	if (drain_is_tape(str_make(data, size))) {
		write_again(fd, str_make(data, size));
		no_room(fd);
		unreadable(str_make(data, size));
	}
	if (session_load(path, NULL, &document, &complete) != 0)
		return 0;
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_DOCUMENT_BYTES);
	(void)json_parse(a, buf_str(&document), &end);
	assert(end.state == JSON_WHOLE);
	return 0;
}
