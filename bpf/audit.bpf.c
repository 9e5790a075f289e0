/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What Python code does beside writing: audit events, whose names are looked up before anything else is read of them, and the
 * garbage collector's and the import system's work. Arguments are read by the layout of their objects, never by calling
 * anything; then the walk tells from where. Entries and USDT sites only: nothing hangs on how a function ends.
 */
#include "code.bpf.h"
#include "event.bpf.h"

#define AUDIT_ARGS	4
#define AUDIT_ITEM_LIST 24 /* PyListObject.ob_item */
#define AUDIT_MOST	(WIRE_PY_AUDIT_MAX - WIRE_PY_ITEM_MAX - sizeof(struct wire_py_item))
#define AUDIT_SMALL	512 /* payload bytes that go into the smaller of two records */

#define AUDIT_IS_LONG  (1ull << 24)
#define AUDIT_IS_LIST  (1ull << 25)
#define AUDIT_IS_TUPLE (1ull << 26)
#define AUDIT_IS_BYTES (1ull << 27)
#define AUDIT_IS_STR   (1ull << 28)

/* The arguments behind the event's name. */
struct audit_args {
	__u64 value[AUDIT_ARGS];
	__u32 what[AUDIT_ARGS]; /* enum state_item_what */
	__u32 count;
};

/* ---- objects ---- */

static __always_inline __u64 audit_flags(__u64 object)
{
	__u64 type, flags = 0;

	if (python_word(object + PYTHON_TYPE, &type))
		python_word(type + EVENT_TYPE_FLAGS, &flags);
	return flags;
}

static __always_inline __u64 audit_tuple(const struct state_python *p)
{
	return p->minor < 14 ? 24 : 32;
}

/* Of at most 60 bits; what is larger is not told apart from them. */
static __always_inline __s64 audit_int(const struct state_python *p, __u64 object)
{
	__u64 word[2] = {0};

	if (bpf_probe_read_user(word, sizeof(word), (void *)(object + PYTHON_SIZE)))
		return 0;
	__s64 size = word[0];
	bool minus = p->minor < 12 ? size < 0 : (word[0] & 3) == 2;
	__u64 digits = p->minor < 12 ? (minus ? -size : size) : (word[0] & 3) == 1 ? 0 : word[0] >> 3;
	__u64 n = digits ? word[1] & 0x3fffffff : 0;

	if (digits > 1)
		n |= (word[1] >> 32 & 0x3fffffff) << 30;
	return minus ? -(__s64)n : (__s64)n;
}

/* ---- gathering ---- */

static __always_inline void audit_push(struct state_gather *g, __u64 value, __u32 arg, __u32 what,
				       __u32 flags)
{
	__u64 at = g->count;

	compat_opaque(at);
	if (at >= WIRE_PY_ITEMS_MAX)
		return;
	g->items[at].value = value;
	g->items[at].arg = arg;
	g->items[at].what = what;
	g->items[at].flags = flags;
	g->count = at + 1;
}

/* The scratch of the thread that runs, and its interpreter. Functions that the verifier looks at once, by themselves, take no
 * pointers: these find them. */
static __always_inline bool audit_here(struct state_walk **w, struct state_python **p)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	__u32 tgid = pid_tgid >> 32;

	*w = bpf_map_lookup_elem(&walks, &pid_tgid);
	*p = bpf_map_lookup_elem(&pythons, &tgid);
	return *w && *p;
}

/* One argument; of a list or tuple its elements too. */
__noinline int audit_add(__u64 value, __u32 arg, __u32 what)
{
	__u64 flags = what == STATE_ITEM_OBJECT ? audit_flags(value) : 0, size = 0, items, item;
	struct state_python *p;
	struct state_walk *w;

	if (!audit_here(&w, &p))
		return 0;
	struct state_gather *g = &w->gather;

	if (!(flags & (AUDIT_IS_LIST | AUDIT_IS_TUPLE))) {
		audit_push(g, value, arg, what, 0);
		return 0;
	}
	python_word(value + PYTHON_SIZE, &size);
	items = value + audit_tuple(p);
	if (flags & AUDIT_IS_LIST)
		python_word(value + AUDIT_ITEM_LIST, &items);
	audit_push(g, size, arg, STATE_ITEM_LIST, 0);
	for (__u32 i = 0; i < WIRE_PY_LIST_MAX && i < size; i++) {
		if (!python_word(items + 8 * i, &item))
			break;
		audit_push(g, item, arg, STATE_ITEM_OBJECT, WIRE_PY_ITEM_ELEMENT);
	}
	return 0;
}

/* ---- reading ---- */

/* Where the text of an object is: in w->texts[0]. Its type on the wire. */
static __always_inline __u32 audit_text(struct state_walk *w, const struct state_python *p, __u64 object)
{
	struct state_text *t = &w->texts[0];
	__u64 flags = audit_flags(object), type, size = 0;

	if (flags & AUDIT_IS_STR) {
		code_text(t, p, object, WIRE_PY_ITEM_MAX);
		return WIRE_PY_ITEM_STR;
	}
	*t = (struct state_text){.flags = WIRE_PY_CODE_FAULT};
	if (flags & AUDIT_IS_BYTES) {
		if (!python_word(object + PYTHON_SIZE, &size))
			return WIRE_PY_ITEM_BYTES;
		t->data = object + PYTHON_BYTES;
		t->flags = size > WIRE_PY_ITEM_MAX ? WIRE_PY_CODE_CUT : 0;
		t->len = size > WIRE_PY_ITEM_MAX ? WIRE_PY_ITEM_MAX : size;
		return WIRE_PY_ITEM_BYTES;
	}
	if (python_word(object + PYTHON_TYPE, &type) && python_word(type + PYTHON_TYPE_NAME, &t->data))
		t->flags = 0;
	return WIRE_PY_ITEM_OTHER;
}

/* Copies n bytes, or a C string, behind the item's head. How many; *flags as on the wire. */
static __always_inline __u64 audit_copy(struct wire_py_item *to, __u64 data, __u64 n, bool string,
					__u32 *flags)
{
	__u8 *bytes = (__u8 *)(to + 1);
	long r;

	if (string) {
		r = bpf_probe_read_user_str(bytes, WIRE_PY_ITEM_MAX, (void *)data);
		if (r <= 0) {
			*flags |= WIRE_PY_ITEM_FAULT;
			return 0;
		}
		return r - 1;
	}
	compat_opaque(n);
	if (n == 0 || n > WIRE_PY_ITEM_MAX)
		return 0;
	if (bpf_probe_read_user(bytes, n, (void *)data)) {
		*flags |= WIRE_PY_ITEM_FAULT;
		return 0;
	}
	return n;
}

/* Reads the next item that was gathered. 1: there is none, or no room. */
__noinline int audit_read(void)
{
	struct state_python *p;
	struct state_walk *w;

	if (!audit_here(&w, &p))
		return 1;
	struct state_gather *g = &w->gather;
	__u64 at = g->done, used = g->used, n = 0, data;
	__u32 type = WIRE_PY_ITEM_INT, flags, kind = 0;
	bool string = false;

	compat_opaque(at);
	compat_opaque(used);
	if (at >= g->count || at >= WIRE_PY_ITEMS_MAX || used > AUDIT_MOST)
		return 1;
	struct state_item *it = &g->items[at];
	struct wire_py_item *to = (void *)(g->payload + used);

	flags = it->flags;
	data = it->value;
	g->done = at + 1;
	if (it->what == STATE_ITEM_OBJECT && audit_flags(data) & AUDIT_IS_LONG) {
		*(__s64 *)(to + 1) = audit_int(p, data);
		n = 8;
	} else if (it->what == STATE_ITEM_OBJECT) {
		type = audit_text(w, p, data);
		flags |= w->texts[0].flags & WIRE_PY_CODE_CUT ? WIRE_PY_ITEM_CUT : 0;
		flags |= w->texts[0].flags & WIRE_PY_CODE_FAULT ? WIRE_PY_ITEM_FAULT : 0;
		kind = w->texts[0].kind;
		string = type == WIRE_PY_ITEM_OTHER;
		n = audit_copy(to, w->texts[0].data, w->texts[0].len, string, &flags);
	} else if (it->what == STATE_ITEM_STRING) {
		type = WIRE_PY_ITEM_BYTES;
		n = audit_copy(to, data, 0, true, &flags);
	} else {
		type = it->what == STATE_ITEM_LIST ? WIRE_PY_ITEM_LIST : WIRE_PY_ITEM_INT;
		*(__u64 *)(to + 1) = data;
		n = 8;
	}
	to->arg = it->arg;
	to->type = type;
	to->kind = type == WIRE_PY_ITEM_STR && !(flags & WIRE_PY_ITEM_FAULT) ? kind : 0;
	to->flags = flags;
	to->len = n;
	g->used = used + sizeof(*to) + ((n + 7) & ~7ull);
	return 0;
}

/* ---- what is left out ---- */

/* Whether a name stands for no file: <string>, <stdin>; not what is frozen into the interpreter. */
static __always_inline bool audit_is_text(const struct state_python *p, __u64 name)
{
	__u64 word;

	if (!(audit_flags(name) & AUDIT_IS_STR) || !python_word(name + p->str_ascii, &word))
		return false;
	return (word & 0xff) == '<' && (word & 0xffffffffffffffull) != 0x6e657a6f72663cull; /* <frozen */
}

static __always_inline bool audit_is_wanted(const struct state_python *p, const struct state_audit *a,
					    const struct audit_args *args)
{
	__u64 name;

	if (a->flags & STATE_AUDIT_WRITES) {
		__s64 flags = args->what[2] == STATE_ITEM_OBJECT ? audit_int(p, args->value[2])
								 : (__s64)args->value[2];

		return args->count > 2 && flags & 3; /* O_WRONLY, O_RDWR */
	}
	if (a->flags & STATE_AUDIT_CODE)
		return args->count > 0 && python_word(args->value[0] + p->code_file, &name) &&
		       audit_is_text(p, name);
	if (a->flags & STATE_AUDIT_TEXT)
		return args->count > 1 && args->what[1] == STATE_ITEM_OBJECT &&
		       audit_is_text(p, args->value[1]);
	return true;
}

/* ---- sending ---- */

static __always_inline void audit_send(struct state_walk *w, struct state_target *target, __u64 used,
				       const __u32 payload)
{
	__u64 size = sizeof(struct wire_py_audit) + payload;
	void *rec = bpf_ringbuf_reserve(&ring, sizeof(struct wire_py_audit) + payload, 0);

	if (!rec) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return;
	}
	used += sizeof(struct wire_py_audit);
	compat_opaque(used);
	if (used > size)
		used = size;
	bpf_probe_read_kernel(rec, used, w->gather.fixed);
	emit_add(target->counts.events_sent, 1);
	emit_submit(rec, size, target->flags);
}

/* Everything of an event whose name is wanted; goes over to the walk. */
static __always_inline void audit_take(struct pt_regs *ctx, struct event *e, const struct state_audit *a,
				       struct audit_args *args)
{
	struct state_python *p = e->p;

	if (a->flags & STATE_AUDIT_END) {
		event_sum(e, true);
		return;
	}
	if (!audit_is_wanted(p, a, args) || !event_begin(e, STATE_HAND_AUDIT))
		return;
	struct state_walk *w = e->w;
	struct state_gather *g = &w->gather;
	struct wire_py_audit *rec = (void *)g->fixed;
	__u32 wants = a->wants;

	g->count = 0;
	g->done = 0;
	g->used = 0;
	if (a->flags & STATE_AUDIT_CODE) {
		if (python_word(args->value[0] + p->code_name, &args->value[1])) {
			args->what[1] = STATE_ITEM_OBJECT;
			args->count = 2;
		}
		python_word(args->value[0] + p->code_file, &args->value[0]);
	}
#pragma unroll
	for (__u32 i = 0; i < AUDIT_ARGS; i++)
		if (i < args->count && wants & 1u << i)
			audit_add(args->value[i], i, args->what[i]);
	for (__u32 i = 0; i < WIRE_PY_ITEMS_MAX; i++)
		if (audit_read())
			break;
	__u64 used = g->used;

	emit_head(&rec->head, emit_round(sizeof(*rec) + used), WIRE_PY_AUDIT, e->now, e->pid_tgid,
		  w->start_ns);
	rec->event = a->event;
	rec->count = g->done;
	rec->len = used;
	if (used <= AUDIT_SMALL)
		audit_send(w, e->target, used, AUDIT_SMALL);
	else
		audit_send(w, e->target, used, WIRE_PY_AUDIT_MAX);
	event_go(ctx, e);
}

/* ---- at a USDT site: (name, tuple) ---- */

SEC("?uprobe")
int audit_usdt(struct pt_regs *ctx)
{
	struct state_audit_name key = {0};
	struct audit_args args = {0};
	__u64 cookie = bpf_get_attach_cookie(ctx), tuple, size = 0;
	struct event e;

	if (!event_find(&e))
		return EVENT_DONE;
	if (bpf_probe_read_user_str(key.text, sizeof(key.text), (void *)event_operand(ctx, cookie)) <= 0)
		return EVENT_DONE;
	const struct state_audit *a = bpf_map_lookup_elem(&audit_names, &key);

	if (!a)
		return EVENT_DONE;
	tuple = event_operand(ctx, cookie >> 32);
	python_word(tuple + PYTHON_SIZE, &size);
	args.count = size < AUDIT_ARGS ? size : AUDIT_ARGS;
	bpf_probe_read_user(args.value, sizeof(args.value), (void *)(tuple + audit_tuple(e.p)));
	audit_take(ctx, &e, a, &args);
	return EVENT_DONE;
}

/* ---- PySys_Audit(name, format, ...): what C code says ---- */

/* An argument as its letter in the format has it. */
static __always_inline void audit_argument(struct audit_args *args, __u32 i, char letter, __u64 value)
{
	args->value[i] = value;
	if (letter == 's' || letter == 'y')
		args->what[i] = STATE_ITEM_STRING;
	else if (letter == 'i') {
		args->what[i] = STATE_ITEM_NUMBER;
		args->value[i] = (__s64)(__s32)value;
	}
	if (args->count == i && letter)
		args->count = i + 1;
}

SEC("?uprobe")
int audit_call(struct pt_regs *ctx)
{
	struct state_audit_name key = {0};
	struct audit_args args = {0};
	char format[8] = {0};
	struct event e;

	if (!event_find(&e))
		return EVENT_DONE;
	if (bpf_probe_read_user_str(key.text, sizeof(key.text), (void *)PT_REGS_PARM1(ctx)) <= 0)
		return EVENT_DONE;
	const struct state_audit *a = bpf_map_lookup_elem(&audit_names, &key);

	if (!a)
		return EVENT_DONE;
	bpf_probe_read_user_str(format, sizeof(format), (void *)PT_REGS_PARM2(ctx));
	bool nested = format[0] == '('; /* (O): one argument, which may be a tuple itself */

	audit_argument(&args, 0, nested ? format[1] : format[0], PT_REGS_PARM3(ctx));
	if (!nested) {
		audit_argument(&args, 1, format[1], PT_REGS_PARM4(ctx));
		audit_argument(&args, 2, format[2], PT_REGS_PARM5(ctx));
	}
	audit_take(ctx, &e, a, &args);
	return EVENT_DONE;
}

/* ---- sys.audit(name, *args) as a C method: (module, args[], count) ---- */

SEC("?uprobe")
int audit_method(struct pt_regs *ctx)
{
	struct state_audit_name key = {0};
	struct audit_args args = {0};
	__u64 name, length, list = PT_REGS_PARM2(ctx), count = PT_REGS_PARM3(ctx);
	struct event e;

	if (!event_find(&e) || !python_word(list, &name) || !python_word(name + PYTHON_STR_HEAD, &length))
		return EVENT_DONE;
	compat_opaque(length);
	if (length == 0 || length >= sizeof(key.text) ||
	    bpf_probe_read_user(key.text, length, (void *)(name + e.p->str_ascii)))
		return EVENT_DONE;
	const struct state_audit *a = bpf_map_lookup_elem(&audit_names, &key);

	if (!a)
		return EVENT_DONE;
	count = count ? count - 1 : 0;
	args.count = count < AUDIT_ARGS ? count : AUDIT_ARGS;
	bpf_probe_read_user(args.value, sizeof(args.value), (void *)(list + 8));
	audit_take(ctx, &e, a, &args);
	return EVENT_DONE;
}

/* ---- gc__start(generation), gc__done(collected) ---- */

SEC("?uprobe")
int audit_gc_start(struct pt_regs *ctx)
{
	struct event e;

	if (!event_find(&e))
		return EVENT_DONE;
	struct state_walk *w = python_slot(e.target, e.pid_tgid);

	if (w) {
		w->gc_ns = bpf_ktime_get_ns();
		w->gc_generation = event_operand(ctx, bpf_get_attach_cookie(ctx));
	}
	return EVENT_DONE;
}

SEC("?uprobe")
int audit_gc_done(struct pt_regs *ctx)
{
	struct event e;

	if (!event_find(&e))
		return EVENT_DONE;
	struct state_walk *w = bpf_map_lookup_elem(&walks, &e.pid_tgid);
	__u64 now = bpf_ktime_get_ns(), ns;

	if (!w || !w->gc_ns)
		return EVENT_DONE;
	ns = now - w->gc_ns;
	w->gc_ns = 0;
	emit_add(e.p->pauses, 1);
	emit_add(e.p->pause_ns, ns);
	event_sum(&e, false);
	if (ns < EVENT_PAUSE_NS || !event_begin(&e, STATE_HAND_AUDIT))
		return EVENT_DONE;
	struct wire_py_pause *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);

	if (!rec) {
		emit_add(e.target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return EVENT_DONE;
	}
	emit_head(&rec->head, sizeof(*rec), WIRE_PY_PAUSE, e.now, e.pid_tgid, e.target->start_ns);
	rec->pause_ns = ns;
	rec->collected = event_operand(ctx, bpf_get_attach_cookie(ctx));
	rec->generation = w->gc_generation;
	rec->pad = 0;
	emit_add(e.target->counts.events_sent, 1);
	emit_submit(rec, sizeof(*rec), e.target->flags);
	event_go(ctx, &e);
	return EVENT_DONE;
}

/* ---- import__find__load__start(module), import__find__load__done(module, found) ---- */

SEC("?uprobe")
int audit_load_start(struct pt_regs *ctx)
{
	struct event e;

	if (!event_find(&e))
		return EVENT_DONE;
	struct state_walk *w = python_slot(e.target, e.pid_tgid);

	if (w && w->import_depth++ == 0)
		w->import_ns = bpf_ktime_get_ns();
	return EVENT_DONE;
}

SEC("?uprobe")
int audit_load_done(struct pt_regs *ctx)
{
	struct event e;

	if (!event_find(&e))
		return EVENT_DONE;
	struct state_walk *w = bpf_map_lookup_elem(&walks, &e.pid_tgid);

	emit_add(e.p->imports, (__u32)event_operand(ctx, bpf_get_attach_cookie(ctx) >> 32) != 0);
	if (!w || w->import_depth == 0)
		return EVENT_DONE;
	if (--w->import_depth == 0) {
		emit_add(e.p->import_ns, bpf_ktime_get_ns() - w->import_ns);
		event_sum(&e, false);
	}
	return EVENT_DONE;
}
