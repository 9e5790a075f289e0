/* SPDX-License-Identifier: BSD-2-Clause */
/* Notes of USDT sites: where they are, what their operands mean, and what is no site. */
#include "harness.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/usdt.h"
#include "state.h"

#define CODE  0x1000u /* in the file; loaded at ... */
#define BASE  0x400000u
#define DATA  0x2000u /* .probes, loaded at ... */
#define DBASE 0x600000u
#define NOTES 0x3000u
#define NAMES 0x5000u
#define HEADS 0x6000u

struct maker {
	uint8_t file[0x7000];
	size_t notes; /* bytes */
	uint64_t moved;
};

static void begin(struct maker *m)
{
	memset(m, 0, sizeof(*m));
	memset(m->file + CODE, 0x90, 0x100);
}

static void note(struct maker *m, const char *provider, const char *name, uint64_t at, uint64_t counter,
		 const char *operands)
{
	uint8_t *p = m->file + NOTES + m->notes;
	Elf64_Nhdr h = {.n_namesz = 8, .n_type = 3};
	uint64_t words[3] = {at, 0x1234, counter};
	size_t n = sizeof(words);

	memcpy(p + sizeof(h) + 8, words, sizeof(words));
	for (size_t i = 0; i < 3; i++) {
		const char *s = i == 0 ? provider : i == 1 ? name : operands;

		memcpy(p + sizeof(h) + 8 + n, s, strlen(s) + 1);
		n += strlen(s) + 1;
	}
	h.n_descsz = (Elf64_Word)n;
	memcpy(p, &h, sizeof(h));
	memcpy(p + sizeof(h), "stapsdt", 8);
	m->notes += (sizeof(h) + 8 + n + 3) & ~3ul;
}

static int finish(struct maker *m)
{
	static const char names[] = "\0.note.stapsdt\0.stapsdt.base\0.shstrtab";
	Elf64_Ehdr e = {.e_machine = EM_X86_64,
			.e_phoff = sizeof(e),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2,
			.e_shoff = HEADS,
			.e_shentsize = sizeof(Elf64_Shdr),
			.e_shnum = 4,
			.e_shstrndx = 3};
	Elf64_Phdr p[2] = {{.p_type = PT_LOAD,
			    .p_flags = PF_R | PF_X,
			    .p_offset = CODE,
			    .p_vaddr = BASE,
			    .p_filesz = 0x100},
			   {.p_type = PT_LOAD,
			    .p_flags = PF_R | PF_W,
			    .p_offset = DATA,
			    .p_vaddr = DBASE,
			    .p_filesz = 0x100}};
	Elf64_Shdr s[4] = {{0},
			   {.sh_name = 1, .sh_offset = NOTES, .sh_size = m->notes},
			   {.sh_name = 15, .sh_addr = 0x1234 + m->moved},
			   {.sh_name = 29, .sh_offset = NAMES, .sh_size = sizeof(names)}};
	int fd = memfd_create("usdt", MFD_CLOEXEC);

	memcpy(e.e_ident, ELFMAG, SELFMAG);
	e.e_ident[EI_CLASS] = ELFCLASS64;
	memcpy(m->file, &e, sizeof(e));
	memcpy(m->file + sizeof(e), p, sizeof(p));
	memcpy(m->file + NAMES, names, sizeof(names));
	memcpy(m->file + HEADS, s, sizeof(s));
	assert_int_equal(write(fd, m->file, sizeof(m->file)), sizeof(m->file));
	return fd;
}

#define OPERAND(offset, flags, distance) \
	((uint32_t)(offset) | (flags) | (uint32_t)(distance) << STATE_OPERAND_SHIFT)

static void sites(void **state)
{
	struct usdt_site found[USDT_SITES_MAX];
	struct maker m;

	(void)state;
	begin(&m);
	note(&m, "python", "audit", BASE + 4, DBASE + 2, "8@%r13 8@%rbp");
	note(&m, "libc", "setjmp", BASE + 5, 0, "8@%rdi");
	note(&m, "python", "gc__start", BASE + 8, DBASE + 4, "-4@-228(%rbp)");
	note(&m, "python", "load", BASE + 16, 0, "8@%rax -4@%edx");
	note(&m, "python", "three", BASE + 17, 0, "8@%rsp 8@%r15 -4@%eax");
	int fd = finish(&m);
	assert_int_equal(usdt_find(fd, "python", found), 4);
	assert_string_equal(found[0].name, "audit");
	assert_int_equal(found[0].offset, CODE + 4);
	assert_int_equal(found[0].counter, DATA + 2);
	assert_int_equal(found[0].cookie, OPERAND(16, 0, 0) | (uint64_t)OPERAND(32, 0, 0) << 32);
	assert_int_equal(found[1].cookie, OPERAND(32, STATE_OPERAND_MEMORY | STATE_OPERAND_INT, -228));
	assert_int_equal((int32_t)found[1].cookie >> STATE_OPERAND_SHIFT, -228);
	assert_int_equal(found[2].counter, 0);
	assert_int_equal(found[2].cookie, OPERAND(80, 0, 0) | (uint64_t)OPERAND(96, STATE_OPERAND_INT, 0)
								      << 32);
	assert_int_equal(found[3].cookie, OPERAND(152, 0, 0));
	close(fd);
}

/* Prelink moves a file behind its notes' back. */
static void moved(void **state)
{
	struct usdt_site found[USDT_SITES_MAX];
	struct maker m;

	(void)state;
	begin(&m);
	m.moved = 0x40;
	note(&m, "python", "audit", BASE + 4 - 0x40, DBASE + 2 - 0x40, "8@%rbx 8@%r15");
	int fd = finish(&m);
	assert_int_equal(usdt_find(fd, "python", found), 1);
	assert_int_equal(found[0].offset, CODE + 4);
	assert_int_equal(found[0].counter, DATA + 2);
	close(fd);
}

static void none(void **state)
{
	static const char *const operands[] = {"",
					       "8",
					       "8@",
					       "8@%",
					       "8@%rip",
					       "8@%xmm0",
					       "2@%ax",
					       "8@$5",
					       "8@x(%rip)",
					       "8@4(%rbx",
					       "8@4(%rbx)x",
					       "8@%rbx 8@$1",
					       "8@%rbxx",
					       "8@999999(%rbx)",
					       "8@(%rbx,%rcx,8)"};
	struct usdt_site found[USDT_SITES_MAX];
	struct maker m;

	(void)state;
	begin(&m);
	for (size_t i = 0; i < sizeof(operands) / sizeof(operands[0]); i++)
		note(&m, "python", "audit", BASE + 4, 0, operands[i]);
	note(&m, "python", "audit", BASE + 0x100, 0, "8@%rbx");		/* no code */
	note(&m, "python", "audit", BASE + 4, DBASE + 0x100, "8@%rbx"); /* a counter that is nowhere */
	note(&m, "python", "a_name_that_is_longer_than_any_site", BASE + 4, 0, "8@%rbx");
	m.file[CODE + 9] = 0x0f; /* the long nop */
	note(&m, "python", "audit", BASE + 9, 0, "8@%rbx");
	int fd = finish(&m);
	assert_int_equal(usdt_find(fd, "python", found), 0);
	close(fd);
}

/* Whatever bytes: no more than a wrong site. */
static void any_bytes(void **state)
{
	struct usdt_site found[USDT_SITES_MAX];
	struct maker m;

	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		begin(&m);
		note(&m, "python", "audit", BASE + 4, DBASE + 2, "8@%r13 8@-8(%rbp)");
		note(&m, "python", "audit", BASE + 5, DBASE + 2, "8@%r13 8@%rbp");
		int fd = finish(&m);
		static const uint32_t places[] = {0, NOTES, HEADS, NAMES, NOTES + 40};
		uint32_t at = places[i % 5] + i * 2654435761u % 260;
		uint8_t byte = (uint8_t)(i * 40503u >> 5);

		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		if (i % 7 == 0)
			assert_int_equal(ftruncate(fd, at), 0);
		(void)(usdt_find(fd, "python", found) < 0);
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sites),
		cmocka_unit_test(moved),
		cmocka_unit_test(none),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
