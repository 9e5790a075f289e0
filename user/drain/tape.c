/* SPDX-License-Identifier: BSD-2-Clause */
/* The tape: a head of 16 bytes, then records as they went into the pipeline (docs/tape.md). Never seeks. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "drain/drain.h"

#define TAPE_MAGIC \
	"\x89"     \
	"bottape"
#define TAPE_MAGIC_BYTES  8u
#define TAPE_ORDER	  0x01020304u
#define TAPE_BUFFER_BYTES (64u << 10)

struct tape_head {
	char magic[TAPE_MAGIC_BYTES];
	uint32_t version; /* WIRE_VERSION */
	uint32_t order;	  /* TAPE_ORDER in the byte order of everything that follows */
};
_Static_assert(sizeof(struct tape_head) == 16, "tape_head");

/* ---- writing ---- */

struct drain_tape {
	int fd;
	int err;
	size_t filled;
	uint8_t buffer[TAPE_BUFFER_BYTES];
};

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EAGAIN) {
			struct pollfd w = {.fd = fd, .events = POLLOUT};

			(void)poll(&w, 1, -1);
			continue;
		}
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

static void flush(struct drain_tape *t)
{
	if (t->err == 0)
		t->err = write_all(t->fd, t->buffer, t->filled);
	t->filled = 0;
}

static void append(struct drain_tape *t, const void *p, size_t n)
{
	if (n > sizeof(t->buffer) - t->filled)
		flush(t);
	memcpy(t->buffer + t->filled, p, n);
	t->filled += n;
}

struct drain_tape *drain_tape_new(int fd)
{
	struct tape_head h = {.magic = TAPE_MAGIC, .version = WIRE_VERSION, .order = TAPE_ORDER};
	struct drain_tape *t = malloc(sizeof(*t));

	if (t == NULL) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	t->fd = fd;
	t->err = 0;
	t->filled = 0;
	append(t, &h, sizeof(h));
	return t;
}

_Static_assert(WIRE_RECORD_MAX <= TAPE_BUFFER_BYTES, "a record fits into the empty buffer");

void drain_tape_feed(struct drain_tape *t, const struct wire_head *rec)
{
	append(t, rec, rec->size);
	/* A tick comes when traffic pauses: the moment to let others read what there is. */
	if (rec->kind == WIRE_TICK || rec->kind == WIRE_END)
		flush(t);
}

int drain_tape_close(struct drain_tape *t)
{
	if (t == NULL)
		return 0;
	flush(t);
	int r = t->err;
	if (close(t->fd) < 0 && r == 0)
		r = -errno;
	free(t);
	return r;
}

/* ---- reading ---- */

bool drain_is_tape(struct str head)
{
	return head.n >= TAPE_MAGIC_BYTES && memcmp(head.p, TAPE_MAGIC, TAPE_MAGIC_BYTES) == 0;
}

struct reader {
	int fd;
	struct str head;      /* not yet given */
	size_t filled, taken; /* of buffer; taken stays a multiple of 8 */
	_Alignas(8) uint8_t buffer[TAPE_BUFFER_BYTES + WIRE_RECORD_MAX];
};

static ssize_t read_some(struct reader *r, uint8_t *p, size_t n)
{
	if (r->head.n > 0) {
		n = r->head.n < n ? r->head.n : n;
		memcpy(p, r->head.p, n);
		r->head = str_skip(r->head, n);
		return (ssize_t)n;
	}
	for (;;) {
		ssize_t got = read(r->fd, p, n);

		if (got >= 0)
			return got;
		if (errno == EAGAIN) {
			struct pollfd w = {.fd = r->fd, .events = POLLIN};

			(void)poll(&w, 1, -1);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
}

/* Reads until n <= WIRE_RECORD_MAX bytes wait. 1: they do; 0: the tape ends before; or -errno. */
static int want(struct reader *r, size_t n)
{
	if (r->filled - r->taken < n && r->taken > 0) {
		memmove(r->buffer, r->buffer + r->taken, r->filled - r->taken);
		r->filled -= r->taken;
		r->taken = 0;
	}
	while (r->filled - r->taken < n) {
		ssize_t got = read_some(r, r->buffer + r->filled, sizeof(r->buffer) - r->filled);

		if (got <= 0)
			return (int)got;
		r->filled += (size_t)got;
	}
	return 1;
}

/* 1: the next record, whole and valid; 0: there is none; or -errno. */
static int next_record(struct reader *r, const struct wire_head **rec)
{
	int got = want(r, sizeof(**rec));

	if (got <= 0)
		return got;
	uint32_t size = ((const struct wire_head *)(r->buffer + r->taken))->size;
	if (size < sizeof(**rec) || size > WIRE_RECORD_MAX)
		return 0;
	got = want(r, size);
	if (got <= 0)
		return got;
	*rec = (const struct wire_head *)(r->buffer + r->taken);
	return drain_valid(*rec, size);
}

/* 1: records follow; 0: ends inside the head; or -errno. */
static int read_head(struct reader *r)
{
	struct tape_head h;
	int got = want(r, TAPE_MAGIC_BYTES);

	if (got < 0)
		return got;
	if (got == 0 || !drain_is_tape(str_make(r->buffer, TAPE_MAGIC_BYTES)))
		return -EBADMSG;
	got = want(r, sizeof(h));
	if (got <= 0)
		return got;
	memcpy(&h, r->buffer, sizeof(h));
	r->taken = sizeof(h);
	return h.version == WIRE_VERSION && h.order == TAPE_ORDER ? 1 : -EPROTO;
}

int drain_replay(struct str head, int fd, drain_record_fn *fn, void *ctx, enum drain_tape_end *end,
		 uint64_t *offset)
{
	autodrop(drop_memory) struct reader *r = calloc(1, sizeof(*r));
	const struct wire_head *rec;
	uint64_t at = 0;

	if (r == NULL)
		return -ENOMEM;
	r->fd = fd;
	r->head = head;
	int got = read_head(r);
	if (got < 0)
		return got;
	bool ended = false;
	if (got > 0) {
		at = sizeof(struct tape_head);
		while (!ended && (got = next_record(r, &rec)) > 0) {
			uint32_t size = rec->size;

			ended = rec->kind == WIRE_END;
			fn(ctx, rec);
			r->taken += size;
			at += size;
		}
		/* WIRE_END is the last word: whatever follows it was not written by us. */
		if (ended)
			got = want(r, 1);
	}
	if (got < 0)
		return got;
	*end = ended && got == 0 ? DRAIN_TAPE_WHOLE : DRAIN_TAPE_CUT;
	*offset = at;
	return 0;
}
