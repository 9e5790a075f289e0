/* SPDX-License-Identifier: BSD-2-Clause */
/* The sandbox stays for good, so each test enters it in a child that tells what it met through a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "harness.h"
#include "session/collector.h"

#define ALIVE 7

static int hatch = -1;

/* Runs f in a sandboxed child; what it wrote to its descriptor is in out. */
static void inside(void (*f)(int tell), struct buf *out)
{
	int ends[2], status;
	char piece[512];
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int r = collector_sandbox(hatch);

		if (r < 0)
			dprintf(ends[1], "collector_sandbox: %s\n", strerror(-r));
		else
			f(ends[1]);
		_exit(ALIVE);
	}
	close(ends[1]);
	buf_init(out, 1u << 16);
	while ((n = read(ends[0], piece, sizeof(piece))) > 0)
		buf_add(out, str_make(piece, (size_t)n));
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ALIVE);
}

static void tell(int fd, const char *what, long r)
{
	dprintf(fd, "%s: %s\n", what, r >= 0 ? "done" : errno == EPERM ? "EPERM" : strerror(errno));
}

static void try_denied(int fd)
{
	char *const argv[] = {"true", NULL}, *const envp[] = {NULL};
	char zeros[256] = {0};

	tell(fd, "socket", socket(AF_INET, SOCK_STREAM, 0));
	tell(fd, "socket unix", socket(AF_UNIX, SOCK_STREAM, 0));
	tell(fd, "connect", connect(fd, NULL, 0));
	tell(fd, "bind", bind(fd, NULL, 0));
	tell(fd, "accept", accept(fd, NULL, NULL));
	tell(fd, "accept4", accept4(fd, NULL, NULL, 0));
	tell(fd, "bpf", syscall(SYS_bpf, 0, zeros, sizeof(zeros)));
	tell(fd, "perf_event_open", syscall(SYS_perf_event_open, zeros, 0, -1, -1, 0));
	tell(fd, "execve", execve("/bin/true", argv, envp));
	tell(fd, "execveat", syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, envp, 0));
	tell(fd, "ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	tell(fd, "process_vm_readv", syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
	tell(fd, "unshare", unshare(CLONE_NEWUSER));
	tell(fd, "io_uring_setup", syscall(SYS_io_uring_setup, 1, zeros));
}

static void denied_calls(void **state)
{
	struct buf out;
	(void)state;

	inside(try_denied, &out);
	HARNESS_TEXT("denied", buf_str(&out),
		     "socket: EPERM\nsocket unix: EPERM\nconnect: EPERM\nbind: EPERM\naccept: "
		     "EPERM\naccept4: EPERM\nbpf: EPERM\n"
		     "perf_event_open: EPERM\nexecve: EPERM\nexecveat: EPERM\nptrace: EPERM\n"
		     "process_vm_readv: EPERM\nunshare: EPERM\nio_uring_setup: EPERM\n");
	buf_fini(&out);
}

static void try_hatch(int fd)
{
	tell(fd, "the hatch", accept4(hatch, NULL, NULL, SOCK_NONBLOCK));
	tell(fd, "by the other call", accept(hatch, NULL, NULL));
	tell(fd, "another", accept4(hatch + 1, NULL, NULL, 0));
	tell(fd, "no descriptor", accept4(-1, NULL, NULL, 0));
}

/* Connections are taken from one descriptor only. */
static void one_comes_in(void **state)
{
	struct buf out;
	(void)state;

	hatch = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_true(hatch >= 0);
	assert_int_equal(listen(hatch, 1),
			 -1); /* it has no name: accepting is refused as such, not by the sandbox */
	inside(try_hatch, &out);
	HARNESS_TEXT("hatch", buf_str(&out),
		     "the hatch: Invalid argument\nby the other call: EPERM\nanother: EPERM\nno descriptor: "
		     "EPERM\n");
	close(hatch);
	hatch = -1;
	buf_fini(&out);
}

static void tell_status(int fd)
{
	static const char *const wanted[] = {"CapInh", "CapPrm",     "CapEff",
					     "CapAmb", "NoNewPrivs", "Seccomp:"};
	FILE *f = fopen("/proc/self/status", "r");
	struct rlimit core;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
				dprintf(fd, "%s", line);
	}
	getrlimit(RLIMIT_CORE, &core);
	dprintf(fd, "core: %llu %llu\n", (unsigned long long)core.rlim_cur,
		(unsigned long long)core.rlim_max);
}

static void nothing_is_left(void **state)
{
	struct buf out;
	(void)state;

	inside(tell_status, &out);
	HARNESS_TEXT("status", buf_str(&out),
		     "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
		     "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\ncore: 0 0\n");
	buf_fini(&out);
}

/* ---- what the collector does all day ---- */

static int file = -1, pipe_ends[2] = {-1, -1}, sockets[2] = {-1, -1};

static void *nothing(void *arg)
{
	return arg;
}

static void do_work(int fd)
{
	char text[8] = "", byte;
	pthread_t thread;

	tell(fd, "write", pwrite(file, "written", 7, 0));
	tell(fd, "read", pread(file, text, 7, 0));
	dprintf(fd, "%s\n", text);
	tell(fd, "truncate", ftruncate(file, 3));
	tell(fd, "pipe write", write(pipe_ends[1], "x", 1));
	tell(fd, "pipe read", read(pipe_ends[0], &byte, 1));
	tell(fd, "send", send(sockets[0], "x", 1, 0));
	tell(fd, "receive", recv(sockets[1], &byte, 1, 0));
	tell(fd, "map",
	     mmap(NULL, 1u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		     ? -1
		     : 0);
	errno = pthread_create(&thread, NULL, nothing, NULL);
	tell(fd, "thread", errno ? -1 : pthread_join(thread, NULL));
}

static void open_descriptors_work(void **state)
{
	struct buf out;
	(void)state;

	file = memfd_create("open", 0);
	assert_int_equal(pipe(pipe_ends), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	inside(do_work, &out);
	HARNESS_TEXT("work", buf_str(&out),
		     "write: done\nread: done\nwritten\ntruncate: done\npipe write: done\npipe read: done\n"
		     "send: done\nreceive: done\nmap: done\nthread: done\n");
	buf_fini(&out);
	close(file);
	for (int i = 0; i < 2; i++) {
		close(pipe_ends[i]);
		close(sockets[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(denied_calls),
		cmocka_unit_test(one_comes_in),
		cmocka_unit_test(nothing_is_left),
		cmocka_unit_test(open_descriptors_work),
	};

	return cmocka_run_group_tests_name("session sandbox", tests, NULL, NULL);
}
