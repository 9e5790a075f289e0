/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for people and documents: times, sizes, hex, base64, UTF-8, terminal safety. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* RFC 3339 in UTC with nine digits: 2026-11-22T20:41:07.102334455Z (30 bytes and a NUL). ns since the epoch. */
void text_time(int64_t utc_ns, char out[32]);
/* Nanoseconds since the epoch, of a clock that is that much behind UTC; what is beyond 2262 stays there. */
int64_t text_utc(uint64_t ns, int64_t offset_ns);
/* text_time of such a clock. */
void text_clock(uint64_t ns, int64_t offset_ns, char out[32]);
/* Durations as people read them: 412 ms, 2.31 s, 1m12s, 2h05m. */
void text_duration(uint64_t ns, char out[24]);
/* 512 B, 41.2 kB, 16.0 MB (powers of 1000). */
void text_size(uint64_t bytes, char out[24]);
/* 8,412: groups of three. */
void text_count(uint64_t n, char out[32]);
/* n bytes as lower-case hex and a NUL into out (2n + 1). */
void text_hex(const void *p, size_t n, char *out);
/* Bytes of padded base64 in s, between whose characters line ends may stand; out has room for s.n / 4 * 3 + 3. -1: it is none. */
ptrdiff_t text_base64(struct str s, char *out);
/* Length of the valid UTF-8 sequence at the start of s (1-4), 0 when it is not one. */
size_t text_utf8(struct str s, uint32_t *code);
/* Bytes at the start of s that one U+FFFD stands for when text_utf8 says 0: the longest valid start of a sequence,
 * at least 1 (Unicode's "maximal subpart", what Python and browsers do). 0 only for an empty s. */
size_t text_utf8_bad(struct str s);
/* Writes code as UTF-8 to out and returns its length; surrogates and codes beyond U+10FFFF become U+FFFD. */
size_t text_utf8_put(uint32_t code, char out[4]);
/* Columns that a terminal needs for s (wide and combining characters counted by wcwidth's rules). */
size_t text_width(struct str s);
/*
 * Appends s so that a terminal only shows it: control characters (C0, DEL, C1), bidirectional controls, line and
 * paragraph separators and invalid UTF-8 become \n, \t, \e, \xNN or \u{NNNN}. ascii: every non-ASCII character too.
 */
void text_safe(struct buf *b, struct str s, bool ascii);
/* As text_safe, cut to `columns`, the last ones "..." (or the ellipsis) when it was cut; newlines become spaces. */
void text_safe_cut(struct buf *b, struct str s, size_t columns, bool ascii);

#endif
