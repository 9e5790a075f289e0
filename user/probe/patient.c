/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/patient.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "probe/audit.h"
#include "probe/code.h"
#include "probe/glance.h"
#include "probe/package.h"
#include "probe/procfs.h"
#include "probe/python.h"
#include "probe/root.h"
#include "probe/socket.h"
#include "probe/witness.h"
#include "wire.h"

#define OTHERS_MAX 65536u /* processes looked at */

/* ---- looking ---- */

/* Whether its probes would be set: as library_add_mapping decides. */
static bool is_worth(int fd, const struct procfs_mapping *m)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       glance_is_worth(fd, (uint64_t)st.st_size, m->path);
}

static void add_suspect(struct patient *x, const struct procfs_mapping *m)
{
	const char *tls = glance_find_suspect(m->path);
	struct patient_suspect *s = &x->suspects[x->suspect_count];

	if (tls == NULL || x->suspect_count == PATIENT_SUSPECTS_MAX)
		return;
	for (unsigned i = 0; i < x->suspect_count; i++)
		if (str_eq(str_of(x->suspects[i].path), m->path))
			return;
	s->tls = tls;
	s->path = str_dup(m->path);
	x->suspect_count += s->path != NULL;
}

static void add_library(struct patient *x, const struct procfs_mapping *m)
{
	struct library lib;

	for (unsigned i = 0; i < x->lib_count; i++)
		if (x->libs[i].ino == m->ino)
			return;
	if (x->lib_count == PATIENT_LIBRARIES_MAX)
		return;
	autodrop(drop_fd) int fd = library_open_mapping(x->pid, m);
	if (fd < 0 || !is_worth(fd, m) || library_read(&lib, fd) < 0) {
		add_suspect(x, m);
		return;
	}
	lib.path = str_dup(m->path);
	autodrop(drop_fd) int root = root_open(x->pid);
	if (lib.path == NULL || library_try(&lib, fd, root, lib.path, x->pid) < 0) {
		free(lib.path);
		return;
	}
	x->libs[x->lib_count++] = lib;
}

static void look_at_python(struct patient *x, struct str maps)
{
	struct python py;

	if (!python_find(&py, x->pid, maps, NULL))
		return;
	struct procfs_mapping m;
	for (struct str rest = maps; x->events == NULL && procfs_next_mapping(&rest, &m);) {
		if (!str_eq(m.path, py.path) || m.offset != 0)
			continue;
		autodrop(drop_fd) int fd = library_open_mapping(x->pid, &m);
		x->events = fd < 0 ? NULL : audit_way(fd);
	}
	x->has_interpreter = true;
	x->python_version = py.version;
	x->python_reason = py.reason;
	snprintf(x->python_path, sizeof(x->python_path), "%.*s", STR_ARG(py.path));
}

int patient_look(struct patient *x, uint32_t pid, struct checks *c)
{
	autodrop(buf_fini) struct buf maps;
	char exe[PROCFS_PATH_MAX];
	struct procfs_mapping m;
	struct procfs_stat st;

	*x = (struct patient){.pid = pid};
	if (procfs_stat(pid, &st) < 0)
		return -ESRCH;
	x->bits = procfs_bits(pid);
	if (st.flags & PROCFS_PF_KTHREAD)
		check_add(c, "process", "FAIL", "give the PID of a program", "%u is a kernel thread", pid);
	else if (st.state == 'Z')
		check_add(c, "process", "FAIL", "give the PID of a running program",
			  "%u has ended (a zombie)", pid);
	else if (x->bits == 32)
		check_add(c, "process", "FAIL", "run the 64-bit build of the program",
			  "%u is a 32-bit program", pid);
	if (procfs_link(pid, "exe", exe, sizeof(exe)) >= 0) {
		struct str name = str_base_name(str_of(exe));

		x->python = str_starts(name, STR("python")) || str_starts(name, STR("pypy"));
	}
	buf_init(&maps, PROCFS_MAPS_MAX);
	if (procfs_read(pid, "maps", &maps) < 0) {
		x->unreadable = true;
		check_add(c, "process", "FAIL", "run it as root or through sudo", "%u may not be looked at",
			  pid);
		return 0;
	}
	struct str rest = buf_str(&maps);
	while (procfs_next_mapping(&rest, &m)) {
		if (!m.executable || m.ino == 0)
			continue;
		x->python |= str_starts(str_base_name(m.path), STR("libpython"));
		add_library(x, &m);
	}
	look_at_python(x, buf_str(&maps));
	x->has_wire = socket_sum(pid, &x->wire) == 0;
	return 0;
}

void patient_fini(struct patient *x)
{
	for (unsigned i = 0; i < x->lib_count; i++)
		free(x->libs[i].path);
	x->lib_count = 0;
	for (unsigned i = 0; i < x->suspect_count; i++)
		free(x->suspects[i].path);
	x->suspect_count = 0;
}

/* ---- writing ---- */

static void write_site(struct jsonw *w, const struct library *lib, const struct site *s,
		       const struct site_costs *costs)
{
	char hex[2 * ELF_BUILD_ID_BYTES + 1];

	jsonw_object(w);
	jsonw_str(jsonw_key(w, "lib"), str_base_name(str_of(lib->path)));
	text_hex(lib->build_id, sizeof(lib->build_id), hex);
	jsonw_z(jsonw_key(w, "build_id"), hex);
	jsonw_z(jsonw_key(w, "function"), s->function);
	jsonw_array(jsonw_key(w, "covers"));
	for (uint32_t fn = 0; fn < WIRE_FNS; fn++)
		if (s->covers & 1u << fn)
			jsonw_z(w, site_name(fn));
	jsonw_array_end(w);
	jsonw_u64(jsonw_key(w, "offset"), s->offset);
	text_hex(s->bytes, code_length(s->bytes, s->len), hex);
	jsonw_z(jsonw_key(w, "instruction"), hex);
	jsonw_bool(jsonw_key(w, "emulated"), s->emulated);
	jsonw_z(jsonw_key(w, "why"), s->why);
	jsonw_z(jsonw_key(w, "self_test"), trial_word(lib->verdict));
	jsonw_z(jsonw_key(w, "self_test_why"), lib->doubt);
	if (costs)
		jsonw_u64(jsonw_key(w, "ns_per_hit"), site_cost(s, costs));
	else
		jsonw_null(jsonw_key(w, "ns_per_hit"));
	if (costs && s->returns)
		jsonw_u64(jsonw_key(w, "ns_per_hit_untraced"), costs->stranger_ns[s->emulated]);
	else
		jsonw_null(jsonw_key(w, "ns_per_hit_untraced"));
	jsonw_object_end(w);
}

/* What is known of the chosen sites. */
static void write_proof(const struct library *lib, struct checks *c)
{
	switch (lib->verdict) {
	case TRIAL_PASSED:
		check_add(c, "proof", "ok", NULL,
			  "known bytes were moved through the same file: its probes saw them all");
		break;
	case TRIAL_WITNESSED:
		check_add(c, "proof", "ok", NULL,
			  "its probes saw what the sockets of a traced process moved");
		break;
	case TRIAL_FAILED:
		check_add(c, "proof", "note", NULL, "%s: its probes sit at the symbols",
			  lib->doubt ? lib->doubt : "it failed");
		break;
	case TRIAL_UNPROVEN:
		check_add(c, "proof", "note", NULL,
			  "unproven until the sockets agree with the first real bytes: %s",
			  lib->doubt ? lib->doubt : "it was not tried");
		break;
	case TRIAL_NONE:
		break;
	}
}

static void write_library(struct jsonw *w, const struct library *lib, const struct site_costs *costs,
			  struct checks *c)
{
	autodrop(buf_fini) struct buf names;
	char hex[2 * ELF_BUILD_ID_BYTES + 1];
	bool stepped = false;

	buf_init(&names, 1024);
	text_hex(lib->build_id, sizeof(lib->build_id), hex);
	jsonw_object(w);
	jsonw_z(jsonw_key(w, "lib"), lib->path);
	jsonw_z(jsonw_key(w, "path"), lib->path);
	jsonw_z(jsonw_key(w, "build_id"), hex);
	jsonw_array(jsonw_key(w, "sites"));
	for (size_t i = 0; i < lib->site_count; i++) {
		write_site(w, lib, &lib->sites[i], costs);
		buf_addf(&names, " %s", lib->sites[i].function);
		stepped |= lib->sites[i].returns && !lib->sites[i].emulated;
	}
	jsonw_array_end(w);
	jsonw_object_end(w);
	check_add(c, "tls", "ok", NULL, "%s (build-id %.8s...) %s", lib->path ? lib->path : "?", hex,
		  buf_z(&names) + (names.n > 0));
	write_proof(lib, c);
	if (costs)
		check_add(c, "sites", stepped ? "note" : "ok", NULL,
			  "each call of these functions takes %.1f us more; an untraced process on this "
			  "library pays %.1f us a call%s",
			  costs->data_ns[!stepped] / 1000.0, costs->stranger_ns[!stepped] / 1000.0,
			  stepped ? ": no instruction that this kernel emulates is where a probe could sit"
				  : "");
}

/* argv[0] and the script; the rest of a command line may hold secrets. */
static void write_program(struct jsonw *w, uint32_t pid)
{
	autodrop(buf_fini) struct buf argv;
	char exe[PROCFS_PATH_MAX];
	struct str rest, first = STR_NONE, word = STR_NONE, script = STR_NONE;

	buf_init(&argv, WIRE_ARGV_MAX);
	bool readable = procfs_link(pid, "exe", exe, sizeof(exe)) >= 0;
	jsonw_z(jsonw_key(w, "exe"), readable ? exe : NULL);
	if (procfs_read(pid, "cmdline", &argv) >= 0) {
		rest = buf_str(&argv);
		if (procfs_next_string(&rest, &first) && procfs_next_string(&rest, &word) &&
		    str_ends(word, STR(".py")))
			script = word;
	}
	if (first.n > 0)
		jsonw_str(jsonw_key(w, "argv0"), first);
	else
		jsonw_null(jsonw_key(w, "argv0"));
	if (script.n > 0)
		jsonw_str(jsonw_key(w, "script"), script);
	else
		jsonw_null(jsonw_key(w, "script"));
}

/* Whether it lives in another PID or mount namespace than we do; -1: may not be asked. */
static int is_in_container(uint32_t pid)
{
	static const char *const spaces[] = {"ns/pid", "ns/mnt"};
	uint32_t us = (uint32_t)getpid();
	char ours[64], its[64];

	for (int i = 0; i < 2; i++) {
		if (procfs_link(us, spaces[i], ours, sizeof(ours)) < 0 ||
		    procfs_link(pid, spaces[i], its, sizeof(its)) < 0)
			return -1;
		if (strcmp(ours, its) != 0)
			return 1;
	}
	return 0;
}

static bool maps_library(uint32_t pid, const struct patient *x)
{
	autodrop(buf_fini) struct buf maps;
	struct procfs_mapping m;

	buf_init(&maps, PROCFS_MAPS_MAX);
	if (procfs_read(pid, "maps", &maps) < 0)
		return false;
	struct str rest = buf_str(&maps);
	while (procfs_next_mapping(&rest, &m))
		for (unsigned i = 0; m.executable && i < x->lib_count; i++)
			if (m.ino == x->libs[i].ino && library_is_named(m.path))
				return true;
	return false;
}

/* Other processes that would pay for probes on these libraries. */
static uint64_t count_others(const struct patient *x)
{
	autodrop(drop_dir) DIR *dir = opendir("/proc");
	uint64_t count = 0, pid;

	if (dir == NULL || x->lib_count == 0)
		return 0;
	for (unsigned i = 0; i < OTHERS_MAX; i++) {
		struct dirent *e = readdir(dir);

		if (e == NULL)
			break;
		if (str_to_u64(str_of(e->d_name), &pid) && pid <= UINT32_MAX && pid != x->pid &&
		    maps_library((uint32_t)pid, x))
			count++;
	}
	return count;
}

static void write_identity(struct jsonw *w, const struct patient *x, struct checks *c)
{
	autodrop(buf_fini) struct buf status;
	char exe[PROCFS_PATH_MAX];
	uint64_t seccomp = 0;
	int container = is_in_container(x->pid);

	buf_init(&status, PROCFS_STATUS_MAX);
	jsonw_u64(jsonw_key(w, "pid"), x->pid);
	if (x->start_ns)
		jsonw_u64(jsonw_key(w, "start_ns"), x->start_ns);
	else
		jsonw_null(jsonw_key(w, "start_ns"));
	write_program(w, x->pid);
	jsonw_bool(jsonw_key(w, "python"), x->python);
	if (container < 0)
		jsonw_null(jsonw_key(w, "container"));
	else
		jsonw_bool(jsonw_key(w, "container"), container);
	bool known = procfs_read(x->pid, "status", &status) >= 0 &&
		     procfs_status_field(buf_str(&status), STR("Seccomp"), 10, &seccomp);
	if (known)
		jsonw_u64(jsonw_key(w, "seccomp"), seccomp);
	else
		jsonw_null(jsonw_key(w, "seccomp"));
	if (x->bits)
		jsonw_u64(jsonw_key(w, "bits"), x->bits);
	else
		jsonw_null(jsonw_key(w, "bits"));
	if (procfs_link(x->pid, "exe", exe, sizeof(exe)) >= 0)
		check_add(c, "process", "ok", NULL, "%u %s  container %s  seccomp %llu", x->pid, exe,
			  container < 0 ? "unknown"
			  : container	? "yes"
					: "no",
			  (unsigned long long)seccomp);
}

static void look_at_markers(const struct patient *x, struct checks *c)
{
	struct package p;

	if (!x->python || x->unreadable)
		return;
	package_find(&p, x->pid);
	package_report(&p, c);
}

static void write_sockets(struct jsonw *w, const struct patient *x)
{
	if (!x->has_wire) {
		jsonw_null(jsonw_key(w, "sockets"));
		return;
	}
	jsonw_object(jsonw_key(w, "sockets"));
	jsonw_u64(jsonw_key(w, "connections"), x->wire.conns);
	jsonw_u64(jsonw_key(w, "sent"), x->wire.sent);
	jsonw_u64(jsonw_key(w, "received"), x->wire.received);
	jsonw_object_end(w);
}

/* What it maps that no probe reaches, and what its open connections moved by whatever way. */
static void write_blind(struct jsonw *w, const struct patient *x, struct checks *c)
{
	autodrop(buf_fini) struct buf sum;

	write_sockets(w, x);
	buf_init(&sum, 512);
	if (x->has_wire && x->wire.conns > 0) {
		buf_add(&sum, STR("; its open connections "));
		witness_add_sum(&sum, &x->wire);
	}
	jsonw_array(jsonw_key(w, "blind"));
	for (unsigned i = 0; i < x->suspect_count; i++) {
		const struct patient_suspect *s = &x->suspects[i];
		struct str name = str_base_name(str_of(s->path));

		jsonw_object(w);
		jsonw_str(jsonw_key(w, "what"), name);
		jsonw_z(jsonw_key(w, "path"), s->path);
		jsonw_z(jsonw_key(w, "tls"), s->tls);
		jsonw_object_end(w);
		check_add(c, "tls", "blind", NULL, "%s inside %.*s: no probe reaches it%s", s->tls,
			  STR_ARG(name), buf_z(&sum));
	}
	jsonw_array_end(w);
}

/* Whether its requests will show who sent them. */
static void write_stacks(struct jsonw *w, const struct patient *x, struct checks *c)
{
	const char *why = python_why(x->python_reason);
	char version[32];

	if (!x->has_interpreter) {
		jsonw_null(jsonw_key(w, "stacks"));
		if (x->python)
			check_add(c, "stacks", "note", NULL, "no CPython that is known here: no stacks");
		return;
	}
	python_version_text(x->python_version, version);
	jsonw_object(jsonw_key(w, "stacks"));
	jsonw_z(jsonw_key(w, "interpreter"), x->python_path);
	jsonw_z(jsonw_key(w, "version"), x->python_version ? version : NULL);
	jsonw_bool(jsonw_key(w, "possible"), why == NULL);
	jsonw_z(jsonw_key(w, "why"), why);
	jsonw_z(jsonw_key(w, "events"), why ? NULL : x->events);
	jsonw_object_end(w);
	if (why)
		check_add(c, "stacks", "note", NULL, "CPython %s: no stacks: %s", version, why);
	else
		check_add(c, "stacks", "ok", NULL, "CPython %s: the stack of each request is taken", version);
	if (why == NULL && x->events)
		check_add(c, "events", "ok", NULL, "what its code does is seen at %s",
			  strcmp(x->events, "usdt") == 0
				  ? "its USDT sites, pauses and imports too"
				  : "PySys_Audit and sys.audit: no pauses, no sums of imports");
}

void patient_write(const struct patient *x, struct jsonw *w, const struct site_costs *costs, struct checks *c)
{
	jsonw_object(jsonw_key(w, "process"));
	write_identity(w, x, c);
	jsonw_array(jsonw_key(w, "libraries"));
	for (unsigned i = 0; i < x->lib_count; i++)
		write_library(w, &x->libs[i], costs, c);
	jsonw_array_end(w);
	jsonw_bool(jsonw_key(w, "listens"), socket_listens(x->pid));
	write_stacks(w, x, c);
	write_blind(w, x, c);
	jsonw_object_end(w);
	if (x->lib_count == 0 && !x->unreadable)
		check_add(c, "tls", "note", "attach all the same: what it loads later is probed then",
			  "no TLS library mapped yet");
	look_at_markers(x, c);
	uint64_t others = count_others(x);
	jsonw_u64(jsonw_key(w, "others"), others);
	if (others > 0)
		check_add(c, "others", "note", NULL,
			  "%llu other processes map the same library and pay for each call while probes are "
			  "set, but not with attach --no-children",
			  (unsigned long long)others);
}
