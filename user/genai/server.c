/* SPDX-License-Identifier: BSD-2-Clause */
/* Who was asked, and when to ask again: what the head of a request and of an answer say. */
#include <math.h>
#include <time.h>

#include "genai/decoder.h"

#define NS_PER_S    1000000000ull
#define RETRY_S_MAX (366.0 * 86400) /* more is no delay that anybody waits for */

struct str genai_server_path(struct str target)
{
	struct str path = target;

	/* Absolute form, as sent to a proxy: http://host:port/path. */
	if (str_istarts(path, STR("http://")) || str_istarts(path, STR("https://"))) {
		path = str_skip(path, (size_t)str_find(path, STR("://")) + 3);
		ptrdiff_t slash = str_find_char(path, '/');
		path = slash < 0 ? STR("/") : str_skip(path, (size_t)slash);
	}
	(void)str_cut(path, '#', &path);
	(void)str_cut(path, '?', &path);
	return path;
}

struct str genai_server_unescape(struct genai_work *w, struct str s)
{
	char *out = s.n > 0 ? arena_alloc(w->c.arena, s.n) : NULL;
	size_t n = 0;

	if (out == NULL)
		return STR_NONE;
	while (s.n > 0) {
		uint64_t byte;
		bool escaped = s.p[0] == '%' && s.n >= 3 && str_to_u64_hex(str_make(s.p + 1, 2), &byte);

		out[n++] = escaped ? (char)byte : s.p[0];
		s = str_skip(s, escaped ? 3 : 1);
	}
	return str_make(out, n);
}

/* "host", "host:port", "[v6]:port" -> host without brackets; *port stays when none is given. */
static struct str host_split(struct str s, uint16_t *port)
{
	struct str host = s, rest;
	uint64_t n;

	if (s.n > 0 && s.p[0] == '[') {
		rest = str_cut(str_skip(s, 1), ']', &host);
		if (rest.n > 0 && rest.p[0] == ':')
			rest = str_skip(rest, 1);
	} else {
		rest = str_cut(s, ':', &host);
		/* A bare IPv6 address has more colons and no port. */
		if (str_find_char(rest, ':') >= 0)
			return s;
	}
	if (str_to_u64(rest, &n) && n > 0 && n <= UINT16_MAX)
		*port = (uint16_t)n;
	return host;
}

struct str genai_server_split(struct str authority, uint16_t *port)
{
	(void)str_cut(authority, '/', &authority);
	return host_split(authority, port);
}

/* The authority of a target in absolute form: a proxy is asked, for somebody else. */
static struct str authority_of(struct str target)
{
	struct str rest, authority, said;

	if (!str_istarts(target, STR("http://")) && !str_istarts(target, STR("https://")))
		return STR_NONE;
	rest = str_skip(target, (size_t)str_find(target, STR("://")) + 3);
	(void)str_cut(rest, '/', &authority);
	(void)str_cut(authority, '?', &authority);
	rest = str_cut(authority, '@', &said);
	return rest.n > 0 ? rest : authority;
}

void genai_server_read(struct genai_work *w)
{
	struct genai_call *c = &w->c;
	const struct flow_conn *conn = c->x->conn;
	uint16_t host_port = 0, peer_port = 0;
	struct str asked = authority_of(c->x->target);
	struct str said = asked.n > 0 ? asked : str_trim(http_field(&c->x->request, "host"));
	struct str host = host_split(said, &host_port);
	struct str peer = host_split(str_of(conn->peer), &peer_port);
	/* One connection of HTTP/2 may serve several names; what is behind a proxy has another than the connection. */
	bool other = c->x->http2 || c->x->tunnelled || asked.n > 0;

	if (str_eq(c->x->method, STR("CONNECT")) &&
	    !c->x->websocket) { /* the proxy's own; its Host is the target's */
		host = STR_NONE;
		host_port = 0;
	}
	if (conn->server.p != NULL && conn->server.n > 0 && !(other && host.n > 0))
		c->server = conn->server;
	else if (host.n > 0)
		c->server = host;
	else if (peer.n > 0)
		c->server = peer;
	if (host_port != 0)
		c->port = host_port;
	else if (asked.n > 0 || c->x->tunnelled) /* the peer is the proxy */
		c->port = str_istarts(c->x->target, STR("https://")) ? 443 : 80;
	else if (host.n > 0 && (conn->server.p != NULL || conn->tls.p != NULL))
		c->port =
			443; /* no port in Host: the scheme's own, and the peer may be a proxy's or a client's */
	else if (peer_port != 0)
		c->port = peer_port;
	else if (conn->server.p != NULL || conn->tls.p != NULL)
		c->port = 443;
}

static int month_find(struct str s)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (s.n == 3 && memcmp(s.p, names + 3 * i, 3) == 0)
			return i;
	return -1;
}

/* RFC 9110's IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT". */
static bool date_read(struct str s, int64_t *unix_s)
{
	struct tm tm = {0};

	if (s.n != 29)
		return false;
	tm.tm_mon = month_find(str_head(str_skip(s, 8), 3));
	if (tm.tm_mon < 0 || !str_field_int(s, 5, 2, &tm.tm_mday) || !str_field_int(s, 12, 4, &tm.tm_year) ||
	    !str_field_int(s, 17, 2, &tm.tm_hour) || !str_field_int(s, 20, 2, &tm.tm_min) ||
	    !str_field_int(s, 23, 2, &tm.tm_sec))
		return false;
	tm.tm_year -= 1900;
	*unix_s = (int64_t)timegm(&tm);
	return true;
}

bool genai_server_date(const struct http_message *m, int64_t *unix_s)
{
	return date_read(http_field(m, "date"), unix_s);
}

/* A decimal number that is all of s. */
static bool decimal(struct str s, double *out)
{
	char z[32], *end;

	if (s.n == 0 || s.n >= sizeof(z) || s.p[0] < '0' || s.p[0] > '9')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < '0' || s.p[i] > '9') && s.p[i] != '.')
			return false;
	memcpy(z, s.p, s.n);
	z[s.n] = 0;
	*out = strtod(z, &end);
	return *end == 0 && isfinite(*out);
}

uint64_t genai_server_retry_after(const struct http_message *m)
{
	struct str ms = http_field(m, "retry-after-ms"), s = http_field(m, "retry-after");
	int64_t then, now;
	double v;

	if (decimal(ms, &v) && v / 1e3 <= RETRY_S_MAX)
		return (uint64_t)(v * 1e6);
	if (decimal(s, &v) && v <= RETRY_S_MAX)
		return (uint64_t)(v * 1e9);
	if (date_read(s, &then) && genai_server_date(m, &now) && then > now &&
	    (double)(then - now) <= RETRY_S_MAX)
		return (uint64_t)(then - now) * NS_PER_S;
	return 0;
}
