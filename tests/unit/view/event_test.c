/* SPDX-License-Identifier: BSD-2-Clause */
/* What code did, as lines of a tree. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "view/view.h"

#define HEAD                                                                                           \
	"{\"schema\":\"bottrace.v1.trace\",\"root_rule\":\"run\",\"status\":\"ok\",\"complete\":true," \
	"\"ledger\":{},\"processes\":[],\"spans\":["
#define SPAN(id, parent, kind, name, events)                                                      \
	"{\"id\":\"" id "\",\"parent\":" parent ",\"n\":1,\"kind\":\"" kind "\",\"name\":\"" name \
	"\",\"duration_ns\":5,\"status\":{\"code\":\"ok\"},\"attributes\":{},\"events\":[" events \
	"],\"gaps\":[]}"
#define EVENT(name, attributes) "{\"time\":null,\"name\":\"" name "\",\"attributes\":{" attributes "}}"
#define OPEN(path) \
	EVENT("open", "\"bottrace.audit.args\":[\"" path "\",\"w\",577],\"bottrace.source\":\"a.py:3 f\"")

static void tree(const char *document, bool ascii, struct buf *out)
{
	const struct view_style style = {.ascii = ascii};
	struct arena *a = arena_new(1 << 24);

	buf_init(out, 1 << 20);
	assert_int_equal(view_tree(out, a, json_parse(a, str_of(document), NULL), &style), 0);
	arena_free(a);
}

static void has(const struct buf *b, const char *want)
{
	if (!str_has(buf_str(b), str_of(want)))
		fail_msg("\"%s\" is not in:\n%.*s", want, STR_ARG(buf_str(b)));
}

static void lines(void **state)
{
	struct buf b;

	(void)state;
	tree(HEAD
		     SPAN("0000000000000001", "null", "process", "p", OPEN("/root")) "," SPAN(
			     "0000000000000002", "\"0000000000000001\"", "execute_tool", "execute_tool t",
			     OPEN("/tmp/a\\u001b[2J") "," EVENT("subprocess.Popen", "\"bottrace.audit.args\":"
										    "[\"/bin/ls\",[\"/bin/"
										    "ls\",\"-l\"],null]") "," EVENT("socket.connect", "\"bottrace.audit.args\":[[\"127.0.0.1\",9]]") "," EVENT(
				     "exception", "\"exception.type\":\"ValueError\",\"exception.message\":"
						  "\"no\",\"exception.escaped\":true,\"bottrace.source\":\"a."
						  "py:4 g\"") "," EVENT("exception", "\"exception.type\":"
										     "\"KeyError\","
										     "\"exception.escaped\":"
										     "false") "," EVENT("gc",
													"\"bo"
													"ttra"
													"ce."
													"dura"
													"tion"
													"_ns"
													"\":"
													"2000"
													"000") "," EVENT("gc",
															 "\"bottrace.duration_ns\":3000000") "," EVENT("first_token",
																				       "")) "]}",
	     true, &b);
	has(&b, "\n|  ~ open /root w  a.py:3 f\n");
	has(&b, "\n       ~ open /tmp/a\\e[2J w  a.py:3 f\n");
	has(&b, "       ~ subprocess.Popen /bin/ls -l\n");
	has(&b, "       ~ socket.connect 127.0.0.1 9\n");
	has(&b, "       ! ValueError: no  a.py:4 g\n");
	has(&b, "       ! KeyError  (handled)\n");
	has(&b, "       ~ gc 2 pauses, 5.00 ms\n");
	assert_false(str_has(buf_str(&b), STR("first_token")));
	buf_fini(&b);
}

/* Many of one kind leave the other its room; foreign words are no harm. */
static void many(void **state)
{
	struct buf b, doc;

	(void)state;
	buf_init(&doc, 1 << 20);
	buf_add(&doc,
		STR(HEAD "{\"id\":\"0000000000000001\",\"parent\":null,\"n\":1,\"kind\":\"process\",\"name\":"
			 "\"p\",\"duration_ns\":5,\"status\":{},\"attributes\":{},\"events\":["));
	for (int i = 0; i < 30; i++)
		buf_addf(&doc, "%s%s", i ? "," : "", OPEN("/f"));
	buf_add(&doc,
		STR("," EVENT("exception", "\"exception.type\":7") "," EVENT(
			"x",
			"\"bottrace.audit.args\":{\"a\":[]}") ",7,null,[]," EVENT("gc",
										  "\"bottrace.duration_ns\":"
										  "\"long\"") "]}]}"));
	tree(buf_z(&doc), false, &b);
	has(&b, "! ");
	has(&b, "~ 21 more\n");
	assert_false(str_has(buf_str(&b), STR("gc ")));
	buf_fini(&b);
	buf_fini(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
