/* SPDX-License-Identifier: BSD-2-Clause */
#include "harness.h"
#include "probe/glance.h"
#include "probe/witness.h"

#define KB 1024ull
#define MB (1024 * KB)

/* What sockets and probes say together: 1 they agree, -1 they do not, 0 not clear. */
static void agreement(void **state)
{
	static const struct {
		uint64_t moved, seen, conns, talks, calls;
		int agrees;
	} cases[] = {
		{0, 0, 0, 0, 0, 0},
		{9 * KB, 5 * KB, 1, 1, 10, 0},	     /* less than a handshake proves nothing */
		{105 * KB, 100 * KB, 1, 1, 20, 1},   /* handshake and records */
		{100 * KB, 100 * KB, 1, 1, 20, 1},   /* as tight as can be */
		{90 * KB, 100 * KB, 1, 1, 20, 0},    /* some of it is still on its way */
		{2 * MB, 100 * KB, 1, 1, 20, -1},    /* most of it went past the probes */
		{2 * MB, 100 * KB, 2, 1, 20, 0},     /* perhaps on the other connection, in plain */
		{100 * KB, 2 * MB, 1, 1, 20, -1},    /* more was seen than moved */
		{1100 * KB, 100 * KB, 1, 1, 20, 0},  /* it may not have been read yet */
		{105 * KB, 100 * KB, 0, 1, 20, 0},   /* an accepted connection is in no sum */
		{105 * KB, 100 * KB, 1, 2, 20, 0},   /* one of two was accepted */
		{400 * KB, 300 * KB, 10, 10, 60, 1}, /* ten handshakes */
		{400 * KB, 100 * KB, 10, 10, 60, 0},
		{103 * MB, 100 * MB, 1, 1, 6400, 1},
		{110 * MB, 100 * MB, 1, 1, 6400, -1},
		{UINT64_MAX / 2, UINT64_MAX / 4, 1, 1, 1, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct state_wire wire = {.sent = cases[i].moved / 3,
						.received = cases[i].moved - cases[i].moved / 3,
						.conns = cases[i].conns,
						.talks = cases[i].talks};
		const struct wire_counts counts = {
			.entered = cases[i].calls, .returned = cases[i].calls, .bytes_seen = cases[i].seen};

		if (witness_agrees(&wire, &counts) != cases[i].agrees)
			fail_msg("case %zu: not %d", i, cases[i].agrees);
	}
}

/* Where reads were let go by, what is missing in the sums is nobody's fault; who had none let go by is judged. */
static void blunted(void **state)
{
	const struct wire_counts none = {.entered = 9, .lost[WIRE_CAUSE_RING_FULL] = 3};
	const struct wire_counts some = {.entered = 9, .lost[WIRE_CAUSE_FILTERED] = 1};

	(void)state;
	assert_true(witness_may_judge(false, &none));
	assert_true(witness_may_judge(false, &some));
	assert_true(witness_may_judge(true, &none));
	assert_false(witness_may_judge(true, &some));
}

/* What was seen without TLS is no part of what is held against the sockets. */
static void plain_apart(void **state)
{
	struct state_wire wire = {
		.received = 2 * MB, .conns = 1, .talks = 1, .plain = 3 * MB, .plain_calls = 1000};
	struct wire_counts counts = {.entered = 1020, .returned = 1020, .bytes_seen = 3 * MB + 100 * KB};

	(void)state;
	assert_int_equal(witness_agrees(&wire, &counts), -1);
	wire.received = 105 * KB;
	assert_int_equal(witness_agrees(&wire, &counts), 1);
	wire.conns = 2;
	wire.received = 1 * MB;
	assert_true(witness_unseen(&wire, &counts, true) > 800 * KB);
}

static void suspects(void **state)
{
	(void)state;
	assert_string_equal(
		glance_find_suspect(STR("/v/grpc/_cython/cygrpc.cpython-311-x86_64-linux-gnu.so")),
		"BoringSSL");
	assert_string_equal(glance_find_suspect(STR("/usr/lib/x86_64-linux-gnu/libgnutls.so.30")), "GnuTLS");
	assert_string_equal(glance_find_suspect(STR("libssl3.so")), "NSS");
	assert_null(glance_find_suspect(STR("/usr/lib/x86_64-linux-gnu/libssl.so.3")));
	assert_null(glance_find_suspect(STR("/home/grpc/lib/libz.so.1")));
	assert_null(glance_find_suspect(STR("")));
}

static void sums(void **state)
{
	struct state_wire wire = {
		.sent = 41000, .received = 999, .conns = 3, .most = 1, .family = 10, .pport = 443};
	autodrop(buf_fini) struct buf text;

	(void)state;
	buf_init(&text, 512);
	wire.peer[10] = wire.peer[11] = 0xff;
	wire.peer[12] = 192;
	wire.peer[14] = 2;
	wire.peer[15] = 1;
	witness_add_sum(&text, &wire);
	assert_string_equal(
		buf_z(&text),
		"sent 41 kB and received 999 B over TCP to 192.0.2.1:443 and in 2 other connections");
	buf_clear(&text);
	wire.peer[0] = 0x20;
	witness_add_sum(&text, &wire);
	assert_true(str_has(buf_str(&text), STR("to [2000::ffff:c000:201]:443")));
}

/* What counts as unseen: bytes beyond what TLS itself adds, on connections that no probe knows. */
static void unseen(void **state)
{
	static const struct {
		struct state_wire wire;
		struct wire_counts counts;
		bool has_probes;
		uint64_t want;
	} cases[] = {
		/* nothing moved, nothing seen */
		{{0}, {0}, false, 0},
		/* one connection of another library's: all of it */
		{{.sent = 3000, .received = 40000, .conns = 1}, {0}, false, 43000},
		/* the same where a probed library is mapped: a failed handshake looks alike, so only beyond one */
		{{.sent = 3000, .received = 13000, .conns = 1}, {0}, true, 0},
		{{.sent = 3000, .received = 14000, .conns = 1}, {0}, true, 17000},
		/* less than a kilobyte is nobody's traffic */
		{{.sent = 400, .received = 400, .conns = 1}, {0}, false, 0},
		/* what the probes saw, with handshake and records, is accounted for */
		{{.sent = 41220 + 2000, .received = 9118 + 5000, .conns = 1, .talks = 1},
		 {.entered = 40, .returned = 40, .bytes_seen = 41220 + 9118},
		 true,
		 0},
		/* the same connection twice, one of them through a probe */
		{{.sent = 50000, .received = 50000, .conns = 2, .talks = 1},
		 {.entered = 2, .returned = 2, .bytes_seen = 10000},
		 true,
		 100000 - (10000 + 10000 / 32 + 16384 + 2 * 64)},
		/* as many connections as SSL objects: what is left over was given up half-way, not another's */
		{{.sent = 1000, .received = 900000, .conns = 1, .talks = 1},
		 {.entered = 5, .returned = 5, .bytes_seen = 1000},
		 true,
		 0},
		/* a probed library knows of it and gave us nothing */
		{{.sent = 40000, .received = 60000, .conns = 1, .talks = 1}, {0}, true, 100000 - 16384},
		{{.sent = 20000, .received = 20000, .conns = 1, .talks = 1}, {0}, true, 0},
		/* abandoned calls moved a record each, perhaps */
		{{.sent = 0, .received = 64000, .conns = 1}, {.entered = 1000, .abandoned = 1000}, true, 0},
		/* more talks than connections: no underflow */
		{{.sent = 5, .received = 5, .conns = 1, .talks = 3}, {0}, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t got = witness_unseen(&cases[i].wire, &cases[i].counts, cases[i].has_probes);

		if (got != cases[i].want)
			fail_msg("case %zu: %llu, not %llu", i, (unsigned long long)got,
				 (unsigned long long)cases[i].want);
	}
}

/* Whatever the kernel counted: never more than what moved. */
static void never_more_than_moved(void **state)
{
	uint64_t random = 88172645463325252ull;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t n[8];

		for (int k = 0; k < 8; k++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			n[k] = random >> (20 + random % 40);
		}
		struct state_wire wire = {.sent = n[0], .received = n[1], .conns = n[2], .talks = n[3]};
		struct wire_counts counts = {
			.entered = n[4], .returned = n[5], .abandoned = n[6], .bytes_seen = n[7]};
		assert_true(witness_unseen(&wire, &counts, i & 1) <= n[0] + n[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agreement), cmocka_unit_test(plain_apart),
		cmocka_unit_test(unseen),    cmocka_unit_test(never_more_than_moved),
		cmocka_unit_test(blunted),   cmocka_unit_test(suspects),
		cmocka_unit_test(sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
