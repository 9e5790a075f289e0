/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Header blocks. Parts: h fields, one a line, compressed by nghttp2; b a block as it stands; t "N" the encoder's table is
 * N bytes from here on; j a reader joins here, one that did not see what was before. It may not know a field; what it
 * knows is what the reader that saw everything knows.
 */
#include <errno.h>
#include <nghttp2/nghttp2.h>

#include "fuzz.h"
#include "http/hpack.h"

#define FIELDS_MAX 60u

struct heard {
	struct buf text;
	struct {
		size_t name, value; /* bytes of text, one behind the other */
		bool known;
	} fields[4000];
	size_t count;
};

struct room {
	struct http_hpack *whole, *joined; /* NULL: not there, or lost */
	struct heard heard[2];
	nghttp2_hd_deflater *deflater;
};

static void field(void *ctx, struct str name, struct str value, bool known)
{
	struct heard *h = ctx;

	assert(known || name.n == 0);
	if (h->count == sizeof(h->fields) / sizeof(h->fields[0]))
		return;
	h->fields[h->count].name = name.n;
	h->fields[h->count].value = value.n;
	h->fields[h->count++].known = known;
	buf_add(&h->text, name);
	buf_add(&h->text, value);
}

static int feed(struct http_hpack *h, struct str block, struct heard *heard)
{
	char *copy = fuzz_copy(block);

	heard->count = 0;
	buf_clear(&heard->text);
	int r = http_hpack_feed(h, str_make(copy, block.n), field, heard);
	free(copy);
	assert(r == 0 || r == -EBADMSG);
	return r;
}

static void compare(const struct heard *whole, const struct heard *joined)
{
	struct str w = buf_str(&whole->text), j = buf_str(&joined->text);

	assert(whole->count == joined->count);
	for (size_t i = 0; i < whole->count; i++) {
		size_t n = whole->fields[i].name + whole->fields[i].value,
		       m = joined->fields[i].name + joined->fields[i].value;

		if (joined->fields[i].known) {
			assert(joined->fields[i].name == whole->fields[i].name && n == m);
			assert(n == 0 || memcmp(w.p, j.p, n) == 0);
		}
		w = str_skip(w, n);
		j = str_skip(j, m);
	}
}

static void block(struct room *x, struct str bytes)
{
	int whole = x->whole ? feed(x->whole, bytes, &x->heard[0]) : -EBADMSG;
	int joined = x->joined ? feed(x->joined, bytes, &x->heard[1]) : -EBADMSG;

	if (whole == 0 && joined == 0)
		compare(&x->heard[0], &x->heard[1]);
	if (whole < 0)
		http_hpack_free(take(x->whole));
	if (joined < 0)
		http_hpack_free(take(x->joined));
}

static void compressed(struct room *x, struct str body)
{
	nghttp2_nv fields[FIELDS_MAX];
	unsigned char out[40000];
	size_t n = 0;

	while (body.n > 0 && n < FIELDS_MAX) {
		struct str line, name;

		body = str_cut(body, '\n', &line);
		struct str value = str_cut(line, ':', &name);
		fields[n++] = (nghttp2_nv){(uint8_t *)name.p, (uint8_t *)(value.p ? value.p : ""), name.n,
					   value.n, NGHTTP2_NV_FLAG_NONE};
	}
	ssize_t size = nghttp2_hd_deflate_hd(x->deflater, out, sizeof(out), fields, n);
	if (size >= 0)
		block(x, str_make(out, (size_t)size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size), body;
	struct room *x = calloc(1, sizeof(*x));
	char letter;

	if (x == NULL || nghttp2_hd_deflate_new(&x->deflater, 1u << 20) != 0)
		abort();
	buf_init(&x->heard[0].text, 64u << 20);
	buf_init(&x->heard[1].text, 64u << 20);
	x->whole = http_hpack_new(false);
	while (fuzz_part(&rest, &letter, &body)) {
		if (letter == 'h')
			compressed(x, body);
		else if (letter == 'b')
			block(x, body);
		else if (letter == 't')
			(void)nghttp2_hd_deflate_change_table_size(x->deflater,
								   fuzz_number(&body) % (1u << 20));
		if (letter != 'j')
			continue;
		http_hpack_free(x->joined);
		x->joined = http_hpack_new(true);
	}
	http_hpack_free(x->whole);
	http_hpack_free(x->joined);
	buf_fini(&x->heard[0].text);
	buf_fini(&x->heard[1].text);
	nghttp2_hd_deflate_del(x->deflater);
	free(x);
	return 0;
}
