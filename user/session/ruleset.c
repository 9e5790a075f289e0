/* SPDX-License-Identifier: BSD-2-Clause */
/* The user's file of rules for frames: read and checked before anything starts, given to the attacher, put on the tape. */
#include "session/ruleset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "session/session.h"

#define HINT "docs/rules.md has the form of a rules file"

/* What buf_read wants of room, beyond the most that is taken. */
#define SPARE_BYTES (128u << 10)

static int refuse(const char *file, int r, const struct rules_error *error)
{
	char place[16] = "";

	if (error->line)
		snprintf(place, sizeof(place), ":%u", error->line);
	return err_say(EXIT_USAGE, HINT, "%s%s: %s", file, place, error->why[0] ? error->why : strerror(-r));
}

int session_rules(const char *file, struct buf *out)
{
	struct rules_error error = {0};
	struct stat st;

	buf_init(out, LIMIT_RULES_BYTES / 2 + SPARE_BYTES);
	if (file == NULL)
		return EXIT_OK;
	autodrop(drop_fd) int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_say(EXIT_USAGE, HINT, "cannot read %s: %s", file, strerror(errno));
	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))
		return refuse(file, -EINVAL, &(struct rules_error){.why = "this is no file to read"});
	int r = buf_read(out, fd);
	if (r == 0 && out->n > LIMIT_RULES_BYTES / 2)
		r = -EFBIG;
	autodrop(drop_rules) struct rules *rules = r < 0 ? NULL : ruleset_of(buf_str(out), &error);
	if (rules == NULL) {
		buf_fini(out);
		return refuse(file, r < 0 ? r : -ENOMEM, &error);
	}
	return EXIT_OK;
}

struct rules *ruleset_of(struct str text, struct rules_error *error)
{
	autodrop(drop_rules) struct rules *r = rules_new();

	*error = (struct rules_error){0};
	if (r == NULL || (text.n && rules_add(r, text, error) < 0))
		return NULL;
	if (rules_add(r, rules_builtin(), error) == 0)
		return take(r);
	error->line = 0; /* of the built-in text: too many rows together */
	return NULL;
}

int ruleset_describe(struct str text)
{
	autodrop(drop_fd) int fd = memfd_create("bottrace-rules", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (size_t at = 0; at < text.n;) {
		ssize_t n = write(fd, text.p + at, text.n - at);

		if (n < 0)
			return -errno;
		at += (size_t)n;
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : take_fd(&fd);
}

struct rules *ruleset_receive(int fd)
{
	autodrop(buf_fini) struct buf text = {0};
	struct rules_error error;

	buf_init(&text, LIMIT_RULES_BYTES / 2 + SPARE_BYTES);
	if (fd >= 0 && buf_read(&text, fd) < 0)
		return NULL;
	return ruleset_of(buf_str(&text), &error);
}

int ruleset_text(struct str text, struct buf *out)
{
	buf_init(out, LIMIT_RULES_BYTES);
	buf_add(out, text);
	if (text.n && text.p[text.n - 1] != '\n')
		buf_add_char(out, '\n');
	buf_add(out, rules_builtin());
	return buf_err(out);
}
