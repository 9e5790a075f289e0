/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines without HTTP. Parts: w, r bytes written and read; W, R the same a byte at a time; G, g a gap of N bytes in what
 * was written, read; u it is a Unix socket (first); k N: with the N-th line it is known what they are; e N: with the N-th
 * line it is enough; p N: the other pipe turned up; c, x, s the end (freed, exit, session). Every line is what was said
 * at its place, in order; fed in other pieces, the same lines are told.
 */
#include "base/limits.h"
#include "flow/flow.h"
#include "fuzz.h"
#include "http/http.h"

#define GAP_MAX 100000u

struct ear {
	struct http *http;
	struct flow_conn conn;
	struct buf said[WIRE_DIRS]; /* since the last gap, which is where `from` is */
	uint64_t from[WIRE_DIRS], offset[WIRE_DIRS], told[WIRE_DIRS];
	uint64_t hash, lines, known, enough, words;
	bool over, closed, slow;
	void *user;
};

static void begin(void *ctx, struct http_exchange *x)
{
	(void)ctx;
	(void)x;
}

static void body(void *ctx, struct http_exchange *x, uint64_t ts_ns)
{
	(void)ctx;
	(void)x;
	(void)ts_ns;
}

static void stray(void *ctx, struct flow_conn *conn, enum wire_dir dir, uint64_t bytes,
		  const struct http_gap *gap)
{
	(void)ctx;
	(void)conn;
	(void)dir;
	(void)bytes;
	(void)gap;
}

static enum http_heard line(void *ctx, struct flow_conn *conn, void **user, const struct http_line *l)
{
	struct ear *e = ctx;
	struct str all = buf_str(&e->said[l->dir]);

	assert(conn == &e->conn && !e->over && *user == e->user);
	*user = e->user = e;
	e->lines++;
	assert(l->text.n <= LIMIT_LINE_BYTES && l->offset >= e->told[l->dir]);
	e->told[l->dir] = l->offset + l->text.n;
	assert(str_find_char(l->text, '\n') < 0 && (l->cut || l->text.n > 0));
	if (!l->cut && l->offset >= e->from[l->dir]) {
		struct str there = str_skip(all, l->offset - e->from[l->dir]);

		assert(there.n >= l->text.n && memcmp(there.p, l->text.p, l->text.n) == 0);
	}
	e->hash = (e->hash * 31 + l->offset) * 31 + l->text.n * 2 + l->cut;
	for (size_t i = 0; i < l->text.n && i < 4096; i++)
		e->hash = e->hash * 1099511628211u + (unsigned char)l->text.p[i];
	e->over = e->enough && e->lines >= e->enough;
	if (e->over)
		return HTTP_HEARD_ENOUGH;
	return e->known && e->lines >= e->known ? HTTP_HEARD_KNOWN : HTTP_HEARD_SO_FAR;
}

static void lines_end(void *ctx, struct flow_conn *conn, void *user, enum http_end end, uint64_t ts_ns)
{
	struct ear *e = ctx;

	(void)end;
	(void)ts_ns;
	assert(conn == &e->conn && !e->closed && user == e->user);
	e->closed = true;
}

static void judge(void *ctx, const struct flow_conn *conn, const struct http_verdict *v)
{
	struct ear *e = ctx;

	assert(conn == &e->conn && (v->word == HTTP_WORD_WHOLE || v->word == HTTP_WORD_ALL));
	e->words++;
}

static void feed(struct ear *e, enum wire_dir dir, struct str data)
{
	struct flow_chunk chunk = {.conn = &e->conn, .dir = dir, .offset = e->offset[dir], .ts_ns = 5};

	if (data.n == 0)
		return;
	buf_add(&e->said[dir], data);
	/* Alone on the heap: nothing may be kept of it. */
	chunk.data = str_make(fuzz_copy(data), data.n);
	e->offset[dir] += data.n;
	http_feed(e->http, &chunk);
	free((char *)chunk.data.p);
}

static void feed_pieces(struct ear *e, enum wire_dir dir, struct str data, bool slow)
{
	for (; slow && data.n > 0; data = str_skip(data, 1))
		feed(e, dir, str_head(data, 1));
	feed(e, dir, data);
}

static void gap(struct ear *e, enum wire_dir dir, struct str text)
{
	struct flow_gap g = {
		&e->conn, dir, e->offset[dir], fuzz_number(&text) % GAP_MAX, WIRE_CAUSE_RING_FULL, 7};

	e->offset[dir] += g.bytes;
	e->from[dir] = e->offset[dir];
	buf_clear(&e->said[dir]);
	http_gap(e->http, &g);
}

static bool step(struct ear *e, char letter, struct str text)
{
	static const char ends[] = "cxs";
	enum wire_dir dir = letter >= 'a' ? WIRE_READ : WIRE_WRITE;

	switch (letter) {
	case 'w':
	case 'W':
		feed_pieces(e, WIRE_WRITE, text, letter == 'W' || e->slow);
		return true;
	case 'r':
	case 'R':
		feed_pieces(e, WIRE_READ, text, letter == 'R' || e->slow);
		return true;
	case 'g':
	case 'G':
		gap(e, dir, text);
		return true;
	case 'k':
		e->known = fuzz_number(&text);
		return true;
	case 'e':
		e->enough = fuzz_number(&text);
		return true;
	case 'p':
		e->conn.mate_ssl = fuzz_number(&text);
		return true;
	case 'c':
	case 'x':
	case 's':
		http_close(e->http, &e->conn, (enum flow_end)(strchr(ends, letter) - ends), 9);
		return false;
	}
	return true;
}

static uint64_t listen_to(struct str rest, bool slow, bool listens)
{
	struct http_ops ops = {.begin = begin,
			       .request_head = begin,
			       .request_done = begin,
			       .response_head = begin,
			       .response_body = body,
			       .done = begin,
			       .line = listens ? line : NULL,
			       .lines_end = listens ? lines_end : NULL,
			       .stray = stray};
	struct ear e = {.slow = slow, .conn = {.transport = WIRE_PIPE}};
	struct str text;
	bool on = true;
	char letter;

	if (rest.n > 1 && rest.p[0] == FUZZ_PART && rest.p[1] == 'u')
		e.conn.transport = WIRE_UNIX;
	for (int d = 0; d < WIRE_DIRS; d++)
		buf_init(&e.said[d], 1u << 20);
	e.http = http_new(&ops, &e);
	http_judge(e.http, judge, &e);
	while (on && fuzz_part(&rest, &letter, &text))
		on = step(&e, letter, text);
	if (on)
		http_close(e.http, &e.conn, FLOW_END_FREED, 9);
	assert(e.lines == 0 || e.closed);
	http_free(e.http);
	for (int d = 0; d < WIRE_DIRS; d++)
		buf_fini(&e.said[d]);
	/* Of a Unix socket the first piece decides. */
	return e.conn.transport == WIRE_UNIX ? 0 : e.hash + e.lines + e.words;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = str_make(data, size);

	assert(listen_to(input, false, true) == listen_to(input, true, true));
	(void)listen_to(input, false, false);
	return 0;
}
