/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/rights.h"

#include <sys/capability.h>

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif
#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

/* map_files wants CHECKPOINT_RESTORE; other users' processes want the last two. */
static const struct {
	cap_value_t cap;
	const char *name;
	bool by_admin; /* CAP_SYS_ADMIN stands for it */
} wanted[] = {
	{CAP_BPF, "CAP_BPF", true},
	{CAP_PERFMON, "CAP_PERFMON", true},
	{CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE", true},
	{CAP_SYS_PTRACE, "CAP_SYS_PTRACE", false},
	{CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", false},
};

static bool has(cap_t caps, cap_value_t cap)
{
	cap_flag_value_t v = CAP_CLEAR;

	return cap_get_flag(caps, cap, CAP_EFFECTIVE, &v) == 0 && v == CAP_SET;
}

static void name(struct buf *out, const char *text, unsigned *n)
{
	buf_addf(out, "%s%s", (*n)++ ? ", " : "", text);
}

unsigned rights_missing(struct buf *out, bool multi)
{
	cap_t caps = cap_get_proc();
	unsigned n = 0;

	if (caps == NULL)
		return 0;
	bool admin = has(caps, CAP_SYS_ADMIN);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!has(caps, wanted[i].cap) && !(admin && wanted[i].by_admin))
			name(out, wanted[i].name, &n);
	if (!multi && !admin)
		name(out, "CAP_SYS_ADMIN", &n);
	cap_free(caps);
	return n;
}

unsigned rights_held(struct buf *out)
{
	cap_t caps = cap_get_proc();
	unsigned n = 0;

	if (caps == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (has(caps, wanted[i].cap))
			name(out, wanted[i].name, &n);
	if (has(caps, CAP_SYS_ADMIN))
		name(out, "CAP_SYS_ADMIN", &n);
	cap_free(caps);
	return n;
}
