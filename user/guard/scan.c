/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/scan.h"

#include <assert.h>

#include <string.h>

#include "base/lane.h"

#define WORD (SCAN_KEY | SCAN_NAME | SCAN_B64 | SCAN_T68)

const unsigned char scan_class[256] = {
	['0' ... '9'] = SCAN_DIGIT | SCAN_UPNUM | WORD,
	['A' ... 'Z'] = SCAN_LETTER | SCAN_UPNUM | WORD,
	['a' ... 'z'] = SCAN_LETTER | WORD,
	['_'] = SCAN_KEY | SCAN_NAME | SCAN_T68,
	['-'] = SCAN_KEY | SCAN_NAME | SCAN_T68,
	['.'] = SCAN_NAME | SCAN_T68,
	['~'] = SCAN_T68,
	['+'] = SCAN_B64 | SCAN_T68,
	['/'] = SCAN_B64 | SCAN_T68,
	['='] = SCAN_B64 | SCAN_T68,
	[' '] = SCAN_SPACE,
	['\t'] = SCAN_SPACE,
};

/* What vendors write in front of their keys. Rules with the same first byte stand together; the first that fits
 * decides. */
struct rule {
	const char *prefix;
	unsigned char class;
	unsigned char min;   /* characters of the class that must follow */
	unsigned char exact; /* 0, or as many and no more */
	const char *kind;
};

#define ALNUM (SCAN_DIGIT | SCAN_LETTER)

static const struct rule rules[] = {
	{"AKIA", SCAN_UPNUM, 16, 16, "aws-key"},
	{"ASIA", SCAN_UPNUM, 16, 16, "aws-key"},
	{"ABSK", SCAN_B64, 64, 0, "aws-key"},
	{"AIza", SCAN_KEY, 30, 0, "google-key"},
	{"GOCSPX-", SCAN_KEY, 16, 0, "google-secret"},
	{"SG.", SCAN_NAME, 50, 0, "sendgrid-key"},
	{"bedrock-api-key-", SCAN_T68, 16, 0, "aws-key"},
	{"csk-", ALNUM, 20, 0, "cerebras-key"},
	{"dop_v1_", ALNUM, 32, 0, "digitalocean-token"},
	{"ghp_", SCAN_KEY, 20, 0, "github-token"},
	{"gho_", SCAN_KEY, 20, 0, "github-token"},
	{"ghu_", SCAN_KEY, 20, 0, "github-token"},
	{"ghs_", SCAN_KEY, 20, 0, "github-token"},
	{"ghr_", SCAN_KEY, 20, 0, "github-token"},
	{"github_pat_", SCAN_KEY, 20, 0, "github-token"},
	{"glpat-", SCAN_KEY, 16, 0, "gitlab-token"},
	{"gsk_", ALNUM, 20, 0, "groq-key"},
	{"hooks.slack.com/services/", SCAN_B64, 20, 0, "slack-hook"},
	{"hf_", ALNUM, 20, 0, "huggingface-token"},
	{"lsv2_", SCAN_KEY, 20, 0, "langsmith-key"},
	{"nvapi-", SCAN_KEY, 20, 0, "nvidia-key"},
	{"npm_", ALNUM, 30, 0, "npm-token"},
	{"pk-lf-", SCAN_KEY, 10, 0, "langfuse-key"},
	{"pplx-", ALNUM, 20, 0, "perplexity-key"},
	{"pcsk_", SCAN_KEY, 20, 0, "pinecone-key"},
	{"pypi-", SCAN_KEY, 50, 0, "pypi-token"},
	{"rk_live_", ALNUM, 10, 0, "stripe-key"},
	{"rk_test_", ALNUM, 10, 0, "stripe-key"},
	{"r8_", ALNUM, 20, 0, "replicate-token"},
	{"sk-ant-", SCAN_KEY, 9, 0, "anthropic-key"},
	{"sk-or-", SCAN_KEY, 10, 0, "openrouter-key"},
	{"sk-lf-", SCAN_KEY, 10, 0, "langfuse-key"},
	{"sk-", SCAN_KEY, 16, 0, "openai-key"},
	{"sk_live_", ALNUM, 10, 0, "stripe-key"},
	{"sk_test_", ALNUM, 10, 0, "stripe-key"},
	{"tvly-", SCAN_KEY, 16, 0, "tavily-key"},
	{"whsec_", SCAN_B64, 16, 0, "stripe-key"},
	{"xoxa-", SCAN_KEY, 10, 0, "slack-token"},
	{"xoxb-", SCAN_KEY, 10, 0, "slack-token"},
	{"xoxc-", SCAN_KEY, 10, 0, "slack-token"},
	{"xoxd-", SCAN_T68, 10, 0, "slack-token"},
	{"xoxe-", SCAN_KEY, 10, 0, "slack-token"},
	{"xoxp-", SCAN_KEY, 10, 0, "slack-token"},
	{"xoxr-", SCAN_KEY, 10, 0, "slack-token"},
	{"xoxs-", SCAN_KEY, 10, 0, "slack-token"},
	{"xapp-", SCAN_KEY, 10, 0, "slack-token"},
	{"xai-", ALNUM, 20, 0, "xai-key"},
	{"ya29.", SCAN_T68, 20, 0, "google-token"},
};

#define RULES (sizeof(rules) / sizeof(rules[0]))

#define SEEN_BYTES 8u /* of a prefix: one of its landmarks is among them */
/* Looked at pair by pair before whole lanes are tried again: where there is little to see, and where there is much. */
#define NEAR_BYTES 16u
#define FAR_BYTES  48u

/* What a pair of bytes may begin. */
#define PAIR_RULE   1u
#define PAIR_NAME   2u /* the end of a name and its separator */
#define PAIR_URL    4u
#define PAIR_DASH   8u
#define PAIR_JWT    16u
#define PAIR_SCHEME 32u

static void pair_add(struct scan_table *t, int a, int b, unsigned what)
{
	t->pairs[(unsigned)a | (unsigned)b << 8] |= (unsigned char)what;
}

static void add_third(struct scan_table *t, const char *prefix)
{
	t->third[(unsigned char)prefix[2]] |= PAIR_RULE;
	t->thirds[(unsigned char)prefix[0]] |= 1u << (prefix[2] & 31);
}

void scan_table_init(struct scan_table *t)
{
	static const char before_sep[] = "dtyneshlDTYNESHL\"'`]* gG";

	memset(t, 0, sizeof(*t));
	for (size_t i = RULES; i-- > 0;) {
		pair_add(t, rules[i].prefix[0], rules[i].prefix[1], PAIR_RULE);
		t->rule[(unsigned char)rules[i].prefix[0]] = (unsigned char)i;
	}
	for (size_t i = 0; before_sep[i]; i++) {
		pair_add(t, before_sep[i], '=', PAIR_NAME);
		pair_add(t, before_sep[i], ':', PAIR_NAME);
	}
	/* In a query other letters end names too ("code", "key%5f"). */
	for (int c = 'a'; c <= 'z'; c++)
		pair_add(t, c, '=', PAIR_NAME);
	for (int c = '0'; c <= '9'; c++)
		pair_add(t, c, '=', PAIR_NAME);
	for (int c = 0; c < 4; c++) {
		pair_add(t, c & 1 ? 'b' : 'B', c & 2 ? 'e' : 'E', PAIR_SCHEME);
		pair_add(t, c & 1 ? 'b' : 'B', c & 2 ? 'a' : 'A', PAIR_SCHEME);
	}
	pair_add(t, ':', '/', PAIR_URL);
	pair_add(t, 'e', 'y', PAIR_JWT);
	pair_add(t, '-', '-', PAIR_DASH); /* PEM, options */
	pair_add(t, '-', 'u', PAIR_DASH);
	memset(t->third, PAIR_NAME | PAIR_DASH, sizeof(t->third));
	for (size_t i = 0; i < RULES; i++)
		assert(strcspn(rules[i].prefix, "-_.A") < SEEN_BYTES);
	for (size_t i = 0; i < RULES; i++)
		add_third(t, rules[i].prefix);
	t->third['/'] |= PAIR_URL;
	t->third['J'] |= PAIR_JWT;
	for (size_t i = 0; i < 4; i++)
		t->third[(unsigned char)"aAsS"[i]] |= PAIR_SCHEME;
}

/* Whether a word may begin at `at`: nothing alphanumeric stands before it, or the end of an escape does. */
static bool is_boundary(struct str t, size_t at)
{
	if (at == 0 || !scan_is(t.p[at - 1], ALNUM))
		return true;
	char before = t.p[at - 1];
	/* \n and the like, where the text is itself the inside of a JSON or source string */
	if (at >= 2 && t.p[at - 2] == '\\' && memchr("nrtbfev0", before, 8) != NULL)
		return true;
	/* %3D in a URL */
	if (at >= 3 && t.p[at - 3] == '%' && str_hex_digit(t.p[at - 2]) >= 0 && str_hex_digit(before) >= 0)
		return true;
	/* \x22, \u0022 */
	if (at >= 4 && t.p[at - 4] == '\\' && t.p[at - 3] == 'x')
		return true;
	if (at >= 6 && t.p[at - 6] == '\\' && t.p[at - 5] == 'u')
		return true;
	/* ESC [ 1 ; 32 m */
	if (before != 'm')
		return false;
	size_t i = at - 1;
	while (i > 0 && at - i < 16 && (scan_is(t.p[i - 1], SCAN_DIGIT) || t.p[i - 1] == ';'))
		i--;
	return i > 0 && t.p[i - 1] == '[';
}

static bool find_rule(struct scan *s, size_t at, struct scan_hit *hit)
{
	struct str t = s->text;

	if (t.n - at < 3)
		return false;
	for (size_t i = s->table->rule[(unsigned char)t.p[at]]; i < RULES; i++) {
		const struct rule *r = &rules[i];
		size_t n;

		if (r->prefix[0] != t.p[at])
			return false;
		if (r->prefix[1] != t.p[at + 1] || r->prefix[2] != t.p[at + 2])
			continue;
		n = strlen(r->prefix);
		if (t.n - at < n || memcmp(t.p + at, r->prefix, n) != 0)
			continue;
		size_t stop = at + n + (r->exact ? r->exact + 1u : r->min);
		size_t end = at + n;
		while (end < t.n && end < stop && scan_is(t.p[end], r->class))
			end++;
		if (end - at - n < r->min || (r->exact && end - at - n != r->exact))
			continue;
		if (!is_boundary(t, at))
			return false;
		end = r->exact ? end : scan_run(t, end, r->class);
		/* The middle of a base64 text, not a word. */
		if (end < t.n && r->prefix[0] == 'A' &&
		    (t.p[end] == '+' || t.p[end] == '/' || scan_is(t.p[end], ALNUM)))
			return false;
		*hit = (struct scan_hit){at, end, r->kind};
		return true;
	}
	return false;
}

/* xxxxx.yyyyy.zzzzz, the first part beginning with base64url of {" */
static bool find_jwt(struct scan *s, size_t at, struct scan_hit *hit)
{
	struct str t = s->text;
	size_t first, second, end;

	if (at < s->jwt_until || t.n - at < 16 || t.p[at + 2] != 'J' || !is_boundary(t, at))
		return false;
	first = scan_run(t, at, SCAN_KEY);
	s->jwt_until = first;
	if (first - at < 10 || first == t.n || t.p[first] != '.')
		return false;
	second = scan_run(t, first + 1, SCAN_KEY);
	if (second - first < 9)
		return false;
	end = second;
	while (end < t.n && t.p[end] == '.' && scan_run(t, end + 1, SCAN_KEY) > end + 1)
		end = scan_run(t, end + 1, SCAN_KEY);
	*hit = (struct scan_hit){at, end, "jwt"};
	return true;
}

static bool find_pem(struct scan *s, size_t at, struct scan_hit *hit)
{
	static const char begin[] = "-----BEGIN ", end_mark[] = "-----END ";
	struct str t = str_skip(s->text, at);

	if (!str_starts(t, STR(begin)) || !str_has(str_head(t, 64), STR("PRIVATE KEY")))
		return false;
	ptrdiff_t end = str_find(t, STR(end_mark));
	size_t n = t.n;
	if (end >= 0) {
		n = (size_t)end + sizeof(end_mark) - 1;
		ptrdiff_t dashes = str_find(str_head(str_skip(t, n), 64), STR("-----"));
		n = dashes >= 0 ? n + (size_t)dashes + 5 : n;
	}
	*hit = (struct scan_hit){at, at + n, "private-key"};
	return true;
}

static bool starts_with_word(struct str t, size_t at, const char *word)
{
	return str_istarts(str_skip(t, at), str_of(word));
}

/* "Bearer TOKEN", where TOKEN is more than a word. */
static bool find_bearer(struct scan *s, size_t at, struct scan_hit *hit)
{
	struct str t = s->text;
	bool digit = false, upper = false, lower = false, other = false;

	if (!starts_with_word(t, at, "bearer") || !is_boundary(t, at))
		return false;
	size_t from = scan_run(t, at + 6, SCAN_SPACE);
	if (from == at + 6)
		return false;
	size_t end = scan_run(t, from, SCAN_T68);
	for (size_t i = from; i < end && i < from + 256; i++) {
		digit |= scan_is(t.p[i], SCAN_DIGIT);
		upper |= t.p[i] >= 'A' && t.p[i] <= 'Z';
		lower |= t.p[i] >= 'a' && t.p[i] <= 'z';
		other |= i + 1 < end && !scan_is(t.p[i], ALNUM);
	}
	if (end - from < 8 || !(digit || (end - from >= 16 && ((upper && lower) || other))))
		return false;
	*hit = (struct scan_hit){from, end, "bearer"};
	return true;
}

static int b64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (scan_is(c, SCAN_DIGIT))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Whether base64 text holds user:password. */
static bool is_user_and_password(struct str b64)
{
	unsigned bits = 0, count = 0;
	bool colon = false;

	for (size_t i = 0; i < b64.n && b64.p[i] != '='; i++) {
		bits = bits << 6 | (unsigned)b64_value(b64.p[i]);
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		unsigned char c = (unsigned char)(bits >> count);
		if (c < 0x20 || c == 0x7f)
			return false;
		colon |= c == ':';
	}
	return colon;
}

static bool find_basic(struct scan *s, size_t at, struct scan_hit *hit)
{
	struct str t = s->text;

	if (!starts_with_word(t, at, "basic") || !is_boundary(t, at))
		return false;
	size_t from = scan_run(t, at + 5, SCAN_SPACE);
	size_t end = scan_run(t, from, SCAN_B64);
	if (from == at + 5 || end - from < 4 || !is_user_and_password(str_make(t.p + from, end - from)))
		return false;
	*hit = (struct scan_hit){from, end, "basic"};
	return true;
}

/* scheme://user:PASSWORD@host, scheme://TOKEN@host; `at` is the colon. */
static bool find_userinfo(struct scan *s, size_t at, struct scan_hit *hit)
{
	struct str t = s->text;
	size_t from = at + 3, sign = 0, colon = 0, i = from;

	if (t.n - at < 4 || t.p[at + 2] != '/' || at == 0 || !scan_is(t.p[at - 1], SCAN_NAME))
		return false;
	for (; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];

		if (c <= ' ' || c == '/' || c == '?' || c == '#' || c == '"' || c == '<' || c == '>' ||
		    c == '`' || c == '\\')
			break;
		if (c == '@')
			sign = i;
		if (c == ':' && colon == 0)
			colon = i;
	}
	if (sign <= from || str_starts(str_skip(t, from), STR("[redacted:")))
		return false;
	if (colon == 0 || colon > sign) {
		if (sign - from < 16)
			return false;
		*hit = (struct scan_hit){from, sign, "url-token"};
		return true;
	}
	if (sign == colon + 1)
		return false;
	*hit = (struct scan_hit){colon + 1, sign, "url-password"};
	return true;
}

static bool look(struct scan *s, size_t at, unsigned what, struct scan_hit *hit)
{
	const char *p = s->text.p + at;

	if ((what & PAIR_RULE) && find_rule(s, at, hit))
		return true;
	if ((what & PAIR_NAME) && scan_assignment(s, at + 1, hit))
		return true;
	if ((what & PAIR_URL) && find_userinfo(s, at, hit))
		return true;
	if ((what & PAIR_JWT) && find_jwt(s, at, hit))
		return true;
	if ((what & PAIR_SCHEME) && s->text.n - at > 8) {
		if ((p[2] | 0x20) == 'a' && find_bearer(s, at, hit))
			return true;
		if ((p[2] | 0x20) == 's' && find_basic(s, at, hit))
			return true;
	}
	if (what & PAIR_DASH)
		return (p[1] == '-' && find_pem(s, at, hit)) || scan_option(s, at, hit);
	return false;
}

/* Nothing that look() finds begins in a lane when neither it nor the next holds one of these: names and URLs end in
 * them, and each rule's prefix has one among its first SEEN_BYTES. "Bearer" and "Basic" have none. */
static inline lane landmarks(const char *p)
{
	lane v = lane_load(p);

	return lane_eq(v, '-') | lane_eq(v, '_') | lane_eq(v, '.') | lane_eq(v, '=') | lane_eq(v, ':') |
	       lane_eq(v, 'A') | lane_eq(v, 'J');
}

static inline lane schemes(const char *p)
{
	lane lower = lane_of(0x20), third = lane_load(p + 2) | lower;

	return lane_eq(lane_load(p) | lower, 'b') & (lane_eq(third, 'a') | lane_eq(third, 's'));
}

/* To the first place where something may begin, as far as whole lanes can tell. */
static size_t skip_lanes(struct str t, size_t i)
{
	if (t.n - i < 3 * LANE_BYTES)
		return i;
	lane here = landmarks(t.p + i);
	while (t.n - i >= 3 * LANE_BYTES) {
		lane next = landmarks(t.p + i + LANE_BYTES), scheme = schemes(t.p + i);

		if (lane_any(here | next | scheme)) {
			size_t mark = lane_any(here)   ? lane_first(here)
				      : lane_any(next) ? LANE_BYTES + lane_first(next)
						       : 2 * LANE_BYTES;
			size_t first = mark < SEEN_BYTES ? 0 : mark - SEEN_BYTES + 1;

			if (lane_any(scheme) && lane_first(scheme) < first)
				first = lane_first(scheme);
			return i + first;
		}
		here = next;
		i += LANE_BYTES;
	}
	return i;
}

bool scan_next(struct scan *s, size_t from, struct scan_hit *hit)
{
	const unsigned char *p = (const unsigned char *)s->text.p, *pairs = s->table->pairs;
	size_t i = from, n = s->text.n;

	while (i + 1 < n) {
		size_t at = skip_lanes(s->text, i);
		size_t far = at + (at - i < FAR_BYTES ? FAR_BYTES : NEAR_BYTES);

		for (i = at; i < far && i + 1 < n;) {
			/* Eight pairs a step while there is nothing to see. */
			while (i + 9 < n &&
			       !(pairs[p[i] | p[i + 1] << 8] | pairs[p[i + 1] | p[i + 2] << 8] |
				 pairs[p[i + 2] | p[i + 3] << 8] | pairs[p[i + 3] | p[i + 4] << 8] |
				 pairs[p[i + 4] | p[i + 5] << 8] | pairs[p[i + 5] | p[i + 6] << 8] |
				 pairs[p[i + 6] | p[i + 7] << 8] | pairs[p[i + 7] | p[i + 8] << 8]))
				i += 8;
			for (size_t stop = i + 8 < n - 1 ? i + 8 : n - 1; i < stop; i++) {
				unsigned what = pairs[p[i] | p[i + 1] << 8];

				what &= i + 2 < n ? s->table->third[p[i + 2]] : PAIR_NAME | PAIR_DASH;
				if (what == PAIR_RULE && !(s->table->thirds[p[i]] >> (p[i + 2] & 31) & 1))
					continue;
				if (what && look(s, i, what, hit))
					return true;
			}
		}
	}
	return false;
}
