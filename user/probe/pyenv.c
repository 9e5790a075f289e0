/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/pyenv.h"

#include <stdio.h>
#include <string.h>

#include "probe/procfs.h"
#include "probe/root.h"

#define VERSION_FILE_MAX 4096
#define VERSIONS_MAX	 64
#define PARENTS_MAX	 64
#define DIR_ENTRIES_MAX	 4096

bool pyenv_is_shim(struct str script)
{
	return str_has(script, STR("PYENV_ROOT")) && str_has(script, STR("exec \"$program\""));
}

/* `export PYENV_ROOT="/home/u/.pyenv"` as pyenv-rehash writes it; else the variable, else two above the shim. */
static struct str find_root(const struct foresee *f, struct str script, struct str path)
{
	struct str mark = STR("export PYENV_ROOT=\"");
	ptrdiff_t at = str_find(script, mark);

	if (at >= 0) {
		struct str root;

		(void)str_cut(str_skip(script, (size_t)at + mark.n), '"', &root);
		if (root.n > 0 && root.p[0] == '/')
			return root;
	}
	struct str root = procfs_variable(f->request->env, STR("PYENV_ROOT"));
	return root.n > 0 ? root : str_dir_name(str_dir_name(path));
}

struct choice {
	struct foresee *f;
	struct str name; /* of the program: python, pip */
	struct str root;
	const char *shims;
	unsigned depth;
	unsigned queued;
};

static bool has_file(const struct foresee *f, const char *path)
{
	autodrop(drop_fd) int fd = root_open_file(f->request->root, path);
	return fd >= 0;
}

/* Queues versions/VERSION/bin/NAME; false when it is not there. */
static bool queue_version(struct choice *c, struct str version)
{
	char path[FORESEE_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%.*s/versions/%.*s/bin/%.*s", STR_ARG(c->root),
			 STR_ARG(version), STR_ARG(c->name));

	if (n < 0 || (size_t)n >= sizeof(path) || str_has(version, STR("..")) || !has_file(c->f, path))
		return false;
	foresee_queue(c->f, path, c->depth);
	c->queued++;
	return true;
}

/* Every installed version whose name begins with `prefix` ("3.11" stands for its newest 3.11.x; "" for all). */
static void queue_installed(struct choice *c, struct str prefix)
{
	char path[FORESEE_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%.*s/versions", STR_ARG(c->root));

	if (n < 0 || (size_t)n >= sizeof(path))
		return;
	autodrop(drop_dir) DIR *dir = root_open_dir(c->f->request->root, path);
	if (dir == NULL)
		return;
	for (unsigned i = 0; i < DIR_ENTRIES_MAX; i++) {
		struct dirent *e = readdir(dir);

		if (e == NULL)
			return;
		if (e->d_name[0] != '.' && str_starts(str_of(e->d_name), prefix))
			(void)queue_version(c, str_of(e->d_name));
	}
}

static void queue_word(struct choice *c, struct str word)
{
	if (str_eq(word, STR("system"))) {
		c->queued += foresee_queue_command(c->f, c->name, c->shims, c->depth);
		return;
	}
	if (str_starts(word, STR("python-")))
		word = str_skip(word, sizeof("python-") - 1);
	if (!queue_version(c, word))
		queue_installed(c, word);
}

/* Versions parted by any of `separators`. True when there was one. */
static bool queue_words(struct choice *c, struct str text, const char *separators)
{
	bool any = false;
	size_t at = 0;

	for (unsigned words = 0; words < VERSIONS_MAX; words++) {
		while (at < text.n && strchr(separators, text.p[at]) && text.p[at] != '\0')
			at++;
		size_t start = at;
		while (at < text.n && text.p[at] != '\0' && !strchr(separators, text.p[at]))
			at++;
		if (at == start)
			break;
		queue_word(c, str_make(text.p + start, at - start));
		any = true;
	}
	return any;
}

/* A version file: words on lines; # begins a comment. True when it names a version. */
static bool queue_file(struct choice *c, const char *path)
{
	autodrop(buf_fini) struct buf text;
	bool any = false;

	buf_init(&text, VERSION_FILE_MAX);
	if (root_read(c->f->request->root, path, &text) < 0)
		return false;
	struct str rest = buf_str(&text);
	while (rest.n > 0) {
		struct str line, words;

		rest = str_cut(rest, '\n', &line);
		(void)str_cut(line, '#', &words);
		any |= queue_words(c, words, " \t\r");
	}
	return any;
}

/* .python-version in the working directory or the nearest directory above it. */
static bool queue_local(struct choice *c, struct str dir)
{
	for (unsigned i = 0; i < PARENTS_MAX && dir.n > 0; i++) {
		char path[FORESEE_PATH_MAX];

		if (foresee_join(path, dir, STR(".python-version")) && queue_file(c, path))
			return true;
		if (dir.n == 1)
			break;
		dir = str_dir_name(dir);
	}
	return false;
}

void pyenv_queue(struct foresee *f, const char *path, struct str script, unsigned depth)
{
	struct str shim = str_of(path);
	char shims[FORESEE_PATH_MAX], global[FORESEE_PATH_MAX];
	struct choice c = {.f = f, .name = str_base_name(shim), .depth = depth, .shims = shims};

	c.root = find_root(f, script, shim);
	struct str dir = str_dir_name(shim);
	snprintf(shims, sizeof(shims), "%.*s", STR_ARG(dir));
	struct str version = procfs_variable(f->request->env, STR("PYENV_VERSION"));
	struct str cwd = procfs_variable(f->request->env, STR("PYENV_DIR"));
	if (cwd.n == 0)
		cwd = str_of(f->request->cwd);
	int n = snprintf(global, sizeof(global), "%.*s/version", STR_ARG(c.root));
	bool named = version.n > 0 ? queue_words(&c, version, ":") : queue_local(&c, cwd);
	if (!named && n > 0 && (size_t)n < sizeof(global))
		named = queue_file(&c, global);
	if (!named)
		queue_word(&c, STR("system"));
	if (c.queued == 0)
		queue_installed(&c, STR(""));
}
