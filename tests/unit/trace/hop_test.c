/* SPDX-License-Identifier: BSD-2-Clause */
/* A call seen again behind a gateway: what is a hop of what, and what is none. */
#include "world.h"

#define CLIENT	100u
#define GATEWAY 200u

/* Client and gateway, both started by the command. */
static struct world *world_two(void)
{
	struct world *w = world_run();

	world_fork(w, GATEWAY, CLIENT);
	return w;
}

static void set_address(char out[56], const char *text)
{
	(void)snprintf(out, 56, "%s", text);
}

/* A request that says `text`; the request is read. NULL addresses: a library without a socket. */
static struct call *ask(struct world *w, uint32_t pid, bool served, const char *local, const char *peer,
			const char *body, const char *text)
{
	struct call *k = call_make(w, pid);

	set_address(k->conn.local, local ? local : "");
	set_address(k->conn.peer, peer ? peer : "");
	k->x.server_side = served;
	call_begin(k, pid);
	k->c.kind = GENAI_CHAT;
	k->c.operation = "chat";
	k->c.provider = STR("openai");
	k->c.request_model = STR("gpt-5");
	k->c.body_hash = hash_u128(str_of(body), 0);
	call_in(k, "system", "Be brief.");
	call_in(k, "user", text);
	trace_genai_ops()->request(w->t, &k->c);
	return k;
}

static struct told *answer(struct call *k)
{
	call_out_text(k, "fine");
	call_close(k, GENAI_OK, 200);
	call_end(k);
	return &k->w->spans[k->w->count - 1];
}

#define C "127.0.0.1:40000"
#define G "127.0.0.1:4000"
#define O "10.0.0.1:50000"
#define P "160.79.104.10:443"

static void client_gateway_provider(void **state)
{
	struct world *w = world_two();
	struct call *client = ask(w, CLIENT, false, C, G, "body", "hi");
	struct call *inbound = ask(w, GATEWAY, true, G, C, "body", "hi");
	struct call *outbound = ask(w, GATEWAY, false, O, P, "another body", "hi");

	(void)state;
	struct told *out = answer(outbound), *in = answer(inbound), *first = answer(client);

	world_want(first, "bottrace.hop_of", NULL);
	world_want(in, "bottrace.hop_of", world_hex(w, first->id));
	world_want(out, "bottrace.hop_of", world_hex(w, first->id));
	assert_int_equal(in->parent, first->parent);
	assert_int_equal(out->parent, first->parent);
	assert_string_equal(in->how, "socket");
	assert_true(in->certain);
	assert_string_equal(out->how, "content");
	assert_false(out->certain);
	assert_string_equal(first->how, "process");
	world_free(w);
}

/* The gateway's record of the request may come before the client's. */
static void client_comes_late(void **state)
{
	struct world *w = world_two();
	struct call *inbound = ask(w, GATEWAY, true, G, C, "body", "hi");
	struct call *outbound = ask(w, GATEWAY, false, O, P, "other", "hi");
	struct call *client = ask(w, CLIENT, false, C, G, "body", "hi");

	(void)state;
	struct told *out = answer(outbound), *in = answer(inbound), *first = answer(client);
	world_want(in, "bottrace.hop_of", world_hex(w, first->id));
	world_want(out, "bottrace.hop_of", world_hex(w, first->id));
	assert_int_equal(out->parent, first->parent);
	world_free(w);
}

/* Only the gateway is traced: what came in is the first sight. */
static void gateway_alone(void **state)
{
	struct world *w = world_two();
	struct call *inbound = ask(w, GATEWAY, true, G, C, "body", "hi");
	struct call *outbound = ask(w, GATEWAY, false, O, P, "other", "hi");
	struct call *again = ask(w, GATEWAY, false, "10.0.0.1:50001", P, "other", "hi"); /* it tries twice */

	(void)state;
	struct told *out = answer(outbound), *second = answer(again), *in = answer(inbound);
	world_want(in, "bottrace.hop_of", NULL);
	world_want(out, "bottrace.hop_of", world_hex(w, in->id));
	world_want(second, "bottrace.hop_of", world_hex(w, in->id));
	world_free(w);
}

/* Without sockets (a library that reads from memory), the whole request tells. */
static void no_sockets(void **state)
{
	struct world *w = world_two();
	struct call *client = ask(w, CLIENT, false, NULL, NULL, "body", "hi");
	struct call *inbound = ask(w, GATEWAY, true, G, C, "body", "hi");

	(void)state;
	struct told *in = answer(inbound), *first = answer(client);
	world_want(in, "bottrace.hop_of", world_hex(w, first->id));
	assert_string_equal(in->how, "content");
	assert_false(in->certain);
	world_free(w);
}

static void not_hops(void **state)
{
	struct world *w = world_two();

	(void)state;
	/* Another body on the mirrored connection. */
	struct call *a = ask(w, CLIENT, false, C, G, "one", "a"),
		    *b = ask(w, GATEWAY, true, G, C, "two", "b");
	world_want(answer(b), "bottrace.hop_of", NULL);
	world_want(answer(a), "bottrace.hop_of", NULL);
	/* The same body, but both sockets are known and are not one connection. */
	a = ask(w, CLIENT, false, C, P, "same", "c");
	b = ask(w, GATEWAY, true, G, "127.0.0.1:40001", "same", "c");
	world_want(answer(b), "bottrace.hop_of", NULL);
	world_want(answer(a), "bottrace.hop_of", NULL);
	/* An agent spoken to like a model: it says something else. */
	a = ask(w, GATEWAY, true, G, C, "x", "d");
	b = ask(w, GATEWAY, false, O, P, "y", "d, in other words");
	world_want(answer(b), "bottrace.hop_of", NULL);
	world_want(answer(a), "bottrace.hop_of", NULL);
	/* The same question of another process that serves nobody. */
	a = ask(w, GATEWAY, true, G, C, "x", "e");
	b = ask(w, CLIENT, false, O, P, "y", "e");
	world_want(answer(b), "bottrace.hop_of", NULL);
	world_want(answer(a), "bottrace.hop_of", NULL);
	/* Served before, not now. */
	a = ask(w, GATEWAY, true, G, C, "x", "f");
	world_want(answer(a), "bottrace.hop_of", NULL);
	b = ask(w, GATEWAY, false, O, P, "y", "f");
	world_want(answer(b), "bottrace.hop_of", NULL);
	world_free(w);
}

/* Two clients ask the same at once: the ways in are known by their sockets, the ways out belong to nobody. */
static void two_alike(void **state)
{
	struct world *w = world_two();
	struct call *c1 = ask(w, CLIENT, false, C, G, "body", "hi");
	struct call *c2 = ask(w, CLIENT, false, "127.0.0.1:40009", G, "body", "hi");
	struct call *i1 = ask(w, GATEWAY, true, G, C, "body", "hi");
	struct call *i2 = ask(w, GATEWAY, true, G, "127.0.0.1:40009", "body", "hi");
	struct call *o1 = ask(w, GATEWAY, false, O, P, "other", "hi");

	(void)state;
	struct told *out = answer(o1), *in1 = answer(i1), *in2 = answer(i2), *first = answer(c1),
		    *second = answer(c2);
	world_want(out, "bottrace.hop_of", NULL);
	world_want(in1, "bottrace.hop_of", world_hex(w, first->id));
	world_want(in2, "bottrace.hop_of", world_hex(w, second->id));
	world_free(w);
}

/* A tool call that three witnesses saw is one. */
static void tools_once(void **state)
{
	struct world *w = world_two();
	struct call *all[3] = {ask(w, CLIENT, false, C, G, "body", "hi"),
			       ask(w, GATEWAY, true, G, C, "body", "hi"),
			       ask(w, GATEWAY, false, O, P, "other", "hi")};

	(void)state;
	for (int i = 2; i >= 0; i--) {
		call_fill(call_part(all[i], call_out(all[i]), GENAI_TOOL_CALL), "t1", "look", "{}");
		call_close(all[i], GENAI_OK, 200);
		call_end(all[i]);
	}
	world_finish(w, true);
	assert_int_equal(world_count(w, "execute_tool"), 1);
	world_want(world_tool(w, "t1"), "bottrace.requested_by", world_hex(w, world_find(w, "chat", 2)->id));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_gateway_provider),
		cmocka_unit_test(client_comes_late),
		cmocka_unit_test(gateway_alone),
		cmocka_unit_test(no_sockets),
		cmocka_unit_test(not_hops),
		cmocka_unit_test(two_alike),
		cmocka_unit_test(tools_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
