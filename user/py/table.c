/* SPDX-License-Identifier: BSD-2-Clause */
/* After CPython's Objects/lnotab_notes.txt (3.8, 3.9, 3.10) and Objects/locations.md (from 3.11 on). */
#include "py/table.h"

#define UNIT_BYTES 2 /* of an instruction, its cache entries likewise */

/* locations.md: kinds of an entry */
#define KIND_ONE_LINE	10 /* and 11, 12: so many lines further */
#define KIND_NO_COLUMNS 13
#define KIND_LONG	14
#define KIND_NONE	15

static uint32_t line_or_none(int64_t line)
{
	return line > 0 && line <= INT32_MAX ? (uint32_t)line : 0;
}

/* Pairs: bytes of code, lines (signed). The line changes at the address after the pair's bytes. */
static uint32_t read_lnotab(struct str t, int64_t line, int64_t lasti)
{
	int64_t address = 0;

	for (size_t i = 0; i + 1 < t.n; i += 2) {
		address += (uint8_t)t.p[i];
		if (address > lasti)
			break;
		line += (int8_t)t.p[i + 1];
	}
	return line_or_none(line);
}

/* Pairs: bytes of code that stand in the line, lines (signed) from the one before to it; -128: in none. */
static uint32_t read_pairs(struct str t, int64_t line, int64_t lasti)
{
	int64_t end = 0;

	for (size_t i = 0; i + 1 < t.n; i += 2) {
		int delta = (int8_t)t.p[i + 1];

		end += (uint8_t)t.p[i];
		if (delta != -128)
			line += delta;
		if (end > lasti)
			return delta == -128 ? 0 : line_or_none(line);
	}
	return 0;
}

/* Six bits a byte, the lowest first; 0x40: one more follows. The lowest bit is the sign. */
static int64_t signed_varint(struct str t, size_t at)
{
	uint64_t value = 0;

	for (unsigned shift = 0; at < t.n && shift < 36; at++, shift += 6) {
		value |= (uint64_t)(t.p[at] & 0x3f) << shift;
		if (!(t.p[at] & 0x40))
			break;
	}
	return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

/* Lines from the entry before to the one at i. */
static int64_t line_delta(struct str t, size_t i, int kind)
{
	if (kind == KIND_NO_COLUMNS || kind == KIND_LONG)
		return signed_varint(t, i + 1);
	return kind >= KIND_ONE_LINE && kind < KIND_NO_COLUMNS ? kind - KIND_ONE_LINE : 0;
}

/* Where the entry behind the one at i begins. */
static size_t entry_end(struct str t, size_t i)
{
	do
		i++;
	while (i < t.n && !((uint8_t)t.p[i] & 0x80));
	return i;
}

/* Entries: a byte 1kkkklll (kind; units of code, less one), then what the kind has, all below 0x80. */
static uint32_t read_locations(struct str t, int64_t line, int64_t lasti)
{
	int64_t end = 0;

	for (size_t i = 0; i < t.n;) {
		int kind = (uint8_t)t.p[i] >> 3 & 15;

		end += (((uint8_t)t.p[i] & 7) + 1) * UNIT_BYTES;
		line += line_delta(t, i, kind);
		if (end > lasti)
			return kind == KIND_NONE ? 0 : line_or_none(line);
		i = entry_end(t, i);
	}
	return 0;
}

/* What a table says of code behind an instruction, entry by entry. */
struct turn {
	int32_t lasti;
	int64_t end;  /* of the entry at hand, in bytes of code */
	int64_t line; /* of the instruction; 0: not seen yet */
};

/* True: this entry stands behind it, in an earlier line. */
static bool turn_at(struct turn *t, int64_t line, bool none)
{
	if (t->end <= t->lasti || none)
		return false;
	if (t->line == 0) {
		t->line = line;
		return false;
	}
	return line < t->line;
}

static bool turn_pairs(struct str table, int64_t line, int32_t lasti)
{
	struct turn t = {.lasti = lasti};

	for (size_t i = 0; i + 1 < table.n; i += 2) {
		int delta = (int8_t)table.p[i + 1];

		t.end += (uint8_t)table.p[i];
		if (delta != -128)
			line += delta;
		if (turn_at(&t, line, delta == -128))
			return true;
	}
	return false;
}

static bool turn_locations(struct str table, int64_t line, int32_t lasti)
{
	struct turn t = {.lasti = lasti};

	for (size_t i = 0; i < table.n;) {
		int kind = (uint8_t)table.p[i] >> 3 & 15;

		t.end += (((uint8_t)table.p[i] & 7) + 1) * UNIT_BYTES;
		line += line_delta(table, i, kind);
		if (turn_at(&t, line, kind == KIND_NONE))
			return true;
		i = entry_end(table, i);
	}
	return false;
}

bool table_turns_back(uint8_t version_minor, struct str table, int32_t first_line, int32_t lasti)
{
	if (lasti < 0 || version_minor < 10)
		return false;
	return version_minor == 10 ? turn_pairs(table, first_line, lasti)
				   : turn_locations(table, first_line, lasti);
}

uint32_t table_line(uint8_t version_minor, struct str table, int32_t first_line, int32_t lasti)
{
	if (lasti < 0)
		return line_or_none(first_line);
	if (version_minor < 10)
		return read_lnotab(table, first_line, lasti);
	if (version_minor == 10)
		return read_pairs(table, first_line, lasti);
	return read_locations(table, first_line, lasti);
}
