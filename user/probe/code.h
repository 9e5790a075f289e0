/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One machine instruction, as far as the choice of a probe's place wants to know it. What is this machine's own stands
 * in tables of code.c; an architecture without tables decodes nothing.
 */
#ifndef PROBE_CODE_H
#define PROBE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"

#define CODE_ARGUMENTS 5 /* that registers carry and somebody asks for */
/* A set of arguments: CODE_ARG(1) is the first. */
#define CODE_ARG(n) (1u << ((n)-1))

enum code_kind {
	CODE_PLAIN,  /* goes on with the next one */
	CODE_CALL,   /* to an address, or through a slot of the file; comes back */
	CODE_BRANCH, /* to an address, or on */
	CODE_JUMP,   /* to an address, or through a slot */
	CODE_END,    /* return, trap */
	CODE_WILD,   /* call or jump to where nobody can tell */
};

struct code {
	enum code_kind kind;
	uint8_t length;
	bool emulated;	     /* by every kernel since 5.8 */
	bool moves_stack;    /* writes the stack pointer */
	uint8_t overwritten; /* CODE_ARG of those whose register it writes */
	uint64_t target;     /* address; 0: none */
	uint64_t slot;	     /* address of the word that holds the target; 0: none */
};

/* 0; -EBADMSG no instruction, -ENOTSUP no tables for this machine. */
int code_decode(struct code *out, const uint8_t *bytes, size_t len, uint64_t address) MUST_CHECK;
/* The length of the first instruction; len where nothing is known of it. */
size_t code_length(const uint8_t *bytes, size_t len);
/* Whether this machine's kernels emulate the instruction; some only newer ones. */
bool code_is_emulated(const uint8_t *bytes, size_t len);

#endif
