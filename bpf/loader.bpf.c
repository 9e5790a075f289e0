/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The dynamic linker's door for debuggers: it calls an empty function before and after it maps a library, and before
 * any code of that library runs. */
#include "filter.bpf.h"

SEC("uprobe")
int loader_state(struct pt_regs *ctx)
{
	struct state_target *target = filter_current();
	struct state_notice notice = {.what = STATE_NOTICE_MAP, .pid = bpf_get_current_pid_tgid() >> 32};

	if (!target || target->flags & STATE_CALIBRATE)
		return 0;
	notice.start_ns = target->start_ns;
	/* Lost when full: then there are older notices, and the next look is not far. */
	bpf_ringbuf_output(&notify, &notice, sizeof(notice), 0);
	return 0;
}
