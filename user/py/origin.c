/* SPDX-License-Identifier: BSD-2-Clause */
#include "py/origin.h"

#include <string.h>

/* Functions by which a file is told to be the standard library's: below every thread, task or TLS write. Before 3.11 only
 * the last part of their names is known. */
static const struct {
	const char *file, *function;
} known[] = {
	{"threading.py", "_bootstrap"},
	{"threading.py", "_bootstrap_inner"},
	{"runpy.py", "_run_code"},
	{"runpy.py", "_run_module_as_main"},
	{"ssl.py", "write"},
	{"ssl.py", "send"},
	{"asyncio/base_events.py", "run_forever"},
	{"asyncio/base_events.py", "_run_once"},
	{"concurrent/futures/thread.py", "_worker"},
	{"http/client.py", "send"},
};

/* Packages that many distributions share: what stands below them is the package. */
static const char *const shared[] = {"google", "azure", "opentelemetry", "llama_index"};

/* What a person typed has such names. */
static const char *const typed[] = {"<stdin>", "<input>", "<ipython-input-", "<python-input-", "<cell"};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What stands below the innermost site-packages or dist-packages; p NULL: the file is not below one. */
static struct str below_packages(struct str file)
{
	static const struct str names[] = {{"site-packages/", 14}, {"dist-packages/", 14}};
	struct str found = STR_NONE;

	for (size_t k = 0; k < 2; k++) {
		struct str rest = file;
		ptrdiff_t at;

		while ((at = str_find(rest, names[k])) >= 0) {
			bool whole = at == 0 || rest.p[at - 1] == '/';

			rest = str_skip(rest, (size_t)at + names[k].n);
			if (whole && (found.p == NULL || rest.p > found.p))
				found = rest;
		}
	}
	return found;
}

/* lib/python3.12/, lib64/python3.13t/, python312.zip/ */
static bool is_below_lib(struct str file)
{
	struct str rest = file;
	ptrdiff_t at;

	while ((at = str_find(rest, STR("/python3"))) >= 0) {
		struct str before = str_head(file, (size_t)(rest.p - file.p) + (size_t)at);

		rest = str_skip(rest, (size_t)at + 8);
		struct str name;
		(void)str_cut(rest, '/', &name);
		if (name.n == rest.n)
			return false;
		size_t digits = name.n > 0 && name.p[0] == '.' ? 1 : 0;
		size_t from = digits;

		while (digits < name.n && is_digit(name.p[digits]))
			digits++;
		struct str end = str_skip(name, digits);
		if (digits == from)
			continue;
		if (from == 0 && str_eq(end, STR(".zip")))
			return true;
		if (from == 1 && (end.n == 0 || str_eq(end, STR("t"))) &&
		    (str_ends(before, STR("/lib")) || str_ends(before, STR("/lib64"))))
			return true;
	}
	return false;
}

static bool is_of_package(struct str below, struct str package)
{
	struct str rest = str_skip(below, package.n);

	return package.n > 0 && str_starts(below, package) &&
	       (str_starts(rest, STR("/")) || str_eq(rest, STR(".py")));
}

static enum py_origin of_no_file(const struct origin *o, struct str name)
{
	if (str_starts(name, STR("<frozen ")))
		return PY_ORIGIN_STDLIB;
	if (str_eq(name, STR("<string>")))
		return o->text ? PY_ORIGIN_USER : PY_ORIGIN_GENERATED;
	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++)
		if (str_starts(name, str_of(typed[i])))
			return PY_ORIGIN_USER;
	return PY_ORIGIN_GENERATED;
}

enum py_origin origin_of(const struct origin *o, struct str file)
{
	if (file.n == 0)
		return PY_ORIGIN_UNKNOWN;
	if (file.p[0] == '<')
		return of_no_file(o, file);
	struct str below = below_packages(file);
	if (below.p != NULL)
		return is_of_package(below, o->package) ? PY_ORIGIN_USER : PY_ORIGIN_PACKAGE;
	if (is_below_lib(file) || (o->stdlib.n > 0 && str_starts(file, o->stdlib)))
		return PY_ORIGIN_STDLIB;
	return PY_ORIGIN_USER;
}

struct str origin_stdlib(struct str file, struct str function)
{
	if (file.n == 0 || file.p[0] != '/' || below_packages(file).p != NULL)
		return STR_NONE;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct str name = str_of(known[i].file), f = str_of(known[i].function);

		if (!str_ends(file, name) || file.n == name.n || file.p[file.n - name.n - 1] != '/' ||
		    !str_ends(function, f))
			continue;
		if (function.n > f.n && function.p[function.n - f.n - 1] != '.')
			continue;
		/* Not the root: everything would be below it. */
		return file.n - name.n > 1 ? str_head(file, file.n - name.n) : STR_NONE;
	}
	return STR_NONE;
}

/* The first part of a path, or the first two below a shared one. */
static size_t first_parts(struct str path, char out[ORIGIN_NAME_MAX])
{
	struct str head, rest = str_cut(path, '/', &head);

	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		struct str second;

		if (!str_eq(head, str_of(shared[i])) || rest.n == 0)
			continue;
		(void)str_cut(rest, '/', &second);
		head.n += 1 + second.n;
		break;
	}
	if (str_ends(head, STR(".py")))
		head.n -= 3;
	if (head.n > ORIGIN_NAME_MAX)
		return 0;
	memcpy(out, head.p, head.n);
	return head.n;
}

size_t origin_package(struct str file, char out[ORIGIN_NAME_MAX])
{
	struct str below = below_packages(file);

	return below.n > 0 ? first_parts(below, out) : 0;
}

size_t origin_module(struct str module, char out[ORIGIN_NAME_MAX])
{
	char path[ORIGIN_NAME_MAX];

	if (module.n == 0 || module.n > sizeof(path))
		return 0;
	for (size_t i = 0; i < module.n; i++)
		path[i] = module.p[i];
	for (size_t i = 0; i < module.n; i++)
		if (path[i] == '.')
			path[i] = '/';
	return first_parts(str_make(path, module.n), out);
}

enum origin_main origin_main(const struct str *argv, uint32_t argc, struct str *what)
{
	for (uint32_t i = 1; i < argc; i++) {
		struct str a = argv[i];

		if (a.n == 0 || a.p[0] != '-') {
			*what = a;
			return ORIGIN_MAIN_FILE;
		}
		if (a.n == 1)
			return ORIGIN_MAIN_NONE; /* standard input */
		if (str_starts(a, STR("--"))) {
			i += str_eq(a, STR("--check-hash-based-pycs"));
			continue;
		}
		/* A letter that takes an argument takes the rest, or the next. */
		for (size_t k = 1; k < a.n; k++) {
			bool module = a.p[k] == 'm', text = a.p[k] == 'c';

			if (!module && !text && a.p[k] != 'W' && a.p[k] != 'X')
				continue;
			struct str value = str_skip(a, k + 1);
			if (value.n == 0)
				value = ++i < argc ? argv[i] : STR_NONE;
			if (!module && !text)
				break;
			*what = value;
			return value.n == 0 ? ORIGIN_MAIN_NONE
			       : module	    ? ORIGIN_MAIN_MODULE
					    : ORIGIN_MAIN_TEXT;
		}
	}
	return ORIGIN_MAIN_NONE;
}
