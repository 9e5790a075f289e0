/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines: what stands behind --api-key and its kin goes, whatever it looks like. */
#include <string.h>

#include "guard/name.h"
#include "guard/value.h"

/* Whether this is a variable's name: OPENAI_API_KEY, not a/b?key. */
static bool is_variable(struct str s)
{
	return s.n > 0 && scan_run(s, 0, SCAN_KEY | SCAN_NAME) == s.n && s.p[0] != '-';
}

static bool is_option(struct str s)
{
	return s.n >= 2 && s.p[0] == '-' && s.p[1] != ' ';
}

static bool is_header_option(struct str s)
{
	return str_eq(s, STR("-H")) || str_eq(s, STR("--header")) || str_eq(s, STR("--headers"));
}

static bool is_user_option(struct str s)
{
	return str_eq(s, STR("-u")) || str_eq(s, STR("--user")) || str_eq(s, STR("--proxy-user")) ||
	       str_eq(s, STR("-U"));
}

const char *value_option(struct str argument)
{
	if (!is_option(argument) || argument.n < 4 || argument.n > 64 || str_find_char(argument, '=') >= 0 ||
	    str_find_char(argument, ' ') >= 0)
		return NULL;
	struct name_found f = name_find_option(argument);
	return f.class == NAME_PLAIN ? NULL : f.kind;
}

static void write_two(struct guard *g, struct jsonw *w, struct str head, const char *kind)
{
	autodrop(buf_fini) struct buf b;

	buf_init(&b, SIZE_MAX);
	buf_add(&b, head);
	buf_add(&b, value_marker(g, kind));
	if (buf_err(&b)) {
		g->err = buf_err(&b);
		jsonw_str(w, STR("[redacted:memory]"));
		return;
	}
	jsonw_str(w, buf_str(&b));
}

/* "Name: value" with a name that speaks of credentials. from: where the field begins in arg. */
static bool write_header(struct guard *g, struct jsonw *w, struct str arg, size_t from)
{
	struct str name, value = str_cut(str_skip(arg, from), ':', &name);

	if (value.p == NULL || !name_is_credential_header(name) || str_trim(value).n == 0)
		return false;
	write_two(g, w,
		  str_head(arg,
			   from + name.n + 2 > arg.n ? arg.n : from + name.n + (value.p[0] == ' ' ? 2 : 1)),
		  "header");
	return true;
}

/* user:password; a colon followed by a number alone is uid:gid. */
static bool write_user(struct guard *g, struct jsonw *w, struct str arg, size_t from)
{
	struct str user, password = str_cut(str_skip(arg, from), ':', &user);
	uint64_t number;

	if (password.n == 0 || user.n == 0 || password.p[0] == '/' || str_to_u64(password, &number))
		return false;
	write_two(g, w, str_head(arg, arg.n - password.n), "password");
	return true;
}

/* --name=value, NAME=value */
static bool write_pair(struct guard *g, struct jsonw *w, struct str arg)
{
	struct str name, value = str_cut(arg, '=', &name);
	struct name_found f = {NAME_PLAIN, NULL};

	if (value.n == 0 || name.n > 128)
		return false;
	if (is_option(arg)) {
		if (is_header_option(name) && write_header(g, w, arg, name.n + 1))
			return true;
		if (is_user_option(name) && write_user(g, w, arg, name.n + 1))
			return true;
		f = name_find_option(name);
	} else if (is_variable(name)) {
		f = name_find_option(name);
		if (str_eq(name, STR("PWD")) || str_eq(name, STR("OLDPWD")))
			f.class = NAME_PLAIN;
	}
	if (f.class == NAME_PLAIN)
		return false;
	write_two(g, w, str_head(arg, name.n + 1), f.kind);
	return true;
}

static bool write_known(struct guard *g, struct jsonw *w, struct str before, struct str arg)
{
	const char *kind = value_option(before);

	if (kind != NULL) {
		jsonw_str(w, value_marker(g, kind));
		return true;
	}
	if (is_header_option(before) && write_header(g, w, arg, 0))
		return true;
	if (is_user_option(before) && write_user(g, w, arg, 0))
		return true;
	if (str_starts(arg, STR("-H")) && arg.n > 2 && write_header(g, w, arg, 2))
		return true;
	if (str_starts(arg, STR("-u")) && arg.n > 2 && !str_has(arg, STR("://")) && write_user(g, w, arg, 2))
		return true;
	return write_pair(g, w, arg);
}

void guard_argv(struct guard *g, struct jsonw *w, const struct str *argv, uint32_t argc)
{
	struct str before = STR_NONE;

	jsonw_array(w);
	for (uint32_t i = 0; i < argc; i++) {
		if (!write_known(g, w, before, argv[i]))
			jsonw_str(w, value_text(g, argv[i], true));
		before = argv[i];
	}
	jsonw_array_end(w);
}
