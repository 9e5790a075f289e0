/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the characters of a str are. */
#ifndef BOTTRACE_TEXT_BPF_H
#define BOTTRACE_TEXT_BPF_H

#include "python.bpf.h"

#define PYTHON_STR_HEAD 16 /* PyASCIIObject.length, hash, state */

/* Where the characters of a str are, for at most `max` bytes of them. */
static __always_inline void code_text(struct state_text *t, const struct state_python *p, __u64 s, __u32 max)
{
	struct {
		__u64 length, hash;
		__u32 state, pad;
	} head;

	*t = (struct state_text){.flags = WIRE_PY_CODE_FAULT};
	if (bpf_probe_read_user(&head, sizeof(head), (void *)(s + PYTHON_STR_HEAD)))
		return;
	__u32 kind = head.state >> 2 & 7;

	if (kind != WIRE_PY_TEXT_LATIN1 && kind != WIRE_PY_TEXT_UCS2 && kind != WIRE_PY_TEXT_UCS4)
		return;
	bool ascii = head.state >> 6 & 1, compact = head.state >> 5 & 1;

	/* Of a class derived from str they are elsewhere. */
	if (compact)
		t->data = s + (ascii ? p->str_ascii : p->str_compact);
	else if (bpf_probe_read_user(&t->data, sizeof(t->data), (void *)(s + p->str_compact)))
		return;
	t->kind = kind;
	t->flags = head.length > max / kind ? WIRE_PY_CODE_CUT : 0;
	t->len = (t->flags ? max / kind : head.length) * kind;
}

#endif
