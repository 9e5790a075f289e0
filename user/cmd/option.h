/* SPDX-License-Identifier: BSD-2-Clause */
/* Options: one table from which parsing and help are made. */
#ifndef CMD_OPTION_H
#define CMD_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/drop.h"
#include "session/session.h"

enum option_kind {
	OPTION_FLAG,	 /* bool */
	OPTION_SWITCH,	 /* bool: on, off */
	OPTION_CLEAR,	 /* bool, becomes false: the last of two opposites counts */
	OPTION_VERBOSE,	 /* int, counted */
	OPTION_TEXT,	 /* const char * */
	OPTION_U64,	 /* uint64_t */
	OPTION_BYTES,	 /* uint64_t: 4096, 64k, 16M, 1G */
	OPTION_DURATION, /* uint64_t ns: 10, 10s, 500ms, 5m, 1h */
	OPTION_OUTPUT,	 /* session_settings.outputs: FORMAT[=FILE] */
	OPTION_COLOR,	 /* enum option_color */
	OPTION_PLAIN,	 /* enum session_plain */
	OPTION_KEEP,	 /* struct trace_rules: errors,slow>5s,cost>0.50 */
	OPTION_SAMPLE,	 /* uint64_t N: 1/N, N from 1 to OPTION_SAMPLE_MAX */
	OPTION_SHARE,	 /* uint64_t parts per million: 1%, 0.01%, up to 100% */
};

#define OPTION_SAMPLE_MAX 1000000u

enum option_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* What a word was called with. */
struct option_values {
	struct session_settings session;
	const char *server_name;
	uint64_t width;
	enum option_color color;
	int verbose;
	bool quiet, strict, digest, symbols, full;
	bool json;	 /* as -o json */
	bool state;	 /* show */
	const char *why; /* tree: a span's number; NULL */
	bool help;
	char **args; /* what is no option; NULL-terminated; points into argv */
	int arg_count;
};

struct option {
	const char *name; /* long name without dashes */
	char letter;	  /* 0: none */
	enum option_kind kind;
	size_t offset;	   /* in struct option_values */
	const char *value; /* placeholder in help; NULL for flags */
	const char *help;
};

/* Parses argv (without the word). until_args: the first argument that is no option ends them (run). EXIT_OK or
 * EXIT_USAGE after saying why. */
int option_parse(struct option_values *v, const char *word, const struct option *const *options, int argc,
		 char **argv, bool until_args) MUST_CHECK;
/* The options part of a help page. */
void option_help(struct buf *out, const struct option *const *options);

#endif
