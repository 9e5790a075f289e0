/* SPDX-License-Identifier: BSD-2-Clause */
#include "drain/ring.h"

#include <errno.h>
#include <sys/mman.h>

#define RING_BUSY_BIT	 (1u << 31)
#define RING_DISCARD_BIT (1u << 30)
#define RING_HEADER	 8u

void ring_init(struct ring *r, unsigned long *consumer, const unsigned long *producer, const void *data,
	       size_t size_bytes)
{
	*r = (struct ring){.consumer = consumer, .producer = producer, .data = data, .size = size_bytes};
}

int ring_open(struct ring *r, int fd, size_t size_bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (size_bytes < page || (size_bytes & (size_bytes - 1)) != 0 || size_bytes > SIZE_MAX / 4)
		return -EINVAL;
	void *consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	/* The kernel refuses a writable mapping of anything but page 0. */
	void *producer = mmap(NULL, page + 2 * size_bytes, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (producer == MAP_FAILED) {
		int saved = errno;

		munmap(consumer, page);
		return -saved;
	}
	ring_init(r, consumer, producer, (const uint8_t *)producer + page, size_bytes);
	r->page_size = page;
	return 0;
}

void ring_close(struct ring *r)
{
	if (r->page_size == 0)
		return;
	munmap(r->consumer, r->page_size);
	munmap((void *)(uintptr_t)r->producer, r->page_size + 2 * r->size);
	*r = (struct ring){0};
}

enum ring_state ring_get(struct ring *r, const void **slot, size_t *slot_bytes)
{
	for (;;) {
		unsigned long at = __atomic_load_n(r->consumer, __ATOMIC_RELAXED);
		unsigned long end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);

		if (at == end)
			return RING_EMPTY;
		const uint8_t *header = r->data + (at & (r->size - 1));
		uint32_t word = __atomic_load_n((const uint32_t *)header, __ATOMIC_ACQUIRE);
		if (word & RING_BUSY_BIT)
			return RING_BUSY;
		size_t bytes = word & ~(RING_BUSY_BIT | RING_DISCARD_BIT);
		r->current = (bytes + RING_HEADER + 7) & ~(size_t)7;
		if (r->current > end - at || r->current > r->size) {
			r->current = end - at;
			return RING_BROKEN;
		}
		if (!(word & RING_DISCARD_BIT)) {
			*slot = header + RING_HEADER;
			*slot_bytes = bytes;
			return RING_RECORD;
		}
		ring_remove(r);
	}
}

void ring_remove(struct ring *r)
{
	unsigned long at = __atomic_load_n(r->consumer, __ATOMIC_RELAXED);

	/* Release: the kernel may overwrite the slot as soon as it sees this. */
	__atomic_store_n(r->consumer, at + r->current, __ATOMIC_RELEASE);
	r->current = 0;
}

size_t ring_used_bytes(const struct ring *r)
{
	return __atomic_load_n(r->producer, __ATOMIC_ACQUIRE) -
	       __atomic_load_n(r->consumer, __ATOMIC_RELAXED);
}

bool ring_is_empty(const struct ring *r)
{
	return __atomic_load_n(r->consumer, __ATOMIC_RELAXED) ==
	       __atomic_load_n(r->producer, __ATOMIC_SEQ_CST);
}
