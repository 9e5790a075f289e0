/* SPDX-License-Identifier: BSD-2-Clause */
/* What this kernel takes, asked of it without side effects, never by its version. 1: there, 0: not; negative errno: could
 * not ask. From the first of them on libbpf speaks at -vv alone. */
#ifndef PROBE_FEATURE_H
#define PROBE_FEATURE_H

int feature_ask_multi(void);
int feature_ask_session(void);
/* Links to one process; before 6.10 (stable ones before 2024-06) they are to its first thread. */
int feature_ask_narrow(void);
int feature_ask_cookies(void);
int feature_ask_ringbuf(void);
int feature_ask_loop(void);
int feature_ask_dynptr(void);

#endif
