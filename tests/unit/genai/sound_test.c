/* SPDX-License-Identifier: BSD-2-Clause */
#include "genai/decoder.h"
#include "harness.h"

static void formats_have_rates(void **state)
{
	static const struct {
		const char *mime;
		uint32_t rate;
	} rows[] = {
		{"audio/pcm;rate=16000", 32000},
		{"Audio/PCM; channels=1 ; Rate = 24000 ", 48000},
		{"audio/L16;rate=8000", 16000},
		{"audio/pcm", 0},
		{"audio/pcm;rate=", 0},
		{"audio/pcm;rate=-1", 0},
		{"audio/pcm;rate=384001", 0},
		{"audio/pcm;rate=99999999999999999999999", 0},
		{"audio/pcm;rate", 0},
		{"audio/pcma", 8000},
		{"audio/pcmu;rate=8000", 8000},
		{"g711_ulaw", 8000},
		{"g711_alaw", 8000},
		{"audio/opus;rate=48000", 0},
		{"image/jpeg", 0},
		{"", 0},
		{";;;", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(genai_sound_rate_of(str_of(rows[i].mime)), rows[i].rate);
	assert_int_equal(genai_sound_rate(STR("pcm16"), 24000), 48000);
	assert_int_equal(genai_sound_rate(STR("pcm16"), INT64_MAX), 0);
	assert_int_equal(genai_sound_rate(STR_NONE, 24000), 0);
}

static void assert_seconds(const struct genai_sound *s, const char *want)
{
	char text[GENAI_SOUND_TEXT];
	size_t n = genai_sound_seconds(s, text);

	assert_int_equal(n, strlen(want));
	assert_memory_equal(text, want, n);
}

static void pieces_add_up(void **state)
{
	struct genai_sound s = {0}, more = {0};

	(void)state;
	assert_seconds(&s, "");
	genai_sound_add(&s, 48000, 48000);
	assert_seconds(&s, "1");
	genai_sound_add(&s, 24000, 48000);
	assert_seconds(&s, "1.5");
	for (int i = 0; i < 100000; i++) /* no piece is a whole number of microseconds */
		genai_sound_add(&more, 1, 48000);
	assert_seconds(&more, "2.0833");
	genai_sound_add(&more, 0, 0); /* nothing of an unknown format */
	assert_seconds(&more, "2.0833");
	genai_sound_join(&s, &more);
	assert_seconds(&s, "3.5833");
	assert_int_equal(s.bytes, 172000);
	genai_sound_add(&s, 1, 0);
	assert_seconds(&s, "");
	genai_sound_join(&more, &s);
	assert_seconds(&more, "");
	more = (struct genai_sound){.bytes = UINT64_MAX, .ns = UINT64_MAX - 615};
	assert_seconds(&more, "18446744073.709551");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_have_rates),
		cmocka_unit_test(pieces_add_up),
	};

	return cmocka_run_group_tests_name("genai sound", tests, NULL, NULL);
}
