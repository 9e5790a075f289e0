/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map, once. Hash maps are preallocated: before 6.1 the kernel warns of tracing programs whose maps allocate.
 * Where there is bpf_mem_alloc (6.1; uprobe_multi links are younger) the loader adds BPF_F_NO_PREALLOC before load.
 */
#ifndef BOTTRACE_MAPS_BPF_H
#define BOTTRACE_MAPS_BPF_H

#include "compat.bpf.h"
#include "state.h"

/* Records for the drain. Filled by every program, emptied by the drain, sized by the loader (--ring). */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} ring SEC(".maps") __weak;

/* What kernel side, attacher and collector tell each other. One element, mapped by the latter two; never emptied. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wire_shared);
} shared SEC(".maps") __weak;

/* What of which connection is not wanted: wire_verdict_slot() -> the collector's word. Filled by the collector, mapped
 * by it; never emptied. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WIRE_VERDICTS);
	__type(key, __u32);
	__type(value, struct wire_verdict);
} verdicts SEC(".maps") __weak;

/* Who is traced: thread group id -> who, and what was counted of it. Filled by the attacher and by proc_fork, emptied
 * by proc_exit, sized by the most processes that a build of an agent keeps alive at once. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct state_target);
} targets SEC(".maps") __weak;

/* Counters of processes that ended. Filled by proc_exit (and by proc_fork where an end was missed), emptied by the
 * attacher. An entry is final as soon as `targets` has no such (pid, start) any more, not before: proc_exit counts its
 * own record here after it put the entry in. Sized by the exits between two sweeps; overflow goes to `orphans`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct state_process);
	__type(value, struct wire_counts);
} departed SEC(".maps") __weak;

/* What could be counted for no process. One element; read once, at the end of the session. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wire_counts);
} orphans SEC(".maps") __weak;

/* Connections alive. Filled at first sight of an SSL pointer, emptied by SSL_free and, for processes that ended, by the
 * attacher's sweep. A full map is counted as map_full. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct state_conn_key);
	__type(value, struct state_conn);
} conns SEC(".maps") __weak;

/* Connections that ended while their last record found no room. Filled by SSL_free and by whoever finds an SSL pointer
 * of an earlier image or process, emptied by the attacher. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct state_conn_final);
	__type(value, struct state_sides);
} conn_finals SEC(".maps") __weak;

/* The calls that a thread is in: bpf_get_current_pid_tgid() -> slots. Filled at entry, slots emptied at return, the
 * entry by the thread's exit or exec; sized by the threads that ever did TLS and still live. Only its own thread
 * touches an entry, so nothing here is atomic, and its slot is the scratch of the programs that serve the call. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct state_calls);
} calls SEC(".maps") __weak;

/* TCP connections of traced processes: address of the struct sock -> whose, and what was added up of it. Filled by
 * sock_state and sock_files, emptied by sock_state when they close. A full one makes the witness say too little. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct state_sock);
} socks SEC(".maps") __weak;

/* What the witness knows of a process. Filled by sock_* and by conn_get, emptied by the attacher's sweep. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct state_process);
	__type(value, struct state_wire);
} wires SEC(".maps") __weak;

/* What the governor reckons with. One element for each processor, so that nobody waits for another; only grows. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state_spent);
} spent SEC(".maps") __weak;

/* Plain connections by descriptor: -> address of the open file. Filled at a connection's first sight, emptied by
 * close(); the least used ones go, and then their connections end with their process. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct state_descriptor);
	__type(value, __u64);
} descriptors SEC(".maps") __weak;

/* Who runs CPython: thread group id -> which. Filled by the attacher and by proc_fork, emptied by proc_exec, proc_exit and
 * the attacher. Sized as a quarter of `targets`; who finds no room has no stacks. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct state_python);
} pythons SEC(".maps") __weak;

/* The walk of a thread over its Python frames, bpf_get_current_pid_tgid() -> its scratch and the record that it makes:
 * too large for any stack, and no processor's, for programs can be preempted. Filled at a thread's first walk, emptied
 * with its entry in `calls`. Where maps are filled before they are needed, the loader makes it small. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct state_walk);
} walks SEC(".maps") __weak;

/* Code objects met. The oldest ones make room: they are told again. Sized by the code objects that stand on the stacks
 * of writes: some thousands in the largest agents. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct state_code_key);
	__type(value, struct state_code);
} codes SEC(".maps") __weak;

/* Audit events that are wanted. Filled by the attacher before it attaches, never emptied. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct state_audit_name);
	__type(value, struct state_audit);
} audit_names SEC(".maps") __weak;

/* How names are found from frames. Filled by the attacher before anything is traced, and sized by it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state_rule);
} rules SEC(".maps") __weak;

/* A function's name -> its first rule. Filled and sized as `rules`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct state_rule_name);
	__type(value, __u32);
} rule_names SEC(".maps") __weak;

/* STATE_WALKER_*: the walk's program, which the program of a write goes over to at its end, and the one that reads values of
 * the frames found, which the walk goes over to. Filled by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STATE_WALKERS);
	__type(key, __u32);
	__type(value, __u32);
} walkers SEC(".maps") __weak;

/* The same for the program of system calls. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, STATE_WALKERS);
	__type(key, __u32);
	__type(value, __u32);
} plain_walkers SEC(".maps") __weak;

/* Notices for the attacher, struct state_notice. Filled by proc_*, emptied by the attacher. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 << 10);
} notify SEC(".maps") __weak;

#endif
