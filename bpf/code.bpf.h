/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Code objects: what each one is, told once; which life of its address it is. */
#ifndef BOTTRACE_CODE_BPF_H
#define BOTTRACE_CODE_BPF_H

#include "emit.bpf.h"
#include "python.bpf.h"
#include "text.bpf.h"

#define PYTHON_TYPE_NAME 24 /* PyTypeObject.tp_name */
#define PYTHON_SIZE	 16 /* PyVarObject.ob_size */
#define PYTHON_BYTES	 32 /* PyBytesObject.ob_sval */
#define PYTHON_CO_CODE	 48 /* PyCodeObject.co_code, up to 3.10: a bytes object */

static __always_inline bool code_read(__u8 *bytes, __u64 code)
{
	return bpf_probe_read_user(bytes, STATE_PYTHON_CODE, (void *)code) == 0;
}

/* Whether what was read is a code object: the type's name, at first; then the type. */
static __always_inline bool code_is_one(struct state_walk *w, const __u8 *bytes)
{
	__u64 type = *(const __u64 *)(bytes + PYTHON_TYPE), name;
	char text[8] = {0};

	if (type && type == w->type)
		return true;
	if (!python_word(type + PYTHON_TYPE_NAME, &name) || bpf_probe_read_user(text, 5, (void *)name))
		return false;
	if (*(__u64 *)text != 0x65646f63ull) /* "code" */
		return false;
	w->type = type;
	return true;
}

/* `__init__` of a file `__init__`: what 3.13 and later put between a class that is called and its __init__. */
static __always_inline bool code_is_filler(const struct state_python *p, __u64 file)
{
	__u64 word;

	return p->minor >= 13 && python_word(file + PYTHON_STR_HEAD, &word) && word == 8 &&
	       python_word(file + p->str_ascii, &word) && word == 0x5f5f74696e695f5full;
}

/* The length of a str and, of one of ASCII, its last bytes: eight, and the eight before. False: it is shorter, or is no such str. */
static __always_inline bool code_tail(const struct state_python *p, __u64 s, __u64 *length, __u64 tail[2])
{
	__u64 state;

	if (!python_word(s + PYTHON_STR_HEAD, length) || !python_word(s + PYTHON_STR_HEAD + 16, &state) ||
	    !(state >> 6 & 1) || *length < 16 || *length > 4096)
		return false;
	return bpf_probe_read_user(tail, 16, (void *)(s + p->str_ascii + *length - 16)) == 0;
}

#define CODE_WORD(a, b, c, d, e, f, g, h)                                                        \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | \
	 (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)

static __always_inline bool code_is_future(__u64 object)
{
	__u64 type, text, word[2];

	return python_word(object + PYTHON_TYPE, &type) && python_word(type + PYTHON_TYPE_NAME, &text) &&
	       bpf_probe_read_user(word, sizeof(word), (void *)text) == 0 &&
	       word[0] == CODE_WORD('_', 'a', 's', 'y', 'n', 'c', 'i', 'o') &&
	       word[1] == CODE_WORD('.', 'F', 'u', 't', 'u', 'r', 'e', 0);
}

/* Whether its first local is what another thread made: concurrent/futures/thread.py's _WorkItem.run, threading.py's
 * Thread._bootstrap. Up to 3.10 a name is without its class: other files have a `run` too, these two have one each.
 * anyio/_backends/_asyncio.py's WorkerThread.run has what says whose work it is further on; other functions there that are
 * named `run` have no future in that place. */
static __always_inline __u16 code_role(const struct state_python *p, const struct state_code *now)
{
	__u64 length, tail[2], name;

	if (!code_tail(p, now->file, &length, tail))
		return 0;
	__u16 role = 0;

	if (tail[0] == CODE_WORD('u', 't', 'u', 'r', 'e', 's', '/', 't') &&
	    tail[1] == CODE_WORD('h', 'r', 'e', 'a', 'd', '.', 'p', 'y'))
		role = WIRE_PY_MADE_WORK;
	else if (tail[0] == CODE_WORD('e', 'n', 'd', 's', '/', '_', 'a', 's') &&
		 tail[1] == CODE_WORD('y', 'n', 'c', 'i', 'o', '.', 'p', 'y'))
		role = STATE_ROLE_FUTURE;
	else if (tail[1] == CODE_WORD('a', 'd', 'i', 'n', 'g', '.', 'p', 'y') &&
		 tail[0] >> 24 == CODE_WORD('/', 't', 'h', 'r', 'e', 0, 0, 0))
		role = WIRE_PY_MADE_THREAD;
	if (!role || !python_word(now->name + PYTHON_STR_HEAD, &length))
		return 0;
	if (!python_word(now->name + p->str_ascii, &name))
		return 0;
	if (role == STATE_ROLE_FUTURE && p->minor >= 11)
		return length == 16 && name == CODE_WORD('W', 'o', 'r', 'k', 'e', 'r', 'T', 'h') ? role : 0;
	if (role != WIRE_PY_MADE_THREAD) {
		if (p->minor < 11)
			return length == 3 && (name & 0xffffff) == 0x6e7572 ? role : 0; /* run */
		return length == 13 && name == CODE_WORD('_', 'W', 'o', 'r', 'k', 'I', 't', 'e') ? role : 0;
	}
	if (p->minor < 11)
		return length == 10 && name == CODE_WORD('_', 'b', 'o', 'o', 't', 's', 't', 'r') ? role : 0;
	return length == 17 && name == CODE_WORD('T', 'h', 'r', 'e', 'a', 'd', '.', '_') ? role : 0;
}

/* All that are met by the threads of a process: fills in epoch and told of *now. */
static __always_inline void code_ask(const struct state_python *p, __u64 start_ns, __u64 code,
				     struct state_code *now)
{
	struct state_code_key key = {.start_ns = start_ns, .code = code};
	struct state_code *c = bpf_map_lookup_elem(&codes, &key);

	if (c && c->file == now->file && c->name == now->name && c->table == now->table &&
	    c->line == now->line) {
		now->epoch = c->epoch;
		now->told = c->told;
		now->role = c->role;
		now->rule = c->rule;
		return;
	}
	now->epoch = bpf_ktime_get_ns() >> 16; /* another one for each life of the address */
	if (c && c->epoch == now->epoch)
		now->epoch++;
	if (code_is_filler(p, now->file))
		now->told = STATE_CODE_SKIP;
	now->role = code_role(p, now);
	now->rule = read_values ? STATE_RULE_SEEK : 0;
	bpf_map_update_elem(&codes, &key, now, BPF_ANY);
}

/* The frame that is being added has rules, or may have. */
static __always_inline void code_note(struct state_walk *w, __u32 rule)
{
	__u64 n = w->ruled;

	compat_opaque(n);
	if (!read_values || !rule || n >= WIRE_PY_FRAMES)
		return;
	w->ruling[n] = (struct state_ruled){.at = w->stack.count, .rule = rule};
	w->ruled = n + 1;
}

/* The code object that was just read, at `code`: what it is to be called by the reader goes into *frame. False: its
 * frame is the interpreter's own. */
static __always_inline bool code_meet(struct state_walk *w, const struct state_python *p, const __u8 *bytes,
				      __u64 start_ns, __u64 code, struct wire_py_frame *frame)
{
	struct state_code now = {
		.file = python_field(bytes, p->code_file),
		.name = python_field(bytes, p->code_name),
		.table = python_field(bytes, p->code_table),
		.line = python_field_32(bytes, p->code_line),
	};
	__u64 identity =
		(((now.file * PYTHON_MIX ^ now.name) * PYTHON_MIX ^ now.table) * PYTHON_MIX ^ now.line) *
			PYTHON_MIX ^
		start_ns ^ w->epoch;
	struct state_known *known = &w->known[python_known(code)];

	if (known->code == code && known->identity == identity && known->rule != STATE_RULE_SEEK) {
		frame->epoch = known->epoch;
		w->role = known->role;
		frame->pad = 0;
		if (known->role != STATE_KNOWN_SKIP)
			code_note(w, known->rule);
		return known->role != STATE_KNOWN_SKIP;
	}
	code_ask(p, start_ns, code, &now);
	if (now.told) {
		known->code = code;
		known->identity = identity;
		known->epoch = now.epoch;
		known->role = now.told == STATE_CODE_SKIP ? STATE_KNOWN_SKIP : now.role;
		known->slot = 0;
		known->rule = now.rule;
	}
	w->role = now.role;
	frame->epoch = now.epoch;
	frame->pad = now.told == 0; /* until it is told; 0 on the wire */
	w->fresh += now.told == 0;
	if (now.told != STATE_CODE_SKIP)
		code_note(w, now.rule);
	return now.told != STATE_CODE_SKIP;
}

/* The bytes of a bytes object. */
static __always_inline void code_table(struct state_text *t, __u64 table)
{
	__u64 size;

	*t = (struct state_text){.data = table + PYTHON_BYTES, .flags = WIRE_PY_CODE_FAULT};
	if (!python_word(table + PYTHON_SIZE, &size))
		return;
	t->flags = size > WIRE_PY_TABLE_MAX ? WIRE_PY_CODE_CUT : 0;
	t->len = size > WIRE_PY_TABLE_MAX ? WIRE_PY_TABLE_MAX : size;
}

/* The instructions: within the code object from 3.11 on, so many units of two bytes. */
static __always_inline void code_instructions(struct state_text *t, const struct state_python *p,
					      const __u8 *bytes, __u64 code)
{
	if (p->minor < 11) {
		code_table(t, python_field(bytes, PYTHON_CO_CODE));
		return;
	}
	__u64 size = python_field(bytes, PYTHON_SIZE) * 2;

	*t = (struct state_text){.data = code + p->code_start};
	t->flags = size > WIRE_PY_TABLE_MAX ? WIRE_PY_CODE_CUT : 0;
	t->len = size > WIRE_PY_TABLE_MAX ? WIRE_PY_TABLE_MAX : size;
}

/* Copies one of the four behind the others, which end at `used`, before `most`. Returns where it ends. */
static __always_inline __u64 code_copy(struct wire_py_code *rec, __u64 used, const __u32 most,
				       struct state_text *t, __u64 max)
{
	__u64 n = *(volatile __u32 *)&t->len;

	compat_opaque(used);
	if (used > most)
		used = most;
	compat_opaque(n);
	if (n > max)
		n = max;
	if (bpf_probe_read_user(rec->payload + used, n, (void *)t->data)) {
		t->flags |= WIRE_PY_CODE_FAULT;
		t->kind = WIRE_PY_TEXT_NONE;
		n = 0;
	}
	t->len = n;
	return used + *(volatile __u32 *)&t->len; /* read back: one path for the verifier */
}

/* What is behind the last byte, up to the next multiple of 8. */
static __always_inline void code_pad(struct wire_py_code *rec, __u64 used, __u64 room)
{
	__u64 last = used & ~7ull, keep = (1ull << (used & 7) * 8) - 1;

	compat_opaque(last);
	if (last <= room - 8)
		*(__u64 *)(rec->payload + last) &= keep;
}

#define CODE_SMALL 2048 /* a line table, or instructions, that go into the smaller of two records */

/* Sends the code object that was just read. False: not all of it. */
static __always_inline bool code_send(struct state_walk *w, const struct state_python *p, const __u8 *bytes,
				      struct state_target *target, const struct wire_py_frame *frame)
{
	struct state_text *file = &w->texts[0], *name = &w->texts[1], *table = &w->texts[2],
			  *code = &w->texts[3];

	code_text(file, p, python_field(bytes, p->code_file), WIRE_PY_NAME_MAX);
	code_text(name, p, python_field(bytes, p->code_name), WIRE_PY_NAME_MAX);
	code_table(table, python_field(bytes, p->code_table));
	code_instructions(code, p, bytes, frame->code);
	__u64 room = CODE_SMALL;

	if (*(volatile __u32 *)&table->len > CODE_SMALL || *(volatile __u32 *)&code->len > CODE_SMALL)
		room = WIRE_PY_TABLE_MAX;
	compat_opaque(room); /* the verifier knows which constant it is on each path */
	__u64 size = sizeof(struct wire_py_code) + 2 * WIRE_PY_NAME_MAX + 2 * room + 8;
	struct wire_py_code *rec = bpf_ringbuf_reserve(&ring, size, 0);

	if (!rec) {
		emit_add(target->counts.events_lost[WIRE_CAUSE_RING_FULL], 1);
		return false;
	}
	__u64 used = code_copy(rec, 0, 0, file, WIRE_PY_NAME_MAX);

	used = code_copy(rec, used, WIRE_PY_NAME_MAX, name, WIRE_PY_NAME_MAX);
	used = code_copy(rec, used, 2 * WIRE_PY_NAME_MAX, table, room);
	used = code_copy(rec, used, 2 * WIRE_PY_NAME_MAX + room, code, room);
	code_pad(rec, used, 2 * WIRE_PY_NAME_MAX + 2 * room + 8);
	emit_head(&rec->head, emit_round(sizeof(*rec) + used), WIRE_PY_CODE, w->stack.head.ts_ns,
		  bpf_get_current_pid_tgid(), target->start_ns);
	rec->code = frame->code;
	rec->epoch = frame->epoch;
	rec->first_line = python_field_32(bytes, p->code_line);
	rec->co_flags = python_field_32(bytes, p->code_flags);
	rec->version_minor = p->minor;
	rec->filename_len = file->len;
	rec->filename_kind = file->kind;
	rec->name_len = name->len;
	rec->name_kind = name->kind;
	rec->table_len = table->len;
	rec->flags = file->flags | name->flags | table->flags | code->flags |
		     (p->minor >= 11 ? WIRE_PY_CODE_QUALNAME : 0);
	rec->code_len = code->len;
	emit_add(target->counts.events_sent, 1);
	emit_submit(rec, size, target->flags);
	return !((file->flags | name->flags | table->flags | code->flags) & WIRE_PY_CODE_FAULT);
}

/* Tells the code object of one frame, when nobody did. */
static __always_inline void code_tell(struct state_walk *w, const struct state_python *p, __u8 *bytes,
				      struct state_target *target, __u32 index)
{
	if (index >= WIRE_PY_FRAMES)
		return;
	struct wire_py_frame *frame = &w->frames[index];
	struct state_code_key key = {.start_ns = target->start_ns, .code = frame->code};

	if (!frame->pad)
		return;
	frame->pad = 0;
	struct state_code *c = bpf_map_lookup_elem(&codes, &key);

	if (c && c->epoch == frame->epoch && c->told)
		return; /* it stands in this stack more than once */
	if (!code_read(bytes, frame->code) || !code_is_one(w, bytes)) {
		python_mark(w, WIRE_PY_CHANGED);
		return;
	}
	bool whole = code_send(w, p, bytes, target, frame);

	c = bpf_map_lookup_elem(&codes, &key);
	if (!c || c->epoch != frame->epoch)
		return;
	if (whole || ++c->tries >= STATE_CODE_TRIES)
		c->told = STATE_CODE_TOLD;
}

#endif
