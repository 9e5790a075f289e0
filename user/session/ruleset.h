/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules for frames that are in force: those of the user's file (session_rules), before the built-in ones. */
#ifndef SESSION_RULESET_H
#define SESSION_RULESET_H

#include "base/buf.h"
#include "base/str.h"
#include "rules/rules.h"

/* text: of the user's file; empty: none. NULL: *error says what is wrong with it, or there is no memory (why is empty). */
struct rules *ruleset_of(struct str text, struct rules_error *error);
/* As one text, for a tape. 0, -errno. */
int ruleset_text(struct str text, struct buf *out) MUST_CHECK;
/* From the front to the attacher: a descriptor, or -errno; NULL: it holds no rules, or there is no memory. fd -1: no file. */
int ruleset_describe(struct str text) MUST_CHECK;
struct rules *ruleset_receive(int fd);

#endif
