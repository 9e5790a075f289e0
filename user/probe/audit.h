/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of CPython with probes where Python code does something to the world: its USDT sites where it was built with them
 * and this kernel can tell one from another, else PySys_Audit by its symbol and sys.audit by its method's table. Which events
 * are wanted is told to the kernel before.
 */
#ifndef PROBE_AUDIT_H
#define PROBE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "probe/load.h"

#define AUDITS_MAX  64u /* distinct files */
#define AUDIT_HOOKS 8u

struct audits {
	size_t count;
	struct audit {
		uint64_t dev, ino;
		uint32_t pid; /* that its links are for; 0: everybody */
		struct load_hooks hooks[AUDIT_HOOKS];
	} list[AUDITS_MAX];
};

/* Tells the kernel which events are wanted. 0, negative errno. */
int audit_fill(struct load *load) MUST_CHECK;
/* Whether a file of that name may hold an interpreter. */
bool audit_is_named(struct str path);
/* Probes an open file, once; pid: for that process alone, 0: whoever maps it. path: for what is said. */
void audit_add(struct audits *t, struct load *load, uint32_t pid, int fd, const char *path);
/* Where their links are; returns how many. */
size_t audit_hooks(struct audits *t, struct load_hooks **list, size_t max);
void audit_fini(struct audits *t);
/* How events of the interpreter in an open file are seen: "usdt", "calls"; NULL: not at all. */
const char *audit_way(int fd);

#endif
