/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "bottrace.skel.h"
#include "probe/walker.h"
#include "state.h"

#define WALKS_PREALLOCATED \
	256 /* threads that have scratch for their stacks, where maps are not filled as needed */
#define ALL_KINDS (-1)

static struct str object_bytes(void)
{
	size_t size;
	const void *p = bottrace__elf_bytes(&size);

	return str_make(p, size);
}

static struct batch_choice choice_of(const struct object *o, bool mappers)
{
	return (struct batch_choice){.multi = o->multi,
				     .session = o->session,
				     .cookies = o->cookies,
				     .plain = o->plain,
				     .stacks = o->stacks,
				     .events = o->events,
				     .values = o->values,
				     .iterators = !o->kept,
				     .mappers = mappers};
}

/* Once loaded: who maps a page of the kernel's has it moved there. */
static int map_shared(struct object *o)
{
	o->words = (struct object_words){
		.plain_all = (bool *)&o->skel->bss->plain_all,
		.plain_whole = (bool *)&o->skel->bss->plain_whole,
		.plain_turn = (uint32_t *)&o->skel->bss->plain_turn,
		.tls_ending = (uint32_t *)&o->skel->bss->tls_ending,
		.filter_closed = (uint32_t *)&o->skel->bss->filter_closed,
		.marks = (uint8_t *)o->skel->bss->filter_marks,
		.mappers_ino = (uint64_t *)&o->skel->bss->mappers_ino,
	};
	void *p = mmap(NULL, sizeof(*o->shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_map__fd(o->skel->maps.shared), 0);

	if (p == MAP_FAILED)
		return -errno;
	o->shared = p;
	return 0;
}

/* 18 MB that are not filled before they are needed. uprobe_multi (6.6) is younger than bpf_mem_alloc (6.1), without
 * which a map must not allocate under a tracing program. */
static int choose_maps(struct object *o)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, o->obj)
	{
		if (!o->multi || bpf_map__type(map) != BPF_MAP_TYPE_HASH)
			continue;
		int r = bpf_map__set_map_flags(map, bpf_map__map_flags(map) | BPF_F_NO_PREALLOC);
		if (r < 0)
			return r;
	}
	/* Filled before it is needed: 3 MB. */
	int r = o->multi ? 0 : bpf_map__set_max_entries(o->skel->maps.walks, WALKS_PREALLOCATED);
	return r < 0 || !o->values ? r : walker_size(o->obj, &o->rules);
}

const struct batch_program *object_find(struct object *o, const char *name)
{
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < BATCHES; i++) {
			const struct batch *b = &o->batches[i];
			const struct batch_program *x = b->running ? NULL : batch_find(&b->programs, name);

			if (x)
				return x;
		}
		if (object_finish(o) < 0)
			return NULL;
	}
	return NULL;
}

/* Where the programs of writes go on. */
static int set_walkers(struct object *o)
{
	const struct walker walker = {
		.stacks = o->stacks, .values = o->values, .loop = o->cookies, .plain = o->plain};

	return walker_set(&walker, o, &o->rules);
}

static int wait_all(struct object *o)
{
	int r = 0;

	for (unsigned i = 0; i < BATCHES; i++)
		batch_hurry(&o->batches[i]);
	for (unsigned i = 0; i < BATCHES; i++) {
		int one = batch_wait(&o->batches[i]);

		r = r < 0 ? r : one;
	}
	return r;
}

int object_finish(struct object *o)
{
	if (o->finished == 0) {
		int r = wait_all(o);

		o->finished = r < 0 ? r : 1;
		r = r < 0 ? r : set_walkers(o);
		o->finished = r < 0 ? r : 1;
	}
	return o->finished < 0 ? o->finished : 0;
}

void object_unload(struct object *o)
{
	(void)wait_all(o);
	for (unsigned i = 0; i < BATCHES; i++)
		batch_drop(&o->batches[i].programs);
	memset(o->batches, 0, sizeof(o->batches));
	o->finished = 0;
	walk_fini(&o->walks);
	if (o->shared)
		munmap(take(o->shared), sizeof(*o->shared));
	bottrace__destroy(take(o->skel));
	o->obj = NULL;
}

static int open_object(struct object *o, const struct kept *k)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	char types[32];

	if (k) {
		snprintf(types, sizeof(types), "/proc/self/fd/%d", k->types);
		opts.btf_custom_path = types;
	}
	o->skel = bottrace__open_opts(&opts);
	if (o->skel == NULL)
		return -errno;
	o->obj = o->skel->obj;
	o->skel->rodata->count_spent = o->spend;
	o->skel->rodata->walk_stacks = o->stacks;
	o->skel->rodata->walk_in_session = o->session;
	o->skel->rodata->read_values = o->stacks && o->values;
	return choose_maps(o);
}

/* Everything out of one object. k: what was kept, or NULL. */
static int load_all(struct object *o, const struct kept *k, bool mappers)
{
	const struct batch_choice choice = choice_of(o, mappers);
	int ring = ring_wait(&o->ring);
	int r = ring < 0 ? ring : open_object(o, k);

	if (r == 0)
		r = bpf_map__reuse_fd(o->skel->maps.ring, ring);
	if (r == 0) {
		batch_choose(o->obj, &choice, ALL_KINDS);
		r = bottrace__load(o->skel);
	}
	if (r == 0)
		r = k ? walk_load(&o->walks, k, o->obj) : walk_find(&o->walks, o->obj);
	if (r == 0)
		r = map_shared(o);
	if (r == 0)
		r = batch_collect(&o->batches[0].programs, o->obj);
	o->finished = 1; /* there are no others */
	if (r == 0)
		r = set_walkers(o);
	if (r < 0)
		object_unload(o);
	return r;
}

struct kept_walks {
	struct object *object;
	const struct kept *kept;
};

static int load_walks(void *ctx)
{
	const struct kept_walks *w = ctx;

	return walk_load(&w->object->walks, w->kept, w->object->obj);
}

/* The maps but the ring, which may still be under way. */
static int load_maps(struct object *o, const struct kept *k)
{
	struct bpf_program *prog;
	int r = open_object(o, k);

	if (r == 0)
		r = bpf_map__set_autocreate(o->skel->maps.ring, false);
	if (r < 0)
		return r;
	bpf_object__for_each_program(prog, o->obj) bpf_program__set_autoload(prog, false);
	r = bottrace__load(o->skel);
	return r < 0 ? r : map_shared(o);
}

/*
 * What calls of libraries need is there when this returns; what else is wanted comes beside what our caller does next,
 * which object_finish waits for.
 */
static int start_batches(struct object *o, struct kept_walks *walks)
{
	const bool wanted[BATCHES] = {[BATCH_TLS] = true,
				      [BATCH_PROC] = true,
				      [BATCH_PLAIN] = o->plain,
				      [BATCH_STACK] = o->stacks,
				      [BATCH_VALUE] = o->stacks && o->values,
				      [BATCH_REST] = true};

	for (unsigned i = 0; i < BATCHES; i++) {
		struct batch *b = &o->batches[i];

		if (!wanted[i])
			continue;
		*b = (struct batch){.kind = i,
				    .elf = object_bytes(),
				    .choice = choice_of(o, true),
				    .maps = o->obj,
				    .ring = o->ring.fd,
				    .types = fcntl(walks->kept->types, F_DUPFD_CLOEXEC, 3),
				    .later = i != BATCH_PROC,
				    .also = i == BATCH_PROC ? load_walks : NULL,
				    .ctx = walks};
		if (i != BATCH_TLS)
			batch_start(b);
	}
	batch_run(&o->batches[BATCH_TLS]);
	int r = batch_wait(&o->batches[BATCH_PROC]);
	return r < 0 ? r : o->batches[BATCH_TLS].result;
}

static int load_kept(struct object *o, const struct kept *k)
{
	struct kept_walks walks = {.object = o, .kept = k};
	int r = load_maps(o, k);

	if (r == 0)
		r = ring_wait(&o->ring);
	if (r >= 0)
		r = start_batches(o, &walks);
	if (r < 0)
		object_unload(o);
	return r;
}

/* Kernels before 5.12 have no walk over mappings, and say so in ways of their own. */
static int load_fresh(struct object *o)
{
	int r = load_all(o, NULL, true);
	bool final = r == 0 || r == -EPERM || r == -EACCES || r == -ENOMEM;

	return final ? r : load_all(o, NULL, false);
}

/* What is known of this kernel tells what it takes of what is wanted. Else: it has to be tried. */
static bool knows(const struct kept *k, uint32_t wanted)
{
	return (k->sets.tried & wanted) == wanted;
}

static uint32_t wanted_sets(const struct object *o)
{
	uint32_t walks = 1u << BATCH_STACK | (o->values ? 1u << BATCH_VALUE : 0);

	return (o->plain ? 1u << BATCH_PLAIN : 0) | (o->stacks ? walks : 0);
}

/* -ENOENT: nothing (of use) was kept. */
static int load_as_kept(struct object *o)
{
	autodrop(kept_fini) struct kept k;
	bool plain = o->plain, stacks = o->stacks, values = o->values;
	int r = kept_open(&k, object_bytes());

	if (r < 0)
		return r;
	o->sets = k.sets;
	if (!knows(&k, wanted_sets(o)))
		return -ENOENT;
	o->plain = plain && k.sets.taken & 1u << BATCH_PLAIN;
	o->stacks = stacks && k.sets.taken & 1u << BATCH_STACK;
	o->values = values && k.sets.taken & 1u << BATCH_VALUE;
	o->kept = true;
	r = o->multi ? load_kept(o, &k) : load_all(o, &k, true);
	if (r == 0)
		return 0;
	o->kept = false;
	o->plain = plain;
	o->stacks = stacks;
	o->values = values;
	return r;
}

static int load_somehow(struct object *o)
{
	int r = load_as_kept(o);

	if (r == 0)
		return 0;
	err_note(ERR_DEBUG, "nothing that was kept can be loaded: %s", strerror(-r));
	o->sets.tried |= wanted_sets(o);
	r = load_fresh(o);
	/* Without a JIT no program goes over to another one. */
	if (o->stacks && r < 0 && r != -EPERM && r != -ENOMEM) {
		err_note(ERR_DEBUG, "the walk over Python frames cannot be loaded: %s", strerror(-r));
		o->stacks = false;
		r = load_fresh(o);
	}
	return r;
}

int object_load(struct object *o)
{
	bool stacks = o->stacks;
	int r = load_somehow(o);

	if (r < 0 && o->plain) { /* who lacks a right is told so by the second try */
		o->plain = false;
		o->stacks = stacks;
		r = load_somehow(o);
	}
	if (r == 0 && !o->kept)
		o->sets.taken |= wanted_sets(o);
	return r;
}

int object_map(const struct object *o, const char *name)
{
	/* In the object it may be none. */
	return strcmp(name, "ring") == 0 ? o->ring.fd : bpf_object__find_map_fd_by_name(o->obj, name);
}

void object_keep(struct object *o)
{
	if (o->kept)
		return;
	o->kept = true;
	int r = walk_keep(object_bytes(), &o->sets, o->obj);
	if (r < 0)
		err_note(ERR_DEBUG, "how programs are loaded here cannot be kept: %s", strerror(-r));
	(void)malloc_trim(0); /* all of the kernel's types were read once more */
}
