/* SPDX-License-Identifier: BSD-2-Clause */
/* Line tables of code objects: three forms, by CPython's minor version. */
#ifndef PY_TABLE_H
#define PY_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Line of the instruction at byte `lasti` of co_code; -1: the frame has not started, and stands in its first line. 0: the
 * instruction belongs to no line, or the table does not reach it. Any bytes are a table. */
uint32_t table_line(uint8_t version_minor, struct str table, int32_t first_line, int32_t lasti);
/* Whether code behind that instruction belongs to an earlier line. From 3.10 on, what ends a `while` goes back to it so,
 * and from 3.12 on what ends a `for`; so does what ends a `with`. */
bool table_turns_back(uint8_t version_minor, struct str table, int32_t first_line, int32_t lasti);

#endif
