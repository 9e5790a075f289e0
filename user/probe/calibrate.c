/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

#include "probe/emit.h"
#include "probe/self.h"
#include "state.h"

#define BUFFER_BYTES 200 /* of each call: a chunk of a streamed answer */
#define BATCHES	     6	 /* the best one counts: others were interrupted */
#define CALLS	     40	 /* of a batch; one is 1-20 us */

/* The best batch's ns for one call, times 16: what an untraced call takes is below 1 ns at times. */
static uint64_t measure(self_fn *fn, void *ssl, int calls)
{
	static const char text[BUFFER_BYTES];
	uint64_t best = UINT64_MAX;

	for (int batch = 0; batch < BATCHES; batch++) {
		uint64_t before = emit_now_ns();

		for (int i = 0; i < calls; i++)
			(void)fn(ssl, text, BUFFER_BYTES);
		uint64_t took = emit_now_ns() - before;
		if (took < best)
			best = took;
	}
	return best * 16 / (unsigned)calls;
}

static uint32_t cost(uint64_t with, uint64_t without)
{
	uint64_t ns = (with > without ? with - without : 0) / 16;

	return ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

static int ignore(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
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

int calibrate_run(const struct self *s, uint64_t start_ns, struct site_costs *costs)
{
	struct state_target target = {.start_ns = start_ns, .flags = STATE_CALIBRATE};
	uint32_t self = (uint32_t)getpid();
	uint64_t base, data[2], plain[2];

	/* The record's place in the ring is given back, but only a reader moves on: read between batches. */
	struct ring_buffer *ring = ring_buffer__new(load_table_fd(s->load, LOAD_RING), ignore, NULL, NULL);
	if (ring == NULL)
		return -errno;
	/* Not traced yet: a probe on the function is paid for, so the twin without one is asked. */
	base = measure(self_bare, NULL, 1000);
	if (bpf_map_update_elem(load_table_fd(s->load, LOAD_TARGETS), &self, &target, BPF_ANY) != 0) {
		int r = -errno;

		ring_buffer__free(ring);
		return r;
	}
	for (unsigned emulated = 0; emulated < 2; emulated++) {
		data[emulated] = measure(self_data(emulated), &target, CALLS);
		(void)ring_buffer__consume(ring);
		plain[emulated] = measure(self_plain(emulated), &target, CALLS);
		(void)ring_buffer__consume(ring);
	}
	forget(s->load, self);
	ring_buffer__free(ring);
	costs->base_ns = (uint32_t)((base + 8) / 16);
	for (unsigned emulated = 0; emulated < 2; emulated++) {
		costs->data_ns[emulated] = cost(data[emulated], base);
		costs->plain_ns[emulated] = cost(plain[emulated], base);
	}
	return 0;
}
