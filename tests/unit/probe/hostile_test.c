/* SPDX-License-Identifier: BSD-2-Clause */
/* Files made to make their reader work or grow: time and memory stay bounded, and nothing is claimed of them. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness.h"
#include "image.h"
#include "probe/elf.h"
#include "probe/library.h"

#if defined(__x86_64__)

#define TIME_MAX_S 20 /* under the sanitizers, on a busy machine; without bounds it is hours */
#define MEMORY_KB  (1500 * 1024)

static const uint8_t leaf[] = {0x53, 0x48, 0x89, 0xfb, 0x5b, 0xc3};
/* push; call; call; ... pop; ret: each call goes elsewhere */
static uint8_t calls[15000];

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static long peak_kb(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static int file_of(struct str s)
{
	int fd = memfd_create("hostile", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, s.p, s.n), (ssize_t)s.n);
	return fd;
}

static void put(int fd, uint64_t at, const void *p, size_t n)
{
	assert_int_equal(pwrite(fd, p, n, (off_t)at), (ssize_t)n);
}

/* Reads all that there is to know of it, within bounds. */
static void ask(int fd, const char *name)
{
	autodrop(drop_elf_file) struct elf_file *f = NULL;
	uint8_t id[ELF_BUILD_ID_BYTES];
	struct elf_needs needs;
	struct library lib;
	double before = cpu_s();

	(void)!library_read(&lib, fd);
	if (elf_open(&f, fd) == 0) {
		(void)elf_build_id(f, id);
		if (elf_needs(f, &needs) == 0)
			elf_needs_fini(&needs);
	}
	if (cpu_s() - before > TIME_MAX_S)
		fail_msg("%s: %.1f s", name, cpu_s() - before);
	if (peak_kb() > MEMORY_KB)
		fail_msg("%s: %ld kB", name, peak_kb());
}

/* A library of 10 functions, each of 3,000 calls through stubs, whose sections stand where the test wants them. */
static uint64_t make(struct image_maker *m)
{
	static const char *const names[] = {"SSL_read",	     "SSL_read_ex", "SSL_write", "SSL_write_ex",
					    "SSL_write_ex2", "SSL_free",    "SSL_ctrl",	 "SSL_set_fd",
					    "SSL_peek",	     "SSL_peek_ex"};
	uint64_t stub, sections;

	image_init(m);
	for (size_t i = 0; i + 5 <= sizeof(calls); i += 5)
		calls[i] = 0xe8;
	stub = image_stub(m, "memcpy");
	for (size_t i = 0; i < 10; i++) {
		uint64_t at = image_function(m, names[i], calls, sizeof(calls));

		for (size_t k = 0; k + 5 <= sizeof(calls); k += 5)
			image_link(m, at + k + 1, stub);
	}
	image_finish(m);
	memcpy(&sections, m->b.p + offsetof(Elf64_Ehdr, e_shoff), sizeof(sections));
	return sections;
}

/* The number of sections stands in the first one: as many as a sparse file of 1 GiB has room for. */
static void sixteen_million_sections(void **state)
{
	const uint64_t size = 1ull << 30;
	struct image_maker m;
	Elf64_Shdr first = {.sh_size = size / sizeof(first) - 1};
	uint64_t at = sizeof(Elf64_Ehdr);
	struct elf_file *f = NULL;
	uint16_t none = 0;

	(void)state;
	make(&m);
	int fd = file_of(buf_str(&m.b));
	put(fd, offsetof(Elf64_Ehdr, e_shoff), &at, sizeof(at));
	put(fd, offsetof(Elf64_Ehdr, e_shnum), &none, sizeof(none));
	put(fd, at, &first, sizeof(first));
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(elf_open(&f, fd), -EBADMSG);
	ask(fd, "sections");
	close(fd);
	image_fini(&m);
}

/* Sixty thousand tables of relocations, all of them the same 100 MiB, and a slot that none of them fills. */
static void overlapping_tables(void **state)
{
	const uint64_t size = 200ull << 20, at = 101ull << 20;
	struct image_maker m;
	Elf64_Shdr s[IMAGE_SECTIONS];
	uint16_t count = 60000;

	(void)state;
	uint64_t sections = make(&m);
	int fd = file_of(buf_str(&m.b));
	memcpy(s, m.b.p + sections, sizeof(s));
	Elf64_Shdr plt = s[5], rela = s[4];
	s[5].sh_type = SHT_NULL;
	put(fd, at, s, sizeof(s));
	rela.sh_offset = 1u << 20;
	rela.sh_size = 100u << 20;
	for (uint64_t i = IMAGE_SECTIONS; i + 1 < count; i++)
		put(fd, at + i * sizeof(rela), &rela, sizeof(rela));
	put(fd, at + (count - 1u) * sizeof(plt), &plt, sizeof(plt));
	put(fd, offsetof(Elf64_Ehdr, e_shoff), &at, sizeof(at));
	put(fd, offsetof(Elf64_Ehdr, e_shnum), &count, sizeof(count));
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	ask(fd, "tables");
	close(fd);
	image_fini(&m);
}

/* Millions of symbols, as many as the limit lets through, none with a name of ours. */
static void millions_of_symbols(void **state)
{
	const uint64_t size = 400ull << 20;
	struct image_maker m;
	Elf64_Shdr s[IMAGE_SECTIONS];

	(void)state;
	uint64_t sections = make(&m);
	int fd = file_of(buf_str(&m.b));
	memcpy(s, m.b.p + sections, sizeof(s));
	s[IMAGE_DYNSYM].sh_size = 120ull << 20; /* goes on over what comes behind it */
	put(fd, sections, s, sizeof(s));
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	ask(fd, "symbols");
	close(fd);
	image_fini(&m);
}

/* A table that claims 2^32 symbols or 2^63 bytes is no table. */
static void impossible_sizes(void **state)
{
	static const uint64_t sizes[] = {UINT64_MAX, 1ull << 63, 24ull << 32, 1ull << 40};
	struct image_maker m;
	struct library lib;

	(void)state;
	uint64_t sections = make(&m);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned k = 1; k < IMAGE_SECTIONS; k++) {
			int fd = file_of(buf_str(&m.b));

			put(fd, sections + k * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_size), &sizes[i],
			    8);
			if (k == IMAGE_DYNSYM || k == IMAGE_DYNSTR)
				assert_int_equal(library_read(&lib, fd), -ENOENT);
			ask(fd, "sizes");
			close(fd);
		}
	image_fini(&m);
}

/* Notes that overlap one another, that are larger than their segment, and segments full of empty ones. */
static void notes(void **state)
{
	static const uint32_t heads[][3] = {{UINT32_MAX, UINT32_MAX, 3},
					    {4, UINT32_MAX, 3},
					    {UINT32_MAX - 2, 4, 3},
					    {0, 0, 0},
					    {4, 0, 3},
					    {4, 1u << 31, 3}};
	struct image_maker m;
	uint8_t id[ELF_BUILD_ID_BYTES];

	(void)state;
	make(&m);
	Elf64_Phdr note;
	const uint64_t header = sizeof(Elf64_Ehdr) + 3 * sizeof(note);
	memcpy(&note, m.b.p + header, sizeof(note));
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		for (unsigned align = 4; align <= 8; align += 4) {
			autodrop(drop_elf_file) struct elf_file *f = NULL;
			Elf64_Phdr h = note;
			int fd = file_of(buf_str(&m.b));

			h.p_align = align;
			h.p_filesz = i & 1 ? note.p_filesz : m.b.n - note.p_offset;
			put(fd, header, &h, sizeof(h));
			put(fd, note.p_offset, heads[i], sizeof(heads[i]));
			assert_int_equal(elf_open(&f, fd), 0);
			assert_true(elf_build_id(f, id) <= ELF_BUILD_ID_BYTES);
			close(fd);
		}
	image_fini(&m);
}

/* What is called twice is asked for twice: three thousand calls of each of ten functions, a million relocations. */
static void many_calls(void **state)
{
	const uint64_t at = 8u << 20, size = 40u << 20;
	struct image_maker m;
	Elf64_Shdr s[IMAGE_SECTIONS];

	(void)state;
	uint64_t sections = make(&m);
	int fd = file_of(buf_str(&m.b));
	memcpy(s, m.b.p + sections, sizeof(s));
	s[4].sh_offset = at;
	s[4].sh_size = 24u << 20;
	put(fd, sections, s, sizeof(s));
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	ask(fd, "calls");
	close(fd);
	image_fini(&m);
}

/* The made-up library itself is one: what the tests above ask is not refused at the door. */
static void without_harm(void **state)
{
	struct image_maker m;
	struct library lib;

	(void)state;
	image_init(&m);
	image_function(&m, "SSL_read", leaf, sizeof(leaf));
	int fd = file_of(image_finish(&m));
	assert_int_equal(library_read(&lib, fd), 0);
	assert_int_equal(lib.site_count, 1);
	assert_true(lib.sites[0].emulated);
	close(fd);
	image_fini(&m);
	make(&m);
	fd = file_of(buf_str(&m.b));
	assert_int_equal(library_read(&lib, fd), 0);
	assert_true(lib.site_count >= 8);
	close(fd);
	image_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_harm),	      cmocka_unit_test(sixteen_million_sections),
		cmocka_unit_test(overlapping_tables), cmocka_unit_test(millions_of_symbols),
		cmocka_unit_test(impossible_sizes),   cmocka_unit_test(notes),
		cmocka_unit_test(many_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	return 0;
}

#endif
