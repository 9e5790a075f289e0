/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/trial.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/cache.h"
#include "probe/elf.h"
#include "probe/load.h"
#include "probe/procfs.h"
#include "probe/root.h"
#include "probe/shuttle.h"
#include "probe/tasks.h"
#include "state.h"

#define RING_BYTES (1u << 20) /* all that is moved, twice over */
#define NOBODY	   65534
#define ENDS	   2

/* What the probes saw of one end. */
struct seen {
	uint64_t ssl;
	uint64_t bytes[WIRE_DIRS];
	bool wrong[WIRE_DIRS][ENDS]; /* it is not what that end writes */
	bool broken;		     /* a hole, a piece out of order, an impossible length */
	bool closed;
};

struct report {
	struct seen end[ENDS];
	unsigned ends;
	bool crowded; /* more connections than there are */
};

/* ---- what came ---- */

static struct seen *find_end(struct report *r, uint64_t ssl)
{
	for (unsigned i = 0; i < r->ends; i++)
		if (r->end[i].ssl == ssl)
			return &r->end[i];
	if (r->ends == ENDS) {
		r->crowded = true;
		return NULL;
	}
	r->end[r->ends].ssl = ssl;
	return &r->end[r->ends++];
}

static void see_data(struct report *r, const struct wire_tls_data *d, size_t size)
{
	struct seen *s = find_end(r, d->conn.ssl);

	if (s == NULL)
		return;
	if (d->dir >= WIRE_DIRS || d->len > size - sizeof(*d) || d->hole_cause ||
	    d->offset != s->bytes[d->dir]) {
		s->broken = true;
		return;
	}
	for (uint32_t i = 0; i < d->len; i++)
		for (unsigned from = 0; from < ENDS; from++)
			if (d->payload[i] != shuttle_byte(from, d->offset + i))
				s->wrong[d->dir][from] = true;
	s->bytes[d->dir] += d->len;
}

static int see(void *ctx, void *data, size_t size)
{
	const struct wire_head *head = data;
	struct seen *s;

	if (size >= sizeof(struct wire_tls_data) && head->kind == WIRE_TLS_DATA)
		see_data(ctx, data, size);
	else if (size >= sizeof(struct wire_tls_close) && head->kind == WIRE_TLS_CLOSE &&
		 (s = find_end(ctx, ((const struct wire_tls_close *)data)->conn.ssl)) != NULL)
		s->closed = true;
	return 0;
}

static bool is_end(const struct seen *s, unsigned end)
{
	return !s->broken && s->closed && s->bytes[WIRE_WRITE] == shuttle_bytes() &&
	       s->bytes[WIRE_READ] == shuttle_bytes() && !s->wrong[WIRE_WRITE][end] &&
	       !s->wrong[WIRE_READ][!end];
}

/* NULL when everything is as it must be. */
static const char *compare(const struct report *r, const struct wire_counts *c)
{
	if (r->ends != ENDS || r->crowded)
		return "its calls were not seen on two connections";
	if (!(is_end(&r->end[0], 0) && is_end(&r->end[1], 1)) &&
	    !(is_end(&r->end[0], 1) && is_end(&r->end[1], 0)))
		return "the bytes seen are not the bytes moved";
	if (c->entered != c->returned || c->abandoned || c->entered != c->sent + c->empty)
		return "its calls and their returns do not pair";
	return NULL;
}

/* ---- the child ---- */

/* libcrypto, as libssl asks for it, beside it. Descriptor or negative errno. */
static int open_crypto(const struct trial *t)
{
	autodrop(drop_elf_file) struct elf_file *elf = NULL;
	char path[PROCFS_PATH_MAX];
	struct elf_needs needs;
	struct str name;
	const char *slash = strrchr(t->path, '/');
	int fd = -ENOENT;

	if (slash == NULL || elf_open(&elf, t->ssl_fd) < 0 || elf_needs(elf, &needs) < 0)
		return -ENOENT;
	struct str rest = buf_str(&needs.needed);
	while (fd < 0 && procfs_next_string(&rest, &name)) {
		if (!str_starts(name, STR("libcrypto")) || str_find_char(name, '/') >= 0)
			continue;
		int n = snprintf(path, sizeof(path), "%.*s/%.*s", (int)(slash - t->path), t->path,
				 STR_ARG(name));
		fd = n > 0 && (size_t)n < sizeof(path) ? root_open_file(t->root, path) : -ENAMETOOLONG;
	}
	elf_needs_fini(&needs);
	return fd;
}

/* Nobody, where everybody may read the file; else its user, who is not root. */
static bool choose_user(const struct trial *t, struct shuttle *s)
{
	struct stat file, process;
	char path[32];

	s->uid = s->gid = NOBODY;
	if (fstat(t->ssl_fd, &file) != 0 || (file.st_mode & S_IROTH))
		return true;
	snprintf(path, sizeof(path), "/proc/%u", t->pid);
	if (t->pid == 0 || stat(path, &process) != 0 || process.st_uid == 0)
		return false;
	s->uid = process.st_uid;
	s->gid = process.st_gid;
	return true;
}

/* Its word, or 0 when none came in time. */
static uint8_t hear(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t end = clock_now_ns() + SHUTTLE_SECONDS * 1000000000ull;
	uint8_t word = 0;

	for (;;) {
		uint64_t now = clock_now_ns();
		int ms = now < end ? (int)((end - now) / 1000000) : 0;
		int n = poll(&p, 1, ms);

		if (n < 0 && errno == EINTR && ms > 0)
			continue;
		return n == 1 && read(fd, &word, 1) == 1 ? word : 0;
	}
}

static const char *const excuses[SHUTTLE_WORDS] = {
	[0] = "it did not finish",
	[SHUTTLE_NO_SANDBOX] = "no sandbox to be had for it",
	[SHUTTLE_NO_CRYPTO] = "its libcrypto does not load here",
	[SHUTTLE_NO_SSL] = "it does not load here",
	[SHUTTLE_NO_FUNCTION] = "it lacks functions that the trial calls",
	[SHUTTLE_NO_CIPHER] = "it has no pre-shared keys",
	[SHUTTLE_NO_HANDSHAKE] = "it shakes no hands",
	[SHUTTLE_NO_BYTES] = "it moves no bytes",
};

struct bench {
	struct load *load;
	struct load_hooks hooks;
	struct tasks tasks;
	uint32_t pid; /* of the child; 0: none */
	int go_fd, said_fd;
};

static void bench_fini(struct bench *b)
{
	if (b->pid) {
		(void)kill((pid_t)b->pid, SIGKILL);
		while (waitpid((pid_t)b->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	load_unhook_entries(&b->hooks);
	load_unhook_returns(&b->hooks);
	tasks_fini(&b->tasks);
	load_close(b->load);
	drop_fd(&b->go_fd);
	drop_fd(&b->said_fd);
}

static int start_child(struct bench *b, const struct shuttle *like)
{
	int go[2], said[2];

	if (pipe2(go, O_CLOEXEC) != 0)
		return -errno;
	if (pipe2(said, O_CLOEXEC) != 0) {
		close(go[0]);
		close(go[1]);
		return -EMFILE;
	}
	pid_t pid = fork();
	if (pid == 0) {
		struct shuttle s = *like;

		s.go_fd = go[0];
		s.said_fd = said[1];
		shuttle_run(&s);
	}
	close(go[0]);
	close(said[1]);
	b->go_fd = go[1];
	b->said_fd = said[0];
	if (pid < 0)
		return -EAGAIN;
	b->pid = (uint32_t)pid;
	return 0;
}

/* Probes of our own on the file, that see the child alone. */
static int hook(struct bench *b, const struct trial *t)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", t->ssl_fd);
	int r = tasks_read(&b->tasks, b->load);
	const struct state_task *task = r < 0 ? NULL : tasks_find(&b->tasks, b->pid);
	if (task == NULL)
		return r < 0 ? r : -ESRCH;
	struct state_target target = {.start_ns = task->start_ns};
	if (bpf_map_update_elem(load_table_fd(b->load, LOAD_TARGETS), &b->pid, &target, BPF_ANY) != 0)
		return -errno;
	r = load_hook_returns(b->load, &b->hooks, path, t->sites, t->count);
	return r < 0 ? r : load_hook_entries(b->load, &b->hooks, path, t->sites, t->count, 1);
}

static const char *judge(struct bench *b)
{
	struct report report = {0};
	struct state_target target;

	struct ring_buffer *ring = ring_buffer__new(load_table_fd(b->load, LOAD_RING), see, &report, NULL);
	if (ring == NULL || bpf_map_lookup_elem(load_table_fd(b->load, LOAD_TARGETS), &b->pid, &target) != 0)
		memset(&target, 0, sizeof(target));
	if (ring)
		(void)ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return compare(&report, &target.counts);
}

enum trial_verdict trial_run(const struct trial *t, const char **why, uint8_t *word)
{
	autodrop(bench_fini) struct bench b = {.go_fd = -1, .said_fd = -1};
	struct shuttle s = {.ssl_fd = t->ssl_fd};
	struct load_trouble trouble;

	*why = "its libcrypto is not beside it";
	autodrop(drop_fd) int crypto = open_crypto(t);
	if (crypto < 0)
		return TRIAL_UNPROVEN;
	s.crypto_fd = crypto;
	*why = "only root may read it";
	if (!choose_user(t, &s))
		return TRIAL_UNPROVEN;
	*why = "no second set of probes to be had";
	if (load_open(&b.load, &(struct load_settings){.ring_bytes = RING_BYTES}, &trouble) < 0 ||
	    start_child(&b, &s) < 0 || hook(&b, t) < 0 || write(b.go_fd, "", 1) != 1)
		return TRIAL_UNPROVEN;
	*word = hear(b.said_fd);
	if (*word != SHUTTLE_DONE) {
		*why = *word < SHUTTLE_WORDS && excuses[*word] ? excuses[*word] : excuses[0];
		return TRIAL_UNPROVEN;
	}
	*why = judge(&b);
	return *why ? TRIAL_FAILED : TRIAL_PASSED;
}

/* ---- what was learnt ---- */

/* How a verdict stands in the cache: 'p', 'w', 'f', or the digit of a word that the child would say again; 0: not at all. */
static char letter_of(enum trial_verdict verdict, uint8_t word)
{
	if (verdict == TRIAL_PASSED || verdict == TRIAL_FAILED)
		return verdict == TRIAL_PASSED ? 'p' : 'f';
	return word >= SHUTTLE_NO_CRYPTO && word < SHUTTLE_WORDS ? (char)('0' + word) : 0;
}

const char *trial_word(enum trial_verdict verdict)
{
	switch (verdict) {
	case TRIAL_PASSED:
		return "passed";
	case TRIAL_WITNESSED:
		return "witnessed";
	case TRIAL_FAILED:
		return "failed";
	case TRIAL_UNPROVEN:
		return "unproven";
	case TRIAL_NONE:
		break;
	}
	return NULL;
}

enum trial_verdict trial_get(const struct trial *t, const char **why)
{
	bool chosen = false;

	*why = NULL;
	for (size_t i = 0; i < t->count; i++)
		chosen |= !t->sites[i].symbol;
	if (!chosen)
		return TRIAL_NONE;
	struct hash128 key = cache_key(t->build_id, t->sites, t->count);
	char known = cache_find(key);
	uint8_t word = 0;
	if (known == 'p')
		return TRIAL_PASSED;
	if (known == 'w')
		return TRIAL_WITNESSED;
	if (known == 'f') {
		*why = "an earlier trial of it failed";
		return TRIAL_FAILED;
	}
	if (known >= '0' + SHUTTLE_NO_CRYPTO && known < '0' + SHUTTLE_WORDS) {
		*why = excuses[known - '0'];
		return TRIAL_UNPROVEN;
	}
	enum trial_verdict verdict = trial_run(t, why, &word);
	char letter = letter_of(verdict, word);
	if (letter)
		cache_add(key, letter);
	return verdict;
}

void trial_keep_witness(const uint8_t *build_id, const struct site *sites, size_t count)
{
	cache_add(cache_key(build_id, sites, count), 'w');
}
