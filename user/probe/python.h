/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPython that a process runs: which mapped file holds it, and whether the kernel can walk its frames. */
#ifndef PROBE_PYTHON_H
#define PROBE_PYTHON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/str.h"
#include "state.h"

struct python {
	struct state_python layout; /* but for the process: start_ns, epoch */
	uint32_t version; /* PY_VERSION_HEX, its last bytes 0 where only the file's name tells; 0: unknown */
	uint32_t flags;	  /* WIRE_PY_RUNTIME_* */
	uint32_t reason;  /* enum wire_py_reason */
	struct str path;  /* of the file; borrowed from the maps' text */
};

/* Files that were looked into: their kind of key and number. */
#define PYTHON_FILES_MAX 4096u
struct map *python_new_files(void);
void python_free_files(struct map *files);

/* Finds it in the text of /proc/PID/maps. files: what was learnt of files before, or NULL. False: there is none. */
bool python_find(struct python *out, uint32_t pid, struct str maps, struct map *files);
/* "3.11.2", "3.9", "of a version that is not known". */
void python_version_text(uint32_t version, char out[32]);
/* Why there are no stacks, for people; NULL: there are. */
const char *python_why(uint32_t reason);

#endif
