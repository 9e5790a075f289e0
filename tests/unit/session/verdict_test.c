/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots as the kernel reads them. */
#include "harness.h"

#include "session/verdict.h"

static struct wire_verdict slots[WIRE_VERDICTS];

static struct wire_verdict *slot(const struct flow_conn *c)
{
	return &slots[wire_verdict_slot(c->ssl, c->generation)];
}

static void give(const struct flow_conn *c, enum http_word word, enum wire_dir dir, uint64_t until,
		 uint64_t written)
{
	struct http_verdict v = {.word = word, .dir = dir, .until = until, .written = written};

	verdict_give(slots, c, &v);
	assert_int_equal(slot(c)->generation, c->generation);
	assert_int_equal(slot(c)->ssl, c->ssl);
}

static void words(void **state)
{
	struct flow_conn c = {.ssl = 0x7f0012345680, .generation = 123456789};
	struct wire_verdict *s = slot(&c);

	(void)state;
	give(&c, HTTP_WORD_SKIP, WIRE_WRITE, 500, 0);
	assert_int_equal(s->skip_until[WIRE_WRITE], 500);
	assert_int_equal(s->skip_until[WIRE_READ], 0);
	assert_int_equal(s->mute, 0);
	give(&c, HTTP_WORD_READS, WIRE_READ, 900, 70);
	assert_int_equal(s->skip_until[WIRE_READ], 900);
	assert_int_equal(s->written, 70);
	assert_int_equal(s->mute, WIRE_MUTE_READS);
	/* A body of known length after one without: reads count without a condition again. */
	give(&c, HTTP_WORD_SKIP, WIRE_WRITE, 600, 0);
	assert_int_equal(s->mute, WIRE_MUTE_READS);
	give(&c, HTTP_WORD_SKIP, WIRE_READ, 950, 0);
	assert_int_equal(s->skip_until[WIRE_READ], 950);
	assert_int_equal(s->mute, 0);
	give(&c, HTTP_WORD_ALL, WIRE_READ, 0, 0);
	assert_int_equal(s->mute, WIRE_MUTE_BOTH);
	assert_int_equal(s->flags, 0);
	give(&c, HTTP_WORD_WHOLE, WIRE_READ, 0, 0);
	assert_int_equal(s->flags, WIRE_VERDICT_WHOLE);
	assert_int_equal(s->mute, WIRE_MUTE_BOTH);
}

/* Of two pipes that are one conversation, both. */
static void pairs(void **state)
{
	struct flow_conn c = {.ssl = 0x11, .generation = 5, .mate_ssl = 0x12, .mate_generation = 60};
	struct wire_verdict *s = &slots[wire_verdict_slot(0x12, 60)];

	(void)state;
	give(&c, HTTP_WORD_ALL, WIRE_READ, 0, 0);
	assert_int_equal(slot(&c)->mute, WIRE_MUTE_BOTH);
	assert_int_equal(s->ssl, 0x12);
	assert_int_equal(s->generation, 60);
	assert_int_equal(s->mute, WIRE_MUTE_BOTH);
}

/* Another connection in the same slot inherits nothing, and the earlier one is copied again. */
static void collisions(void **state)
{
	struct flow_conn a = {.ssl = 0x5500, .generation = 77}, b = {.ssl = 0x5500, .generation = 78};

	(void)state;
	while (slot(&b) != slot(&a))
		b.generation++;
	give(&a, HTTP_WORD_ALL, WIRE_READ, 0, 0);
	give(&a, HTTP_WORD_READS, WIRE_READ, 1000, 1000);
	give(&a, HTTP_WORD_WHOLE, WIRE_READ, 0, 0);
	give(&b, HTTP_WORD_SKIP, WIRE_WRITE, 5, 0);
	assert_int_equal(slot(&b)->mute, 0);
	assert_int_equal(slot(&b)->flags, 0);
	assert_int_equal(slot(&b)->skip_until[WIRE_READ], 0);
	assert_int_equal(slot(&b)->skip_until[WIRE_WRITE], 5);
	assert_int_equal(slot(&b)->written, 0);
}

/* SSL objects lie 16 bytes apart, generations a few microseconds: they must not share slots more than chance wants. */
static void spread(void **state)
{
	static uint8_t hit[WIRE_VERDICTS];
	unsigned twice = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		struct flow_conn c = {.ssl = 0x7f3a00001000 + i * 0x1a40,
				      .generation = 5000000000 + i * 31337};

		twice += hit[slot(&c) - slots]++ > 0;
	}
	assert_in_range(twice, 0, 100); /* 30 by chance */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(pairs),
		cmocka_unit_test(collisions),
		cmocka_unit_test(spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
