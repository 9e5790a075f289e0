/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "emit.bpf.h"
#include "filter.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Settings, constant from load on: the verifier removes what they switch off. */
const volatile bool force_classes = false;
const volatile bool count_spent = false;
const volatile bool walk_stacks = false;
const volatile bool walk_in_session = false;
const volatile bool read_values = false;

/* Set by the attacher before it attaches. */
volatile bool plain_all;
volatile bool plain_whole;
volatile __u32 plain_turn;
volatile __u8 filter_marks[STATE_MARKS];

/* Set by the attacher at the end: see filter.bpf.h. */
volatile __u32 filter_closed;
