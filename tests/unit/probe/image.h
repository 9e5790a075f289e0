/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF images of a few hundred bytes, made to order: x86-64 shared objects whose addresses are their offsets, with the
 * tables that a linker would write (.dynsym, .gnu.hash, relocations, .eh_frame and its sorted table, a build-id).
 * Usage: image_init, then bytes, symbols, slots, ... in any order, image_finish, image_fini.
 */
#ifndef UNIT_PROBE_IMAGE_H
#define UNIT_PROBE_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define IMAGE_UNUSED  __attribute__((unused))
#define IMAGE_MAX     64
#define IMAGE_HEADERS 5u

struct image_maker {
	struct buf b;
	struct image_symbol {
		const char *name;
		uint64_t address, size; /* address 0: undefined */
	} symbols[IMAGE_MAX];
	struct image_slot {
		uint64_t slot, value;
		const char *name; /* NULL: relative */
	} slots[IMAGE_MAX];
	struct image_extent {
		uint64_t address, size;
	} extents[IMAGE_MAX];
	unsigned symbol_count, slot_count, extent_count;
	bool program;	  /* has PT_INTERP */
	bool no_sections; /* only what the program headers lead to */
	bool no_frames;
	unsigned buckets; /* of .gnu.hash; 0: 1 */
};

IMAGE_UNUSED static void image_init(struct image_maker *m)
{
	static const char zeros[sizeof(Elf64_Ehdr) + IMAGE_HEADERS * sizeof(Elf64_Phdr)];

	*m = (struct image_maker){0};
	buf_init(&m->b, 1u << 20);
	buf_add(&m->b, str_make(zeros, sizeof(zeros)));
}

IMAGE_UNUSED static void image_fini(struct image_maker *m)
{
	buf_fini(&m->b);
}

/* Appends bytes at the next multiple of 16; their address. */
IMAGE_UNUSED static uint64_t image_bytes(struct image_maker *m, const void *p, size_t n)
{
	while (m->b.n % 16)
		buf_add_char(&m->b, 0);
	uint64_t at = m->b.n;
	buf_add(&m->b, str_make(p, n));
	return at;
}

/* An exported function of these bytes, with its extent. */
IMAGE_UNUSED static void image_symbol(struct image_maker *m, const char *name, uint64_t address,
				      uint64_t size)
{
	if (m->symbol_count < IMAGE_MAX)
		m->symbols[m->symbol_count++] = (struct image_symbol){name, address, size};
}

IMAGE_UNUSED static void image_extent(struct image_maker *m, uint64_t address, uint64_t size)
{
	if (m->extent_count < IMAGE_MAX)
		m->extents[m->extent_count++] = (struct image_extent){address, size};
}

IMAGE_UNUSED static uint64_t image_function(struct image_maker *m, const char *name, const void *code,
					    size_t n)
{
	uint64_t at = image_bytes(m, code, n);

	if (name)
		image_symbol(m, name, at, n);
	image_extent(m, at, n);
	return at;
}

/* The dynamic linker writes a value (name NULL), or the address of an imported function, into a slot. */
IMAGE_UNUSED static void image_fill(struct image_maker *m, uint64_t slot, const char *name, uint64_t value)
{
	if (m->slot_count < IMAGE_MAX)
		m->slots[m->slot_count++] = (struct image_slot){slot, value, name};
	if (name)
		image_symbol(m, name, 0, 0);
}

/* A slot and a PLT stub that jumps through it: the stub's address. */
IMAGE_UNUSED static uint64_t image_stub(struct image_maker *m, const char *name)
{
	static const char zeros[8];
	uint64_t slot = image_bytes(m, zeros, sizeof(zeros));
	unsigned char stub[16] = {0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25};
	int32_t distance = (int32_t)(slot - (slot + 16 + 10));

	memcpy(stub + 6, &distance, sizeof(distance));
	image_fill(m, slot, name, 0);
	return image_bytes(m, stub, sizeof(stub));
}

/* Writes the distance of a call or jump: at is the address of its 4 bytes. */
IMAGE_UNUSED static void image_link(struct image_maker *m, uint64_t at, uint64_t target)
{
	int32_t distance = (int32_t)(target - (at + 4));

	if (m->b.n >= at + 4)
		memcpy(m->b.p + at, &distance, sizeof(distance));
}

/* ---- the tables ---- */

struct image_table {
	uint64_t at, size;
};

static uint32_t image_hash_of(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (unsigned char)*name;
	return h;
}

/* Undefined symbols first, then by bucket: as .gnu.hash wants them. */
static void image_sort(struct image_maker *m, unsigned *undefined)
{
	struct image_symbol sorted[IMAGE_MAX];
	unsigned n = 0, buckets = m->buckets ? m->buckets : 1;

	for (unsigned i = 0; i < m->symbol_count; i++)
		if (!m->symbols[i].address)
			sorted[n++] = m->symbols[i];
	*undefined = n;
	for (unsigned bucket = 0; bucket < buckets; bucket++)
		for (unsigned i = 0; i < m->symbol_count; i++)
			if (m->symbols[i].address && image_hash_of(m->symbols[i].name) % buckets == bucket)
				sorted[n++] = m->symbols[i];
	if (n)
		memcpy(m->symbols, sorted, n * sizeof(sorted[0]));
}

static struct image_table image_strings(struct image_maker *m, uint32_t offsets[IMAGE_MAX])
{
	struct image_table t = {.at = image_bytes(m, "", 1)};

	for (unsigned i = 0; i < m->symbol_count; i++) {
		offsets[i] = (uint32_t)(m->b.n - t.at);
		buf_add(&m->b, str_make(m->symbols[i].name, strlen(m->symbols[i].name) + 1));
	}
	static const char tail[24]; /* readers look a fixed number of bytes ahead */
	buf_add(&m->b, str_make(tail, sizeof(tail)));
	t.size = m->b.n - t.at;
	return t;
}

static struct image_table image_symbols(struct image_maker *m, const uint32_t offsets[IMAGE_MAX])
{
	Elf64_Sym none = {0};
	struct image_table t = {.at = image_bytes(m, &none, sizeof(none))};

	for (unsigned i = 0; i < m->symbol_count; i++) {
		Elf64_Sym s = {.st_name = offsets[i],
			       .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			       .st_shndx = m->symbols[i].address ? 1 : SHN_UNDEF,
			       .st_value = m->symbols[i].address,
			       .st_size = m->symbols[i].size};

		buf_add(&m->b, str_make(&s, sizeof(s)));
	}
	t.size = m->b.n - t.at;
	return t;
}

static struct image_table image_hashes(struct image_maker *m, unsigned undefined)
{
	uint32_t buckets = m->buckets ? m->buckets : 1, head[4] = {buckets, undefined + 1, 1, 6};
	struct image_table t = {.at = image_bytes(m, head, sizeof(head))};
	uint64_t bloom = UINT64_MAX;

	buf_add(&m->b, str_make(&bloom, sizeof(bloom)));
	for (uint32_t bucket = 0; bucket < buckets; bucket++) {
		uint32_t first = 0;

		for (unsigned i = m->symbol_count; i-- > undefined;)
			if (image_hash_of(m->symbols[i].name) % buckets == bucket)
				first = i + 1;
		buf_add(&m->b, str_make(&first, sizeof(first)));
	}
	for (unsigned i = undefined; i < m->symbol_count; i++) {
		uint32_t h = image_hash_of(m->symbols[i].name);
		bool last = i + 1 == m->symbol_count ||
			    image_hash_of(m->symbols[i + 1].name) % buckets != h % buckets;

		h = last ? h | 1 : h & ~1u;
		buf_add(&m->b, str_make(&h, sizeof(h)));
	}
	t.size = m->b.n - t.at;
	return t;
}

static struct image_table image_relocations(struct image_maker *m, bool imported)
{
	struct image_table t = {.at = image_bytes(m, "", 0)};

	for (unsigned i = 0; i < m->slot_count; i++) {
		const struct image_slot *s = &m->slots[i];
		Elf64_Rela r = {.r_offset = s->slot};

		if ((s->name != NULL) != imported)
			continue;
		for (unsigned k = 0; s->name && k < m->symbol_count; k++)
			if (!m->symbols[k].address && strcmp(m->symbols[k].name, s->name) == 0)
				r.r_info = ELF64_R_INFO(k + 1, R_X86_64_JUMP_SLOT);
		if (!s->name) {
			r.r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE);
			r.r_addend = (int64_t)s->value;
		}
		buf_add(&m->b, str_make(&r, sizeof(r)));
	}
	t.size = m->b.n - t.at;
	return t;
}

static int image_by_address(const void *a, const void *b)
{
	uint64_t x = ((const struct image_extent *)a)->address, y = ((const struct image_extent *)b)->address;

	return (x > y) - (x < y);
}

/* .eh_frame (one CIE, an FDE for each extent) and behind it its table; the table's place. */
static struct image_table image_frames(struct image_maker *m)
{
	static const uint8_t cie[24] = {20, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b};
	uint64_t cie_at = image_bytes(m, cie, sizeof(cie)), places[IMAGE_MAX];

	if (m->extent_count)
		qsort(m->extents, m->extent_count, sizeof(m->extents[0]), image_by_address);
	for (unsigned i = 0; i < m->extent_count; i++) {
		uint64_t at = m->b.n;
		uint32_t fde[6] = {20, (uint32_t)(at + 4 - cie_at),
				   (uint32_t)(m->extents[i].address - (at + 8)),
				   (uint32_t)m->extents[i].size};

		places[i] = at;
		buf_add(&m->b, str_make(fde, sizeof(fde)));
	}
	uint8_t head[12] = {1, 0x1b, 0x03, 0x3b};
	struct image_table t = {.at = image_bytes(m, "", 0)};
	int32_t to_frames = (int32_t)(cie_at - (t.at + 4));

	memcpy(head + 4, &to_frames, 4);
	memcpy(head + 8, &m->extent_count, 4);
	buf_add(&m->b, str_make(head, sizeof(head)));
	for (unsigned i = 0; i < m->extent_count; i++) {
		int32_t pair[2] = {(int32_t)(m->extents[i].address - t.at), (int32_t)(places[i] - t.at)};

		buf_add(&m->b, str_make(pair, sizeof(pair)));
	}
	t.size = m->b.n - t.at;
	return t;
}

static void image_header(struct image_maker *m, unsigned i, uint32_t type, uint32_t flags,
			 struct image_table t)
{
	Elf64_Phdr h = {.p_type = type,
			.p_flags = flags,
			.p_offset = t.at,
			.p_vaddr = t.at,
			.p_filesz = t.size,
			.p_memsz = t.size,
			.p_align = 4};

	memcpy(m->b.p + sizeof(Elf64_Ehdr) + i * sizeof(h), &h, sizeof(h));
}

enum { IMAGE_DYNSTR = 2, IMAGE_DYNSYM = 3, IMAGE_SECTIONS = 7 };

static uint64_t image_sections(struct image_maker *m, struct image_table strings, struct image_table symbols,
			       struct image_table rela, struct image_table plt, struct image_table dynamic)
{
	const struct {
		uint32_t type, link;
		struct image_table t;
		uint64_t entry;
	} rows[IMAGE_SECTIONS] = {
		{SHT_NULL, 0, {0, 0}, 0},
		{SHT_PROGBITS, 0, {0, 64}, 0},
		{SHT_STRTAB, 0, strings, 0},
		{SHT_DYNSYM, IMAGE_DYNSTR, symbols, sizeof(Elf64_Sym)},
		{SHT_RELA, IMAGE_DYNSYM, rela, sizeof(Elf64_Rela)},
		{SHT_RELA, IMAGE_DYNSYM, plt, sizeof(Elf64_Rela)},
		{SHT_DYNAMIC, IMAGE_DYNSTR, dynamic, sizeof(Elf64_Dyn)},
	};
	uint64_t at = image_bytes(m, "", 0);

	for (unsigned i = 0; i < IMAGE_SECTIONS; i++) {
		Elf64_Shdr s = {.sh_type = rows[i].type,
				.sh_link = rows[i].link,
				.sh_flags = SHF_ALLOC,
				.sh_addr = rows[i].t.at,
				.sh_offset = rows[i].t.at,
				.sh_size = rows[i].t.size,
				.sh_addralign = 8,
				.sh_entsize = rows[i].entry};

		buf_add(&m->b, str_make(&s, sizeof(s)));
	}
	return at;
}

/* The file; valid until image_fini. */
IMAGE_UNUSED static struct str image_finish(struct image_maker *m)
{
	static const unsigned char note[] = {4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0, 1, 2,
					     3, 4, 5, 6, 7,  8, 9, 9, 9, 9, 9, 9, 9,   9,   9,	 9, 9, 9};
	uint32_t offsets[IMAGE_MAX] = {0};
	unsigned undefined;

	image_sort(m, &undefined);
	struct image_table notes = {image_bytes(m, note, sizeof(note)), sizeof(note)};
	struct image_table symbols = image_symbols(m, offsets); /* names follow */
	struct image_table hashes = image_hashes(m, undefined);
	struct image_table strings = image_strings(m, offsets);
	for (unsigned i = 0; i < m->symbol_count; i++)
		memcpy(m->b.p + symbols.at + (i + 1) * sizeof(Elf64_Sym), &offsets[i], sizeof(offsets[i]));
	struct image_table rela = image_relocations(m, false), plt = image_relocations(m, true);
	struct image_table frames = image_frames(m);
	const Elf64_Dyn entries[] = {
		{DT_SYMTAB, {symbols.at}},  {DT_STRTAB, {strings.at}},
		{DT_GNU_HASH, {hashes.at}}, {DT_RELA, {rela.at}},
		{DT_RELASZ, {rela.size}},   {DT_JMPREL, {plt.at}},
		{DT_PLTRELSZ, {plt.size}},  {DT_NULL, {0}},
	};
	struct image_table dynamic = {image_bytes(m, entries, sizeof(entries)), sizeof(entries)};
	uint64_t sections = m->no_sections ? 0 : image_sections(m, strings, symbols, rela, plt, dynamic);
	struct image_table all = {0, m->b.n};
	Elf64_Ehdr e = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			.e_type = ET_DYN,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_phoff = sizeof(e),
			.e_shoff = sections,
			.e_ehsize = sizeof(e),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = IMAGE_HEADERS,
			.e_shentsize = sizeof(Elf64_Shdr),
			.e_shnum = m->no_sections ? 0 : IMAGE_SECTIONS};

	memcpy(m->b.p, &e, sizeof(e));
	image_header(m, 0, PT_LOAD, PF_R | PF_X, all);
	image_header(m, 1, PT_DYNAMIC, PF_R, dynamic);
	image_header(m, 2, m->no_frames ? PT_NULL : PT_GNU_EH_FRAME, PF_R, frames);
	image_header(m, 3, PT_NOTE, PF_R, notes);
	image_header(m, 4, m->program ? PT_INTERP : PT_NULL, PF_R, (struct image_table){0, 0});
	return buf_str(&m->b);
}

#endif
