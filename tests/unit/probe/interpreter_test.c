/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of interpreters, made up by the test and hurt by it; real ones where the machine has them. */
#include "probe/interpreter.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"
#include "harness.h"
#include "probe/layout.h"

#define BASE	 0x400000u
#define SECTIONS 6u

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#else
#define MACHINE EM_AARCH64
#endif

/* One page: header, one segment that maps all, sections at the end. */
struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	uint64_t runtime[INTERPRETER_OFFSETS];
	uint64_t asyncio[INTERPRETER_ASYNCIO];
	uint64_t version;
	Elf64_Sym symbols[3];
	char names[64];
	char sections_names[64];
	Elf64_Shdr sections[SECTIONS];
};

#define AT(member) offsetof(struct image, member)

static Elf64_Shdr section(uint32_t name, uint32_t type, size_t at, size_t size, uint32_t link)
{
	return (Elf64_Shdr){.sh_name = name,
			    .sh_type = type,
			    .sh_addr = BASE + at,
			    .sh_offset = at,
			    .sh_size = size,
			    .sh_link = link};
}

/* named: it has a section .PyRuntime (3.10 and later); minor 13 and above: with the interpreter's word. */
static struct image make(unsigned minor, bool named)
{
	struct image im = {
		.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT},
			   .e_type = ET_EXEC,
			   .e_machine = MACHINE,
			   .e_phoff = AT(segment),
			   .e_shoff = AT(sections),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 1,
			   .e_shentsize = sizeof(Elf64_Shdr),
			   .e_shnum = SECTIONS,
			   .e_shstrndx = 1},
		.segment = {.p_type = PT_LOAD,
			    .p_vaddr = BASE,
			    .p_filesz = sizeof(im),
			    .p_memsz = sizeof(im)},
		.version = 3u << 24 | minor << 16 | 5u << 8 | 0xf0,
		.names = "\0_PyRuntime\0Py_Version",
		.sections_names = "\0.shstrtab\0.dynsym\0.dynstr\0.PyRuntime\0.AsyncioDebug",
	};

	im.symbols[1] = (Elf64_Sym){.st_name = 1,
				    .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
				    .st_shndx = 4,
				    .st_value = BASE + AT(runtime)};
	im.symbols[2] = (Elf64_Sym){.st_name = 12,
				    .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
				    .st_shndx = 4,
				    .st_value = BASE + AT(version)};
	im.sections[1] = section(1, SHT_STRTAB, AT(sections_names), sizeof(im.sections_names), 0);
	im.sections[2] = section(11, SHT_DYNSYM, AT(symbols), sizeof(im.symbols), 3);
	im.sections[3] = section(19, SHT_STRTAB, AT(names), sizeof(im.names), 0);
	im.sections[4] = section(named ? 27 : 0, SHT_PROGBITS, AT(runtime), sizeof(im.runtime), 0);
	im.sections[5] = section(0, SHT_PROGBITS, AT(asyncio), sizeof(im.asyncio), 0);
	if (minor < 13)
		return im;
	memcpy(&im.runtime[0], "xdebugpy", 8);
	im.runtime[1] = im.version;
	return im;
}

static int read_image(const void *p, size_t n, struct interpreter *out)
{
	int fd = memfd_create("interpreter", 0);

	assert_true(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	int r = interpreter_read(out, fd);
	close(fd);
	return r;
}

static void of_each_age(void **state)
{
	struct interpreter in;
	(void)state;

	for (unsigned minor = 9; minor <= 15; minor++) {
		struct image im = make(minor, minor >= 10);

		if (minor < 11) /* Py_Version came with 3.11 */
			im.symbols[2].st_shndx = SHN_UNDEF;
		assert_int_equal(read_image(&im, sizeof(im), &in), 0);
		assert_int_equal(in.base, BASE);
		assert_int_equal(in.runtime, BASE + AT(runtime));
		assert_int_equal(in.version, minor < 11 ? 0 : im.version);
		assert_int_equal(in.has_offsets, minor >= 13);
		assert_false(in.has_asyncio);
	}
	struct image im = make(14, true);
	im.sections[5].sh_name = 38;
	im.asyncio[11] = 872;
	assert_int_equal(read_image(&im, sizeof(im), &in), 0);
	assert_true(in.has_asyncio);
	assert_int_equal(in.asyncio[11], 872);
}

static void no_interpreter(void **state)
{
	struct interpreter in;
	struct image im = make(12, false);
	(void)state;

	im.names[1] = 'X';
	assert_int_equal(read_image(&im, sizeof(im), &in), -ENOENT);
	im = make(12, true);
	im.header.e_machine = EM_386;
	assert_int_equal(read_image(&im, sizeof(im), &in), -ENOEXEC);
	im = make(12, true);
	im.header.e_shnum = 0;
	assert_int_equal(read_image(&im, sizeof(im), &in), -ENOENT);
	im = make(12, true);
	im.header.e_phnum = 65;
	assert_int_equal(read_image(&im, sizeof(im), &in), -EBADMSG);
	assert_int_equal(read_image("#!/bin/sh\n", 10, &in), -ENOEXEC);
	assert_true(read_image("", 0, &in) < 0);
}

/* Any file's end, any byte's value: an answer, and none that was made up out of other memory. */
static void hurt(void **state)
{
	static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
	struct image whole = make(15, true);
	struct state_python layout;
	struct interpreter in;
	uint32_t reasons = 0;
	(void)state;

	for (size_t n = 0; n < sizeof(whole); n += 7)
		assert_true(read_image(&whole, n, &in) < 0 || in.runtime != 0);
	for (size_t at = 0; at < sizeof(whole); at++) {
		for (size_t v = 0; v < sizeof(values); v++) {
			struct image im = whole;

			((uint8_t *)&im)[at] = values[v];
			if (read_image(&im, sizeof(im), &in) == 0)
				reasons |= 1u << layout_find(&layout, &in, in.version >> 16 & 0xff);
		}
	}
	assert_true(reasons >> WIRE_PY_REASONS == 0);
}

static unsigned minor_of(const char *path)
{
	const char *at = strstr(strrchr(path, '/'), "python3.");
	unsigned minor = 0;

	for (at += sizeof("python3.") - 1; *at >= '0' && *at <= '9'; at++)
		minor = minor * 10 + (unsigned)(*at - '0');
	return minor;
}

/* What it is called is what it says. 1: it holds an interpreter. */
static unsigned check_real(const char *path)
{
	unsigned minor = minor_of(path);
	struct state_python layout;
	struct interpreter in;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : interpreter_read(&in, fd);

	if (fd >= 0)
		close(fd);
	if (r < 0 || minor < 8 || minor > 15 || (in.has_offsets && in.offsets[2]))
		return 0;
	assert_int_equal(in.version >> 16 & 0xff, minor < 11 ? 0 : minor);
	assert_int_equal(layout_find(&layout, &in, minor), WIRE_PY_WHOLE);
	assert_int_equal(layout.minor, minor);
	return 1;
}

static void real(void **state)
{
	char ours[512];
	const char *const patterns[] = {"/usr/bin/python3.*[0-9]", "/usr/lib/*/libpython3.*.so.1.0", ours};
	unsigned seen = 0;
	(void)state;

	snprintf(ours, sizeof(ours), "%s/.pyenv/versions/3.*/lib/libpython3.*.so.1.0", getenv("HOME"));
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		glob_t g;

		if (glob(patterns[i], 0, NULL, &g) != 0)
			continue;
		for (size_t k = 0; k < g.gl_pathc; k++)
			seen += check_real(g.gl_pathv[k]);
		globfree(&g);
	}
	if (seen == 0)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_each_age),
		cmocka_unit_test(no_interpreter),
		cmocka_unit_test(hurt),
		cmocka_unit_test(real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
