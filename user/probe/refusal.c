/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/refusal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "probe/rights.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"

int refusal_explain(int r, struct load_trouble *why, bool multi)
{
	autodrop(buf_fini) struct buf missing;

	buf_init(&missing, 200);
	if (r == -EPERM || r == -EACCES) {
		unsigned n = rights_missing(&missing, multi);

		if (n > 0) {
			snprintf(why->cause, sizeof(why->cause), "cannot load probes: needs %s",
				 buf_z(&missing));
			snprintf(why->hint, sizeof(why->hint), "run it with sudo");
		} else {
			snprintf(why->cause, sizeof(why->cause),
				 "cannot load probes: bpf() is refused though every capability is held");
			snprintf(why->hint, sizeof(why->hint),
				 "a container's user namespace or seccomp filter, or kernel lockdown, "
				 "forbids it");
		}
		return -EPERM;
	}
	if (access(BTF_PATH, R_OK) != 0) {
		snprintf(why->cause, sizeof(why->cause), "cannot load probes: this kernel has no BTF (%s)",
			 BTF_PATH);
		snprintf(why->hint, sizeof(why->hint), "use a kernel built with CONFIG_DEBUG_INFO_BTF=y");
		return -ENOSYS;
	}
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE) {
		snprintf(why->cause, sizeof(why->cause), "cannot load probes: %s", strerror(-r));
		why->hint[0] = '\0';
		return r;
	}
	snprintf(why->cause, sizeof(why->cause), "cannot load probes: the kernel refuses the programs: %s",
		 strerror(-r));
	snprintf(why->hint, sizeof(why->hint),
		 "bottrace doctor says what this kernel has; -vv shows its reasons");
	return -ENOSYS;
}
