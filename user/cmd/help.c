/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/err.h"
#include "cmd/word.h"

struct topic {
	const char *name;
	const char *text;
};

static const struct topic topics[] = {
	{"privileges",
	 "bottrace attaches probes with CAP_BPF and CAP_PERFMON, reads other processes' maps with "
	 "CAP_SYS_PTRACE,\n"
	 "CAP_DAC_READ_SEARCH and CAP_CHECKPOINT_RESTORE, and needs CAP_SYS_ADMIN where the kernel has no "
	 "uprobe_multi\n"
	 "(before 6.6). Only the attacher has them: run and attach start it through sudo when you are not "
	 "root. The\n"
	 "collector, which reads what was captured, has no capabilities and no network; the command runs as "
	 "you.\n\n"
	 "Allow it without a password (visudo):   you ALL=(root) NOPASSWD: /usr/local/bin/bottrace attacher\n"
	 "Do not give the binary file capabilities: every local user could then read everybody's "
	 "plaintext.\n"},
	{"exit-codes",
	 "  0    done\n"
	 "  1    done, and the answer is no\n"
	 "  2    usage error; the message names it\n"
	 "  3    no such trace, span or process\n"
	 "  4    permission or capability missing\n"
	 "  5    this host cannot: kernel feature, TLS library, architecture (bottrace doctor)\n"
	 "  6    tape or document corrupt or foreign\n"
	 "  7    an output could not be written\n"
	 "  8    finished, but something was lost or degraded, and --strict was given\n"
	 "  125  run: failed before the command was started\n"
	 "  126  run: the command cannot be executed          127  run: the command was not found\n"
	 "  else run returns the command's own status, and dies of the signal that killed the command\n"},
	{"redaction", "Everything but a tape passes the guard before it reaches a file, a terminal or a log: "
		      "credential headers are\n"
		      "never kept; keys in URLs and in argv, vendor key patterns in bodies, values after "
		      "--api-key, --token,\n"
		      "--password and --secret become [redacted:kind]. A tape holds the raw records: it is "
		      "written only on request,\n"
		      "with mode 0600 and a warning.\n"},
	{"limits", "A message body is kept whole up to 16 MiB as on the wire and 64 MiB decoded; headers to "
		   "64 KiB and 256 fields;\n"
		   "JSON to 512 levels; an SSE line to 4 MiB; 20,000 open connections; 25,000 open spans. "
		   "What is beyond is counted\n"
		   "and marked, never dropped silently. The kernel ring has 32 MiB (--ring-size).\n"},
};

static void overview(struct buf *out)
{
	const char *group = "";

	buf_add(out, STR("bottrace: strace for AI agents\n\n"
			 "  bottrace run -- python agent.py      trace a command from its first instruction\n"
			 "  bottrace attach 48213                trace what already runs\n"));
	for (const struct word *w = word_table; w->name; w++) {
		if (w->group == NULL)
			continue;
		if (strcmp(w->group, group) != 0)
			buf_addf(out, "\n%s\n", w->group);
		group = w->group;
		buf_addf(out, "  %-9s %s\n", w->name, w->summary);
	}
	buf_add(out, STR("\nbottrace help WORD; topics: privileges, exit-codes, redaction, limits\n"));
}

static void word_page(struct buf *out, const struct word *w)
{
	buf_addf(out, "bottrace %s: %s\n\n%s", w->name, w->summary, w->examples);
	buf_addf(out, "\nusage: bottrace %s %s\n", w->name, w->synopsis);
	option_help(out, w->options);
	if (w->details)
		buf_addf(out, "\n%s", w->details);
}

int help_run(struct option_values *v)
{
	autodrop(buf_fini) struct buf text = {0};

	buf_init(&text, 1u << 16);
	if (v->arg_count == 0) {
		overview(&text);
		return word_print(&text);
	}
	const struct word *w = word_find(v->args[0]);
	if (w && w->group) {
		word_page(&text, w);
		return word_print(&text);
	}
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		if (strcmp(v->args[0], topics[i].name) != 0)
			continue;
		buf_add(&text, str_of(topics[i].text));
		return word_print(&text);
	}
	return err_say(EXIT_USAGE, "bottrace help", "no help on: %s", v->args[0]);
}
