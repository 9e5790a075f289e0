/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/text.h"

/* Longest text of one line before escaping, and the two escaped lines. No memory is allocated: "out of memory" has
 * to be sayable too. An escape is at most eight bytes (\u{202e}) for three, or four (\x80) for one. */
#define LINE_BYTES 1024
#define OUT_BYTES  (2 * 4 * LINE_BYTES + 64)

static enum err_level log_level = ERR_NORMAL;

void err_set_level(enum err_level level)
{
	log_level = level;
}

enum err_level err_get_level(void)
{
	return log_level;
}

/* A buf on someone's stack: never grows, never freed. */
static struct buf borrow(char *p, size_t n)
{
	return (struct buf){.p = p, .cap = n, .max = n - 1};
}

static void add_line(struct buf *out, const char *head, const char *text, size_t n)
{
	bool cut = n >= LINE_BYTES;

	buf_add(out, str_of(head));
	text_safe(out, str_make(text, cut ? LINE_BYTES - 1 : n), false);
	buf_add(out, cut ? STR("...\n") : STR("\n"));
}

/* One write, so that lines of several processes on one terminal do not mix. */
static void put(const struct buf *out)
{
	struct str s = buf_str(out);

	while (s.n) {
		ssize_t n = write(STDERR_FILENO, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		s = str_skip(s, (size_t)n);
	}
}

static size_t format(char line[LINE_BYTES], const char *fmt, va_list ap)
{
	int n = vsnprintf(line, LINE_BYTES, fmt, ap);

	if (n < 0) {
		line[0] = '\0';
		return 0;
	}
	return (size_t)n;
}

int err_say(int exit_code, const char *hint, const char *fmt, ...)
{
	char line[LINE_BYTES], space[OUT_BYTES];
	struct buf out = borrow(space, sizeof(space));
	va_list ap;

	va_start(ap, fmt);
	add_line(&out, "bottrace: ", line, format(line, fmt, ap));
	va_end(ap);
	if (hint)
		add_line(&out, "hint: ", hint, strnlen(hint, LINE_BYTES));
	put(&out);
	return exit_code;
}

int fail(int r, const char *fmt, ...)
{
	char line[LINE_BYTES], space[OUT_BYTES], why[128];
	struct buf out = borrow(space, sizeof(space));
	va_list ap;
	int saved = errno;

	va_start(ap, fmt);
	size_t n = format(line, fmt, ap);
	va_end(ap);
	const char *text = strerror_r(-r, why, sizeof(why));

	buf_add(&out, STR("bottrace: "));
	text_safe(&out, str_make(line, n < LINE_BYTES ? n : LINE_BYTES - 1), false);
	add_line(&out, n < LINE_BYTES ? ": " : "...: ", text, strlen(text));
	put(&out);
	errno = saved;
	return r;
}

void err_note(enum err_level level, const char *fmt, ...)
{
	char line[LINE_BYTES], space[OUT_BYTES];
	struct buf out = borrow(space, sizeof(space));
	va_list ap;

	if (log_level < level)
		return;
	va_start(ap, fmt);
	add_line(&out, "bottrace: ", line, format(line, fmt, ap));
	va_end(ap);
	put(&out);
}
