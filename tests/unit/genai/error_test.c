/* SPDX-License-Identifier: BSD-2-Clause */
#include "talk.h"

#define ASK "{\"model\":\"m\",\"messages\":[]}"
#define REST                                                                                               \
	"\n  server=\"api.example.com\" port=443 path=\"/v1/chat/completions\"\n"                          \
	"  chat provider=\"openai\" model=\"m\"\n  openai.api.type=\"chat_completions\"\n  usage - - - - " \
	"-\n"

static void every_shape(void **state)
{
	static const struct {
		const char *head, *body, *want;
	} rows[] = {
		{"401 No",
		 "{\"error\":{\"message\":\"bad "
		 "key\",\"type\":\"invalid_request_error\",\"code\":\"invalid_api_key\"}}",
		 "type=\"invalid_request_error\" message=\"bad key\""},
		{"401 No", "{\"error\":{\"message\":\"No auth\",\"code\":401}}",
		 "type=\"401\" message=\"No auth\""},
		{"404 No", "{\"error\":{\"code\":\"404\",\"message\": \"Resource not found\"}}",
		 "type=\"404\" message=\"Resource not found\""},
		{"500 No", "{\"error\":\"oops\"}", "type=\"500\" message=\"oops\""},
		{"400 No",
		 "{\"object\":\"error\",\"message\":\"too "
		 "long\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}",
		 "type=\"BadRequestError\" message=\"too long\""},
		{"422 No", "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"m\"}]}",
		 "type=\"422\" message=\"[{\\\"loc\\\":[\\\"body\\\"],\\\"msg\\\":\\\"m\\\"}]\""},
		{"422 No", "{\"detail\":\"nope\"}", "type=\"422\" message=\"nope\""},
		{"400 No",
		 "[{\"error\":{\"code\":400,\"message\":\"API key not "
		 "valid\",\"status\":\"INVALID_ARGUMENT\"}}]",
		 "type=\"400\" message=\"API key not valid\""},
		{"403 No", "{\"error\":{}}", "type=\"403\""},
		{"403 No", "", "type=\"403\""},
		{"502 Bad\r\nContent-Type: text/html", "<html>Bad Gateway</html>", "type=\"502\""},
		{"503 Bad\r\nContent-Type: text/plain; charset=utf-8", "upstream gone\n",
		 "type=\"503\" message=\"upstream gone\""},
		{"429 No\r\nx-amzn-errortype: ThrottlingException:http://internal.amazon.com/coral/",
		 "{\"message\":\"Too many tokens\"}",
		 "type=\"ThrottlingException\" message=\"Too many tokens\""},
		{"200 OK", "{\"error\":{\"message\":\"late\",\"code\":502}}",
		 "type=\"502\" message=\"late\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *input =
			talk_make("POST /v1/chat/completions HTTP/1.1", ASK, rows[i].head, rows[i].body);
		struct buf want;

		buf_init(&want, SIZE_MAX);
		buf_addf(&want, "chat error %s" REST, rows[i].want);
		talk_sweep(rows[i].body, input, buf_z(&want));
		buf_fini(&want);
		free(input);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape),
	};

	return cmocka_run_group_tests_name("genai error", tests, NULL, NULL);
}
