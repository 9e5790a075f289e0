/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"

void tasks_fini(struct tasks *t)
{
	free(t->p);
	*t = (struct tasks){0};
}

static int by_parent(const void *a, const void *b)
{
	const struct state_task *x = a, *y = b;

	if (x->parent_pid != y->parent_pid)
		return x->parent_pid < y->parent_pid ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static int grow(struct tasks *t)
{
	size_t cap = t->cap ? t->cap * 2 : 512;

	if (cap > 4 * (size_t)LIMIT_PROCESSES)
		return -E2BIG;
	struct state_task *p = realloc(t->p, cap * sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	t->p = p;
	t->cap = cap;
	return 0;
}

int tasks_read(struct tasks *t, struct load *l)
{
	autodrop(drop_fd) int fd = load_open_tasks(l);
	size_t bytes = 0;

	if (fd < 0)
		return fd;
	t->n = 0;
	for (;;) {
		if (bytes + sizeof(*t->p) > t->cap * sizeof(*t->p)) {
			int r = grow(t);

			if (r < 0)
				return r;
		}
		ssize_t n = read(fd, (char *)t->p + bytes, t->cap * sizeof(*t->p) - bytes);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		bytes += (size_t)n;
	}
	t->n = bytes / sizeof(*t->p);
	if (t->n > 0)
		qsort(t->p, t->n, sizeof(*t->p), by_parent);
	return 0;
}

const struct state_task *tasks_find(const struct tasks *t, uint32_t pid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->p[i].pid == pid)
			return &t->p[i];
	return NULL;
}

/* Index of the first child of pid. */
static size_t first_child(const struct tasks *t, uint32_t pid)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->p[mid].parent_pid < pid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t tasks_descendants(const struct tasks *t, uint32_t pid, const struct state_task **out, size_t max)
{
	size_t n = 0;

	/* out is also the queue: what was appended is looked at in turn. A task has one parent, so none comes twice,
	 * unless a pid was reused while the list was read: `max` ends that. */
	for (size_t at = 0;; at++) {
		for (size_t i = first_child(t, pid); i < t->n && t->p[i].parent_pid == pid && n < max; i++)
			if (t->p[i].pid != pid)
				out[n++] = &t->p[i];
		if (at >= n)
			return n;
		pid = out[at]->pid;
	}
}
