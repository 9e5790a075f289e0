/* SPDX-License-Identifier: BSD-2-Clause */
/* A request that repeats another's messages is read like one that repeats nothing, but not parsed twice. */
#include "base/limits.h"
#include "talk.h"

#define TURNS 12

struct seen {
	struct buf read;  /* every call as it was told */
	struct buf whole; /* and expanded */
	uint32_t known[TURNS + 4];
	uint32_t calls;
};

static void on_call(void *ctx, struct genai_call *c)
{
	struct seen *s = ctx;

	if (c->kind == GENAI_HTTP)
		return;
	s->known[s->calls++] = c->known;
	for (uint32_t i = 0; i < c->input_count; i++) {
		const struct genai_message *m = &c->input[i];

		assert_int_equal(m->known, i < c->known);
		buf_addf(&s->read, "%.*s %016llx %016llx %016llx\n",
			 STR_ARG(m->role.p ? m->role : STR("no role")), (unsigned long long)m->hash.lo,
			 (unsigned long long)m->exact.lo, (unsigned long long)m->exact.hi);
		for (uint32_t k = 0; k < m->count; k++)
			if (m->parts[k].type == GENAI_TOOL_CALL || m->parts[k].type == GENAI_TOOL_RESPONSE)
				buf_addf(&s->read, "  %d %.*s\n", m->parts[k].type,
					 STR_ARG(m->parts[k].id.p ? m->parts[k].id : STR("no id")));
	}
	genai_expand(c);
	assert_int_equal(c->known, 0);
	talk_messages(&s->whole, "in", c->input, c->input_count);
	buf_addf(&s->whole, "model %.*s, %u params\n", STR_ARG(c->request_model), c->param_count);
}

static void nothing(void *ctx, struct genai_call *c)
{
	(void)ctx;
	(void)c;
}

static void seen_init(struct seen *s)
{
	*s = (struct seen){0};
	buf_init(&s->read, SIZE_MAX);
	buf_init(&s->whole, SIZE_MAX);
}

static void seen_fini(struct seen *s)
{
	buf_fini(&s->read);
	buf_fini(&s->whole);
}

static const struct genai_ops ops = {
	.begin = nothing, .request = on_call, .first = nothing, .close = nothing, .end = nothing};

/* One request on a connection of its own. */
static void ask(struct genai *g, const char *path, struct str body)
{
	struct flow_conn conn = {.id = 1, .server = STR("api.example.com")};
	struct http *h = http_new(genai_http_ops(), g);
	struct buf b;

	buf_init(&b, SIZE_MAX);
	buf_addf(&b, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", path, body.n);
	buf_add(&b, body);
	http_feed(h, &(struct flow_chunk){.conn = &conn, .dir = WIRE_WRITE, .data = buf_str(&b)});
	http_close(h, &conn, FLOW_END_FREED, 0);
	http_free(h);
	buf_fini(&b);
}

/* Turn n of a conversation: 2 n + 1 messages; tool calls and results among them. `odd`: message that differs. */
static void turn(struct buf *b, const char *list, uint32_t n, int odd)
{
	buf_clear(b);
	buf_addf(b, "{\"max_tokens\": 9, \"%s\": [\n {\"role\":\"user\",\"content\":\"%0600d begin\"}", list,
		 7);
	for (uint32_t i = 1; i <= n; i++) {
		buf_addf(b,
			 ",{\"role\":\"assistant\",\"content\":\"step %u\",\"tool_calls\":[{\"id\":\"c%u\",",
			 i, i);
		buf_addf(b, "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"n\\\":%u}\"}}]}", i);
		buf_addf(b,
			 " , {\"role\":\"tool\",\"tool_call_id\":\"c%u\",\"content\":\"%s%0300u ] , \\\"\"}",
			 i, (int)i == odd ? "other " : "", i);
	}
	buf_addf(b, "\n], \"model\": \"m\", \"temperature\": 0.5}");
}

/* The same bodies, to one reader and each to a reader of its own. */
static void check(const char *path, const char *list, const int *odd, struct seen *one)
{
	struct seen fresh;
	struct genai *g;
	struct buf b;

	seen_init(one);
	seen_init(&fresh);
	buf_init(&b, SIZE_MAX);
	g = genai_new(&ops, one);
	for (uint32_t i = 0; i < TURNS; i++) {
		struct genai *alone = genai_new(&ops, &fresh);

		turn(&b, list, i + 1, odd ? odd[i] : -1);
		ask(g, path, buf_str(&b));
		ask(alone, path, buf_str(&b));
		genai_free(alone);
	}
	assert_int_equal(one->calls, TURNS);
	assert_true(str_eq(buf_str(&one->read), buf_str(&fresh.read)));
	assert_true(str_eq(buf_str(&one->whole), buf_str(&fresh.whole)));
	assert_int_equal(fresh.known[TURNS - 1], 0);
	genai_free(g);
	buf_fini(&b);
	seen_fini(&fresh);
}

static void conversation(void **state)
{
	struct seen s;

	(void)state;
	check("/v1/chat/completions", "messages", NULL, &s);
	/* All but what is new is known, as soon as that is worth a look. */
	for (uint32_t i = 5; i < TURNS; i++)
		assert_int_equal(s.known[i], 2 * i + 1);
	seen_fini(&s);
}

static void forks(void **state)
{
	static const int odd[TURNS] = {-1, -1, -1, -1, -1, -1, -1, 8, 6, 8, -1, 5};
	struct seen s;

	(void)state;
	check("/v1/chat/completions", "messages", odd, &s);
	assert_int_equal(s.known[7], 2 * 7 + 1); /* up to the 8th step's own call */
	assert_int_equal(s.known[8], 2 * 6);
	assert_int_equal(s.known[11], 2 * 5);
	seen_fini(&s);
}

/* Items of Responses: what the assistant says in a row is one message, whose end is known only by what follows. */
static void items(void **state)
{
	struct seen one, fresh;
	struct buf b;

	(void)state;
	seen_init(&one);
	seen_init(&fresh);
	buf_init(&b, SIZE_MAX);
	struct genai *g = genai_new(&ops, &one);

	for (uint32_t n = 1; n <= TURNS; n++) {
		struct genai *alone = genai_new(&ops, &fresh);

		buf_clear(&b);
		buf_addf(&b, "{\"input\":[{\"role\":\"user\",\"content\":\"%03000d\"}", 5);
		for (uint32_t i = 1; i < n; i++) {
			buf_addf(&b, ",{\"type\":\"reasoning\",\"summary\":[]}");
			buf_addf(&b, ",{\"role\":\"assistant\",\"content\":\"calling %u\"}", i);
			buf_addf(&b, ",{\"type\":\"function_call\",\"call_id\":\"c%u\",\"name\":\"f\",", i);
			buf_addf(&b, "\"arguments\":\"{}\"},{\"type\":\"function_call_output\",");
			buf_addf(&b, "\"call_id\":\"c%u\",\"output\":\"%u\"}", i, i);
		}
		/* The last turn ends with words that the next one's call goes on with. */
		buf_addf(&b, ",{\"type\":\"reasoning\",\"summary\":[]}");
		buf_addf(&b, ",{\"role\":\"assistant\",\"content\":\"calling %u\"}],\"model\":\"m\"}", n);
		ask(g, "/v1/responses", buf_str(&b));
		ask(alone, "/v1/responses", buf_str(&b));
		genai_free(alone);
	}
	assert_true(str_eq(buf_str(&one.read), buf_str(&fresh.read)));
	assert_true(str_eq(buf_str(&one.whole), buf_str(&fresh.whole)));
	assert_int_equal(one.known[TURNS - 1], 2 * (TURNS - 2) + 1);
	genai_free(g);
	buf_fini(&b);
	seen_fini(&one);
	seen_fini(&fresh);
}

/* A body that goes on where a known message ended is another message. */
static void longer_element(void **state)
{
	struct seen s;
	struct buf b;

	(void)state;
	seen_init(&s);
	buf_init(&b, SIZE_MAX);
	struct genai *g = genai_new(&ops, &s);

	buf_addf(&b, "{\"messages\":[\"%03000d\"],\"model\":\"m\"}", 1);
	ask(g, "/v1/chat/completions", buf_str(&b));
	buf_clear(&b);
	buf_addf(&b, "{\"messages\":[\"%03000d\" \"x\"],\"model\":\"m\"}", 1);
	ask(g, "/v1/chat/completions", buf_str(&b));
	assert_int_equal(s.known[1], 0);
	genai_free(g);
	buf_fini(&b);
	seen_fini(&s);
}

/* More conversations than are remembered: the oldest is read anew. */
static void bounded(void **state)
{
	struct seen *s = calloc(1, sizeof(*s));
	struct buf b;

	(void)state;
	seen_init(s);
	buf_init(&b, SIZE_MAX);
	struct genai *g = genai_new(&ops, s);

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 100; i++) {
			s->calls = 0;
			buf_clear(&b);
			buf_addf(&b,
				 "{\"messages\":[{\"role\":\"user\",\"content\":\"%d "
				 "%03000d\"}],\"model\":\"m\"}",
				 i, 1);
			ask(g, "/v1/chat/completions", buf_str(&b));
			assert_int_equal(s->known[0], 0);
			s->calls = 0;
			ask(g, "/v1/chat/completions", buf_str(&b));
			assert_int_equal(s->known[0], 1);
		}
	genai_free(g);
	buf_fini(&b);
	seen_fini(s);
	free(s);
}

/* The second body, read by one who knows the first, and by one who does not: the same. How many messages were known. */
static uint32_t same(struct str first, struct str second)
{
	struct seen both, alone;

	seen_init(&both);
	seen_init(&alone);
	struct genai *g = genai_new(&ops, &both), *fresh = genai_new(&ops, &alone);

	ask(g, "/v1/chat/completions", first);
	buf_clear(&both.read);
	buf_clear(&both.whole);
	ask(g, "/v1/chat/completions", second);
	ask(fresh, "/v1/chat/completions", second);
	assert_int_equal(alone.known[0], 0);
	assert_true(str_eq(buf_str(&both.read), buf_str(&alone.read)));
	assert_true(str_eq(buf_str(&both.whole), buf_str(&alone.whole)));
	genai_free(g);
	genai_free(fresh);
	seen_fini(&both);
	seen_fini(&alone);
	return both.known[1];
}

/* A byte that differs anywhere: what ends before it is known, and nothing else. Many messages a block, several blocks. */
static void any_byte(void **state)
{
	size_t ends[80];
	struct buf b, more;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_init(&more, SIZE_MAX);
	buf_add(&b, STR("{\"model\":\"m\",\"messages\":["));
	for (unsigned i = 0; i < 80; i++) {
		buf_addf(&b, "%s{\"role\":\"user\",\"content\":\"%0*u\"}", i ? "," : "",
			 (int)(i % 7 * 70 + 4), i);
		ends[i] = b.n;
	}
	buf_add(&b, STR("]}"));
	assert_true(b.n > 3 * 4096);
	for (size_t at = ends[0] - 3; at < ends[79]; at += 61) {
		uint32_t before = 0;

		if (b.p[at] < '0' || b.p[at] > '9')
			continue;
		buf_clear(&more);
		buf_add(&more, buf_str(&b));
		more.p[at] = 'x';
		while (ends[before] <= at)
			before++;
		assert_int_equal(same(buf_str(&b), buf_str(&more)),
				 before > 0 && ends[before - 1] >= 2048 ? before : 0);
	}
	buf_fini(&b);
	buf_fini(&more);
}

/* ---- fingerprints of the body ---- */

static struct hash128 told[2][3]; /* body_hash and said_hash of the requests */
static unsigned told_count;

static void on_hashes(void *ctx, struct genai_call *c)
{
	(void)ctx;
	told[0][told_count] = c->body_hash;
	told[1][told_count++] = c->said_hash;
}

static void ask_three(struct str a, struct str b, struct str c)
{
	static const struct genai_ops hashes = {
		.begin = nothing, .request = on_hashes, .first = nothing, .close = nothing, .end = nothing};
	struct genai *g = genai_new(&hashes, NULL);

	told_count = 0;
	ask(g, "/v1/chat/completions", a);
	ask(g, "/v1/chat/completions", b);
	ask(g, "/v1/chat/completions", c);
	assert_int_equal(told_count, 3);
	genai_free(g);
}

/* A body is its own alone, whatever was known of it. One fingerprint is the same in every run, the other in none. */
static void body_hashes(void **state)
{
	struct hash128 said[3], body;
	struct buf a, b;

	(void)state;
	buf_init(&a, SIZE_MAX);
	buf_init(&b, SIZE_MAX);
	turn(&a, "messages", TURNS, -1);
	turn(&b, "messages", TURNS + 1, -1);
	ask_three(buf_str(&a), buf_str(&b), buf_str(&b));
	assert_true(hash_eq(told[0][1], told[0][2]));
	assert_false(hash_eq(told[0][0], told[0][1]));
	assert_false(hash_eq(told[1][0], told[1][1]));
	memcpy(said, told[1], sizeof(said));
	body = told[0][0];
	ask_three(buf_str(&a), buf_str(&b), buf_str(&b));
	assert_memory_equal(said, told[1], sizeof(said));
	assert_false(hash_eq(body, told[0][0]));
	/* What is known counts, too. */
	turn(&a, "messages", TURNS, 2);
	turn(&b, "messages", TURNS + 1, 2);
	ask_three(buf_str(&a), buf_str(&b), buf_str(&b));
	for (int i = 0; i < 3; i++)
		assert_false(hash_eq(said[i], told[1][i]));
	/* And what comes behind it. */
	memcpy(said, told[1], sizeof(said));
	b.p[b.n - 2] = '6';
	ask_three(buf_str(&a), buf_str(&b), buf_str(&b));
	assert_true(hash_eq(said[0], told[1][0]));
	assert_false(hash_eq(said[1], told[1][1]));
	buf_fini(&a);
	buf_fini(&b);
}

/* What a message does not have, it does not have when it is repeated. */
static void without_role(void **state)
{
	struct buf b, more;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_init(&more, SIZE_MAX);
	buf_addf(&b,
		 "{\"model\":\"m\",\"messages\":[{\"content\":\"%03000d\"},{\"tool_calls\":[{\"function\":{}}"
		 "]}",
		 1);
	buf_add(&more, buf_str(&b));
	buf_add(&b, STR("]}"));
	buf_add(&more, STR(",{}]}"));
	assert_int_equal(same(buf_str(&b), buf_str(&more)), 2);
	buf_fini(&b);
	buf_fini(&more);
}

/* The limit counts those that are known, too: beyond it messages are left out, and that is said. */
static void too_many(void **state)
{
	struct buf b, more;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_init(&more, SIZE_MAX);
	buf_add(&b, STR("{\"model\":\"m\",\"messages\":[{}"));
	for (unsigned i = 1; i < LIMIT_MESSAGES - 1; i++)
		buf_add(&b, STR(",{}"));
	buf_add(&more, buf_str(&b));
	buf_add(&b, STR("]}"));
	buf_add(&more, STR(",{}]}"));
	assert_int_equal(same(buf_str(&b), buf_str(&more)), LIMIT_MESSAGES - 1);
	more.n -= 2;
	buf_add(&more, STR(",{}]}"));
	assert_int_equal(same(buf_str(&b), buf_str(&more)), 0);
	buf_fini(&b);
	buf_fini(&more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversation),	  cmocka_unit_test(forks),    cmocka_unit_test(items),
		cmocka_unit_test(longer_element), cmocka_unit_test(bounded),  cmocka_unit_test(without_role),
		cmocka_unit_test(too_many),	  cmocka_unit_test(any_byte), cmocka_unit_test(body_hashes),
	};

	return cmocka_run_group_tests_name("genai history", tests, NULL, NULL);
}
