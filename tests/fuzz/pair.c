/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets and pipes of a few processes: which two are one conversation, and where bytes go that several threads move.
 * Parts are records, numbers with commas between:
 *
 *   s pid,in,out,in's peer,out's peer   standard input and output (numbers of pipes or sockets)
 *   p pid,conn,transport,ino,peer,dir,path  a connection's first sight
 *   d pid,conn,dir,tid,ts,offset,call_off,len,call_len,skipped,cause   bytes
 *   l the same                          of which the drain lost
 *   c pid,conn,read,written,calls       closed        F the same       final
 *   e pid                               exit          E final          the session's end
 *
 * Every connection's account balances, whatever is said, and what the kernel summed up is reached.
 */
#include "drain/drain.h"
#include "flow/flow.h"
#include "fuzz.h"
#include "drain/record.h"

static void on_data(void *ctx, const struct flow_chunk *chunk)
{
	uint64_t *heard = ctx;

	assert(chunk->data.n > 0);
	*heard += chunk->data.n;
}

static void on_gap(void *ctx, const struct flow_gap *gap)
{
	(void)ctx;
	assert(gap->cause != WIRE_CAUSE_NONE || gap->bytes > 0);
}

static void on_close(void *ctx, struct flow_conn *conn, enum flow_end why, uint64_t ts_ns)
{
	(void)ctx;
	(void)why;
	(void)ts_ns;
	assert(conn->id > 0);
}

static void feed(struct flow *f, void *rec, uint64_t pid)
{
	struct wire_head *h = rec;

	h->pid = 100 + (uint32_t)(pid % 8);
	if (drain_valid(h, h->size))
		flow_feed(f, h);
	free(h);
}

static uint64_t ssl_of(uint64_t conn)
{
	return 0xffff888000000000u + conn % 16 * 256;
}

static void stdio(struct flow *f, struct str text)
{
	struct wire_proc_stdio *r = RECORD(wire_proc_stdio, WIRE_PROC_STDIO);
	uint64_t pid = fuzz_number(&text);

	for (int i = 0; i < 2; i++)
		r->ino[i] = fuzz_number(&text);
	for (int i = 0; i < 2; i++)
		r->peer_ino[i] = fuzz_number(&text);
	feed(f, r, pid);
}

static void plain(struct flow *f, struct str text)
{
	struct wire_plain_conn *r = RECORD(wire_plain_conn, WIRE_PLAIN_CONN);
	uint64_t pid = fuzz_number(&text);

	r->conn = (struct wire_conn_key){.ssl = ssl_of(fuzz_number(&text)), .generation = 7};
	r->transport = (uint16_t)fuzz_number(&text);
	r->ino = fuzz_number(&text);
	r->peer_ino = fuzz_number(&text);
	r->head.flags = (uint16_t)fuzz_number(&text);
	r->path_len = (uint32_t)(text.n < sizeof(r->path) ? text.n : sizeof(r->path));
	if (r->path_len > 0)
		memcpy(r->path, text.p, r->path_len);
	r->family = r->transport == WIRE_TCP ? 2 : 0;
	feed(f, r, pid);
}

static void data(struct flow *f, struct str text, bool lost)
{
	static const char bytes[WIRE_PIECE_MAX];
	uint64_t pid = fuzz_number(&text), conn = fuzz_number(&text), dir = fuzz_number(&text) % WIRE_DIRS;
	uint64_t tid = fuzz_number(&text), ts = fuzz_number(&text), offset = fuzz_number(&text);
	uint64_t call_off = fuzz_number(&text), len = fuzz_number(&text) % (WIRE_PIECE_MAX + 1);
	uint64_t call_len = fuzz_number(&text);
	struct wire_tls_data *d = record_data(ssl_of(conn), (enum wire_dir)dir, offset, bytes, (uint32_t)len,
					      call_off, call_len ? call_len : len);

	d->fn = dir == WIRE_READ ? WIRE_FN_PLAIN_READ : WIRE_FN_PLAIN_WRITE;
	d->head.tid = (uint32_t)tid;
	d->head.ts_ns = ts;
	d->skipped = fuzz_number(&text);
	d->hole_cause = (uint8_t)fuzz_number(&text);
	if (!lost) {
		feed(f, d, pid);
		return;
	}
	feed(f, record_loss(d), pid);
	free(d);
}

static void closed(struct flow *f, struct str text, uint16_t kind)
{
	struct wire_tls_close *r = RECORD(wire_tls_close, WIRE_TLS_CLOSE);
	uint64_t pid = fuzz_number(&text);

	r->head.kind = kind;
	r->conn = (struct wire_conn_key){.ssl = ssl_of(fuzz_number(&text)), .generation = 7};
	for (int d = 0; d < WIRE_DIRS; d++)
		r->side[d].bytes = fuzz_number(&text);
	r->side[WIRE_WRITE].calls = fuzz_number(&text);
	feed(f, r, pid);
}

static void step(struct flow *f, char letter, struct str text)
{
	struct wire_end *end;

	switch (letter) {
	case 's':
		stdio(f, text);
		break;
	case 'p':
		plain(f, text);
		break;
	case 'd':
	case 'l':
		data(f, text, letter == 'l');
		break;
	case 'c':
	case 'F':
		closed(f, text, letter == 'c' ? WIRE_TLS_CLOSE : WIRE_CONN_FINAL);
		break;
	case 'e':
		feed(f, RECORD(wire_proc_exit, WIRE_PROC_EXIT), fuzz_number(&text));
		break;
	case 'E':
		end = RECORD(wire_end, WIRE_END);
		end->has_final = fuzz_number(&text) != 0;
		feed(f, end, 0);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static const struct flow_ops ops = {.data = on_data, .gap = on_gap, .close = on_close};
	uint64_t heard = 0, kept = 0;
	struct flow_settings s = {.ops = &ops, .ctx = &heard};
	struct flow *f = flow_new(&s);
	struct str rest = str_make(input, size), text;
	char letter;

	if (f == NULL)
		abort();
	while (fuzz_part(&rest, &letter, &text))
		step(f, letter, text);
	step(f, 'E', STR("1"));
	for (const struct flow_conn *c = flow_next(f, NULL); c; c = flow_next(f, c))
		for (int d = 0; d < WIRE_DIRS; d++) {
			const struct flow_side *side = &c->side[d];

			assert(side->kept + side->missing + side->skipped == side->bytes);
			assert(side->calls_kept + side->calls_queue_full <= side->calls);
			kept += side->kept;
		}
	assert(kept == heard);
	flow_free(f);
	return 0;
}
