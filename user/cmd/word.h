/* SPDX-License-Identifier: BSD-2-Clause */
/* The words: one row each in word.c, one function each in a file of its name. */
#ifndef CMD_WORD_H
#define CMD_WORD_H

#include "base/buf.h"
#include "cmd/option.h"

struct word {
	const char *name;
	const char *group;    /* heading in `bottrace help`; NULL: hidden */
	const char *synopsis; /* behind the word */
	const char *summary;  /* one line */
	const char *examples; /* lines, indented by two */
	const char *details;  /* paragraphs after the options; may be NULL */
	bool until_args;
	const struct option *const *options;
	int (*run)(struct option_values *v);
};

extern const struct word word_table[];

const struct word *word_find(const char *name);
/* The nearest name to a mistyped one, or NULL. */
const char *word_nearest(const char *name);

int run_run(struct option_values *v);
int attach_run(struct option_values *v);
int tree_run(struct option_values *v);
int show_run(struct option_values *v);
int decode_run(struct option_values *v);
int doctor_run(struct option_values *v);
int help_run(struct option_values *v);
int version_run(struct option_values *v);

/* show --state. trace, n: as show has read them; n 0: none was given. */
int state_run(struct option_values *v, uint32_t trace, uint32_t n);
#define WORD_PID "@pid:" /* before a PID, where a TRACE is wanted */

/* ---- for all words that print ---- */

/* What the terminal (or pipe) behind fd wants, and what --color, --width, NO_COLOR and the locale say. */
struct view_style word_style(const struct option_values *v, int fd);
/* The one -o of a word that prints to stdout; a file there is a usage error. EXIT_OK or EXIT_USAGE. */
int word_format(const struct option_values *v, enum session_format *format) MUST_CHECK;
/* The number of a span: N, or T.N for the T-th trace of a document with several (from 1). *trace from 0. */
bool word_span(const char *text, uint32_t *trace, uint32_t *n);
/* Reads a document. 0; -ENOMEM; -EBADMSG: it is none. */
int word_read(const struct json **j, struct arena *a, const struct buf *document) MUST_CHECK;
/* A document's JSON text in the format asked for, expanded when v says so. `a` is for reading it. */
int word_print_document(const struct option_values *v, const struct buf *document, enum session_format format,
			struct arena *a, const struct view_style *style) MUST_CHECK;
/* The document of a session, likewise; it is held in memory only where it has to be looked at as a whole. */
int word_print_session(const struct option_values *v, const struct view_session *session,
		       enum session_format format, const struct view_style *style) MUST_CHECK;
/* Writes to stdout. A closed pipe (head) is no error: EXIT_OK; else EXIT_SINK after saying why. */
int word_print(const struct buf *text) MUST_CHECK;
/* The exit code for a stdout that did not take it (-errno). */
int word_write_failed(int err) MUST_CHECK;

#endif
