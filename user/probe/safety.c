/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/self.h"
#include "probe/tasks.h"
#include "state.h"

/* Nothing but the end is allowed; everything else kills. */
static int confine(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog prog = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0 ? 0 : -errno;
}

/* The child of the test: waits until it is traced. Never returns. */
__attribute__((noreturn)) static void call_confined(int go_fd)
{
	char text[16] = "no connection";

	if (read(go_fd, text, 1) != 1 || confine() < 0)
		_exit(2);
	for (int i = 0; i < 3; i++) {
		if (self_data(0)(text, text, 7) != 7 || self_data(1)(text, text, 9) != 9)
			_exit(3);
	}
	_exit(0);
}

/* Its records go nowhere. Of a process that is not traced, returns may not be intercepted at all. */
static int trace(struct load *l, uint32_t pid)
{
	autodrop(tasks_fini) struct tasks tasks = {0};
	int r = tasks_read(&tasks, l);

	if (r < 0)
		return r;
	const struct state_task *task = tasks_find(&tasks, pid);
	if (task == NULL)
		return -ESRCH;
	struct state_target target = {.start_ns = task->start_ns, .flags = STATE_CALIBRATE};
	return bpf_map_update_elem(load_table_fd(l, LOAD_TARGETS), &pid, &target, BPF_ANY) == 0 ? 0 : -errno;
}

/* How many returns of it were seen. */
static uint64_t forget(struct load *l, uint32_t pid)
{
	int fd = load_table_fd(l, LOAD_TARGETS);
	struct state_target target = {0};

	if (bpf_map_lookup_elem(fd, &pid, &target) == 0)
		(void)bpf_map_delete_elem(fd, &pid);
	return target.counts.returned;
}

int safety_check_returns(const struct self *s)
{
	int status, go[2];

	if (pipe2(go, O_CLOEXEC) != 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0) {
		close(go[1]);
		call_confined(go[0]);
	}
	int r = pid < 0 ? -errno : trace(s->load, (uint32_t)pid);
	if (r == 0 && write(go[1], "", 1) != 1)
		r = -EIO;
	close(go[0]);
	close(go[1]);
	if (pid < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	uint64_t returned = forget(s->load, (uint32_t)pid);
	if (r < 0)
		return r;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && returned == 0)
		return -EOPNOTSUPP; /* it lived because nothing was tried */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return -EOPNOTSUPP;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
