/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/witness.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "probe/emit.h"
#include "probe/glance.h"

/*
 * What TLS adds to the bytes that a program sees: handshakes (certificates of both sides, tickets), 22 to 29 bytes a
 * record (a record is at most one call of the sender, or 16 KiB), alerts.
 */
#define HANDSHAKE_BYTES 16384u
#define RECORD_BYTES	64u
#define RATIO		32u /* of the plaintext: records of 1 KiB and more */
#define CONN_BYTES_MIN	1024u
/* More than any handshake: moved on a connection that a probed library knows of, but gave us nothing. */
#define SILENT_BYTES_MIN 65536u

/* What a program or its TLS library may hold back: written but not sent, received but not read. */
#define HELD_BYTES (1u << 20)

#define MS	     1000000ull
#define LOOK_NS	     (1000 * MS)
#define LOOKS_EARLY  10u /* afterwards every tenth of them */
#define LOOKS_UNSEEN 2u	 /* in succession, before it is said: a look may fall into a call */

#define NAME_BYTES 64u /* of a library, for people */

/* What the maps of a process showed. */
struct witness_note {
	bool has_probes;
	bool late;	     /* it had connections when probes on a library of its became live: */
	uint64_t late_bytes; /* moved by then */
	uint64_t late_begun; /* state_wire.begun before */
	uint64_t late_ns;    /* how long the library may have been there; 0: as long as the program */
	char late_lib[NAME_BYTES];
	unsigned unseen;	  /* looks in succession that found bytes past every probe */
	const char *tls;	  /* what `suspect` has inside */
	char suspect[NAME_BYTES]; /* a library that brings TLS without symbols; empty: none */
};

/* What TLS probes saw: the sums leave out connections without it. */
static uint64_t seen_bytes(const struct state_wire *wire, const struct wire_counts *counts)
{
	return counts->bytes_seen > wire->plain ? counts->bytes_seen - wire->plain : 0;
}

static uint64_t seen_calls(const struct state_wire *wire, const struct wire_counts *counts)
{
	uint64_t calls = counts->returned + counts->abandoned;

	return calls > wire->plain_calls ? calls - wire->plain_calls : 0;
}

uint64_t witness_unseen(const struct state_wire *wire, const struct wire_counts *counts, bool has_probes)
{
	uint64_t moved = wire->sent + wire->received, seen = seen_bytes(wire, counts);
	uint64_t known =
		seen + seen / RATIO + wire->talks * HANDSHAKE_BYTES + seen_calls(wire, counts) * RECORD_BYTES;
	/* Each SSL object has a connection of its own: when there are no more connections than that, what is left over are
	 * bytes that were never decrypted (a stream given up half-way), not another library's. */
	uint64_t strange = wire->conns > wire->talks ? wire->conns - wire->talks : 0;

	if (moved <= known)
		return 0;
	/* A handshake that fails may show none of our functions. */
	if (strange > 0 && moved - known >= strange * (has_probes ? HANDSHAKE_BYTES : CONN_BYTES_MIN))
		return moved - known;
	if (counts->entered <= wire->plain_calls && wire->conns > 0 &&
	    moved - known >= wire->conns * SILENT_BYTES_MIN)
		return moved - known;
	return 0;
}

int witness_agrees(const struct state_wire *wire, const struct wire_counts *counts)
{
	uint64_t moved = wire->sent + wire->received, seen = seen_bytes(wire, counts);
	uint64_t handshakes = wire->talks * HANDSHAKE_BYTES;
	uint64_t overhead = seen / RATIO + handshakes + seen_calls(wire, counts) * RECORD_BYTES;

	/* Accepted connections are no part of the sums. */
	if (wire->talks == 0 || wire->conns < wire->talks)
		return 0;
	if (seen > moved + HELD_BYTES)
		return -1;
	if (moved > seen + overhead + HELD_BYTES)
		return wire->conns == wire->talks ? -1 : 0; /* else it may be plain */
	/* Less than the handshakes says nothing. */
	return seen >= handshakes && moved >= seen && moved <= seen + overhead;
}

bool witness_may_judge(bool blunted, const struct wire_counts *counts)
{
	return !blunted || counts->lost[WIRE_CAUSE_FILTERED] == 0;
}

void witness_begin(struct probe *p)
{
	int r = load_walk_socks(p->load, true);

	if (r < 0)
		err_note(ERR_VERBOSE, "note: connections that are open already are not witnessed: %s",
			 strerror(-r));
}

bool witness_look(struct probe *p)
{
	int r = load_walk_socks(p->load, false);

	if (r < 0)
		err_note(ERR_VERBOSE, "note: connections that are open are not witnessed: %s", strerror(-r));
	return r == 0;
}

static void copy_name(char out[NAME_BYTES], struct str path)
{
	path = str_head(str_base_name(path), NAME_BYTES - 1);
	memcpy(out, path.p, path.n);
	out[path.n] = '\0';
}

static struct witness_note *note_of(struct probe *p, const struct process *x)
{
	struct state_process key = process_key(x->pid, x->start_ns);
	struct witness_note *n = map_get(p->notes, &key);

	if (n != NULL)
		return n;
	n = calloc(1, sizeof(*n));
	if (n != NULL && map_add(p->notes, &key, n) < 0) {
		free(n);
		n = NULL;
	}
	return n;
}

/* Without memory only a name is missing. */
void witness_note(struct probe *p, const struct process *x, struct str path, bool has_probes, bool unclean)
{
	const char *tls = has_probes ? NULL : unclean ? "changed code" : glance_find_suspect(path);

	if (!has_probes && !tls)
		return;
	struct witness_note *n = note_of(p, x);
	if (n == NULL)
		return;
	n->has_probes |= has_probes;
	if (has_probes || n->suspect[0])
		return;
	copy_name(n->suspect, path);
	n->tls = tls;
}

static void add_size(struct buf *out, uint64_t bytes)
{
	if (bytes < 1000)
		buf_addf(out, "%llu B", (unsigned long long)bytes);
	else if (bytes < 1000000)
		buf_addf(out, "%llu kB", (unsigned long long)((bytes + 500) / 1000));
	else
		buf_addf(out, "%.1f MB", (double)bytes / 1e6);
}

static void add_peer(struct buf *out, const struct state_wire *wire)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:127.0.0.1 */
	bool is_v4 = wire->family == AF_INET6 && memcmp(wire->peer, mapped, sizeof(mapped)) == 0;
	int family = is_v4 ? AF_INET : wire->family;
	char text[INET6_ADDRSTRLEN];

	if (wire->most == 0 ||
	    !inet_ntop(family, wire->peer + (is_v4 ? sizeof(mapped) : 0), text, sizeof(text)))
		return;
	buf_addf(out, family == AF_INET6 ? " to [%s]:%u" : " to %s:%u", text, wire->pport);
	if (wire->conns > 1)
		buf_addf(out, " and in %llu other connections", (unsigned long long)(wire->conns - 1));
}

void witness_add_sum(struct buf *out, const struct state_wire *wire)
{
	buf_add(out, STR("sent "));
	add_size(out, wire->sent);
	buf_add(out, STR(" and received "));
	add_size(out, wire->received);
	buf_add(out, STR(" over TCP"));
	add_peer(out, wire);
}

/* Nobody reads the bytes, so whether they are TLS is not known: a library that could have made it so is named. */
static void add_why(struct buf *out, const struct witness_note *n, const struct state_wire *wire,
		    const struct wire_counts *counts)
{
	witness_add_sum(out, wire);
	if (counts->entered > 0) {
		buf_add(out, STR(", probes saw "));
		add_size(out, counts->bytes_seen);
		buf_add(out, STR("; the rest:"));
	} else {
		buf_add(out, STR(", no probe fired:"));
	}
	if (n && n->suspect[0])
		buf_addf(out, " %s inside %s, or plain", n->tls, n->suspect);
	else
		buf_add(out, STR(" not through a probed TLS library (plain, or TLS of its own)"));
}

static void tell_late(struct probe *p, uint32_t pid, uint64_t start_ns, const struct witness_note *n,
		      uint64_t bytes)
{
	autodrop(buf_fini) struct buf why;

	buf_init(&why, WIRE_PATH_MAX);
	buf_add(&why, STR("up to "));
	add_size(&why, bytes);
	buf_add(&why, STR(" moved before the probes on it were live"));
	if (n->late_ns > 0)
		buf_addf(&why, ", in at most %llu ms", (unsigned long long)(n->late_ns / MS + 1));
	emit_blind(p->settings.emit, p->settings.ctx, pid, start_ns, str_of(n->late_lib), buf_str(&why),
		   bytes);
}

static void tell(struct probe *p, uint32_t pid, uint64_t start_ns, const struct state_wire *wire,
		 const struct wire_counts *counts, uint64_t unseen)
{
	struct state_process key = process_key(pid, start_ns);
	const struct witness_note *n = map_get(p->notes, &key);
	autodrop(buf_fini) struct buf why;

	buf_init(&why, WIRE_PATH_MAX);
	add_why(&why, n, wire, counts);
	emit_blind(p->settings.emit, p->settings.ctx, pid, start_ns,
		   n && n->suspect[0] ? str_of(n->suspect) : STR("tcp"), buf_str(&why), unseen);
}

/* What is wrong cannot be whole. */
static void tell_refuted(struct probe *p, uint32_t pid, uint64_t start_ns, const struct library *lib,
			 const struct state_wire *wire, const struct wire_counts *counts)
{
	uint64_t moved = wire->sent + wire->received, seen = counts->bytes_seen;
	autodrop(buf_fini) struct buf why;
	char name[NAME_BYTES];

	copy_name(name, str_of(lib->path));
	buf_init(&why, WIRE_PATH_MAX);
	buf_add(&why, STR("probes saw "));
	add_size(&why, seen);
	buf_add(&why, STR(" where sockets moved "));
	add_size(&why, moved);
	buf_add(&why, STR(": they were moved to its symbols"));
	err_note(ERR_NORMAL, "blind: %u %s: %s", pid, name, buf_z(&why));
	emit_blind(p->settings.emit, p->settings.ctx, pid, start_ns, str_of(name), buf_str(&why),
		   moved > seen ? moved - seen : 0);
}

/* A library whose sites could not be tried: real bytes tell. */
static void settle(struct probe *p, uint32_t pid, uint64_t start_ns, const struct state_wire *wire,
		   const struct wire_counts *counts)
{
	const struct library *lib = library_find_unproven(p->libs, wire->libs);
	int agrees = lib && witness_may_judge(p->blunted, counts) ? witness_agrees(wire, counts) : 0;

	if (agrees == 0)
		return;
	library_settle(p->libs, lib, agrees > 0);
	if (agrees < 0)
		tell_refuted(p, pid, start_ns, lib, wire, counts);
}

void witness_tell(struct probe *p, uint32_t pid, uint64_t start_ns, const struct wire_counts *counts)
{
	struct state_process key = process_key(pid, start_ns);
	int fd = load_table_fd(p->load, LOAD_WIRES);
	struct state_wire wire;

	if (bpf_map_lookup_elem(fd, &key, &wire) == 0) {
		(void)bpf_map_delete_elem(fd, &key);
		settle(p, pid, start_ns, &wire, counts);
		const struct witness_note *n = map_get(p->notes, &key);
		uint64_t unseen = witness_may_judge(p->blunted, counts)
					  ? witness_unseen(&wire, counts, n && n->has_probes && !n->late)
					  : 0;
		if (unseen > 0 && n && n->late && wire.conns > wire.talks && !n->suspect[0])
			tell_late(p, pid, start_ns, n, unseen);
		else if (unseen > 0)
			tell(p, pid, start_ns, &wire, counts, unseen);
		else if (n && n->late && wire.begun > n->late_begun)
			tell_late(p, pid, start_ns, n, n->late_bytes);
	}
	free(map_remove(p->notes, &key));
}

void witness_mark(const struct probe *p, const struct process *x, struct witness_mark *mark)
{
	struct state_process key = process_key(x->pid, x->start_ns);
	struct state_wire wire;

	*mark = (struct witness_mark){0};
	if (bpf_map_lookup_elem(load_table_fd(p->load, LOAD_WIRES), &key, &wire) != 0)
		return;
	mark->talks = wire.talks;
	mark->begun = wire.begun;
}

void witness_note_late(struct probe *p, const struct process *x, const struct library *lib,
		       const struct witness_mark *mark)
{
	struct state_process key = process_key(x->pid, x->start_ns);
	bool is_fresh = witness_look(p);
	struct state_wire wire;

	/* Those that the new probes have met since are no less in doubt. Before the server's first word there is no data. */
	if (bpf_map_lookup_elem(load_table_fd(p->load, LOAD_WIRES), &key, &wire) != 0 ||
	    wire.conns <= mark->talks || (is_fresh && wire.received == 0))
		return;
	struct witness_note *n = note_of(p, x);
	if (n == NULL || n->late)
		return;
	n->late = true;
	n->late_bytes = wire.sent + wire.received;
	n->late_begun = mark->begun;
	n->late_ns = x->scanned_ns ? clock_now_ns() - x->scanned_ns : 0;
	copy_name(n->late_lib, str_of(lib->path));
}

/* ---- while they run ---- */

static void look_at(struct probe *p, const struct process *x)
{
	struct state_process key = process_key(x->pid, x->start_ns);
	struct state_target target;
	struct state_wire wire;

	/* In this order: what moves in between is seen, not unseen. */
	if (bpf_map_lookup_elem(load_table_fd(p->load, LOAD_WIRES), &key, &wire) != 0 ||
	    bpf_map_lookup_elem(load_table_fd(p->load, LOAD_TARGETS), &x->pid, &target) != 0)
		return;
	const struct wire_counts *counts = &target.counts;
	settle(p, x->pid, x->start_ns, &wire, counts);
	struct witness_note *n = note_of(p, x);
	/* The result of a call that has not returned is not in the sums. */
	if (n == NULL || n->unseen > LOOKS_UNSEEN || counts->entered > counts->returned + counts->abandoned)
		return;
	bool is_unseen =
		witness_may_judge(p->blunted, counts) && witness_unseen(&wire, counts, n->has_probes) > 0;
	n->unseen = is_unseen ? n->unseen + 1 : 0;
	if (n->unseen != LOOKS_UNSEEN)
		return;
	n->unseen = LOOKS_UNSEEN + 1; /* once */
	autodrop(buf_fini) struct buf why;
	buf_init(&why, WIRE_PATH_MAX);
	add_why(&why, n, &wire, counts);
	err_note(p->commanded ? ERR_VERBOSE : ERR_NORMAL, "blind: %u %s", x->pid, buf_z(&why));
}

void witness_watch(struct probe *p, uint64_t now_ns)
{
	size_t pos = 0;
	void *value;

	if (now_ns < p->next_look_ns)
		return;
	p->looks++;
	p->next_look_ns = now_ns + (p->looks < LOOKS_EARLY ? 1 : 10) * LOOK_NS;
	witness_look(p);
	while (map_next(p->processes, &pos, NULL, &value))
		look_at(p, value);
}

void witness_describe(const struct probe *p, struct buf *out)
{
	const char *told[4];
	unsigned count = 0;
	size_t pos = 0;
	void *value;

	while (count < 4 && map_next(p->notes, &pos, NULL, &value)) {
		const struct witness_note *n = value;
		bool again = n->suspect[0] == '\0';

		for (unsigned i = 0; i < count && !again; i++)
			again = strcmp(told[i], n->suspect) == 0;
		if (again)
			continue;
		buf_addf(out, "%s %s inside %s", count ? "," : "; out of reach:", n->tls, n->suspect);
		told[count++] = n->suspect;
	}
}

void witness_fini(struct probe *p)
{
	size_t pos = 0;
	void *value;

	while (p->notes && map_next(p->notes, &pos, NULL, &value))
		free(value);
	map_free(p->notes);
	p->notes = NULL;
}
