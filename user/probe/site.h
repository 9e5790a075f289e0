/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where in which function a probe sits, and what a hit costs there.
 *
 * A kernel emulates few instructions (code.c) and single-steps the others out of line, at several times the price. So
 * the first emulated one is sought where the arguments are still in their registers and, for functions with a return
 * probe, the return address is on top of the stack: the kernel takes over what it finds there. OpenSSL's exported
 * functions begin otherwise, but hand their arguments on to an internal one (ssl_read_internal, ssl_write_internal)
 * that several share: that one is then probed once for all of them, when it is proved from their code that they move
 * data through nothing else. Whatever is not proved gets its probe at the symbol.
 */
#ifndef PROBE_SITE_H
#define PROBE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/body.h"
#include "probe/elf.h"
#include "wire.h"

struct site {
	/* enum wire_fn: the meaning of arguments and result. An internal function has those of the *_ex function that
	 * hands it its own arguments. */
	uint32_t fn;
	const char *function; /* its name; of an internal one as OpenSSL's source has it */
	uint32_t covers;      /* 1 << enum wire_fn of those whose calls are seen here, fn included */
	const char *why;      /* it is not at an emulated instruction; NULL: it is */
	uint64_t offset;      /* in the file */
	uint8_t bytes[ELF_CODE_BYTES];
	uint8_t len;
	bool emulated; /* the kernel emulates the instruction: no single step */
	bool symbol;   /* at the symbol's first instruction */
	bool returns;  /* gets a return probe too */
};

/* What one call costs, by the instruction under the probe; calibrated on this machine. */
struct site_costs {
	uint32_t base_ns;     /* the call itself, untraced */
	uint32_t data_ns[2];  /* entry and return, 200 bytes copied: [emulated] */
	uint32_t plain_ns[2]; /* entry only: [emulated] */
	/* The same apart, for who must know what less of it would cost: */
	uint32_t empty_ns[2]; /* entry and return of a call that moved nothing: [emulated] */
	uint32_t record_ns;   /* on top of that, a record without its payload */
	uint32_t byte_ps;     /* on top of that, each byte: thousandths of a ns */
	/* What a process pays that is not traced but maps the same file: [emulated] */
	uint32_t stranger_ns[2];
	uint32_t
		syscall_ns; /* of a traced process, more than without --plain; 0: not attached, or nobody asks */
};

/* The symbol of a function: "SSL_read". */
const char *site_name(enum wire_fn fn);
/* Fills sites for the functions that a TLS library defines. Returns how many; 0 when none of them moves data. */
size_t site_choose(struct elf_file *elf, struct site sites[WIRE_FNS]);
/* The same with each probe at its symbol's first instruction. */
size_t site_choose_symbols(struct elf_file *elf, struct site sites[WIRE_FNS]);
/* A site in any function, CPython's methods among them: the first emulated instruction that still has what is wished for;
 * wish->stack: for a return probe, too. size: 0 where only the unwinder's tables know it. Leaves out->fn, ->function and
 * ->covers 0. 0; -ENOENT and the reason in *why. */
int site_find(struct elf_file *elf, uint64_t address, uint64_t size, const struct body_wish *wish,
	      struct site *out, const char **why) MUST_CHECK;
uint32_t site_cost(const struct site *s, const struct site_costs *costs);

#endif
