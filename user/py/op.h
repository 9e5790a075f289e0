/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions of code objects: where they lead. */
#ifndef PY_OP_H
#define PY_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define OP_MINOR_MIN 8
#define OP_MINORS    8 /* 3.8 to 3.15 */

/* Exceptions are no way on; nor is what takes an await up again: it is the same call. */
enum op_kind {
	OP_NEXT,
	OP_STOP,
	OP_EXTENDED, /* EXTENDED_ARG */
	OP_JUMP_TO,
	OP_BRANCH_TO,
	OP_JUMP_FORWARD,
	OP_BRANCH_FORWARD,
	OP_JUMP_BACK,
	OP_BRANCH_BACK,
};

/* By opcode, as it stands in memory, specialised ones too: enum op_kind | units of cache behind it << 4. */
extern const uint8_t op_table[OP_MINORS][256];
/* The opcode. */
extern const uint8_t op_end_async_for[OP_MINORS];

static inline bool op_is_known(uint8_t version_minor)
{
	return version_minor >= OP_MINOR_MIN && version_minor < OP_MINOR_MIN + OP_MINORS;
}

/* Whether a frame that stands at byte `lasti` can come back there without an exception. Any bytes are code.
 * anew: where a loop asks its iterator, with another iterator. */
bool op_comes_back(uint8_t version_minor, struct str code, int32_t lasti, bool anew);

#endif
