/* SPDX-License-Identifier: BSD-2-Clause */
/* Interpreters that carry OpenSSL inside, made up by the test and hurt by it; docstring_test.c reads real ones. */
#include "probe/docstring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "image.h"

#if defined(__x86_64__)

static const uint8_t leaf[] = {0x53, 0x48, 0x89, 0xfb, 0x5b, 0xc3}; /* push, mov, pop, ret */

/* What a made-up interpreter has, and where. */
struct python {
	bool stubs;	/* Python's interface is called through PLT stubs */
	bool relocated; /* the method table's pointers are relocations */
	bool wrapped;	/* Argument Clinic's wrapper stands in front of `write` */
	bool unsaved;	/* the methods never let the interpreter's lock go */
	bool same;	/* both methods call one function */
	uint64_t read, write;
};

static uint64_t method(struct image_maker *m, const struct python *p, uint64_t save, uint64_t restore,
		       uint64_t target)
{
	/* push; call save; call target; call restore; pop; ret */
	static const uint8_t code[] = {0x53, 0xe8, 0,	 0, 0, 0, 0xe8, 0,    0,
				       0,    0,	   0xe8, 0, 0, 0, 0,	0x5b, 0xc3};
	uint64_t at = image_function(m, NULL, code, sizeof(code));

	image_link(m, at + 2, p->unsaved ? restore : save);
	image_link(m, at + 7, target);
	image_link(m, at + 12, restore);
	return at;
}

static struct str make(struct image_maker *m, struct python *p)
{
	static const char write_doc[] =
		"write($self, b, /)\n--\n\nWrites the bytes-like object b into the SSL object.";
	static const char read_doc[] = "read(size, [buffer])\nRead up to size bytes from the SSL socket.";
	static const uint8_t wrapper[] = {0x53, 0xe8, 0, 0, 0, 0, 0x5b, 0xc3};
	uint64_t save, restore, table[8] = {0};

	image_init(m);
	m->program = true;
	if (p->stubs) {
		save = image_stub(m, "PyEval_SaveThread");
		restore = image_stub(m, "PyEval_RestoreThread");
	} else {
		save = image_function(m, "PyEval_SaveThread", leaf, sizeof(leaf));
		restore = image_function(m, "PyEval_RestoreThread", leaf, sizeof(leaf));
	}
	p->read = image_function(m, NULL, leaf, sizeof(leaf));
	p->write = p->same ? p->read : image_function(m, NULL, leaf, sizeof(leaf));
	table[1] = method(m, p, save, restore, p->read);
	table[5] = method(m, p, save, restore, p->write);
	if (p->wrapped) {
		uint64_t at = image_function(m, NULL, wrapper, sizeof(wrapper));

		image_link(m, at + 2, table[5]);
		table[5] = at;
	}
	image_function(m, NULL, leaf, sizeof(leaf)); /* the last one's end is not known */
	table[0] = image_bytes(m, "read", 5);
	table[3] = image_bytes(m, read_doc, sizeof(read_doc));
	table[4] = image_bytes(m, "write", 6);
	table[7] = image_bytes(m, write_doc, sizeof(write_doc));
	static const uint64_t empty[8];
	uint64_t at = image_bytes(m, p->relocated ? empty : table, sizeof(table));
	for (unsigned i = 0; p->relocated && i < 8; i++)
		if (table[i])
			image_fill(m, at + 8 * i, NULL, table[i]);
	return image_finish(m);
}

static int file_of(struct str s)
{
	int fd = memfd_create("python", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, s.p, s.n), (ssize_t)s.n);
	return fd;
}

static void every_kind(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 8; kind++) {
		struct python p = {.stubs = kind & 1, .relocated = kind & 2, .wrapped = kind & 4};
		struct docstring_places places = {0};
		struct image_maker m;
		int fd = file_of(make(&m, &p));

		assert_int_equal(docstring_find(fd, &places), 0);
		assert_int_equal(places.read, p.read);
		assert_int_equal(places.write, p.write);
		close(fd);
		image_fini(&m);
	}
}

static void not_clear_enough(void **state)
{
	struct python kinds[] = {{.unsaved = true}, {.same = true}};
	struct docstring_places places = {0};
	struct image_maker m;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int fd = file_of(make(&m, &kinds[i]));

		assert_int_equal(docstring_find(fd, &places), -ENOENT);
		close(fd);
		image_fini(&m);
	}
	int fd = file_of(STR("#!/usr/bin/env python3\n"));
	assert_int_equal(docstring_find(fd, &places), -ENOENT);
	close(fd);
	assert_int_equal(docstring_find(-1, &places), -EIO);
	assert_int_equal(places.read, 0);
}

/* No answer lies outside of the file, whichever byte is turned. */
static void ask(int fd, size_t size)
{
	struct docstring_places places = {0};

	if (docstring_find(fd, &places) == 0)
		assert_true(places.read != places.write && places.read && places.write && size > 0);
}

static void any_byte(void **state)
{
	static const unsigned char to[] = {0xff, 0x00, 0x81};
	struct python p = {.stubs = true, .relocated = true, .wrapped = true};
	struct image_maker m;
	struct str file = make(&m, &p);
	int fd = file_of(file);

	(void)state;
	for (size_t at = 0; at < file.n; at++) {
		for (size_t i = 0; i < sizeof(to); i++) {
			assert_int_equal(pwrite(fd, &to[i], 1, (off_t)at), 1);
			ask(fd, file.n);
		}
		assert_int_equal(pwrite(fd, file.p + at, 1, (off_t)at), 1);
	}
	for (size_t n = file.n; n > 0; n--) {
		assert_int_equal(ftruncate(fd, (off_t)n), 0);
		ask(fd, n);
	}
	close(fd);
	image_fini(&m);
}

/* ---- hostile: small files that ask for much ---- */

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

/* Sixty segments, all of them the same 100 MiB of a sparse file. */
static void overlapping_segments(void **state)
{
	const uint64_t size = 100ull << 20;
	Elf64_Ehdr e = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			.e_machine = EM_X86_64,
			.e_phoff = sizeof(e),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 60};
	struct docstring_places places;
	int fd = memfd_create("python", MFD_CLOEXEC);
	long before = peak_kb();

	(void)state;
	assert_int_equal(write(fd, &e, sizeof(e)), (ssize_t)sizeof(e));
	for (unsigned i = 0; i < e.e_phnum; i++) {
		Elf64_Phdr h = {.p_type = PT_LOAD, .p_filesz = size, .p_vaddr = i * size};

		assert_int_equal(write(fd, &h, sizeof(h)), (ssize_t)sizeof(h));
	}
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(docstring_find(fd, &places), -ENOENT);
	/* The file's own pages are ours too: it is one that lies in memory. */
	assert_true(peak_kb() - before < 900 * 1024);
	close(fd);
}

/* Every word is a pointer to the docstring, and there are a million relocations to look through for each. */
static void quadratic_words(void **state)
{
	struct python p = {.relocated = true};
	struct docstring_places places;
	struct image_maker m;
	struct str file = make(&m, &p);
	int fd = file_of(file);
	const uint64_t words = 1u << 20, rela = 0x100000, table = 0x2000000;
	const char *doc = memmem(file.p, file.n, "write($self", 11);
	uint64_t address = (uint64_t)(doc - file.p), *block = malloc(words * 8);
	Elf64_Phdr load, dynamic;

	(void)state;
	assert_non_null(doc);
	assert_non_null(block);
	for (uint64_t i = 0; i < words; i++)
		block[i] = address;
	assert_int_equal(pwrite(fd, block, words * 8, (off_t)table), (ssize_t)(words * 8));
	free(block);
	memcpy(&load, file.p + sizeof(Elf64_Ehdr), sizeof(load));
	load.p_filesz = load.p_memsz = table + words * 8;
	assert_int_equal(pwrite(fd, &load, sizeof(load), sizeof(Elf64_Ehdr)), (ssize_t)sizeof(load));
	memcpy(&dynamic, file.p + sizeof(Elf64_Ehdr) + sizeof(load), sizeof(dynamic));
	const Elf64_Dyn entries[] = {{DT_RELA, {rela}}, {DT_RELASZ, {24u << 20}}, {DT_NULL, {0}}};
	assert_int_equal(pwrite(fd, entries, sizeof(entries), (off_t)dynamic.p_offset),
			 (ssize_t)sizeof(entries));
	double before = cpu_s();
	assert_int_equal(docstring_find(fd, &places), -ENOENT);
	assert_true(cpu_s() - before < 20); /* without a bound: hours */
	close(fd);
	image_fini(&m);
}

/* ---- a real interpreter, hurt ---- */

static void a_real_python(void **state)
{
	static const char *const places[] = {"/usr/bin/python3", "/usr/local/bin/python3"};
	uint64_t random = 88172645463325252ull;
	struct buf b;

	(void)state;
	buf_init(&b, 64u << 20);
	for (size_t i = 0; i < 2 && b.n == 0; i++) {
		int fd = open(places[i], O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && buf_read(&b, fd) < 0)
			buf_clear(&b);
		if (fd >= 0)
			close(fd);
	}
	if (b.n < 4096) {
		buf_fini(&b);
		skip();
	}
	int fd = file_of(buf_str(&b));
	double before = cpu_s();
	for (int i = 0; i < 120; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		size_t at = random % (i & 1 ? b.n : 1024);
		char to = (char)(random >> 40);

		assert_int_equal(pwrite(fd, &to, 1, (off_t)at), 1);
		ask(fd, b.n);
		assert_int_equal(pwrite(fd, b.p + at, 1, (off_t)at), 1);
	}
	for (int i = 1; i < 40; i++) {
		assert_int_equal(ftruncate(fd, (off_t)(b.n - b.n / 40 * (size_t)i)), 0);
		ask(fd, b.n);
	}
	assert_true(cpu_s() - before < 60);
	close(fd);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind),	   cmocka_unit_test(not_clear_enough),
		cmocka_unit_test(any_byte),	   cmocka_unit_test(overlapping_segments),
		cmocka_unit_test(quadratic_words), cmocka_unit_test(a_real_python),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	return 0;
}

#endif
