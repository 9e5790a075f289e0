/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "probe/glance.h"
#include "image.h"

#define LARGE (1u << 20)

static int file_of(struct str s)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, s.p, s.n), (ssize_t)s.n);
	return fd;
}

/* A library of the given exports behind some others, in a table of so many buckets. */
static struct str make(struct image_maker *m, const char *const *exports, unsigned buckets)
{
	static const uint8_t code[] = {0xc3};
	static const char *const others[] = {"a", "SSL_new", "SSL_reads", "zz", "SSL_writ"};

	image_init(m);
	m->buckets = buckets;
	image_symbol(m, "SSL_read", 0, 0); /* imported */
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		image_function(m, others[i], code, sizeof(code));
	for (; exports && *exports; exports++)
		image_function(m, *exports, code, sizeof(code));
	return image_finish(m);
}

static bool is_worth(struct str file, const char *path, uint64_t size)
{
	int fd = file_of(file);
	bool worth = glance_is_worth(fd, size, str_of(path));

	close(fd);
	return worth;
}

static void exports_are_seen(void **state)
{
	static const char *const sets[][2] = {
		{"SSL_read"}, {"SSL_write"}, {"SSL_read_ex"}, {"SSL_write_ex"}, {NULL}};
	struct image_maker m;

	(void)state;
	for (unsigned buckets = 1; buckets < 8; buckets++)
		for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
			struct str file = make(&m, sets[i], buckets);

			assert_int_equal(is_worth(file, "/usr/lib/libx.so.1", LARGE), sets[i][0] != NULL);
			/* Whatever it exports: nothing so small is a TLS library. */
			assert_false(is_worth(file, "/usr/lib/libx.so.1", GLANCE_BYTES_MIN - 1));
			image_fini(&m);
		}
}

static void names_are_known(void **state)
{
	struct image_maker m;
	struct str file = make(&m, NULL, 1);

	(void)state;
	assert_true(is_worth(file, "/x/libssl-1b2c.so", LARGE));
	assert_true(is_worth(file, "/x/_rust.abi3.so", LARGE));
	assert_true(is_worth(file, "libpython3.11.so.1.0", LARGE));
	assert_false(is_worth(file, "/ssl/python/libm.so.6", LARGE)); /* directories do not count */
	assert_false(is_worth(file, "", LARGE));
	assert_false(is_worth(STR("#! /bin/sh\n"), "/x/libssl.so", LARGE)); /* no ELF */
	assert_non_null(glance_find_suspect(STR("/x/cygrpc.cpython-311.so")));
	assert_null(glance_find_suspect(STR("/cygrpc/libc.so.6")));
	assert_null(glance_find_suspect(STR_NONE));
	image_fini(&m);
}

static void programs_are_worth_it(void **state)
{
	struct image_maker m;

	(void)state;
	image_init(&m);
	m.program = true;
	assert_true(is_worth(image_finish(&m), "/usr/bin/agent", LARGE));
	image_fini(&m);
}

static void a_real_library(void **state)
{
	static const char *const places[] = {"/usr/lib/x86_64-linux-gnu/libssl.so.3",
					     "/usr/lib/aarch64-linux-gnu/libssl.so.3",
					     "/usr/lib64/libssl.so.3"};
	bool any = false;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd = open(places[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		/* By its table alone: the name says nothing. */
		assert_true(glance_is_worth(fd, LARGE, STR("libx.so")));
		close(fd);
		any = true;
	}
	if (!any)
		skip();
}

/* Every byte turned, every length: it answers, whatever. */
static void any_byte(void **state)
{
	static const char *const set[] = {"SSL_read", NULL};
	struct image_maker m;
	struct str file = make(&m, set, 3);
	int fd = file_of(file);

	(void)state;
	for (size_t at = 0; at < file.n; at++) {
		static const unsigned char to[] = {0xff, 0x00, 0x80, 0x01};

		for (size_t i = 0; i < sizeof(to); i++) {
			assert_int_equal(pwrite(fd, &to[i], 1, (off_t)at), 1);
			(void)glance_is_worth(fd, LARGE, STR("x"));
		}
		assert_int_equal(pwrite(fd, file.p + at, 1, (off_t)at), 1);
	}
	assert_true(glance_is_worth(fd, LARGE, STR("x")));
	for (size_t n = file.n; n > 0; n--) {
		assert_int_equal(ftruncate(fd, (off_t)n), 0);
		(void)glance_is_worth(fd, LARGE, STR("x"));
	}
	close(fd);
	image_fini(&m);
}

/* A chain that never ends: it is not followed for long. The file is all of one kind of word, gigabytes of it. */
static void endless_chain(void **state)
{
	struct image_maker m;
	struct str file = make(&m, NULL, 1);
	int fd = file_of(file);
	struct timespec before, after;
	Elf64_Phdr load;

	(void)state;
	/* Segment and file so large that every index has its place; no word there is odd, which would end the chain. */
	memcpy(&load, file.p + sizeof(Elf64_Ehdr), sizeof(load));
	load.p_filesz = load.p_memsz = 1ull << 40;
	assert_int_equal(pwrite(fd, &load, sizeof(load), sizeof(Elf64_Ehdr)), (ssize_t)sizeof(load));
	assert_int_equal(ftruncate(fd, 1ll << 40), 0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	for (int i = 0; i < 1000; i++)
		(void)glance_is_worth(fd, LARGE, STR("x"));
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 10);
	close(fd);
	image_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exports_are_seen),
		cmocka_unit_test(names_are_known),
		cmocka_unit_test(programs_are_worth_it),
		cmocka_unit_test(a_real_library),
		cmocka_unit_test(any_byte),
		cmocka_unit_test(endless_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
