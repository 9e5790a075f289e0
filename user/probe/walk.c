/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/walk.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(WALKS == (int)KEPT_PROGRAMS, "each walk is kept");

static const char *const names[WALKS] = {"tasks", "sock_walk", "sock_files", "mappers"};
/* What the kernel calls them: bpf_iter_ and the section's name. */
static const char *const iterators[WALKS] = {"bpf_iter_task", "bpf_iter_bpf_map_elem", "bpf_iter_task_file",
					     "bpf_iter_task_vma"};

/* Descriptor of the loaded program, negative errno. */
static int find(const struct bpf_object *o, unsigned kind)
{
	const struct bpf_program *p = bpf_object__find_program_by_name(o, names[kind]);

	return p ? bpf_program__fd(p) : -ENOENT;
}

int walk_find(struct walks *w, const struct bpf_object *o)
{
	for (unsigned i = 0; i < WALKS; i++) {
		w->programs[i] = find(o, i);
		if (w->programs[i] < 0 && i != WALK_MAPPERS)
			return w->programs[i];
	}
	return 0;
}

/* ---- kept programs ---- */

static bool is_wide(const struct bpf_insn *x)
{
	return x->code == (BPF_LD | BPF_IMM | BPF_DW);
}

static bool names_map(const struct bpf_insn *x)
{
	return is_wide(x) && (x->src_reg == BPF_PSEUDO_MAP_FD || x->src_reg == BPF_PSEUDO_MAP_VALUE);
}

/* Other names stand for what is not kept: functions of the kernel, callbacks, variables. */
static bool names_else(const struct bpf_insn *x)
{
	return (is_wide(x) && x->src_reg != 0 && !names_map(x)) ||
	       (x->code == (BPF_JMP | BPF_CALL) && x->src_reg == BPF_PSEUDO_KFUNC_CALL);
}

/* Descriptors for places, or places for descriptors. */
static int translate(struct bpf_insn *x, uint32_t count, const struct bpf_object *o, bool to_places)
{
	for (uint32_t i = 0; i < count; i++, x++) {
		const struct bpf_map *map;
		int place = 0, found = -1;

		if (names_else(x))
			return -ENOTSUP;
		if (!names_map(x))
			continue;
		bpf_object__for_each_map(map, o)
		{
			int fd = bpf_map__fd(map);

			if (x->imm == (to_places ? fd : place))
				found = to_places ? place : fd;
			place++;
		}
		if (found < 0)
			return -ENOENT;
		x->imm = found;
	}
	return 0;
}

static struct bpf_insn *copy(const struct bpf_insn *from, size_t count)
{
	struct bpf_insn *to = calloc(count, sizeof(*to));

	if (to)
		memcpy(to, from, count * sizeof(*to));
	return to;
}

int walk_load(struct walks *w, const struct kept *k, const struct bpf_object *o)
{
	*w = (struct walks){.programs = {-1, -1, -1, -1}, .owned = true};
	for (unsigned i = 0; i < WALKS; i++) {
		const struct kept_program *p = &k->programs[i];

		if (p->count == 0 && i == WALK_MAPPERS)
			continue;
		LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_ITER,
			    .attach_btf_id = p->attach_btf_id);
		autodrop(drop_memory) struct bpf_insn *x = copy(p->instructions, p->count);
		int r = x ? translate(x, p->count, o, false) : -ENOMEM;

		if (r < 0)
			return r;
		w->programs[i] =
			bpf_prog_load(BPF_PROG_TYPE_TRACING, names[i], "Dual BSD/GPL", x, p->count, &opts);
		if (w->programs[i] < 0)
			return w->programs[i];
	}
	return 0;
}

int walk_keep(struct str elf, const struct kept_sets *sets, const struct bpf_object *o)
{
	struct kept_program programs[WALKS] = {0};
	struct bpf_insn *copies[WALKS] = {0};
	int r = 0;

	for (unsigned i = 0; i < WALKS && r == 0; i++) {
		const struct bpf_program *p = bpf_object__find_program_by_name(o, names[i]);

		if (find(o, i) < 0)
			continue;
		programs[i].count = (uint32_t)bpf_program__insn_cnt(p);
		copies[i] = copy(bpf_program__insns(p), programs[i].count);
		programs[i].instructions = copies[i];
		r = copies[i] ? translate(copies[i], programs[i].count, o, true) : -ENOMEM;
	}
	if (r == 0)
		r = kept_write(elf, sets, programs, iterators);
	for (unsigned i = 0; i < WALKS; i++)
		free(copies[i]);
	return r;
}

/* ---- running ---- */

int walk_open(struct walks *w, enum walk_kind kind)
{
	if (w->programs[kind] < 0)
		return -ENOTSUP;
	if (w->links[kind] == 0) {
		int fd = bpf_link_create(w->programs[kind], 0, BPF_TRACE_ITER, NULL);

		if (fd < 0)
			return fd;
		w->links[kind] = fd + 1;
	}
	int fd = bpf_iter_create(w->links[kind] - 1);
	return fd < 0 ? -errno : fd;
}

int walk_run(struct walks *w, enum walk_kind kind, int map_fd)
{
	union bpf_iter_link_info info = {.map.map_fd = (uint32_t)map_fd};
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	char nothing[64];
	ssize_t n;

	if (kind == WALK_SOCKS) {
		opts.iter_info = &info;
		opts.iter_info_len = sizeof(info);
	}
	autodrop(drop_fd) int link = bpf_link_create(w->programs[kind], 0, BPF_TRACE_ITER, &opts);
	if (link < 0)
		return link;
	autodrop(drop_fd) int fd = bpf_iter_create(link);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, nothing, sizeof(nothing))) != 0)
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
	return 0;
}

void walk_fini(struct walks *w)
{
	for (unsigned i = 0; i < WALKS; i++) {
		if (w->links[i] > 0)
			close(w->links[i] - 1);
		if (w->owned)
			drop_fd(&w->programs[i]);
	}
	*w = (struct walks){0};
}
