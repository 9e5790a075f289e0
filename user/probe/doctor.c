/* SPDX-License-Identifier: BSD-2-Clause */
/* The `bottrace.v1.doctor` document: what this kernel, these rights and one process allow. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/limits.h"
#include "probe/beacon.h"
#include "probe/check.h"
#include "probe/feature.h"
#include "probe/patient.h"
#include "probe/probe.h"
#include "probe/procfs.h"
#include "probe/rights.h"
#include "probe/root.h"
#include "probe/self.h"
#include "probe/tasks.h"

#define BTF_PATH	 "/sys/kernel/btf/vmlinux"
#define LOCKDOWN_PATH	 "/sys/kernel/security/lockdown"
#define TRIAL_RING_BYTES (1u << 18)   /* what calibrate.c sends in one batch fits */
#define PID_NS_INITIAL	 0xeffffffcul /* proc_ns.h: PROC_PID_INIT_INO */

struct host {
	struct utsname name;
	bool btf;
	int ringbuf, multi, session, narrow, cookies, loop, dynptr; /* 1, 0, negative: may not be asked */
	char lockdown[32]; /* "none" where the kernel has no such thing */
	int returns_safe;  /* 1, 0, negative: could not be tried */
	bool has_costs;
	struct site_costs costs;
	int plain; /* as above: sockets and pipes without TLS can be read */
	uint32_t call_ns, call_plain_ns;
};

/* ---- looking ---- */

static void look_at_lockdown(struct host *h)
{
	autodrop(buf_fini) struct buf text;
	autodrop(drop_fd) int root = root_open(0);
	struct str word;

	snprintf(h->lockdown, sizeof(h->lockdown), "none");
	buf_init(&text, 256);
	if (root < 0 || root_read(root, LOCKDOWN_PATH, &text) < 0)
		return;
	/* "none [integrity] confidentiality" */
	ptrdiff_t at = str_find_char(buf_str(&text), '[');
	if (at < 0)
		return;
	(void)str_cut(str_skip(buf_str(&text), (size_t)at + 1), ']', &word);
	if (word.n < sizeof(h->lockdown))
		snprintf(h->lockdown, sizeof(h->lockdown), "%.*s", STR_ARG(word));
}

static void look_at_host(struct host *h)
{
	(void)uname(&h->name);
	h->btf = access(BTF_PATH, R_OK) == 0;
	h->ringbuf = feature_ask_ringbuf();
	h->multi = feature_ask_multi();
	h->session = feature_ask_session();
	h->narrow = feature_ask_narrow();
	h->cookies = feature_ask_cookies();
	h->loop = feature_ask_loop();
	h->dynptr = feature_ask_dynptr();
	h->returns_safe = h->plain = -EPERM;
	look_at_lockdown(h);
}

/* What a system call of a process that is not traced costs without and with the tracepoint that all of them run. */
static void try_plain(struct host *h, struct load *l)
{
	h->call_ns = calibrate_syscall();
	h->plain = load_follow_plain(l, false, false) == 0;
	if (h->plain)
		h->call_plain_ns = calibrate_syscall();
	load_unfollow(l);
}

/* Loads everything, tries it on ourselves, and takes it away. x: gets its start time. */
static void try_programs(struct host *h, struct patient *x, struct checks *c)
{
	autodrop(drop_load) struct load *l = NULL;
	autodrop(tasks_fini) struct tasks tasks = {0};
	struct load_trouble why;
	struct self self = {0};
	struct load_settings settings = {.ring_bytes = TRIAL_RING_BYTES, .plain = true, .stacks = true};
	int r = load_open(&l, &settings, &why);

	if (r == 0)
		r = load_finish(l);
	if (r < 0) {
		check_add(c, "programs", "FAIL",
			  r == -EPERM ? "run it with sudo" : "use a kernel that has what is missing", "%s",
			  why.cause[0] ? why.cause : strerror(-r));
		return;
	}
	if (x && x->has_interpreter && x->python_reason == WIRE_PY_WHOLE && !load_has_stacks(l))
		x->python_reason = WIRE_PY_KERNEL;
	r = tasks_read(&tasks, l);
	const struct state_task *us = r < 0 ? NULL : tasks_find(&tasks, (uint32_t)getpid());
	const struct state_task *its = r < 0 || !x ? NULL : tasks_find(&tasks, x->pid);
	if (its)
		x->start_ns = its->start_ns;
	if (us == NULL) {
		check_add(c, "programs", "FAIL", "run it in the initial PID namespace",
			  "this process is not among the kernel's: %s",
			  r < 0 ? strerror(-r) : "another PID namespace");
		return;
	}
	r = self_hook(&self, l);
	if (r < 0) {
		check_add(c, "programs", "FAIL",
			  h->multi == 1 ? "use a kernel built with CONFIG_UPROBE_EVENTS=y"
					: "run it with CAP_SYS_ADMIN",
			  "no probe can be set: %s", strerror(-r));
		return;
	}
	h->returns_safe = safety_check_returns(&self);
	if (h->returns_safe != 0)
		h->has_costs = calibrate_run(&self, us->start_ns, true, &h->costs) == 0;
	self_unhook(&self);
	try_plain(h, l);
}

/* ---- writing ---- */

static const char *word_of(int has)
{
	return has < 0 ? "unknown" : has ? "ok" : "no";
}

static void write_feature(struct jsonw *w, const char *key, int has)
{
	if (has < 0)
		jsonw_null(jsonw_key(w, key));
	else
		jsonw_bool(jsonw_key(w, key), has);
}

static void write_kernel(struct jsonw *w, const struct host *h, struct checks *c)
{
	jsonw_object(jsonw_key(w, "kernel"));
	jsonw_z(jsonw_key(w, "release"), h->name.release);
	jsonw_z(jsonw_key(w, "machine"), h->name.machine);
	jsonw_bool(jsonw_key(w, "btf"), h->btf);
	write_feature(w, "ringbuf", h->ringbuf);
	write_feature(w, "uprobe_multi", h->multi);
	write_feature(w, "uprobe_session", h->session);
	write_feature(w, "uprobe_multi_pid", h->narrow);
	write_feature(w, "cookies", h->cookies);
	write_feature(w, "bpf_loop", h->loop);
	write_feature(w, "dynptr", h->dynptr);
	jsonw_z(jsonw_key(w, "lockdown"), h->lockdown);
	jsonw_object_end(w);
	bool bad = !h->btf || h->ringbuf == 0 || strcmp(h->lockdown, "confidentiality") == 0;
	check_add(c, "kernel", bad ? "FAIL" : "ok",
		  bad ? "use a kernel of 5.8 or later with CONFIG_DEBUG_INFO_BTF=y and no lockdown" : NULL,
		  "%s %s  BTF %s  ringbuf %s  uprobe_multi %s  cookies %s  lockdown %s", h->name.release,
		  h->name.machine, word_of(h->btf), word_of(h->ringbuf), word_of(h->multi),
		  word_of(h->cookies), h->lockdown);
	if (h->multi == 0)
		check_add(c, "links", "note", "a kernel of 6.6 or later detaches a hundred times faster",
			  "no uprobe_multi links: probes are perf events, which want CAP_SYS_ADMIN");
}

static void write_names(struct jsonw *w, const char *key, const struct buf *names)
{
	struct str rest = buf_str(names);

	jsonw_array(jsonw_key(w, key));
	while (rest.n > 0) {
		struct str name;

		rest = str_trim(str_cut(rest, ',', &name));
		jsonw_str(w, name);
	}
	jsonw_array_end(w);
}

static void write_rights(struct jsonw *w, const struct host *h, struct checks *c)
{
	autodrop(buf_fini) struct buf held, missing;
	struct stat st;

	buf_init(&held, 1024);
	buf_init(&missing, 1024);
	(void)rights_held(&held);
	unsigned lacks = rights_missing(&missing, h->multi != 0);
	jsonw_object(jsonw_key(w, "rights"));
	jsonw_u64(jsonw_key(w, "euid"), geteuid());
	write_names(w, "caps", &held);
	write_names(w, "missing", &missing);
	jsonw_object_end(w);
	if (lacks > 0)
		check_add(c, "rights", "FAIL", "run it with sudo", "uid %u lacks %s", geteuid(),
			  buf_z(&missing));
	else
		check_add(c, "rights", "ok", NULL, "uid %u has %s", geteuid(), buf_z(&held));
	if (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != PID_NS_INITIAL)
		check_add(c, "namespace", "FAIL",
			  "run it on the host, or in a container with its PID namespace",
			  "this is not the initial PID namespace: process numbers here are not the kernel's");
}

static void write_plain(struct jsonw *w, const struct host *h, struct checks *c)
{
	write_feature(w, "reads_plain", h->plain);
	if (h->plain == 1)
		check_add(c, "plain", "ok", NULL,
			  "while sockets and pipes without TLS are read, a system call of anybody takes %.2f "
			  "us "
			  "in place of %.2f (--plain off: as before)",
			  h->call_plain_ns / 1000.0, h->call_ns / 1000.0);
	else if (h->plain == 0)
		check_add(c, "plain", "note", NULL,
			  "sockets and pipes without TLS cannot be read on this kernel");
}

static void write_safety(struct jsonw *w, const struct host *h, struct checks *c)
{
	jsonw_object(jsonw_key(w, "safety"));
	if (h->returns_safe < 0)
		jsonw_null(jsonw_key(w, "return_probe_under_seccomp"));
	else
		jsonw_z(jsonw_key(w, "return_probe_under_seccomp"), h->returns_safe ? "ok" : "refused");
	if (h->has_costs) {
		jsonw_u64(jsonw_key(w, "ns_per_call_stepped"), h->costs.data_ns[0]);
		jsonw_u64(jsonw_key(w, "ns_per_call_emulated"), h->costs.data_ns[1]);
		jsonw_u64(jsonw_key(w, "ns_per_call_untraced_stepped"), h->costs.stranger_ns[0]);
		jsonw_u64(jsonw_key(w, "ns_per_call_untraced_emulated"), h->costs.stranger_ns[1]);
	} else {
		jsonw_null(jsonw_key(w, "ns_per_call_stepped"));
		jsonw_null(jsonw_key(w, "ns_per_call_emulated"));
		jsonw_null(jsonw_key(w, "ns_per_call_untraced_stepped"));
		jsonw_null(jsonw_key(w, "ns_per_call_untraced_emulated"));
	}
	write_plain(w, h, c);
	jsonw_object_end(w);
	if (h->returns_safe == 0)
		check_add(c, "safety", "FAIL",
			  "kernels 6.11 to 6.13 have this fault; use an earlier or a later one",
			  "return probes end programs under seccomp on this kernel: refused");
	else if (h->returns_safe == 1)
		check_add(c, "safety", "ok", NULL, "a return probe under a strict seccomp filter: survives");
	if (h->has_costs)
		check_add(c, "cost", "ok", NULL,
			  "one probed call: %.1f us where the first instruction is single-stepped, %.1f us "
			  "where it is emulated",
			  h->costs.data_ns[0] / 1000.0, h->costs.data_ns[1] / 1000.0);
	if (h->has_costs)
		check_add(c, "others", "ok", NULL,
			  "an untraced process that maps a probed library pays %.1f us a call where it is "
			  "single-stepped, %.1f us where it is emulated; with attach --no-children %s",
			  h->costs.stranger_ns[0] / 1000.0, h->costs.stranger_ns[1] / 1000.0,
			  h->narrow == 0 && h->multi == 1
				  ? "the same: this kernel has no links to one process"
				  : "nothing");
}

static void write_verdict(struct jsonw *w, const struct patient *x, const struct checks *c)
{
	char text[160];

	if (c->failed && x == NULL)
		snprintf(text, sizeof(text), "nothing can be traced here as things are");
	else if (c->failed)
		snprintf(text, sizeof(text), "%u cannot be traced as things are", x->pid);
	else if (x == NULL)
		snprintf(text, sizeof(text), "processes that load OpenSSL's libssl can be traced here");
	else if (x->lib_count > 0)
		snprintf(text, sizeof(text),
			 "what %u sends and receives through its %u probed TLS %s is captured%s", x->pid,
			 x->lib_count, x->lib_count == 1 ? "library" : "libraries",
			 x->suspect_count ? ", the rest is not" : "");
	else if (x->suspect_count > 0)
		snprintf(text, sizeof(text),
			 "%u brings TLS that no probe reaches: nothing of that is captured", x->pid);
	else
		snprintf(text, sizeof(text),
			 "%u maps no TLS library yet; one that it loads later is captured", x->pid);
	jsonw_z(jsonw_key(w, "verdict"), text);
}

int probe_doctor(struct buf *json, uint32_t pid)
{
	autodrop(check_fini) struct checks c = {0};
	autodrop(drop_memory) struct patient *x = NULL;
	struct host h = {0};
	struct jsonw w;

	if (pid != 0) {
		struct procfs_stat st;

		if (procfs_stat(pid, &st) == -ESRCH)
			return -ESRCH;
		x = calloc(1, sizeof(*x));
		if (x == NULL)
			return -ENOMEM;
	}
	look_at_host(&h);
	jsonw_init(&w, json);
	jsonw_object(&w);
	jsonw_z(jsonw_key(&w, "schema"), "bottrace.v1.doctor");
	write_kernel(&w, &h, &c);
	write_rights(&w, &h, &c);
	/* Gone since: what was found of it is nothing. */
	if (x && patient_look(x, pid, &c) < 0)
		check_add(&c, "process", "FAIL", "give the PID of a running process", "%u has just ended",
			  pid);
	if (h.multi >= 0)
		try_programs(&h, x, &c);
	write_safety(&w, &h, &c);
	beacon_report(BEACON_DIR, &w, &c);
	if (x) {
		patient_write(x, &w, h.has_costs ? &h.costs : NULL, &c);
	} else {
		jsonw_null(jsonw_key(&w, "process"));
		jsonw_null(jsonw_key(&w, "others"));
	}
	write_verdict(&w, x, &c);
	check_write(&c, &w);
	jsonw_object_end(&w);
	if (x)
		patient_fini(x);
	return buf_err(json);
}
