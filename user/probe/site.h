/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where in a function a probe sits, and what a hit costs there. The place is the symbol's first instruction: always
 * an instruction's start, never inside a leaf's red zone.
 */
#ifndef PROBE_SITE_H
#define PROBE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/elf.h"
#include "wire.h"

struct site {
	uint32_t fn;	 /* enum wire_fn */
	uint64_t offset; /* in the file */
	uint8_t bytes[ELF_CODE_BYTES];
	uint8_t len;
	bool emulated; /* the kernel emulates the instruction: no single step */
	bool returns;  /* gets a return probe too */
};

/* What one call costs, by the instruction under the probe; calibrated on this machine. */
struct site_costs {
	uint32_t base_ns;     /* the call itself, untraced */
	uint32_t data_ns[2];  /* entry and return, 200 bytes copied: [emulated] */
	uint32_t plain_ns[2]; /* entry only: [emulated] */
};

/* The symbol of a function: "SSL_read". */
const char *site_name(enum wire_fn fn);
/*
 * Whether a return probe may be set on it. Only plain C functions that neither throw, nor longjmp, nor switch stacks,
 * nor unwind are on the list: an exception through a probed frame ends the program.
 */
bool site_may_return(enum wire_fn fn);
/* Whether the kernel emulates this instruction (x86: nop, push, call, jmp, jcc; elsewhere: not known, false). */
bool site_is_emulated(const uint8_t *code, size_t len);
/* Fills sites with the functions that a TLS library defines. Returns how many; 0 when none of them moves data. */
size_t site_choose(struct elf_file *elf, struct site sites[WIRE_FNS]);
uint32_t site_cost(const struct site *s, const struct site_costs *costs);

#endif
