/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the file of a CPython says of itself: where its runtime state will lie, its version, and from 3.13 on how it lays
 * out its memory (_Py_DebugOffsets, which stands in the file as it will stand in memory). Hostile input: every read is
 * bounded, nothing is believed.
 */
#ifndef PROBE_INTERPRETER_H
#define PROBE_INTERPRETER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/drop.h"

#define INTERPRETER_OFFSETS 112 /* u64 of _Py_DebugOffsets: 111 in 3.15 */
#define INTERPRETER_ASYNCIO 13

struct interpreter {
	uint64_t base;	  /* the address that the file's first byte is linked to */
	uint64_t runtime; /* that of _PyRuntime */
	uint32_t version; /* PY_VERSION_HEX; 0: the file does not tell (before 3.11) */
	bool has_offsets; /* what follows is there: its cookie was */
	uint64_t offsets[INTERPRETER_OFFSETS];
	bool has_asyncio; /* section .AsyncioDebug; the interpreter's own, not an extension's */
	uint64_t asyncio[INTERPRETER_ASYNCIO];
};

/* 0; -ENOENT: it holds no interpreter; -ENOEXEC, -EBADMSG, -ENOMEM. */
int interpreter_read(struct interpreter *out, int fd) MUST_CHECK;

#endif
