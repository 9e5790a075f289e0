/* SPDX-License-Identifier: BSD-2-Clause */
/* A ring of the kernel's layout in a memfd: a consumer page, a producer page, data mapped twice. */
#ifndef UNIT_DRAIN_FAKE_H
#define UNIT_DRAIN_FAKE_H

#include <sys/mman.h>
#include <unistd.h>

#include "drain/ring.h"

#define FAKE_BUSY    (1u << 31)
#define FAKE_DISCARD (1u << 30)

struct fake {
	int fd;
	size_t size;
	unsigned long *consumer, *producer;
	uint8_t *data;
};

static inline struct fake fake_new(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct fake f = {.fd = memfd_create("ring", 0), .size = size};

	assert_int_equal(ftruncate(f.fd, (off_t)(2 * page + size)), 0);
	f.consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, f.fd, 0);
	f.producer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, f.fd, (off_t)page);
	f.data = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(f.data, MAP_FAILED);
	for (int i = 0; i < 2; i++)
		assert_ptr_equal(mmap(f.data + (size_t)i * size, size, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_FIXED, f.fd, (off_t)(2 * page)),
				 f.data + (size_t)i * size);
	return f;
}

static inline void fake_free(struct fake *f)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	munmap(f->consumer, page);
	munmap(f->producer, page);
	munmap(f->data, 2 * f->size);
	close(f->fd);
}

/* bpf_ringbuf_reserve: the slot, marked as busy, or NULL when it does not fit. */
static inline uint8_t *fake_reserve(struct fake *f, uint32_t bytes)
{
	unsigned long at = *f->producer, taken = __atomic_load_n(f->consumer, __ATOMIC_ACQUIRE);
	size_t whole = (bytes + 8 + 7) & ~(size_t)7;

	if (at + whole - taken > f->size)
		return NULL;
	uint8_t *header = f->data + (at & (f->size - 1));
	__atomic_store_n((uint32_t *)header, bytes | FAKE_BUSY, __ATOMIC_RELAXED);
	__atomic_store_n(f->producer, at + whole, __ATOMIC_RELEASE);
	return header + 8;
}

static inline void fake_commit(uint8_t *slot, uint32_t flags)
{
	uint32_t *header = (uint32_t *)(slot - 8);

	__atomic_store_n(header, (*header & ~FAKE_BUSY) | flags, __ATOMIC_SEQ_CST);
}

/* One record in a slot that is `longer` bytes longer than it. */
static inline bool fake_write(struct fake *f, const void *rec, uint32_t size, uint32_t longer)
{
	uint8_t *slot = fake_reserve(f, size + longer);

	if (slot == NULL)
		return false;
	memcpy(slot, rec, size);
	fake_commit(slot, 0);
	return true;
}

static inline struct ring fake_ring(struct fake *f)
{
	struct ring r;

	ring_init(&r, f->consumer, f->producer, f->data, f->size);
	return r;
}

#endif
