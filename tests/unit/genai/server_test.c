/* SPDX-License-Identifier: BSD-2-Clause */
#include "genai/decoder.h"
#include "harness.h"

#include <stdio.h>

static void targets_have_paths(void **state)
{
	static const char *const rows[][2] = {
		{"/v1/chat/completions?x=1#y", "/v1/chat/completions"},
		{"/a#b?c", "/a"},
		{"http://host:80/v1/x?y", "/v1/x"},
		{"HTTPS://host/v1", "/v1"},
		{"http://host", "/"},
		{"*", "*"},
		{"host:443", "host:443"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		HARNESS_TEXT(rows[i][0], genai_server_path(str_of(rows[i][0])), rows[i][1]);
}

static void servers_come_from_what_is_known(void **state)
{
	static const struct {
		const char *sni, *host, *peer, *want;
		uint16_t port;
		const char *method, *target;
		bool tunnelled;
	} rows[] = {
		{"api.a.com", "b.com:8443", "1.2.3.4:443", "api.a.com", 8443, NULL, NULL, false},
		{"api.a.com", "api.a.com", "", "api.a.com", 443, NULL, NULL, false},
		{"api.a.com", "api.a.com", "1.2.3.4:9", "api.a.com", 443, NULL, NULL, false},
		{"api.a.com", NULL, "1.2.3.4:9", "api.a.com", 9, NULL, NULL, false},
		{NULL, "b.com", "1.2.3.4:9", "b.com", 9, NULL, NULL, false},
		{NULL, "b.com", "", "b.com", 0, NULL, NULL, false},
		{NULL, NULL, "[::1]:8080", "::1", 8080, NULL, NULL, false},
		{NULL, "[::1]:8080", "", "::1", 8080, NULL, NULL, false},
		{NULL, "b.com:99999", "", "b.com", 0, NULL, NULL, false},
		{NULL, "b.com:", "", "b.com", 0, NULL, NULL, false},
		{NULL, NULL, "", NULL, 0, NULL, NULL, false},
		/* a proxy is another server than the one that is asked */
		{"proxy.a", "b.com:443", "1.2.3.4:3128", "proxy.a", 3128, "CONNECT", "b.com:443", false},
		{NULL, "b.com:443", "1.2.3.4:3128", "1.2.3.4", 3128, "CONNECT", "b.com:443", false},
		{"proxy.a", "b.com", "1.2.3.4:3128", "b.com", 80, "GET", "/", true},
		{"proxy.a", "b.com:81", "1.2.3.4:3128", "b.com", 81, "GET", "/", true},
		{"proxy.a", NULL, "1.2.3.4:3128", "proxy.a", 80, "GET", "/", true},
		{"proxy.a", "x.com", "1.2.3.4:3128", "b.com", 80, "POST", "http://b.com/v1", false},
		{NULL, "x.com", "1.2.3.4:3128", "b.com", 443, "POST", "https://b.com?v1", false},
		{NULL, "x.com", "1.2.3.4:3128", "b.com", 8080, "POST", "http://me:you@b.com:8080", false},
		{NULL, "x.com", "1.2.3.4:9", "x.com", 9, "POST", "httpx://b.com/", false},
		{NULL, "x.com", "1.2.3.4:9", "x.com", 9, "POST", "http:///", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_field field = {STR("Host"), str_of(rows[i].host)};
		struct flow_conn conn = {.server = str_of(rows[i].sni)};
		struct http_exchange x = {.conn = &conn,
					  .method = str_of(rows[i].method),
					  .target = str_of(rows[i].target),
					  .tunnelled = rows[i].tunnelled};
		struct genai_work w = {.c = {.x = &x}};

		snprintf(conn.peer, sizeof(conn.peer), "%s", rows[i].peer);
		x.request.fields = &field;
		x.request.count = rows[i].host != NULL;
		genai_server_read(&w);
		harness_assert_text("server", w.c.server, str_of(rows[i].want));
		assert_int_equal(w.c.server.p == NULL, rows[i].want == NULL);
		assert_int_equal(w.c.port, rows[i].port);
	}
}

static void servers_say_when_to_come_back(void **state)
{
	static const struct {
		const char *ms, *s, *date;
		uint64_t want;
	} rows[] = {
		{NULL, "12", NULL, 12000000000ull},
		{"1500", "2", NULL, 1500000000ull},
		{"12.5", NULL, NULL, 12500000ull},
		{NULL, "0.25", NULL, 250000000ull},
		{NULL, "-1", NULL, 0},
		{NULL, "soon", NULL, 0},
		{NULL, "", NULL, 0},
		{NULL, "1.2.3", NULL, 0},
		{NULL, "99999999999999999999", NULL, 0},
		{NULL, "Sun, 06 Nov 1994 08:50:07 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 30000000000ull},
		{NULL, "Sun, 06 Nov 1994 08:50:07 GMT", NULL, 0},
		{NULL, "Sun, 06 Nov 1994 08:49:07 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 0},
		{NULL, "Sun, 06 Foo 1994 08:50:07 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 0},
		{NULL, NULL, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_field fields[3];
		struct http_message m = {.fields = fields};

		if (rows[i].ms)
			fields[m.count++] = (struct http_field){STR("Retry-After-Ms"), str_of(rows[i].ms)};
		if (rows[i].s)
			fields[m.count++] = (struct http_field){STR("retry-after"), str_of(rows[i].s)};
		if (rows[i].date)
			fields[m.count++] = (struct http_field){STR("Date"), str_of(rows[i].date)};
		assert_int_equal(genai_server_retry_after(&m), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_have_paths),
		cmocka_unit_test(servers_come_from_what_is_known),
		cmocka_unit_test(servers_say_when_to_come_back),
	};

	return cmocka_run_group_tests_name("genai server", tests, NULL, NULL);
}
