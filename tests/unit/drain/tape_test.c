/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#include "drain/drain.h"
#include "record.h"

#define HEAD_BYTES 16

static int file_of(const void *p, size_t n)
{
	int fd = memfd_create("tape", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* Records as they come are appended to a buf; each must be valid. */
static void append(void *ctx, const struct wire_head *rec)
{
	assert_true(drain_valid(rec, rec->size));
	buf_add(ctx, str_make(rec, rec->size));
}

/* A tape of many records of many sizes; want: the records. */
static void make_tape(struct buf *tape, struct buf *want, unsigned records)
{
	int fd = memfd_create("tape", 0), again = dup(fd);
	struct drain_tape *t = drain_tape_new(fd);
	uint64_t random = 42;
	static char noise[WIRE_PIECE_MAX];

	assert_non_null(t);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)record_random(&random);
	for (unsigned i = 0; i < records; i++) {
		uint32_t n = 1 + (uint32_t)(record_random(&random) % (i % 16 ? 100 : WIRE_PIECE_MAX));
		struct wire_tls_data *d = record_data(i, WIRE_READ, i, noise, n, 0, n);

		drain_tape_feed(t, &d->head);
		buf_add(want, str_make(d, d->head.size));
		free(d);
	}
	struct wire_end *e = RECORD(wire_end, WIRE_END);
	drain_tape_feed(t, &e->head);
	buf_add(want, str_make(e, e->head.size));
	free(e);
	assert_int_equal(drain_tape_close(t), 0);
	off_t size = lseek(again, 0, SEEK_END);
	char *p = buf_reserve(tape, (size_t)size);
	assert_int_equal(pread(again, p, (size_t)size, 0), size);
	buf_commit(tape, (size_t)size);
	close(again);
	assert_int_equal(tape->n, HEAD_BYTES + want->n);
}

static void round_trip(void **state)
{
	struct buf tape, want, got;
	enum drain_tape_end end;
	uint64_t offset;

	(void)state;
	buf_init(&tape, SIZE_MAX);
	buf_init(&want, SIZE_MAX);
	buf_init(&got, SIZE_MAX);
	make_tape(&tape, &want, 500);
	assert_true(drain_is_tape(buf_str(&tape)));
	int fd = file_of(tape.p, tape.n);
	assert_int_equal(drain_replay(STR_NONE, fd, append, &got, &end, &offset), 0);
	close(fd);
	assert_int_equal(end, DRAIN_TAPE_WHOLE);
	assert_int_equal(offset, tape.n);
	assert_true(str_eq(buf_str(&got), buf_str(&want)));
	buf_fini(&tape);
	buf_fini(&want);
	buf_fini(&got);
}

/* Each prefix gives the records that are whole in it, and says where it ended. */
static void every_prefix(void **state)
{
	struct buf tape, want, got;
	enum drain_tape_end end;
	uint64_t offset;
	size_t whole = 0;

	(void)state;
	buf_init(&tape, SIZE_MAX);
	buf_init(&want, SIZE_MAX);
	buf_init(&got, SIZE_MAX);
	make_tape(&tape, &want, 20);
	for (size_t n = 0; n < tape.n; n++) {
		int fd = file_of(tape.p, n);
		int r;

		while (HEAD_BYTES + whole < n &&
		       HEAD_BYTES + whole + ((struct wire_head *)(want.p + whole))->size <= n)
			whole += ((struct wire_head *)(want.p + whole))->size;
		buf_clear(&got);
		r = drain_replay(STR_NONE, fd, append, &got, &end, &offset);
		close(fd);
		if (n < 8) {
			assert_int_equal(r, -EBADMSG);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(end, DRAIN_TAPE_CUT);
		assert_int_equal(offset, n < HEAD_BYTES ? 0 : HEAD_BYTES + whole);
		assert_true(str_eq(buf_str(&got), str_head(buf_str(&want), whole)));
	}
	buf_fini(&tape);
	buf_fini(&want);
	buf_fini(&got);
}

/* A flipped bit is met by refusing, cutting, or a record that is valid: never by a crash or a wild read. */
static void every_flip(void **state)
{
	struct buf tape, want, got;
	enum drain_tape_end end;
	uint64_t offset;

	(void)state;
	buf_init(&tape, SIZE_MAX);
	buf_init(&want, SIZE_MAX);
	buf_init(&got, SIZE_MAX);
	make_tape(&tape, &want, 6);
	/* The first record is large: of its noise, a part is enough. */
	for (size_t bit = 0; bit<tape.n * 8; bit += bit> 8000 && bit < (tape.n - 1200) * 8 ? 31 : 1) {
		tape.p[bit / 8] ^= (char)(1 << bit % 8);
		int fd = file_of(tape.p, tape.n);
		buf_clear(&got);
		int r = drain_replay(STR_NONE, fd, append, &got, &end, &offset);

		close(fd);
		tape.p[bit / 8] ^= (char)(1 << bit % 8);
		if (bit < 64)
			assert_int_equal(r, -EBADMSG);
		else if (bit < HEAD_BYTES * 8)
			assert_int_equal(r, -EPROTO);
		else
			assert_int_equal(r, 0);
	}
	buf_fini(&tape);
	buf_fini(&want);
	buf_fini(&got);
}

struct trickle {
	int fd;
	struct str bytes;
	size_t step;
};

static void *trickle(void *arg)
{
	struct trickle *t = arg;

	while (t->bytes.n > 0) {
		struct str part = str_head(t->bytes, t->step);
		ssize_t n = write(t->fd, part.p, part.n);

		assert_true(n > 0);
		t->bytes = str_skip(t->bytes, (size_t)n);
	}
	close(t->fd);
	return NULL;
}

/* From a pipe, in pieces of any size, also when the caller has read the beginning to see what it is. */
static void from_a_pipe(void **state)
{
	static const size_t steps[] = {1, 7, 16, 4096, 1 << 20};
	struct buf tape, want, got;
	enum drain_tape_end end;
	uint64_t offset;

	(void)state;
	buf_init(&tape, SIZE_MAX);
	buf_init(&want, SIZE_MAX);
	buf_init(&got, SIZE_MAX);
	make_tape(&tape, &want, 60);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		for (size_t head = 0; head < 40; head += 13) {
			int p[2];
			pthread_t thread;

			assert_int_equal(pipe(p), 0);
			struct trickle t = {
				.fd = p[1], .bytes = str_skip(buf_str(&tape), head), .step = steps[i]};
			if (i == 1)
				fcntl(p[0], F_SETFL, O_NONBLOCK);
			pthread_create(&thread, NULL, trickle, &t);
			buf_clear(&got);
			assert_int_equal(drain_replay(str_head(buf_str(&tape), head), p[0], append, &got,
						      &end, &offset),
					 0);
			pthread_join(thread, NULL);
			close(p[0]);
			assert_int_equal(end, DRAIN_TAPE_WHOLE);
			assert_int_equal(offset, tape.n);
			assert_true(str_eq(buf_str(&got), buf_str(&want)));
		}
	buf_fini(&tape);
	buf_fini(&want);
	buf_fini(&got);
}

static void foreign(void **state)
{
	enum drain_tape_end end = 77;
	uint64_t offset = 77;
	struct buf got, tape, want;
	char text[] = "{\"format\": \"bottrace\", \"version\": 1}";

	(void)state;
	buf_init(&got, SIZE_MAX);
	int fd = file_of(text, sizeof(text));
	assert_int_equal(drain_replay(STR_NONE, fd, append, &got, &end, &offset), -EBADMSG);
	close(fd);
	assert_false(drain_is_tape(str_make(text, sizeof(text))));
	assert_false(drain_is_tape(STR_NONE));
	fd = open("/", O_RDONLY);
	assert_int_equal(drain_replay(STR_NONE, fd, append, &got, &end, &offset), -EISDIR);
	close(fd);
	assert_int_equal(drain_replay(STR_NONE, -1, append, &got, &end, &offset), -EBADF);
	/* Outputs are untouched by failures. */
	assert_int_equal(end, 77);
	assert_int_equal(offset, 77);
	/* What follows the last record was not written by us. */
	buf_init(&tape, SIZE_MAX);
	buf_init(&want, SIZE_MAX);
	make_tape(&tape, &want, 1);
	size_t whole = tape.n;
	buf_add(&tape, STR("x"));
	fd = file_of(tape.p, tape.n);
	assert_int_equal(drain_replay(STR_NONE, fd, append, &got, &end, &offset), 0);
	close(fd);
	assert_int_equal(end, DRAIN_TAPE_CUT);
	assert_int_equal(offset, whole);
	buf_fini(&tape);
	buf_fini(&want);
	buf_fini(&got);
}

static void sizes_that_lie(void **state)
{
	static const uint32_t sizes[] = {
		0, 8, 24, 31, 33, 36, WIRE_RECORD_MAX, WIRE_RECORD_MAX + 8, UINT32_MAX - 7, UINT32_MAX};
	struct buf tape, want, got;
	enum drain_tape_end end;
	uint64_t offset;

	(void)state;
	buf_init(&tape, SIZE_MAX);
	buf_init(&want, SIZE_MAX);
	buf_init(&got, SIZE_MAX);
	make_tape(&tape, &want, 3);
	uint32_t first = ((struct wire_head *)(tape.p + HEAD_BYTES))->size;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memcpy(tape.p + HEAD_BYTES + first, &sizes[i], 4);
		int fd = file_of(tape.p, tape.n);
		buf_clear(&got);
		assert_int_equal(drain_replay(STR_NONE, fd, append, &got, &end, &offset), 0);
		close(fd);
		assert_int_equal(end, DRAIN_TAPE_CUT);
		assert_int_equal(offset, HEAD_BYTES + first);
		assert_int_equal(got.n, first);
	}
	buf_fini(&tape);
	buf_fini(&want);
	buf_fini(&got);
}

static void writing_fails(void **state)
{
	struct drain_tape *t = drain_tape_new(open("/dev/full", O_WRONLY));
	struct wire_tick *tick = RECORD(wire_tick, WIRE_TICK);

	(void)state;
	for (int i = 0; i < 5000; i++)
		drain_tape_feed(t, &tick->head);
	free(tick);
	assert_int_equal(drain_tape_close(t), -ENOSPC);
	assert_int_equal(drain_tape_close(NULL), 0);
	harness_fail_alloc(1);
	t = drain_tape_new(open("/dev/null", O_WRONLY));
	harness_fail_alloc(0);
	assert_null(t);
	assert_int_equal(errno, ENOMEM);
}

/* A tick makes what was buffered visible to others. */
static void tick_flushes(void **state)
{
	int fd = memfd_create("tape", 0), again = dup(fd);
	struct drain_tape *t = drain_tape_new(fd);
	struct wire_target *x = RECORD(wire_target, WIRE_TARGET);
	struct wire_tick *tick = RECORD(wire_tick, WIRE_TICK);

	(void)state;
	drain_tape_feed(t, &x->head);
	assert_int_equal(lseek(again, 0, SEEK_END), 0);
	drain_tape_feed(t, &tick->head);
	assert_int_equal(lseek(again, 0, SEEK_END), HEAD_BYTES + 64);
	free(x);
	free(tick);
	assert_int_equal(drain_tape_close(t), 0);
	close(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),	 cmocka_unit_test(every_prefix),
		cmocka_unit_test(every_flip),	 cmocka_unit_test(from_a_pipe),
		cmocka_unit_test(foreign),	 cmocka_unit_test(sizes_that_lie),
		cmocka_unit_test(writing_fails), cmocka_unit_test(tick_flushes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
