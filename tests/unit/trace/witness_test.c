/* SPDX-License-Identifier: BSD-2-Clause */
/* A client and its server, both traced. */
#include "world.h"

static struct call *rpc(struct world *w, uint32_t pid, bool server, uint64_t message)
{
	struct call *k = call_new(w, pid, pid);

	k->x.server_side = server;
	k->c.kind = GENAI_MCP;
	k->c.method = STR("tools/list");
	k->c.body_hash = (struct hash128){message, 1};
	trace_genai_ops()->request(w->t, &k->c);
	return k;
}

static void over(struct call *k)
{
	call_close(k, GENAI_OK, 200);
	call_end(k);
}

static struct world *two(void)
{
	struct world *w = world_run();

	world_fork(w, 101, 100);
	return w;
}

static void one_span(void **state)
{
	struct world *w = two();
	struct call *client = rpc(w, 100, false, 1), *server = rpc(w, 101, true, 1);

	(void)state;
	server->x.gaps =
		&(struct http_gap){.dir = WIRE_READ, .offset = 5, .bytes = 6, .cause = WIRE_CAUSE_RING_FULL};
	over(server);
	over(client);
	/* The records of the client's end may come first. */
	client = rpc(w, 100, false, 2);
	server = rpc(w, 101, true, 2);
	over(client);
	over(server);
	world_finish(w, false);
	assert_int_equal(world_count(w, "mcp"), 2);
	assert_int_equal(world_find(w, "mcp", 0)->pid, 100);
	world_want(world_find(w, "mcp", 0), "bottrace.served_by", world_hex(w, world_process(w, 101)->id));
	/* What the server's view missed is the server's. */
	assert_int_equal(world_process(w, 101)->gap_count, 1);
	world_free(w);
}

static void not_the_same(void **state)
{
	struct world *w = two();
	struct call *client = rpc(w, 100, false, 1), *server = rpc(w, 101, true, 2), *twin;

	(void)state;
	over(server);
	over(client);
	/* Two clients say the same in no session. */
	client = rpc(w, 100, false, 3);
	twin = rpc(w, 100, false, 3);
	server = rpc(w, 101, true, 3);
	over(server);
	over(client);
	over(twin);
	world_finish(w, false);
	assert_int_equal(world_count(w, "mcp"), 5);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_span),
		cmocka_unit_test(not_the_same),
	};

	return cmocka_run_group_tests_name("trace witness", tests, NULL, NULL);
}
