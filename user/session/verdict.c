/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/verdict.h"

/* Every store is one that the kernel may see or not see; none may let it leave out more than was said. */
#define SET(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELEASE)

static struct wire_verdict *slot_of(struct wire_verdict *slots, uint64_t ssl, uint64_t generation)
{
	struct wire_verdict *s = &slots[wire_verdict_slot(ssl, generation)];

	if (s->generation == generation && s->ssl == ssl)
		return s;
	SET(s->generation, 0);
	SET(s->mute, 0);
	SET(s->flags, 0);
	SET(s->skip_until[WIRE_READ], 0);
	SET(s->skip_until[WIRE_WRITE], 0);
	SET(s->written, 0);
	SET(s->ssl, ssl);
	SET(s->generation, generation);
	return s;
}

static void give(struct wire_verdict *s, const struct http_verdict *v)
{
	switch (v->word) {
	case HTTP_WORD_SKIP:
		SET(s->skip_until[v->dir], v->until);
		/* Only now: with the earlier bound, reads count without a condition. */
		if (v->dir == WIRE_READ)
			SET(s->mute, s->mute & ~WIRE_MUTE_READS);
		break;
	case HTTP_WORD_READS:
		/* What stands in `written` holds no longer once the connection wrote, so the order is free from here on. */
		SET(s->written, v->written);
		SET(s->mute, s->mute | WIRE_MUTE_READS);
		SET(s->skip_until[WIRE_READ], v->until);
		break;
	case HTTP_WORD_ALL:
		SET(s->mute, s->mute | WIRE_MUTE_BOTH);
		break;
	case HTTP_WORD_WHOLE:
		SET(s->flags, s->flags | WIRE_VERDICT_WHOLE);
		break;
	}
}

void verdict_give(struct wire_verdict *slots, const struct flow_conn *conn, const struct http_verdict *v)
{
	give(slot_of(slots, conn->ssl, conn->generation), v);
	/* The offsets in the others are of one of the two pipes. */
	if (conn->mate_ssl && (v->word == HTTP_WORD_ALL || v->word == HTTP_WORD_WHOLE))
		give(slot_of(slots, conn->mate_ssl, conn->mate_generation), v);
}
