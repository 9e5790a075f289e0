/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * USDT sites of a file (section .note.stapsdt, as <sys/sdt.h> writes it): where they are, which counter turns them on, and
 * where their arguments lie. Hostile input: every read is bounded; what is not understood is no site.
 */
#ifndef PROBE_USDT_H
#define PROBE_USDT_H

#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"

#define USDT_SITES_MAX 64u
#define USDT_NAME_MAX  32u

struct usdt_site {
	char name[USDT_NAME_MAX];
	uint64_t offset;  /* in the file; a nop of one byte is there */
	uint64_t counter; /* offset of its semaphore in the file; 0: it has none */
	uint64_t cookie;  /* its first two operands, as bpf/state.h has them */
};

/* Those of one provider. How many; negative errno: -ENOENT the file has no such notes, -ENOEXEC, -EBADMSG, -ENOMEM. */
int usdt_find(int fd, const char *provider, struct usdt_site sites[USDT_SITES_MAX]) MUST_CHECK;

#endif
