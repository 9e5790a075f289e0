/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/interpreter.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEGMENTS_MAX 64u
#define SECTIONS_MAX 512u
#define NAMES_MAX    (64u << 10)	   /* of sections */
#define SYMBOLS_MAX  (16u << 20)	   /* .dynsym, and its names */
#define COOKIE	     0x7970677562656478ull /* "xdebugpy" */

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#error "no ELF machine for this architecture"
#endif

struct image {
	int fd;
	Elf64_Ehdr header;
	Elf64_Phdr segments[SEGMENTS_MAX];
	unsigned segment_count;
	Elf64_Shdr *sections;
	unsigned section_count;
	char *names; /* of sections, NUL-terminated at names_size */
	size_t names_size;
};

static void image_fini(struct image *im)
{
	free(im->sections);
	free(im->names);
}

static bool read_at(int fd, uint64_t offset, void *to, size_t n)
{
	return offset <= INT64_MAX && pread(fd, to, n, (off_t)offset) == (ssize_t)n;
}

/* n bytes and a NUL behind them, owned by the caller. */
static void *read_new(int fd, uint64_t offset, size_t n)
{
	autodrop(drop_memory) char *p = malloc(n + 1);

	if (p == NULL || !read_at(fd, offset, p, n))
		return NULL;
	p[n] = '\0';
	return take(p);
}

static int read_head(struct image *im)
{
	Elf64_Ehdr *h = &im->header;

	if (!read_at(im->fd, 0, h, sizeof(*h)) || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 ||
	    h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_machine != MACHINE)
		return -ENOEXEC;
	if (h->e_phentsize != sizeof(im->segments[0]) || h->e_phnum == 0 || h->e_phnum > SEGMENTS_MAX ||
	    !read_at(im->fd, h->e_phoff, im->segments, h->e_phnum * sizeof(im->segments[0])))
		return -EBADMSG;
	im->segment_count = h->e_phnum;
	return 0;
}

static int read_sections(struct image *im)
{
	const Elf64_Ehdr *h = &im->header;

	if (h->e_shnum == 0)
		return -ENOENT;
	if (h->e_shentsize != sizeof(im->sections[0]) || h->e_shnum > SECTIONS_MAX ||
	    h->e_shstrndx >= h->e_shnum)
		return -EBADMSG;
	im->sections = read_new(im->fd, h->e_shoff, h->e_shnum * sizeof(im->sections[0]));
	if (im->sections == NULL)
		return -EBADMSG;
	im->section_count = h->e_shnum;
	const Elf64_Shdr *names = &im->sections[h->e_shstrndx];
	if (names->sh_size == 0 || names->sh_size > NAMES_MAX)
		return -EBADMSG;
	im->names = read_new(im->fd, names->sh_offset, names->sh_size);
	im->names_size = names->sh_size;
	return im->names ? 0 : -EBADMSG;
}

static const Elf64_Shdr *find_section(const struct image *im, const char *name)
{
	for (unsigned i = 0; i < im->section_count; i++)
		if (im->sections[i].sh_name < im->names_size &&
		    strcmp(im->names + im->sections[i].sh_name, name) == 0)
			return &im->sections[i];
	return NULL;
}

/* Bytes of an address as the file has them. */
static bool read_address(const struct image *im, uint64_t address, void *to, size_t n)
{
	for (unsigned i = 0; i < im->segment_count; i++) {
		const Elf64_Phdr *s = &im->segments[i];

		if (s->p_type == PT_LOAD && address >= s->p_vaddr && address - s->p_vaddr <= s->p_filesz &&
		    n <= s->p_filesz - (address - s->p_vaddr))
			return read_at(im->fd, s->p_offset + (address - s->p_vaddr), to, n);
	}
	return false;
}

static bool find_base(const struct image *im, uint64_t *base)
{
	for (unsigned i = 0; i < im->segment_count; i++) {
		const Elf64_Phdr *s = &im->segments[i];

		if (s->p_type != PT_LOAD || s->p_offset > s->p_vaddr)
			continue;
		*base = s->p_vaddr - s->p_offset;
		return true;
	}
	return false;
}

struct symbols {
	uint64_t runtime; /* 0: not there */
	uint64_t version;
};

/* Objects that the file exports: a stripped file has these still. */
static void read_symbols(const struct image *im, struct symbols *out)
{
	const Elf64_Shdr *s = find_section(im, ".dynsym");

	if (s == NULL || s->sh_size > SYMBOLS_MAX || s->sh_link >= im->section_count)
		return;
	const Elf64_Shdr *z = &im->sections[s->sh_link];
	if (z->sh_size == 0 || z->sh_size > SYMBOLS_MAX)
		return;
	autodrop(drop_memory) Elf64_Sym *list = read_new(im->fd, s->sh_offset, s->sh_size);
	autodrop(drop_memory) char *names = read_new(im->fd, z->sh_offset, z->sh_size);
	for (size_t i = 0; list && names && i < s->sh_size / sizeof(*list); i++) {
		if (list[i].st_name >= z->sh_size || list[i].st_shndx == SHN_UNDEF ||
		    ELF64_ST_TYPE(list[i].st_info) != STT_OBJECT)
			continue;
		if (strcmp(names + list[i].st_name, "_PyRuntime") == 0)
			out->runtime = list[i].st_value;
		else if (strcmp(names + list[i].st_name, "Py_Version") == 0)
			out->version = list[i].st_value;
	}
}

static int read_runtime(const struct image *im, struct interpreter *out)
{
	const Elf64_Shdr *section = find_section(im, ".PyRuntime");
	struct symbols symbols = {0};
	uint64_t version = 0;

	read_symbols(im, &symbols);
	out->runtime = section ? section->sh_addr : symbols.runtime;
	if (out->runtime == 0)
		return -ENOENT;
	if (!find_base(im, &out->base))
		return -EBADMSG;
	/* 3.13 has the fewest; in what is behind them nobody looks. */
	out->has_offsets = read_address(im, out->runtime, out->offsets, sizeof(out->offsets)) &&
			   out->offsets[0] == COOKIE;
	if (out->has_offsets)
		version = out->offsets[1];
	else if (symbols.version == 0 || !read_address(im, symbols.version, &version, sizeof(version)))
		version = 0;
	out->version = version <= UINT32_MAX ? (uint32_t)version : 0;
	return 0;
}

static void read_asyncio(const struct image *im, struct interpreter *out)
{
	const Elf64_Shdr *s = find_section(im, ".AsyncioDebug");

	out->has_asyncio = s && s->sh_size >= sizeof(out->asyncio) &&
			   read_at(im->fd, s->sh_offset, out->asyncio, sizeof(out->asyncio));
}

int interpreter_read(struct interpreter *out, int fd)
{
	autodrop(image_fini) struct image im = {.fd = fd};

	*out = (struct interpreter){0};
	int r = read_head(&im);
	if (r == 0)
		r = read_sections(&im);
	if (r == 0)
		r = read_runtime(&im, out);
	if (r == 0)
		read_asyncio(&im, out);
	return r;
}
