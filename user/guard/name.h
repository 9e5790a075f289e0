/* SPDX-License-Identifier: BSD-2-Clause */
/* Names that stand before secrets: members, variables, options, query parameters, header fields. */
#ifndef GUARD_NAME_H
#define GUARD_NAME_H

#include <stdbool.h>

#include "base/str.h"

enum name_class {
	NAME_PLAIN,
	NAME_KEY,     /* ends in "key" and its kin: a secret when the value looks like one */
	NAME_TOKEN,   /* likewise, and the value may be hex or a UUID */
	NAME_WORKDIR, /* pwd: a secret unless it is a path */
	NAME_STRICT,  /* whatever the value looks like */
	NAME_HEADER,  /* Authorization, Cookie: strict, and the value may have spaces */
};

struct name_found {
	enum name_class class;
	const char *kind; /* what stands in [redacted:kind]; static */
};

/* Case, '_', '-', '.' and percent escapes do not matter. Of names beyond 64 bytes the end decides. */
struct name_found name_find(struct str name);
/* The same for a name in a query or fragment, where "key" or "sig" alone are enough. */
struct name_found name_find_query(struct str name);
/* Whether an option of that name (dashes included or not) takes a secret as its value. */
struct name_found name_find_option(struct str option);
/* Whether a header field may be shown (everything else is denied), and whether one is known to carry a credential. */
bool name_is_open_header(struct str field);
bool name_is_credential_header(struct str field);
/* Whether a member's text is a command line. */
bool name_is_command(struct str name);
/* Whether a value under a NAME_KEY or NAME_TOKEN name looks like a secret. */
bool name_is_likely(enum name_class class, struct str value);

#endif
