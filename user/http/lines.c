/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/lines.h"

#include <stdlib.h>

struct lane {
	struct buf text;     /* of the line that has not ended */
	struct http_line at; /* facts of its first byte */
	bool begun;
};

struct http_lines {
	struct http_conn *conn;
	struct lane lane[WIRE_DIRS];
	void *user; /* the consumer's */
	enum http_heard heard;
	uint64_t
		mate; /* of what the last verdict was said as well; a second pipe may be known later than the first */
};

bool http_lines_is_begin(const struct http_conn *c, struct str data)
{
	if (c->flow->transport == WIRE_PIPE)
		return true;
	if (c->flow->transport != WIRE_UNIX || c->role_known || c->index > 0)
		return false;
	for (int d = 0; d < WIRE_DIRS; d++)
		if (c->side[d].stage != HTTP_AT_START || c->side[d].held.n > 0)
			return false;
	return data.p[0] == '{' || data.p[0] == '[';
}

struct http_lines *http_lines_new(struct http_conn *c)
{
	struct http_lines *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->conn = c;
	l->heard = c->http->ops.line ? HTTP_HEARD_SO_FAR : HTTP_HEARD_ENOUGH;
	for (int d = 0; d < WIRE_DIRS; d++)
		buf_init(&l->lane[d].text, LIMIT_LINE_BYTES);
	return l;
}

void http_lines_free(struct http_lines *l)
{
	if (l == NULL)
		return;
	for (int d = 0; d < WIRE_DIRS; d++)
		buf_fini(&l->lane[d].text);
	free(l);
}

static void judge(struct http_lines *l)
{
	l->mate = l->conn->flow->mate_ssl;
	if (l->heard == HTTP_HEARD_KNOWN)
		http_verdict_whole(l->conn);
	else if (l->heard == HTTP_HEARD_ENOUGH)
		http_verdict_all(l->conn);
}

static void hear(struct http_lines *l, enum http_heard heard)
{
	if (heard == l->heard)
		return;
	l->heard = heard;
	for (int d = 0; heard == HTTP_HEARD_ENOUGH && d < WIRE_DIRS; d++)
		buf_fini(&l->lane[d].text);
	judge(l);
}

static void tell(struct http_lines *l, struct lane *lane, struct str text, uint64_t ts_ns)
{
	struct http *h = l->conn->http;

	lane->begun = false;
	lane->at.text = text;
	lane->at.ts_ns = ts_ns;
	if (text.n > 0 && text.p[text.n - 1] == '\r')
		lane->at.text = str_head(text, text.n - 1);
	if (lane->at.text.n == 0 && !lane->at.cut)
		return;
	hear(l, h->ops.line(h->ctx, l->conn->flow, &l->user, &lane->at));
}

/* One line, or the beginning of one; `ends`: its end came. */
static void feed_part(struct http_lines *l, enum wire_dir dir, const struct http_piece *p, struct str part,
		      bool ends)
{
	struct lane *lane = &l->lane[dir];

	if (!lane->begun) {
		lane->begun = true;
		lane->at = (struct http_line){.dir = dir,
					      .start_ns = p->start_ns,
					      .offset = p->offset + (uint64_t)(part.p - p->data.p),
					      .write = p->write,
					      .tid = p->tid};
		if (ends && part.n <= LIMIT_LINE_BYTES) { /* whole in one piece: no copy */
			tell(l, lane, part, p->ts_ns);
			return;
		}
	}
	if (lane->text.n + part.n > LIMIT_LINE_BYTES) {
		part = str_head(part, LIMIT_LINE_BYTES - lane->text.n);
		lane->at.cut = true;
	}
	buf_add(&lane->text, part);
	if (buf_err(&lane->text) < 0)
		lane->at.cut = true;
	if (!ends)
		return;
	tell(l, lane, buf_str(&lane->text), p->ts_ns);
	buf_clear(&lane->text);
}

void http_lines_feed(struct http_lines *l, enum wire_dir dir, const struct http_piece *p)
{
	struct str data = p->data;

	if ((l->heard == HTTP_HEARD_ENOUGH && !l->conn->judged) || l->mate != l->conn->flow->mate_ssl)
		judge(l);
	while (data.n > 0 && l->heard != HTTP_HEARD_ENOUGH) {
		ptrdiff_t lf = str_find_char(data, '\n');
		size_t n = lf < 0 ? data.n : (size_t)lf;

		feed_part(l, dir, p, str_head(data, n), lf >= 0);
		data = str_skip(data, lf < 0 ? n : n + 1);
	}
	if (data.n > 0)
		http_stray(&l->conn->side[dir], data.n);
}

void http_lines_gap(struct http_lines *l, const struct flow_gap *gap)
{
	struct lane *lane = &l->lane[gap->dir];

	http_stray_gap(&l->conn->side[gap->dir], gap);
	if (l->heard == HTTP_HEARD_ENOUGH)
		return;
	if (!lane->begun)
		lane->at = (struct http_line){
			.dir = gap->dir, .start_ns = gap->ts_ns, .offset = gap->offset + gap->bytes};
	lane->begun = true;
	lane->at.cut = true;
}

void http_lines_end(struct http_lines *l, enum http_end end, uint64_t ts_ns)
{
	struct http *h = l->conn->http;

	for (int d = 0; d < WIRE_DIRS && l->heard != HTTP_HEARD_ENOUGH; d++) {
		if (!l->lane[d].begun)
			continue;
		l->lane[d].at.cut = true;
		tell(l, &l->lane[d], buf_str(&l->lane[d].text), ts_ns);
	}
	if (h->ops.lines_end && h->ops.line)
		h->ops.lines_end(h->ctx, l->conn->flow, l->user, end, ts_ns);
}
