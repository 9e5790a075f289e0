/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "emit.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Settings, constant from load on: the verifier removes what they switch off. */
const volatile bool force_classes = false;
const volatile bool count_spent = false;
