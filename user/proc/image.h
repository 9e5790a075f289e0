/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process runs: the path and arguments of its last exec. */
#ifndef PROC_IMAGE_H
#define PROC_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/str.h"

/* Zeroed is empty. exe and argv point into one allocation of the image's own. */
struct image {
	struct str exe;	  /* p NULL: unknown */
	struct str *argv; /* NULL when argc is 0 */
	uint32_t argc;
	bool argv_cut;
	void *memory;
	size_t args_bytes; /* of the text behind argv */
};

/* Replaces what was there; args: each argument ended by a NUL, the last one perhaps not (cut: then it is kept as far
 * as it goes). 0, or -ENOMEM: then the image is empty. */
int image_set(struct image *i, struct str exe, struct str args, bool cut);
int image_copy(struct image *to, const struct image *from) MUST_CHECK;
void image_fini(struct image *i);

#endif
