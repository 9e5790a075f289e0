/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/option.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

/* ---- values ---- */

struct suffix {
	const char *text;
	uint64_t factor;
};

static const struct suffix byte_suffixes[] = {{"", 1},		 {"k", 1u << 10},   {"K", 1u << 10},
					      {"kB", 1000},	 {"KiB", 1u << 10}, {"M", 1u << 20},
					      {"MB", 1000000},	 {"MiB", 1u << 20}, {"G", 1u << 30},
					      {"GiB", 1u << 30}, {NULL, 0}};
static const struct suffix time_suffixes[] = {{"", 1000000000ull},
					      {"ns", 1},
					      {"us", 1000},
					      {"ms", 1000000},
					      {"s", 1000000000ull},
					      {"m", 60000000000ull},
					      {"h", 3600000000000ull},
					      {"d", 86400000000000ull},
					      {NULL, 0}};

static bool parse_scaled(const char *text, const struct suffix *suffixes, uint64_t *out)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t n;

	if (digits == 0 || !str_to_u64(str_make(text, digits), &n))
		return false;
	for (; suffixes->text; suffixes++) {
		if (strcmp(text + digits, suffixes->text) != 0)
			continue;
		return !__builtin_mul_overflow(n, suffixes->factor, out);
	}
	return false;
}

static bool parse_output(struct session_settings *s, const char *text)
{
	static const char *const names[] = {
		[SESSION_TEXT] = "text", [SESSION_JSON] = "json", [SESSION_JSONL] = "jsonl"};
	struct str format;
	struct str file = str_cut(str_of(text), '=', &format);

	if (s->output_count == SESSION_OUTPUTS_MAX || (file.p && file.n == 0))
		return false;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!str_eq(format, str_of(names[i])))
			continue;
		s->outputs[s->output_count++] =
			(struct session_output){.format = i, .file = file.p, .fd = -1};
		return true;
	}
	return false;
}

static const char *const colors[] = {
	[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never", NULL};
static const char *const plains[] = {
	[SESSION_PLAIN_AUTO] = "auto", [SESSION_PLAIN_ON] = "on", [SESSION_PLAIN_OFF] = "off", NULL};

static bool parse_name(unsigned *out, const char *const *names, const char *text)
{
	for (unsigned i = 0; names[i]; i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		*out = i;
		return true;
	}
	return false;
}

static bool parse_switch(bool *out, const char *text)
{
	*out = strcmp(text, "on") == 0;
	return *out || strcmp(text, "off") == 0;
}

static bool parse_sample(uint64_t *out, const char *text)
{
	uint64_t n;

	if (strncmp(text, "1/", 2) != 0 || !str_to_u64(str_of(text + 2), &n) || n == 0 ||
	    n > OPTION_SAMPLE_MAX)
		return false;
	*out = n;
	return true;
}

/* Of one core: above 0, at most 100%, to a millionth. */
static bool parse_share(uint64_t *out, const char *text)
{
	size_t whole = strspn(text, "0123456789"), part = 0;
	uint64_t ppm, rest = 0;

	if (whole == 0 || whole > 3 || !str_to_u64(str_make(text, whole), &ppm))
		return false;
	text += whole;
	if (*text == '.') {
		part = strspn(++text, "0123456789");
		if (part == 0 || part > 4 || !str_to_u64(str_make(text, part), &rest))
			return false;
		text += part;
	}
	for (; part < 4; part++)
		rest *= 10;
	ppm = ppm * 10000 + rest;
	if (strcmp(text, "%") != 0 || ppm == 0 || ppm > 1000000)
		return false;
	*out = ppm;
	return true;
}

static bool set(struct option_values *v, const struct option *o, const char *text)
{
	void *at = (char *)v + o->offset;

	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)at = true;
		return true;
	case OPTION_CLEAR:
		*(bool *)at = false;
		return true;
	case OPTION_SWITCH:
		return parse_switch(at, text);
	case OPTION_VERBOSE:
		++*(int *)at;
		return true;
	case OPTION_TEXT:
		*(const char **)at = text;
		return text[0] != '\0';
	case OPTION_U64:
		return str_to_u64(str_of(text), at);
	case OPTION_BYTES:
		return parse_scaled(text, byte_suffixes, at);
	case OPTION_DURATION:
		return parse_scaled(text, time_suffixes, at);
	case OPTION_OUTPUT:
		return parse_output(at, text);
	case OPTION_COLOR:
		return parse_name(at, colors, text);
	case OPTION_PLAIN:
		return parse_name(at, plains, text);
	case OPTION_KEEP:
		return trace_rules_parse(str_of(text), at) == NULL;
	case OPTION_SAMPLE:
		return parse_sample(at, text);
	case OPTION_SHARE:
		return parse_share(at, text);
	}
	return false;
}

/* ---- parsing ---- */

static const struct option *find(const struct option *const *options, struct str name, char letter)
{
	for (; *options; options++) {
		if (letter ? (*options)->letter == letter : str_eq(name, str_of((*options)->name)))
			return *options;
	}
	return NULL;
}

static bool takes_value(const struct option *o)
{
	return o->kind != OPTION_FLAG && o->kind != OPTION_CLEAR && o->kind != OPTION_VERBOSE;
}

struct parser {
	struct option_values *v;
	const char *word;
	const struct option *const *options;
	int argc, at;
	char **argv;
};

static int usage(const struct parser *p, const char *cause, const char *what)
{
	char hint[80];

	snprintf(hint, sizeof(hint), "bottrace help %s", p->word);
	return err_say(EXIT_USAGE, hint, "%s %s", cause, what);
}

static int apply(struct parser *p, const struct option *o, const char *value, const char *as_typed)
{
	if (takes_value(o) && value == NULL) {
		if (p->at + 1 >= p->argc)
			return usage(p, "a value is missing after", as_typed);
		value = p->argv[++p->at];
	} else if (!takes_value(o) && value != NULL) {
		return usage(p, "no value can be given to", as_typed);
	}
	if (!set(p->v, o, value)) {
		struct trace_rules none;
		char hint[160];

		if (o->kind == OPTION_KEEP)
			return err_say(EXIT_USAGE, trace_rules_parse(str_of(value), &none),
				       "bad value for --%s: %s", o->name, value);

		snprintf(hint, sizeof(hint), "--%s %s: %s", o->name, o->value ? o->value : "", o->help);
		return err_say(EXIT_USAGE, hint, "bad value for --%s: %s", o->name, value ? value : "");
	}
	return EXIT_OK;
}

static int parse_long(struct parser *p, const char *arg)
{
	struct str name;
	struct str value = str_cut(str_of(arg + 2), '=', &name);
	const struct option *o = find(p->options, name, 0);

	if (o == NULL)
		return usage(p, "unknown option", arg);
	return apply(p, o, value.p, arg);
}

static int parse_letters(struct parser *p, const char *arg)
{
	for (const char *l = arg + 1; *l; l++) {
		const struct option *o = find(p->options, STR_NONE, *l);

		if (o == NULL)
			return usage(p, "unknown option", arg);
		if (takes_value(o))
			return apply(p, o, l[1] ? l + 1 : NULL, arg);
		int code = apply(p, o, NULL, arg);
		if (code != EXIT_OK)
			return code;
	}
	return EXIT_OK;
}

int option_parse(struct option_values *v, const char *word, const struct option *const *options, int argc,
		 char **argv, bool until_args)
{
	struct parser p = {.v = v, .word = word, .options = options, .argc = argc, .argv = argv};
	int kept = 0;

	v->args = argv;
	for (p.at = 0; p.at < argc; p.at++) {
		char *arg = argv[p.at];
		int code;

		if (strcmp(arg, "--") == 0 || (until_args && arg[0] != '-')) {
			p.at += arg[0] == '-';
			break;
		}
		if (arg[0] != '-' || arg[1] == '\0') {
			argv[kept++] = arg;
			continue;
		}
		code = arg[1] == '-' ? parse_long(&p, arg) : parse_letters(&p, arg);
		if (code != EXIT_OK)
			return code;
	}
	while (p.at < argc)
		argv[kept++] = argv[p.at++];
	argv[kept] = NULL; /* argv is one longer than argc */
	v->arg_count = kept;
	return EXIT_OK;
}

/* ---- help ---- */

void option_help(struct buf *out, const struct option *const *options)
{
	for (; *options; options++) {
		const struct option *o = *options;
		char left[64];

		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		buf_addf(out, "  %-28s %s\n", left, o->help);
	}
}
