/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "base/money.h"

#define DEPTH_MAX 4096u /* spans above one */

struct slot {
	struct store_entry e;
	uint32_t room; /* bytes of the file that are its own */
};

struct store {
	int fd;
	uint64_t end; /* of the file: where the next line goes */
	uint64_t lost;
	struct slot *slots;
	size_t count, cap;
	struct map *ids; /* span id -> index in slots + 1 */
	bool sorted;
	bool rooted; /* spans may be in another trace than their ancestors */
};

/* ---- the file ---- */

static int open_in(const char *dir)
{
	char path[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == EACCES || errno == EROFS || errno == ENOTDIR)
		return -1;
	/* Some file systems have no O_TMPFILE (EOPNOTSUPP, EISDIR). */
	int n = snprintf(path, sizeof(path), "%s/bottrace-spool-XXXXXX", dir);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

static int open_spool(const char *dir)
{
	const char *places[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
	int fd;

	if (dir != NULL)
		return open_in(dir);
	errno = ENOENT;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i] == NULL || places[i][0] == '\0')
			continue;
		fd = open_in(places[i]);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static int write_at(int fd, struct str s, uint64_t offset)
{
	while (s.n > 0) {
		ssize_t n = pwrite(fd, s.p, s.n, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EDQUOT || errno == EFBIG ? -ENOSPC : -errno;
		if (n == 0)
			return -ENOSPC;
		s = str_skip(s, (size_t)n);
		offset += (uint64_t)n;
	}
	return 0;
}

static int read_at(int fd, char *p, size_t size, uint64_t offset)
{
	while (size > 0) {
		ssize_t n = pread(fd, p, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		p += n;
		size -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* ---- life ---- */

struct store *store_new(const char *dir)
{
	autodrop(drop_store) struct store *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	s->fd = -1;
	s->ids = map_new(sizeof(uint64_t), SIZE_MAX / 64);
	if (s->ids == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	s->fd = open_spool(dir);
	return s->fd < 0 ? NULL : take(s);
}

void store_free(struct store *s)
{
	if (s == NULL)
		return;
	int saved = errno;
	if (s->fd >= 0)
		close(s->fd);
	map_free(s->ids);
	free(s->slots);
	free(s);
	errno = saved;
}

uint64_t store_lost(const struct store *s)
{
	return s->lost;
}

/* ---- adding ---- */

static struct slot *find_slot(const struct store *s, uint64_t id)
{
	uintptr_t at = (uintptr_t)map_get(s->ids, &id);

	return at ? &s->slots[at - 1] : NULL;
}

/* A slot for a new span; not counted until its line is on disk. */
static struct slot *new_slot(struct store *s)
{
	if (s->count == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		struct slot *slots = cap > UINT32_MAX ? NULL : realloc(s->slots, cap * sizeof(*slots));

		if (slots == NULL)
			return NULL;
		s->slots = slots;
		s->cap = cap;
	}
	memset(&s->slots[s->count], 0, sizeof(s->slots[0]));
	return &s->slots[s->count];
}

/* Writes the line where the old one stood when it fits there, else at the end. */
static int place(struct store *s, struct slot *slot, struct str line)
{
	bool fits = slot->room >= line.n && line.n > 0;
	uint64_t offset = fits ? slot->e.offset : s->end;
	int r;

	if (line.n > UINT32_MAX)
		return -EMSGSIZE;
	r = write_at(s->fd, line, offset);
	if (r < 0)
		return r;
	slot->e.offset = offset;
	slot->e.size = (uint32_t)line.n;
	if (!fits) {
		slot->room = slot->e.size;
		s->end += line.n;
	}
	return 0;
}

static struct store_facts read_facts(const struct trace_span *span)
{
	struct store_facts f = {
		.kind = span->kind,
		.end_ns = span->end_ns,
		.input = -1,
		.output = -1,
		.cost_pusd = -1,
		.gaps = span->gap_count,
		.status = span->status,
		.linked = span->link.how != NULL,
		.certain = span->link.certain,
		.bounded = span->bounded,
	};

	for (uint32_t i = 0; i < span->attribute_count; i++) {
		const struct trace_attribute *a = &span->attributes[i];

		if (a->type == TRACE_I64 && str_eq(a->key, STR("gen_ai.usage.input_tokens")))
			f.input = a->i64;
		if (a->type == TRACE_I64 && str_eq(a->key, STR("gen_ai.usage.output_tokens")))
			f.output = a->i64;
		if (a->type == TRACE_I64 && str_eq(a->key, STR("http.response.status_code")))
			f.http_status = a->i64;
		if (a->type == TRACE_STR && str_eq(a->key, STR("bottrace.cost_usd")) &&
		    !money_parse(a->text, &f.cost_pusd))
			f.cost_pusd = -1;
		/* A list of attributes' names, in our own words. */
		if (a->type == TRACE_JSON && str_eq(a->key, STR("bottrace.estimated")))
			f.cost_estimated = str_has(a->text, STR("\"bottrace.cost_usd\""));
		if (a->type == TRACE_STR && str_eq(a->key, STR("bottrace.hop_of")))
			f.hop = a->text.p != NULL;
	}
	for (uint32_t i = 0; i < span->gap_count; i++)
		f.gap_bytes += span->gaps[i].bytes;
	return f;
}

static int add(struct store *s, const struct trace_span *span, struct str line)
{
	struct slot *slot = find_slot(s, span->id);
	bool known = slot != NULL;
	int r;

	if (!known)
		slot = new_slot(s);
	if (slot == NULL)
		return -ENOMEM;
	r = place(s, slot, line);
	if (r < 0)
		return r;
	slot->e.id = span->id;
	slot->e.parent = span->parent;
	slot->e.start_ns = span->start_ns;
	slot->e.trace = span->trace;
	slot->e.seq = span->seq;
	slot->e.facts = read_facts(span);
	if (known)
		return 0;
	r = map_add(s->ids, &span->id, (void *)(uintptr_t)(s->count + 1));
	if (r == 0)
		s->count++;
	return r;
}

int store_add(struct store *s, const struct trace_span *span, struct str line)
{
	int r = s->sorted ? -EBADF : add(s, span, line);

	if (r < 0)
		s->lost++;
	return r;
}

/* ---- changing ---- */

int store_get(const struct store *s, uint64_t id, struct store_entry *entry, struct buf *line)
{
	const struct slot *slot = s->sorted ? NULL : find_slot(s, id);

	buf_clear(line);
	if (slot == NULL)
		return 0;
	*entry = slot->e;
	int r = store_read(s, entry, 0, entry->size, line);
	return r < 0 ? r : 1;
}

int store_replace(struct store *s, uint64_t id, struct str line)
{
	struct slot *slot = s->sorted ? NULL : find_slot(s, id);

	return slot ? place(s, slot, line) : -ENOENT;
}

int store_move(struct store *s, uint64_t id, uint64_t parent, bool certain, struct str line)
{
	int r = store_replace(s, id, line);
	struct slot *slot = r < 0 ? NULL : find_slot(s, id);

	if (slot != NULL) {
		slot->e.parent = parent;
		slot->e.facts.linked = parent != 0;
		slot->e.facts.certain = certain;
	}
	return r;
}

void store_root(struct store *s, uint64_t id, uint32_t trace)
{
	struct slot *slot = s->sorted ? NULL : find_slot(s, id);

	if (slot == NULL)
		return;
	slot->e.trace = trace;
	s->rooted = true;
}

void store_remove(struct store *s, uint64_t id)
{
	struct slot *slot = s->sorted ? NULL : find_slot(s, id);

	if (slot == NULL)
		return;
	/* A file system that cannot do it keeps the bytes until the file goes. */
	(void)!fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)slot->e.offset,
			 slot->room);
	(void)map_remove(s->ids, &id);
	struct slot *last = &s->slots[--s->count];
	if (slot == last)
		return;
	*slot = *last;
	/* Its key is there: nothing is allocated. */
	if (map_add(s->ids, &slot->e.id, (void *)(uintptr_t)(slot - s->slots + 1)) < 0)
		s->lost++;
}

/* ---- reading ---- */

/* What is known only by what it holds begins with the first of that, and stands before it. */
static bool holds_others(const struct store_entry *e)
{
	const char *kind = e->facts.kind;

	return e->facts.bounded && kind &&
	       (strcmp(kind, "invoke_agent") == 0 || strcmp(kind, "invoke_workflow") == 0);
}

static int compare_slots(const void *va, const void *vb)
{
	const struct store_entry *a = &((const struct slot *)va)->e, *b = &((const struct slot *)vb)->e;

	if (a->trace != b->trace)
		return a->trace < b->trace ? -1 : 1;
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	if (holds_others(a) != holds_others(b))
		return holds_others(a) ? -1 : 1;
	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

/* The trace of the outermost span above it. */
static uint32_t trace_above(const struct store *s, const struct slot *slot)
{
	const struct slot *up = slot;

	for (uint32_t n = 0; up != NULL && n < DEPTH_MAX; n++) {
		slot = up;
		up = slot->e.parent ? find_slot(s, slot->e.parent) : NULL;
	}
	return slot->e.trace;
}

int store_finish(struct store *s)
{
	if (s->sorted)
		return 0;
	for (size_t i = 0; s->rooted && i < s->count; i++)
		s->slots[i].e.trace = trace_above(s, &s->slots[i]);
	if (s->count > 1)
		qsort(s->slots, s->count, sizeof(s->slots[0]), compare_slots);
	for (size_t i = 0; i < s->count; i++)
		s->slots[i].e.n =
			i > 0 && s->slots[i - 1].e.trace == s->slots[i].e.trace ? s->slots[i - 1].e.n + 1 : 1;
	s->sorted = true;
	return 0;
}

/* The first slot of a trace or of one behind it. */
static size_t first_of_trace(const struct store *s, uint64_t trace)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->slots[mid].e.trace < trace)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t store_count(const struct store *s, uint32_t trace)
{
	return first_of_trace(s, trace + 1ull) - first_of_trace(s, trace);
}

int store_next(const struct store *s, uint32_t trace, uint64_t *pos, struct store_entry *entry)
{
	size_t at = first_of_trace(s, trace) + *pos;

	if (!s->sorted)
		return -EBADF;
	if (at >= s->count || s->slots[at].e.trace != trace)
		return 0;
	*entry = s->slots[at].e;
	*pos += 1;
	return 1;
}

int store_read(const struct store *s, const struct store_entry *entry, uint32_t from, uint32_t most,
	       struct buf *out)
{
	uint32_t n = from < entry->size ? entry->size - from : 0;
	int r;

	n = n < most ? n : most;
	char *p = buf_reserve(out, n);
	if (p == NULL)
		return buf_err(out);
	r = read_at(s->fd, p, n, entry->offset + from);
	if (r == 0)
		buf_commit(out, n);
	return r;
}
