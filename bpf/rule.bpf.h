/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which rules a code object has: those of its name whose file's end is the end of its own. */
#ifndef BOTTRACE_RULE_BPF_H
#define BOTTRACE_RULE_BPF_H

#include "text.bpf.h"

/* The function's name as a key. False: no rule has such a long one. */
static __always_inline bool rule_name(struct state_walk *w, const struct state_python *p, __u64 name)
{
	struct state_text *t = &w->texts[0];

	__builtin_memset(&w->name, 0, sizeof(w->name));
	code_text(t, p, name, STATE_RULE_NAME);
	__u64 n = *(volatile __u32 *)&t->len;

	compat_opaque(n);
	if (t->flags || n > STATE_RULE_NAME || bpf_probe_read_user(w->name.text, n, (void *)t->data))
		return false;
	w->name.kind = t->kind;
	w->name.bare = p->minor < 11;
	return true;
}

/* The last characters of the file's name, right-aligned, a `/` before the first one: a tail begins at a
 * directory. Where they are wider than a byte, rule_narrow makes bytes of them, 0 where that cannot be. */
static __always_inline bool rule_tail(struct state_walk *w, const struct state_python *p, __u64 file)
{
	struct state_text *t = &w->texts[0];

	code_text(t, p, file, 4 * 4096); /* no path is longer */
	__u64 kind = *(volatile __u16 *)&t->kind, units;

	if (t->flags || kind == 0)
		return false;
	units = *(volatile __u32 *)&t->len / kind;
	if (units > STATE_RULE_TAIL)
		units = STATE_RULE_TAIL;
	__u64 from = t->data + t->len - units * kind, gap = STATE_RULE_TAIL - units;

	compat_opaque(units);
	compat_opaque(gap);
	if (units > STATE_RULE_TAIL || gap > STATE_RULE_TAIL)
		return false;
	__builtin_memset(w->tail, 0, STATE_RULE_TAIL);
	w->look.index = gap;
	w->look.stride = kind;
	if (kind == WIRE_PY_TEXT_LATIN1) {
		w->look.index = STATE_RULE_TAIL;
		if (bpf_probe_read_user(w->tail + gap, units, (void *)from))
			return false;
	} else {
		__u64 bytes = units * kind;

		compat_opaque(bytes);
		if (bytes > 4 * STATE_RULE_TAIL || bpf_probe_read_user(w->wide, bytes, (void *)from))
			return false;
	}
	w->look.base = gap;
	if (gap)
		w->tail[gap - 1] = '/';
	return true;
}

/* Makes one byte of a wider unit. False: all of them are. */
static __always_inline bool rule_narrow(struct state_walk *w)
{
	__u64 to = w->look.index, from = (to - w->look.base) * w->look.stride;

	compat_opaque(to);
	compat_opaque(from);
	if (to >= STATE_RULE_TAIL || from >= 4 * STATE_RULE_TAIL)
		return false;
	__u32 c =
		w->look.stride == WIRE_PY_TEXT_UCS2 ? *(__u16 *)(w->wide + from) : *(__u32 *)(w->wide + from);

	w->tail[to] = c < 256 ? c : 0;
	w->look.index++;
	return true;
}

/* Whether the file's name ends as the rule says. */
static __always_inline bool rule_fits(const struct state_walk *w, const struct state_rule *r)
{
	__u64 differ = 0;

	for (__u64 i = 0; i < STATE_RULE_TAIL / 8; i++) {
		__u64 tail = ((const __u64 *)r->tail)[i];
		/* the highest bit of each byte that is not 0, then all of them */
		__u64 some = (((tail & 0x7f7f7f7f7f7f7f7full) + 0x7f7f7f7f7f7f7f7full) | tail) &
			     0x8080808080808080ull;

		differ |= (((const __u64 *)w->tail)[i] ^ tail) & (some >> 7) * 0xff;
	}
	return differ == 0;
}

/* The first rule of its name, and what rule_fits needs; 0: there is none. */
static __always_inline __u32 rule_first(struct state_walk *w, const struct state_python *p, __u64 code)
{
	__u64 name, file;

	if (!python_word(code + p->code_name, &name) || !rule_name(w, p, name))
		return 0;
	__u32 *first = bpf_map_lookup_elem(&rule_names, &w->name);

	if (!first || !python_word(code + p->code_file, &file) || !rule_tail(w, p, file))
		return 0;
	return *first;
}

/* Remembers it. */
static __always_inline void rule_set(const struct state_target *target, const struct wire_py_frame *frame,
				     __u32 rule)
{
	struct state_code_key key = {.start_ns = target->start_ns, .code = frame->code};
	struct state_code *c = bpf_map_lookup_elem(&codes, &key);

	if (c && c->epoch == frame->epoch)
		c->rule = rule;
}

#endif
