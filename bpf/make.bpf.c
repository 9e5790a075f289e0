/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where Python work changes hands: a task is made, a function is submitted to a pool, a thread is started. At the entry of
 * the C function that does it the stack of who asked is walked; what was made is known again by its address when it
 * runs. Entries only: nothing hangs on how these functions end.
 */
#include "python.bpf.h"

#include "call.bpf.h"
#include "filter.bpf.h"
#include "spend.bpf.h"

#define MAKE_SELF 24 /* PyMethodObject.im_self */

/* The first item of a tuple. */
static __always_inline bool make_first(const struct state_python *p, __u64 tuple, __u64 *item)
{
	return python_word(tuple + (p->minor < 14 ? 24 : 32), item) && *item;
}

/* Whether an object's class has a name that begins with these eight bytes; of a shorter one the NUL is the last. */
static __always_inline bool make_is(__u64 object, __u64 name, __u64 mask)
{
	__u64 type, text, word;

	return python_word(object + PYTHON_TYPE, &type) && python_word(type + PYTHON_TYPE_NAME, &text) &&
	       python_word(text, &word) && (word & mask) == name;
}

/* (self, args, kwargs): Task.__init__. The coroutine is the first argument. */
static __always_inline bool make_read_task(struct pt_regs *ctx, const struct state_python *p, __u64 *made,
					   __u64 *root)
{
	__u64 size;

	*made = PT_REGS_PARM1(ctx);
	if (!python_word(PT_REGS_PARM2(ctx) + 16, &size) || !size || !make_first(p, PT_REGS_PARM2(ctx), root))
		*root = 0;
	return *made != 0;
}

/* (self, args[], count, names): SimpleQueue.put. What is no work item is nobody's work. */
static __always_inline bool make_read_submit(struct pt_regs *ctx, const struct state_python *p, __u64 *made,
					     __u64 *root)
{
	*root = 0;
	return python_word(PT_REGS_PARM2(ctx), made) &&
	       make_is(*made, 0x6574496b726f575full /* _WorkIte */, ~0ull);
}

/* (self, args, kwargs): Future.__init__. A loop's own futures are told their loop. What is not, anyio's and few others,
 * may go with work to a thread. */
static __always_inline bool make_read_future(struct pt_regs *ctx, __u64 *made, __u64 *root)
{
	*root = 0;
	*made = PT_REGS_PARM1(ctx);
	return *made != 0;
}

/* (module, args): start_new_thread, start_joinable_thread. The function is a Thread's method, or nothing that its own
 * stack would name. */
static __always_inline bool make_read_thread(struct pt_regs *ctx, const struct state_python *p, __u64 *made,
					     __u64 *root)
{
	__u64 function;

	*root = 0;
	return make_first(p, PT_REGS_PARM2(ctx), &function) &&
	       make_is(function, 0x646f6874656dull /* method */, 0xffffffffffffffull) &&
	       python_word(function + MAKE_SELF, made) && *made;
}

/* Makes the walk ready. False: there is none to be made. what: a constant. */
static __always_inline bool make_begin(struct pt_regs *ctx, __u64 what, bool future)
{
	__u64 pid_tgid, made = 0, root = 0;
	struct state_target *target = filter_thread(&pid_tgid);

	if (!target || !walk_stacks)
		return false;
	spend_hit(false, true);
	struct wire_shared *s = policy_shared();
	const struct state_python *p = python_find(target, pid_tgid >> 32);

	if (!s || !s->stacks || !p)
		return false;
	bool is = future		      ? make_read_future(ctx, &made, &root)
		  : what == WIRE_PY_MADE_TASK ? make_read_task(ctx, p, &made, &root)
		  : what == WIRE_PY_MADE_WORK ? make_read_submit(ctx, p, &made, &root)
					      : make_read_thread(ctx, p, &made, &root);

	if (!is)
		return false;
	struct state_walk *w = python_slot(target, pid_tgid);

	if (!w) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_MAP_FULL], 1);
		return false;
	}
	w->make[0] = made;
	w->make[1] = root;
	w->make[2] = what;
	return true;
}

#define MAKE(name, what)                          \
	SEC("?uprobe")                            \
	int make_##name(struct pt_regs *ctx)      \
	{                                         \
		if (make_begin(ctx, what, false)) \
			python_go(ctx);           \
		return PYTHON_DONE;               \
	}

MAKE(task, WIRE_PY_MADE_TASK)
MAKE(submit, WIRE_PY_MADE_WORK)
MAKE(thread, WIRE_PY_MADE_THREAD)

/* Of each future that waits for something: what has arguments ends at once. */
SEC("?uprobe")
int make_future(struct pt_regs *ctx)
{
	if (!PT_REGS_PARM3(ctx) && make_begin(ctx, WIRE_PY_MADE_WORK, true))
		python_go(ctx);
	return PYTHON_DONE;
}
