/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/name.h"

#include <stdint.h>
#include <string.h>

#define NAME_BYTES 64

struct known {
	struct str suffix; /* of the name in lower case without '_', '-', '.' */
	enum name_class class;
	const char *kind;
};

#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

/* The first suffix that fits decides, so the longer ones come first. */
static const struct known knowns[] = {
	{S("password"), NAME_STRICT, "password"},
	{S("passwd"), NAME_STRICT, "password"},
	{S("passphrase"), NAME_STRICT, "password"},
	{S("dbpass"), NAME_STRICT, "password"},
	{S("smtppass"), NAME_STRICT, "password"},
	{S("userpass"), NAME_STRICT, "password"},
	{S("sshpass"), NAME_STRICT, "password"},
	{S("pwd"), NAME_WORKDIR, "password"},
	{S("pass"), NAME_TOKEN, "password"},
	{S("secretaccesskey"), NAME_STRICT, "aws-secret"},
	{S("secret"), NAME_STRICT, "secret"},
	{S("apikey"), NAME_STRICT, "api-key"},
	{S("secretkey"), NAME_STRICT, "key"},
	{S("privatekey"), NAME_STRICT, "private-key"},
	{S("accesskey"), NAME_STRICT, "key"},
	{S("accountkey"), NAME_STRICT, "key"},
	{S("signingkey"), NAME_STRICT, "key"},
	{S("encryptionkey"), NAME_STRICT, "key"},
	{S("masterkey"), NAME_STRICT, "key"},
	{S("subscriptionkey"), NAME_STRICT, "key"},
	{S("publickey"), NAME_PLAIN, NULL},
	{S("cachekey"), NAME_PLAIN, NULL},
	{S("primarykey"), NAME_PLAIN, NULL},
	{S("foreignkey"), NAME_PLAIN, NULL},
	{S("partitionkey"), NAME_PLAIN, NULL},
	{S("sortkey"), NAME_PLAIN, NULL},
	{S("idempotencykey"), NAME_PLAIN, NULL},
	{S("objectkey"), NAME_PLAIN, NULL},
	{S("key"), NAME_KEY, "key"},
	{S("accesstoken"), NAME_STRICT, "token"},
	{S("refreshtoken"), NAME_STRICT, "token"},
	{S("authtoken"), NAME_STRICT, "token"},
	{S("apitoken"), NAME_STRICT, "token"},
	{S("sessiontoken"), NAME_STRICT, "token"},
	{S("securitytoken"), NAME_STRICT, "token"},
	{S("bearertoken"), NAME_STRICT, "token"},
	{S("idtoken"), NAME_STRICT, "token"},
	{S("bottoken"), NAME_STRICT, "token"},
	{S("token"), NAME_TOKEN, "token"},
	{S("jwt"), NAME_TOKEN, "token"},
	{S("credential"), NAME_TOKEN, "credential"},
	{S("credentials"), NAME_TOKEN, "credential"},
	{S("authorization"), NAME_HEADER, "authorization"},
	{S("cookie"), NAME_HEADER, "cookie"},
	{S("auth"), NAME_TOKEN, "credential"},
};

static const char *const query_strict[] = {
	"key",
	"sig",
	"signature",
	"token",
	"auth",
	"jwt",
	"pass",
	"pwd",
	"hmac",
	"xamzsignature",
	"xamzsecuritytoken",
	"xamzcredential",
	"xgoogsignature",
	"xgoogcredential",
};

struct plain {
	char z[NAME_BYTES];
	size_t n;
};

static void normalise(struct str name, struct plain *out)
{
	out->n = 0;
	if (name.n > NAME_BYTES)
		name = str_skip(name, name.n - NAME_BYTES);
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '%' && i + 2 < name.n && str_hex_digit(name.p[i + 1]) >= 0 &&
		    str_hex_digit(name.p[i + 2]) >= 0) {
			c = (char)(str_hex_digit(name.p[i + 1]) << 4 | str_hex_digit(name.p[i + 2]));
			i += 2;
		}
		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c != '_' && c != '-' && c != '.')
			out->z[out->n++] = c;
	}
}

static bool ends_with(const struct plain *p, struct str suffix)
{
	return suffix.n <= p->n && p->z[p->n - 1] == suffix.p[suffix.n - 1] &&
	       memcmp(p->z + p->n - suffix.n, suffix.p, suffix.n) == 0;
}

static bool is_word(const struct plain *p, const char *word)
{
	return p->n == strlen(word) && memcmp(p->z, word, p->n) == 0;
}

static struct name_found find(const struct plain *p)
{
	/* Most names end otherwise: d t y n e s h l and nothing else can end one that is known. */
	if (p->n < 3 || memchr("dtyneshl", p->z[p->n - 1], 8) == NULL)
		return (struct name_found){NAME_PLAIN, NULL};
	for (size_t i = 0; i < sizeof(knowns) / sizeof(knowns[0]); i++)
		if (ends_with(p, knowns[i].suffix))
			return (struct name_found){knowns[i].class, knowns[i].kind};
	return (struct name_found){NAME_PLAIN, NULL};
}

struct name_found name_find(struct str name)
{
	struct plain p;

	normalise(name, &p);
	return find(&p);
}

struct name_found name_find_query(struct str name)
{
	struct plain p;

	normalise(name, &p);
	for (size_t i = 0; i < sizeof(query_strict) / sizeof(query_strict[0]); i++)
		if (is_word(&p, query_strict[i]))
			return (struct name_found){NAME_STRICT, "url-key"};
	if (is_word(&p, "code") || is_word(&p, "ticket"))
		return (struct name_found){NAME_TOKEN, "url-key"};
	struct name_found f = find(&p);
	if (f.class != NAME_PLAIN)
		f.kind = "url-key";
	return f;
}

struct name_found name_find_option(struct str option)
{
	struct plain p;

	normalise(option, &p);
	struct name_found f = find(&p);
	if (f.class == NAME_PLAIN)
		return f;
	return (struct name_found){NAME_STRICT, f.kind};
}

bool name_is_open_header(struct str field)
{
	static const char *const open[] = {
		"accept",
		"acceptencoding",
		"age",
		"anthropicbeta",
		"anthropicversion",
		"cachecontrol",
		"cfray",
		"connection",
		"contentencoding",
		"contentlength",
		"contenttype",
		"date",
		"etag",
		"expect",
		"expires",
		"host",
		"lastmodified",
		"openaibeta",
		"openaimodel",
		"openaiprocessingms",
		"openaiversion",
		"requestid",
		"retryafter",
		"retryafterms",
		"server",
		"traceparent",
		"transferencoding",
		"upgrade",
		"useragent",
		"vary",
		"via",
		"xrequestid",
		"xshouldretry",
	};
	/* A server's limits of requests and tokens. */
	static const char *const limits[] = {"xratelimit", "anthropicratelimit", "ratelimit"};
	struct plain p;

	if (field.n > NAME_BYTES)
		return false;
	normalise(field, &p);
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		if (is_word(&p, open[i]))
			return true;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (str_starts((struct str){p.z, p.n}, str_of(limits[i])))
			return true;
	/* What an SDK says of itself, unless it names a secret. */
	return str_starts((struct str){p.z, p.n}, STR("xstainless")) && !name_is_credential_header(field);
}

bool name_is_credential_header(struct str field)
{
	static const char *const marks[] = {"auth",	"key",	     "token",	   "secret", "cookie",
					    "password", "signature", "credential", "session"};
	struct plain p;

	normalise(field, &p);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (str_has((struct str){p.z, p.n}, str_of(marks[i])))
			return true;
	return false;
}

bool name_is_command(struct str name)
{
	static const char *const words[] = {"command", "cmd",	 "commandline", "commands", "args",
					    "argv",    "script", "bash",	"shell",    "commandargs"};
	const char *dot = name.n ? memrchr(name.p, '.', name.n) : NULL;
	struct plain p;

	if (dot != NULL)
		name = str_skip(name, (size_t)(dot + 1 - name.p));
	if (name.n > NAME_BYTES)
		return false;
	normalise(name, &p);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_word(&p, words[i]))
			return true;
	return false;
}

/* 8-4-4-4-12 hex digits */
static bool is_uuid(struct str s)
{
	if (s.n != 36)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.p[i] != '-' : str_hex_digit(s.p[i]) < 0)
			return false;
	}
	return true;
}

bool name_is_likely(enum name_class class, struct str value)
{
	bool digit = false, upper = false, lower = false, other_than_hex = false;
	unsigned breaks = 0, slashes = 0;
	size_t min = class == NAME_TOKEN || class == NAME_KEY ? 16 : 1;

	if (value.n < min)
		return false;
	/* What 256 bytes do not show, the rest will not either. */
	for (size_t i = 0; i < value.n && i < 256; i++) {
		char c = value.p[i];

		if (c >= '0' && c <= '9')
			digit = true;
		else if (c >= 'A' && c <= 'Z')
			upper = true;
		else if (c >= 'a' && c <= 'z')
			lower = true;
		else if (c == '-' || c == '_')
			breaks++;
		else if (c == '/' || c == '.')
			slashes++;
		else if (memchr("+=~:%", c, 5) == NULL)
			return false;
		if (str_hex_digit(c) < 0)
			other_than_hex = true;
	}
	if (!digit || !(upper || lower))
		return false;
	if (slashes > 0 && !(upper && lower))
		return false;
	if (class == NAME_TOKEN)
		return slashes <= 4;
	/* Keys of caches and tables are slugs, hashes and UUIDs. */
	return !is_uuid(value) && other_than_hex && slashes <= 2 && ((upper && lower) || breaks == 0);
}
