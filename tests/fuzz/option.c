/* SPDX-License-Identifier: BSD-2-Clause */
/* A command line, one argument a line: the word first. What it says on stderr is as long as it is. */
#include "base/err.h"
#include "cmd/option.h"
#include "cmd/word.h"
#include "fuzz.h"

#define ARGS_MAX 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct option_values v = {0};
	struct str rest = str_make(data, size), line;
	char *argv[ARGS_MAX + 1] = {NULL}, *all[ARGS_MAX];
	int argc = 0;

	while (argc < ARGS_MAX && rest.n > 0) {
		rest = str_cut(rest, '\n', &line);
		all[argc] = str_dup(line);
		argv[argc] = all[argc];
		argc++;
	}
	const struct word *w = argc ? word_find(argv[0]) : NULL;
	if (argc && w == NULL)
		(void)word_nearest(argv[0]);
	if (w && option_parse(&v, w->name, w->options, argc - 1, argv + 1, w->until_args) == EXIT_OK) {
		enum session_format format;

		assert(v.arg_count >= 0 && v.arg_count < argc && v.args[v.arg_count] == NULL);
		assert(v.session.output_count <= SESSION_OUTPUTS_MAX);
		(void)!word_format(&v, &format);
		(void)word_style(&v, -1);
		autodrop(buf_fini) struct buf out;
		buf_init(&out, 1u << 16);
		option_help(&out, w->options);
	}
	for (int i = 0; i < argc; i++)
		free(all[i]);
	return 0;
}
