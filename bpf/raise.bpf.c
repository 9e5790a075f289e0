/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Exceptions: CPython enters PyTraceBack_Here(frame) once in each frame that one is raised in or comes to. The first time it
 * is told of, with its stack; then, as long as it is the last one of its thread, only in which frame it is. Most of them are
 * how programs work and not what went wrong: those that end iterations leave here, and a process sends so many a second.
 */
#include "code.bpf.h"
#include "event.bpf.h"

#define RAISE_THREADS	128 /* thread states of the first interpreter that are looked at */
#define RAISE_ARGS	24  /* PyBaseExceptionObject.args */
#define RAISE_TRACEBACK 40  /* from 3.12 on: its traceback */
#define RAISE_TB_FRAME	24  /* PyTracebackObject.tb_frame */
#define RAISE_FRAME	24  /* PyFrameObject.f_frame, from 3.11 on */

#define RAISE_IS_TUPLE (1ull << 26)
#define RAISE_IS_STR   (1ull << 28)
#define RAISE_IS_EXC   (1ull << 30)

/* The thread state of the thread that runs; 0: not found. The walk has left it here, most often. */
static __noinline __u64 raise_thread(const struct state_walk *w, const struct state_python *p)
{
	__u64 self = compat_self(), at = w->thread, id, next;

	if (at && python_word(at + p->thread_id, &id) && id == self)
		return at;
	if (!python_word(p->interpreters, &at) || !at || !python_word(at + p->threads_head, &at))
		return 0;
	for (__u32 i = 0; i < RAISE_THREADS && at; i++) {
		if (!python_word(at + p->thread_id, &id) || id == self)
			return id == self ? at : 0;
		if (!python_word(at + p->thread_next, &next))
			return 0;
		at = next;
	}
	return 0;
}

/* The exception that is under way. */
struct raise {
	__u64 type, value, traceback;
};

static __always_inline bool raise_read(struct raise *r, const struct state_python *p, __u64 thread)
{
	__u64 error[3] = {0};

	if (p->minor < 12) {
		if (bpf_probe_read_user(error, sizeof(error), (void *)(thread + p->thread_error)))
			return false;
		r->type = error[0];
		r->value = error[1];
		r->traceback = error[2];
		return r->type != 0;
	}
	return python_word(thread + p->thread_error, &r->value) && r->value &&
	       python_word(r->value + PYTHON_TYPE, &r->type) &&
	       python_word(r->value + RAISE_TRACEBACK, &r->traceback);
}

/* As wire_py_frame.frame has it. */
static __always_inline __u64 raise_frame(const struct state_python *p, __u64 object)
{
	__u64 frame = 0;

	if (p->minor >= 11)
		python_word(object + RAISE_FRAME, &frame);
	else if (!python_word(object + p->frame_owner, &frame) || !frame)
		frame = object;
	return frame;
}

static __always_inline struct wire_py_exception *
raise_head(struct wire_py_exception *rec, const struct event *e, __u64 now, __u64 size, __u64 frame)
{
	emit_head(&rec->head, size, WIRE_PY_EXCEPTION, now, e->pid_tgid, e->target->start_ns);
	rec->raised = e->w->error;
	rec->frame = frame;
	rec->type_len = 0;
	rec->message_len = 0;
	rec->message_kind = 0;
	rec->flags = 0;
	__builtin_memset(rec->pad, 0, sizeof(rec->pad));
	return rec;
}

static __always_inline void raise_pass(struct event *e, __u64 object)
{
	struct wire_py_exception *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);

	if (!rec) {
		emit_add(e->target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return;
	}
	raise_head(rec, e, bpf_ktime_get_ns(), sizeof(*rec), raise_frame(e->p, object));
	rec->flags = WIRE_PY_PASSED;
	emit_add(e->target->counts.events_sent, 1);
	emit_submit(rec, sizeof(*rec), e->target->flags);
}

static __always_inline __u64 raise_flags(__u64 object)
{
	__u64 type, flags = 0;

	if (object && python_word(object + PYTHON_TYPE, &type))
		python_word(type + EVENT_TYPE_FLAGS, &flags);
	return flags;
}

/* Where the message is: the first of the two first arguments that is a str. Up to 3.11 what C code raises is a str or a tuple
 * until somebody looks. */
static __always_inline void raise_message(struct state_text *t, const struct state_python *p, __u64 value)
{
	__u64 flags = raise_flags(value), tuple = value, size = 0, items[2] = {0};

	*t = (struct state_text){0};
	if (flags & RAISE_IS_STR) {
		code_text(t, p, value, WIRE_PY_MESSAGE_MAX);
		return;
	}
	if (flags & RAISE_IS_EXC && !python_word(value + RAISE_ARGS, &tuple))
		return;
	if (!(raise_flags(tuple) & RAISE_IS_TUPLE) || !python_word(tuple + PYTHON_SIZE, &size) || !size)
		return;
	if (bpf_probe_read_user(items, size > 1 ? 16 : 8, (void *)(tuple + (p->minor < 14 ? 24 : 32))))
		return;
	if (raise_flags(items[0]) & RAISE_IS_STR)
		code_text(t, p, items[0], WIRE_PY_MESSAGE_MAX);
	else if (raise_flags(items[1]) & RAISE_IS_STR)
		code_text(t, p, items[1], WIRE_PY_MESSAGE_MAX);
}

/* "Stop..." and "Generat...": StopIteration, StopAsyncIteration, GeneratorExit. */
static __always_inline bool raise_is_flow(__u64 name)
{
	__u64 word;

	if (!python_word(name, &word))
		return true;
	return (__u32)word == 0x706f7453u || word == 0x6f746172656e6547ull;
}

/* The marker module: what it says is an exception, which it catches. */
static __always_inline bool raise_is_marker(const struct state_python *p, __u64 file)
{
	__u64 length, tail[2];

	if (!code_tail(p, file, &length, tail))
		return false;
	return tail[1] == CODE_WORD('t', 'r', 'a', 'c', 'e', '.', 'p', 'y') &&
	       tail[0] >> 32 == CODE_WORD('/', 'b', 'o', 't', 0, 0, 0, 0);
}

/* Whether the frame runs what is frozen into the interpreter, its import system, which tries and fails all the time; or the
 * marker module. */
static __always_inline bool raise_is_own(const struct state_python *p, __u64 object)
{
	__u64 code, file, word;

	if (p->minor >= 11 && !python_word(object + RAISE_FRAME, &object))
		return false;
	if (!python_word(object + p->frame_code, &code) ||
	    !python_word((code & ~7ull) + p->code_file, &file) || !python_word(file + p->str_ascii, &word))
		return false;
	return (word & 0xffffffffffffffull) == 0x6e657a6f72663cull /* <frozen */ || raise_is_marker(p, file);
}

#define RAISE_PATH_WORDS 16 /* of a path that are looked at */

/* Whether the frame's file lies where libraries do: it decides what it is counted against, and no more. */
static __always_inline bool raise_is_library(const struct state_python *p, __u64 object)
{
	__u64 words[RAISE_PATH_WORDS + 1] = {0}, code, file;
	const __u8 *path = (const void *)words;

	if (p->minor >= 11 && !python_word(object + RAISE_FRAME, &object))
		return false;
	if (!python_word(object + p->frame_code, &code) ||
	    !python_word((code & ~7ull) + p->code_file, &file) ||
	    bpf_probe_read_user_str(words, RAISE_PATH_WORDS * 8, (void *)(file + p->str_ascii)) <= 0)
		return false;
#pragma unroll
	for (int i = 0; i < RAISE_PATH_WORDS * 8 - 8; i++) {
		__u64 word;

		__builtin_memcpy(&word, path + i, sizeof(word));
		if (word == CODE_WORD('s', 'i', 't', 'e', '-', 'p', 'a', 'c') ||
		    word == CODE_WORD('d', 'i', 's', 't', '-', 'p', 'a', 'c') ||
		    word == CODE_WORD('/', 'p', 'y', 't', 'h', 'o', 'n', '3'))
			return true;
	}
	return false;
}

#define RAISE_ROOM (WIRE_PY_TYPE_MAX + WIRE_PY_MESSAGE_MAX)

static __always_inline bool raise_send(struct event *e, __u64 name, __u64 value, __u64 frame)
{
	struct state_text *t = &e->w->texts[0];
	struct wire_py_exception *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec) + RAISE_ROOM, 0);

	if (!rec) {
		emit_add(e->target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return false;
	}
	raise_message(t, e->p, value);
	long r = bpf_probe_read_user_str(rec->payload, WIRE_PY_TYPE_MAX, (void *)name);
	__u64 type_len = r > 0 ? r - 1 : 0, n = *(volatile __u32 *)&t->len;

	compat_opaque(type_len);
	if (type_len >= WIRE_PY_TYPE_MAX)
		type_len = 0;
	compat_opaque(n);
	if (n > WIRE_PY_MESSAGE_MAX || t->kind == 0)
		n = 0;
	if (bpf_probe_read_user(rec->payload + type_len, n, (void *)t->data)) {
		n = 0;
		t->kind = 0;
	}
	__u64 kind = t->kind, cut = t->flags & WIRE_PY_CODE_CUT;

	raise_head(rec, e, e->now, emit_round(sizeof(*rec) + type_len + n), frame);
	rec->type_len = type_len;
	rec->message_len = n;
	rec->message_kind = kind;
	rec->flags = cut ? WIRE_PY_MESSAGE_CUT : 0;
	emit_add(e->target->counts.events_sent, 1);
	emit_submit(rec, sizeof(*rec) + RAISE_ROOM, e->target->flags);
	return true;
}

SEC("?uprobe")
int audit_raise(struct pt_regs *ctx)
{
	__u64 object = PT_REGS_PARM1(ctx), name, before = 0;
	struct raise r = {0};
	struct event e;

	if (!event_find(&e))
		return EVENT_DONE;
	e.w = python_slot(e.target, e.pid_tgid);
	if (!e.w || !raise_read(&r, e.p, raise_thread(e.w, e.p)))
		return EVENT_DONE;
	if (r.traceback) {
		/* A handler may have made another object of it, and raised it again. */
		python_word(r.traceback + RAISE_TB_FRAME, &before);
		if (e.w->error && (r.value == e.w->error_value || before == e.w->error_frame)) {
			e.w->error_value = r.value;
			e.w->error_frame = object;
			raise_pass(&e, object);
		}
		return EVENT_DONE;
	}
	e.w->error = 0;
	if (!python_word(r.type + PYTHON_TYPE_NAME, &name) || raise_is_flow(name) ||
	    raise_is_own(e.p, object) ||
	    !event_begin(&e, raise_is_library(e.p, object) ? STATE_HAND_LIBRARY : STATE_HAND_RAISE))
		return EVENT_DONE;
	e.w->error = e.now;
	e.w->error_value = r.value;
	e.w->error_frame = object;
	if (raise_send(&e, name, r.value, raise_frame(e.p, object)))
		event_go(ctx, &e);
	return EVENT_DONE;
}
