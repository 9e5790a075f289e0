/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/word.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "cmd/cmd.h"

/* ---- options ---- */

#define AT(member) offsetof(struct option_values, member)

static const struct option help = {"help", 'h', OPTION_FLAG, AT(help), NULL, "this page"};
static const struct option quiet = {"quiet",   'q',  OPTION_FLAG,
				    AT(quiet), NULL, "say nothing but what is fatal"};
static const struct option verbose = {"verbose",   'v',	 OPTION_VERBOSE,
				      AT(verbose), NULL, "say more; twice: much more"};
static const struct option strict = {
	"strict", 0, OPTION_FLAG, AT(strict), NULL, "exit 8 instead of 0 when anything was lost or degraded"};
static const struct option output = {"output",	      'o',
				     OPTION_OUTPUT,   AT(session),
				     "FORMAT[=FILE]", "text, json or jsonl; may be given more than once"};
static const struct option json = {"json", 0, OPTION_FLAG, AT(json), NULL, "the same as -o json"};
static const struct option state = {
	"state",   0,	 OPTION_FLAG,
	AT(state), NULL, "what is alive in @pid:PID now, or was when the span (any span) failed"};
static const struct option why = {"why",   0,	OPTION_TEXT,
				  AT(why), "N", "why span N has the parent that it has"};
static const struct option full = {"full",   0,	   OPTION_FLAG,
				   AT(full), NULL, "each call's messages whole, not only what is new in it"};
static const struct option tape = {"tape",	0,
				   OPTION_TEXT, AT(session.tape),
				   "FILE",	"also keep the raw records (plaintext and keys, mode 0600)"};
static const struct option prices = {"prices",	  0,
				     OPTION_TEXT, AT(session.prices_file),
				     "FILE",	  "prices that go before the built-in ones (docs/cost.md)"};
static const struct option rules = {
	"rules",     0,
	OPTION_TEXT, AT(session.rules_file),
	"FILE",	     "which frames are an agent's: rules before the built-in ones (docs/rules.md)"};
static const struct option digest = {"digest",	 0,    OPTION_FLAG,
				     AT(digest), NULL, "SHA-256 of each connection's bytes, by direction"};
static const struct option symbols = {"symbol-sites", 0,
				      OPTION_FLAG,    AT(symbols),
				      NULL,	      "probe at exported symbols, not where it is cheapest"};
static const struct option ring = {"ring-size",	 0,
				   OPTION_BYTES, AT(session.ring_bytes),
				   "BYTES",	 "kernel ring buffer, from 4096 (default 32M)"};
static const struct option rate_bytes = {
	"rate-bytes", 0,
	OPTION_BYTES, AT(session.rate_bytes),
	"BYTES",      "what is copied of one process a second (default 512M); 0: no bound"};
static const struct option rate_calls = {"rate-calls", 0,
					 OPTION_U64,   AT(session.rate_calls),
					 "N",	       "and of how many calls (default 200000); 0: no bound"};
static const struct option plain = {
	"plain",      0,
	OPTION_PLAIN, AT(session.plain),
	"WHAT",	      "sockets and pipes without TLS: auto (what looks like HTTP or JSON), on, off"};
static const struct option duration = {
	"duration", 0, OPTION_DURATION, AT(session.duration_ns), "T", "stop after 500ms, 10s, 5m, 1h"};
static const struct option light = {
	"light", 0, OPTION_FLAG, AT(session.light), NULL, "sizes, timing, status, model, usage; no content"};
static const struct option keep = {
	"keep", 0, OPTION_KEEP, AT(session.keep), "RULES", "only what fulfils one: errors,slow>5s,cost>0.50"};
static const struct option sample_run = {
	"sample",      0,
	OPTION_SAMPLE, AT(session.sample_n),
	"1/N",	       "capture one run in N (1 to 1000000), only count the others"};
static const struct option sample_attach = {
	"sample",      0,
	OPTION_SAMPLE, AT(session.sample_n),
	"1/N",	       "capture one TLS connection in N (1 to 1000000), only count the others"};
static const struct option budget = {
	"budget",     0,
	OPTION_SHARE, AT(session.budget_ppm),
	"P%",	      "leave out more and more while probes take more of one core (0.01%, 1%)"};
static const struct option stacks = {"stacks",	    0,
				     OPTION_SWITCH, AT(session.stacks),
				     "on|off",	    "the Python stack of each request (default on)"};
static const struct option events = {
	"events",      0,
	OPTION_SWITCH, AT(session.events),
	"on|off",      "what Python code does: files, processes, sockets, exceptions (default on)"};
static const struct option no_children = {"no-children", 0,
					  OPTION_FLAG,	 AT(session.no_children),
					  NULL,		 "only the PIDs named; other processes pay nothing"};
static const struct option children = {
	"children", 0, OPTION_CLEAR, AT(session.no_children), NULL, "and what they start (the default)"};
static const struct option color = {"color", 0, OPTION_COLOR, AT(color), "WHEN", "auto, always or never"};
static const struct option width = {"width", 0, OPTION_U64, AT(width), "N", "columns to keep to"};
static const struct option server = {
	"server-name",	 0,	 OPTION_TEXT,
	AT(server_name), "HOST", "host that the request went to (default: its Host field)"};

static const struct option *const run_options[] = {
	&output, &full,	   &light,  &stacks,  &events, &rules,	    &keep,	 &sample_run,
	&budget, &tape,	   &prices, &digest,  &ring,   &rate_bytes, &rate_calls, &plain,
	&strict, &symbols, &quiet,  &verbose, &color,  &help,	    NULL};
static const struct option *const attach_options[] = {
	&output,   &full,	 &light,    &stacks, &events,  &rules,	&keep,	&sample_attach, &budget,
	&children, &no_children, &duration, &tape,   &prices,  &digest, &ring,	&rate_bytes,	&rate_calls,
	&plain,	   &strict,	 &symbols,  &quiet,  &verbose, &color,	&width, &help,		NULL};
static const struct option *const tree_options[] = {&why,   &output, &json,    &full, &prices, &strict,
						    &width, &color,  &verbose, &help, NULL};
static const struct option *const show_options[] = {&state, &output, &json,    &full, &prices, &strict,
						    &width, &color,  &verbose, &help, NULL};
static const struct option *const decode_options[] = {&server, &output, &full,	  &prices, &strict,
						      &width,  &color,	&verbose, &help,   NULL};
static const struct option *const doctor_options[] = {&output, &width, &color, &verbose, &help, NULL};
static const struct option *const plain_options[] = {&verbose, &help, NULL};

/* ---- words ---- */

static int run_attacher(struct option_values *v)
{
	(void)v;
	return session_attacher();
}

const struct word word_table[] = {
	{"run", "watch", "[OPTIONS] -- COMMAND…", "start a command under trace, as you would start it",
	 "  bottrace run -- python agent.py\n"
	 "  bottrace run -o json=run.json --tape run.tape -- python agent.py\n"
	 "  bottrace run -q --strict -o json=run.json -- pytest -q\n"
	 "  bottrace run --light --keep 'errors,slow>5s' -o json=run.json -- python batch.py\n",
	 "The command keeps its user, environment, stdin, stdout, stderr and exit status; nothing is added "
	 "to it. Only the\n"
	 "process that attaches the probes is raised, through sudo when you are not root. A summary goes to "
	 "stderr after\n"
	 "the end; live lines go to the FILE of -o text=FILE.\n",
	 true, run_options, run_run},
	{"attach", "watch", "[OPTIONS] PID…", "trace running processes and what they start",
	 "  bottrace attach 48213\n"
	 "  bottrace attach --duration 30s -o json=now.json 48213\n"
	 "  bottrace attach --light --keep 'errors,slow>5s,cost>0.50' -o jsonl=calls.jsonl 48213\n",
	 "Ends at Ctrl-C, after --duration, or when the last process ended; the processes go on unchanged.\n",
	 false, attach_options, attach_run},
	{"tree", "read", "[OPTIONS] TRACE", "the causal tree of a trace",
	 "  bottrace tree run.json\n"
	 "  bottrace tree run.tape -o json\n"
	 "  bottrace tree run.json --why 4\n",
	 "TRACE is a file: a tape (--tape FILE) or a document (-o json=FILE); - is standard input.\n"
	 "--why lays out what speaks for a span's parent and against the others: docs/trace.md, Links.\n",
	 false, tree_options, tree_run},
	{"show", "read", "[OPTIONS] TRACE N | @pid:PID --state",
	 "one span in full: prompt, answer, tools, usage, timing; what is alive",
	 "  bottrace show run.json 3\n"
	 "  bottrace show @pid:48213 --state\n"
	 "  bottrace show run.json --state\n",
	 "N is the number in front of the span in `bottrace tree`; TRACE/N is the same. With --state and "
	 "@pid:PID the bottrace\n"
	 "that watches the process says what is alive in it (docs/state.md); with a TRACE, what was when a "
	 "step or process failed.\n",
	 false, show_options, show_run},
	{"decode", "read", "[OPTIONS] REQUEST RESPONSE | FILE.jsonl", "recorded HTTP exchanges, no root",
	 "  bottrace decode --server-name api.openai.com call.req call.resp\n"
	 "  bottrace decode -o json conversation.jsonl\n",
	 "REQUEST and RESPONSE hold the bytes of one connection's two directions as on the wire. FILE.jsonl "
	 "holds one\n"
	 "exchange a line; its forms are in docs/decode.md.\n",
	 false, decode_options, decode_run},
	{"doctor", "host", "[OPTIONS] [PID]", "what this kernel, these rights and this process allow",
	 "  bottrace doctor\n"
	 "  bottrace doctor 48213 -o json\n",
	 NULL, false, doctor_options, doctor_run},
	{"help", "host", "[WORD | TOPIC]",
	 "this page; a word's page; privileges, exit-codes, redaction, limits", "  bottrace help run\n", NULL,
	 false, plain_options, help_run},
	{"version", "host", "", "version and licence", "  bottrace version\n", NULL, false, plain_options,
	 version_run},
	{"attacher", NULL, "", "the privileged process of run and attach", "", NULL, false, plain_options,
	 run_attacher},
	{0},
};

const struct word *word_find(const char *name)
{
	for (const struct word *w = word_table; w->name; w++) {
		if (strcmp(w->name, name) == 0)
			return w;
	}
	return NULL;
}

/* Edit distance of two short words. */
static size_t distance(struct str a, struct str b)
{
	size_t row[32];

	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t cost = corner + (a.p[i - 1] != b.p[j - 1]);

			corner = row[j];
			if (row[j] + 1 < cost)
				cost = row[j] + 1;
			if (row[j - 1] + 1 < cost)
				cost = row[j - 1] + 1;
			row[j] = cost;
		}
	}
	return row[b.n];
}

const char *word_nearest(const char *name)
{
	const char *best = NULL;
	size_t best_distance = 4;
	struct str typed = str_of(name);

	for (const struct word *w = word_table; w->name && typed.n < 16; w++) {
		size_t d = w->group ? distance(typed, str_of(w->name)) : best_distance;

		if (d < best_distance && d < typed.n) {
			best_distance = d;
			best = w->name;
		}
	}
	return best;
}

/* ---- for all words that print ---- */

struct view_style word_style(const struct option_values *v, int fd)
{
	struct view_style style = {.columns = (uint32_t)v->width};
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	struct winsize size;
	bool tty = isatty(fd);

	style.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	style.colour =
		v->color == COLOR_ALWAYS || (v->color == COLOR_AUTO && tty && !(no_color && *no_color) &&
					     !(term && strcmp(term, "dumb") == 0));
	if (style.columns == 0 && tty && ioctl(fd, TIOCGWINSZ, &size) == 0)
		style.columns = size.ws_col;
	return style;
}

int word_format(const struct option_values *v, enum session_format *format)
{
	*format = v->json ? SESSION_JSON : SESSION_TEXT;
	if (v->session.output_count + v->json > 1 ||
	    (v->session.output_count == 1 && v->session.outputs[0].file))
		return err_say(EXIT_USAGE, "redirect it: -o json > FILE",
			       "this word writes one format, to stdout");
	if (v->session.output_count == 1)
		*format = v->session.outputs[0].format;
	return EXIT_OK;
}

int word_print(const struct buf *text)
{
	signal(SIGPIPE, SIG_IGN);
	if (buf_err(text))
		return err_say(EXIT_HOST, NULL, "cannot show it: %s", strerror(-buf_err(text)));
	int r = buf_write(text, STDOUT_FILENO);
	return r < 0 ? word_write_failed(r) : EXIT_OK;
}

int word_write_failed(int err)
{
	if (err == -EPIPE)
		return EXIT_OK;
	return err_say(EXIT_SINK, NULL, "cannot write to stdout: %s", strerror(-err));
}

bool word_span(const char *text, uint32_t *trace, uint32_t *n)
{
	struct str head;
	struct str tail = str_cut(str_of(text), '.', &head);
	uint64_t a = 1, b;

	if (!str_to_u64(tail.p ? tail : head, &b) || (tail.p && !str_to_u64(head, &a)))
		return false;
	if (a == 0 || a > UINT32_MAX || b > UINT32_MAX)
		return false;
	*trace = (uint32_t)a - 1;
	*n = (uint32_t)b;
	return true;
}

/* ---- the door ---- */

static int run_word(const struct word *w, int argc, char **argv)
{
	struct option_values v = {
		.session.ring_bytes = LIMIT_RING_BYTES,
		.session.rate_bytes = LIMIT_RATE_BYTES,
		.session.rate_calls = LIMIT_RATE_CALLS,
		.session.stacks = true,
		.session.events = true,
	};
	int code = option_parse(&v, w->name, w->options, argc, argv, w->until_args);

	if (code != EXIT_OK)
		return code;
	if (v.help)
		return help_run(
			&(struct option_values){.args = (char *[]){(char *)w->name, NULL}, .arg_count = 1});
	err_set_level(v.quiet ? ERR_QUIET : (enum err_level)(v.verbose > 2 ? 2 : v.verbose));
	return w->run(&v);
}

int cmd_main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	if (argc < 2) {
		struct option_values none = {.args = &argv[argc]};
		int code = help_run(&none);

		return code == EXIT_OK ? EXIT_USAGE : code;
	}
	const char *name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	const struct word *w = word_find(name);
	if (w == NULL) {
		const char *nearest = word_nearest(name);
		char hint[80] = "bottrace help";

		if (nearest)
			snprintf(hint, sizeof(hint), "did you mean: bottrace %s", nearest);
		return err_say(EXIT_USAGE, hint, "unknown word: %s", name);
	}
	return run_word(w, argc - 2, argv + 2);
}
