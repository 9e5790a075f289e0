/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The Python stack of the thread that runs: its thread state by the thread's own address (with the GIL released nothing
 * else names it), then frame by frame, one read each. Other threads run meanwhile, and what is read may be half written
 * or freed: every read may fail, every walk ends, nothing is believed but for what it says about itself.
 *
 * Programs that are reached by a tail call: python_walk where there is bpf_loop; else python_walk_plain, whose loops go
 * through functions that are verified once, by themselves, and take no arguments. Each once more for system calls.
 */
#include "python.bpf.h"

#include "call.bpf.h"
#include "code.bpf.h"
#include "filter.bpf.h"
#include "policy.bpf.h"
#include "spend.bpf.h"

#define PYTHON_THREADS	  1024			    /* thread states and interpreters looked at */
#define PYTHON_STEPS	  (2 * WIRE_PY_FRAMES + 16) /* frames, the interpreter's own among them */
#define PYTHON_OWNER_GEN  1			    /* pycore_frame.h: FRAME_OWNED_BY_GENERATOR */
#define PYTHON_OWNER_C	  3			    /* that and above: a frame of the interpreter's own */
#define PYTHON_VARS	  24			    /* PyContext.ctx_vars */
#define PYTHON_TYPE_FLAGS 168
/* anyio 3 and 4, WorkerThread.run: the locals are self, item, context, func, args, future, .. */
#define PYTHON_FUTURE  (5 * 8)
#define PYTHON_IS_LONG (1u << 24)
#define PYTHON_IS_STR  (1u << 28)
#define PYTHON_LONG    16 /* from 3.12 on: lv_tag, then digits of 30 bits */

/* ---- the thread state ---- */

/* Its innermost frame; false: a fault. */
static __always_inline bool python_top(const struct state_python *p, __u64 thread, __u64 *frame)
{
	if (!python_word(thread + p->thread_frame, frame))
		return false;
	return !*frame || p->cframe_frame == STATE_PYTHON_NONE ||
	       python_word(*frame + p->cframe_frame, frame);
}

/* Looks at one; 1: no further. A thread that runs code of several interpreters has a state in each: the newest one with
 * frames is the innermost. */
static __always_inline long python_seek(struct state_walk *w, const struct state_python *p)
{
	__u64 interp = w->interp, at = w->at, id, frame;

	if (!at) {
		if (!interp)
			return 1;
		python_word(interp + p->threads_head, &w->at);
		python_word(interp + p->interp_next, &w->interp);
		return 0;
	}
	python_word(at + p->thread_id, &id);
	if (id == w->self) {
		w->framed = python_top(p, at, &frame) && frame;
		if (w->framed || !w->thread)
			w->thread = at;
		if (w->framed)
			return 1;
	}
	python_word(at + p->thread_next, &w->at);
	return 0;
}

/* Whether the one that was found at the last walk still is this thread's, and none came since. */
static __always_inline bool python_knows(const struct state_walk *w, const struct state_python *p)
{
	__u64 id, head;

	return w->thread && python_word(w->thread + p->thread_id, &id) && id == w->self &&
	       python_word(p->interpreters, &head) && head == w->head && w->alone;
}

static __always_inline void python_seek_begin(struct state_walk *w, const struct state_python *p)
{
	__u64 next;

	w->thread = 0;
	w->framed = 0;
	w->at = 0;
	python_word(p->interpreters, &w->head);
	w->interp = w->head;
	w->alone = w->head && python_word(w->head + p->interp_next, &next) && !next;
}

/* What the thread state says beside its frames. False: there is no frame. */
static __always_inline bool python_enter(struct state_walk *w, const struct state_python *p)
{
	__u64 frame, vars = 0;

	w->stack.tstate = w->thread;
	if (!w->thread) {
		python_mark(w, WIRE_PY_THREAD);
		return false;
	}
	python_word(w->thread + p->thread_context, &w->stack.context);
	if (w->stack.context)
		python_word(w->stack.context + PYTHON_VARS, &vars);
	w->stack.context_vars = vars;
	if (!python_top(p, w->thread, &frame))
		python_mark(w, WIRE_PY_FAULT);
	w->at = frame;
	w->chain = STATE_WALK_BEFORE;
	return frame != 0;
}

/* ---- frames ---- */

static __always_inline __s32 python_lasti(const __u8 *bytes, const struct state_python *p, __u64 code)
{
	if (p->minor < 11) {
		__s32 lasti = python_field_32(bytes, p->frame_ip);

		if (lasti < 0)
			return -1;
		return p->minor == 10 ? lasti * 2 : lasti; /* there it counts code units */
	}
	__u64 offset = python_field(bytes, p->frame_ip) - (code + p->code_start);

	return offset < 1u << 28 ? (__s32)offset : -1;
}

/* The generator or coroutine that a frame belongs to, or 0. */
static __always_inline __u64 python_generator(const __u8 *bytes, const struct state_python *p, __u64 at)
{
	if (p->minor < 11)
		return python_field(bytes, p->frame_owner);
	return python_field_8(bytes, p->frame_owner) == PYTHON_OWNER_GEN ? at - p->gen_frame : 0;
}

static __always_inline void python_chain(struct state_walk *w, __u64 generator)
{
	if (generator && w->chain != STATE_WALK_BEHIND) {
		w->chain = STATE_WALK_IN;
		w->stack.coroutine = generator;
	} else if (!generator && w->chain == STATE_WALK_IN) {
		w->chain = STATE_WALK_BEHIND;
	}
}

/* The frame runs what another one made. A pool's thread was started by whoever came first: what it runs now says more. */
static __always_inline void python_work(struct state_walk *w, const struct state_python *p, __u64 at)
{
	__u64 self;

	if (w->work_what == WIRE_PY_MADE_WORK && w->role == WIRE_PY_MADE_THREAD)
		return;
	if (w->role == STATE_ROLE_FUTURE) {
		if (!python_word(at + p->frame_locals + PYTHON_FUTURE, &self) ||
		    !code_is_future(self & ~7ull))
			return;
	} else if (!python_word(at + p->frame_locals, &self)) {
		return;
	}
	w->work = self & ~7ull; /* from 3.14 on its low bits are tags */
	w->work_what = w->role == STATE_ROLE_FUTURE ? WIRE_PY_MADE_WORK : w->role;
}

/* Looks at one frame; 1: no further. */
static __always_inline long python_step(struct state_walk *w, const struct state_python *p, __u8 *bytes,
					__u64 start_ns)
{
	__u64 count = w->stack.count, size = p->frame_bytes, at = w->at;

	if (!at)
		return 1;
	compat_opaque(size);
	if (size > STATE_PYTHON_FRAME_MAX)
		return 1;
	if (bpf_probe_read_user(bytes, size, (void *)at)) {
		python_mark(w, WIRE_PY_FAULT);
		return 1;
	}
	__u64 code = python_field(bytes, p->frame_code) & ~7ull; /* from 3.14 on its low bits are tags */
	__u64 back = python_field(bytes, p->frame_back);
	__u64 generator = python_generator(bytes, p, at);
	__s32 lasti = python_lasti(bytes, p, code);

	if (p->minor >= 11 && python_field_8(bytes, p->frame_owner) >= PYTHON_OWNER_C) {
		w->at = back;
		return 0;
	}
	compat_opaque(count);
	if (count >= WIRE_PY_FRAMES) {
		python_mark(w, WIRE_PY_DEPTH);
		return 1;
	}
	w->at = back;
	if (!code_read(bytes, code)) {
		python_mark(w, WIRE_PY_FAULT);
		return 0;
	}
	if (!code_is_one(w, bytes)) {
		python_mark(w, WIRE_PY_CHANGED);
		return 0;
	}
	struct wire_py_frame *frame = &w->frames[count];

	if (!code_meet(w, p, bytes, start_ns, code, frame))
		return 0;
	frame->code = code;
	frame->lasti = lasti;
	/* Before 3.11 a generator and its frame are two objects that live and die together: what names a task is the former. */
	frame->frame = generator && p->minor < 11 ? generator : at;
	frame->flags = generator ? WIRE_PY_FRAME_GENERATOR : 0;
	if (w->role)
		python_work(w, p, at);
	python_chain(w, generator);
	w->stack.count = count + 1;
	return 0;
}

/* ---- the task ---- */

/* The name of a Task: a str, or until it is asked for the n of "Task-n". */
static __always_inline void python_name(struct state_walk *w, const struct state_python *p, __u64 name)
{
	__u64 at = w->stack.count * sizeof(struct wire_py_frame);
	__u64 type, flags, number[2];

	if (!python_word(name + PYTHON_TYPE, &type) || !python_word(type + PYTHON_TYPE_FLAGS, &flags))
		return;
	compat_opaque(at);
	if (at > WIRE_PY_FRAMES * sizeof(struct wire_py_frame))
		return;
	__u8 *to = (__u8 *)w->frames + at;

	if (flags & PYTHON_IS_LONG) {
		if (bpf_probe_read_user(number, sizeof(number), (void *)(name + PYTHON_LONG)) ||
		    number[0] & 3)
			return; /* negative, or 0 */
		__u64 n = number[1] & 0x3fffffff;

		if (number[0] >> 3 == 2)
			n |= (number[1] >> 32 & 0x3fffffff) << 30;
		else if (number[0] >> 3 != 1)
			return;
		*(__u64 *)to = n;
		w->stack.task_name_kind = WIRE_PY_TEXT_NUMBER;
		w->stack.task_name_len = sizeof(n);
		return;
	}
	if (!(flags & PYTHON_IS_STR))
		return;
	struct state_text *t = &w->texts[0];

	code_text(t, p, name, WIRE_PY_TASK_MAX);
	__u64 n = *(volatile __u32 *)&t->len;

	compat_opaque(n);
	if (n == 0 || n > WIRE_PY_TASK_MAX)
		return;
	__u64 pad = (n - 1) & 0x78;

	*(__u64 *)(to + pad) = 0;
	if (bpf_probe_read_user(to, n, (void *)t->data))
		return;
	w->stack.task_name_kind = t->kind;
	w->stack.task_name_len = n;
}

static __always_inline void python_task(struct state_walk *w, const struct state_python *p)
{
	__u64 name;

	if (p->thread_task == STATE_PYTHON_NONE || !w->thread)
		return;
	python_word(w->thread + p->thread_task, &w->stack.task);
	if (w->stack.task && python_word(w->stack.task + p->task_name, &name) && name)
		python_name(w, p, name);
}

/* ---- the record ---- */

static __always_inline void python_reset(struct state_walk *w)
{
	__builtin_memset(&w->stack, 0, sizeof(w->stack));
	w->fresh = 0;
	w->told = 0;
	w->ruled = 0;
	w->work = 0;
	w->work_what = 0;
	w->self = compat_self();
}

/* The make that was met (make.bpf.c): it lies in the scratch. */
static __always_inline void python_fill_make(struct state_walk *w, __u64 pid_tgid)
{
	struct wire_py_make *make = (void *)&w->stack;

	python_reset(w);
	emit_head(&make->head, 0, WIRE_PY_MAKE, bpf_ktime_get_ns(), pid_tgid, w->start_ns);
	make->made = w->make[0];
	make->root = w->make[1];
	make->what = w->make[2];
	w->make[2] = 0;
}

/* The event that was sent (event.bpf.h). */
static __always_inline void python_fill_event(struct state_walk *w, __u64 pid_tgid)
{
	python_reset(w);
	emit_head(&w->stack.head, 0, WIRE_PY_STACK, w->make[1], pid_tgid, w->start_ns);
	w->stack.conn.generation = w->make[0];
	w->stack.offset = w->make[1];
	w->make[2] = 0;
}

/* What the first bytes of the call say of its connection, for the writes that follow. */
static __always_inline void python_look(const struct state_call *call, struct state_conn *conn)
{
	__u32 word = 0;

	if (!(conn->flags & STATE_CONN_WHOLE) && call->num >= sizeof(word) &&
	    !bpf_probe_read_user(&word, sizeof(word), (void *)call->buffer))
		policy_look(conn, WIRE_WRITE, word);
}

/* The write that returned: its slot is free by now, but intact. False: it is gone all the same. */
static __always_inline bool python_fill(struct state_walk *w, __u64 pid_tgid)
{
	struct state_calls *c = bpf_map_lookup_elem(&calls, &pid_tgid);
	__u32 at = c ? c->at : STATE_CALL_DEPTH + 1;

	if (!c || at > STATE_CALL_DEPTH)
		return false;
	struct state_call *call = &c->slot[at];
	struct state_conn_key key = {.ssl = call->ssl, .tgid = pid_tgid >> 32};
	struct state_conn *conn = bpf_map_lookup_elem(&conns, &key);

	if (!conn)
		return false;
	if (at < STATE_CALL_DEPTH || !c->vector)
		python_look(call, conn);
	python_reset(w);
	emit_head(&w->stack.head, 0, WIRE_PY_STACK, call->out, pid_tgid, w->start_ns);
	w->stack.conn.ssl = call->ssl;
	w->stack.conn.generation = conn->generation;
	/* of a system call: put there by plain_moved, for its buffers are counted one by one */
	w->stack.offset = at == STATE_CALL_DEPTH ? call->ts_ns : conn->side[WIRE_WRITE].bytes - call->num;
	return true;
}

#define PYTHON_STACK_ROOM(frames) \
	(sizeof(struct wire_py_stack) + (frames) * sizeof(struct wire_py_frame) + WIRE_PY_TASK_MAX)

static __always_inline void python_send_work(const struct state_walk *w, struct state_target *target)
{
	struct wire_py_work *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);

	if (!rec) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return;
	}
	emit_head(&rec->head, sizeof(*rec), WIRE_PY_WORK, w->stack.head.ts_ns, bpf_get_current_pid_tgid(),
		  w->start_ns);
	rec->made = w->work;
	rec->what = w->work_what;
	rec->pad = 0;
	emit_add(target->counts.events_sent, 1);
	emit_submit(rec, sizeof(*rec), target->flags);
}

/* The record, copied out of the scratch into one of two constant sizes. False: there was no room. */
static __always_inline bool python_send(struct state_walk *w, struct state_target *target)
{
	__u64 size = emit_round(sizeof(struct wire_py_stack) + w->stack.count * sizeof(struct wire_py_frame) +
				w->stack.task_name_len);
	__u64 room = PYTHON_STACK_ROOM(64);

	if (w->work)
		python_send_work(w, target);
	w->stack.head.size = size;
	if (size > room)
		room = PYTHON_STACK_ROOM(WIRE_PY_FRAMES);
	compat_opaque(room); /* the verifier knows which constant it is on each path */
	void *rec = bpf_ringbuf_reserve(&ring, room, 0);

	if (!rec) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return false;
	}
	compat_opaque(size);
	if (size > room)
		size = room;
	bpf_probe_read_kernel(rec, size, &w->stack);
	emit_add(target->counts.events_sent, 1);
	emit_submit(rec, room, target->flags);
	return true;
}

/* Goes over to who reads values of the frames that have rules: does not come back. */
static __always_inline void python_values(void *ctx, bool raw, struct state_walk *w)
{
	if (!read_values || !w->ruled)
		return;
	__builtin_memset(&w->look, 0, sizeof(w->look));
	if (raw)
		bpf_tail_call(ctx, &plain_walkers, STATE_WALKER_VALUE);
	else
		bpf_tail_call(ctx, &walkers, STATE_WALKER_VALUE);
}

/* Everything but the loops. False: nothing is to be walked. */
static __always_inline bool python_begin(struct state_target *target, __u64 pid_tgid, struct state_walk **out)
{
	struct state_walk *w = python_slot(target, pid_tgid);

	*out = w;
	if (!w) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_MAP_FULL], 1);
		return false;
	}
	if (w->make[2] == STATE_WALK_EVENT)
		python_fill_event(w, pid_tgid);
	else if (w->make[2])
		python_fill_make(w, pid_tgid);
	else if (!python_fill(w, pid_tgid))
		return false;
	if (policy_is_throttled(target, w->stack.head.ts_ns, sizeof(w->stack))) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_THROTTLED], 1);
		return false;
	}
	return true;
}

/* ---- with bpf_loop ---- */

struct python_loop {
	struct state_walk *w;
	const struct state_python *p;
	struct state_target *target;
};

static __noinline long python_seek_one(__u32 index, struct python_loop *l)
{
	return python_seek(l->w, l->p);
}

static __noinline long python_step_one(__u32 index, struct python_loop *l)
{
	__u64 bytes[PYTHON_ROOM / 8];

	return python_step(l->w, l->p, (__u8 *)bytes, l->target->start_ns);
}

static __noinline long python_tell_one(__u32 index, struct python_loop *l)
{
	__u64 bytes[PYTHON_ROOM / 8];

	code_tell(l->w, l->p, (__u8 *)bytes, l->target, index);
	return 0;
}

static __always_inline void python_seek_all(struct python_loop *l)
{
	python_seek_begin(l->w, l->p);
	bpf_loop(PYTHON_THREADS, python_seek_one, l, 0);
}

static __always_inline void python_walk_loop(void *ctx, bool raw)
{
	__u64 begin = spend_is_bounded() ? bpf_ktime_get_ns() : 0, pid_tgid;
	struct python_loop l = {.target = filter_thread(&pid_tgid)};

	if (!l.target)
		return;
	l.p = python_find(l.target, pid_tgid >> 32);
	if (!l.p || !python_begin(l.target, pid_tgid, &l.w))
		return;
	/* Twice: who follows the list while a thread ends may be led astray. */
	if (!python_knows(l.w, l.p))
		python_seek_all(&l);
	if (!l.w->thread)
		python_seek_all(&l);
	if (python_enter(l.w, l.p))
		bpf_loop(PYTHON_STEPS, python_step_one, &l, 0);
	if (l.w->fresh)
		bpf_loop(l.w->stack.count, python_tell_one, &l, 0);
	python_task(l.w, l.p);
	bool sent = python_send(l.w, l.target);

	spend_walked(begin);
	if (sent)
		python_values(ctx, raw, l.w);
}

SEC("?uretprobe")
int python_walk(void *ctx)
{
	python_walk_loop(ctx, false);
	return PYTHON_DONE;
}

SEC("?raw_tp/sys_exit")
int python_walk_raw(void *ctx)
{
	python_walk_loop(ctx, true);
	return 0;
}

/* ---- without ---- */

struct python_here {
	__u64 pid_tgid;
	struct state_target *target;
	struct state_python *p;
	struct state_walk *w;
};

static __always_inline bool python_here(struct python_here *h)
{
	h->pid_tgid = bpf_get_current_pid_tgid();
	__u32 tgid = h->pid_tgid >> 32;

	h->target = bpf_map_lookup_elem(&targets, &tgid);
	h->p = bpf_map_lookup_elem(&pythons, &tgid);
	h->w = bpf_map_lookup_elem(&walks, &h->pid_tgid);
	return h->target && h->p && h->w;
}

__noinline int python_seek_plain(void)
{
	struct python_here h;

	return python_here(&h) ? python_seek(h.w, h.p) : 1;
}

__noinline int python_step_plain(void)
{
	struct python_here h;

	return python_here(&h) ? python_step(h.w, h.p, h.w->bytes, h.target->start_ns) : 1;
}

__noinline int python_tell_plain(void)
{
	struct python_here h;

	if (!python_here(&h) || h.w->told >= h.w->stack.count)
		return 1;
	code_tell(h.w, h.p, h.w->bytes, h.target, h.w->told++);
	return 0;
}

static __always_inline void python_walk_calls(void *ctx, bool raw)
{
	__u64 begin = spend_is_bounded() ? bpf_ktime_get_ns() : 0, pid_tgid;
	struct state_target *target = filter_thread(&pid_tgid);
	struct state_walk *w;

	if (!target)
		return;
	const struct state_python *p = python_find(target, pid_tgid >> 32);

	if (!p || !python_begin(target, pid_tgid, &w))
		return;
	if (!python_knows(w, p)) {
		python_seek_begin(w, p);
		for (int i = 0; i < PYTHON_THREADS / 4; i++)
			if (python_seek_plain())
				break;
	}
	if (python_enter(w, p)) {
		for (int i = 0; i < PYTHON_STEPS; i++)
			if (python_step_plain())
				break;
	}
	if (w->fresh) {
		for (int i = 0; i < WIRE_PY_FRAMES; i++)
			if (python_tell_plain())
				break;
	}
	python_task(w, p);
	bool sent = python_send(w, target);

	spend_walked(begin);
	if (sent)
		python_values(ctx, raw, w);
}

SEC("?uretprobe")
int python_walk_plain(void *ctx)
{
	python_walk_calls(ctx, false);
	return PYTHON_DONE;
}

SEC("?raw_tp/sys_exit")
int python_walk_plain_raw(void *ctx)
{
	python_walk_calls(ctx, true);
	return 0;
}
