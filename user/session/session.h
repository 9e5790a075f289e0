/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session: the three processes of a capture: front, attacher, collector, and the messages between them.
 * in:    what to trace and where the results go
 * out:   the command's own status; documents, tape, live lines and summary, written by the collector
 * owns:  the processes, their sockets, the collector's loop and sandbox
 * may:   base, drain, flow, genai, guard, http, pipeline, probe, proc, rules, store, trace, view, wire
 * never: lets the collector keep a capability; adds an environment variable or a descriptor to the command
 * fails: before the command starts: EXIT_BEFORE_EXEC (run), EXIT_RIGHTS, EXIT_NOT_FOUND, EXIT_HOST (attach)
 * start: front.c
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/drop.h"
#include "trace/trace.h"
#include "view/view.h"
#include "wire.h"

enum session_format { SESSION_TEXT, SESSION_JSON, SESSION_JSONL };

/* What of sockets and pipes without TLS is read: what begins like HTTP or JSON (but nothing with no_children, when
 * nobody else is to pay), everything, nothing. */
enum session_plain { SESSION_PLAIN_AUTO, SESSION_PLAIN_ON, SESSION_PLAIN_OFF };

#define SESSION_OUTPUTS_MAX 8

struct session_output {
	enum session_format format;
	const char *file; /* NULL: stdout (attach) or stderr (run) */
	int fd;		  /* filled by session_run / session_attach */
	bool created;	  /* the file was not there before */
};

struct session_settings {
	enum wire_mode mode;
	struct session_output outputs[SESSION_OUTPUTS_MAX];
	unsigned output_count;
	const char *tape;	 /* NULL: none */
	const char *prices_file; /* NULL: the one of the user's configuration, if there is one */
	struct buf prices;	 /* its text, filled by session_run / session_attach */
	const char *rules_file;	 /* NULL: none */
	struct buf rules;	 /* its text */
	uint64_t ring_bytes;
	uint64_t rate_bytes, rate_calls; /* of one process, a second; 0: no bound */
	uint64_t duration_ns;		 /* attach; 0: no bound */
	uint64_t sample_n;		 /* run: one run in N, attach: one connection in N; 0 or 1: all */
	uint64_t budget_ppm;		 /* millionths of one core for the probes; 0: no bound */
	bool no_children;		 /* attach: only the processes that were named */
	bool quiet, digest, strict, symbols;
	enum session_plain plain;
	bool light;		 /* payload cut, no content in the document */
	bool stacks;		 /* Python stacks are taken */
	bool events;		 /* so is what Python code does to the world */
	struct trace_rules keep; /* what stays in the document */
	bool full;		 /* -o json: messages whole, see view_full */
	struct view_style style; /* of text on the terminal */
	char **argv;		 /* run: the command, NULL-terminated */
	const uint32_t *pids;	 /* attach */
	unsigned pid_count;
};

/* Runs a command under trace and returns what `bottrace run` is to exit with; dies of the command's signal itself. */
int session_run(struct session_settings *settings);
/* Attaches to running processes until they end, the duration is over or the user says stop. Returns the exit code. */
int session_attach(struct session_settings *settings);
/* The attacher's life: descriptor 0 is its socket to the front. Returns its exit code. */
int session_attacher(void);

/* What is alive in a process, from the bottrace of the same person that watches it: JSON (docs/state.md) into out. EXIT_OK, or
 * EXIT_NOT_FOUND after saying that none does. */
int session_ask(uint32_t pid, struct buf *out) MUST_CHECK;
/* The price file `file`, or when that is NULL the one in the user's configuration, if there is one: its text into out, which
 * stays empty when there is none. One with an error: EXIT_USAGE after saying file and line, when it was asked for; else
 * that is said, and it is left aside. */
int session_prices(const char *file, struct buf *out) MUST_CHECK;
/* The file of rules for frames: its text into out; file NULL: empty. One with an error: EXIT_USAGE after saying file and line. */
int session_rules(const char *file, struct buf *out) MUST_CHECK;
/* prices_file: instead of those on a tape; NULL: none. Replays a tape, or reads a document: what TRACE means until there is a store. Fills `document` with the document's
 * JSON text. EXIT_OK, or an exit code after saying why. *complete: false when something is missing. */
int session_load(const char *trace, const char *prices_file, struct buf *document, bool *complete) MUST_CHECK;

#endif
