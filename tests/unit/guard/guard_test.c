/* SPDX-License-Identifier: BSD-2-Clause */
/* Planted secrets in every dress must go; what only looks like one must stay. */
#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/json.h"
#include "guard/guard.h"

#define A20 "Zq3vT9xK7mW1pR5nB8dL"
#define A40 A20 "c2Yf6Hj4Gs0Qe7Ua1Xi3"

/* Recognised by themselves, wherever they stand. */
static const char *const vendors[] = {
	"sk-" A40,
	"sk-proj-" A40 "_" A20 "-" A20,
	"sk-svcacct-" A40,
	"sk-ant-api03-" A40 "-" A40 "AA",
	"sk-ant-admin01-" A40,
	"sk-or-v1-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	"sk-lf-1234abcd-12ab-34cd-56ef-1234567890ab",
	"pk-lf-1234abcd-12ab-34cd-56ef-1234567890ab",
	"AKIAIOSFODNN7EXAMPLE",
	"ASIAY34FZKBOKMUTVV7A",
	"AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
	"ya29.a0AfH6SMBx" A40 "_-x",
	"GOCSPX-" A20 "abcdefgh",
	"ghp_" A20 "0123456789abcdef",
	"gho_" A20 "0123456789abcdef",
	"ghu_" A20 "0123456789abcdef",
	"ghs_" A20 "0123456789abcdef",
	"github_pat_11ABCDEFG0" A20 "_" A40,
	"glpat-" A20,
	"gsk_" A40 A20,
	"xai-" A40 A40,
	"xoxb-123456789012-1234567890123-" A20,
	"xoxp-123456789012-" A20,
	"sk_live_" A20,
	"rk_live_" A20,
	"sk_test_" A20,
	"hf_" A20 "abcdefghijklmn",
	"r8_" A20 A20,
	"lsv2_pt_0123456789abcdef0123456789abcdef_0123456789",
	"nvapi-" A40,
	"pplx-" A40,
	"tvly-dev-" A20,
	"npm_" A20 "0123456789abcdef",
	"SG." A20 "ab." A40 "abc",
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_"
	"XgL0n3I9PlFUP0THsR8U",
};

static bool has(struct str text, const char *secret)
{
	return str_has(text, str_of(secret));
}

/* Neither the secret nor its second half may be left. */
static void assert_gone(const char *what, struct str got, const char *secret)
{
	if (has(got, secret) || has(got, secret + strlen(secret) / 2))
		fail_msg("%s: secret %s is still in: %.*s", what, secret, STR_ARG(got));
	if (!has(got, "[redacted:"))
		fail_msg("%s: no mark for %s in: %.*s", what, secret, STR_ARG(got));
}

static void text_of_every_vendor(void **state)
{
	static const char *const dresses[] = {
		"%s",
		"my key is %s, keep it",
		"(%s)",
		"`%s`",
		"key=%s",
		"OPENAI_API_KEY=%s python agent.py",
		"https://example.org/v1/models?alt=sse&key=%s&x=1",
		"https://example.org/v1?next=%%2Fa%%3Fk%%3D%s",
		"{\"text\":\"%s\"}",
		"{\\\"text\\\":\\\"%s\\\"}",
		"line\n%s\nline",
		"escaped\\n%s\\nline",
		"escaped\\u0022%s\\u0022",
		"Authorization: Bearer %s",
		"\x1b[1;32m%s\x1b[0m",
		"\xc3\xa4%s\xc3\xb6",
	};
	struct guard *g = guard_new();
	char text[1024];
	unsigned planted = 0;

	(void)state;
	for (size_t v = 0; v < sizeof(vendors) / sizeof(vendors[0]); v++)
		for (size_t d = 0; d < sizeof(dresses) / sizeof(dresses[0]); d++) {
			snprintf(text, sizeof(text), dresses[d], vendors[v]);
			assert_gone(dresses[d], guard_text(g, str_of(text)), vendors[v]);
			planted++;
		}
	assert_true(planted >= 200);
	guard_free(g);
}

/* At every offset of a longer text, before and after other secrets: nothing of the text itself is lost. */
static void text_at_every_place(void **state)
{
	struct guard *g = guard_new();
	char text[512], want[512];

	(void)state;
	for (size_t at = 0; at < 64; at++) {
		static const char around[] =
			"the quick brown fox: jumps = over; the lazy dog? and & so on, till it ends";

		snprintf(text, sizeof(text), "%.*s %s %s", (int)at, around, vendors[0], around + at);
		snprintf(want, sizeof(want), "%.*s [redacted:openai-key] %s", (int)at, around, around + at);
		HARNESS_TEXT("place", guard_text(g, str_of(text)), want);
	}
	guard_free(g);
}

struct pair {
	const char *text, *want;
};

/* Says every case that fails, not only the first. */
static unsigned differs(struct str got, const char *want)
{
	if (str_eq(got, str_of(want)))
		return 0;
	print_error("got:  %.*s\nwant: %s\n", STR_ARG(got), want);
	return 1;
}

static const struct pair named[] = {
	{"password=hunter2", "password=[redacted:password]"},
	{"password: hunter2", "password: [redacted:password]"},
	{"password: correcthorse\nuser: x", "password: [redacted:password]\nuser: x"},
	{"DB_PASSWORD='with blank 1'", "DB_PASSWORD='[redacted:password]'"},
	{"{\"password\": \"a\\\"b\", \"x\": 1}", "{\"password\": \"[redacted:password]\", \"x\": 1}"},
	{"{\\\"password\\\":\\\"abc\\\",\\\"n\\\":1}",
	 "{\\\"password\\\":\\\"[redacted:password]\\\",\\\"n\\\":1}"},
	{"client = OpenAI(api_key=\"abc\", timeout=3)",
	 "client = OpenAI(api_key=\"[redacted:api-key]\", timeout=3)"},
	{"os.environ['X_API_KEY'] = 'abcdef'", "os.environ['X_API_KEY'] = '[redacted:api-key]'"},
	{"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	 "aws_secret_access_key = [redacted:aws-secret]"},
	{"\"SecretAccessKey\": \"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"",
	 "\"SecretAccessKey\": \"[redacted:aws-secret]\""},
	{"postgres://bob:s3cr3t@db:5432/x", "postgres://bob:[redacted:url-password]@db:5432/x"},
	{"redis://:p4ss@h", "redis://:[redacted:url-password]@h"},
	{"https://0123456789abcdef0123@github.com/a/b", "https://[redacted:url-token]@github.com/a/b"},
	{"jdbc:mysql://h/d?user=a&password=b", "jdbc:mysql://h/d?user=a&password=[redacted:url-key]"},
	{"Server=x;Uid=sa;Pwd=abc;Database=y", "Server=x;Uid=sa;Pwd=[redacted:password];Database=y"},
	{"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc/def==;EndpointSuffix=x",
	 "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=[redacted:key];EndpointSuffix=x"},
	{"Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [redacted:authorization]"},
	{"see Basic dXNlcjpwYXNz there", "see Basic [redacted:basic] there"},
	{"Authorization: Bearer abc\r\nHost: x", "Authorization: Bearer [redacted:authorization]\r\nHost: x"},
	{"curl -H 'Authorization: token abcdef12' u",
	 "curl -H 'Authorization: token [redacted:authorization]' u"},
	{"x-api-key: abc123", "x-api-key: [redacted:api-key]"},
	{"Cookie: sid=1; t=2\nHost: x", "Cookie: [redacted:cookie]\nHost: x"},
	{"deploy --token hunter2 now", "deploy --token [redacted:token] now"},
	{"deploy --api-key=hunter --x", "deploy --api-key=[redacted:api-key] --x"},
	{"curl -u bob:secret https://x", "curl -u bob:[redacted:password] https://x"},
	{"GITHUB_TOKEN=abc make", "GITHUB_TOKEN=[redacted:token] make"},
	{"token: abcdef0123456789abcdef", "token: [redacted:token]"},
	{"-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----\nend",
	 "[redacted:private-key]\nend"},
	{"x -----BEGIN PRIVATE KEY-----\\nMIIE\\ncut off", "x [redacted:private-key]"},
	{"a password=x!(y)z b", "a password=[redacted:password] b"},
	{"PASSWORD=a&b;c,d x", "PASSWORD=[redacted:password] x"},
	{"GET /v1beta/m:gen?key=abc HTTP/1.1", "GET /v1beta/m:gen?key=[redacted:url-key] HTTP/1.1"},
	{"/b/o?X-Amz-Credential=AK%2F1&X-Amz-Signature=12ab#f",
	 "/b/o?X-Amz-Credential=[redacted:url-key]&X-Amz-Signature=[redacted:url-key]#f"},
	{"/x?api%5Fkey=1&b=2", "/x?api%5Fkey=[redacted:url-key]&b=2"},
	{"https://a/b?sig=x&access_token=y&client_secret=z&apikey=1&api_key=2&password=3",
	 "https://a/b?sig=[redacted:url-key]&access_token=[redacted:url-key]&client_secret=[redacted:url-key]"
	 "&apikey=[redacted:url-key]&api_key=[redacted:url-key]&password=[redacted:url-key]"},
};

/* Text is stepped over sixteen bytes at a time: wherever in it a secret stands, and however much follows. */
static void text_at_every_offset(void **state)
{
	static const char *const others[][2] = {
		{"Bearer " A20, A20},
		{"bAsIc dXNlcjpodW50ZXIyMzQ1Njc4OQ==", "dXNlcjpodW50ZXIyMzQ1Njc4OQ"},
		{"password=" A20, A20},
		{"password: \"" A20 "\"", A20},
		{"https://me:" A20 "@host/", A20},
		{"-----BEGIN RSA PRIVATE KEY-----\n" A40 "\n-----END RSA PRIVATE KEY-----", A40},
		{"?code=" A20, A20},
	};
	const size_t named = sizeof(others) / sizeof(others[0]);
	/* None of what a secret begins with, in words as prose has them. */
	static const char prose[] =
		"the quarter before was worse than the one behind us and nobody wanted to "
		"hear of it when she asked whether it could be so again next year ";
	struct guard *g = guard_new();
	char text[1024];
	(void)state;

	assert_non_null(g);
	for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]) + named; i++) {
		const char *secret = i < named ? others[i][1] : vendors[i - named];

		for (int before = 0; before <= 70; before++)
			for (int after = 0; after <= 60; after += after < 20 ? 1 : 13) {
				snprintf(text, sizeof(text), "%.*s%s %.*s", before,
					 prose + sizeof(prose) - 1 - before,
					 i < named ? others[i][0] : secret, after, prose);
				assert_gone(text, guard_text(g, str_of(text)), secret);
			}
	}
	guard_free(g);
}

static void text_by_name(void **state)
{
	struct guard *g = guard_new();
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		bad += differs(guard_url(g, str_of(named[i].text)), named[i].want);
		/* Cleaned once more, it stays as it is. */
		bad += differs(guard_text(g, str_of(named[i].want)), named[i].want);
	}
	guard_free(g);
	assert_int_equal(bad, 0);
}

static const char *const innocent[] = {
	"ask-me-anything-about-this-topic-today risk-averse-investors-like-bonds disk-usage-report-for-today",
	"550e8400-e29b-41d4-a716-446655440000",
	"commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad",
	"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"call_9JfZ3kQ2mV7xW1pR5nB8dLc2 toolu_01A09q90qw90lq917835lq9 chatcmpl-9JfZ3kQ2mV7xW1pR5nB8dL",
	"msg_01XFDUDYJgAACzvnptvVoYEL req_011CSHoEeqs5C35K2UUqR7Fy resp_67ccd2bed1ec8190b14f964abc0542670bb6",
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
	"the password must have 8 characters; password: required, token: str, secret: the thing",
	"def login(user, password=None, api_key: str = None, token=token, key=lambda x: x): pass",
	"password = getpass.getpass('Password: '); api_key=os.environ[\"OPENAI_API_KEY\"]; x=f\"Bearer "
	"{token}\"",
	"{\"type\":\"object\",\"properties\":{\"password\":{\"type\":\"string\"},\"api_key\":{\"type\":"
	"\"string\"}}}",
	"max_tokens=4096 input_tokens: 8412 \"total_tokens\":12 primary_key=12 keyboard: qwerty monkey: "
	"banana",
	"Basic authentication and bearer authentication are explained; Bearer token required",
	"https://api.openai.com/v1/chat/completions?stream=true&model=gpt-5 https://host:8080/a@b",
	"PWD=/home/user OLDPWD=/tmp docker run -u 1000:1000 image",
	"if password == other or token != expected: use --token to pass it; see --password for more",
	"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----------\n--- a/file\n+++ b/file",
	"\"key\": \"user-profile-2024-summary\", \"key\": \"d41d8cd98f00b204e9800998ecf8427e\"",
	"\"signature\":\"EqoBCkgIARABGAIiQL2UoU0b1OHYi+yCHpBY7U6FQW8/FcoLewocJQPa2HnmLM+NECy50y44F\"",
	"key: value, Key: photos/2024/abc.jpg, sort by key=str.lower",
	"the cookie: a small file; authorization: the process of granting rights",
};

static void text_stays(void **state)
{
	struct guard *g = guard_new();
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(innocent) / sizeof(innocent[0]); i++)
		bad += differs(guard_text(g, str_of(innocent[i])), innocent[i]);
	assert_int_equal(bad, 0);
	/* Nothing found: the very same bytes, no copy. */
	struct str s = STR("nothing here");
	assert_ptr_equal(guard_text(g, s).p, s.p);
	assert_int_equal(guard_stats(g).redacted, 0);
	guard_free(g);
}

static void argv_of_any_kind(void **state)
{
	static const char *const args[] = {
		"python",
		"agent.py",
		"--api-key",
		"plain",
		"--token=x",
		"--password",
		"-v",
		"--passwd=abc",
		"--secret",
		"s",
		"--access-token",
		"t",
		"--auth",
		"u",
		"--hf-token",
		"v",
		"OPENAI_API_KEY=w",
		"MODEL=gpt-5",
		"-H",
		"Authorization: Token q",
		"-H",
		"Accept: a/b",
		"-HX-Api-Key: p",
		"https://bob:pw@host/?key=1",
		"-u",
		"bob:pw",
		"--header=Cookie: a=b",
		"--max-tokens",
		"5",
		"-c",
		"import os; password='abc'",
		"-u",
		"1000:1000",
	};
	struct str argv[64];
	struct guard *g = guard_new();
	struct buf b;
	struct jsonw w;
	uint32_t n = 0;

	(void)state;
	for (; n < sizeof(args) / sizeof(args[0]); n++)
		argv[n] = str_of(args[n]);
	buf_init(&b, 1 << 20);
	jsonw_init(&w, &b);
	guard_argv(g, &w, argv, n);
	HARNESS_TEXT(
		"argv", buf_str(&b),
		"[\"python\",\"agent.py\",\"--api-key\",\"[redacted:api-key]\",\"--token=[redacted:token]\","
		"\"--password\",\"[redacted:password]\",\"--passwd=[redacted:password]\",\"--secret\","
		"\"[redacted:secret]\",\"--access-token\",\"[redacted:token]\",\"--auth\","
		"\"[redacted:credential]\",\"--hf-token\",\"[redacted:token]\","
		"\"OPENAI_API_KEY=[redacted:api-key]\",\"MODEL=gpt-5\",\"-H\","
		"\"Authorization: [redacted:header]\",\"-H\",\"Accept: a/b\",\"-HX-Api-Key: "
		"[redacted:header]\","
		"\"https://bob:[redacted:url-password]@host/?key=[redacted:url-key]\",\"-u\","
		"\"bob:[redacted:password]\",\"--header=Cookie: [redacted:header]\",\"--max-tokens\",\"5\","
		"\"-c\",\"import os; password='[redacted:password]'\",\"-u\",\"1000:1000\"]");
	buf_fini(&b);
	guard_free(g);
}

/* ---- linear on hostile text ---- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* others run beside us */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void hostile_text_is_linear(void **state)
{
	static const char *const units[] = {
		"key=",	       "password=",  "authorization: ", "Authorization:$", "eyJaaaaaaa-", "://a",
		"-----BEGIN ", "sk-",	     "pwd=\"/",		"pwd=\\\"/",	   "--token ",	  "-u a:",
		"bearer ",     "basic AAAA", "\"key\":\"a",	"secret=(",	   "cookie: a",	  "token=a,",
		"?key=a&",     "x@://",
	};
	struct guard *g = guard_new();
	size_t n = 1 << 20;
	char *text = malloc(n);

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t u = strlen(units[i]);

		for (size_t k = 0; k < n; k++)
			text[k] = units[i][k % u];
		double from = seconds();
		(void)guard_text(g, str_make(text, n));
		if (seconds() - from > 2.0)
			fail_msg("1 MiB of \"%s\" took %.1f s", units[i], seconds() - from);
	}
	free(text);
	guard_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_every_vendor),
		cmocka_unit_test(text_at_every_place),
		cmocka_unit_test(text_at_every_offset),
		cmocka_unit_test(text_by_name),
		cmocka_unit_test(text_stays),
		cmocka_unit_test(argv_of_any_kind),
		cmocka_unit_test(hostile_text_is_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
