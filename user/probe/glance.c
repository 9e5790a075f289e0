/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/glance.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

#define HEADERS_MAX 64u
#define DYNAMIC_MAX 256u
#define CHAIN_MAX   64u /* of one bucket; a bucket of a real table has a handful */

static const char *const functions[] = {"SSL_read", "SSL_write", "SSL_read_ex", "SSL_write_ex"};

struct image {
	int fd;
	Elf64_Phdr headers[HEADERS_MAX];
	unsigned count;
	uint64_t hash, symbols, strings; /* addresses of DT_GNU_HASH, DT_SYMTAB, DT_STRTAB; 0: none */
	bool is_program;
};

static bool read_at(int fd, void *out, size_t size, uint64_t offset)
{
	return offset < INT64_MAX && pread(fd, out, size, (off_t)offset) == (ssize_t)size;
}

/* Reads at a virtual address; the whole of it lies in the file. */
static bool read_address(const struct image *e, void *out, size_t size, uint64_t address)
{
	for (unsigned i = 0; i < e->count; i++) {
		const Elf64_Phdr *h = &e->headers[i];

		if (h->p_type != PT_LOAD || address < h->p_vaddr || address - h->p_vaddr >= h->p_filesz ||
		    size > h->p_filesz - (address - h->p_vaddr))
			continue;
		return read_at(e->fd, out, size, h->p_offset + (address - h->p_vaddr));
	}
	return false;
}

static void read_dynamic(struct image *e, const Elf64_Phdr *header)
{
	Elf64_Dyn dyn[DYNAMIC_MAX];
	size_t n = header->p_filesz / sizeof(dyn[0]);

	if (n > DYNAMIC_MAX)
		n = DYNAMIC_MAX;
	if (!read_at(e->fd, dyn, n * sizeof(dyn[0]), header->p_offset))
		return;
	for (size_t i = 0; i < n && dyn[i].d_tag != DT_NULL; i++) {
		if (dyn[i].d_tag == DT_GNU_HASH)
			e->hash = dyn[i].d_un.d_ptr;
		else if (dyn[i].d_tag == DT_SYMTAB)
			e->symbols = dyn[i].d_un.d_ptr;
		else if (dyn[i].d_tag == DT_STRTAB)
			e->strings = dyn[i].d_un.d_ptr;
	}
}

static bool open_image(struct image *e, int fd)
{
	Elf64_Ehdr header;

	*e = (struct image){.fd = fd};
	if (!read_at(fd, &header, sizeof(header), 0) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > HEADERS_MAX)
		return false;
	e->is_program = header.e_type == ET_EXEC;
	if (!read_at(fd, e->headers, header.e_phnum * sizeof(Elf64_Phdr), header.e_phoff))
		return false;
	e->count = header.e_phnum;
	for (unsigned i = 0; i < e->count; i++) {
		if (e->headers[i].p_type == PT_INTERP)
			e->is_program = true;
		else if (e->headers[i].p_type == PT_DYNAMIC)
			read_dynamic(e, &e->headers[i]);
	}
	return true;
}

static uint32_t hash_of(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (unsigned char)*name;
	return h;
}

/* Whether symbol i has that name. Entries of .gnu.hash are defined ones. */
static bool is_named(const struct image *e, uint32_t i, const char *name)
{
	char text[16];
	Elf64_Sym sym;
	size_t size = strlen(name) + 1;

	return read_address(e, &sym, sizeof(sym), e->symbols + (uint64_t)i * sizeof(sym)) &&
	       sym.st_shndx != SHN_UNDEF && size <= sizeof(text) &&
	       read_address(e, text, size, e->strings + sym.st_name) && memcmp(text, name, size) == 0;
}

/* The table as the GNU linkers write it: a Bloom filter, buckets, and hashes in the order of the symbols. */
static bool exports(const struct image *e, const char *name)
{
	struct {
		uint32_t buckets, first, words, shift;
	} t;
	uint32_t h = hash_of(name), i, chain;
	uint64_t word, at;

	if (!e->hash || !e->symbols || !e->strings || !read_address(e, &t, sizeof(t), e->hash) ||
	    t.words == 0 || t.buckets == 0 || t.shift > 31)
		return false;
	at = e->hash + sizeof(t);
	if (!read_address(e, &word, sizeof(word), at + (uint64_t)(h / 64 % t.words) * 8) ||
	    !(word >> (h % 64) & 1) || !(word >> ((h >> t.shift) % 64) & 1))
		return false;
	at += (uint64_t)t.words * 8;
	if (!read_address(e, &i, sizeof(i), at + (uint64_t)(h % t.buckets) * 4) || i < t.first)
		return false;
	at += (uint64_t)t.buckets * 4;
	for (unsigned n = 0; n < CHAIN_MAX; n++, i++) {
		if (!read_address(e, &chain, sizeof(chain), at + (uint64_t)(i - t.first) * 4))
			return false;
		if ((chain | 1) == (h | 1) && is_named(e, i, name))
			return true;
		if (chain & 1)
			return false;
	}
	return false;
}

static bool speaks_of(struct str path, const char *const *words, size_t count)
{
	path = str_base_name(path);
	for (size_t i = 0; i < count; i++)
		if (str_has(path, str_of(words[i])))
			return true;
	return false;
}

const char *glance_find_suspect(struct str path)
{
	static const struct {
		const char *word, *tls;
	} suspects[] = {
		{"cygrpc", "BoringSSL"}, {"grpc", "BoringSSL"},	     {"boringssl", "BoringSSL"},
		{"primp", "BoringSSL"},	 {"rustls", "rustls"},	     {"libgnutls.so", "GnuTLS"},
		{"libssl3.so", "NSS"},	 {"libmbedtls", "mbed TLS"}, {"libwolfssl", "wolfSSL"},
	};

	for (size_t i = 0; i < sizeof(suspects) / sizeof(suspects[0]); i++)
		if (speaks_of(path, &suspects[i].word, 1))
			return suspects[i].tls;
	return NULL;
}

bool glance_is_worth(int fd, uint64_t size, struct str path)
{
	/* _rust.abi3.so is cryptography's, _wrapper.abi3.so curl_cffi's. */
	static const char *const words[] = {"ssl",  "python", "node",	"_rust", "wrapper", "grpc",
					    "curl", "crypto", "boring", "deno",	 "bun"};
	struct image e;

	if (size < GLANCE_BYTES_MIN || !open_image(&e, fd))
		return false;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (exports(&e, functions[i]))
			return true;
	return e.is_program || speaks_of(path, words, sizeof(words) / sizeof(words[0]));
}
