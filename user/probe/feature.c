/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/feature.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>

#include "base/drop.h"
#include "base/err.h"
#include "probe/link.h"

/* libbpf's own words: for -vv only. What a user needs to know is said by who loads. */
static int hush(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[1024];

	(void)level;
	if (err_get_level() < ERR_DEBUG)
		return 0;
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	while (n > 0 && n < (int)sizeof(line) && line[n - 1] == '\n')
		line[--n] = '\0';
	err_note(ERR_DEBUG, "%s", line);
	return 0;
}

/* Tries a link of a kind on a directory: a kernel that knows the kind opens the path and says EBADF. 1: it says
 * `expected`, 0: it does not. */
static int probe_link(enum bpf_attach_type type, uint32_t pid, int expected)
{
	const unsigned long offset = 0;
	const struct link_places nowhere = {.path = "/", .offsets = &offset, .count = 1, .pid = pid};

	libbpf_set_print(hush);
	autodrop(drop_fd) int prog = link_load_nothing(type);
	if (prog == -EPERM || prog == -EACCES)
		return prog;
	if (prog < 0)
		return 0;
	autodrop(drop_fd) int link = link_open_many(prog, type, &nowhere);
	return link == expected;
}

int feature_ask_multi(void)
{
	return probe_link(BPF_TRACE_UPROBE_MULTI, 0, -EBADF);
}

int feature_ask_session(void)
{
	return probe_link(LINK_SESSION, 0, -EBADF);
}

/* The kernels that filter by process refuse a pid that cannot be before they look at the path: EINVAL, not EBADF. */
int feature_ask_narrow(void)
{
	return probe_link(BPF_TRACE_UPROBE_MULTI, UINT32_MAX, -EINVAL);
}

static int probe_helper(enum bpf_func_id id)
{
	libbpf_set_print(hush);
	autodrop(drop_fd) int prog = link_load_nothing(0);
	if (prog == -EPERM || prog == -EACCES)
		return prog;
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, id, NULL) == 1;
}

int feature_ask_cookies(void)
{
	return probe_helper(BPF_FUNC_get_attach_cookie);
}

int feature_ask_loop(void)
{
	return probe_helper(BPF_FUNC_loop);
}

int feature_ask_dynptr(void)
{
	return probe_helper(BPF_FUNC_ringbuf_reserve_dynptr);
}

int feature_ask_ringbuf(void)
{
	libbpf_set_print(hush);
	autodrop(drop_fd) int map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "probe", 0, 0, 4096, NULL);
	if (map < 0 && (errno == EPERM || errno == EACCES))
		return -errno;
	return map >= 0;
}
