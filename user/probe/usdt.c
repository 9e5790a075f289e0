/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/usdt.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "state.h"

#define HEADERS_MAX  64u
#define SECTIONS_MAX 512u
#define NAMES_MAX    (64u << 10)
#define NOTES_MAX    (64u << 10)
#define NOTE_TYPE    3u /* NT_STAPSDT */
#define NOP	     0x90

struct file {
	int fd;
	Elf64_Ehdr header;
	Elf64_Phdr segments[HEADERS_MAX];
	Elf64_Shdr *sections;
	char *names; /* NUL-terminated at names_size */
	size_t names_size;
};

static void file_fini(struct file *f)
{
	free(f->sections);
	free(f->names);
}

static bool read_at(int fd, uint64_t offset, void *to, size_t n)
{
	return offset <= INT64_MAX && pread(fd, to, n, (off_t)offset) == (ssize_t)n;
}

/* n bytes and a NUL behind them, owned by the caller. */
static char *read_new(int fd, uint64_t offset, uint64_t n, uint64_t most)
{
	autodrop(drop_memory) char *p = n > 0 && n <= most ? malloc(n + 1) : NULL;

	if (p == NULL || !read_at(fd, offset, p, n))
		return NULL;
	p[n] = '\0';
	return take(p);
}

static int file_read(struct file *f)
{
	const Elf64_Ehdr *h = &f->header;

	if (!read_at(f->fd, 0, &f->header, sizeof(*h)) || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 ||
	    h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_machine != EM_X86_64)
		return -ENOEXEC;
	if (h->e_shnum == 0)
		return -ENOENT;
	if (h->e_phnum > HEADERS_MAX || h->e_phentsize != sizeof(Elf64_Phdr) || h->e_shnum > SECTIONS_MAX ||
	    h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shstrndx >= h->e_shnum ||
	    !read_at(f->fd, h->e_phoff, f->segments, h->e_phnum * sizeof(Elf64_Phdr)))
		return -EBADMSG;
	f->sections = (void *)read_new(f->fd, h->e_shoff, h->e_shnum * sizeof(Elf64_Shdr), UINT32_MAX);
	if (f->sections == NULL)
		return -EBADMSG;
	const Elf64_Shdr *names = &f->sections[h->e_shstrndx];
	f->names = read_new(f->fd, names->sh_offset, names->sh_size, NAMES_MAX);
	f->names_size = names->sh_size;
	return f->names ? 0 : -EBADMSG;
}

static const Elf64_Shdr *find_section(const struct file *f, const char *name)
{
	for (unsigned i = 0; i < f->header.e_shnum; i++)
		if (f->sections[i].sh_name < f->names_size &&
		    strcmp(f->names + f->sections[i].sh_name, name) == 0)
			return &f->sections[i];
	return NULL;
}

/* Where an address is in the file; code: in what is executed, else in what is written. 0: nowhere. */
static uint64_t offset_of(const struct file *f, uint64_t address, bool code)
{
	for (unsigned i = 0; i < f->header.e_phnum; i++) {
		const Elf64_Phdr *s = &f->segments[i];

		if (s->p_type == PT_LOAD && (s->p_flags & PF_X ? code : !code) && address >= s->p_vaddr &&
		    address - s->p_vaddr < s->p_filesz)
			return s->p_offset + (address - s->p_vaddr);
	}
	return 0;
}

/* ---- operands: 8@%rbx  -4@112(%rsp) ---- */

/* struct pt_regs of x86-64, in its order; "": none that an operand may name. */
static const char *const registers[][2] = {
	{"r15", "r15d"}, {"r14", "r14d"}, {"r13", "r13d"}, {"r12", "r12d"}, {"rbp", "ebp"},
	{"rbx", "ebx"},	 {"r11", "r11d"}, {"r10", "r10d"}, {"r9", "r9d"},   {"r8", "r8d"},
	{"rax", "eax"},	 {"rcx", "ecx"},  {"rdx", "edx"},  {"rsi", "esi"},  {"rdi", "edi"},
	{"", ""},	 {"", ""},	  {"", ""},	   {"", ""},	    {"rsp", "esp"},
};

/* Offset of a register, and what follows its name; -1: none. */
static int register_at(const char **at)
{
	size_t n = strspn(*at, "abcdefghijklmnopqrstuvwxyz0123456789");

	for (size_t i = 0; n > 0 && i < sizeof(registers) / sizeof(registers[0]); i++)
		for (size_t k = 0; k < 2; k++)
			if (strlen(registers[i][k]) == n && memcmp(registers[i][k], *at, n) == 0) {
				*at += n;
				return (int)(8 * i);
			}
	return -1;
}

/* One operand as bpf/state.h has it; false: it is none that we read. */
static bool read_operand(const char **at, uint32_t *out)
{
	char *end;
	long size = strtol(*at, &end, 10), distance = 0;
	bool memory = false;

	if (end == *at || *end != '@' || (size != 8 && size != -8 && size != 4 && size != -4))
		return false;
	*at = end + 1;
	if (**at != '%') {
		memory = true;
		distance = strtol(*at, &end, 10);
		*at = end;
		if (*end != '(' || distance < -(1 << 19) || distance >= 1 << 19)
			return false;
		++*at;
	}
	if (**at != '%')
		return false;
	++*at;
	int reg = register_at(at);
	if (reg < 0 || (memory && *(*at)++ != ')') || (**at != ' ' && **at != '\0'))
		return false;
	*out = (uint32_t)reg | (memory ? STATE_OPERAND_MEMORY : 0) |
	       (size == 4 || size == -4 ? STATE_OPERAND_INT : 0) | (uint32_t)distance << STATE_OPERAND_SHIFT;
	return true;
}

static bool read_operands(const char *text, uint64_t *cookie)
{
	uint32_t list[2] = {0};

	if (!read_operand(&text, &list[0]))
		return false;
	if (*text == ' ') {
		text++;
		if (!read_operand(&text, &list[1]))
			return false;
	}
	*cookie = list[0] | (uint64_t)list[1] << 32;
	return true;
}

/* ---- notes ---- */

/* The next text of a note's description; NULL: it does not end in it. */
static const char *next_text(const char **at, const char *end)
{
	const char *text = *at, *nul = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;

	if (nul == NULL)
		return NULL;
	*at = nul + 1;
	return text;
}

/* size bytes of a description: three addresses, then provider, name, operands. */
static bool read_note(const struct file *f, const char *provider, const char *note, size_t size,
		      struct usdt_site *out)
{
	const Elf64_Shdr *base = find_section(f, ".stapsdt.base");
	const char *at = note + 24, *end = note + size;
	uint64_t word[3];
	uint8_t byte;

	if (size < 24)
		return false;
	memcpy(word, note, sizeof(word));
	const char *by = next_text(&at, end), *name = by ? next_text(&at, end) : NULL;
	const char *operands = name ? next_text(&at, end) : NULL;
	if (operands == NULL || strcmp(by, provider) != 0 || strlen(name) >= USDT_NAME_MAX)
		return false;
	/* The file was moved after the notes were made: prelink. */
	uint64_t moved = base && word[1] ? base->sh_addr - word[1] : 0;
	*out = (struct usdt_site){.offset = offset_of(f, word[0] + moved, true)};
	memcpy(out->name, name, strlen(name) + 1);
	if (word[2])
		out->counter = offset_of(f, word[2] + moved, false);
	/* A nop of five bytes within a function is rewritten by some kernels into what harms the program. */
	return out->offset && (!word[2] || out->counter) && read_operands(operands, &out->cookie) &&
	       read_at(f->fd, out->offset, &byte, 1) && byte == NOP;
}

int usdt_find(int fd, const char *provider, struct usdt_site sites[USDT_SITES_MAX])
{
	autodrop(file_fini) struct file f = {.fd = fd};
	int r = file_read(&f), count = 0;

	if (r < 0)
		return r;
	const Elf64_Shdr *s = find_section(&f, ".note.stapsdt");
	if (s == NULL)
		return -ENOENT;
	autodrop(drop_memory) char *notes = read_new(fd, s->sh_offset, s->sh_size, NOTES_MAX);
	if (notes == NULL)
		return -EBADMSG;
	for (uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= s->sh_size && count < (int)USDT_SITES_MAX;) {
		Elf64_Nhdr h;

		memcpy(&h, notes + at, sizeof(h));
		uint64_t desc = at + sizeof(h) + (((uint64_t)h.n_namesz + 3) & ~3ull);
		uint64_t next = desc + (((uint64_t)h.n_descsz + 3) & ~3ull);
		if (next > s->sh_size)
			break;
		if (h.n_type == NOTE_TYPE && h.n_namesz == sizeof("stapsdt") &&
		    memcmp(notes + at + sizeof(h), "stapsdt", sizeof("stapsdt")) == 0 &&
		    read_note(&f, provider, notes + desc, h.n_descsz, &sites[count]))
			count++;
		at = next;
	}
	return count;
}
