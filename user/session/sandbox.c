/* SPDX-License-Identifier: BSD-2-Clause */
/* What the collector gives up: it eats a stranger's bytes, so it must have nothing worth taking over. */
#include "session/collector.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Calls that a process which only reads its ring and sockets and writes its open files never makes. They answer EPERM
 * rather than kill: a library that tries one goes on. */
static const int denied[] = {
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(socket),
	SCMP_SYS(connect),
	SCMP_SYS(bind),
	SCMP_SYS(listen),
	SCMP_SYS(accept),
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(io_uring_setup),
};

static int drop_capabilities(void)
{
	cap_t none = cap_init();

	if (none == NULL)
		return -errno;
	int r = cap_set_proc(none) < 0 ? -errno : 0;
	cap_free(none);
	return r;
}

/* Who asks through the hatch comes in, nobody else does. */
static int deny_accept(scmp_filter_ctx filter, int hatch)
{
	if (hatch < 0)
		return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(accept4), 0);
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(accept4), 1,
				SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)hatch, 0));
}

int collector_sandbox(int hatch)
{
	struct rlimit no_core = {0, 0};
	int r = drop_capabilities();

	if (r < 0)
		return r;
	if (setrlimit(RLIMIT_CORE, &no_core) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (filter == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]) && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
	if (r == 0)
		r = deny_accept(filter, hatch);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
