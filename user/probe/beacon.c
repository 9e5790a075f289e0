/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/beacon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "probe/procfs.h"
#include "probe/root.h"

#define FILE_MAX    8192u
#define FILES_MAX   1024u /* looked at in the directory */
#define SCHEMA	    "bottrace.v1.attacher"
#define LISTED_MAX  8 /* PIDs in a line for people */
#define ARENA_BYTES (256u << 10)

/* ---- our own ---- */

/* What others may write is not believed, and nothing is written where they may put things. */
static bool is_trusted(int fd, mode_t type)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type &&
	       (st.st_uid == 0 || st.st_uid == geteuid()) && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int open_dir(const char *dir)
{
	autodrop(drop_fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return is_trusted(fd, S_IFDIR) ? take_fd(&fd) : -EPERM;
}

static void file_name(char name[32], const char *form, uint32_t pid)
{
	snprintf(name, 32, form, pid);
}

static void format(struct buf *out, const struct beacon *b, uint32_t pid, uint64_t start_ticks)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_object(&w);
	jsonw_z(jsonw_key(&w, "schema"), SCHEMA);
	jsonw_u64(jsonw_key(&w, "pid"), pid);
	jsonw_u64(jsonw_key(&w, "start_ticks"), start_ticks);
	jsonw_z(jsonw_key(&w, "mode"), b->mode == WIRE_MODE_RUN ? "run" : "attach");
	jsonw_array(jsonw_key(&w, "targets"));
	for (uint32_t i = 0; i < b->target_count && i < BEACON_TARGETS_MAX; i++)
		jsonw_u64(&w, b->targets[i]);
	jsonw_array_end(&w);
	jsonw_u64(jsonw_key(&w, "processes"), b->processes);
	jsonw_u64(jsonw_key(&w, "sample"), b->sample_n);
	jsonw_u64(jsonw_key(&w, "budget_ppm"), b->budget_ppm);
	jsonw_u64(jsonw_key(&w, "level"), b->state.level);
	jsonw_u64(jsonw_key(&w, "cost_ns"), b->state.cost_ns);
	jsonw_u64(jsonw_key(&w, "budget_ns"), b->state.budget_ns);
	jsonw_u64(jsonw_key(&w, "window_ns"), b->state.window_ns);
	jsonw_object_end(&w);
	buf_add_char(out, '\n');
}

int beacon_write(const char *dir, const struct beacon *b)
{
	autodrop(buf_fini) struct buf text;
	uint32_t pid = (uint32_t)getpid();
	struct procfs_stat st;
	char name[32], fresh[32];

	if (mkdir(dir, 0755) == 0 && chmod(dir, 0755) != 0)
		return -errno;
	autodrop(drop_fd) int at = open_dir(dir);
	if (at < 0)
		return at;
	int r = procfs_stat(pid, &st);
	if (r < 0)
		return r;
	buf_init(&text, FILE_MAX);
	format(&text, b, pid, st.start_ticks);
	file_name(name, "%u", pid);
	file_name(fresh, ".%u", pid);
	(void)unlinkat(at, fresh, 0);
	autodrop(drop_fd) int fd =
		openat(at, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = buf_err(&text) ? buf_err(&text) : buf_write(&text, fd);
	if (r == 0 && (fchmod(fd, 0644) != 0 || renameat(at, fresh, at, name) != 0))
		r = -errno;
	if (r < 0)
		(void)unlinkat(at, fresh, 0);
	return r;
}

void beacon_remove(const char *dir)
{
	char name[32];

	autodrop(drop_fd) int at = open_dir(dir);
	if (at < 0)
		return;
	file_name(name, "%u", (uint32_t)getpid());
	(void)unlinkat(at, name, 0);
}

/* ---- others' ---- */

static uint64_t number(const struct json *j, const char *key)
{
	int64_t n = 0;

	return json_i64(json_get(j, key), &n) && n > 0 ? (uint64_t)n : 0;
}

/* The file as JSON, NULL: not one of ours, or of an attacher that lives no more. */
static const struct json *read_file(struct arena *a, int at, const char *name, uint64_t pid)
{
	autodrop(buf_fini) struct buf text;
	struct json_end end = {0};
	struct procfs_stat st;
	char *copy = NULL;

	buf_init(&text, FILE_MAX + 65536); /* buf_read wants room to find the end in */
	autodrop(drop_fd) int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || !is_trusted(fd, S_IFREG) || buf_read(&text, fd) < 0 || text.n > FILE_MAX)
		return NULL;
	copy = arena_alloc(a, text.n);
	if (copy == NULL)
		return NULL;
	memcpy(copy, text.p, text.n);
	const struct json *j = json_parse(a, str_make(copy, text.n), &end);
	if (j == NULL || end.state != JSON_WHOLE || !json_is(json_get(j, "schema"), SCHEMA) ||
	    number(j, "pid") != pid || pid > UINT32_MAX)
		return NULL;
	if (procfs_stat((uint32_t)pid, &st) < 0 || st.start_ticks != number(j, "start_ticks"))
		return NULL;
	return j;
}

typedef void beacon_fn(void *ctx, struct arena *a, int at, const char *name, const struct json *j);

/* Each file that is named like one; j is NULL where nobody lives behind it. */
static void for_each(const char *dir, beacon_fn *fn, void *ctx)
{
	int at = open_dir(dir);
	autodrop(drop_dir) DIR *d = at < 0 ? NULL : fdopendir(at);

	if (d == NULL) {
		drop_fd(&at);
		return;
	}
	for (unsigned i = 0; i < FILES_MAX; i++) {
		const struct dirent *e = readdir(d);
		uint64_t pid;

		if (e == NULL)
			return;
		bool fresh = e->d_name[0] == '.';
		if (!str_to_u64(str_of(e->d_name + fresh), &pid))
			continue;
		autodrop(drop_arena) struct arena *a = arena_new(ARENA_BYTES);
		if (a)
			fn(ctx, a, dirfd(d), e->d_name,
			   fresh ? NULL : read_file(a, dirfd(d), e->d_name, pid));
	}
}

/* One that is being written right now is not a dead one's. */
static void sweep_one(void *ctx, struct arena *a, int at, const char *name, const struct json *j)
{
	(void)ctx;
	(void)a;
	if (j == NULL && name[0] != '.')
		(void)unlinkat(at, name, 0);
}

void beacon_sweep(const char *dir)
{
	for_each(dir, sweep_one, NULL);
}

struct report {
	struct jsonw *w;
	struct checks *c;
};

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? (double)part * 100 / (double)whole : 0;
}

static void say(struct checks *c, const struct json *j)
{
	autodrop(buf_fini) struct buf text;
	uint64_t level = number(j, "level"), sample = number(j, "sample"), window = number(j, "window_ns");
	int64_t pid;
	int listed = 0;

	buf_init(&text, 4096);
	buf_addf(&text, "%llu traces", (unsigned long long)number(j, "pid"));
	for (const struct json *t = json_first(json_get(j, "targets")); t && listed < LISTED_MAX;
	     t = json_next(t), listed++)
		if (json_i64(t, &pid))
			buf_addf(&text, "%s %lld", listed ? "," : "", (long long)pid);
	buf_addf(&text, " (processes: %llu)", (unsigned long long)number(j, "processes"));
	if (sample > 1)
		buf_addf(&text, "; sampled 1/%llu", (unsigned long long)sample);
	if (number(j, "budget_ppm") == 0)
		buf_add(&text, STR("; no budget"));
	else
		buf_addf(&text, "; probes take %.4f %% of a core, may take %.4f %%; left out: %s",
			 percent(number(j, "cost_ns"), window), percent(number(j, "budget_ns"), window),
			 wire_shed_word((uint32_t)level));
	check_add(c, "attacher", level > WIRE_SHED_STACKS ? "note" : "ok",
		  level > WIRE_SHED_STACKS ? "give it a larger --budget, or trace less" : NULL, "%s",
		  buf_z(&text));
}

static void report_one(void *ctx, struct arena *a, int at, const char *name, const struct json *j)
{
	struct report *r = ctx;

	(void)at;
	(void)name;
	if (j == NULL)
		return;
	jsonw_object(r->w);
	for (const struct json *m = json_first(j); m; m = json_next(m))
		if (!json_key_is(m, STR("schema")))
			jsonw_value(jsonw_key_str(r->w, json_key(a, m)), a, m);
	jsonw_z(jsonw_key(r->w, "left_out"), wire_shed_word((uint32_t)number(j, "level")));
	jsonw_object_end(r->w);
	say(r->c, j);
}

void beacon_report(const char *dir, struct jsonw *w, struct checks *c)
{
	struct report r = {.w = w, .c = c};

	jsonw_array(jsonw_key(w, "attachers"));
	for_each(dir, report_one, &r);
	jsonw_array_end(w);
}
