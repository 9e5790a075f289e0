/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/image.h"

#include <errno.h>

static uint32_t count_args(struct str args)
{
	uint32_t n = 0;

	for (size_t i = 0; i < args.n; i++)
		n += args.p[i] == '\0';
	return n + (args.n > 0 && args.p[args.n - 1] != '\0');
}

/* Cuts text at its NULs into argc slices. */
static void split(struct str *argv, uint32_t argc, struct str text)
{
	for (uint32_t i = 0; i < argc; i++)
		text = str_cut(text, '\0', &argv[i]);
}

int image_set(struct image *i, struct str exe, struct str args, bool cut)
{
	uint32_t argc = count_args(args);

	image_fini(i);
	char *memory = malloc(argc * sizeof(struct str) + exe.n + args.n + 1);
	if (memory == NULL)
		return -ENOMEM;
	char *text = memory + argc * sizeof(struct str);
	if (args.n > 0)
		memcpy(text, args.p, args.n);
	if (exe.n > 0)
		memcpy(text + args.n, exe.p, exe.n);
	i->memory = memory;
	i->args_bytes = args.n;
	i->argc = argc;
	i->argv_cut = cut;
	if (exe.n > 0)
		i->exe = str_make(text + args.n, exe.n);
	if (argc > 0) {
		i->argv = (struct str *)memory;
		split(i->argv, argc, str_make(text, args.n));
	}
	return 0;
}

int image_copy(struct image *to, const struct image *from)
{
	if (from->memory == NULL)
		return 0;
	const char *text = (const char *)from->memory + from->argc * sizeof(struct str);
	return image_set(to, from->exe, str_make(text, from->args_bytes), from->argv_cut);
}

void image_fini(struct image *i)
{
	free(i->memory);
	*i = (struct image){0};
}
