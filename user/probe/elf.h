/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What we want to know of an ELF file: where functions are in the file, its build-id, which libraries it asks for.
 * The file is a stranger's and may change while we read: it is read, never mapped (a cut file would kill us), every
 * size is checked against the file's. 64-bit, this machine's architecture and byte order only.
 */
#ifndef PROBE_ELF_H
#define PROBE_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/drop.h"
#include "base/str.h"

#define ELF_CODE_BYTES	   16
#define ELF_BUILD_ID_BYTES 20

struct elf_symbol {
	const char *name; /* in: what is sought */
	bool found;
	bool local;	  /* from .symtab only */
	uint64_t address; /* virtual */
	uint64_t size;
	uint64_t offset;	      /* in the file */
	uint8_t code[ELF_CODE_BYTES]; /* its first bytes */
	uint8_t code_len;
};

/* Of the dynamic section: names NUL-terminated, one after the other. */
struct elf_needs {
	struct buf needed;
	char *rpath;   /* NULL: none */
	char *runpath; /* NULL: none */
};

struct elf_file;

/* fd is borrowed and must outlive the handle. 0; -ENOEXEC not ELF, -ENOTSUP another class or machine, -EBADMSG
 * nonsense, -ENOMEM. */
int elf_open(struct elf_file **out, int fd) MUST_CHECK;
void elf_close(struct elf_file *f);
DROP_POINTER(elf_file, elf_close)

/* Fills what it finds of `symbols`: functions that the file defines, .dynsym first, then .symtab, then the
 * way of docstring.h; of several versions the default one. Returns how many are found. */
size_t elf_find(struct elf_file *f, struct elf_symbol *symbols, size_t count);
/* Copies code of an executable segment: at most len bytes. Returns how many, 0: there is none. */
size_t elf_read_code(struct elf_file *f, uint64_t address, uint8_t *code, size_t len);
/* Offset in the file of code; false when there is none. */
bool elf_find_offset(struct elf_file *f, uint64_t address, uint64_t *offset);
/* The size of the function that begins at an address, from the unwinder's tables (.eh_frame): they know static
 * functions of stripped files too. 0: no function is known to begin there. */
uint64_t elf_find_extent(struct elf_file *f, uint64_t address);
/* False for files that were built without those tables. */
bool elf_has_extents(struct elf_file *f);
/* The next address behind this one at which an exported function begins; 0: none. */
uint64_t elf_find_next(struct elf_file *f, uint64_t address);
/* The symbol whose address the dynamic linker writes into a slot, as PLT stubs jump through; NULL: none. Borrowed. */
const char *elf_find_slot(struct elf_file *f, uint64_t slot);
/* Its length, at most ELF_BUILD_ID_BYTES; 0: none. The rest of id is zeros. */
size_t elf_build_id(struct elf_file *f, uint8_t id[ELF_BUILD_ID_BYTES]);
/* 0, -ENOMEM. A file without a dynamic section needs nothing. */
int elf_needs(struct elf_file *f, struct elf_needs *out) MUST_CHECK;
void elf_needs_fini(struct elf_needs *n);

#endif
