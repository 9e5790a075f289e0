/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/encoding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/limits.h"

#define OUT_BYTES 32768u
/* RFC 9659: a sender may not ask for a larger window. */
#define ZSTD_WINDOW_LOG 23

struct stage {
	enum http_coding coding;
	z_stream z;
	bool z_ready;
	BrotliDecoderState *brotli;
	ZSTD_DCtx *zstd;
	bool ended;  /* at the end of a member, frame or stream */
	bool fed;    /* got a byte */
	bool begun;  /* zstd: inside of a frame */
	bool peeked; /* deflate: `peek` came alone and tells nothing yet */
	unsigned char peek;
	uint64_t out_bytes;
};

struct http_encoding {
	uint32_t count;
	struct stage stage[HTTP_CODINGS_MAX]; /* in the order of decoding */
	uint64_t in_bytes;		      /* that stage 0 has taken */
	struct http_encoding_sink sink;
	const char *why;
	char *out; /* OUT_BYTES a stage */
};

static void *zlib_alloc(void *ctx, unsigned int n, unsigned int size)
{
	(void)ctx;
	return calloc(n, size);
}

static void zlib_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static void *brotli_alloc(void *ctx, size_t n)
{
	(void)ctx;
	return malloc(n);
}

static int open_zlib(struct stage *s, int window_bits)
{
	s->z.zalloc = zlib_alloc;
	s->z.zfree = zlib_free;
	if (inflateInit2(&s->z, window_bits) != Z_OK)
		return -ENOMEM;
	s->z_ready = true;
	return 0;
}

static int open_stage(struct stage *s, enum http_coding coding)
{
	s->coding = coding;
	switch (coding) {
	case HTTP_CODING_GZIP:
		return open_zlib(s, 15 + 16);
	case HTTP_CODING_DEFLATE:
		return 0; /* with its first two bytes */
	case HTTP_CODING_BROTLI:
		s->brotli = BrotliDecoderCreateInstance(brotli_alloc, zlib_free, NULL);
		return s->brotli ? 0 : -ENOMEM;
	case HTTP_CODING_ZSTD:
		s->zstd = ZSTD_createDCtx();
		if (!s->zstd ||
		    ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
			return -ENOMEM;
		return 0;
	}
	return -EINVAL;
}

struct http_encoding *http_encoding_new(const enum http_coding *codings, uint32_t count)
{
	autodrop(drop_http_encoding) struct http_encoding *e = calloc(1, sizeof(*e));

	if (!e || count == 0 || count > HTTP_CODINGS_MAX)
		return NULL;
	e->out = malloc((size_t)count * OUT_BYTES);
	if (!e->out)
		return NULL;
	e->count = count;
	for (uint32_t i = 0; i < count; i++)
		if (open_stage(&e->stage[i], codings[count - 1 - i]) < 0)
			return NULL;
	return take(e);
}

void http_encoding_free(struct http_encoding *e)
{
	if (!e)
		return;
	for (uint32_t i = 0; i < e->count; i++) {
		struct stage *s = &e->stage[i];

		if (s->z_ready)
			inflateEnd(&s->z);
		if (s->brotli)
			BrotliDecoderDestroyInstance(s->brotli);
		ZSTD_freeDCtx(s->zstd);
	}
	free(e->out);
	free(e);
}

bool http_encoding_is_whole(const struct http_encoding *e)
{
	for (uint32_t i = 0; i < e->count; i++)
		if (e->stage[i].fed && !e->stage[i].ended)
			return false;
	return true;
}

static int bad(struct http_encoding *e, const char *why)
{
	e->why = why;
	return -EBADMSG;
}

/* One call of the library: takes from *in, leaves what came out in `out`. */
static int step_zlib(struct http_encoding *e, struct stage *s, struct str *in, struct str *out)
{
	size_t given = in->n > (1u << 30) ? 1u << 30 : in->n;

	if (s->ended) {
		/* The next member of gzip; padding of zeros is common and harmless. */
		if (s->coding == HTTP_CODING_GZIP && in->p[0] == 0) {
			*in = str_skip(*in, 1);
			return 0;
		}
		if (s->coding != HTTP_CODING_GZIP || in->p[0] != 0x1f)
			return bad(e, "bytes after the end of the encoded body");
		if (inflateReset(&s->z) != Z_OK)
			return -ENOMEM;
		s->ended = false;
	}
	s->z.next_in = (unsigned char *)in->p;
	s->z.avail_in = (uInt)given;
	s->z.next_out = (unsigned char *)out->p;
	s->z.avail_out = OUT_BYTES;
	int r = inflate(&s->z, Z_SYNC_FLUSH);
	*in = str_skip(*in, given - s->z.avail_in);
	out->n = OUT_BYTES - s->z.avail_out;
	s->ended = r == Z_STREAM_END;
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	if (r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR)
		return 0;
	return bad(e, s->coding == HTTP_CODING_GZIP ? "bad gzip data" : "bad deflate data");
}

static int step_brotli(struct http_encoding *e, struct stage *s, struct str *in, struct str *out)
{
	size_t avail_in = in->n, avail_out = OUT_BYTES;
	const uint8_t *next_in = (const uint8_t *)in->p;
	uint8_t *next_out = (uint8_t *)out->p;

	if (s->ended)
		return bad(e, "bytes after the end of the encoded body");
	BrotliDecoderResult r =
		BrotliDecoderDecompressStream(s->brotli, &avail_in, &next_in, &avail_out, &next_out, NULL);
	*in = str_skip(*in, in->n - avail_in);
	out->n = OUT_BYTES - avail_out;
	s->ended = r == BROTLI_DECODER_RESULT_SUCCESS;
	if (r != BROTLI_DECODER_RESULT_ERROR)
		return 0;
	BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(s->brotli);
	if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
	    code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES)
		return -ENOMEM;
	return bad(e, "bad brotli data");
}

static int step_zstd(struct http_encoding *e, struct stage *s, struct str *in, struct str *out)
{
	ZSTD_inBuffer zin = {in->p, in->n, 0};
	ZSTD_outBuffer zout = {(void *)out->p, OUT_BYTES, 0};
	/* The library may know formats older than RFC 8878, when four bytes of their magic come at once. Frames begin with
	 * 0x28, skippable ones with 0x5?. */
	if (!s->begun && in->n > 0 && in->p[0] != 0x28 && (in->p[0] & 0xf0) != 0x50)
		return bad(e, "bad zstd data");
	size_t r = ZSTD_decompressStream(s->zstd, &zout, &zin);

	*in = str_skip(*in, zin.pos);
	out->n = zout.pos;
	s->ended = r == 0;
	s->begun = (s->begun || zin.pos > 0) && !s->ended;
	if (!ZSTD_isError(r))
		return 0;
	if (ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation)
		return -ENOMEM;
	return bad(e, "bad zstd data");
}

/* RFC 9110 8.4.1.2: deflate is zlib's frame, but some send the bare stream. The first two bytes tell. */
static int open_deflate(struct stage *s, unsigned char a, unsigned char b)
{
	bool framed = (a & 0x0f) == 8 && (a >> 4) <= 7 && ((unsigned int)a * 256 + b) % 31 == 0;

	return open_zlib(s, framed ? 15 : -15);
}

static int feed_stage(struct http_encoding *e, uint32_t i, struct str in);

static int give(struct http_encoding *e, uint32_t i, struct str out)
{
	struct stage *s = &e->stage[i];

	s->out_bytes += out.n;
	if (s->out_bytes > LIMIT_INFLATE_FREE && s->out_bytes / LIMIT_INFLATE_RATIO > e->in_bytes)
		return bad(e, "bomb: inflates beyond 200:1");
	if (i + 1 < e->count)
		return feed_stage(e, i + 1, out);
	return e->sink.give(e->sink.ctx, out);
}

static int run_stage(struct http_encoding *e, uint32_t i, struct str in)
{
	struct stage *s = &e->stage[i];

	for (;;) {
		struct str out = {e->out + (size_t)i * OUT_BYTES, 0};
		size_t before = in.n;
		int r, sunk = 0;

		/* Without input a decoder may still hold output; an ended one does not. */
		if (in.n == 0 && s->ended)
			return 0;
		if (s->coding == HTTP_CODING_BROTLI)
			r = step_brotli(e, s, &in, &out);
		else if (s->coding == HTTP_CODING_ZSTD)
			r = step_zstd(e, s, &in, &out);
		else
			r = step_zlib(e, s, &in, &out);
		if (i == 0)
			e->in_bytes += before - in.n;
		if (out.n > 0)
			sunk = give(e, i, out);
		if (r < 0 || sunk != 0)
			return r < 0 ? r : sunk;
		if (in.n == 0 && out.n < OUT_BYTES)
			return 0;
		if (in.n == before && out.n == 0)
			return bad(e, "a decoder that does not go on");
	}
}

/* Recursion is as deep as codings are stacked: HTTP_CODINGS_MAX. */
static int feed_stage(struct http_encoding *e, uint32_t i, struct str in)
{
	struct stage *s = &e->stage[i];
	int r;

	if (in.n == 0)
		return 0;
	s->fed = true;
	if (s->coding != HTTP_CODING_DEFLATE || s->z_ready)
		return run_stage(e, i, in);
	if (!s->peeked && in.n == 1) {
		s->peeked = true;
		s->peek = (unsigned char)in.p[0];
		if (i == 0)
			e->in_bytes++;
		return 0;
	}
	r = open_deflate(s, s->peeked ? s->peek : (unsigned char)in.p[0],
			 (unsigned char)in.p[s->peeked ? 0 : 1]);
	if (r < 0)
		return r;
	if (s->peeked) {
		if (i == 0)
			e->in_bytes--;
		r = run_stage(e, i, str_make(&s->peek, 1));
		if (r != 0)
			return r;
	}
	return run_stage(e, i, in);
}

int http_encoding_feed(struct http_encoding *e, struct str in, struct http_encoding_sink sink, size_t *used,
		       const char **why)
{
	uint64_t before = e->in_bytes;
	int r;

	e->sink = sink;
	r = feed_stage(e, 0, in);
	*used = (size_t)(e->in_bytes - before);
	if (r == -EBADMSG)
		*why = e->why;
	return r;
}
