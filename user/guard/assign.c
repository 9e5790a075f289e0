/* SPDX-License-Identifier: BSD-2-Clause */
/* Secrets that their name gives away: password=..., "api_key": "...", ?key=..., --token ... */
#include <string.h>

#include "guard/name.h"
#include "guard/scan.h"

#define ALNUM	    (SCAN_DIGIT | SCAN_LETTER)
#define GAP_MAX	    8u /* spaces, quotes, stars between name, separator and value */
#define NAME_MAX_   96u
#define LIKELY_SEEN 256u
#define WORD_SEEN   256u /* of a header's value: more cannot change the verdict */

/* Values that name a type or nothing. */
static const char *const empty_words[] = {"none",     "null",	   "true",    "false", "str",
					  "string",   "text",	   "any",     "bytes", "optional",
					  "required", "undefined", "redacted"};

struct place {
	struct str name;
	bool query;  /* ?name= &name= #name= */
	bool option; /* --name= */
	bool shout;  /* UPPER_CASE: an environment variable */
	bool bare;   /* no quote between name and separator */
};

static bool is_marker(struct str t, size_t at)
{
	return str_starts(str_skip(t, at), STR("[redacted:"));
}

/* The name that ends before sep. */
static bool find_name(struct str t, size_t sep, struct place *out)
{
	size_t end = sep, from;
	bool lower = false;

	while (end > 0 && sep - end < GAP_MAX && memchr(" \t\"'`*]\\", t.p[end - 1], 8) != NULL)
		end--;
	/* Outside a query few letters end a name that matters. */
	if (end == 0 || (t.p[sep] == ':' && memchr("dtyneshlDTYNESHL", t.p[end - 1], 16) == NULL))
		return false;
	from = end;
	while (from > 0 && end - from < NAME_MAX_ &&
	       (scan_is(t.p[from - 1], SCAN_NAME) ||
		(t.p[from - 1] == '%' && end - from >= 2 && str_hex_digit(t.p[from]) >= 0 &&
		 str_hex_digit(t.p[from + 1]) >= 0)))
		from--;
	if (end - from < 3)
		return false;
	char before = from > 0 ? t.p[from - 1] : ' ';
	out->query = before == '?' || before == '&' || before == '#' ||
		     (before == ';' && from >= 5 && memcmp(t.p + from - 5, "&amp;", 5) == 0);
	out->option = end - from > 3 && t.p[from] == '-' && t.p[from + 1] == '-';
	out->name = str_make(t.p + from, end - from);
	for (size_t i = from; i < end; i++)
		lower |= t.p[i] >= 'a' && t.p[i] <= 'z';
	out->shout = !lower && end == sep;
	out->bare = end == sep || (t.p[end] != '"' && t.p[end] != '\'' && t.p[end] != '\\');
	return true;
}

/* An opening quote at *at, escaped or not: false when there is none, else *at is behind it and *quote, *slashes say
 * what closes the text. */
static bool quote_open(struct str t, size_t *at, char *quote, size_t *slashes)
{
	size_t i = *at, n = 0;

	while (i < t.n && t.p[i] == '\\' && n < GAP_MAX) {
		i++;
		n++;
	}
	if (i >= t.n || (t.p[i] != '"' && t.p[i] != '\'' && t.p[i] != '`'))
		return false;
	*quote = t.p[i];
	*slashes = n;
	*at = i + 1;
	return true;
}

/* Position of the closing quote (of its first backslash), or the text's end. */
static size_t quote_close(struct str t, size_t at, char quote, size_t slashes)
{
	size_t run = 0;

	for (size_t i = at; i < t.n; i++) {
		if (t.p[i] == '\\') {
			run++;
			continue;
		}
		/* Inside \"...\" a quote with more backslashes belongs to the text. */
		if (t.p[i] == quote && (slashes == 0 ? run % 2 == 0 : run <= slashes))
			return i - (slashes ? run : 0);
		run = 0;
	}
	return t.n;
}

/* Whether the separator at i ends an unquoted value: a new pair or nothing follows it. */
static bool ends_value(struct str t, size_t i)
{
	size_t k = i + 1;

	if (k >= t.n || (unsigned char)t.p[k] <= ' ' || memchr("\"'`)]}", t.p[k], 6) != NULL)
		return true;
	size_t name = scan_run(str_head(t, k + 40), k, SCAN_NAME);
	return name > k && name < t.n && (t.p[name] == '=' || t.p[name] == ':');
}

/* End of the unquoted value that begins at `at`. Remembered, so that a text full of names costs one look. */
static size_t run_end(struct scan *s, size_t at)
{
	struct str t = s->text;
	size_t i = at;

	if (at >= s->run_at && at < s->run_end)
		return s->run_end;
	for (; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];

		if (scan_is(t.p[i], SCAN_T68))
			continue;
		if (c <= ' ' || c == 0x7f || memchr("\"'`<>\\()[]{}", c, 12) != NULL)
			break;
		if ((c == ',' || c == ';' || c == '&' || c == '|') && ends_value(t, i))
			break;
	}
	s->run_at = at;
	s->run_end = i;
	return i;
}

static bool is_empty_word(struct str v)
{
	for (size_t i = 0; i < sizeof(empty_words) / sizeof(empty_words[0]); i++)
		if (str_ieq(v, str_of(empty_words[i])))
			return true;
	return false;
}

static bool has_digit(struct str v)
{
	for (size_t i = 0; i < v.n && i < LIKELY_SEEN; i++)
		if (scan_is(v.p[i], SCAN_DIGIT))
			return true;
	return false;
}

/* password=self.password: a variable of that name, not its value. */
static bool is_same_name(struct str value, struct str name)
{
	while (name.n > 0 && name.p[0] == '-')
		name = str_skip(name, 1);
	if (value.n > 64)
		return false;
	if (value.n >= name.n && str_ieq(str_skip(value, value.n - name.n), name))
		return true;
	return name.n > value.n && value.n >= 3 && str_ieq(str_skip(name, name.n - value.n), value);
}

/* getenv( , config[ : code that fetches it. */
static bool is_code(struct str t, size_t at, size_t end)
{
	if (at == end || t.p[at] == '$' || t.p[at] == '%')
		return true;
	if (end >= t.n || (t.p[end] != '(' && t.p[end] != '[') || end - at > 64)
		return false;
	return scan_run(t, at, SCAN_NAME) == end;
}

static bool is_accepted(struct scan *s, const struct place *pl, struct name_found f, char sep, struct str v,
			size_t end)
{
	if (f.class == NAME_WORKDIR)
		return v.p[0] != '/' && v.p[0] != '~' && v.p[0] != '.' && sep == '=';
	if (pl->query || ((pl->option || pl->shout) && sep == '='))
		return f.class == NAME_STRICT || f.class == NAME_HEADER || pl->option || pl->shout ||
		       name_is_likely(f.class, v);
	if (f.class == NAME_KEY || f.class == NAME_TOKEN)
		return name_is_likely(f.class, v);
	if (sep == '=')
		return true;
	/* "password: hunter2" is one, "password: required, 8 characters" is none, a line of YAML is one. */
	bool whole_line =
		end >= s->text.n || memchr("\n\r\"'", s->text.p[end], 4) != NULL ||
		(s->text.p[end] == '\\' && end + 1 < s->text.n && memchr("nr\"'", s->text.p[end + 1], 4));
	return v.n >= 6 && (has_digit(v) || whole_line);
}

static bool unquoted(struct scan *s, const struct place *pl, struct name_found f, char sep, size_t at,
		     struct scan_hit *hit)
{
	struct str t = s->text;
	size_t end = run_end(s, at);
	struct str v = str_make(t.p + at, end - at);

	if (is_code(t, at, end) || is_empty_word(v) || is_marker(t, at))
		return false;
	if (!pl->query && !s->command && is_same_name(v, pl->name))
		return false;
	if (!is_accepted(s, pl, f, sep, v, end))
		return false;
	/* A bracket in a password must not leave its rest behind. */
	while (end < t.n && memchr("([{", t.p[end], 3) != NULL) {
		while (end < t.n && (unsigned char)t.p[end] > ' ' && memchr("\"'`\\", t.p[end], 4) == NULL)
			end++;
	}
	if (pl->query) {
		/* The fragment and the closing bracket of a sentence or of Markdown are not the value's. */
		struct str cut = str_make(t.p + at, end - at);
		ptrdiff_t hash = str_find_char(cut, '#');
		end = hash > 0 ? at + (size_t)hash : end;
	}
	*hit = (struct scan_hit){at, end, f.kind};
	return true;
}

static bool quoted(struct scan *s, struct name_found f, size_t at, char quote, size_t slashes, bool template,
		   struct scan_hit *hit)
{
	struct str t = s->text;

	if (at >= t.n || is_marker(t, at))
		return false;
	if (f.class == NAME_KEY || f.class == NAME_TOKEN) {
		struct str near = str_head(t, at + LIKELY_SEEN);
		size_t end = quote_close(near, at, quote, slashes);

		if (!name_is_likely(f.class, str_make(t.p + at, end - at)))
			return false;
	}
	size_t end = quote_close(t, at, quote, slashes);
	struct str v = str_make(t.p + at, end - at);
	if (v.n == 0 || (template && str_find_char(str_head(v, 64), '{') >= 0))
		return false;
	if (f.class == NAME_WORKDIR && (v.p[0] == '/' || v.p[0] == '~' || v.p[0] == '.'))
		return false;
	*hit = (struct scan_hit){at, end, f.kind};
	return true;
}

/* ---- header fields ---- */

/* Length of the scheme's name and the spaces behind it, 0 when there is none. */
static size_t find_scheme(struct str v, bool *has_parameters)
{
	static const char *const schemes[] = {"bearer",	   "basic",  "token",	"digest",
					      "negotiate", "apikey", "api-key", "key",
					      "hawk",	   "ntlm",   "oauth",	"aws4-hmac-sha256"};
	size_t word = scan_run(v, 0, SCAN_KEY), rest = scan_run(v, word, SCAN_SPACE);

	if (rest == word || rest == v.n)
		return 0;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (str_ieq(str_head(v, word), str_of(schemes[i]))) {
			*has_parameters = i == 3 || i == 8 || i >= 10;
			return rest;
		}
	return 0;
}

/* Authorization and Cookie: the value goes to the end of the line or of the text around it. */
static bool header(struct scan *s, struct name_found f, size_t at, size_t end, bool is_quoted,
		   struct scan_hit *hit)
{
	struct str t = s->text;
	struct str v = str_trim(str_make(t.p + at, end - at));
	bool has_parameters = false;

	if (v.n == 0 || is_marker(t, at))
		return false;
	at = (size_t)(v.p - t.p);
	end = at + v.n;
	if (strcmp(f.kind, "cookie") == 0) {
		*hit = (struct scan_hit){at, end, f.kind};
		return str_find_char(str_head(v, 256), '=') > 0 || is_quoted;
	}
	size_t scheme = find_scheme(v, &has_parameters);
	struct str rest = str_skip(v, scheme);
	size_t word = 0;
	while (word < rest.n && word < WORD_SEEN && (unsigned char)rest.p[word] > ' ')
		word++;
	if (rest.n == 0 || memchr("${<%[", rest.p[0], 5) != NULL)
		return false;
	bool one_word = word == rest.n;
	bool taken = scheme ? one_word || has_parameters || has_digit(str_head(rest, word)) || word >= 20
			    : one_word && (is_quoted || (word >= 8 && (has_digit(rest) || word >= 20)));
	if (!taken)
		return false;
	while (word < rest.n && (unsigned char)rest.p[word] > ' ')
		word++;
	*hit = (struct scan_hit){at + scheme, has_parameters || is_quoted ? end : at + scheme + word, f.kind};
	return true;
}

/* End of the line or of the text around it. Remembered as in run_end. */
static size_t line_end(struct scan *s, size_t at)
{
	struct str t = s->text;
	size_t i = at;

	if (at >= s->line_at && at < s->line_end)
		return s->line_end;
	for (; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];

		if (c == '\n' || c == '\r' || c == '"' || c == '\'' || c == '`')
			break;
		if (c == '\\' && i + 1 < t.n && memchr("nr\"'\\", t.p[i + 1], 5) != NULL)
			break;
	}
	s->line_at = at;
	s->line_end = i;
	return i;
}

/* ---- the two doors ---- */

/* Skips what stands between separator and value; false when this is no assignment at all. */
static bool find_value(struct str t, size_t sep, size_t *at, bool *template)
{
	size_t i = sep + 1, n = 0;

	if (i < t.n && t.p[sep] == ':' && t.p[i] == '=')
		i++;
	else if (i < t.n && t.p[sep] == '=' && t.p[i] == '>')
		i++;
	else if (i < t.n && (t.p[i] == '=' || t.p[i] == ':' || t.p[i] == '~'))
		return false;
	if (sep > 0 && memchr("=!<>+:", t.p[sep - 1], 6) != NULL)
		return false;
	while (i < t.n && n < GAP_MAX && (scan_is(t.p[i], SCAN_SPACE) || t.p[i] == '*')) {
		i++;
		n++;
	}
	/* f"..." b'...' */
	*template = false;
	if (i + 1 < t.n && memchr("fbruFBRU", t.p[i], 8) != NULL &&
	    (t.p[i + 1] == '"' || t.p[i + 1] == '\'')) {
		*template = (t.p[i] | 0x20) == 'f';
		i++;
	}
	*at = i;
	return i < t.n && (unsigned char)t.p[i] > ' ';
}

bool scan_assignment(struct scan *s, size_t sep, struct scan_hit *hit)
{
	struct str t = s->text;
	struct place pl;
	struct name_found f;
	bool template;
	size_t at, slashes;
	char quote;

	if (!find_name(t, sep, &pl))
		return false;
	f = pl.query ? name_find_query(pl.name) : name_find(pl.name);
	if (f.class == NAME_PLAIN || !find_value(t, sep, &at, &template))
		return false;
	if (s->command && pl.option && (f.class == NAME_KEY || f.class == NAME_TOKEN))
		f.class = NAME_STRICT;
	if (pl.query)
		return at == sep + 1 && unquoted(s, &pl, f, '=', at, hit);
	if (quote_open(t, &at, &quote, &slashes)) {
		/* input('Password: ') closes a text here, it opens none. */
		if (pl.bare && at < t.n && memchr(");,]} \n", t.p[at], 7) != NULL)
			return false;
		if (f.class != NAME_HEADER)
			return quoted(s, f, at, quote, slashes, template, hit);
		if (template)
			return false;
		return header(s, f, at, quote_close(t, at, quote, slashes), true, hit);
	}
	if (f.class == NAME_HEADER && t.p[sep] == ':')
		return header(s, f, at, line_end(s, at), false, hit);
	if (t.p[sep] == '=' && at > sep + 3)
		return false;
	return unquoted(s, &pl, f, t.p[sep], at, hit);
}

/* -u user:password, --user user:password */
static bool user_value(struct scan *s, size_t at, struct scan_hit *hit)
{
	struct str t = s->text;
	size_t end, slashes;
	char quote;

	if (quote_open(t, &at, &quote, &slashes))
		end = quote_close(str_head(t, at + LIKELY_SEEN), at, quote, slashes);
	else
		end = run_end(s, at);
	struct str v = str_make(t.p + at, end - at), user;
	struct str word = str_cut(v, ':', &user);
	uint64_t number;
	if (word.n == 0 || word.p[0] == '/' || user.n == 0 || str_to_u64(word, &number) || is_marker(word, 0))
		return false;
	*hit = (struct scan_hit){(size_t)(word.p - t.p), end, "password"};
	return true;
}

bool scan_option(struct scan *s, size_t at, struct scan_hit *hit)
{
	struct str t = s->text;
	size_t slashes, end, name_end = scan_run(str_head(t, at + NAME_MAX_), at, SCAN_NAME);
	struct str name = str_make(t.p + at, name_end - at);
	size_t value = scan_run(t, name_end, SCAN_SPACE);
	char quote;

	if ((at > 0 && (unsigned char)t.p[at - 1] > ' ' && memchr("\"'`([,", t.p[at - 1], 6) == NULL) ||
	    value == name_end || value >= t.n)
		return false;
	if (str_eq(name, STR("-u")) || str_eq(name, STR("--user")) || str_eq(name, STR("--proxy-user")))
		return user_value(s, value, hit);
	if (name.n < 5 || name.p[1] != '-')
		return false;
	struct name_found f = name_find_option(name);
	if (f.class == NAME_PLAIN || is_marker(t, value))
		return false;
	if (quote_open(t, &value, &quote, &slashes))
		end = quote_close(t, value, quote, slashes);
	else
		end = run_end(s, value);
	struct str v = str_make(t.p + value, end - value);
	if (v.n == 0 || v.p[0] == '$' || v.p[0] == '-')
		return false;
	if (!s->command && !(v.n >= 6 && (has_digit(v) || v.n >= 16)))
		return false;
	*hit = (struct scan_hit){value, end, f.kind};
	return true;
}
