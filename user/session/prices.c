/* SPDX-License-Identifier: BSD-2-Clause */
/* The user's price file: read and checked before anything starts. */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "genai/genai.h"

#define PATH_BYTES 4096
#define HINT	   "docs/cost.md has the form of a price file"

/* $XDG_CONFIG_HOME/bottrace/prices.tsv, else ~/.config/bottrace/prices.tsv. False: no home, or none that fits. */
static bool default_path(char out[PATH_BYTES])
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n = -1;

	if (config != NULL && config[0] == '/')
		n = snprintf(out, PATH_BYTES, "%s/bottrace/prices.tsv", config);
	else if (home != NULL && home[0] == '/')
		n = snprintf(out, PATH_BYTES, "%s/.config/bottrace/prices.tsv", home);
	return n > 0 && n < PATH_BYTES;
}

/* 0, -errno, or -EINVAL with *error. */
static int read_checked(int fd, struct buf *out, struct genai_prices_error *error)
{
	autodrop(drop_genai_prices) struct genai_prices *p = genai_prices_new();
	int r = p ? buf_read(out, fd) : -ENOMEM;

	return r < 0 ? r : genai_prices_add(p, buf_str(out), error);
}

static int refuse(const char *file, int r, const struct genai_prices_error *error, bool asked)
{
	const char *level = asked ? "" : "; the built-in prices stand";
	char place[16] = "";

	if (error->line)
		snprintf(place, sizeof(place), ":%u", error->line);
	return err_say(asked ? EXIT_USAGE : EXIT_OK, HINT, "%s%s: %s%s", file, place,
		       error->why[0] ? error->why : strerror(-r), level);
}

int session_prices(const char *file, struct buf *out)
{
	struct genai_prices_error error = {0};
	char path[PATH_BYTES];
	struct stat st;
	bool asked = file != NULL;

	/* What buf_read wants of room, beyond the most that is taken. */
	buf_init(out, LIMIT_PRICES_BYTES + (128u << 10));
	if (!asked && !default_path(path))
		return EXIT_OK;
	file = asked ? file : path;
	autodrop(drop_fd) int fd = open(file, O_RDONLY | O_CLOEXEC | (asked ? 0 : O_NONBLOCK));
	if (fd < 0 && !asked)
		return EXIT_OK;
	if (fd < 0)
		return err_say(EXIT_USAGE, HINT, "cannot read %s: %s", file, strerror(errno));
	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode) || (!asked && !S_ISREG(st.st_mode)))
		return refuse(file, -EINVAL, &(struct genai_prices_error){.why = "this is no file to read"},
			      asked);
	int r = read_checked(fd, out, &error);
	if (r < 0) {
		buf_fini(out);
		return refuse(file, r, &error, asked);
	}
	return EXIT_OK;
}
