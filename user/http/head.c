/* SPDX-License-Identifier: BSD-2-Clause */
#include "http/head.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "http/parser.h"

/* RFC 9110 5.6.2 */
static bool is_token_char(unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static size_t token_length(struct str s)
{
	size_t n = 0;

	while (n < s.n && is_token_char((unsigned char)s.p[n]))
		n++;
	return n;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Without its line end and the blanks before that. */
static struct str line_text(struct str line)
{
	while (line.n > 0 && strchr("\n\r \t", line.p[line.n - 1]) && line.p[line.n - 1] != 0)
		line.n--;
	return line;
}

static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

#define METHOD_MAX 32u

/* Narrower than RFC 9110, which allows any token: methods are words. 0: none, or too long. */
static size_t method_length(struct str s)
{
	size_t n = 0;

	if (s.n == 0 || s.p[0] < 'A' || s.p[0] > 'Z')
		return 0;
	while (n < s.n && n <= METHOD_MAX && is_token_char((unsigned char)s.p[n]) && !is_digit(s.p[n]))
		n++;
	return n > METHOD_MAX ? 0 : n;
}

/* "HTTP/1." and a digit */
static bool is_version(struct str s)
{
	return s.n == 8 && str_starts(s, STR("HTTP/1.")) && is_digit(s.p[7]);
}

bool http_start_is_status(struct str s)
{
	return s.n >= 13 && is_version(str_head(s, 8)) && s.p[8] == ' ' && s.p[9] >= '1' && s.p[9] <= '9' &&
	       is_digit(s.p[10]) && is_digit(s.p[11]) && strchr(" \t\r\n", s.p[12]) && s.p[12] != 0;
}

struct http_start http_start_parse(struct str line)
{
	struct http_start r = {.kind = HTTP_START_NONE};
	struct str text = line_text(line);

	if (has_control(text))
		return r;
	if (str_starts(text, STR("HTTP/1."))) {
		if (text.n < 12 || (text.n > 12 && text.p[12] != ' ') || text.p[8] != ' ' ||
		    !is_digit(text.p[7]))
			return r;
		for (int i = 9; i < 12; i++) {
			if (!is_digit(text.p[i]))
				return r;
			r.status = r.status * 10 + (text.p[i] - '0');
		}
		if (r.status >= 100)
			r.kind = HTTP_START_STATUS;
		return r;
	}
	size_t n = method_length(text);
	if (n == 0 || n + 2 > text.n || text.p[n] != ' ')
		return r;
	const char *last = memrchr(text.p, ' ', text.n);
	size_t at = (size_t)(last - text.p);
	struct str version = str_skip(text, at + 1);
	struct str method = str_head(text, n);

	if (at <= n)
		return r;
	struct str target = str_trim(str_make(text.p + n + 1, at - n - 1));
	if (str_eq(version, STR("HTTP/2.0")) && str_eq(method, STR("PRI")) && str_eq(target, STR("*"))) {
		r.kind = HTTP_START_PREFACE;
		return r;
	}
	if (target.n == 0 || !is_version(version))
		return r;
	r.kind = HTTP_START_REQUEST;
	r.method = method;
	r.target = target;
	return r;
}

bool http_start_is_prefix(struct str part)
{
	struct str status = STR("HTTP/1.");

	if (str_eq(str_head(part, status.n), str_head(status, part.n)))
		return true;
	size_t n = method_length(part);
	return n > 0 && (n == part.n || part.p[n] == ' ');
}

/* The last one of the line: what stands before it is somebody's body. */
static ptrdiff_t find_status(struct str line)
{
	struct str rest = line;

	for (;;) {
		const char *h = memrchr(rest.p, 'H', rest.n);

		if (!h)
			return -1;
		struct str from = str_skip(line, (size_t)(h - line.p));
		if (http_start_is_status(from))
			return http_start_parse(from).kind == HTTP_START_STATUS ? h - line.p : -1;
		rest = str_head(rest, (size_t)(h - rest.p));
	}
}

static ptrdiff_t find_request(struct str line)
{
	static const char *const methods[] = {"POST",	"GET",	   "HEAD",    "PUT",   "PATCH",
					      "DELETE", "OPTIONS", "CONNECT", "TRACE", NULL};
	struct str text = line_text(line);
	ptrdiff_t found = -1;

	if (text.n < 12 || !is_version(str_skip(text, text.n - 8)))
		return -1;
	/* "METHOD target HTTP/1.1": the two last spaces. */
	const char *last = memrchr(text.p, ' ', text.n);
	if (last == NULL || last == text.p)
		return -1;
	const char *first = memrchr(text.p, ' ', (size_t)(last - text.p));
	if (first == NULL)
		return -1;
	struct str before = str_make(text.p, (size_t)(first - text.p));
	for (size_t i = 0; methods[i]; i++)
		if (str_ends(before, str_of(methods[i])))
			found = (ptrdiff_t)(before.n - strlen(methods[i]));
	if (found >= 0 && http_start_parse(str_skip(line, (size_t)found)).kind != HTTP_START_REQUEST)
		return -1;
	return found;
}

ptrdiff_t http_start_find(struct str line, bool request, bool status)
{
	ptrdiff_t at = status ? find_status(line) : -1;

	return at < 0 && request ? find_request(line) : at;
}

bool http_head_is_field(struct str line)
{
	struct str text = line_text(line);
	size_t n = token_length(text);

	return text.n == 0 || (n > 0 && n < text.n && text.p[n] == ':');
}

/* ---- fields ---- */

static void wrong(struct http_facts *f, const char *why, size_t at)
{
	if (f->why)
		return;
	f->why = why;
	f->why_at = at;
}

static void note_length(struct http_facts *f, struct str value, size_t at)
{
	struct str rest = value;

	do {
		struct str one;
		uint64_t n;

		rest = str_cut(rest, ',', &one);
		if (!str_to_u64(str_trim(one), &n) || n > HTTP_SIZE_MAX) {
			wrong(f, "bad Content-Length", at);
			f->unframed = true;
			return;
		}
		if (f->has_length && f->length != n) {
			wrong(f, "Content-Length given twice", at);
			f->unframed = true;
			return;
		}
		f->has_length = true;
		f->length = n;
	} while (rest.p);
}

/* False: not one of ours. */
static bool add_coding(struct http_facts *f, struct str name, size_t at)
{
	enum http_coding c;

	if (str_ieq(name, STR("gzip")) || str_ieq(name, STR("x-gzip")))
		c = HTTP_CODING_GZIP;
	else if (str_ieq(name, STR("deflate")))
		c = HTTP_CODING_DEFLATE;
	else if (str_ieq(name, STR("br")))
		c = HTTP_CODING_BROTLI;
	else if (str_ieq(name, STR("zstd")))
		c = HTTP_CODING_ZSTD;
	else
		return name.n == 0 || str_ieq(name, STR("identity"));
	if (f->coding_count == HTTP_CODINGS_MAX) {
		wrong(f, "too many content codings", at);
		f->coding_unknown = true;
		return true;
	}
	f->codings[f->coding_count++] = c;
	return true;
}

static void note_encoding(struct http_facts *f, struct str value, size_t at)
{
	struct str rest = value;

	do {
		struct str one;

		rest = str_cut(rest, ',', &one);
		if (!add_coding(f, str_trim(one), at))
			f->coding_unknown = true;
	} while (rest.p);
}

/* Content codings stand in the list before transfer codings: both kinds of field are read in two passes. */
static void note_transfer(struct http_facts *f, struct str value, size_t at)
{
	struct str rest = value;

	do {
		struct str one, name;

		rest = str_cut(rest, ',', &one);
		str_cut(one, ';', &name);
		name = str_trim(name);
		if (name.n == 0)
			continue;
		if (f->chunked)
			wrong(f, "a transfer coding after chunked", at);
		if (str_ieq(name, STR("chunked"))) {
			f->chunked = true;
		} else if (!add_coding(f, name, at)) {
			wrong(f, "transfer coding not known", at);
			f->coding_unknown = true;
		}
		f->has_te = f->has_te || !str_ieq(name, STR("identity"));
	} while (rest.p);
}

/* ---- lines ---- */

static void check_bytes(const char *head, size_t n, struct http_facts *f)
{
	const char *nul = memchr(head, 0, n);
	const char *p = head, *cr;

	while ((cr = memchr(p, '\r', n - (size_t)(p - head)))) {
		p = cr + 1;
		if (p == head + n || *p != '\n')
			break;
	}
	if (nul && (!cr || nul < cr))
		wrong(f, "NUL in the head", (size_t)(nul - head));
	else if (cr)
		wrong(f, "CR without LF in the head", (size_t)(cr - head));
}

/* The next line with those folded under it; the folds' line ends become spaces. */
static struct str next_field(char *head, size_t n, size_t *pos)
{
	size_t start = *pos;

	for (;;) {
		char *lf = memchr(head + *pos, '\n', n - *pos);
		size_t end = lf ? (size_t)(lf - head) + 1 : n;

		*pos = end;
		if (!lf || end == n || (head[end] != ' ' && head[end] != '\t'))
			return line_text(str_make(head + start, end - start));
		*lf = ' ';
		if (lf > head + start && lf[-1] == '\r')
			lf[-1] = ' ';
	}
}

static struct str content_type(struct arena *a, struct str value)
{
	struct str type;

	str_cut(value, ';', &type);
	type = arena_dup(a, str_trim(type));
	for (size_t i = 0; i < type.n; i++) {
		char *c = (char *)&type.p[i];

		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	return type;
}

static int note_field(struct arena *a, struct http_field field, struct http_message *m, struct http_facts *f,
		      size_t at)
{
	if (str_ieq(field.name, STR("content-length")))
		note_length(f, field.value, at);
	else if (str_ieq(field.name, STR("content-encoding")))
		note_encoding(f, field.value, at);
	else if (str_ieq(field.name, STR("content-type")) && m->content_type.p == NULL) {
		m->content_type = content_type(a, field.value);
		if (m->content_type.p == NULL)
			return -ENOMEM;
	}
	return 0;
}

static bool read_field(struct str line, size_t at, struct http_field *field, struct http_facts *f)
{
	ptrdiff_t colon = str_find_char(line, ':');

	if (colon < 0) {
		wrong(f, "a field without a colon", at);
		return false;
	}
	struct str name = str_head(line, (size_t)colon);
	field->name = str_trim(name);
	field->value = str_trim(str_skip(line, (size_t)colon + 1));
	if (field->name.n != name.n || token_length(name) != name.n || name.n == 0)
		wrong(f, "bad field name", at);
	return field->name.n > 0;
}

static size_t count_lines(const char *p, size_t n)
{
	const char *end = p + n, *lf;
	size_t lines = 1;

	while (p < end && (lf = memchr(p, '\n', (size_t)(end - p))) && lines < LIMIT_HEADER_FIELDS) {
		lines++;
		p = lf + 1;
	}
	return lines;
}

int http_head_parse(struct arena *a, char *head, size_t n, struct http_message *m, struct http_facts *f)
{
	char *lf = memchr(head, '\n', n);
	size_t first = lf ? (size_t)(lf - head) + 1 : n;
	size_t pos = first, te_at = 0;
	int r;

	check_bytes(head, n, f);
	m->fields = arena_alloc(a, count_lines(head + first, n - first) * sizeof(*m->fields));
	if (!m->fields)
		return -ENOMEM;
	while (pos < n) {
		size_t at = pos;
		struct str line = next_field(head, n, &pos);
		struct http_field field;

		if (line.n == 0 || !read_field(line, at, &field, f))
			continue;
		if (m->count < LIMIT_HEADER_FIELDS)
			m->fields[m->count++] = field;
		else
			wrong(f, "too many fields", at);
		r = note_field(a, field, m, f, at);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < m->count; i++) {
		if (!str_ieq(m->fields[i].name, STR("transfer-encoding")))
			continue;
		te_at = (size_t)(m->fields[i].name.p - head);
		note_transfer(f, m->fields[i].value, te_at);
	}
	if (f->has_te && (f->has_length || f->unframed)) {
		/* RFC 9112 6.3: Transfer-Encoding wins, and the message smells of request smuggling. */
		wrong(f, "both Content-Length and Transfer-Encoding", te_at);
		f->unframed = false;
		f->has_length = false;
	}
	return 0;
}
