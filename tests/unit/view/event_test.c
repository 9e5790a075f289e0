/* SPDX-License-Identifier: BSD-2-Clause */
/* What code did, as lines of a tree. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "view/view.h"

#define EVENT(name, attributes) "{\"time\":null,\"name\":\"" name "\",\"attributes\":{" attributes "}}"
#define OPEN(path) \
	EVENT("open", "\"bottrace.audit.args\":[\"" path "\",\"w\",577],\"bottrace.source\":\"a.py:3 f\"")

static void add_span(struct buf *doc, const char *id, const char *parent, const char *kind)
{
	buf_addf(doc,
		 "{\"id\":\"%s\",\"parent\":%s,\"n\":1,\"kind\":\"%s\",\"name\":\"p\",\"duration_ns\":5,", id,
		 parent, kind);
	buf_add(doc, STR("\"status\":{\"code\":\"ok\"},\"attributes\":{},\"gaps\":[],\"events\":["));
}

static void begin(struct buf *doc)
{
	buf_init(doc, 1 << 20);
	buf_add(doc, STR("{\"schema\":\"bottrace.v1.trace\",\"root_rule\":\"run\",\"status\":\"ok\","));
	buf_add(doc, STR("\"complete\":true,\"ledger\":{},\"processes\":[],\"spans\":["));
	add_span(doc, "0000000000000001", "null", "process");
}

static void tree(struct buf *doc, bool ascii, struct buf *out)
{
	const struct view_style style = {.ascii = ascii};
	struct arena *a = arena_new(1 << 24);

	buf_add(doc, STR("]}]}"));
	buf_init(out, 1 << 20);
	assert_int_equal(view_tree(out, a, json_parse(a, buf_str(doc), NULL), &style), 0);
	arena_free(a);
	buf_fini(doc);
}

static void has(const struct buf *b, const char *want)
{
	if (!str_has(buf_str(b), str_of(want)))
		fail_msg("\"%s\" is not in:\n%.*s", want, STR_ARG(buf_str(b)));
}

static const char *const done[] = {
	OPEN("/tmp/a\\u001b[2J"),
	EVENT("subprocess.Popen", "\"bottrace.audit.args\":[\"/bin/ls\",[\"/bin/ls\",\"-l\"],null]"),
	EVENT("socket.connect", "\"bottrace.audit.args\":[[\"127.0.0.1\",9]]"),
	EVENT("exception", "\"exception.type\":\"ValueError\",\"exception.message\":\"no\","
			   "\"exception.escaped\":true,\"bottrace.source\":\"a.py:4 g\""),
	EVENT("exception", "\"exception.type\":\"KeyError\",\"exception.escaped\":false"),
	EVENT("gc", "\"bottrace.duration_ns\":2000000"),
	EVENT("gc", "\"bottrace.duration_ns\":3000000"),
	EVENT("first_token", ""),
};

static void lines(void **state)
{
	struct buf b, doc;

	(void)state;
	begin(&doc);
	buf_add(&doc, STR(OPEN("/root") "]},"));
	add_span(&doc, "0000000000000002", "\"0000000000000001\"", "execute_tool");
	for (size_t i = 0; i < sizeof(done) / sizeof(done[0]); i++)
		buf_addf(&doc, "%s%s", i ? "," : "", done[i]);
	tree(&doc, true, &b);
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
	begin(&doc);
	for (int i = 0; i < 30; i++)
		buf_addf(&doc, "%s,", i & 1 ? OPEN("/f") : OPEN("/g"));
	buf_addf(&doc, "%s,", EVENT("exception", "\"exception.type\":7"));
	buf_addf(&doc, "%s,7,null,[],", EVENT("x", "\"bottrace.audit.args\":{\"a\":[]}"));
	buf_addf(&doc, "%s", EVENT("gc", "\"bottrace.duration_ns\":\"long\""));
	tree(&doc, false, &b);
	has(&b, "! ");
	has(&b, "~ 21 more\n");
	assert_false(str_has(buf_str(&b), STR("gc ")));
	buf_fini(&b);
}

/* One line for each of a kind in a row; another line of the program is another one. */
static void again(void **state)
{
	struct buf b, doc;

	(void)state;
	begin(&doc);
	for (int i = 0; i < 12; i++)
		buf_addf(&doc, "%s,", OPEN("/f"));
	buf_addf(&doc, "%s,%s,", EVENT("exception", "\"exception.type\":\"KeyError\""),
		 EVENT("exception", "\"exception.type\":\"KeyError\""));
	buf_addf(&doc, "%s", EVENT("open", "\"bottrace.audit.args\":[\"/f\",\"w\",577]"));
	tree(&doc, true, &b);
	has(&b, "~ open /f w  a.py:3 f  (12 times)\n");
	has(&b, "! KeyError  (handled)  (2 times)\n");
	has(&b, "~ open /f w\n");
	buf_fini(&b);
}

/* What was begun is a line of its own. */
static void begun(void **state)
{
	struct buf b, doc;

	(void)state;
	begin(&doc);
	buf_addf(&doc, "%s,%s]},", OPEN("/f"),
		 EVENT("subprocess.Popen", "\"bottrace.audit.args\":[\"/bin/ls\"]"));
	add_span(&doc, "0000000000000002", "\"0000000000000001\"", "process");
	tree(&doc, true, &b);
	has(&b, "~ open /f w");
	assert_false(str_has(buf_str(&b), STR("Popen")));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(many),
		cmocka_unit_test(again),
		cmocka_unit_test(begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
