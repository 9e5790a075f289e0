/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * application/vnd.amazon.eventstream, as the AWS SDKs document it. A message, all numbers big-endian:
 *   u32 total length, u32 headers' length, u32 CRC-32 of these 8 bytes, headers, payload, u32 CRC-32 of all before
 * a header: u8 name's length, name, u8 type, value. Types 0 true, 1 false, 2 i8, 3 i16, 4 i32, 5 i64, 6 bytes and
 * 7 string (u16 length before), 8 timestamp (i64), 9 UUID. Limits as AWS sets them: 128 KiB of headers, 24 MiB of payload.
 */
#include "http/frames.h"

#include <errno.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/limits.h"

#define PRELUDE_BYTES 12u
#define MESSAGE_MIN   16u
#define HEADERS_MAX   (128u << 10)
#define MESSAGE_MAX   (MESSAGE_MIN + HEADERS_MAX + (24u << 20))

struct eventstream {
	struct http_frames_ops ops;
	struct buf held; /* of the message that has begun */
	size_t total;	 /* its length, once the prelude is read */
	bool lost;	 /* bytes are missing: nothing says where a message begins */
};

static uint32_t get_u32(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void *frames_open(struct http_frames_ops ops)
{
	struct eventstream *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->ops = ops;
	buf_init(&f->held, MESSAGE_MAX);
	return f;
}

static void frames_close(void *frames)
{
	struct eventstream *f = frames;

	buf_fini(&f->held);
	free(f);
}

/* Bytes of a value of that type at the start of s, its length field included; 0 with *ok false: no such value. */
static size_t value_bytes(unsigned type, struct str s, bool *ok)
{
	static const unsigned char fixed[] = {0, 0, 1, 2, 4, 8, 0, 0, 8, 16};
	size_t n;

	*ok = type < sizeof(fixed);
	if (!*ok)
		return 0;
	n = fixed[type];
	if (type == 6 || type == 7) {
		*ok = s.n >= 2;
		n = *ok ? 2 + ((size_t)(unsigned char)s.p[0] << 8 | (unsigned char)s.p[1]) : 0;
	}
	*ok = *ok && s.n >= n;
	return *ok ? n : 0;
}

/* Whether the headers can be read; of those that matter, the values. */
static bool headers_read(struct str s, struct str *message_type, struct str *event_type,
			 struct str *exception_type)
{
	while (s.n > 0) {
		size_t name_n = (unsigned char)s.p[0];
		struct str name, value;
		bool ok;

		if (s.n < 2 + name_n)
			return false;
		name = str_make(s.p + 1, name_n);
		unsigned type = (unsigned char)s.p[1 + name_n];
		s = str_skip(s, 2 + name_n);
		size_t n = value_bytes(type, s, &ok);
		if (!ok)
			return false;
		value = type == 7 ? str_make(s.p + 2, n - 2) : STR_NONE;
		s = str_skip(s, n);
		if (str_eq(name, STR(":message-type")))
			*message_type = value;
		else if (str_eq(name, STR(":event-type")))
			*event_type = value;
		else if (str_eq(name, STR(":exception-type")) || str_eq(name, STR(":error-code")))
			*exception_type = value;
	}
	return true;
}

/* A whole message, lengths known to be right. */
static int message_read(struct eventstream *f, struct str m, uint64_t ts_ns, const char **why)
{
	uint32_t headers_n = get_u32(m.p + 4);
	struct str message_type = STR_NONE, event_type = STR_NONE, exception_type = STR_NONE;
	struct http_event ev = {.ts_ns = ts_ns};

	if (crc32(0, (const unsigned char *)m.p, (unsigned)(m.n - 4)) != get_u32(m.p + m.n - 4)) {
		*why = "event stream: a message's checksum is wrong";
		return -EBADMSG;
	}
	if (!headers_read(str_make(m.p + PRELUDE_BYTES, headers_n), &message_type, &event_type,
			  &exception_type)) {
		*why = "event stream: a message's headers cannot be read";
		return -EBADMSG;
	}
	ev.exception = str_eq(message_type, STR("exception")) || str_eq(message_type, STR("error"));
	ev.event = ev.exception ? exception_type : event_type;
	ev.data = str_make(m.p + PRELUDE_BYTES + headers_n, m.n - MESSAGE_MIN - headers_n);
	f->ops.event(f->ops.ctx, &ev);
	return 0;
}

static int prelude_read(struct eventstream *f, const char **why)
{
	const char *p = f->held.p;
	uint32_t total = get_u32(p), headers_n = get_u32(p + 4);

	if (crc32(0, (const unsigned char *)p, 8) != get_u32(p + 8)) {
		*why = "event stream: a prelude's checksum is wrong";
		return -EBADMSG;
	}
	if (total < MESSAGE_MIN || total > MESSAGE_MAX || headers_n > HEADERS_MAX ||
	    headers_n > total - MESSAGE_MIN) {
		*why = "event stream: impossible lengths";
		return -EBADMSG;
	}
	f->total = total;
	return 0;
}

static int frames_feed(void *frames, struct str data, uint64_t ts_ns, size_t *at, const char **why)
{
	struct eventstream *f = frames;
	size_t pos = 0;
	int r = 0;

	while (pos < data.n && !f->lost && r == 0) {
		size_t want = f->held.n < PRELUDE_BYTES ? PRELUDE_BYTES : f->total;
		struct str part = str_head(str_skip(data, pos), want - f->held.n);

		buf_add(&f->held, part);
		r = buf_err(&f->held);
		pos += part.n;
		/* The last byte of what is found wrong: its first one may have come long before. */
		*at = pos - 1;
		if (r < 0 || f->held.n < want)
			continue;
		if (want == PRELUDE_BYTES) {
			r = prelude_read(f, why);
		} else {
			r = message_read(f, buf_str(&f->held), ts_ns, why);
			buf_clear(&f->held);
		}
	}
	f->lost |= r < 0;
	return r;
}

static void frames_gap(void *frames)
{
	struct eventstream *f = frames;

	buf_fini(&f->held);
	f->lost = true;
}

const struct http_frames_kind http_frames_eventstream = {
	.open = frames_open,
	.feed = frames_feed,
	.gap = frames_gap,
	.close = frames_close,
};
