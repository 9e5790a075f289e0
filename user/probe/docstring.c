/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/docstring.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <Zydis/Zydis.h>

#define HEADERS_MAX  64u
#define DYNAMIC_MAX  256u
#define SEGMENTS_MAX 16u	    /* that are loaded; linkers make four to six */
#define BYTES_MAX    (256ull << 20) /* of all of them: they may overlap, so a small file can ask for much */
#define WORK_MAX     (32u << 20)    /* entries of tables looked at, well below a second */
#define TABLE_MAX    (32u << 20)
#define FUNCTION_MAX (64u << 10)
#define CALLEES_MAX  32u
#define NAME_BYTES   20u
#define TEXTS_MAX    16u  /* places of one text */
#define EH_TABLE     0x3b /* DW_EH_PE_datarel | DW_EH_PE_sdata4, what every linker writes */

struct segment {
	uint64_t address, size;
	bool executable;
	uint8_t *bytes; /* as many as the file has */
};

struct image {
	struct segment list[SEGMENTS_MAX];
	size_t count;
	uint64_t file_size, bytes;
	uint64_t work;
	uint64_t dynamic, dynamic_size, frames;
	uint64_t symbols, symbols_end, strings, rela, rela_size, plt, plt_size;
};

/* Whether one more entry may be looked at. */
static bool spend(struct image *m)
{
	return m->work < WORK_MAX && ++m->work;
}

static void image_fini(struct image *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->list[i].bytes);
}

/* size bytes at an address, or NULL. */
static const uint8_t *at(const struct image *m, uint64_t address, uint64_t size)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct segment *s = &m->list[i];

		if (address >= s->address && address - s->address <= s->size &&
		    size <= s->size - (address - s->address))
			return s->bytes + (address - s->address);
	}
	return NULL;
}

/* How many of size bytes at an address there are. */
static uint64_t clip(const struct image *m, uint64_t address, uint64_t size)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct segment *s = &m->list[i];

		if (address < s->address || address - s->address >= s->size)
			continue;
		uint64_t left = s->size - (address - s->address);
		return size < left ? size : left;
	}
	return 0;
}

static bool is_code(const struct image *m, uint64_t address)
{
	for (size_t i = 0; address && i < m->count; i++)
		if (m->list[i].executable && address >= m->list[i].address &&
		    address - m->list[i].address < m->list[i].size)
			return true;
	return false;
}

static uint64_t word_at(const struct image *m, uint64_t address)
{
	const uint8_t *p = at(m, address, 8);
	uint64_t word = 0;

	if (p)
		memcpy(&word, p, sizeof(word));
	return word;
}

static int read_segment(struct image *m, int fd, const Elf64_Phdr *h)
{
	uint64_t size = h->p_filesz;

	if (size == 0 || h->p_offset >= m->file_size)
		return 0;
	if (size > m->file_size - h->p_offset)
		size = m->file_size - h->p_offset;
	if (m->count == SEGMENTS_MAX || size > BYTES_MAX - m->bytes)
		return -ENOENT;
	struct segment *s = &m->list[m->count];
	s->bytes = malloc(size);
	if (s->bytes == NULL)
		return -ENOMEM;
	s->address = h->p_vaddr;
	s->executable = h->p_flags & PF_X;
	m->count++;
	m->bytes += size;
	while (s->size < size) {
		ssize_t n = pread(fd, s->bytes + s->size, size - s->size, (off_t)(h->p_offset + s->size));

		if (n < 0)
			return -EIO;
		if (n == 0)
			break;
		s->size += (uint64_t)n;
	}
	return 0;
}

static void read_dynamic(struct image *m)
{
	for (uint64_t i = 0; i < m->dynamic_size / 16 && i < DYNAMIC_MAX; i++) {
		uint64_t tag = word_at(m, m->dynamic + i * 16), value = word_at(m, m->dynamic + i * 16 + 8);

		/* The table of symbols ends where the next one begins, or before. */
		if ((tag == DT_STRTAB || tag == DT_GNU_HASH || tag == DT_HASH || tag == DT_VERSYM ||
		     tag == DT_RELA || tag == DT_JMPREL || tag == DT_VERNEED) &&
		    value > m->symbols && value < m->symbols_end)
			m->symbols_end = value;
		switch (tag) {
		case DT_NULL:
			return;
		case DT_SYMTAB:
			m->symbols = value;
			break;
		case DT_STRTAB:
			m->strings = value;
			break;
		case DT_RELA:
			m->rela = value;
			break;
		case DT_JMPREL:
			m->plt = value;
			break;
		case DT_PLTRELSZ:
			m->plt_size = value < TABLE_MAX ? value : TABLE_MAX;
			break;
		case DT_RELASZ:
			m->rela_size = value < TABLE_MAX ? value : TABLE_MAX;
			break;
		}
	}
}

static int image_read(struct image *m, int fd)
{
	Elf64_Phdr headers[HEADERS_MAX];
	Elf64_Ehdr e;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -EIO;
	m->file_size = (uint64_t)st.st_size;
	if (pread(fd, &e, sizeof(e), 0) != (ssize_t)sizeof(e) || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 ||
	    e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_machine != EM_X86_64 ||
	    e.e_phentsize != sizeof(Elf64_Phdr) || e.e_phnum > HEADERS_MAX)
		return -ENOENT;
	ssize_t size = (ssize_t)(e.e_phnum * sizeof(Elf64_Phdr));
	if (pread(fd, headers, (size_t)size, (off_t)e.e_phoff) != size)
		return -ENOENT;
	for (unsigned i = 0; i < e.e_phnum; i++) {
		const Elf64_Phdr *h = &headers[i];
		int r = h->p_type == PT_LOAD ? read_segment(m, fd, h) : 0;

		if (r < 0)
			return r;
		if (h->p_type == PT_DYNAMIC) {
			m->dynamic = h->p_vaddr;
			m->dynamic_size = h->p_filesz;
		} else if (h->p_type == PT_GNU_EH_FRAME) {
			m->frames = h->p_vaddr;
		}
	}
	/* Twice: the first time finds where the symbols begin. */
	read_dynamic(m);
	m->symbols_end = m->symbols + TABLE_MAX;
	read_dynamic(m);
	m->symbols_end = m->symbols + clip(m, m->symbols, m->symbols_end - m->symbols);
	m->rela_size = clip(m, m->rela, m->rela_size);
	m->plt_size = clip(m, m->plt, m->plt_size);
	return 0;
}

/* ---- from the docstring to the method ---- */

static uint64_t find_text(const struct image *m, const char *text)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct segment *s = &m->list[i];
		const uint8_t *p = memmem(s->bytes, s->size, text, strlen(text));

		if (p)
			return s->address + (uint64_t)(p - s->bytes);
	}
	return 0;
}

/* The value of a word once the file is loaded: a relative relocation's, or what stands there. */
static uint64_t loaded_word(struct image *m, uint64_t address)
{
	for (uint64_t i = 0; i + 24 <= m->rela_size && spend(m); i += 24)
		if (word_at(m, m->rela + i) == address &&
		    (uint32_t)word_at(m, m->rela + i + 8) == R_X86_64_RELATIVE)
			return word_at(m, m->rela + i + 16);
	return word_at(m, address);
}

/* struct PyMethodDef: name, method, flags, docstring; 8 bytes each. */
static uint64_t method_of(struct image *m, uint64_t doc_slot, const char *name)
{
	uint64_t text = doc_slot < 24 ? 0 : loaded_word(m, doc_slot - 24);
	const uint8_t *p = at(m, text, strlen(name) + 1);

	if (p == NULL || memcmp(p, name, strlen(name) + 1) != 0)
		return 0;
	return loaded_word(m, doc_slot - 16);
}

static uint64_t find_method(struct image *m, uint64_t doc, const char *name)
{
	uint64_t method = 0;

	for (uint64_t i = 0; i + 24 <= m->rela_size && !method && spend(m); i += 24)
		if (word_at(m, m->rela + i + 16) == doc &&
		    (uint32_t)word_at(m, m->rela + i + 8) == R_X86_64_RELATIVE)
			method = method_of(m, word_at(m, m->rela + i), name);
	for (size_t i = 0; i < m->count && !method; i++) {
		const struct segment *s = &m->list[i];

		for (uint64_t k = -s->address & 7; k + 8 <= s->size && !method; k += 8)
			if (memcmp(s->bytes + k, &doc, 8) == 0)
				method = method_of(m, s->address + k, name);
	}
	return method;
}

/* ---- what makes what is run later ---- */

#define METH_VARARGS_KEYWORDS 3u    /* methodobject.h: METH_VARARGS | METH_KEYWORDS */
#define METH_FAST_KEYWORDS    0x82u /* METH_FASTCALL | METH_KEYWORDS */
#define METH_FAST	      0x80u /* METH_FASTCALL */
#define TP_NAME		      24u   /* PyTypeObject, of builds with a GIL */
#define TP_INIT		      296u
#define SLOT_INIT	      60u /* typeslots.h: Py_tp_init */
#define SLOTS_MAX	      32u

/* Looks at the place of a word that holds `value` when the file is loaded. What it finds, 0: nothing. */
typedef uint64_t place_fn(struct image *m, uint64_t place, const char *name);

static uint64_t find_place(struct image *m, uint64_t value, place_fn *look, const char *name)
{
	uint64_t found = 0;

	for (uint64_t i = 0; i + 24 <= m->rela_size && !found && spend(m); i += 24)
		if (word_at(m, m->rela + i + 16) == value &&
		    (uint32_t)word_at(m, m->rela + i + 8) == R_X86_64_RELATIVE)
			found = look(m, word_at(m, m->rela + i), name);
	for (size_t i = 0; i < m->count && !found; i++) {
		const struct segment *s = &m->list[i];

		if (m->work >= WORK_MAX)
			break;
		m->work += s->size / 64;
		for (uint64_t k = -s->address & 7; k + 8 <= s->size && !found; k += 8)
			if (memcmp(s->bytes + k, &value, 8) == 0)
				found = look(m, s->address + k, name);
	}
	return found;
}

/* The same for each place where a text stands, its NUL with it: linkers let a text be the end of another one. */
static uint64_t find_by_text(struct image *m, const char *text, place_fn *look)
{
	size_t n = strlen(text) + 1;
	uint64_t found = 0;

	for (size_t i = 0; i < m->count && !found; i++) {
		const struct segment *s = &m->list[i];
		const uint8_t *end = s->bytes + s->size, *p = s->bytes;

		for (unsigned k = 0; k < TEXTS_MAX && !found; k++) {
			p = p < end ? memmem(p, (size_t)(end - p), text, n) : NULL;
			if (p == NULL)
				break;
			found = find_place(m, s->address + (uint64_t)(p - s->bytes), look, text);
			p++;
		}
	}
	return found;
}

/* A PyMethodDef whose name is here: (module, args) or (module, args, kwargs). */
static uint64_t look_at_function(struct image *m, uint64_t place, const char *name)
{
	uint64_t flags = loaded_word(m, place + 16), method = loaded_word(m, place + 8);

	(void)name;
	return (flags == 1 || flags == METH_VARARGS_KEYWORDS) && is_code(m, method) ? method : 0;
}

/* A PyMethodDef whose docstring is here: (self, args[], count, names). */
static uint64_t look_at_put(struct image *m, uint64_t place, const char *name)
{
	uint64_t method = method_of(m, place, "put");

	(void)name;
	return method && loaded_word(m, place - 8) == METH_FAST_KEYWORDS && is_code(m, method) ? method : 0;
}

/* A type, or from 3.12 on what one is made from, whose name is here: its tp_init. */
static uint64_t look_at_type(struct image *m, uint64_t place, const char *name)
{
	uint64_t init = 0;

	(void)name;
	if (loaded_word(m, place + 16) == 0) { /* tp_itemsize; PyType_Spec.flags is not 0 */
		init = loaded_word(m, place - TP_NAME + TP_INIT);
		return is_code(m, init) ? init : 0;
	}
	uint64_t slots = loaded_word(m, place + 24);
	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		uint64_t slot = word_at(m, slots + i * 16);

		if ((uint32_t)slot == 0)
			return 0;
		if ((uint32_t)slot == SLOT_INIT) {
			init = loaded_word(m, slots + i * 16 + 8);
			return is_code(m, init) ? init : 0;
		}
	}
	return 0;
}

int docstring_find_makers(int fd, struct docstring_makers *out)
{
	autodrop(image_fini) struct image m = {0};
	int r = image_read(&m, fd);

	*out = (struct docstring_makers){0};
	if (r < 0)
		return r;
	out->task = find_by_text(&m, "_asyncio.Task", look_at_type);
	out->future = find_by_text(&m, "_asyncio.Future", look_at_type);
	uint64_t doc = find_text(
		&m, "put($self, /, item, block=True, timeout=None)\n--\n\nPut the item on the queue.");
	out->submit = doc ? find_place(&m, doc, look_at_put, NULL) : 0;
	out->thread[0] = find_by_text(&m, "start_new_thread", look_at_function);
	out->thread[1] = find_by_text(&m, "start_joinable_thread", look_at_function);
	return out->task || out->submit || out->thread[0] || out->thread[1] ? 0 : -ENOENT;
}

/* A PyMethodDef whose name is here: (module, args[], count). */
static uint64_t look_at_fast(struct image *m, uint64_t place, const char *name)
{
	uint64_t method = loaded_word(m, place + 8);

	(void)name;
	return loaded_word(m, place + 16) == METH_FAST && is_code(m, method) ? method : 0;
}

int docstring_find_audit(int fd, uint64_t *method)
{
	autodrop(image_fini) struct image m = {0};
	int r = image_read(&m, fd);

	if (r < 0)
		return r;
	*method = find_by_text(&m, "audit", look_at_fast);
	return *method ? 0 : -ENOENT;
}

/* ---- code ---- */

/* Where the function after this one begins: the table of .eh_frame_hdr is sorted. 0: not known. */
static uint64_t end_of(const struct image *m, uint64_t function)
{
	const uint8_t *h = m->frames ? at(m, m->frames, 12) : NULL;
	uint32_t n;

	if (h == NULL || h[0] != 1 || h[2] != 0x03 || h[3] != EH_TABLE)
		return 0;
	memcpy(&n, h + 8, 4);
	const uint8_t *table = at(m, m->frames + 12, (uint64_t)n * 8);
	if (table == NULL)
		return 0;
	uint32_t low = 0, high = n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int32_t start;

		memcpy(&start, table + (uint64_t)middle * 8, 4);
		if (m->frames + (uint64_t)(int64_t)start <= function)
			low = middle + 1;
		else
			high = middle;
	}
	int32_t next;
	if (low == n)
		return 0;
	memcpy(&next, table + (uint64_t)low * 8, 4);
	return m->frames + (uint64_t)(int64_t)next;
}

static const char *name_of(const struct image *m, uint64_t symbol)
{
	const uint8_t *s = at(m, symbol, 24);
	uint32_t name;

	if (s == NULL)
		return NULL;
	memcpy(&name, s, 4);
	/* Names that are asked for are shorter than what is looked at here. */
	const uint8_t *text = at(m, m->strings + name, 1);
	return text && at(m, m->strings + name, NAME_BYTES) ? (const char *)text : NULL;
}

/* A PLT stub: [endbr64] [bnd] jmp *slot(%rip). The symbol whose address the slot gets. */
static const char *name_of_stub(struct image *m, uint64_t address)
{
	const uint8_t *code = at(m, address, 16);
	int32_t distance;
	unsigned i = 0;

	if (code == NULL)
		return NULL;
	if (memcmp(code, "\xf3\x0f\x1e\xfa", 4) == 0)
		i = 4;
	i += code[i] == 0xf2;
	if (code[i] != 0xff || code[i + 1] != 0x25)
		return NULL;
	memcpy(&distance, code + i + 2, 4);
	uint64_t slot = address + i + 6 + (uint64_t)(int64_t)distance;
	for (uint64_t k = 0; k + 24 <= m->plt_size && spend(m); k += 24)
		if (word_at(m, m->plt + k) == slot)
			return name_of(m, m->symbols + (word_at(m, m->plt + k + 8) >> 32) * 24);
	return NULL;
}

/* The name of the exported function at an address, or behind the PLT stub there; NULL: none. */
static const char *exported_at(struct image *m, uint64_t address)
{
	for (uint64_t i = m->symbols; m->symbols && i + 24 <= m->symbols_end && spend(m); i += 24) {
		const uint8_t *s = at(m, i, 24);

		if (s == NULL)
			break;
		if ((s[4] & 15) == STT_FUNC && word_at(m, i + 8) == address)
			return name_of(m, i);
	}
	return name_of_stub(m, address);
}

/* Targets of the direct calls of a function, in the order of its code. */
static size_t calls_of(const struct image *m, uint64_t function, uint64_t calls[CALLEES_MAX])
{
	uint64_t end = end_of(m, function), size = end - function;
	const uint8_t *code = end && size <= FUNCTION_MAX ? at(m, function, size) : NULL;
	ZydisDecoder decoder;
	size_t n = 0;

	if (code == NULL ||
	    ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return 0;
	for (uint64_t i = 0; i < size && n < CALLEES_MAX;) {
		ZydisDecodedInstruction insn;

		if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, NULL, code + i, size - i, &insn)))
			break;
		if (code[i] == 0xe8 && insn.length == 5) {
			int32_t distance;

			memcpy(&distance, code + i + 1, 4);
			calls[n++] = function + i + 5 + (uint64_t)(int64_t)distance;
		}
		i += insn.length;
	}
	return n;
}

/* The first call after PyEval_SaveThread of what is no part of Python's interface. */
static uint64_t after_save(struct image *m, uint64_t function)
{
	uint64_t calls[CALLEES_MAX];
	size_t n = calls_of(m, function, calls);
	bool saved = false;

	for (size_t i = 0; i < n; i++) {
		const char *name = exported_at(m, calls[i]);

		if (name && strcmp(name, "PyEval_SaveThread") == 0)
			saved = true;
		else if (saved && name == NULL)
			return calls[i];
	}
	return 0;
}

static uint64_t find_named(struct image *m, const char *doc, const char *name)
{
	uint64_t text = find_text(m, doc);

	return text ? find_method(m, text, name) : 0;
}

static int find_methods(struct image *m, struct docstring_places *out)
{
	out->write_method = find_named(
		m, "write($self, b, /)\n--\n\nWrites the bytes-like object b into the SSL object.", "write");
	out->read_method =
		out->write_method ? find_named(m, "read(size, [buffer])\nRead up to size bytes", "read") : 0;
	/* What was not looked at to the end proves nothing. */
	return out->read_method && out->read_method != out->write_method && m->work < WORK_MAX ? 0 : -ENOENT;
}

/* What a method calls with the interpreter's lock let go. */
static uint64_t find_function(struct image *m, uint64_t method)
{
	uint64_t found = after_save(m, method), calls[CALLEES_MAX];

	if (found)
		return found;
	/* Argument Clinic's wrapper in front of the method. */
	size_t n = calls_of(m, method, calls);
	for (size_t i = 0; i < n && !found; i++)
		found = exported_at(m, calls[i]) ? 0 : after_save(m, calls[i]);
	return found;
}

int docstring_find_methods(int fd, struct docstring_places *out)
{
	autodrop(image_fini) struct image m = {0};
	struct docstring_places found = {0};
	int r = image_read(&m, fd);

	if (r == 0)
		r = find_methods(&m, &found);
	if (r == 0)
		*out = found;
	return r;
}

int docstring_find(int fd, struct docstring_places *out)
{
	autodrop(image_fini) struct image m = {0};
	struct docstring_places found = {0};
	int r = image_read(&m, fd);

	if (r == 0)
		r = find_methods(&m, &found);
	if (r < 0)
		return r;
	found.write = find_function(&m, found.write_method);
	found.read = found.write ? find_function(&m, found.read_method) : 0;
	if (!found.read || found.read == found.write || m.work >= WORK_MAX)
		return -ENOENT;
	*out = found;
	return 0;
}
