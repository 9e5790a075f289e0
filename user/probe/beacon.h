/* SPDX-License-Identifier: BSD-2-Clause */
/* What a running attacher lets others know of itself, for `bottrace doctor`: one small file each, open to all, gone when
 * it ends. One that was killed leaves its file; nobody believes it, and the next attacher takes it away. */
#ifndef PROBE_BEACON_H
#define PROBE_BEACON_H

#include <stdint.h>

#include "base/drop.h"
#include "base/jsonw.h"
#include "probe/check.h"
#include "probe/governor.h"
#include "wire.h"

#define BEACON_DIR	   "/run/bottrace"
#define BEACON_TARGETS_MAX 32u /* named in the file; the count is whole */

struct beacon {
	uint32_t mode; /* enum wire_mode */
	uint32_t sample_n;
	uint32_t budget_ppm;
	struct governor_step state;
	uint32_t targets[BEACON_TARGETS_MAX]; /* PIDs that the user named */
	uint32_t target_count;
	uint32_t processes; /* traced, alive */
};

/* Writes ours, whole or not at all. 0; negative errno: not root, no such directory. */
int beacon_write(const char *dir, const struct beacon *b) MUST_CHECK;
void beacon_remove(const char *dir);
/* Takes the files of the dead away. */
void beacon_sweep(const char *dir);
/* The member "attachers", and a line of the doctor's for each. */
void beacon_report(const char *dir, struct jsonw *w, struct checks *c);

#endif
