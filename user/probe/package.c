/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/package.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "probe/marker.h"
#include "probe/root.h"

#define ENTRIES_MAX  8192u /* of a directory */
#define ARGV_LOOK    16u
#define METADATA_MAX 65536u

struct look {
	struct package *out;
	int root;
	const char *cwd;
};

/* dir/name, made absolute by the working directory. */
static bool join(const struct look *l, char out[PROCFS_PATH_MAX], struct str dir, const char *name)
{
	bool absolute = dir.n > 0 && dir.p[0] == '/';
	int n = snprintf(out, PROCFS_PATH_MAX, "%s%s%.*s/%s", absolute ? "" : l->cwd, absolute ? "" : "/",
			 STR_ARG(dir), name);

	return n > 0 && n < PROCFS_PATH_MAX && memchr(dir.p ? dir.p : "", '\0', dir.n) == NULL;
}

/* "Name: x" and "Version: y" of the metadata beside it. */
static void read_project(const struct look *l, const char *path)
{
	autodrop(buf_fini) struct buf text;
	struct str name = STR_NONE, version = STR_NONE;

	buf_init(&text, METADATA_MAX);
	if (root_read(l->root, path, &text) < 0)
		return;
	struct str rest = buf_str(&text);
	while (rest.n > 0 && (name.p == NULL || version.p == NULL)) {
		struct str line, key;

		rest = str_cut(rest, '\n', &line);
		struct str value = str_trim(str_cut(line, ':', &key));
		if (str_eq(key, STR("Name")))
			name = value;
		else if (str_eq(key, STR("Version")))
			version = value;
	}
	if (name.n > 0)
		snprintf(l->out->project, sizeof(l->out->project), "%.*s %.*s", STR_ARG(str_head(name, 80)),
			 STR_ARG(str_head(version, 40)));
}

static void find_project(const struct look *l, struct str dir)
{
	char path[PROCFS_PATH_MAX], inside[PROCFS_PATH_MAX];

	if (!join(l, path, dir, ""))
		return;
	autodrop(drop_dir) DIR *d = root_open_dir(l->root, path);
	for (unsigned i = 0; d && i < ENTRIES_MAX; i++) {
		struct dirent *e = readdir(d);

		if (e == NULL)
			return;
		struct str name = str_of(e->d_name);
		if (!str_starts(name, STR("bottrace-")) || !str_ends(name, STR(".dist-info")))
			continue;
		int n = snprintf(inside, sizeof(inside), "%s/METADATA", e->d_name);
		if (n > 0 && (size_t)n < sizeof(inside) && join(l, path, dir, inside))
			read_project(l, path);
		return;
	}
}

/* True when the search ends here. In one directory a package comes before a module. */
static bool look_into(const struct look *l, struct str dir)
{
	struct package *out = l->out;
	uint64_t offset;

	for (unsigned i = 0; i < 2; i++) {
		const char *name = i == 0 ? "bottrace/__init__.py" : MARKER_MODULE;

		if (!join(l, out->path, dir, name))
			continue;
		autodrop(drop_fd) int fd = root_open_file(l->root, out->path);
		if (fd < 0)
			continue;
		bool ours = i == 1 && marker_find_flag(fd, &offset) == 0;
		out->kind = ours ? PACKAGE_OURS : PACKAGE_OTHER;
		if (!ours)
			find_project(l, dir);
		return true;
	}
	return false;
}

/* PREFIX/lib/python3.N/site-packages, of the program's own prefix. */
static bool look_below(const struct look *l, struct str prefix)
{
	char lib[PROCFS_PATH_MAX], inside[PROCFS_PATH_MAX];

	if (prefix.n == 0 || !join(l, lib, prefix, "lib"))
		return false;
	autodrop(drop_dir) DIR *d = root_open_dir(l->root, lib);
	for (unsigned i = 0; d && i < ENTRIES_MAX; i++) {
		struct dirent *e = readdir(d);

		if (e == NULL)
			return false;
		if (!str_starts(str_of(e->d_name), STR("python3")))
			continue;
		for (unsigned k = 0; k < 2; k++) {
			int n = snprintf(inside, sizeof(inside), "%s/%s/%s", lib, e->d_name,
					 k ? "dist-packages" : "site-packages");

			if (n > 0 && (size_t)n < sizeof(inside) && look_into(l, str_of(inside)))
				return true;
		}
	}
	return false;
}

/* The directory that Python puts first: the script's, else the working directory. */
static struct str first_dir(struct str argv)
{
	struct str word;

	for (unsigned i = 0; i < ARGV_LOOK && procfs_next_string(&argv, &word); i++) {
		if (i > 0 && (str_eq(word, STR("-c")) || str_eq(word, STR("-m"))))
			break;
		if (i > 0 && str_ends(word, STR(".py")))
			return str_find_char(word, '/') < 0 ? STR(".") : str_dir_name(word);
	}
	return STR(".");
}

static bool is_loaded(struct package *out, uint32_t pid)
{
	autodrop(buf_fini) struct buf maps;
	struct procfs_mapping m;

	buf_init(&maps, PROCFS_MAPS_MAX);
	if (procfs_read(pid, "maps", &maps) < 0)
		return false;
	struct str rest = buf_str(&maps);
	while (procfs_next_mapping(&rest, &m)) {
		if (m.executable || m.ino == 0 || !marker_is_named(m.path) ||
		    !(str_ends(m.path, STR("/" MARKER_MODULE)) || str_has(m.path, STR("memfd:"))))
			continue;
		snprintf(out->path, sizeof(out->path), "%.*s", STR_ARG(m.path));
		return true;
	}
	return false;
}

void package_find(struct package *out, uint32_t pid)
{
	autodrop(buf_fini) struct buf env, argv;
	char exe[PROCFS_PATH_MAX], cwd[PROCFS_PATH_MAX];
	struct look l = {.out = out, .cwd = cwd};
	struct str word;

	*out = (struct package){0};
	if (is_loaded(out, pid)) {
		out->kind = PACKAGE_LOADED;
		return;
	}
	buf_init(&env, PROCFS_ENVIRON_MAX);
	buf_init(&argv, WIRE_ARGV_MAX);
	if (procfs_link(pid, "cwd", cwd, sizeof(cwd)) < 0)
		memcpy(cwd, "/", 2);
	if (procfs_read(pid, "environ", &env) < 0)
		buf_clear(&env);
	if (procfs_read(pid, "cmdline", &argv) < 0)
		buf_clear(&argv);
	autodrop(drop_fd) int root = root_open(pid);
	if (root < 0)
		return;
	l.root = root;
	struct str path = procfs_variable(buf_str(&env), STR("PYTHONPATH")), rest = buf_str(&argv);
	if (look_into(&l, first_dir(rest)))
		return;
	while (path.n > 0) {
		path = str_cut(path, ':', &word);
		if (word.n > 0 && look_into(&l, word))
			return;
	}
	if (procfs_next_string(&rest, &word) && str_find_char(word, '/') >= 0 &&
	    look_below(&l, str_dir_name(str_dir_name(word))))
		return;
	struct str home = procfs_variable(buf_str(&env), STR("VIRTUAL_ENV"));
	if (look_below(&l, home))
		return;
	if (procfs_link(pid, "exe", exe, sizeof(exe)) >= 0 &&
	    look_below(&l, str_dir_name(str_dir_name(str_of(exe)))))
		return;
	out->path[0] = '\0';
}

void package_report(const struct package *p, struct checks *c)
{
	switch (p->kind) {
	case PACKAGE_NONE:
		break;
	case PACKAGE_LOADED:
		check_add(c, "markers", "ok", NULL, "the marker module is loaded from %s", p->path);
		break;
	case PACKAGE_OURS:
		check_add(c, "markers", "ok", NULL, "`import bottrace` finds the marker module, %s", p->path);
		break;
	case PACKAGE_OTHER:
		check_add(c, "markers", "note",
			  "put the marker module (tools/python/bottrace.py) into a directory that comes "
			  "before it",
			  "`import bottrace` finds another project's package first: %s%s%s%s", p->path,
			  p->project[0] ? " (" : "", p->project, p->project[0] ? ")" : "");
		break;
	}
}
