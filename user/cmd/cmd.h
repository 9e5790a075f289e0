/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd: one file per word after `bottrace`; nothing else knows argv.
 * in:    argv
 * out:   an exit code (docs/cli.md)
 * owns:  the table of words and their options: parsing, help and completion are made from it
 * may:   base, drain, flow, genai, guard, http, pipeline, probe, proc, rules, session, store, trace, view, wire
 * never: logic worth a test
 * fails: EXIT_USAGE with one line of cause and one of remedy
 * start: word.c
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/drop.h"
#include "session/session.h"
#include "view/view.h"

/* Finds the word, parses its options, runs it. Returns the exit code. */
int cmd_main(int argc, char **argv);

#endif
