/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The code of one function, read from its file: where in it a probe may sit, and whom it calls. Its end is what the
 * unwinder's tables say, in files without them its symbol's size; nothing is looked for beyond it. A static function of
 * such a file is open at its end: it ends somewhere before the next exported one. That is enough for finding a site,
 * which lies before the first branch behind the entry. What does not decode is not guessed about.
 */
#ifndef PROBE_BODY_H
#define PROBE_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "probe/elf.h"

#define BODY_MAX     (16u << 10) /* larger functions are not looked into */
#define BODY_CALLEES 8

struct body {
	uint64_t address;
	uint8_t *code;
	size_t size;
	bool open; /* what follows it may be part of `code` */
};

/* symbol_size: 0 for static functions. 0; -ENOENT its extent is not known, -E2BIG, -EBADMSG cut file, -ENOMEM. */
int body_read(struct body *out, struct elf_file *elf, uint64_t address, uint64_t symbol_size) MUST_CHECK;
void body_fini(struct body *b);

/* Functions of the same file that it calls or jumps to, each once; those that only a slot leads to by the name of
 * their symbol. */
struct callees {
	uint64_t list[BODY_CALLEES];
	size_t count;
	bool unknown; /* there are others: by pointer, too many, or code that does not decode */
};

/* known: names of symbols with their addresses, so that calls through a slot or PLT stub to one of them are seen;
 * calls of other libraries' functions are not listed. */
void body_find_callees(const struct body *b, struct elf_file *elf, const struct elf_symbol *known,
		       size_t known_count, struct callees *out);

/* What a place must still have. */
struct body_wish {
	uint8_t arguments; /* CODE_ARG: in their registers */
	bool stack;	   /* the return address on top, as at entry */
};

/*
 * The first instruction that the kernel emulates, on the straight way from the entry. 0 and its distance from the
 * entry in *at; or -ENOENT, *why says why not.
 */
int body_find_site(const struct body *b, const struct body_wish *wish, size_t *at,
		   const char **why) MUST_CHECK;
/* Whether the straight way from the entry leads to a call or jump to `target` with these arguments still in place. */
bool body_hands_on(const struct body *b, uint64_t target, uint8_t arguments);

#endif
