/* SPDX-License-Identifier: BSD-2-Clause */
/* Sound: what its formats say, and Realtime's sessions that have them. */
#include "socket.h"

#include "genai/decoder.h"

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

static const struct socket_row sound_takes_time_rows[] = {
	{"by the session's format, until it has another", "/v1/realtime?model=m",
	 "< "
	 "{\"type\":\"session.created\",\"session\":{\"model\":\"m\",\"audio\":{\"input\":{\"format\":{"
	 "\"type\":\"audio/pcm\",\"rate\":24000}},\"output\":{\"format\":{\"type\":\"audio/"
	 "pcm\",\"rate\":24000}}}}}\n"
	 "> {\"type\":\"input_audio_buffer.append\",\"audio\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "> {\"type\":\"response.create\"}\n"
	 "< {\"type\":\"response.created\",\"response\":{\"id\":\"r1\"}}\n"
	 "< "
	 "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r1\",\"delta\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "< "
	 "{\"type\":\"response.done\",\"response\":{\"id\":\"r1\",\"status\":\"completed\",\"output\":[]}}\n"
	 "> "
	 "{\"type\":\"session.update\",\"session\":{\"audio\":{\"input\":{\"format\":{\"type\":\"audio/"
	 "pcmu\"}}}}}\n"
	 "> {\"type\":\"input_audio_buffer.append\",\"audio\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "> "
	 "{\"type\":\"response.create\",\"response\":{\"audio\":{\"output\":{\"format\":{\"type\":\"audio/"
	 "pcma\"}}}}}\n"
	 "< {\"type\":\"response.created\",\"response\":{\"id\":\"r2\"}}\n"
	 "< "
	 "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r2\",\"delta\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "< "
	 "{\"type\":\"response.done\",\"response\":{\"id\":\"r2\",\"status\":\"completed\",\"output\":[]}}\n"
	 "> "
	 "{\"type\":\"session.update\",\"session\":{\"audio\":{\"input\":{\"format\":{\"type\":\"audio/"
	 "opus\"}}}}}\n"
	 "> {\"type\":\"input_audio_buffer.append\",\"audio\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "> {\"type\":\"response.create\"}\n"
	 "< {\"type\":\"response.created\",\"response\":{\"id\":\"r3\"}}\n"
	 "< "
	 "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r3\",\"delta\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "< "
	 "{\"type\":\"response.done\",\"response\":{\"id\":\"r3\",\"status\":\"completed\",\"output\":[]}}\n"
	 "> {\"type\":\"input_audio_buffer.append\",\"audio\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "> {\"type\":\"response.create\",\"response\":{\"conversation\":\"none\",\"input\":[]}}\n"
	 "< {\"type\":\"response.created\",\"response\":{\"id\":\"r4\"}}\n"
	 "< "
	 "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r4\",\"delta\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "< {\"type\":\"response.done\",\"response\":{\"id\":\"r4\",\"status\":\"completed\",\"output\":[]}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/realtime\"\n"
	 "  chat provider=\"openai\" model=\"m\" id=\"r1\" stream\n"
	 "  openai.api.type=\"realtime\"\n"
	 "  bottrace.audio.input_bytes=12\n"
	 "  bottrace.audio.input_seconds=0.00025\n"
	 "  bottrace.audio.output_bytes=12\n"
	 "  bottrace.audio.output_seconds=0.00025\n"
	 "  input user\n"
	 "    other name=\"input_audio\" value={\"type\":\"input_audio\",\"bytes\":12,\"seconds\":0.00025}\n"
	 "  finish stop\n"
	 "  usage - - - - -\n"
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/realtime\"\n"
	 "  chat provider=\"openai\" model=\"m\" id=\"r2\" previous=\"r1\" stream\n"
	 "  openai.api.type=\"realtime\"\n"
	 "  bottrace.audio.input_bytes=12\n"
	 "  bottrace.audio.input_seconds=0.0015\n"
	 "  bottrace.audio.output_bytes=12\n"
	 "  bottrace.audio.output_seconds=0.0015\n"
	 "  input user\n"
	 "    other name=\"input_audio\" value={\"type\":\"input_audio\",\"bytes\":12,\"seconds\":0.0015}\n"
	 "  finish stop\n"
	 "  usage - - - - -\n"
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/realtime\"\n"
	 "  chat provider=\"openai\" model=\"m\" id=\"r3\" previous=\"r2\" stream\n"
	 "  openai.api.type=\"realtime\"\n"
	 "  bottrace.audio.input_bytes=12\n"
	 "  bottrace.audio.output_bytes=12\n"
	 "  bottrace.audio.output_seconds=0.00025\n"
	 "  input user\n"
	 "    other name=\"input_audio\" value={\"type\":\"input_audio\",\"bytes\":12}\n"
	 "  finish stop\n"
	 "  usage - - - - -\n"
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/realtime\"\n"
	 "  chat provider=\"openai\" model=\"m\" id=\"r4\" stream\n"
	 "  openai.api.type=\"realtime\"\n"
	 "  bottrace.audio.output_bytes=12\n"
	 "  bottrace.audio.output_seconds=0.00025\n"
	 "  finish stop\n"
	 "  usage - - - - -\n"
	 "http ok note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/realtime\"\n"},
	{"by words, Azure's among them", "/v1/realtime?model=m",
	 "< "
	 "{\"type\":\"session.created\",\"session\":{\"model\":\"m\",\"input_audio_format\":\"pcm16\","
	 "\"input_audio_sampling_rate\":16000,\"output_audio_format\":\"pcm16-8000hz\"}}\n"
	 "> {\"type\":\"input_audio_buffer.append\",\"audio\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "> {\"type\":\"response.create\"}\n"
	 "< {\"type\":\"response.created\",\"response\":{\"id\":\"r1\"}}\n"
	 "< "
	 "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r1\",\"delta\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "< "
	 "{\"type\":\"response.done\",\"response\":{\"id\":\"r1\",\"status\":\"completed\",\"output\":[]}}\n"
	 "> "
	 "{\"type\":\"session.update\",\"session\":{\"input_audio_format\":\"g711_ulaw\",\"output_audio_"
	 "format\":\"pcm16_0hz\"}}\n"
	 "> {\"type\":\"input_audio_buffer.append\",\"audio\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "> {\"type\":\"response.create\"}\n"
	 "< {\"type\":\"response.created\",\"response\":{\"id\":\"r2\"}}\n"
	 "< "
	 "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r2\",\"delta\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "< "
	 "{\"type\":\"response.done\",\"response\":{\"id\":\"r2\",\"status\":\"completed\",\"output\":[]}}\n"
	 "> {\"type\":\"session.update\",\"session\":{\"input_audio_format\":\"not "
	 "specified\",\"output_audio_format\":\"pcm16\"}}\n"
	 "> {\"type\":\"input_audio_buffer.append\",\"audio\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "> {\"type\":\"response.create\"}\n"
	 "< {\"type\":\"response.created\",\"response\":{\"id\":\"r3\"}}\n"
	 "< "
	 "{\"type\":\"response.output_audio.delta\",\"response_id\":\"r3\",\"delta\":\"AAAAAAAAAAAAAAAA\"}\n"
	 "< {\"type\":\"response.done\",\"response\":{\"id\":\"r3\",\"status\":\"completed\",\"output\":[]}}",
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/realtime\"\n"
	 "  chat provider=\"openai\" model=\"m\" id=\"r1\" stream\n"
	 "  openai.api.type=\"realtime\"\n"
	 "  bottrace.audio.input_bytes=12\n"
	 "  bottrace.audio.input_seconds=0.000375\n"
	 "  bottrace.audio.output_bytes=12\n"
	 "  bottrace.audio.output_seconds=0.00075\n"
	 "  input user\n"
	 "    other name=\"input_audio\" value={\"type\":\"input_audio\",\"bytes\":12,\"seconds\":0.000375}\n"
	 "  finish stop\n"
	 "  usage - - - - -\n"
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/realtime\"\n"
	 "  chat provider=\"openai\" model=\"m\" id=\"r2\" previous=\"r1\" stream\n"
	 "  openai.api.type=\"realtime\"\n"
	 "  bottrace.audio.input_bytes=12\n"
	 "  bottrace.audio.input_seconds=0.0015\n"
	 "  bottrace.audio.output_bytes=12\n"
	 "  input user\n"
	 "    other name=\"input_audio\" value={\"type\":\"input_audio\",\"bytes\":12,\"seconds\":0.0015}\n"
	 "  finish stop\n"
	 "  usage - - - - -\n"
	 "chat ok\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/realtime\"\n"
	 "  chat provider=\"openai\" model=\"m\" id=\"r3\" previous=\"r2\" stream\n"
	 "  openai.api.type=\"realtime\"\n"
	 "  bottrace.audio.input_bytes=12\n"
	 "  bottrace.audio.output_bytes=12\n"
	 "  bottrace.audio.output_seconds=0.00025\n"
	 "  input user\n"
	 "    other name=\"input_audio\" value={\"type\":\"input_audio\",\"bytes\":12}\n"
	 "  finish stop\n"
	 "  usage - - - - -\n"
	 "http ok note: a WebSocket: each call on it has a span\n"
	 "  server=\"api.example.com\" port=443 path=\"/v1/realtime\"\n"},
};

static void sound_takes_time(void **state)
{
	(void)state;
	SOCKETS_RUN(sound_takes_time_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_have_rates),
		cmocka_unit_test(pieces_add_up),
		cmocka_unit_test(sound_takes_time),
	};

	return cmocka_run_group_tests_name("genai sound", tests, NULL, NULL);
}
