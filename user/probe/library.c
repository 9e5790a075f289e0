/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/library.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/map.h"
#include "probe/change.h"
#include "probe/emit.h"
#include "probe/glance.h"
#include "probe/memory.h"
#include "probe/root.h"

#define SEEN_MAX     65536u /* files looked at */
#define UNPROVEN_MAX 8u	    /* a trial takes up to 2 s, in which nothing else is attached */

struct file_key {
	uint64_t dev, ino;
	uint8_t build_id[ELF_BUILD_ID_BYTES];
	uint32_t pid; /* that the links are for; 0: everybody */
};
_Static_assert(sizeof(struct file_key) == 40, "file_key");

/* A file that was looked at: another one may come under the same inode number, or other content into the same file. */
struct seen_key {
	uint64_t dev, ino, size, mtime_ns;
	uint64_t pid; /* as above */
};

struct libraries {
	struct libraries_settings settings;
	struct map *files; /* struct file_key -> struct library, owned */
	struct map *seen;  /* struct seen_key -> struct library, or &nothing */
	uint32_t last_id;
	int changes;	   /* of change.h, -1: none */
	unsigned unproven; /* trials of this session that came to nothing */
};

/* The values of `seen` for a file that has none of our functions, and for one that got no probes since somebody's code is
 * not the file's. */
static const struct library nothing, unclean;

static bool is_library(const struct library *lib)
{
	return lib != NULL && lib != &nothing && lib != &unclean;
}

bool library_is_named(struct str path)
{
	struct str name = str_base_name(path);

	return str_starts(name, STR("libssl")) && str_has(name, STR(".so"));
}

/* ---- a file ---- */

int library_read(struct library *out, int fd)
{
	autodrop(drop_elf_file) struct elf_file *elf = NULL;
	struct library lib = {0};
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	int r = elf_open(&elf, fd);
	if (r < 0)
		return r;
	lib.site_count = site_choose(elf, lib.sites);
	if (lib.site_count == 0)
		return -ENOENT;
	(void)elf_build_id(elf, lib.build_id);
	lib.dev = st.st_dev;
	lib.ino = st.st_ino;
	*out = lib;
	return 0;
}

/* Moves its sites to the symbols. 0, negative errno. */
static int MUST_CHECK read_symbols(struct library *lib, int fd)
{
	autodrop(drop_elf_file) struct elf_file *elf = NULL;
	int r = elf_open(&elf, fd);

	if (r < 0)
		return r;
	lib->site_count = site_choose_symbols(elf, lib->sites);
	return lib->site_count > 0 ? 0 : -ENOENT;
}

int library_try(struct library *lib, int fd, int root, const char *path, uint32_t pid)
{
	const struct trial trial = {.ssl_fd = fd,
				    .root = root,
				    .path = path,
				    .pid = pid,
				    .build_id = lib->build_id,
				    .sites = lib->sites,
				    .count = lib->site_count};

	lib->verdict = trial_get(&trial, &lib->doubt);
	return lib->verdict == TRIAL_FAILED ? read_symbols(lib, fd) : 0;
}

int library_open_mapping(uint32_t pid, const struct procfs_mapping *m)
{
	char path[PROCFS_MAP_FILE_BYTES], name[PROCFS_PATH_MAX];
	struct stat st;

	procfs_map_file(path, pid, m);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0)
		return fd;
	/* Without CAP_CHECKPOINT_RESTORE: by name, if the name is still that file's. */
	if (m->deleted)
		return -ESTALE;
	if (m->path.n == 0 || m->path.n >= sizeof(name))
		return -ENAMETOOLONG;
	memcpy(name, m->path.p, m->path.n);
	name[m->path.n] = '\0';
	autodrop(drop_fd) int root = root_open(pid);
	if (root < 0)
		return root;
	autodrop(drop_fd) int file = root_open_file(root, name);
	if (file < 0)
		return file;
	if (fstat(file, &st) != 0)
		return -errno;
	if (st.st_ino != m->ino)
		return -ESTALE;
	return take_fd(&file);
}

/* ---- the table ---- */

struct libraries *library_new(const struct libraries_settings *settings)
{
	autodrop(drop_libraries) struct libraries *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->settings = *settings;
	t->changes = change_open();
	t->files = map_new(sizeof(struct file_key), LIBRARY_FILES_MAX);
	t->seen = map_new(sizeof(struct seen_key), SEEN_MAX);
	if (t->files == NULL || t->seen == NULL)
		return NULL;
	return take(t);
}

static void entry_free(struct library *lib)
{
	if (lib == NULL)
		return;
	load_unhook_entries(&lib->hooks);
	load_unhook_returns(&lib->hooks);
	if (lib->fd > 0)
		close(lib->fd - 1);
	free(lib->path);
	free(lib);
}
DROP_POINTER(library, entry_free)

void library_free(struct libraries *t)
{
	void *value;
	size_t pos = 0;

	if (t == NULL)
		return;
	while (t->files && map_next(t->files, &pos, NULL, &value))
		entry_free(value);
	map_free(t->files);
	map_free(t->seen);
	drop_fd(&t->changes);
	free(t);
}

const struct library *library_next(const struct libraries *t, size_t *pos)
{
	void *value;

	return map_next(t->files, pos, NULL, &value) ? value : NULL;
}

/* The returns first, then the record, then the entries: no call is entered whose return is not probed, and no piece
 * of data names a library that was not told. */
static int attach(struct libraries *t, struct library *lib, int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int r = load_hook_returns(t->settings.load, &lib->hooks, path, lib->sites, lib->site_count);
	if (r < 0)
		return r;
	emit_library(t->settings.emit, t->settings.ctx, lib, t->settings.costs);
	return load_hook_entries(t->settings.load, &lib->hooks, path, lib->sites, lib->site_count, lib->id);
}

static struct seen_key seen_key(const struct libraries *t, const struct stat *st, uint32_t pid)
{
	return (struct seen_key){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = (uint64_t)st->st_mtim.tv_sec * 1000000000ull + (uint64_t)st->st_mtim.tv_nsec,
		.pid = t->settings.narrow ? pid : 0,
	};
}

/* Whether its probes are safe in the memory of whoever maps it, traced or not. */
static int check_memory(struct libraries *t, const struct library *lib, int fd, const char *path,
			const char *consequence)
{
	const struct memory_suspects suspects = {
		.load = t->settings.load, .next_pid = t->settings.next_pid, .pid_ctx = t->settings.pid_ctx};
	struct memory_trouble trouble;
	int r = memory_check_all(&suspects, fd, lib->sites, lib->site_count, &trouble);

	if (r < 0)
		err_note(ERR_NORMAL, "%s %s: in process %u %s: %s", consequence, path, trouble.pid,
			 trouble.why, trouble.where->function);
	return r;
}

/* Sites that some process has other code at are given up for the symbols, and these, if need be, for nothing. */
static int find_clean(struct libraries *t, struct library *lib, int fd, const char *path)
{
	bool is_last = t->settings.symbols;
	int r = check_memory(t, lib, fd, path, is_last ? "no probes on" : "probes at the symbols of");

	if (r == 0 || is_last)
		return r;
	r = read_symbols(lib, fd);
	lib->verdict = TRIAL_FAILED;
	lib->doubt = "a process has other code where its probes would sit";
	return r < 0 ? r : check_memory(t, lib, fd, path, "no probes on");
}

/* The file may have been written into since its sites were chosen. */
static bool is_still(int fd, const struct library *lib)
{
	uint8_t bytes[ELF_CODE_BYTES];

	for (size_t i = 0; i < lib->site_count; i++) {
		const struct site *s = &lib->sites[i];

		if (pread(fd, bytes, s->len, (off_t)s->offset) != s->len ||
		    memcmp(bytes, s->bytes, s->len) != 0)
			return false;
	}
	return true;
}

/* Watches the file before the last look at it: from then on a change is told. */
static int attach_watched(struct libraries *t, struct library *lib, int fd)
{
	lib->watch = t->changes < 0 ? -1 : change_add(t->changes, fd);
	if (lib->watch < 0)
		err_note(ERR_VERBOSE, "note: whether %s is written into is not watched", lib->path);
	return is_still(fd, lib) ? attach(t, lib, fd) : -ESTALE;
}

/* Tries its sites, as often as a session has the time for. 0, negative errno. */
static int prove(struct libraries *t, struct library *lib, int fd, int root, const char *path, uint32_t pid)
{
	if (t->unproven >= UNPROVEN_MAX) {
		lib->verdict = TRIAL_UNPROVEN;
		lib->doubt = "too many trials came to nothing";
		return 0;
	}
	if (t->settings.symbols)
		return 0;
	int r = library_try(lib, fd, root, path, pid);
	t->unproven += r >= 0 && lib->verdict == TRIAL_UNPROVEN;
	return r;
}

/* A file that was not met before. *out stays NULL when it has none of our functions. */
static int add_new(struct libraries *t, int fd, int root, uint32_t pid, const char *path,
		   struct library **out)
{
	struct library found;
	int r = library_read(&found, fd);

	if (r == 0 && t->settings.symbols)
		r = read_symbols(&found, fd);
	if (r == -ENOMEM || r == -EIO)
		return r;
	if (r < 0)
		return 0;
	struct file_key key = {.dev = found.dev, .ino = found.ino, .pid = t->settings.narrow ? pid : 0};
	memcpy(key.build_id, found.build_id, sizeof(key.build_id));
	*out = map_get(t->files, &key);
	if (*out != NULL)
		return 0;
	if (map_count(t->files) >= LIBRARY_FILES_MAX)
		return -ENOSPC;
	autodrop(drop_library) struct library *lib = calloc(1, sizeof(*lib));
	if (lib == NULL)
		return -ENOMEM;
	r = prove(t, &found, fd, root, path, pid);
	if (r == 0)
		r = find_clean(t, &found, fd, path);
	if (r < 0)
		return r;
	*lib = found;
	lib->path = str_dup(str_of(path));
	if (lib->path == NULL)
		return -ENOMEM;
	lib->id = ++t->last_id;
	if (lib->verdict == TRIAL_UNPROVEN)
		lib->fd =
			fcntl(fd, F_DUPFD_CLOEXEC, 3) + 1; /* without it the symbols cannot be gone back to */
	lib->hooks.pid = key.pid;
	r = attach_watched(t, lib, fd);
	if (r == 0)
		r = map_add(t->files, &key, lib);
	if (r < 0)
		return r;
	*out = take(lib);
	return 0;
}

static int add_file(struct libraries *t, int fd, int root, uint32_t pid, const char *path,
		    struct library **out)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	struct seen_key key = seen_key(t, &st, pid);
	struct library *lib = map_get(t->seen, &key);
	if (lib == NULL) {
		int r = 0;

		if (glance_is_worth(fd, key.size, str_of(path)))
			r = add_new(t, fd, root, pid, path, &lib);
		if (r == -EUCLEAN)
			lib = (struct library *)&unclean;
		else if (r < 0)
			return r;
		r = map_add(t->seen, &key, lib ? lib : (struct library *)&nothing);
		/* A full memory only costs looking again. */
		if (r < 0 && r != -ENOSPC)
			return r;
	}
	*out = is_library(lib) ? lib : NULL;
	return lib == &unclean ? -EUCLEAN : 0;
}

static int stat_mapping(uint32_t pid, const struct procfs_mapping *m, struct stat *st)
{
	char path[PROCFS_MAP_FILE_BYTES];

	procfs_map_file(path, pid, m);
	return stat(path, st) == 0 ? 0 : -errno;
}

int library_add_mapping(struct libraries *t, uint32_t pid, const struct procfs_mapping *m,
			const struct library **out)
{
	char path[PROCFS_PATH_MAX];
	struct library *lib = NULL;
	struct stat st;

	*out = NULL;
	if (stat_mapping(pid, m, &st) == 0) {
		struct seen_key key = seen_key(t, &st, pid);

		/* Devices are mapped too, and opening one may do something. */
		if (!S_ISREG(st.st_mode) || st.st_size < GLANCE_BYTES_MIN)
			return 0;
		lib = map_get(t->seen, &key);
		if (lib != NULL) {
			*out = is_library(lib) ? lib : NULL;
			return lib == &unclean ? -EUCLEAN : 0;
		}
	} else if (!library_is_named(m->path)) {
		/* Without the right to look through map_files each look would open it anew. */
		return 0;
	}
	autodrop(drop_fd) int fd = library_open_mapping(pid, m);
	if (fd < 0)
		return fd;
	struct str name = str_head(m->path, sizeof(path) - 1);
	memcpy(path, name.p, name.n);
	path[name.n] = '\0';
	autodrop(drop_fd) int root = root_open(pid);
	int r = add_file(t, fd, root, pid, path, &lib);
	*out = lib;
	return r;
}

int library_add_path(struct libraries *t, int root, uint32_t pid, const char *path,
		     const struct library **out)
{
	char real[PROCFS_PATH_MAX];
	struct library *lib = NULL;

	*out = NULL;
	autodrop(drop_fd) int fd = root_open_file(root, path);
	if (fd < 0)
		return fd;
	if (root_real_path(root, fd, real, sizeof(real)) == 0)
		path = real;
	int r = add_file(t, fd, root, t->settings.narrow ? pid : 0, path, &lib);
	*out = lib;
	return r;
}

uint32_t library_last(const struct libraries *t)
{
	return t->last_id;
}

size_t library_hooks(const struct libraries *t, struct load_hooks **list, size_t max)
{
	void *value;
	size_t pos = 0, n = 0;

	while (n < max && map_next(t->files, &pos, NULL, &value))
		list[n++] = &((struct library *)value)->hooks;
	return n;
}

/* ---- files that change ---- */

int library_event_fd(const struct libraries *t)
{
	return t->changes < 0 ? -1 : t->changes;
}

static void forget(struct libraries *t, struct library *lib)
{
	const void *key;
	void *value;
	size_t pos = 0;

	while (map_next(t->seen, &pos, &key, &value))
		if (value == lib)
			(void)map_remove(t->seen, key);
	pos = 0;
	while (map_next(t->files, &pos, &key, &value))
		if (value == lib)
			(void)map_remove(t->files, key);
	change_remove(t->changes, lib->watch);
	entry_free(lib);
}

static struct library *find_watched(const struct libraries *t, int number)
{
	size_t pos = 0;
	void *value;

	while (map_next(t->files, &pos, NULL, &value))
		if (((struct library *)value)->watch == number)
			return value;
	return NULL;
}

void library_tick(struct libraries *t)
{
	struct library *lib;
	int number;

	/* Links to single processes: one watch, and an entry of the table for each of them. */
	while (t->changes >= 0 && change_next(t->changes, &number))
		while ((lib = find_watched(t, number)) != NULL) {
			err_note(ERR_NORMAL, "no probes on %s any more: it was written into", lib->path);
			forget(t, lib);
		}
}

/* ---- proof by witness ---- */

const struct library *library_find_unproven(const struct libraries *t, uint32_t set)
{
	const struct library *lib, *found = NULL;
	size_t pos = 0;

	if (set == 0 || (set & (set - 1)) != 0)
		return NULL;
	while ((lib = library_next(t, &pos)) != NULL) {
		if (set != 1u << (lib->id & 31))
			continue;
		/* Ids that far apart share a bit. */
		if (found || lib->verdict != TRIAL_UNPROVEN)
			return NULL;
		found = lib;
	}
	return found;
}

/* Calls that are in flight meanwhile are lost, and counted as abandoned. The new probes have a new id: their records
 * speak of other functions. */
static int move_to_symbols(struct libraries *t, struct library *lib)
{
	if (lib->fd <= 0)
		return -EBADF;
	int r = read_symbols(lib, lib->fd - 1);
	if (r < 0)
		return r;
	load_unhook_entries(&lib->hooks);
	load_unhook_returns(&lib->hooks);
	lib->id = ++t->last_id;
	return attach(t, lib, lib->fd - 1);
}

void library_settle(struct libraries *t, const struct library *which, bool agrees)
{
	struct library *lib = (struct library *)which; /* of this table */

	if (agrees) {
		lib->verdict = TRIAL_WITNESSED;
		lib->doubt = NULL;
		trial_keep_witness(lib->build_id, lib->sites, lib->site_count);
	} else {
		int r = move_to_symbols(t, lib);

		lib->verdict = TRIAL_FAILED;
		lib->doubt = "its process moved other bytes than its probes saw";
		if (r < 0)
			err_note(ERR_NORMAL, "no probes on %s any more: %s", lib->path, strerror(-r));
	}
	if (lib->fd > 0)
		close(lib->fd - 1);
	lib->fd = 0;
}
