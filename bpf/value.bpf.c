/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Values of frames: what a rule's path leads to, from a local of the frame over attributes and keys to a str, each sent
 * behind the stack. What the interpreter itself would look up is looked up in its tables; nothing of the process is run, so a
 * property or a __getattr__ gives nothing.
 *
 * One turn does one small thing and leaves the state of the look in the thread's scratch: so there is one loop, which is verified
 * once, and a bound for all. As in python.bpf.c there is a program with bpf_loop and one without.
 */
#include "emit.bpf.h"
#include "filter.bpf.h"
#include "look.bpf.h"
#include "python.bpf.h"
#include "rule.bpf.h"
#include "spend.bpf.h"
#include "text.bpf.h"

#define VALUE_TURNS	  4096 /* of one stack; from half of them on, paths only end */
#define VALUE_TURNS_PLAIN 1024
#define VALUE_TRIES	  3 /* after the first, when what was read changed meanwhile */

static __always_inline void value_go(struct state_look *l, __u64 object)
{
	l->object = object;
	l->trail_step = l->trail;
	l->step++;
	l->phase = STATE_LOOK_STEP;
}

/* The next of three tables of locals. False: there is none. */
static __always_inline bool value_next_locals(struct state_look *l, const struct state_python *p, __u64 code)
{
	if (p->minor >= 11 || l->segment >= 2)
		return false;
	l->base += l->count;
	l->segment++;
	look_open_locals(l, p, code);
	return true;
}

/* What a local holds now; *object 0: nothing. False: that cannot be told, and the look has ended. */
static __always_inline bool value_local(struct state_look *l, const struct state_python *p,
					const struct wire_py_frame *f, __u64 slot, bool cell, __u64 *object)
{
	__u64 frame = f->frame;

	/* Up to 3.10 that names the generator, which has its frame. */
	if (p->minor < 11 && f->flags & WIRE_PY_FRAME_GENERATOR &&
	    !look_follow(l, frame + LOOK_GENERATOR_FRAME, &frame))
		return false;
	if (!look_follow(l, frame + p->frame_locals + 8 * slot, object))
		return false;
	if (p->minor >= 14 && (*object & 3) == 3) { /* a small int, not an object */
		look_fail(l, WIRE_PY_VALUE_TYPE);
		return false;
	}
	*object &= ~7ull;
	if (!*object || !cell)
		return true;
	return look_follow(l, *object + LOOK_CELL, object);
}

/* What this thread knows of the frame's code object, or NULL. */
static __always_inline struct state_known *value_known(struct state_walk *w, const struct wire_py_frame *f)
{
	struct state_known *known = &w->known[python_known(f->code)];

	return known->code == f->code && known->epoch == f->epoch ? known : NULL;
}

static __always_inline void value_take_local(struct state_walk *w, const struct state_python *p,
					     const struct wire_py_frame *f, const struct state_rule *r,
					     __u64 i)
{
	struct state_look *l = &w->look;
	__u64 kinds, object, slot = l->base + i;
	bool cell = l->segment != 0;
	__u8 kind;

	if (p->minor >= 11) {
		if (!look_word(l, f->code + p->code_kinds, &kinds))
			return;
		if (bpf_probe_read_user(&kind, 1, (void *)(kinds + LOOK_BYTES + i))) {
			look_fail(l, WIRE_PY_VALUE_FAULT);
			return;
		}
		cell = kind & LOOK_CELL_KINDS;
	}
	if (!value_local(l, p, f, slot, cell, &object))
		return;
	if (!object) {
		if (!value_next_locals(l, p, f->code))
			look_fail(l, WIRE_PY_VALUE_LOCAL);
		return;
	}
	struct state_known *known = value_known(w, f);

	if (known && r->flags & STATE_RULE_LEAD && slot < STATE_KNOWN_CELL)
		known->slot = slot + 1 + (cell ? STATE_KNOWN_CELL : 0);
	value_go(l, object);
}

/* What stands in a class: a plain object, or a slot of the instance's. Else to look at it would be to run it. */
static __always_inline void value_take_class(struct state_look *l, __u64 object)
{
	__u64 type, get, name, member, kind, offset;
	char text[8] = {0};

	if (!look_word(l, object + PYTHON_TYPE, &type) || !look_word(l, type + LOOK_GET, &get))
		return;
	if (!get) {
		value_go(l, object);
		return;
	}
	if (!look_word(l, type + LOOK_NAME, &name))
		return;
	if (bpf_probe_read_user(text, sizeof(text), (void *)name)) {
		look_fail(l, WIRE_PY_VALUE_FAULT);
		return;
	}
	if (*(__u64 *)text != 0x645f7265626d656dull) { /* "member_d", of member_descriptor */
		look_fail(l, WIRE_PY_VALUE_ABSENT);
		return;
	}
	if (!look_word(l, object + LOOK_MEMBER, &member) || !look_word(l, member + LOOK_MEMBER_TYPE, &kind) ||
	    !look_word(l, member + LOOK_MEMBER_SHIFT, &offset))
		return;
	kind &= 0xffffffff;
	if ((kind != 0 && kind != 16) || offset > 1u << 20) { /* T_OBJECT, T_OBJECT_EX */
		look_fail(l, WIRE_PY_VALUE_TYPE);
		return;
	}
	if (!look_follow(l, l->object + offset, &object))
		return;
	if (object)
		value_go(l, object);
	else
		look_fail(l, WIRE_PY_VALUE_ABSENT);
}

/* The name is in none of the entries. */
static __always_inline void value_absent(struct state_look *l, const struct state_python *p,
					 const struct wire_py_frame *f, const struct state_step *s)
{
	__u64 type, mro, count;

	if (l->large) {
		look_fail(l, WIRE_PY_VALUE_LARGE);
	} else if (s->what == STATE_STEP_LOCAL) {
		if (!value_next_locals(l, p, f->code))
			look_fail(l, WIRE_PY_VALUE_LOCAL);
	} else if (s->what == STATE_STEP_KEY) {
		look_fail(l, WIRE_PY_VALUE_ABSENT);
	} else if (l->in_class) {
		l->phase = STATE_LOOK_CLASS;
	} else if (look_word(l, l->object + PYTHON_TYPE, &type) && look_word(l, type + LOOK_MRO, &mro) &&
		   look_word(l, mro + LOOK_SIZE, &count)) {
		l->in_class = 1;
		l->classes = mro + p->tuple_items;
		l->class_count = count > LOOK_CLASSES ? LOOK_CLASSES : count;
		l->class_at = 0;
		l->phase = STATE_LOOK_CLASS;
	}
}

/* Looks at one entry. */
static __always_inline void value_scan(struct state_walk *w, const struct state_python *p,
				       const struct wire_py_frame *f, const struct state_rule *r,
				       struct state_step *s)
{
	struct state_look *l = &w->look;
	__u64 i = l->index, at, key, object;

	if (i >= l->count) {
		value_absent(l, p, f, s);
		return;
	}
	at = l->entries + i * l->stride + l->key_at;
	if (!look_word(l, at, &key))
		return;
	bool found = look_is_name(w, p, key, s);

	if (found && s->what == STATE_STEP_LOCAL) {
		s->hint = i;
		value_take_local(w, p, f, r, i);
		return;
	}
	if (found) {
		if (!look_note(l, at, key) ||
		    !look_follow(l, l->values ? l->values + 8 * i : at + 8, &object))
			return;
		if (object) { /* else it was deleted */
			s->hint = i;
			if (l->in_class)
				value_take_class(l, object);
			else
				value_go(l, object);
			return;
		}
	}
	l->index = l->hinted ? 0 : i + 1;
	l->hinted = 0;
}

/* The table of the next class. */
static __always_inline void value_class(struct state_look *l, const struct state_python *p)
{
	__u64 type, dict, i = l->class_at++;

	l->trail = l->trail_step;

	if (i >= l->class_count) {
		look_fail(l, WIRE_PY_VALUE_ABSENT);
		return;
	}
	if (look_word(l, l->classes + 8 * i, &type) && look_word(l, type + LOOK_DICT, &dict) && dict)
		look_open_dict(l, p, dict);
}

/* From an object along the next step. */
static __always_inline void value_step(struct state_look *l, const struct state_python *p,
				       const struct state_step *s)
{
	__u64 type, flags, name;

	if (s->what == STATE_STEP_ATTRIBUTE) {
		look_open_attributes(l, p);
	} else {
		if (!look_flags(l, l->object, &type, &flags))
			return;
		if (s->what == STATE_STEP_KEY && flags & LOOK_IS_DICT) {
			l->in_class = 0;
			look_open_dict(l, p, l->object);
		} else if (s->what == STATE_STEP_TYPE && flags & LOOK_HEAP) {
			if (look_follow(l, type + p->type_name, &name))
				value_go(l, name);
			return;
		} else {
			look_fail(l, WIRE_PY_VALUE_TYPE);
			return;
		}
	}
	if (l->phase == STATE_LOOK_SCAN && s->hint < l->count) {
		l->index = s->hint;
		l->hinted = 1;
	}
}

/* ---- the record ---- */

/* What was found, as text. */
static __always_inline void value_text(struct state_walk *w, const struct state_python *p,
				       const struct state_rule *r)
{
	struct state_look *l = &w->look;
	struct state_text *t = &w->texts[0];
	__u64 type, flags;

	*t = (struct state_text){0};
	if (l->reason || r->flags & STATE_RULE_SELF)
		return;
	if (!look_flags(l, l->object, &type, &flags))
		return;
	if (!(flags & LOOK_IS_STR)) {
		l->reason = WIRE_PY_VALUE_TYPE;
		return;
	}
	code_text(t, p, l->object, 4 * WIRE_PY_VALUE_MAX);
	if (t->flags & WIRE_PY_CODE_FAULT) {
		l->reason = WIRE_PY_VALUE_FAULT;
		t->len = 0;
		return;
	}
	__u32 most = t->kind * WIRE_PY_VALUE_MAX;

	if (t->flags || t->len > most)
		l->reason = WIRE_PY_VALUE_CUT;
	if (t->len > most)
		t->len = most;
}

/* False: what was read has changed meanwhile; once more. */
static __always_inline bool value_send(struct state_walk *w, const struct state_python *p,
				       struct state_target *target, const struct wire_py_frame *f,
				       const struct state_rule *r)
{
	struct state_look *l = &w->look;
	struct state_text *t = &w->texts[0];

	value_text(w, p, r);
	__u64 n = *(volatile __u32 *)&t->len, room = sizeof(struct wire_py_value) + WIRE_PY_VALUE_MAX;

	if (n > WIRE_PY_VALUE_MAX)
		room = sizeof(struct wire_py_value) + 4 * WIRE_PY_VALUE_MAX;
	compat_opaque(room); /* the verifier knows which constant it is on each path */
	struct wire_py_value *v = bpf_ringbuf_reserve(&ring, room, 0);

	if (!v) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return true;
	}
	compat_opaque(n);
	if (n > room - sizeof(*v))
		n = 0;
	__u64 last = (n - 1) & (4 * WIRE_PY_VALUE_MAX - 8);

	v->kind = t->kind;
	v->reason = l->reason;
	if (r->flags & STATE_RULE_SELF && !l->reason) {
		*(__u64 *)v->payload = l->object;
		v->kind = WIRE_PY_TEXT_NUMBER;
		n = sizeof(__u64);
	} else if (n) {
		compat_opaque(last);
		if (last <= room - sizeof(*v) - 8)
			*(__u64 *)(v->payload + last) = 0;
		if (bpf_probe_read_user(v->payload, n, (void *)t->data)) {
			v->kind = WIRE_PY_TEXT_NONE;
			v->reason = WIRE_PY_VALUE_FAULT;
			n = 0;
		}
	}
	if (v->kind && !look_stands(l)) {
		if (l->tries++ < VALUE_TRIES) {
			emit_discard(v, room);
			return false;
		}
		v->kind = WIRE_PY_TEXT_NONE;
		v->reason = WIRE_PY_VALUE_FAULT;
		n = 0;
	}
	emit_head(&v->head, emit_round(sizeof(*v) + n), WIRE_PY_VALUE, w->stack.head.ts_ns,
		  bpf_get_current_pid_tgid(), target->start_ns);
	v->conn = w->stack.conn;
	v->offset = w->stack.offset;
	v->frame = f->frame;
	v->epoch = f->epoch;
	v->rule = r->id;
	v->at = l->at;
	v->pad = 0;
	v->len = n;
	emit_add(target->counts.events_sent, 1);
	emit_submit(v, room, target->flags);
	return true;
}

/* ---- turns ---- */

/* The next frame that has rules, or may have. 1: there is none. */
static __always_inline long value_frame(struct state_walk *w, const struct state_python *p,
					const struct state_target *target)
{
	struct state_look *l = &w->look;
	__u64 i = l->ruled++;

	compat_opaque(i);
	if (i >= WIRE_PY_FRAMES || i >= w->ruled)
		return 1;
	__u64 at = w->ruling[i].at;

	l->at = at;
	l->rule = w->ruling[i].rule;
	l->phase = STATE_LOOK_BEGIN;
	compat_opaque(at);
	if (l->rule != STATE_RULE_SEEK || at >= WIRE_PY_FRAMES)
		return 0;
	l->rule = rule_first(w, p, w->frames[at].code);
	l->phase = STATE_LOOK_RULE;
	if (!l->rule) {
		rule_set(target, &w->frames[at], 0);
		l->phase = STATE_LOOK_FRAME;
	}
	return 0;
}

/* Whether a rule of the right name is the frame's; first the file's name is made ready. */
static __always_inline void value_rule(struct state_walk *w, const struct state_python *p,
				       const struct state_target *target, const struct wire_py_frame *f,
				       const struct state_rule *r)
{
	struct state_look *l = &w->look;

	if (rule_narrow(w))
		return;
	if (rule_fits(w, r)) {
		rule_set(target, f, l->rule);
		l->phase = STATE_LOOK_BEGIN;
		return;
	}
	l->rule = r->next[p->minor < 11];
	if (!l->rule) {
		rule_set(target, f, 0);
		l->phase = STATE_LOOK_FRAME;
	}
}

static __always_inline void value_begin(struct state_walk *w, const struct state_python *p,
					const struct wire_py_frame *f, const struct state_rule *r,
					const struct state_step *s)
{
	struct state_look *l = &w->look;
	const struct state_known *known = r->flags & STATE_RULE_LEAD ? value_known(w, f) : NULL;
	__u64 slot = known ? known->slot : 0, object;

	l->reason = 0;
	l->trail = 0;
	l->step = 0;
	l->base = 0;
	l->segment = 0;
	if (slot) {
		bool cell = slot > STATE_KNOWN_CELL;

		if (!value_local(l, p, f, slot - 1 - (cell ? STATE_KNOWN_CELL : 0), cell, &object))
			return;
		if (object) {
			value_go(l, object);
			return;
		}
	}
	look_open_locals(l, p, f->code);
	if (l->phase == STATE_LOOK_SCAN && s->hint < l->count) {
		l->index = s->hint;
		l->hinted = 1;
	}
}

/* 1: done. */
static __always_inline long value_turn(struct state_walk *w, const struct state_python *p,
				       struct state_target *target, __u32 most)
{
	struct state_look *l = &w->look;
	__u64 at = l->at, step = l->step;
	__u32 index = l->rule - 1;

	if (l->phase == STATE_LOOK_FRAME)
		return value_frame(w, p, target);
	struct state_rule *r = bpf_map_lookup_elem(&rules, &index);

	compat_opaque(at);
	if (!r || at >= WIRE_PY_FRAMES)
		return 1;
	struct wire_py_frame *f = &w->frames[at];

	if (l->phase == STATE_LOOK_RULE) {
		value_rule(w, p, target, f, r);
		return 0;
	}
	if (++l->turns > most && l->phase != STATE_LOOK_SEND)
		look_fail(l, WIRE_PY_VALUE_LARGE);
	if (l->phase == STATE_LOOK_STEP && step >= r->steps)
		l->phase = STATE_LOOK_SEND;
	if (l->phase == STATE_LOOK_SEND) {
		if (!value_send(w, p, target, f, r)) {
			l->phase = STATE_LOOK_BEGIN;
			return 0;
		}
		l->tries = 0;
		l->rule = r->next[p->minor < 11];
		l->phase = r->same[p->minor < 11] ? STATE_LOOK_BEGIN : STATE_LOOK_FRAME;
		return 0;
	}
	if (l->phase == STATE_LOOK_BEGIN)
		step = 0;
	compat_opaque(step);
	if (step >= STATE_STEPS)
		return 1;
	struct state_step *s = &r->step[step];

	if (l->phase == STATE_LOOK_SCAN)
		value_scan(w, p, f, r, s);
	else if (l->phase == STATE_LOOK_STEP)
		value_step(l, p, s);
	else if (l->phase == STATE_LOOK_CLASS)
		value_class(l, p);
	else
		value_begin(w, p, f, r, s);
	return 0;
}

struct value_loop {
	struct state_walk *w;
	const struct state_python *p;
	struct state_target *target;
};

/* The stack that was just sent is still in the scratch. False: it is gone all the same. */
static __always_inline bool value_here(struct value_loop *v, __u64 *pid_tgid)
{
	v->target = filter_thread(pid_tgid);
	if (!v->target)
		return false;
	v->p = python_find(v->target, *pid_tgid >> 32);
	v->w = bpf_map_lookup_elem(&walks, pid_tgid);
	return v->p && v->w;
}

static __noinline long value_turn_one(__u32 index, struct value_loop *v)
{
	return value_turn(v->w, v->p, v->target, VALUE_TURNS / 2);
}

static __always_inline void value_turns(void)
{
	__u64 begin = spend_is_bounded() ? bpf_ktime_get_ns() : 0, pid_tgid;
	struct value_loop v;

	if (!value_here(&v, &pid_tgid))
		return;
	bpf_loop(VALUE_TURNS, value_turn_one, &v, 0);
	spend_valued(begin);
}

SEC("?uretprobe")
int python_value(void *ctx)
{
	value_turns();
	return PYTHON_DONE;
}

SEC("?raw_tp/sys_exit")
int python_value_raw(void *ctx)
{
	value_turns();
	return 0;
}

__noinline int value_turn_plain(void)
{
	struct value_loop v;
	__u64 pid_tgid;

	return value_here(&v, &pid_tgid) ? value_turn(v.w, v.p, v.target, VALUE_TURNS_PLAIN / 2) : 1;
}

static __always_inline void value_calls(void)
{
	__u64 begin = spend_is_bounded() ? bpf_ktime_get_ns() : 0;

	for (int i = 0; i < VALUE_TURNS_PLAIN; i++)
		if (value_turn_plain())
			break;
	spend_valued(begin);
}

SEC("?uretprobe")
int python_value_plain(void *ctx)
{
	value_calls();
	return PYTHON_DONE;
}

SEC("?raw_tp/sys_exit")
int python_value_plain_raw(void *ctx)
{
	value_calls();
	return 0;
}
