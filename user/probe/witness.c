/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/witness.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* What the maps of a process showed. */
struct witness_note {
	bool has_probes;
	char suspect[64]; /* a library that brings TLS without symbols; empty: none */
};

uint64_t witness_unseen(const struct state_wire *wire, const struct wire_counts *counts, bool has_probes)
{
	uint64_t moved = wire->sent + wire->received;
	uint64_t known = counts->bytes_seen + counts->bytes_seen / RATIO + wire->talks * HANDSHAKE_BYTES +
			 (counts->returned + counts->abandoned) * RECORD_BYTES;
	/* Each SSL object has a connection of its own: when there are no more connections than that, what is left over are
	 * bytes that were never decrypted (a stream given up half-way), not another library's. */
	uint64_t strange = wire->conns > wire->talks ? wire->conns - wire->talks : 0;

	if (moved <= known)
		return 0;
	/* A handshake that fails may show none of our functions. */
	if (strange > 0 && moved - known >= strange * (has_probes ? HANDSHAKE_BYTES : CONN_BYTES_MIN))
		return moved - known;
	if (counts->entered == 0 && wire->conns > 0 && moved - known >= wire->conns * SILENT_BYTES_MIN)
		return moved - known;
	return 0;
}

void witness_begin(struct probe *p)
{
	int r = load_walk_socks(p->load, true);

	if (r < 0)
		err_note(ERR_VERBOSE, "note: connections that are open already are not witnessed: %s",
			 strerror(-r));
}

void witness_look(struct probe *p)
{
	int r = load_walk_socks(p->load, false);

	if (r < 0)
		err_note(ERR_VERBOSE, "note: connections that are open are not witnessed: %s", strerror(-r));
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
void witness_note(struct probe *p, const struct process *x, struct str path, bool has_probes)
{
	if (!has_probes && !glance_is_suspect(path))
		return;
	struct witness_note *n = note_of(p, x);
	if (n == NULL)
		return;
	n->has_probes |= has_probes;
	if (has_probes || n->suspect[0])
		return;
	for (size_t i = path.n; i > 0; i--)
		if (path.p[i - 1] == '/') {
			path = str_skip(path, i);
			break;
		}
	path = str_head(path, sizeof(n->suspect) - 1);
	memcpy(n->suspect, path.p, path.n);
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
	char text[INET6_ADDRSTRLEN];

	if (wire->most == 0 || !inet_ntop(wire->family, wire->peer, text, sizeof(text)))
		return;
	buf_addf(out, wire->family == AF_INET6 ? " to [%s]:%u" : " to %s:%u", text, wire->pport);
	if (wire->conns > 1)
		buf_addf(out, " and in %llu other connections", (unsigned long long)(wire->conns - 1));
}

static void tell(struct probe *p, uint32_t pid, uint64_t start_ns, const struct state_wire *wire,
		 const struct wire_counts *counts, uint64_t unseen)
{
	struct state_process key = process_key(pid, start_ns);
	const struct witness_note *n = map_get(p->notes, &key);
	const char *suspect = n && n->suspect[0] ? n->suspect : NULL;
	autodrop(buf_fini) struct buf why;

	buf_init(&why, WIRE_PATH_MAX);
	buf_add(&why, STR("sent "));
	add_size(&why, wire->sent);
	buf_add(&why, STR(" and received "));
	add_size(&why, wire->received);
	buf_add(&why, STR(" over TCP"));
	add_peer(&why, wire);
	if (counts->entered > 0) {
		buf_add(&why, STR(", probes saw "));
		add_size(&why, counts->bytes_seen);
		buf_add(&why, STR(": the rest"));
	} else {
		buf_add(&why, STR(", no probe fired:"));
	}
	buf_add(&why, STR(" not through a probed TLS library"));
	if (suspect)
		buf_addf(&why, " (%s, which brings its own without symbols)", suspect);
	else
		buf_add(&why, STR(" (plain, or TLS of its own)"));
	emit_blind(p->settings.emit, p->settings.ctx, pid, start_ns, suspect ? str_of(suspect) : STR("tcp"),
		   buf_str(&why), unseen);
}

void witness_tell(struct probe *p, uint32_t pid, uint64_t start_ns, const struct wire_counts *counts)
{
	struct state_process key = process_key(pid, start_ns);
	int fd = load_table_fd(p->load, LOAD_WIRES);
	struct state_wire wire;

	if (bpf_map_lookup_elem(fd, &key, &wire) == 0) {
		(void)bpf_map_delete_elem(fd, &key);
		const struct witness_note *n = map_get(p->notes, &key);
		uint64_t unseen = witness_unseen(&wire, counts, n && n->has_probes);
		if (unseen > 0)
			tell(p, pid, start_ns, &wire, counts, unseen);
	}
	free(map_remove(p->notes, &key));
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
