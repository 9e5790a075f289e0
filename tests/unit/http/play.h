/* SPDX-License-Identifier: BSD-2-Clause */
/* Scripts whose bytes are made at run time: frames of HTTP/2 and of WebSockets, messages of event streams. */
#ifndef UNIT_HTTP_PLAY_H
#define UNIT_HTTP_PLAY_H

#include "script.h"

#define PLAY_STEPS_MAX 48u

struct play {
	struct buf bytes[PLAY_STEPS_MAX];
	struct step steps[PLAY_STEPS_MAX + 1];
	uint32_t count;
};

/* Where the bytes of the next step go. */
static inline struct buf *play_bytes(struct play *p, enum script_kind kind)
{
	assert_true(p->count < PLAY_STEPS_MAX);
	struct buf *b = &p->bytes[p->count];

	buf_init(b, SIZE_MAX);
	p->steps[p->count++].kind = kind;
	return b;
}

static inline void play_text(struct play *p, enum script_kind kind, const char *text)
{
	buf_add(play_bytes(p, kind), str_of(text));
}

static inline void play_gap(struct play *p, enum script_kind kind, uint64_t bytes)
{
	(void)play_bytes(p, kind);
	p->steps[p->count - 1].gap = bytes;
	p->steps[p->count - 1].cause = WIRE_CAUSE_RING_FULL;
}

enum play_how { PLAY_SWEPT, PLAY_ONCE };

static inline void play_run(struct play *p, const char *name, enum play_how how, const char *want)
{
	for (uint32_t i = 0; i < p->count; i++)
		p->steps[i].data = buf_str(&p->bytes[i]);
	script_once(name, p->steps, want);
	if (how == PLAY_SWEPT)
		script_sweep(name, p->steps, ALL_SWEEPS);
	for (uint32_t i = 0; i < p->count; i++)
		buf_fini(&p->bytes[i]);
	*p = (struct play){0};
}

/* The connection ends, and this is what was said of it. */
static inline void play_check(struct play *p, const char *name, const char *want)
{
	(void)play_bytes(p, FREED);
	play_run(p, name, PLAY_SWEPT, want);
}

/* ---- HTTP/2, by RFC 9113 and RFC 7541 ---- */

enum {
	H2_DATA,
	H2_HEADERS,
	H2_PRIORITY,
	H2_RST,
	H2_SETTINGS,
	H2_PUSH,
	H2_PING,
	H2_GOAWAY,
	H2_WINDOW,
	H2_CONTINUATION
};
enum { H2_END = 1, H2_ACK = 1, H2_ALL = 4, H2_PADDED = 8, H2_PRIO = 0x20 };

static inline void h2_head(struct buf *b, size_t n, int type, int flags, uint32_t stream)
{
	const char head[9] = {(char)(n >> 16),	    (char)(n >> 8),	 (char)n,
			      (char)type,	    (char)flags,	 (char)(stream >> 24),
			      (char)(stream >> 16), (char)(stream >> 8), (char)stream};

	buf_add(b, str_make(head, sizeof(head)));
}

static inline void h2_frame(struct buf *b, int type, int flags, uint32_t stream, struct str payload)
{
	h2_head(b, payload.n, type, flags, stream);
	buf_add(b, payload);
}

static inline void h2_preface(struct buf *b)
{
	buf_add(b, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
	h2_frame(b, H2_SETTINGS, 0, 0, STR(""));
}

/* A literal; first: 0x00 not indexed, 0x40 put into the table. Texts below 127 bytes. */
static inline void h2_field(struct buf *b, int first, struct str name, struct str value)
{
	buf_add_char(b, (char)first);
	buf_add_char(b, (char)name.n);
	buf_add(b, name);
	buf_add_char(b, (char)value.n);
	buf_add(b, value);
}

/* "name=value\n...": a header block. */
static inline void h2_block(struct buf *b, int first, const char *fields)
{
	struct str rest = str_of(fields), line, name;

	while (rest.n > 0) {
		rest = str_cut(rest, '\n', &line);
		struct str value = str_cut(line, '=', &name);

		h2_field(b, first, name, value);
	}
}

static inline void h2_fields(struct buf *b, int flags, uint32_t stream, const char *fields)
{
	struct buf block;

	buf_init(&block, SIZE_MAX);
	h2_block(&block, 0, fields);
	h2_frame(b, H2_HEADERS, flags | H2_ALL, stream, buf_str(&block));
	buf_fini(&block);
}

#define H2_GET \
	"\x82\x87\x84\x41\x01h" /* :method GET, :scheme https, :path /, :authority h (into the table) */
#define H2_POST ":method=POST\n:scheme=https\n:authority=h\n:path=/p\ncontent-type=application/json"
#define H2_OK	":status=200\ncontent-type=text/event-stream"

/* ---- WebSocket, by RFC 6455 ---- */

static inline void ws_upgrade(struct play *p, const char *extensions)
{
	play_text(p, W,
		  "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		  "Sec-WebSocket-Key: eA==\r\n\r\n");
	buf_addf(
		play_bytes(p, R),
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%s%s%s\r\n",
		extensions ? "Sec-WebSocket-Extensions: " : "", extensions ? extensions : "",
		extensions ? "\r\n" : "");
}

/* first: FIN, RSV and opcode. masked: as clients do. */
static inline void ws_frame(struct buf *b, int first, bool masked, struct str data)
{
	static const char mask[4] = {0x11, 0x22, 0x33, 0x44};

	buf_add_char(b, (char)first);
	if (data.n < 126) {
		buf_add_char(b, (char)(data.n | (masked ? 0x80 : 0)));
	} else {
		buf_add_char(b, (char)(126 | (masked ? 0x80 : 0)));
		buf_add_char(b, (char)(data.n >> 8));
		buf_add_char(b, (char)data.n);
	}
	if (masked)
		buf_add(b, str_make(mask, sizeof(mask)));
	for (size_t i = 0; i < data.n; i++)
		buf_add_char(b, (char)(data.p[i] ^ (masked ? mask[i & 3] : 0)));
}

#endif
