/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "probe/code.h"
#include "probe/elf.h"
#include "probe/library.h"
#include "probe/procfs.h"
#include "probe/root.h"

/* ---- ourselves: every address is known ---- */

/* Visible to elf_find by name; the volatile keeps it a function with code of its own. */
int elf_marker(int x);
__attribute__((noinline)) int elf_marker(int x)
{
	volatile int y = x * 3;

	return y + 1;
}

static void own_function(void **state)
{
	autodrop(drop_elf_file) struct elf_file *f = NULL;
	struct elf_symbol s[2] = {{.name = "elf_marker"}, {.name = "no_such_function_anywhere"}};
	struct procfs_mapping m;
	struct buf maps;
	uint64_t offset = 0;

	(void)state;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(elf_open(&f, fd), 0);
	assert_int_equal(elf_find(f, s, 2), 1);
	assert_true(s[0].found);
	assert_false(s[1].found);
	/* The offset is where the mapping says, and the bytes are those in memory. */
	buf_init(&maps, PROCFS_MAPS_MAX);
	assert_true(procfs_read((uint32_t)getpid(), "maps", &maps) >= 0);
	struct str rest = buf_str(&maps);
	while (procfs_next_mapping(&rest, &m))
		if (m.executable && (uintptr_t)elf_marker >= m.start && (uintptr_t)elf_marker < m.end)
			offset = (uintptr_t)elf_marker - m.start + m.offset;
	assert_int_equal(s[0].offset, offset);
	assert_int_equal(s[0].code_len, ELF_CODE_BYTES);
	assert_memory_equal(s[0].code, (void *)elf_marker, ELF_CODE_BYTES);
	buf_fini(&maps);
	close(fd);
}

static void own_needs(void **state)
{
	autodrop(drop_elf_file) struct elf_file *f = NULL;
	struct elf_needs needs;
	struct str name;
	bool libc = false;

	(void)state;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(elf_open(&f, fd), 0);
	assert_int_equal(elf_needs(f, &needs), 0);
	struct str rest = buf_str(&needs.needed);
	while (procfs_next_string(&rest, &name))
		libc |= str_starts(name, STR("libc.so"));
	assert_true(libc);
	elf_needs_fini(&needs);
	close(fd);
}

/* ---- what is no ELF of ours ---- */

static int file_of(const void *p, size_t n)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), (ssize_t)n);
	return fd;
}

static void refusals(void **state)
{
	char head[256] = "\177ELF\2\1\1";
	struct elf_file *f = NULL;

	(void)state;
	int fd = file_of("#!/bin/sh\n", 10);
	assert_int_equal(elf_open(&f, fd), -ENOEXEC);
	close(fd);
	fd = file_of("", 0);
	assert_int_equal(elf_open(&f, fd), -ENOEXEC);
	close(fd);
	head[4] = 1; /* ELFCLASS32 */
	fd = file_of(head, sizeof(head));
	assert_int_equal(elf_open(&f, fd), -ENOTSUP);
	close(fd);
	head[4] = 2;
	head[5] = 2; /* big endian */
	fd = file_of(head, sizeof(head));
	assert_int_equal(elf_open(&f, fd), -ENOTSUP);
	close(fd);
	head[5] = 1;
	head[18] = 0x7f; /* e_machine */
	fd = file_of(head, sizeof(head));
	assert_true(elf_open(&f, fd) < 0);
	close(fd);
	assert_null(f);
	fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(elf_open(&f, fd), -ENOEXEC);
	close(fd);
}

/* ---- a real libssl ---- */

static const char *const places[] = {
	"/usr/lib/x86_64-linux-gnu/libssl.so.3",
	"/usr/lib/aarch64-linux-gnu/libssl.so.3",
	"/usr/lib64/libssl.so.3",
	"/lib/x86_64-linux-gnu/libssl.so.1.1",
};

static bool read_libssl(struct buf *out)
{
	autodrop(drop_fd) int root = root_open(0);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		buf_init(out, 64 << 20);
		if (root_read(root, places[i], out) == 0 && out->n > 0)
			return true;
		buf_fini(out);
	}
	return false;
}

static void libssl_is_read(void **state)
{
	struct library lib, again;
	struct buf b;
	static const uint8_t none[ELF_BUILD_ID_BYTES];

	(void)state;
	if (!read_libssl(&b))
		skip();
	int fd = file_of(b.p, b.n);
	assert_int_equal(library_read(&lib, fd), 0);
	uint32_t covered = 0;
	assert_memory_not_equal(lib.build_id, none, sizeof(none));
	for (size_t i = 0; i < lib.site_count; i++) {
		covered |= lib.sites[i].covers;
		assert_true(lib.sites[i].offset < b.n);
		assert_memory_equal(lib.sites[i].bytes, b.p + lib.sites[i].offset, lib.sites[i].len);
	}
	assert_true(__builtin_popcount(covered) >= 7);
	/* The same again: nothing depends on what was read before. */
	assert_int_equal(library_read(&again, fd), 0);
	assert_int_equal(again.site_count, lib.site_count);
	for (size_t i = 0; i < lib.site_count; i++)
		assert_int_equal(again.sites[i].offset, lib.sites[i].offset);
	close(fd);
	buf_fini(&b);
}

static void check_site(const struct site *s, size_t size)
{
	assert_true(s->offset < size && s->len <= size - s->offset);
	assert_true(s->symbol || (s->emulated && code_is_emulated(s->bytes, s->len)));
	assert_true(s->emulated || s->why);
	assert_true(s->covers & 1u << s->fn);
}

/* Everything that can be asked of a file; whatever it says must lie inside it. */
static void ask(int fd, size_t size)
{
	autodrop(drop_elf_file) struct elf_file *f = NULL;
	struct elf_needs needs;
	struct library lib;

	if (library_read(&lib, fd) == 0)
		for (size_t i = 0; i < lib.site_count; i++)
			check_site(&lib.sites[i], size);
	if (elf_open(&f, fd) == 0 && elf_needs(f, &needs) == 0)
		elf_needs_fini(&needs);
}

static void cut_anywhere(void **state)
{
	struct buf b;

	(void)state;
	if (!read_libssl(&b))
		skip();
	int fd = file_of(b.p, b.n);
	for (int i = 0; i < 400; i++) {
		size_t n = b.n - (b.n / 400 + 1) * (size_t)i;

		if (n > b.n)
			break;
		assert_int_equal(ftruncate(fd, (off_t)n), 0);
		ask(fd, n);
	}
	for (size_t n = 1024; n > 0; n -= 8) {
		assert_int_equal(ftruncate(fd, (off_t)n), 0);
		ask(fd, n);
	}
	close(fd);
	buf_fini(&b);
}

static void flip(int fd, struct buf *b, size_t at, char to)
{
	if (at >= b->n)
		return;
	assert_int_equal(pwrite(fd, &to, 1, (off_t)at), 1);
	ask(fd, b->n);
	assert_int_equal(pwrite(fd, b->p + at, 1, (off_t)at), 1);
}

/* The ELF header, the program headers and the section headers in every byte, the tables at random. */
static void flipped_anywhere(void **state)
{
	uint64_t sections, random = 88172645463325252ull;
	struct buf b;

	(void)state;
	if (!read_libssl(&b))
		skip();
	int fd = file_of(b.p, b.n);
	memcpy(&sections, b.p + 40, sizeof(sections)); /* e_shoff */
	for (size_t at = 0; at < 64 + 56 * 12; at++) {
		flip(fd, &b, at, (char)0xff);
		flip(fd, &b, at, (char)(b.p[at] ^ 1));
	}
	for (size_t at = sections; at < b.n; at += 3)
		flip(fd, &b, at, (char)0xff);
	for (int i = 0; i < 1500; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		flip(fd, &b, random % (random & 1 ? b.n : 65536), (char)(random >> 32));
	}
	close(fd);
	buf_fini(&b);
}

/* The unwinder's tables say where functions end: whatever they say, no site lies outside of the file's code. */
static void flipped_frames(void **state)
{
	uint64_t headers;
	struct buf b;

	(void)state;
	if (!read_libssl(&b))
		skip();
	int fd = file_of(b.p, b.n);
	memcpy(&headers, b.p + 32, sizeof(headers)); /* e_phoff */
	for (size_t i = 0; i < 20 && headers + 56 * (i + 1) <= b.n; i++) {
		uint32_t type;
		uint64_t offset, size;

		memcpy(&type, b.p + headers + 56 * i, sizeof(type));
		memcpy(&offset, b.p + headers + 56 * i + 8, sizeof(offset));
		memcpy(&size, b.p + headers + 56 * i + 32, sizeof(size));
		if (type != 0x6474e550) /* PT_GNU_EH_FRAME */
			continue;
		for (size_t at = 0; at < 12; at++)
			for (int bit = 0; bit < 8; bit++)
				flip(fd, &b, offset + at, (char)(b.p[offset + at] ^ 1 << bit));
		for (size_t at = 12; at < size + 20000 && offset + at < b.n; at += 61)
			flip(fd, &b, offset + at, (char)(b.p[offset + at] ^ 0x81));
	}
	close(fd);
	buf_fini(&b);
}

/* A program of some megabytes, as the attacher meets them: sections, symbols and code, sampled. */
static void flipped_python(void **state)
{
	static const char *const pythons[] = {"/usr/bin/python3", "/usr/local/bin/python3"};
	autodrop(drop_fd) int root = root_open(0);
	uint64_t sections, random = 88172645463325252ull;
	struct buf b;

	(void)state;
	buf_init(&b, 64 << 20);
	for (size_t i = 0; i < 2 && b.n == 0; i++)
		(void)!root_read(root, pythons[i], &b);
	if (b.n < 65536) {
		buf_fini(&b);
		skip();
	}
	int fd = file_of(b.p, b.n);
	memcpy(&sections, b.p + 40, sizeof(sections)); /* e_shoff */
	for (int i = 0; i < 150; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		flip(fd, &b,
		     i % 3 == 0	  ? random % 1024
		     : i % 3 == 1 ? sections + random % 2048
				  : random % b.n,
		     (char)(random >> 32));
	}
	for (size_t i = 1; i < 40; i++) {
		size_t n = b.n - b.n / 40 * i;

		assert_int_equal(ftruncate(fd, (off_t)n), 0);
		ask(fd, n);
	}
	close(fd);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_function),	  cmocka_unit_test(own_needs),
		cmocka_unit_test(refusals),	  cmocka_unit_test(libssl_is_read),
		cmocka_unit_test(cut_anywhere),	  cmocka_unit_test(flipped_anywhere),
		cmocka_unit_test(flipped_frames), cmocka_unit_test(flipped_python),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
