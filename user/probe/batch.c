/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/batch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "probe/link.h"
#include "probe/walker.h"

#define LATER_NICE 19 /* what no other thread wants of the processors, until somebody waits */

/* By the beginning of their names: the first row that fits. */
static const struct {
	const char *begin;
	enum batch_kind kind;
} kinds[] = {
	{"tls_", BATCH_TLS},	 {"proc_", BATCH_PROC},		{"sock_state", BATCH_PROC},
	{"plain_", BATCH_PLAIN}, {"python_value", BATCH_VALUE}, {"python_", BATCH_STACK},
};

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

static enum batch_kind kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (begins(name, kinds[i].begin))
			return kinds[i].kind;
	return BATCH_REST;
}

/* ---- which ---- */

/* What calls of libraries return to: of one kind, or the kernel refuses to go from one to the other. */
static enum bpf_attach_type attach_type(const struct batch_choice *c)
{
	return c->session ? LINK_SESSION : BPF_TRACE_UPROBE_MULTI;
}

/* One of the sets of bpf/tls.bpf.c. */
static bool wants_tls(const struct batch_choice *c, const char *name)
{
	bool both = strcmp(name, "tls_call") == 0;
	bool any = strcmp(name, "tls_enter") == 0 || strcmp(name, "tls_return") == 0;

	return c->session ? both : !both && any == c->cookies;
}

/* Of bpf/audit.bpf.c: those at USDT sites are told by it where arguments are. */
static bool wants_cookie(const char *name)
{
	return strcmp(name, "audit_call") != 0 && strcmp(name, "audit_method") != 0 &&
	       strcmp(name, "audit_raise") != 0;
}

/* Only what will be attached is loaded. */
static bool is_wanted(const struct batch_choice *c, const struct bpf_program *prog)
{
	const char *name = bpf_program__name(prog);
	const struct walker walker = {
		.stacks = c->stacks, .values = c->values, .loop = c->cookies, .plain = c->plain};

	if (bpf_program__type(prog) == BPF_PROG_TYPE_TRACING)
		return c->iterators && (c->mappers || strcmp(name, "mappers") != 0);
	if (begins(name, "tls_"))
		return wants_tls(c, name);
	if (begins(name, "audit_"))
		return c->stacks && c->events && (c->cookies || !wants_cookie(name));
	if (begins(name, "python_") || begins(name, "make_"))
		return walker_wants(&walker, name);
	return c->plain || !begins(name, "plain_");
}

static enum bpf_attach_type attach_type_of(const struct batch_choice *c, const char *name)
{
	/* and what goes over to the walk, of bpf/make.bpf.c, audit.bpf.c and raise.bpf.c */
	bool walks = begins(name, "python_") || begins(name, "make_") || begins(name, "audit_") ||
		     strcmp(name, "tls_call") == 0;

	return walks ? attach_type(c) : BPF_TRACE_UPROBE_MULTI;
}

void batch_choose(struct bpf_object *o, const struct batch_choice *choice, int kind)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, o)
	{
		const char *name = bpf_program__name(prog);
		bool ours = kind < 0 || (int)kind_of(name) == kind;

		if (choice->multi && bpf_program__type(prog) == BPF_PROG_TYPE_KPROBE)
			bpf_program__set_expected_attach_type(prog, attach_type_of(choice, name));
		bpf_program__set_autoload(prog, ours && is_wanted(choice, prog));
	}
}

/* ---- what was loaded ---- */

int batch_collect(struct batch_table *t, const struct bpf_object *o)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, o)
	{
		struct batch_program *x = &t->list[t->count];
		int fd = bpf_program__fd(prog);

		if (fd < 0)
			continue;
		if (t->count == BATCH_PROGRAMS_MAX)
			return -E2BIG;
		x->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (x->fd < 0)
			return -errno;
		snprintf(x->name, sizeof(x->name), "%s", bpf_program__name(prog));
		x->attach_type = bpf_program__expected_attach_type(prog);
		t->count++;
	}
	return 0;
}

const struct batch_program *batch_find(const struct batch_table *t, const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->list[i].name, name) == 0)
			return &t->list[i];
	return NULL;
}

void batch_drop(struct batch_table *t)
{
	while (t->count > 0)
		drop_fd(&t->list[--t->count].fd);
}

/* ---- loading ---- */

/* Both objects are of the same file: their maps come in the same order. */
static int take_maps(struct bpf_object *o, const struct batch *b)
{
	struct bpf_map *to = bpf_object__next_map(o, NULL);
	const struct bpf_map *from;

	bpf_object__for_each_map(from, b->maps)
	{
		int fd = bpf_map__autocreate(from) ? bpf_map__fd(from) : b->ring;
		int r = to ? bpf_map__reuse_fd(to, fd) : -ENOENT;

		if (r < 0)
			return r;
		to = bpf_object__next_map(o, to);
	}
	return 0;
}

static void drop_object(struct bpf_object **o)
{
	bpf_object__close(*o);
}

static int load(struct batch *b)
{
	char types[32];

	snprintf(types, sizeof(types), "/proc/self/fd/%d", b->types);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "bottrace", .btf_custom_path = types);
	autodrop(drop_object) struct bpf_object *o = bpf_object__open_mem(b->elf.p, b->elf.n, &opts);
	if (o == NULL)
		return -errno;
	batch_choose(o, &b->choice, b->kind);
	int r = take_maps(o, b);
	if (r == 0)
		r = bpf_object__load(o);
	return r < 0 ? r : batch_collect(&b->programs, o);
}

void batch_run(struct batch *b)
{
	b->result = load(b);
	if (b->result == 0 && b->also)
		b->result = b->also(b->ctx);
	drop_fd(&b->types);
}

static void *run(void *arg)
{
	struct batch *b = arg;

	/* Of this thread alone. */
	if (b->later)
		(void)setpriority(PRIO_PROCESS, 0, LATER_NICE);
	__atomic_store_n(&b->tid, gettid(), __ATOMIC_RELEASE);
	batch_run(b);
	__atomic_store_n(&b->tid, 0, __ATOMIC_RELEASE); /* another one's soon */
	return NULL;
}

void batch_start(struct batch *b)
{
	b->running = pthread_create(&b->thread, NULL, run, b) == 0;
	if (!b->running)
		batch_run(b);
}

void batch_hurry(struct batch *b)
{
	pid_t tid = __atomic_load_n(&b->tid, __ATOMIC_ACQUIRE);

	if (b->running && b->later && tid > 0)
		(void)setpriority(PRIO_PROCESS, (id_t)tid, getpriority(PRIO_PROCESS, 0));
}

int batch_wait(struct batch *b)
{
	if (b->running)
		(void)pthread_join(b->thread, NULL);
	b->running = false;
	return b->result;
}
