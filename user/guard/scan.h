/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where secrets stand in a text: one pass, no backtracking, linear in the text whatever it holds.
 *
 * A table of byte pairs says where a closer look is worth while; everything that looks ahead is either bounded,
 * consumes what it looked at, or remembers how far it looked.
 */
#ifndef GUARD_SCAN_H
#define GUARD_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct scan_hit {
	size_t at, end;	  /* these bytes become [redacted:kind] */
	const char *kind; /* static */
};

struct scan_table {
	/* By pair of bytes (first + 256 * second): what may begin there. Text touches few of its cache lines. */
	unsigned char pairs[65536];
	unsigned char third[256]; /* by the byte behind the pair: what of it is still possible */
	uint32_t thirds[256];	  /* by the first byte of a rule: its third bytes, by their last five bits */
	unsigned char rule[256];  /* index of the first rule whose prefix begins with this byte */
};

/* One text being searched. */
struct scan {
	const struct scan_table *table;
	struct str text;
	bool command;	  /* it is a command line: values after secret options go whatever they look like */
	size_t jwt_until; /* no JWT begins before this */
	size_t run_at, run_end;	  /* the unquoted value looked at last */
	size_t line_at, line_end; /* the line looked at last */
};

void scan_table_init(struct scan_table *t);
/* The first secret at or after `from`. */
bool scan_next(struct scan *s, size_t from, struct scan_hit *hit);

/* ---- between the files of the scanner ---- */

#define SCAN_DIGIT  1u
#define SCAN_LETTER 2u
#define SCAN_KEY    4u	/* letters, digits, _ - */
#define SCAN_NAME   8u	/* letters, digits, _ - . */
#define SCAN_B64    16u /* letters, digits, + / = */
#define SCAN_T68    32u /* letters, digits, - . _ ~ + / = */
#define SCAN_UPNUM  64u /* upper-case letters, digits */
#define SCAN_SPACE  128u

extern const unsigned char scan_class[256];

static inline bool scan_is(char c, unsigned classes)
{
	return scan_class[(unsigned char)c] & classes;
}

/* First position from `at` that is not of the class. */
static inline size_t scan_run(struct str t, size_t at, unsigned class)
{
	while (at < t.n && scan_is(t.p[at], class))
		at++;
	return at;
}

/* NAME=value and NAME: value, where sep is the position of '=' or ':'. */
bool scan_assignment(struct scan *s, size_t sep, struct scan_hit *hit);
/* --option value and -u user:value, where `at` is the position of the first dash. */
bool scan_option(struct scan *s, size_t at, struct scan_hit *hit);

#endif
