/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sound on a lane: it is counted, not kept. How long it takes follows from the format that the session or the message
 * names, where a second of it has a fixed size: PCM of 16 bits, one channel, and G.711 (RFC 3551 4.5.14). Of all
 * others nothing but the bytes is known.
 */
#include <stdio.h>

#include "genai/decoder.h"

#define SAMPLES_MAX 384000 /* a second: nobody records faster */
#define G711_RATE   8000u
#define NS_PER_S    1000000000u

size_t genai_sound_size(const struct json *base64)
{
	struct str s = json_type(base64) == JSON_STRING ? json_raw(base64) : STR_NONE;
	size_t pads = 0;

	if (s.n < 2)
		return 0;
	s = str_make(s.p + 1, s.n - 2);
	while (pads < 2 && pads < s.n && s.p[s.n - 1 - pads] == '=')
		pads++;
	return (s.n - pads) * 3 / 4;
}

uint32_t genai_sound_rate(struct str type, int64_t samples)
{
	static const char *const pcm[] = {"pcm16", "audio/pcm", "audio/l16"}, /* 16 bits */
		*const g711[] = {"g711_ulaw", "g711_alaw", "audio/pcmu", "audio/pcma"};

	for (size_t i = 0; i < sizeof(pcm) / sizeof(pcm[0]); i++)
		if (str_ieq(type, str_of(pcm[i])))
			return samples > 0 && samples <= SAMPLES_MAX ? (uint32_t)samples * 2 : 0;
	for (size_t i = 0; i < sizeof(g711) / sizeof(g711[0]); i++)
		if (str_ieq(type, str_of(g711[i])))
			return G711_RATE;
	return 0;
}

uint32_t genai_sound_rate_of(struct str mime)
{
	struct str type, rest = str_cut(mime, ';', &type), one, name;
	uint64_t samples = 0, n;

	while (rest.n > 0) {
		rest = str_cut(rest, ';', &one);
		struct str value = str_trim(str_cut(one, '=', &name));

		if (str_ieq(str_trim(name), STR("rate")) && str_to_u64(value, &n) && n <= SAMPLES_MAX)
			samples = n;
	}
	return genai_sound_rate(str_trim(type), (int64_t)samples);
}

void genai_sound_add(struct genai_sound *s, size_t bytes, uint32_t rate)
{
	s->bytes += bytes;
	if (rate > 0)
		s->ns += (uint64_t)bytes * NS_PER_S / rate;
	else
		s->untimed |= bytes > 0;
}

void genai_sound_join(struct genai_sound *s, const struct genai_sound *more)
{
	s->bytes += more->bytes;
	s->ns += more->ns;
	s->untimed |= more->untimed;
}

size_t genai_sound_seconds(const struct genai_sound *s, char out[GENAI_SOUND_TEXT])
{
	uint64_t us = (s->ns + 500) / 1000;
	int n;

	if (s->bytes == 0 || s->untimed)
		return 0;
	n = snprintf(out, GENAI_SOUND_TEXT, "%llu.%06llu", (unsigned long long)(us / 1000000),
		     (unsigned long long)(us % 1000000));
	if (n < 0 || n >= GENAI_SOUND_TEXT)
		return 0;
	while (out[n - 1] == '0')
		n--;
	return (size_t)(out[n - 1] == '.' ? n - 1 : n);
}

static void tell(struct genai_work *w, const struct genai_sound *s, const char *bytes, const char *seconds)
{
	struct arena *a = w->c.arena;
	char text[GENAI_SOUND_TEXT];
	size_t n = genai_sound_seconds(s, text);

	if (s->bytes > 0)
		genai_param_add_json(w, bytes, arena_printf(a, "%llu", (unsigned long long)s->bytes));
	if (n > 0)
		genai_param_add_json(w, seconds, arena_dup(a, str_make(text, n)));
}

void genai_sound_tell_heard(struct genai_work *w, const struct genai_sound *s)
{
	tell(w, s, "bottrace.audio.input_bytes", "bottrace.audio.input_seconds");
}

void genai_sound_tell_said(struct genai_work *w)
{
	tell(w, &w->sound, "bottrace.audio.output_bytes", "bottrace.audio.output_seconds");
}
