/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "stream.h"

#define AT(member) offsetof(struct option_values, member)

static const struct option flag = {"flag", 'f', OPTION_FLAG, AT(strict), NULL, "a flag"};
static const struct option other = {"other", 'x', OPTION_FLAG, AT(digest), NULL, "another flag"};
static const struct option verbose = {"verbose", 'v', OPTION_VERBOSE, AT(verbose), NULL, "say more"};
static const struct option text = {"text", 't', OPTION_TEXT, AT(server_name), "TEXT", "some text"};
static const struct option number = {"number", 'n', OPTION_U64, AT(width), "N", "a number"};
static const struct option bytes = {"bytes", 'b', OPTION_BYTES, AT(session.ring_bytes), "BYTES", "a size"};
static const struct option duration = {"duration", 'd',	    OPTION_DURATION, AT(session.duration_ns),
				       "T",	   "a time"};
static const struct option output = {"output", 'o', OPTION_OUTPUT, AT(session), "FORMAT", "an output"};
static const struct option color = {"color", 0, OPTION_COLOR, AT(color), "WHEN", "colour"};
static const struct option sample = {"sample", 's', OPTION_SAMPLE, AT(session.sample_n), "1/N", "one in N"};
static const struct option share = {"share", 'p', OPTION_SHARE, AT(session.budget_ppm), "P%", "a share"};
static const struct option clear = {"no-flag", 0, OPTION_CLEAR, AT(strict), NULL, "not the flag"};
static const struct option *const all[] = {&flag,   &other, &verbose, &text,  &number, &bytes, &duration,
					   &output, &color, &sample,  &share, &clear,  NULL};

#define ARGS_MAX 16

struct parsed {
	struct option_values v;
	int code;
	int owned_count;
	char *owned[ARGS_MAX]; /* heap copies of their size: the sanitizer sees every look beyond */
	char *argv[ARGS_MAX + 1];
	struct buf said;
};

static void parse(struct parsed *p, bool until_args, const char *const *args)
{
	struct stream s;

	memset(p, 0, sizeof(*p));
	buf_init(&p->said, 1u << 16);
	for (int n = 0; args[n]; n++)
		p->argv[n] = p->owned[p->owned_count++] = str_dup(str_of(args[n]));
	stream_start(&s, STDERR_FILENO);
	p->code = option_parse(&p->v, "word", all, p->owned_count, p->argv, until_args);
	stream_stop(&s, &p->said);
}

static void parsed_fini(struct parsed *p)
{
	for (int i = 0; i < p->owned_count; i++)
		free(p->owned[i]);
	buf_fini(&p->said);
}

#define PARSE(p, until_args, ...) parse((p), (until_args), (const char *const[]){__VA_ARGS__, NULL})

static void assert_args(const struct parsed *p, const char *want)
{
	struct buf got;

	buf_init(&got, 1u << 16);
	for (int i = 0; i < p->v.arg_count; i++)
		buf_addf(&got, "[%s]", p->v.args[i]);
	assert_int_equal(p->code, EXIT_OK);
	HARNESS_TEXT("arguments", buf_str(&got), want);
	assert_null(p->v.args[p->v.arg_count]);
	buf_fini(&got);
}

/* ---- values ---- */

static void every_kind_in_every_form(void **state)
{
	static const char *const forms[][3] = {
		{"--flag"},
		{"-f"},
		{"--text", "a b"},
		{"--text=a b"},
		{"-t", "a b"},
		{"-ta b"},
		{"--number", "80"},
		{"--number=80"},
		{"-n80"},
		{"--bytes=64k"},
		{"-b", "64k"},
		{"--duration=1m"},
		{"-d1m"},
		{"--output=jsonl=f"},
		{"-ojsonl=f"},
		{"--color=never"},
		{"--sample=1/10"},
		{"-s", "1/10"},
		{"--share", "1.5%"},
		{"-p1.5%"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct parsed p;
		struct option_values want = {0};

		parse(&p, false, forms[i]);
		assert_args(&p, "");
		/* Exactly one field is set. */
		switch (forms[i][0][1] == '-' ? forms[i][0][2] : forms[i][0][1]) {
		case 'f':
			want.strict = true;
			break;
		case 't':
			assert_string_equal(p.v.server_name, "a b");
			want.server_name = p.v.server_name;
			break;
		case 'n':
			want.width = 80;
			break;
		case 'b':
			want.session.ring_bytes = 65536;
			break;
		case 'd':
			want.session.duration_ns = 60000000000;
			break;
		case 'o':
			want.session.output_count = 1;
			want.session.outputs[0] = p.v.session.outputs[0];
			assert_int_equal(p.v.session.outputs[0].format, SESSION_JSONL);
			assert_string_equal(p.v.session.outputs[0].file, "f");
			break;
		case 's':
			if (forms[i][0][1] == '-' && forms[i][0][3] == 'h')
				want.session.budget_ppm = 15000;
			else
				want.session.sample_n = 10;
			break;
		case 'p':
			want.session.budget_ppm = 15000;
			break;
		case 'c':
			want.color = COLOR_NEVER;
			break;
		}
		want.args = p.v.args;
		assert_memory_equal(&p.v, &want, sizeof(want));
		parsed_fini(&p);
	}
}

static void scales(void **state)
{
	static const struct {
		const char *arg;
		uint64_t want;
	} cases[] = {
		{"--bytes=0", 0},
		{"--bytes=4096", 4096},
		{"--bytes=64k", 65536},
		{"--bytes=64K", 65536},
		{"--bytes=64KiB", 65536},
		{"--bytes=64kB", 64000},
		{"--bytes=16M", 16777216},
		{"--bytes=16MiB", 16777216},
		{"--bytes=16MB", 16000000},
		{"--bytes=1G", 1073741824},
		{"--bytes=2GiB", 2147483648},
		{"--bytes=18446744073709551615", UINT64_MAX},
		{"--duration=10", 10000000000},
		{"--duration=10s", 10000000000},
		{"--duration=500ms", 500000000},
		{"--duration=7us", 7000},
		{"--duration=7ns", 7},
		{"--duration=5m", 300000000000},
		{"--duration=1h", 3600000000000},
		{"--duration=1d", 86400000000000},
		{"--number=18446744073709551615", UINT64_MAX},
		{"--sample=1/1", 1},
		{"--sample=1/2", 2},
		{"--sample=1/1000000", 1000000},
		{"--share=1%", 10000},
		{"--share=0.0001%", 1},
		{"--share=0.01%", 100},
		{"--share=0.5%", 5000},
		{"--share=12.25%", 122500},
		{"--share=100%", 1000000},
		{"--share=100.0000%", 1000000},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed p;

		PARSE(&p, false, cases[i].arg);
		assert_int_equal(p.code, EXIT_OK);
		uint64_t got = cases[i].arg[2] == 'b'		       ? p.v.session.ring_bytes
			       : strncmp(cases[i].arg, "--sa", 4) == 0 ? p.v.session.sample_n
			       : strncmp(cases[i].arg, "--sh", 4) == 0 ? p.v.session.budget_ppm
			       : cases[i].arg[2] == 'd'		       ? p.v.session.duration_ns
								       : p.v.width;
		if (got != cases[i].want)
			fail_msg("%s: got %llu", cases[i].arg, (unsigned long long)got);
		parsed_fini(&p);
	}
}

static void bad_values(void **state)
{
	static const char *const bad[] = {
		"--bytes=",
		"--bytes=k",
		"--bytes=-1",
		"--bytes=1.5k",
		"--bytes=1 k",
		"--bytes=1kk",
		"--bytes=18446744073709551616",
		"--bytes=18446744073709551615k",
		"--bytes=0x10",
		"--duration=",
		"--duration=s",
		"--duration=10S",
		"--duration=-1s",
		"--duration=1d1h",
		"--duration=999999999999d",
		"--number=",
		"--number=12a",
		"--number=-1",
		"--number= 1",
		"--number=18446744073709551616",
		"--text=",
		"--output=",
		"--output=xml",
		"--output=json=",
		"--output==f",
		"--output=JSON",
		"--output= json",
		"--sample=",
		"--sample=1",
		"--sample=10",
		"--sample=1/",
		"--sample=1/0",
		"--sample=1/1000001",
		"--sample=1/18446744073709551617",
		"--sample=2/10",
		"--sample=01/10",
		"--sample=1/-2",
		"--sample=1/ 2",
		"--sample=1/2x",
		"--sample=0.1",
		"--sample=10%",
		"--share=",
		"--share=%",
		"--share=1",
		"--share=0%",
		"--share=0.0000%",
		"--share=0.00001%",
		"--share=.5%",
		"--share=1.%",
		"--share=100.0001%",
		"--share=101%",
		"--share=1000%",
		"--share=-1%",
		"--share=1 %",
		"--share=1%%",
		"--share=1,5%",
		"--color=",
		"--color=yes",
		"--color=autoauto",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct parsed p;

		PARSE(&p, false, bad[i]);
		if (p.code != EXIT_USAGE)
			fail_msg("%s is accepted", bad[i]);
		assert_says(buf_str(&p.said), "bottrace: bad value for --");
		assert_says(buf_str(&p.said), strchr(bad[i], '=') + 1);
		assert_says(buf_str(&p.said), "\nhint: --");
		parsed_fini(&p);
	}
}

static void opposites(void **state)
{
	struct parsed p;
	(void)state;

	PARSE(&p, false, "--flag", "--no-flag");
	assert_args(&p, "");
	assert_false(p.v.strict);
	parsed_fini(&p);
	PARSE(&p, false, "--no-flag", "--flag");
	assert_true(p.v.strict);
	parsed_fini(&p);
}

static void not_as_meant(void **state)
{
	static const struct {
		const char *args[3];
		const char *says;
	} cases[] = {
		{{"--nope"}, "unknown option --nope\nhint: bottrace help word\n"},
		{{"--nope=1"}, "unknown option --nope=1\n"},
		{{"--fla"},
		 "unknown option --fla\n"}, /* no guessing: a new option would change what it means */
		{{"--flags"}, "unknown option --flags\n"},
		{{"-q"}, "unknown option -q\n"},
		{{"-fq"}, "unknown option -fq\n"},
		{{"-f-"}, "unknown option -f-\n"},
		{{"-c"}, "unknown option -c\n"}, /* an option without a letter */
		{{"--no-flag=1"}, "no value can be given to --no-flag=1\n"},
		{{"---flag"}, "unknown option ---flag\n"},
		{{"--=x"}, "unknown option --=x\n"},
		{{"--flag=1"}, "no value can be given to --flag=1\n"},
		{{"--verbose="}, "no value can be given to --verbose=\n"},
		{{"--text"}, "a value is missing after --text\n"},
		{{"-t"}, "a value is missing after -t\n"},
		{{"-fvt"}, "a value is missing after -fvt\n"},
		{{"x", "--bytes"}, "a value is missing after --bytes\n"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed p;

		parse(&p, false, cases[i].args);
		assert_int_equal(p.code, EXIT_USAGE);
		assert_says(buf_str(&p.said), cases[i].says);
		parsed_fini(&p);
	}
}

/* ---- outputs ---- */

static void outputs(void **state)
{
	struct parsed p;
	(void)state;

	PARSE(&p, false, "-o", "text", "-ojson=a=b", "--output", "jsonl=-", "arg");
	assert_args(&p, "[arg]");
	assert_int_equal(p.v.session.output_count, 3);
	assert_int_equal(p.v.session.outputs[0].format, SESSION_TEXT);
	assert_null(p.v.session.outputs[0].file);
	assert_int_equal(p.v.session.outputs[0].fd, -1);
	assert_int_equal(p.v.session.outputs[1].format, SESSION_JSON);
	assert_string_equal(p.v.session.outputs[1].file, "a=b"); /* only the first = parts */
	assert_int_equal(p.v.session.outputs[2].format, SESSION_JSONL);
	assert_string_equal(p.v.session.outputs[2].file, "-");
	parsed_fini(&p);
	PARSE(&p, false, "-ojson", "-ojson", "-ojson", "-ojson", "-ojson", "-ojson", "-ojson", "-ojson");
	assert_int_equal(p.code, EXIT_OK);
	assert_int_equal(p.v.session.output_count, SESSION_OUTPUTS_MAX);
	parsed_fini(&p);
	PARSE(&p, false, "-ojson", "-ojson", "-ojson", "-ojson", "-ojson", "-ojson", "-ojson", "-ojson",
	      "-ojson");
	assert_int_equal(p.code, EXIT_USAGE);
	parsed_fini(&p);
}

/* ---- letters, arguments, the end of options ---- */

static void letters_joined(void **state)
{
	struct parsed p;
	(void)state;

	PARSE(&p, false, "-fxvv", "-v", "--verbose", "-vn7");
	assert_args(&p, "");
	assert_true(p.v.strict && p.v.digest);
	assert_int_equal(p.v.verbose, 5);
	assert_int_equal(p.v.width, 7);
	parsed_fini(&p);
	PARSE(&p, false, "-ft-x", "-n",
	      "9"); /* what stands behind a letter that takes a value is the value */
	assert_args(&p, "");
	assert_string_equal(p.v.server_name, "-x");
	assert_false(p.v.digest);
	parsed_fini(&p);
}

static void arguments_between(void **state)
{
	struct parsed p;
	(void)state;

	PARSE(&p, false, "a", "-f", "-", "", "--text", "--", "b", "-v");
	assert_args(&p, "[a][-][][b]");
	assert_string_equal(p.v.server_name, "--"); /* asked for a value, it takes what comes */
	assert_int_equal(p.v.verbose, 1);
	parsed_fini(&p);
	PARSE(&p, false, "a", "-f", "--", "-v", "--", "--nope");
	assert_args(&p, "[a][-v][--][--nope]");
	assert_int_equal(p.v.verbose, 0);
	parsed_fini(&p);
	parse(&p, false, (const char *const[]){NULL});
	assert_args(&p, "");
	parsed_fini(&p);
}

static void until_the_command(void **state)
{
	struct parsed p;
	(void)state;

	PARSE(&p, true, "-f", "--", "python", "-v", "--flag");
	assert_args(&p, "[python][-v][--flag]");
	assert_true(p.v.strict);
	assert_int_equal(p.v.verbose, 0);
	parsed_fini(&p);
	PARSE(&p, true, "-n", "7", "python", "-v", "--", "-x"); /* the command's own -- is its own */
	assert_args(&p, "[python][-v][--][-x]");
	assert_int_equal(p.v.width, 7);
	assert_false(p.v.digest);
	parsed_fini(&p);
	PARSE(&p, true, "--", "--", "x");
	assert_args(&p, "[--][x]");
	parsed_fini(&p);
	PARSE(&p, true, "", "-f"); /* an empty command is a command; that it cannot be run is said later */
	assert_args(&p, "[][-f]");
	parsed_fini(&p);
	PARSE(&p, true, "--nope", "python");
	assert_int_equal(p.code, EXIT_USAGE);
	parsed_fini(&p);
}

/* ---- anything at all ---- */

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

/* Words that options are made of, and bytes that they are not. */
static void random_arg(uint64_t *seed, struct buf *arg)
{
	static const char *const words[] = {
		"-",	"--",	  "=",	   "f",	    "v",    "t",    "n", "b",
		"flag", "output", "bytes", "color", "json", "text", "1", "18446744073709551615",
		"k",	"GiB",	  "ms",	   "\x01",  "\x80", "\xff", " ", "duration"};

	buf_clear(arg);
	for (uint64_t n = random_next(seed) % 6; n > 0; n--)
		buf_add(arg, str_of(words[random_next(seed) % (sizeof(words) / sizeof(words[0]))]));
}

static void anything(void **state)
{
	size_t accepted = 0;
	uint64_t seed = 88172645463325252u;
	struct stream s;
	(void)state;

	stream_start(&s, STDERR_FILENO);
	for (int round = 0; round < 20000; round++) {
		char *argv[ARGS_MAX + 1] = {0}, *owned[ARGS_MAX];
		struct option_values v = {0};
		int argc = (int)(random_next(&seed) % ARGS_MAX);
		struct buf arg;

		buf_init(&arg, 1u << 16);
		for (int i = 0; i < argc; i++) {
			random_arg(&seed, &arg);
			argv[i] = owned[i] = str_dup(buf_str(&arg));
		}
		buf_fini(&arg);
		int code = option_parse(&v, "word", all, argc, argv, round % 2);
		assert_true(code == EXIT_OK || code == EXIT_USAGE);
		accepted += code == EXIT_OK;
		if (code == EXIT_OK) {
			/* What it calls arguments are arguments that were given, in their order. */
			int from = 0;

			assert_in_range(v.arg_count, 0, argc);
			assert_null(v.args[v.arg_count]);
			for (int i = 0; i < v.arg_count; i++) {
				while (from < argc && owned[from] != v.args[i])
					from++;
				assert_true(from++ < argc);
			}
			assert_in_range(v.session.output_count, 0, SESSION_OUTPUTS_MAX);
		}
		for (int i = 0; i < argc; i++)
			free(owned[i]);
	}
	stream_stop(&s, NULL);
	assert_in_range(accepted, 1000, 19000); /* both happen */
}

static void help_lines(void **state)
{
	struct buf out;
	(void)state;

	buf_init(&out, 1u << 16);
	option_help(&out, (const struct option *const[]){&flag, &color, &text, NULL});
	HARNESS_TEXT("help", buf_str(&out),
		     "  -f, --flag                   a flag\n"
		     "      --color WHEN             colour\n"
		     "  -t, --text TEXT              some text\n");
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_in_every_form),
		cmocka_unit_test(scales),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(opposites),
		cmocka_unit_test(not_as_meant),
		cmocka_unit_test(outputs),
		cmocka_unit_test(letters_joined),
		cmocka_unit_test(arguments_between),
		cmocka_unit_test(until_the_command),
		cmocka_unit_test(anything),
		cmocka_unit_test(help_lines),
	};

	return cmocka_run_group_tests_name("cmd option", tests, NULL, NULL);
}
