/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "probe/code.h"
#include "probe/procfs.h"
#include "probe/root.h"
#include "state.h"

#define BREAKPOINT 0xcc /* x86's int3; no other machine has tables to choose sites by */
#define PAGE	   4096u
#define STATUS_MAX 8192u
#define TASKS_MAX  4096u
#define LOOKS_MAX  64u /* processes, where the kernel cannot tell who maps a file */

/* Whether a mapping that we make of the file gets a breakpoint there too: then it is a tracer's, such as ours, and
 * probes bear with each other. Only read, and through the kernel: the file may be cut meanwhile. */
static bool is_probed(int fd, uint64_t offset)
{
	uint64_t page = offset & ~(uint64_t)(PAGE - 1);
	uint8_t byte = 0;

	void *p = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, (off_t)page);
	if (p == MAP_FAILED)
		return false;
	struct iovec to = {.iov_base = &byte, .iov_len = 1};
	struct iovec from = {.iov_base = (char *)p + (offset - page), .iov_len = 1};
	ssize_t n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
	munmap(p, PAGE);
	return n == 1 && byte == BREAKPOINT;
}

/* A process to compare, or one of its threads, as text of /proc/PID/status says. */
static bool says_debugged(uint32_t pid, const char *name)
{
	autodrop(buf_fini) struct buf status;
	uint64_t tracer = 0;

	buf_init(&status, STATUS_MAX);
	return procfs_read(pid, name, &status) >= 0 &&
	       procfs_status_field(buf_str(&status), STR("TracerPid"), 10, &tracer) && tracer != 0;
}

/* Whether somebody stops it with ptrace: only he can serve a breakpoint that is not the kernel's. */
static bool is_debugged(uint32_t pid)
{
	char path[64];

	if (says_debugged(pid, "status"))
		return true;
	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	autodrop(drop_dir) DIR *tasks = opendir(path);
	if (tasks == NULL)
		return false;
	for (unsigned i = 0; i < TASKS_MAX; i++) {
		const struct dirent *e = readdir(tasks);

		if (e == NULL)
			return false;
		snprintf(path, sizeof(path), "task/%.20s/status", e->d_name);
		if (e->d_name[0] != '.' && says_debugged(pid, path))
			return true;
	}
	return true; /* not all were looked at */
}

/* NULL: the code is the file's, or a tracer's probe sits there: everybody's, or, where nobody debugs the process, one
 * for it alone. */
static const char *compare(uint32_t pid, int fd, int memory, uint64_t address, const struct site *s)
{
	uint8_t bytes[ELF_CODE_BYTES];
	size_t n = code_length(s->bytes, s->len);

	if (n == 0 || n > sizeof(bytes) || address > INT64_MAX ||
	    pread(memory, bytes, n, (off_t)address) != (ssize_t)n || memcmp(bytes, s->bytes, n) == 0)
		return NULL;
	if (bytes[0] != BREAKPOINT || memcmp(bytes + 1, s->bytes + 1, n - 1) != 0)
		return "its code was changed in memory";
	return is_probed(fd, s->offset) || !is_debugged(pid) ? NULL
							     : "a debugger's breakpoint is in its code";
}

static bool is_file(uint32_t pid, const struct procfs_mapping *m, const struct stat *file)
{
	char path[PROCFS_MAP_FILE_BYTES];
	struct stat st;

	procfs_map_file(path, pid, m);
	return stat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

static const char *compare_mapping(uint32_t pid, int fd, int memory, const struct procfs_mapping *m,
				   const struct site *sites, size_t count, const struct site **where)
{
	for (size_t i = 0; i < count; i++) {
		const struct site *s = &sites[i];

		if (s->offset < m->offset || s->offset - m->offset >= m->end - m->start)
			continue;
		const char *why = compare(pid, fd, memory, m->start + (s->offset - m->offset), s);
		if (why) {
			*where = s;
			return why;
		}
	}
	return NULL;
}

/* -EUCLEAN, or 0. */
static int check(uint32_t pid, int fd, const struct site *sites, size_t count, const char **why,
		 const struct site **where)
{
	autodrop(buf_fini) struct buf maps;
	struct procfs_mapping m;
	struct stat file;
	char path[32];

	buf_init(&maps, PROCFS_MAPS_MAX);
	snprintf(path, sizeof(path), "/proc/%u/mem", pid);
	if (fstat(fd, &file) != 0 || procfs_read(pid, "maps", &maps) < 0)
		return 0;
	autodrop(drop_fd) int memory = open(path, O_RDONLY | O_CLOEXEC);
	if (memory < 0)
		return 0;
	struct str rest = buf_str(&maps);
	while (procfs_next_mapping(&rest, &m)) {
		if (!m.executable || m.ino != file.st_ino || !is_file(pid, &m, &file))
			continue;
		*why = compare_mapping(pid, fd, memory, &m, sites, count, where);
		if (*why)
			return -EUCLEAN;
	}
	return 0;
}

static int check_mappers(int mappers, int fd, const struct site *sites, size_t count,
			 struct memory_trouble *out)
{
	struct state_mapper list[256];
	uint32_t last = 0;
	ssize_t n;

	while ((n = read(mappers, list, sizeof(list))) != 0) {
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return 0;
		for (size_t i = 0; i < (size_t)n / sizeof(list[0]); i++) {
			if (list[i].pid == last)
				continue;
			last = out->pid = list[i].pid;
			int r = check(last, fd, sites, count, &out->why, &out->where);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int memory_check_all(const struct memory_suspects *suspects, int fd, const struct site *sites, size_t count,
		     struct memory_trouble *out)
{
	struct stat file;
	size_t pos = 0;
	int r = 0;

	*out = (struct memory_trouble){0};
	if (fstat(fd, &file) != 0)
		return 0;
	autodrop(drop_fd) int mappers = load_open_mappers(suspects->load, file.st_ino);
	if (mappers >= 0)
		return check_mappers(mappers, fd, sites, count, out);
	for (unsigned i = 0; i < LOOKS_MAX && r == 0 && suspects->next_pid; i++) {
		if (!suspects->next_pid(suspects->pid_ctx, &pos, &out->pid))
			break;
		r = check(out->pid, fd, sites, count, &out->why, &out->where);
	}
	return r;
}
