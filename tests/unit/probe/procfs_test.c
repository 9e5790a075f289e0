/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "harness.h"
#include "probe/procfs.h"
#include "probe/socket.h"

static const char stat_text[] =
	"4242 (a) b (c) S 17 4242 4242 34816 4242 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 12345 67 184467\n";

static void stat_is_parsed(void **state)
{
	struct procfs_stat s;

	(void)state;
	assert_int_equal(procfs_parse_stat(str_of(stat_text), &s), 0);
	assert_int_equal(s.pid, 4242);
	assert_int_equal(s.parent_pid, 17);
	assert_int_equal(s.flags, 4194304);
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.start_ticks, 987654);
	assert_string_equal(s.comm, "a) b (c");
}

static void stat_refuses_nonsense(void **state)
{
	static const char *const bad[] = {"",
					  "1",
					  "1 (",
					  "1 ()",
					  "(a) S 1",
					  "x (a) S 1 1 1 1 1 1",
					  "1 (a) SS 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
					  "1 (a) S -1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
					  "99999999999 (a) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"};
	struct procfs_stat s = {.pid = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(procfs_parse_stat(str_of(bad[i]), &s), -EBADMSG);
	assert_int_equal(s.pid, 7); /* outputs stay untouched */
}

/* On heap copies of exact size, so that ASAN sees a read beyond. */
static void every_prefix_of(struct str text, void (*parse)(struct str))
{
	for (size_t n = 0; n <= text.n; n++) {
		char *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, text.p, n);
		parse(str_make(copy, n));
		free(copy);
	}
}

static void parse_stat(struct str s)
{
	struct procfs_stat out;

	(void)!procfs_parse_stat(s, &out);
}

static const char maps_text[] =
	"55d0c0a00000-55d0c0a01000 r--p 00000000 fd:01 131 /usr/bin/cat\n"
	"garbage line\n"
	"7f1000000000-7f1000030000 r-xp 0001e000 fe:0a 99123 /opt/a b/libssl.so.3 (deleted)\n"
	"7f1000030000-7f1000031000 rw-p 00000000 00:00 0 \n"
	"7f2000000000-7f1000031000 rw-p 00000000 00:00 0 [backwards]\n"
	"7ffd3a000000-7ffd3a021000 rw-p 00000000 00:00 0                          [stack]";

static void maps_are_parsed(void **state)
{
	struct str rest = str_of(maps_text);
	struct procfs_mapping m;

	(void)state;
	assert_true(procfs_next_mapping(&rest, &m));
	assert_int_equal(m.start, 0x55d0c0a00000);
	assert_false(m.executable);
	HARNESS_TEXT("path", m.path, "/usr/bin/cat");
	assert_true(procfs_next_mapping(&rest, &m));
	assert_true(m.executable);
	assert_true(m.deleted);
	assert_int_equal(m.offset, 0x1e000);
	assert_int_equal(m.dev_major, 0xfe);
	assert_int_equal(m.dev_minor, 0xa);
	assert_int_equal(m.ino, 99123);
	HARNESS_TEXT("path", m.path, "/opt/a b/libssl.so.3");
	assert_true(procfs_next_mapping(&rest, &m));
	assert_int_equal(m.path.n, 0);
	assert_true(procfs_next_mapping(&rest, &m));
	HARNESS_TEXT("path", m.path, "[stack]");
	assert_false(procfs_next_mapping(&rest, &m));
}

static void parse_maps(struct str s)
{
	struct procfs_mapping m;

	while (procfs_next_mapping(&s, &m))
		;
}

static void prefixes_are_harmless(void **state)
{
	(void)state;
	every_prefix_of(str_of(stat_text), parse_stat);
	every_prefix_of(str_of(maps_text), parse_maps);
}

static void variables_are_found(void **state)
{
	struct str env = STR("PATHX=1\0PATH=/a:/b\0EMPTY=\0LAST=z");

	(void)state;
	HARNESS_TEXT("PATH", procfs_variable(env, STR("PATH")), "/a:/b");
	HARNESS_TEXT("LAST", procfs_variable(env, STR("LAST")), "z");
	assert_non_null(procfs_variable(env, STR("EMPTY")).p);
	assert_int_equal(procfs_variable(env, STR("EMPTY")).n, 0);
	assert_null(procfs_variable(env, STR("PAT")).p);
}

static void status_fields_are_found(void **state)
{
	struct str text =
		STR("Name:\tx\nTgid:\t77\nSeccomp:\t2\nCapEff:\t000001ffffffffff\nVmRSS:\t 12 kB\n");
	uint64_t n;

	(void)state;
	assert_true(procfs_status_field(text, STR("Tgid"), 10, &n));
	assert_int_equal(n, 77);
	assert_true(procfs_status_field(text, STR("CapEff"), 16, &n));
	assert_int_equal(n, 0x1ffffffffff);
	assert_true(procfs_status_field(text, STR("VmRSS"), 10, &n));
	assert_int_equal(n, 12);
	assert_false(procfs_status_field(text, STR("Tgi"), 10, &n));
	assert_false(procfs_status_field(text, STR("Name"), 10, &n));
}

static void listeners_are_found(void **state)
{
	struct str tcp = STR("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
			     "uid  timeout inode\n"
			     "   0: 0100007F:1D13 00000000:0000 0A 00000000:00000000 00:00000000 00000000    "
			     " 0        0 4711 1 0\n"
			     "   1: 0100007F:1D13 0100007F:9999 01 00000000:00000000 00:00000000 00000000    "
			     " 0        0 4712 1 0\n");
	struct str local = STR("Num       RefCount Protocol Flags    Type St Inode Path\n"
			       "0000000000000000: 00000002 00000000 00010000 0001 01 815 /run/x\n"
			       "0000000000000000: 00000003 00000000 00000000 0001 03 816\n");
	uint64_t ino;

	(void)state;
	assert_true(socket_next_tcp_listener(&tcp, &ino));
	assert_int_equal(ino, 4711);
	assert_false(socket_next_tcp_listener(&tcp, &ino));
	assert_true(socket_next_unix_listener(&local, &ino));
	assert_int_equal(ino, 815);
	assert_false(socket_next_unix_listener(&local, &ino));
	assert_true(socket_parse_link(STR("socket:[815]"), &ino));
	assert_false(socket_parse_link(STR("socket:["), &ino));
	assert_false(socket_parse_link(STR("socket:[]"), &ino));
	assert_false(socket_parse_link(STR("pipe:[815]"), &ino));
}

static void we_are_readable(void **state)
{
	uint32_t self = (uint32_t)getpid();
	struct procfs_stat s;
	struct buf small;
	char exe[PROCFS_PATH_MAX], tiny[4];

	(void)state;
	assert_int_equal(procfs_stat(self, &s), 0);
	assert_int_equal(s.pid, self);
	assert_int_equal(s.parent_pid, getppid());
	assert_int_equal(procfs_bits(self), 64);
	assert_true(procfs_link(self, "exe", exe, sizeof(exe)) > 0);
	assert_non_null(strstr(exe, "procfs_test"));
	assert_int_equal(procfs_link(self, "exe", tiny, sizeof(tiny)), -ENAMETOOLONG);
	assert_int_equal(procfs_stat(0x7ffffff0, &s), -ESRCH);
	buf_init(&small, 16);
	assert_int_equal(procfs_read(self, "maps", &small), 1); /* cut at the maximum */
	assert_int_equal(small.n, 16);
	buf_fini(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_is_parsed),      cmocka_unit_test(stat_refuses_nonsense),
		cmocka_unit_test(maps_are_parsed),     cmocka_unit_test(prefixes_are_harmless),
		cmocka_unit_test(variables_are_found), cmocka_unit_test(status_fields_are_found),
		cmocka_unit_test(listeners_are_found), cmocka_unit_test(we_are_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
