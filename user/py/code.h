/* SPDX-License-Identifier: BSD-2-Clause */
/* Code objects as the kernel sent them: by (process, address, epoch), what was not used for longest goes first. */
#ifndef PY_CODE_H
#define PY_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/str.h"
#include "wire.h"

struct code;

struct code_key {
	uint64_t process; /* serial number */
	uint64_t address;
	uint64_t epoch;
};

struct code {
	struct code *newer, *older;  /* by use, of all */
	struct code *before, *after; /* of the process */
	struct code **list;	     /* its process's */
	struct code_key key;
	int32_t first_line;
	uint8_t version_minor;
	uint8_t flags; /* WIRE_PY_CODE_* */
	uint32_t co_flags;
	uint32_t bytes;
	struct str file, function, table, code; /* in one block with this; UTF-8; p NULL: did not come */
};

struct code_table {
	struct map *map;
	struct code *newest, *oldest;
	size_t bytes, max_bytes;
};

/* 0, -ENOMEM. */
int code_init(struct code_table *t, size_t max_bytes) MUST_CHECK;
void code_fini(struct code_table *t);
/* list: where the process has its code objects. An object that is known stays (it is sent again when the kernel forgot that
 * it had been). NULL without memory. */
struct code *code_add(struct code_table *t, uint64_t process, struct code **list,
		      const struct wire_py_code *rec);
/* NULL: its record is not here. It counts as used. */
struct code *code_find(struct code_table *t, uint64_t process, uint64_t address, uint32_t epoch);
/* All of a process. */
void code_drop(struct code_table *t, struct code **list);
/* Text of a str as CPython keeps it, as UTF-8 (what is no character: U+FFFD); returns its length. out: room for
 * CODE_TEXT_MAX. */
#define CODE_TEXT_MAX (2u * WIRE_PY_NAME_MAX)
size_t code_text(uint8_t kind, struct str bytes, char out[CODE_TEXT_MAX]);

#endif
