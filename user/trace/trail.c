/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames that lived at a write, outwards: over what made the task or the submitted work that wrote, while that is certain. */
#include <stdlib.h>

#include "base/hash.h"
#include "trace/request.h"

#define LINKS_MAX  32u
#define FRAMES_MAX 4096u

static bool ends(const struct py_frame *f, const char *tail)
{
	return str_ends(f->file, str_of(tail));
}

/* What runs a loop: outwards of it stand those who serve everybody. */
static bool is_runner(const struct py_frame *f)
{
	return ends(f, "/asyncio/runners.py") || ends(f, "/uvloop/__init__.py") ||
	       (ends(f, "/asyncio/base_events.py") && str_ends(f->function, STR("run_forever")));
}

static bool is_loops(const struct py_frame *f)
{
	return str_find(f->file, STR("/asyncio/")) >= 0 || ends(f, "/uvloop/__init__.py");
}

/* Frames of the stack that are worth it: those that are the run's. Who begins a loop there is still one of them. */
static uint32_t reach_of(const struct py_stack *s)
{
	uint32_t reach = s->reach < s->count ? s->reach : s->count;
	bool other = false;

	for (uint32_t i = 0; i < reach; i++) {
		const struct py_frame *f = &s->frames[i];

		if ((other && is_runner(f)) || str_eq(f->function, STR("<module>")))
			return i;
		other |= !is_loops(f);
	}
	return reach;
}

static const char *word_of(enum py_how how)
{
	return how == PY_HOW_TASK ? "task" : how == PY_HOW_WORK ? "submit" : NULL;
}

/* The next one outwards, when it is certain that it made what runs in s. */
static const struct py_stack *maker_of(const struct py_stack *s)
{
	return s->certain && word_of(s->how) ? py_outwards(s) : NULL;
}

static uint32_t count_frames(const struct py_stack *s)
{
	uint32_t n = 0, links = 0;

	for (; s != NULL && links < LINKS_MAX && n < FRAMES_MAX; s = maker_of(s), links++)
		n += reach_of(s);
	return n < FRAMES_MAX ? n : FRAMES_MAX;
}

/* What stands outwards of a generator's frame says nothing, except that a coroutine which another one awaits is its. */
static bool stands_alone(const struct py_stack *s, uint32_t i)
{
	const struct py_frame *f = &s->frames[i];

	return f->generator && !(f->coroutine && i + 1 < s->count && s->frames[i + 1].coroutine);
}

static void fill(struct trace_alive *to, const struct py_stack *s, uint32_t reach, const char *how)
{
	uint64_t outer = 0;

	for (uint32_t i = reach; i > 0; i--) {
		const struct py_frame *f = &s->frames[i - 1];

		if (stands_alone(s, i - 1))
			outer = 0;
		to[i - 1] = (struct trace_alive){.code = f->code,
						 .frame = f->frame,
						 .outer = outer,
						 .ns = s->ts_ns,
						 .how = how,
						 .brief = s->how == PY_HOW_CALLBACK && !f->generator};
		uint64_t facts[] = {outer, f->frame, f->code, (uint64_t)(int64_t)f->lasti};
		outer = hash_u64(str_make(facts, sizeof(facts)), 6);
	}
}

struct trace_trail *trace_trail_new(const struct py_stack *s)
{
	uint32_t count = s ? count_frames(s) : 0, links = 0;
	const char *how = NULL;
	struct trace_trail *t = count ? malloc(sizeof(*t) + count * sizeof(struct trace_alive)) : NULL;

	if (t == NULL)
		return NULL;
	t->count = 0;
	for (; s != NULL && links < LINKS_MAX; s = maker_of(s), links++) {
		uint32_t reach = reach_of(s);

		if (reach > count - t->count)
			break;
		fill(t->list + t->count, s, reach, how);
		t->count += reach;
		if (maker_of(s))
			how = word_of(s->how);
	}
	return t;
}
