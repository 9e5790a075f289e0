/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/self.h"
#include "state.h"

#define BUFFER_BYTES 200	/* of each call: a chunk of a streamed answer */
#define LEFT_BYTES   (1u << 20) /* more than all records of all batches */
#define BATCHES	     8		/* the best one counts: others were interrupted */
#define CALLS	     8 /* of a batch: one is 1-20 us, and nobody is attached to before all are done */
#define LARGE_BYTES  4096
#define LARGE_CALLS  8 /* of a batch */
/* Memory copies no faster than this, and where the ring had no room for the calls the difference says nothing. */
#define BYTE_PS_MIN 20

static int ignore(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

/*
 * A record's place in the ring is given back, but only a reader moves on. What some hundred calls leave behind, the drain skips;
 * a ring that they would fill has a reader here, which is not free: mapping 32 MB takes 3 ms. NULL: none is needed.
 */
static int open_reader(int fd, struct ring_buffer **out)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	*out = NULL;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.max_entries >= LEFT_BYTES)
		return 0;
	*out = ring_buffer__new(fd, ignore, NULL, NULL);
	return *out ? 0 : -errno;
}

static void skip(struct ring_buffer *ring)
{
	if (ring)
		(void)ring_buffer__consume(ring);
}

/* The best batch's ns for one call that moves `bytes`, times 16: what an untraced call takes is below 1 ns at times. */
static uint64_t measure(struct ring_buffer *ring, self_fn *fn, void *ssl, int calls, int bytes)
{
	static const char text[LARGE_BYTES];
	uint64_t best = UINT64_MAX;

	for (int batch = 0; batch < BATCHES; batch++) {
		uint64_t before = clock_now_ns();

		for (int i = 0; i < calls; i++)
			(void)fn(ssl, text, bytes);
		uint64_t took = clock_now_ns() - before;
		if (took < best)
			best = took;
		skip(ring);
	}
	return best * 16 / (unsigned)calls;
}

static uint32_t cost(uint64_t with, uint64_t without)
{
	uint64_t ns = (with > without ? with - without : 0) / 16;

	return ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

/* Connections that the calls made. Ours is the only process that is traced yet. */
static void forget(const struct load *l, uint32_t self)
{
	int fd = load_table_fd(l, LOAD_CONNS);
	struct state_conn_key key;

	for (unsigned i = 0; i < 64 && bpf_map_get_next_key(fd, NULL, &key) == 0; i++)
		(void)bpf_map_delete_elem(fd, &key);
	(void)bpf_map_delete_elem(load_table_fd(l, LOAD_TARGETS), &self);
}

/* What less than a whole call costs, and more. data[]: measured before, of a call of BUFFER_BYTES. */
static void measure_apart(struct ring_buffer *ring, void *ssl, uint64_t base, const uint64_t data[2],
			  struct site_costs *costs)
{
	uint64_t empty[2];

	for (unsigned emulated = 0; emulated < 2; emulated++) {
		empty[emulated] = measure(ring, self_data(emulated), ssl, CALLS, 0);
		costs->empty_ns[emulated] = cost(empty[emulated], base);
	}
	/* At an emulated site, where the least is added that has nothing to do with it. */
	uint64_t large = measure(ring, self_data(1), ssl, LARGE_CALLS, LARGE_BYTES);
	uint64_t byte_ps = (uint64_t)cost(large, data[1]) * 1000 / (LARGE_BYTES - BUFFER_BYTES);

	costs->byte_ps = byte_ps < BYTE_PS_MIN ? BYTE_PS_MIN : (uint32_t)byte_ps;
	uint32_t whole = cost(data[1], empty[1]), copy = costs->byte_ps * BUFFER_BYTES / 1000;
	costs->record_ns = whole > copy ? whole - copy : 0;
}

/* A process that is not traced, with the probes in its way. */
static void measure_stranger(struct ring_buffer *ring, uint64_t base, struct site_costs *costs)
{
	for (unsigned emulated = 0; emulated < 2; emulated++)
		costs->stranger_ns[emulated] =
			cost(measure(ring, self_data(emulated), NULL, CALLS, BUFFER_BYTES), base);
}

int calibrate_run(const struct self *s, uint64_t start_ns, bool apart, struct site_costs *costs)
{
	struct state_target target = {.start_ns = start_ns, .flags = STATE_CALIBRATE};
	uint32_t self = (uint32_t)getpid();
	uint64_t base, data[2], plain[2];

	struct ring_buffer *ring;
	int r = open_reader(load_table_fd(s->load, LOAD_RING), &ring);
	if (r < 0)
		return r;
	/* Not traced yet: a probe on the function is paid for, so the twin without one is asked. */
	base = measure(ring, self_bare, NULL, 1000, BUFFER_BYTES);
	if (apart)
		measure_stranger(ring, base, costs);
	if (bpf_map_update_elem(load_table_fd(s->load, LOAD_TARGETS), &self, &target, BPF_ANY) != 0) {
		r = -errno;
		ring_buffer__free(ring);
		return r;
	}
	for (unsigned emulated = 0; emulated < 2; emulated++) {
		data[emulated] = measure(ring, self_data(emulated), &target, CALLS, BUFFER_BYTES);
		plain[emulated] = measure(ring, self_plain(emulated), &target, CALLS, BUFFER_BYTES);
	}
	if (apart)
		measure_apart(ring, &target, base, data, costs);
	forget(s->load, self);
	ring_buffer__free(ring);
	costs->base_ns = (uint32_t)((base + 8) / 16);
	for (unsigned emulated = 0; emulated < 2; emulated++) {
		costs->data_ns[emulated] = cost(data[emulated], base);
		costs->plain_ns[emulated] = cost(plain[emulated], base);
	}
	return 0;
}

uint32_t calibrate_syscall(void)
{
	enum { ROUNDS = 20, EACH = 500 };
	uint64_t least = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t begin = clock_now_ns();

		for (int i = 0; i < EACH; i++)
			(void)syscall(SYS_getppid);
		uint64_t took = clock_now_ns() - begin;
		if (took < least)
			least = took;
	}
	return (uint32_t)(least / EACH);
}
