/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of words, and the door: what argv says is done, and help says what there is. */
#include "cmd/word.h"

#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/err.h"
#include "cmd/cmd.h"
#include "stream.h"

/* ---- options of words ---- */

/* Where an option of this name must arrive, whatever the word. */
static const struct {
	const char *name, *value;
	size_t offset, size;
} fields[] = {
#define FIELD(name, value, member)                                   \
	{                                                            \
		name, value, offsetof(struct option_values, member), \
			sizeof(((struct option_values *)0)->member)  \
	}
	FIELD("help", NULL, help),
	FIELD("quiet", NULL, quiet),
	FIELD("verbose", NULL, verbose),
	FIELD("strict", NULL, strict),
	FIELD("output", "json", session.output_count),
	FIELD("full", NULL, full),
	FIELD("tape", "FILE", session.tape),
	FIELD("prices", "FILE", session.prices_file),
	FIELD("rules", "FILE", session.rules_file),
	FIELD("digest", NULL, digest),
	FIELD("symbol-sites", NULL, symbols),
	FIELD("ring-size", "64k", session.ring_bytes),
	FIELD("rate-bytes", "64M", session.rate_bytes),
	FIELD("rate-calls", "5000", session.rate_calls),
	FIELD("plain", "off", session.plain),
	FIELD("duration", "3s", session.duration_ns),
	FIELD("light", NULL, session.light),
	FIELD("stacks", "on", session.stacks),
	FIELD("events", "on", session.events),
	FIELD("keep", "slow>5s", session.keep),
	FIELD("sample", "1/10", session.sample_n),
	FIELD("budget", "1%", session.budget_ppm),
	FIELD("no-children", NULL, session.no_children),
	FIELD("color", "never", color),
	FIELD("width", "80", width),
	FIELD("server-name", "host", server_name),
	FIELD("json", NULL, json),
	FIELD("state", NULL, state),
	FIELD("why", "N", why),
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static size_t field_of(const char *name)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (strcmp(fields[i].name, name) == 0)
			return i;
	fail_msg("no field is known for --%s: extend `fields`", name);
	return 0;
}

static void is_set_alone(const struct option_values *v, size_t field)
{
	static const unsigned char zeros[64];

	for (size_t i = 0; i < FIELDS; i++) {
		bool is_zero = memcmp((const char *)v + fields[i].offset, zeros, fields[i].size) == 0;

		if (is_zero == (i == field))
			fail_msg("--%s: the field of --%s is %s",
				 field < FIELDS ? fields[field].name : "nothing", fields[i].name,
				 is_zero ? "not set" : "set");
	}
}

/* What takes another option back is told with that one. */
static void is_taken_back(const struct word *w, const struct option *back)
{
	struct option_values v = {0};
	char set[64], clear[64], *argv[] = {set, clear, NULL};

	snprintf(set, sizeof(set), "--no-%s", back->name);
	snprintf(clear, sizeof(clear), "--%s", back->name);
	assert_int_equal(option_parse(&v, w->name, w->options, 1, argv, w->until_args), EXIT_OK);
	is_set_alone(&v, field_of(set + 2));
	argv[0] = set;
	argv[1] = clear;
	assert_int_equal(option_parse(&v, w->name, w->options, 2, argv, w->until_args), EXIT_OK);
	is_set_alone(&v, FIELDS);
}

static void every_option_arrives(void **state)
{
	size_t options = 0;
	(void)state;

	for (const struct word *w = word_table; w->name; w++) {
		for (const struct option *const *o = w->options; *o; o++) {
			if ((*o)->kind == OPTION_CLEAR) {
				is_taken_back(w, *o);
				continue;
			}
			size_t field = field_of((*o)->name);
			const char *value = fields[field].value;
			char longer[64], shorter[64];

			assert_int_equal((*o)->value == NULL, value == NULL);
			snprintf(longer, sizeof(longer), "--%s%s%s", (*o)->name, value ? "=" : "",
				 value ? value : "");
			snprintf(shorter, sizeof(shorter), "-%c%s", (*o)->letter, value ? value : "");
			for (int form = 0; form < 1 + ((*o)->letter != 0); form++) {
				struct option_values v = {0};
				char *argv[] = {form ? shorter : longer, NULL};

				assert_int_equal(
					option_parse(&v, w->name, w->options, 1, argv, w->until_args),
					EXIT_OK);
				is_set_alone(&v, field);
			}
			options++;
		}
	}
	assert_true(options > 40);
}

static void names_and_letters_are_unique(void **state)
{
	(void)state;
	for (const struct word *w = word_table; w->name; w++) {
		for (const struct word *u = word_table; u != w; u++)
			assert_string_not_equal(u->name, w->name);
		for (const struct option *const *o = w->options; *o; o++)
			for (const struct option *const *p = w->options; p != o; p++) {
				assert_string_not_equal((*p)->name, (*o)->name);
				assert_true((*p)->letter == 0 || (*p)->letter != (*o)->letter);
			}
	}
}

/* ---- names ---- */

static void nearest(void **state)
{
	static const char *const cases[][2] = {
		{"tre", "tree"},
		{"treee", "tree"},
		{"ttree", "tree"},
		{"rum", "run"},
		{"ru", "run"},
		{"atach", "attach"},
		{"attahc", "attach"},
		{"attacher", "attach"},
		{"shwo", "show"},
		{"decod", "decode"},
		{"docter", "doctor"},
		{"hlep", "help"},
		{"verison", "version"},
		{"RUN", NULL},
		{"xyzzy", NULL},
		{"", NULL},
		{"x", NULL},
		{"a-word-that-is-far-too-long-to-be-any-of-ours", NULL},
		{"attachattachattach", NULL},
		{"\xff\xfe\xfd", NULL},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = word_nearest(cases[i][0]);

		if ((got == NULL) != (cases[i][1] == NULL) || (got && strcmp(got, cases[i][1]) != 0))
			fail_msg("%s: got %s, want %s", cases[i][0], got ? got : "none",
				 cases[i][1] ? cases[i][1] : "none");
	}
}

/* Calls the door; what it wrote to both descriptors. */
static int door(struct buf *out, struct buf *said, char **argv)
{
	struct stream one, two;
	int argc = 0;

	while (argv[argc])
		argc++;
	buf_init(out, 1u << 20);
	buf_init(said, 1u << 16);
	stream_start(&one, STDOUT_FILENO);
	stream_start(&two, STDERR_FILENO);
	int code = cmd_main(argc, argv);
	stream_stop(&two, said);
	stream_stop(&one, out);
	err_set_level(ERR_NORMAL);
	return code;
}

#define DOOR(out, said, ...) door((out), (said), (char *[]){"bottrace", __VA_ARGS__, NULL})

static void unknown_words(void **state)
{
	struct buf out, said;
	(void)state;

	assert_int_equal(DOOR(&out, &said, "tre"), EXIT_USAGE);
	HARNESS_TEXT("said", buf_str(&said),
		     "bottrace: unknown word: tre\nhint: did you mean: bottrace tree\n");
	HARNESS_TEXT("out", buf_str(&out), "");
	buf_fini(&said);
	buf_fini(&out);
	assert_int_equal(DOOR(&out, &said, "--nope"), EXIT_USAGE);
	HARNESS_TEXT("said", buf_str(&said), "bottrace: unknown word: --nope\nhint: bottrace help\n");
	buf_fini(&said);
	buf_fini(&out);
}

/* ---- help ---- */

static size_t count_lines(struct str s, size_t *widest)
{
	struct str line;
	size_t n = 0;

	for (*widest = 0; s.n > 0; n++) {
		s = str_cut(s, '\n', &line);
		size_t width = 0; /* characters: none of ours is wide */
		for (size_t i = 0; i < line.n; i++)
			width += (line.p[i] & 0xc0) != 0x80;
		*widest = width > *widest ? width : *widest;
	}
	return n;
}

static void overview_fits_a_terminal(void **state)
{
	struct buf first, out, said;
	size_t widest;
	(void)state;

	assert_int_equal(DOOR(&first, &said, "help"), EXIT_OK);
	HARNESS_TEXT("said", buf_str(&said), "");
	buf_fini(&said);
	assert_in_range(count_lines(buf_str(&first), &widest), 10, 24);
	assert_in_range(widest, 20, 100);
	for (const struct word *w = word_table; w->name; w++) {
		char line[64];

		snprintf(line, sizeof(line), "\n  %-9s ", w->name);
		assert_int_equal(str_find(buf_str(&first), str_of(line)) >= 0, w->group != NULL);
	}
	/* The same page, asked for in other ways; nothing at all is a usage error with it. */
	static char *const ways[] = {"--help", "-h", NULL};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		assert_int_equal(DOOR(&out, &said, ways[i]), ways[i] ? EXIT_OK : EXIT_USAGE);
		harness_assert_text("help", buf_str(&out), buf_str(&first));
		buf_fini(&said);
		buf_fini(&out);
	}
	buf_fini(&first);
}

static void every_word_has_help(void **state)
{
	(void)state;
	for (const struct word *w = word_table; w->name; w++) {
		struct buf out, said, again;
		char want[160];
		size_t widest;

		int code = DOOR(&out, &said, "help", (char *)w->name);
		buf_fini(&said);
		assert_int_equal(code, w->group ? EXIT_OK : EXIT_USAGE);
		if (w->group == NULL) {
			buf_fini(&out);
			continue;
		}
		snprintf(want, sizeof(want), "bottrace %s: %s\n", w->name, w->summary);
		assert_true(str_starts(buf_str(&out), str_of(want)));
		snprintf(want, sizeof(want), "\nusage: bottrace %s %s\n", w->name, w->synopsis);
		assert_says(buf_str(&out), want);
		snprintf(want, sizeof(want), "\n  bottrace %s", w->name); /* an example */
		assert_says(buf_str(&out), want);
		for (const struct option *const *o = w->options; *o; o++) {
			snprintf(want, sizeof(want), " --%s", (*o)->name);
			assert_says(buf_str(&out), want);
			assert_says(buf_str(&out), (*o)->help);
		}
		assert_in_range(count_lines(buf_str(&out), &widest), 5, 40);
		assert_in_range(widest, 20, 120);
		assert_int_equal(DOOR(&again, &said, (char *)w->name, "--help"), EXIT_OK);
		harness_assert_text(w->name, buf_str(&again), buf_str(&out));
		buf_fini(&said);
		buf_fini(&again);
		buf_fini(&out);
	}
}

static void topics(void **state)
{
	static char *const names[] = {"privileges", "exit-codes", "redaction", "limits"};
	struct buf out, said;
	size_t widest;
	(void)state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(DOOR(&out, &said, "help", names[i]), EXIT_OK);
		assert_true(count_lines(buf_str(&out), &widest) > 2);
		assert_in_range(widest, 20, 120);
		buf_fini(&out);
		buf_fini(&said);
	}
	assert_int_equal(DOOR(&out, &said, "help", "nothing"), EXIT_USAGE);
	HARNESS_TEXT("said", buf_str(&said), "bottrace: no help on: nothing\nhint: bottrace help\n");
	buf_fini(&out);
	buf_fini(&said);
}

static void version(void **state)
{
	static char *const ways[] = {"version", "--version", "-V"};
	(void)state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct buf out, said;

		assert_int_equal(DOOR(&out, &said, ways[i]), EXIT_OK);
		assert_says(buf_str(&out), BOTTRACE_VERSION);
		buf_fini(&out);
		buf_fini(&said);
	}
}

/* Words that read say what is missing, each with its own line of remedy. */
static void wrong_arguments(void **state)
{
	static const char *const cases[][5] = {
		{"tree"},
		{"tree", "a", "b"},
		{"show", "a"},
		{"show", "a", "x"},
		{"show", "a", "0.1"},
		{"show", "a", "1.1.1"},
		{"decode"},
		{"decode", "a", "b", "c"},
		{"tree", "-o", "json=file", "a"},
		{"tree", "-ojson", "-otext", "a"},
		{"decode", "-o", "json=file", "a"},
		{"attach"},
		{"attach", "x"},
		{"run"},
		{"run", "--"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[7] = {"bottrace"};
		struct buf out, said;

		memcpy(argv + 1, cases[i], sizeof(cases[i]));
		int code = door(&out, &said, argv);
		if (code != EXIT_USAGE)
			fail_msg("%s %s: got %d: %.*s", argv[1], argv[2] ? argv[2] : "", code,
				 STR_ARG(buf_str(&said)));
		assert_says(buf_str(&said), "\nhint: ");
		HARNESS_TEXT("out", buf_str(&out), "");
		buf_fini(&out);
		buf_fini(&said);
	}
}

/* ---- style ---- */

static void style_of_a_pipe(void **state)
{
	struct option_values v = {.width = 99};
	int ends[2];
	(void)state;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(word_style(&v, ends[1]).columns, 99);
	v.width = 0;
	assert_int_equal(word_style(&v, ends[1]).columns, 0);
	assert_false(word_style(&v, ends[1]).colour);
	v.color = COLOR_ALWAYS;
	assert_true(word_style(&v, ends[1]).colour);
	close(ends[0]);
	close(ends[1]);
}

static void style_of_a_terminal(void **state)
{
	struct winsize size = {.ws_row = 24, .ws_col = 77};
	struct option_values v = {0};
	int outer, inner;
	(void)state;

	if (openpty(&outer, &inner, NULL, NULL, &size) < 0) {
		print_message("skipped: no pseudo-terminal\n");
		skip();
	}
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	assert_int_equal(word_style(&v, inner).columns, 77);
	assert_true(word_style(&v, inner).colour);
	setenv("NO_COLOR", "", 1); /* no-color.org: when present and not an empty string */
	assert_true(word_style(&v, inner).colour);
	setenv("NO_COLOR", "1", 1);
	assert_false(word_style(&v, inner).colour);
	v.color = COLOR_ALWAYS;
	assert_true(word_style(&v, inner).colour);
	unsetenv("NO_COLOR");
	v.color = COLOR_AUTO;
	setenv("TERM", "dumb", 1);
	assert_false(word_style(&v, inner).colour);
	setenv("TERM", "xterm", 1);
	v.color = COLOR_NEVER;
	assert_false(word_style(&v, inner).colour);
	v.width = 40;
	assert_int_equal(word_style(&v, inner).columns, 40);
	close(outer);
	close(inner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_arrives),
		cmocka_unit_test(names_and_letters_are_unique),
		cmocka_unit_test(nearest),
		cmocka_unit_test(unknown_words),
		cmocka_unit_test(overview_fits_a_terminal),
		cmocka_unit_test(every_word_has_help),
		cmocka_unit_test(topics),
		cmocka_unit_test(version),
		cmocka_unit_test(wrong_arguments),
		cmocka_unit_test(style_of_a_pipe),
		cmocka_unit_test(style_of_a_terminal),
	};

	return cmocka_run_group_tests_name("cmd word", tests, NULL, NULL);
}
