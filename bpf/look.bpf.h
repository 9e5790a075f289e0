/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a look along a path stands, and the tables of names that it looks into: what CPython would look into. */
#ifndef BOTTRACE_LOOK_BPF_H
#define BOTTRACE_LOOK_BPF_H

#include "python.bpf.h"
#include "text.bpf.h"

#define LOOK_ENTRIES	     1024 /* of one table */
#define LOOK_CLASSES	     32
#define LOOK_CELL	     16	  /* PyCellObject.ob_ref */
#define LOOK_GENERATOR_FRAME 16	  /* PyGenObject.gi_frame, of coroutines too */
#define LOOK_CELL_KINDS	     0xc0 /* CO_FAST_CELL, CO_FAST_FREE */
#define LOOK_SIZE	     16	  /* PyVarObject.ob_size */
#define LOOK_BYTES	     32	  /* PyBytesObject.ob_sval */
#define LOOK_DICT_KEYS	     32	  /* PyDictObject.ma_keys, then ma_values */
#define LOOK_BASICSIZE	     32	  /* PyTypeObject, and so on */
#define LOOK_NAME	     24
#define LOOK_FLAGS	     168
#define LOOK_DICT	     264
#define LOOK_GET	     272 /* tp_descr_get */
#define LOOK_DICTOFFSET	     288
#define LOOK_MRO	     344
#define LOOK_INLINE	     (1u << 2) /* tp_flags: 3.13 */
#define LOOK_MANAGED	     (1u << 4) /* 3.11 */
#define LOOK_HEAP	     (1u << 9)
#define LOOK_STR_EARLY \
	40 /* where the characters of a str of ASCII alone are, from 3.12 on; before, a word later */
#define LOOK_STR_MOST	  32   /* from PYTHON_STR_HEAD to there */
#define LOOK_STR_STATE	  0x7c /* kind, compact, ascii */
#define LOOK_STR_PLAIN	  0x64
#define LOOK_IS_STR	  (1u << 28)
#define LOOK_IS_DICT	  (1u << 29)
#define LOOK_MEMBER	  40 /* PyMemberDescrObject.d_member */
#define LOOK_MEMBER_TYPE  8  /* PyMemberDef.type, offset */
#define LOOK_MEMBER_SHIFT 16

/* The path ends without what it leads to. */
static __always_inline void look_fail(struct state_look *l, __u8 reason)
{
	l->reason = reason;
	l->object = 0;
	l->phase = STATE_LOOK_SEND;
}

static __always_inline bool look_word(struct state_look *l, __u64 address, __u64 *out)
{
	if (python_word(address, out))
		return true;
	look_fail(l, WIRE_PY_VALUE_FAULT);
	return false;
}

/* The object is reached over this word: it must hold the same at the end (look_stands). */
static __always_inline bool look_note(struct state_look *l, __u64 address, __u64 value)
{
	__u64 n = l->trail;

	compat_opaque(n);
	if (n >= STATE_LOOK_TRAIL) {
		look_fail(l, WIRE_PY_VALUE_LARGE);
		return false;
	}
	l->followed[n] = (struct state_followed){.at = address, .was = value};
	l->trail = n + 1;
	return true;
}

static __always_inline bool look_follow(struct state_look *l, __u64 address, __u64 *out)
{
	return look_word(l, address, out) && look_note(l, address, *out);
}

/*
 * Whether every word that led here leads here still. Other threads of the process run: what was read may have been freed
 * meanwhile, and been another's when it was read. Who holds the first word is the frame, who holds the next one the object
 * that it led to, and so on: so all were alive when the last was read.
 */
static __always_inline bool look_stands(const struct state_look *l)
{
	__u64 now;

	for (__u32 i = 0; i < STATE_LOOK_TRAIL; i++) {
		if (i >= l->trail)
			break;
		if (!python_word(l->followed[i].at, &now) || now != l->followed[i].was)
			return false;
	}
	return true;
}

static __always_inline bool look_flags(struct state_look *l, __u64 object, __u64 *type, __u64 *flags)
{
	return look_word(l, object + PYTHON_TYPE, type) && look_word(l, *type + LOOK_FLAGS, flags);
}

static __always_inline void look_open(struct state_look *l, __u64 entries, __u64 count, __u8 stride,
				      __u8 key_at, __u64 values)
{
	l->entries = entries;
	l->values = values;
	l->large = count > LOOK_ENTRIES;
	l->count = count > LOOK_ENTRIES ? LOOK_ENTRIES : count;
	l->stride = stride;
	l->key_at = key_at;
	l->index = 0;
	l->hinted = 0;
	l->phase = STATE_LOOK_SCAN;
}

/* values: of a dict that shares its keys, or of an object that has no dict; 0: they stand beside the keys. */
static __always_inline void look_open_keys(struct state_look *l, const struct state_python *p, __u64 keys,
					   __u64 values)
{
	__u64 head[4];

	if (p->minor < 11) {
		if (bpf_probe_read_user(head, sizeof(head), (void *)(keys + 8))) {
			look_fail(l, WIRE_PY_VALUE_FAULT);
			return;
		}
		__u64 bytes = head[0] <= 0xff ? 1 : head[0] <= 0xffff ? 2 : head[0] <= 0xffffffff ? 4 : 8;

		look_open(l, keys + 40 + bytes * head[0], head[3], 24, 8, values);
		return;
	}
	if (bpf_probe_read_user(head, sizeof(head), (void *)keys)) {
		look_fail(l, WIRE_PY_VALUE_FAULT);
		return;
	}
	__u64 log2_bytes = head[1] >> 8 & 63; /* of the indices, which come first */
	bool general = (head[1] >> 16 & 0xff) == 0;

	look_open(l, keys + 32 + (1ull << log2_bytes), head[3], general ? 24 : 16, general ? 8 : 0, values);
}

static __always_inline void look_open_dict(struct state_look *l, const struct state_python *p, __u64 dict)
{
	__u64 d[2];

	if (bpf_probe_read_user(d, sizeof(d), (void *)(dict + LOOK_DICT_KEYS))) {
		look_fail(l, WIRE_PY_VALUE_FAULT);
		return;
	}
	if (look_note(l, dict + LOOK_DICT_KEYS, d[0]) && look_note(l, dict + LOOK_DICT_KEYS + 8, d[1]))
		look_open_keys(l, p, d[0], d[1] ? d[1] + p->split_values : 0);
}

/* An object's own attributes: in a dict, or in values that lie before it, beside it, or behind it. */
static __always_inline void look_open_attributes(struct state_look *l, const struct state_python *p)
{
	__u64 o = l->object, type, flags, offset, size, keys, dict = 0, values = 0;

	l->in_class = 0;
	if (!look_flags(l, o, &type, &flags))
		return;
	if (p->minor >= 11 && flags & LOOK_MANAGED) {
		if (!look_follow(l, o - 24, &dict))
			return;
		if (p->minor == 11 && !dict && !look_follow(l, o - 32, &values))
			return;
		if (p->minor == 12 && dict & 1) {
			values = dict + 1;
			dict = 0;
		}
		if (p->minor >= 13 && !dict && flags & LOOK_INLINE) {
			if (!look_word(l, type + LOOK_BASICSIZE, &size))
				return;
			values = o + size + p->split_values;
		}
	} else {
		if (!look_word(l, type + LOOK_DICTOFFSET, &offset))
			return;
		if ((__s64)offset > 0 && !look_follow(l, o + offset, &dict))
			return;
	}
	if (dict) {
		look_open_dict(l, p, dict);
	} else if (values) {
		if (look_follow(l, type + p->type_keys, &keys))
			look_open_keys(l, p, keys, values);
	} else {
		look_open(l, 0, 0, 16, 0, 0);
	}
}

/* The names of a frame's locals: up to 3.10 three tables, of plain ones, of cells, of those of outer functions. */
static __always_inline void look_open_locals(struct state_look *l, const struct state_python *p, __u64 code)
{
	__u64 names, count, at = p->code_locals;

	if (l->segment)
		at += l->segment == 1 ? 16 : 8;
	if (look_word(l, code + at, &names) && look_word(l, names + LOOK_SIZE, &count))
		look_open(l, names + p->tuple_items, count, 8, 0, 0);
}

/* ---- the name that is sought ---- */

/* In a dict anything can be a key. */
static __always_inline bool look_is_key(__u64 key, const struct state_step *s)
{
	__u64 type, flags;

	return s->what != STATE_STEP_KEY || (python_word(key + PYTHON_TYPE, &type) &&
					     python_word(type + LOOK_FLAGS, &flags) && flags & LOOK_IS_STR);
}

static __always_inline bool look_is_name(struct state_walk *w, const struct state_python *p, __u64 key,
					 const struct state_step *s)
{
	struct state_text *t = &w->texts[0];
	__u64 text[STATE_STEP_TEXT / 8] = {0}, differ = 0;

	if (!key)
		return false;
	/* Nearly all are ASCII, and in one piece: one read of as much as there must be. */
	__u64 head[(LOOK_STR_MOST + STATE_STEP_TEXT) / 8] = {0},
						       room = p->str_ascii - PYTHON_STR_HEAD + s->len;

	compat_opaque(room);
	if (room <= sizeof(head) && !bpf_probe_read_user(head, room, (void *)(key + PYTHON_STR_HEAD)) &&
	    (head[2] & LOOK_STR_STATE) == LOOK_STR_PLAIN) {
		bool late = p->str_ascii != LOOK_STR_EARLY;

		differ = head[0] ^ s->len;
		for (__u32 i = 0; i < STATE_STEP_TEXT / 8; i++)
			differ |= (late ? head[i + 4] : head[i + 3]) ^ ((const __u64 *)s->text)[i];
		return differ == 0 && look_is_key(key, s);
	}
	code_text(t, p, key, STATE_STEP_TEXT);
	__u64 n = *(volatile __u32 *)&t->len;

	if (t->flags || t->kind != s->kind || n != s->len)
		return false;
	if (!look_is_key(key, s))
		return false;
	compat_opaque(n);
	if (n > STATE_STEP_TEXT || bpf_probe_read_user(text, n, (void *)t->data))
		return false;
	for (__u32 i = 0; i < STATE_STEP_TEXT / 8; i++)
		differ |= text[i] ^ ((const __u64 *)s->text)[i];
	return differ == 0;
}

#endif
