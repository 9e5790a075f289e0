/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gRPC's messages in a body (grpc/doc/PROTOCOL-HTTP2.md): u8 flags, u32 length big-endian, bytes. Flag 1: compressed; in
 * gRPC-Web 0x80: the trailers, as lines of an HTTP/1 head. An event's type is "compressed", "trailers", "omitted" (beyond
 * the limit: its data is left out), or none.
 */
#include <errno.h>

#include "base/buf.h"
#include "base/limits.h"
#include "http/frames.h"

#define PREFIX_BYTES 5u
#define COMPRESSED   1u
#define TRAILERS     0x80u

struct grpc {
	struct http_frames_ops ops;
	unsigned char prefix[PREFIX_BYTES];
	size_t prefix_n;
	uint64_t left;	 /* of the message */
	struct buf held; /* of it */
	bool omitted;
	bool lost; /* bytes are missing: nothing says where a message begins */
};

static void *frames_open(struct http_frames_ops ops)
{
	struct grpc *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->ops = ops;
	buf_init(&f->held, LIMIT_BODY_BYTES);
	return f;
}

static void frames_close(void *frames)
{
	struct grpc *f = frames;

	buf_fini(&f->held);
	free(f);
}

static void give(struct grpc *f, uint64_t ts_ns)
{
	struct http_event ev = {.event = STR(""), .data = buf_str(&f->held), .ts_ns = ts_ns};

	if (f->omitted)
		ev.event = STR("omitted");
	else if (f->prefix[0] & TRAILERS)
		ev.event = STR("trailers");
	else if (f->prefix[0] & COMPRESSED)
		ev.event = STR("compressed");
	if (ev.data.p == NULL)
		ev.data = STR("");
	f->ops.event(f->ops.ctx, &ev);
	buf_clear(&f->held);
	f->prefix_n = 0;
}

static size_t prefix_take(struct grpc *f, struct str data)
{
	size_t n = PREFIX_BYTES - f->prefix_n;
	const unsigned char *p = f->prefix;

	if (n > data.n)
		n = data.n;
	memcpy(f->prefix + f->prefix_n, data.p, n);
	f->prefix_n += n;
	if (f->prefix_n == PREFIX_BYTES) {
		f->left = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
		f->omitted = f->left > LIMIT_BODY_BYTES;
	}
	return n;
}

static int frames_feed(void *frames, struct str data, uint64_t ts_ns, size_t *at, const char **why)
{
	struct grpc *f = frames;
	size_t pos = 0;
	int r = 0;

	*why = "gRPC: no such message";
	while (pos < data.n && !f->lost && r == 0) {
		struct str rest = str_skip(data, pos), part;

		*at = pos;
		if (f->prefix_n < PREFIX_BYTES) {
			pos += prefix_take(f, rest);
			/* Flags that nobody has: this is another framing. */
			if (f->prefix[0] & ~(COMPRESSED | TRAILERS))
				r = -EBADMSG;
			else if (f->prefix_n == PREFIX_BYTES && f->left == 0)
				give(f, ts_ns);
			continue;
		}
		part = str_head(rest, f->left < rest.n ? (size_t)f->left : rest.n);
		if (!f->omitted)
			buf_add(&f->held, part);
		r = buf_err(&f->held);
		pos += part.n;
		f->left -= part.n;
		if (r == 0 && f->left == 0)
			give(f, ts_ns);
	}
	f->lost |= r < 0;
	return r;
}

static void frames_gap(void *frames)
{
	struct grpc *f = frames;

	buf_fini(&f->held);
	f->lost = true;
}

const struct http_frames_kind http_frames_grpc = {
	.open = frames_open,
	.feed = frames_feed,
	.gap = frames_gap,
	.close = frames_close,
};
