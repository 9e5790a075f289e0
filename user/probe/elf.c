/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/elf.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/docstring.h"

#define FILE_MAX     (1ull << 30)   /* libpython and Node are well below */
#define SECTION_MAX  (128ull << 20) /* a symbol or string table */
#define SECTIONS_MAX 65536u
#define HEADERS_MAX  256u
#define SYMBOLS_MAX  4000000u
#define NEEDED_MAX   (64u << 10)
#define NOTES_MAX    (64u << 10) /* of one segment */
#define LOADED_MAX \
	24u /* sections that are read, and their bytes: they may overlap, so a small file can ask for much */
#define LOADED_BYTES (256ull << 20)
#define WORK_MAX \
	16000000u /* sections, symbols and relocations looked at, over all questions: well below a second */
#define NAME_MAX_Z  4096u
#define DYNAMIC_MAX 4096u /* entries of a dynamic section */

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#error "no ELF machine for this architecture"
#endif

struct elf_file {
	Elf *elf;
	int fd;
	uint64_t size;	/* of the file, when it was opened */
	size_t headers; /* program headers, bounded */
	size_t loaded[LOADED_MAX];
	unsigned loaded_count;
	uint64_t loaded_bytes;
	uint64_t work;
};

void elf_close(struct elf_file *f)
{
	if (f == NULL)
		return;
	elf_end(f->elf);
	free(f);
}

static int check_ident(int fd)
{
	unsigned char ident[EI_NIDENT];
	ssize_t n = pread(fd, ident, sizeof(ident), 0);

	if (n < 0)
		return -errno;
	if (n < EI_NIDENT || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB)
		return -ENOTSUP;
	return 0;
}

/* libelf makes a struct for each section as soon as it opens a file, and a sparse file can have room for millions. */
static int check_sections(int fd)
{
	Elf64_Shdr first;
	Elf64_Ehdr header;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return -EBADMSG;
	if (header.e_shoff == 0 || header.e_shnum != 0)
		return 0;
	/* The number stands in the first section then. */
	if (header.e_shoff > INT64_MAX ||
	    pread(fd, &first, sizeof(first), (off_t)header.e_shoff) != sizeof(first))
		return 0;
	return first.sh_size > SECTIONS_MAX ? -EBADMSG : 0;
}

int elf_open(struct elf_file **out, int fd)
{
	GElf_Ehdr header;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(Elf64_Ehdr))
		return -ENOEXEC;
	if ((uint64_t)st.st_size > FILE_MAX)
		return -EFBIG;
	int r = check_ident(fd);
	if (r == 0)
		r = check_sections(fd);
	if (r < 0)
		return r;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -EBADMSG;
	autodrop(drop_elf_file) struct elf_file *f = calloc(1, sizeof(*f));
	if (f == NULL)
		return -ENOMEM;
	f->fd = fd;
	f->size = (uint64_t)st.st_size;
	f->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (f->elf == NULL || elf_kind(f->elf) != ELF_K_ELF || gelf_getehdr(f->elf, &header) == NULL)
		return -EBADMSG;
	if (header.e_machine != MACHINE)
		return -ENOTSUP;
	if (elf_getphdrnum(f->elf, &f->headers) != 0 || f->headers > HEADERS_MAX)
		return -EBADMSG;
	*out = take(f);
	return 0;
}

/* Whether size bytes at offset lie in the file. */
static bool inside(const struct elf_file *f, uint64_t offset, uint64_t size)
{
	return offset <= f->size && size <= f->size - offset;
}

/* Whether one more entry may be looked at. */
static bool spend(struct elf_file *f)
{
	return f->work < WORK_MAX && ++f->work;
}

/* Whether a section's bytes may be read; libelf keeps them until the end. */
static bool may_load(struct elf_file *f, Elf_Scn *section, uint64_t size)
{
	size_t index = elf_ndxscn(section);

	for (unsigned i = 0; i < f->loaded_count; i++)
		if (f->loaded[i] == index)
			return true;
	if (f->loaded_count == LOADED_MAX || size > LOADED_BYTES - f->loaded_bytes)
		return false;
	f->loaded[f->loaded_count++] = index;
	f->loaded_bytes += size;
	return true;
}

/* The data of a section, when it lies in the file and is not compressed. */
static Elf_Data *section_data(struct elf_file *f, Elf_Scn *section, const GElf_Shdr *header)
{
	if (header->sh_type == SHT_NOBITS || (header->sh_flags & SHF_COMPRESSED) ||
	    header->sh_size > SECTION_MAX || !inside(f, header->sh_offset, header->sh_size) ||
	    !may_load(f, section, header->sh_size))
		return NULL;
	Elf_Data *data = elf_getdata(section, NULL);
	if (data == NULL || data->d_buf == NULL || data->d_size == 0)
		return NULL;
	return data;
}

/* A NUL-terminated name in a string table, or NULL. */
static const char *name_at(const Elf_Data *strings, uint64_t at)
{
	if (strings == NULL || at >= strings->d_size)
		return NULL;
	const char *p = (const char *)strings->d_buf + at;
	size_t room = strings->d_size - at;
	if (room > NAME_MAX_Z)
		room = NAME_MAX_Z;
	return memchr(p, '\0', room) ? p : NULL;
}

/* Whether the name in a string table is this one. */
static bool is_named(const Elf_Data *strings, uint64_t at, const char *name)
{
	size_t n = strlen(name) + 1;

	return at < strings->d_size && n <= strings->d_size - at &&
	       memcmp((const char *)strings->d_buf + at, name, n) == 0;
}

/* The first section of a type, its data, and that of the string table it names. */
struct table {
	Elf_Data *data;
	Elf_Data *strings;
};

static bool find_table(struct elf_file *f, uint32_t type, struct table *out)
{
	Elf_Scn *section = NULL;
	unsigned seen = 0;

	while ((section = elf_nextscn(f->elf, section)) != NULL && seen++ < SECTIONS_MAX && spend(f)) {
		GElf_Shdr header, strings_header;

		if (gelf_getshdr(section, &header) == NULL || header.sh_type != type)
			continue;
		out->data = section_data(f, section, &header);
		out->strings = NULL;
		Elf_Scn *strings = elf_getscn(f->elf, header.sh_link);
		if (strings && gelf_getshdr(strings, &strings_header) && strings_header.sh_type == SHT_STRTAB)
			out->strings = section_data(f, strings, &strings_header);
		return out->data != NULL;
	}
	return false;
}

/* File offset of an address in an executable segment; false when it has none. */
static bool to_offset(struct elf_file *f, uint64_t address, uint64_t *offset)
{
	for (size_t i = 0; i < f->headers; i++) {
		GElf_Phdr h;

		if (gelf_getphdr(f->elf, (int)i, &h) == NULL || h.p_type != PT_LOAD || !(h.p_flags & PF_X))
			continue;
		if (address < h.p_vaddr || address - h.p_vaddr >= h.p_filesz)
			continue;
		if (!inside(f, h.p_offset, h.p_filesz))
			return false;
		*offset = h.p_offset + (address - h.p_vaddr);
		return true;
	}
	return false;
}

static void fill(struct elf_file *f, struct elf_symbol *want, const GElf_Sym *sym, bool local)
{
	uint64_t offset;

	if (!to_offset(f, sym->st_value, &offset))
		return;
	ssize_t n = pread(f->fd, want->code, sizeof(want->code), (off_t)offset);
	if (n <= 0)
		return;
	want->code_len = (uint8_t)n;
	want->found = true;
	want->local = local;
	want->address = sym->st_value;
	want->size = sym->st_size;
	want->offset = offset;
}

/* The version of symbol i is not the default one ("name@OLD"). */
static bool is_old_version(const Elf_Data *versions, size_t i)
{
	GElf_Versym v;

	if (versions == NULL || i > INT32_MAX || gelf_getversym((Elf_Data *)versions, (int)i, &v) == NULL)
		return false;
	return v & 0x8000;
}

static size_t search(struct elf_file *f, uint32_t type, struct elf_symbol *symbols, size_t count)
{
	struct table t = {0}, versions = {0};
	size_t found = 0;

	if (!find_table(f, type, &t) || t.strings == NULL)
		return 0;
	if (type == SHT_DYNSYM)
		(void)find_table(f, SHT_GNU_versym, &versions);
	size_t n = t.data->d_size / sizeof(Elf64_Sym);
	if (n > SYMBOLS_MAX)
		n = SYMBOLS_MAX;
	for (size_t i = 1; i < n && spend(f); i++) {
		GElf_Sym sym;

		if (gelf_getsym(t.data, (int)i, &sym) == NULL)
			break;
		if (GELF_ST_TYPE(sym.st_info) != STT_FUNC || sym.st_shndx == SHN_UNDEF)
			continue;
		for (size_t k = 0; k < count; k++) {
			if (!is_named(t.strings, sym.st_name, symbols[k].name))
				continue;
			/* An old version is taken only until a default one comes. */
			if (!symbols[k].found || !is_old_version(versions.data, i))
				fill(f, &symbols[k], &sym, type == SHT_SYMTAB);
			break;
		}
	}
	/* A part of them would be taken for all that there are. */
	for (size_t k = 0; k < count; k++) {
		symbols[k].found = symbols[k].found && f->work < WORK_MAX;
		found += symbols[k].found;
	}
	return found;
}

/* A CPython with a static OpenSSL and no symbols of it. */
static size_t search_docstrings(struct elf_file *f, struct elf_symbol *symbols, size_t count)
{
	struct elf_symbol python = {.name = "PyEval_SaveThread"};
	struct docstring_places places;
	size_t found = 0;

	if (search(f, SHT_DYNSYM, &python, 1) == 0 || docstring_find(f->fd, &places) < 0)
		return 0;
	for (size_t k = 0; k < count; k++) {
		GElf_Sym sym = {0};

		if (strcmp(symbols[k].name, "SSL_read_ex") == 0)
			sym.st_value = places.read;
		else if (strcmp(symbols[k].name, "SSL_write_ex") == 0)
			sym.st_value = places.write;
		else
			continue;
		fill(f, &symbols[k], &sym, true);
		found += symbols[k].found;
	}
	return found;
}

size_t elf_find(struct elf_file *f, struct elf_symbol *symbols, size_t count)
{
	size_t found = search(f, SHT_DYNSYM, symbols, count);

	/* What a library exports is its interface; local names matter only where nothing is exported. */
	if (found == 0)
		found = search(f, SHT_SYMTAB, symbols, count);
	if (found == 0)
		found = search_docstrings(f, symbols, count);
	return found;
}

/* ---- code ---- */

bool elf_find_offset(struct elf_file *f, uint64_t address, uint64_t *offset)
{
	return to_offset(f, address, offset);
}

/* Bytes of a loaded segment; flags: those that it must have. Returns how many. */
static size_t read_segment(struct elf_file *f, uint32_t flags, uint64_t address, void *out, size_t len)
{
	for (size_t i = 0; i < f->headers; i++) {
		GElf_Phdr h;

		if (gelf_getphdr(f->elf, (int)i, &h) == NULL || h.p_type != PT_LOAD ||
		    (h.p_flags & flags) != flags || address < h.p_vaddr ||
		    address - h.p_vaddr >= h.p_filesz || !inside(f, h.p_offset, h.p_filesz))
			continue;
		uint64_t at = address - h.p_vaddr;
		if (len > h.p_filesz - at)
			len = h.p_filesz - at;
		ssize_t n = pread(f->fd, out, len, (off_t)(h.p_offset + at));
		return n > 0 ? (size_t)n : 0;
	}
	return 0;
}

size_t elf_read_code(struct elf_file *f, uint64_t address, uint8_t *code, size_t len)
{
	return read_segment(f, PF_R | PF_X, address, code, len);
}

static bool read_u32(struct elf_file *f, uint64_t address, uint32_t *out)
{
	return read_segment(f, PF_R, address, out, sizeof(*out)) == sizeof(*out);
}

/*
 * .eh_frame_hdr as linkers write it (LSB, "Exception Frame Header"): version 1, then encodings: of a pointer of 4
 * bytes, of a count of 4 bytes, of a table of pairs (function, its entry in .eh_frame), sorted, 4 bytes each,
 * relative to the header's own address. Other encodings are not read.
 */
#define FRAME_HEADER_BYTES 12
#define FRAMES_MAX	   (1u << 22)

static uint64_t find_frame(struct elf_file *f, uint64_t base, uint64_t address)
{
	uint8_t head[FRAME_HEADER_BYTES];
	uint32_t count;

	if (read_segment(f, PF_R, base, head, sizeof(head)) != sizeof(head) || head[0] != 1 ||
	    head[1] != 0x1b || head[2] != 0x03 || head[3] != 0x3b)
		return 0;
	memcpy(&count, head + 8, sizeof(count));
	if (count > FRAMES_MAX)
		return 0;
	uint32_t low = 0, high = count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		uint32_t pair[2];

		if (read_segment(f, PF_R, base + FRAME_HEADER_BYTES + 8ull * middle, pair, sizeof(pair)) !=
		    sizeof(pair))
			return 0;
		uint64_t begins = base + (uint64_t)(int64_t)(int32_t)pair[0];
		if (begins == address)
			return base + (uint64_t)(int64_t)(int32_t)pair[1];
		if (begins < address)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

/* An entry of .eh_frame: length, distance back to its CIE, then begin and size in the CIE's encoding. A CIE with
 * augmentation "zR" and pcrel|sdata4 is what compilers write on both machines for C. */
static uint64_t frame_size(struct elf_file *f, uint64_t frame, uint64_t address)
{
	uint32_t length, back, begin, size;
	uint8_t cie[24];

	if (!read_u32(f, frame, &length) || length < 16 || length == UINT32_MAX ||
	    !read_u32(f, frame + 4, &back) || back == 0 || back > frame + 4 ||
	    !read_u32(f, frame + 8, &begin) || !read_u32(f, frame + 12, &size))
		return 0;
	if (read_segment(f, PF_R, frame + 4 - back, cie, sizeof(cie)) != sizeof(cie) || cie[8] != 1 ||
	    memcmp(cie + 9, "zR", 3) != 0)
		return 0;
	/* code alignment, data alignment, return register, augmentation length: a byte each; then the encoding */
	if (((cie[12] | cie[13] | cie[14] | cie[15]) & 0x80) || cie[15] != 1 || cie[16] != 0x1b)
		return 0;
	if (frame + 8 + (uint64_t)(int64_t)(int32_t)begin != address)
		return 0;
	return size;
}

uint64_t elf_find_extent(struct elf_file *f, uint64_t address)
{
	uint64_t offset;

	for (size_t i = 0; i < f->headers; i++) {
		GElf_Phdr h;

		if (gelf_getphdr(f->elf, (int)i, &h) == NULL || h.p_type != PT_GNU_EH_FRAME)
			continue;
		uint64_t frame = find_frame(f, h.p_vaddr, address);
		uint64_t size = frame ? frame_size(f, frame, address) : 0;
		if (size == 0 || size > FILE_MAX || address + size < address)
			return 0;
		return to_offset(f, address, &offset) && to_offset(f, address + size - 1, &offset) ? size : 0;
	}
	return 0;
}

bool elf_has_extents(struct elf_file *f)
{
	for (size_t i = 0; i < f->headers; i++) {
		GElf_Phdr h;

		if (gelf_getphdr(f->elf, (int)i, &h) && h.p_type == PT_GNU_EH_FRAME)
			return true;
	}
	return false;
}

uint64_t elf_find_next(struct elf_file *f, uint64_t address)
{
	struct table t = {0};
	uint64_t next = 0;

	if (!find_table(f, SHT_DYNSYM, &t))
		return 0;
	size_t n = t.data->d_size / sizeof(Elf64_Sym);
	for (size_t i = 1; i < n && i < SYMBOLS_MAX && spend(f); i++) {
		GElf_Sym sym;

		if (gelf_getsym(t.data, (int)i, &sym) == NULL)
			break;
		if (GELF_ST_TYPE(sym.st_info) == STT_FUNC && sym.st_shndx != SHN_UNDEF &&
		    sym.st_value > address && (next == 0 || sym.st_value < next))
			next = sym.st_value;
	}
	return f->work < WORK_MAX ? next : 0;
}

/* Relocations are few thousand; asked for a few slots of each library, once. */
#define RELOCATIONS_MAX 1000000u

const char *elf_find_slot(struct elf_file *f, uint64_t slot)
{
	struct table symbols = {0};
	Elf_Scn *section = NULL;
	unsigned seen = 0;

	if (!find_table(f, SHT_DYNSYM, &symbols) || symbols.strings == NULL)
		return NULL;
	while ((section = elf_nextscn(f->elf, section)) != NULL && seen++ < SECTIONS_MAX && spend(f)) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_RELA ||
		    !(header.sh_flags & SHF_ALLOC))
			continue;
		Elf_Data *data = section_data(f, section, &header);
		size_t n = data ? data->d_size / sizeof(Elf64_Rela) : 0;
		for (size_t i = 0; i < n && i < RELOCATIONS_MAX && spend(f); i++) {
			GElf_Rela rela;
			GElf_Sym sym;

			if (gelf_getrela(data, (int)i, &rela) == NULL || rela.r_offset != slot)
				continue;
			if (GELF_R_SYM(rela.r_info) == 0 || GELF_R_SYM(rela.r_info) > INT32_MAX ||
			    gelf_getsym(symbols.data, (int)GELF_R_SYM(rela.r_info), &sym) == NULL)
				return NULL;
			return name_at(symbols.strings, sym.st_name);
		}
	}
	return NULL;
}

/* ---- notes ---- */

static size_t note_build_id(Elf_Data *data, uint8_t id[ELF_BUILD_ID_BYTES])
{
	size_t at = 0, name_at_byte, desc_at_byte, next;
	GElf_Nhdr note;

	while ((next = gelf_getnote(data, at, &note, &name_at_byte, &desc_at_byte)) > at) {
		const char *bytes = data->d_buf;

		if (next > data->d_size)
			break;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    memcmp(bytes + name_at_byte, "GNU", 4) == 0 && note.n_descsz > 0) {
			size_t n = note.n_descsz;

			if (n > ELF_BUILD_ID_BYTES)
				n = ELF_BUILD_ID_BYTES;
			memcpy(id, bytes + desc_at_byte, n);
			return n;
		}
		at = next;
	}
	return 0;
}

size_t elf_build_id(struct elf_file *f, uint8_t id[ELF_BUILD_ID_BYTES])
{
	memset(id, 0, ELF_BUILD_ID_BYTES);
	for (size_t i = 0; i < f->headers; i++) {
		GElf_Phdr h;

		if (gelf_getphdr(f->elf, (int)i, &h) == NULL || h.p_type != PT_NOTE ||
		    h.p_filesz > NOTES_MAX || !inside(f, h.p_offset, h.p_filesz))
			continue;
		/* Aligned to 8: .note.gnu.property, whose notes have another padding. */
		Elf_Data *data = elf_getdata_rawchunk(f->elf, (int64_t)h.p_offset, h.p_filesz,
						      h.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		size_t n = data && data->d_buf ? note_build_id(data, id) : 0;
		if (n > 0)
			return n;
	}
	return 0;
}

/* ---- the dynamic section ---- */

void elf_needs_fini(struct elf_needs *n)
{
	buf_fini(&n->needed);
	free(n->rpath);
	free(n->runpath);
	n->rpath = n->runpath = NULL;
}

static int keep(char **slot, const char *text)
{
	if (*slot != NULL)
		return 0;
	*slot = str_dup(str_of(text));
	return *slot ? 0 : -ENOMEM;
}

int elf_needs(struct elf_file *f, struct elf_needs *out)
{
	struct table t = {0};

	*out = (struct elf_needs){0};
	buf_init(&out->needed, NEEDED_MAX);
	if (!find_table(f, SHT_DYNAMIC, &t) || t.strings == NULL)
		return 0;
	size_t n = t.data->d_size / sizeof(Elf64_Dyn);
	for (size_t i = 0; i < n && i < DYNAMIC_MAX; i++) {
		GElf_Dyn dyn;
		int r = 0;

		if (gelf_getdyn(t.data, (int)i, &dyn) == NULL || dyn.d_tag == DT_NULL)
			break;
		if (dyn.d_tag != DT_NEEDED && dyn.d_tag != DT_RPATH && dyn.d_tag != DT_RUNPATH)
			continue;
		const char *text = name_at(t.strings, dyn.d_un.d_val);
		if (text == NULL)
			continue;
		if (dyn.d_tag == DT_NEEDED)
			buf_add(&out->needed, str_make(text, strlen(text) + 1));
		else
			r = keep(dyn.d_tag == DT_RPATH ? &out->rpath : &out->runpath, text);
		if (r == 0 && buf_err(&out->needed) == -ENOMEM)
			r = -ENOMEM;
		if (r < 0) {
			elf_needs_fini(out);
			return r;
		}
	}
	return 0;
}
