/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/beacon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/json.h"
#include "harness.h"
#include "probe/procfs.h"

static char base[64], dir[96];

static int make_directory(void **state)
{
	(void)state;
	snprintf(base, sizeof(base), "/tmp/beacon-XXXXXX");
	if (mkdtemp(base) == NULL)
		return -1;
	snprintf(dir, sizeof(dir), "%s/run", base);
	return 0;
}

static int remove_directory(void **state)
{
	char command[160];
	(void)state;

	snprintf(command, sizeof(command), "rm -rf %s", base);
	return system(command);
}

static const struct beacon ours = {
	.mode = WIRE_MODE_ATTACH,
	.sample_n = 10,
	.budget_ppm = 10000,
	.state = {.level = WIRE_SHED_SAMPLING,
		  .cost_ns = 132000000,
		  .budget_ns = 100000000,
		  .window_ns = 10000000000},
	.targets = {48213, 48214},
	.target_count = 2,
	.processes = 3,
};

static void path_of(char path[128], const char *name)
{
	snprintf(path, 128, "%s/%s", dir, name);
}

static void path_of_pid(char path[128], uint32_t pid)
{
	snprintf(path, 128, "%s/%u", dir, pid);
}

static void write_file(const char *path, const char *text, size_t n, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* What the doctor makes of the directory: the array's JSON in out, lines in c. */
static void report(struct buf *out, struct checks *c)
{
	struct jsonw w;

	buf_init(out, 1u << 20);
	*c = (struct checks){0};
	jsonw_init(&w, out);
	jsonw_object(&w);
	beacon_report(dir, &w, c);
	jsonw_object_end(&w);
	assert_int_equal(buf_err(out), 0);
}

static void reports_nothing(void)
{
	struct checks c;
	struct buf out;

	report(&out, &c);
	HARNESS_TEXT("attachers", buf_str(&out), "{\"attachers\":[]}");
	assert_int_equal(c.count, 0);
	buf_fini(&out);
	check_fini(&c);
}

static void told_and_taken_back(void **state)
{
	struct procfs_stat self;
	char path[128], want[512];
	struct checks c;
	struct stat st;
	struct buf out;
	(void)state;

	reports_nothing(); /* without a directory */
	assert_int_equal(beacon_write(dir, &ours), 0);
	assert_int_equal(beacon_write(dir, &ours), 0); /* again, in its place */
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	path_of_pid(path, (uint32_t)getpid());
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(procfs_stat((uint32_t)getpid(), &self), 0);
	report(&out, &c);
	snprintf(want, sizeof(want),
		 "{\"attachers\":[{\"pid\":%u,\"start_ticks\":%llu,\"mode\":\"attach\",\"targets\":[48213,"
		 "48214],"
		 "\"processes\":3,\"sample\":10,\"budget_ppm\":10000,\"level\":4,\"cost_ns\":132000000,"
		 "\"budget_ns\":100000000,\"window_ns\":10000000000,\"left_out\":\"sampling 1/2\"}]}",
		 (unsigned)getpid(), (unsigned long long)self.start_ticks);
	HARNESS_TEXT("attachers", buf_str(&out), want);
	assert_int_equal(c.count, 1);
	assert_string_equal(c.list[0].name, "attacher");
	assert_string_equal(c.list[0].state, "note");
	assert_non_null(c.list[0].remedy);
	snprintf(want, sizeof(want),
		 "%u traces 48213, 48214 (processes: 3); sampled 1/10; probes take 1.3200 %% of a core, may "
		 "take 1.0000 %%; left out: sampling 1/2",
		 (unsigned)getpid());
	HARNESS_TEXT("line", buf_str(&c.list[0].text), want);
	buf_fini(&out);
	check_fini(&c);
	beacon_sweep(dir); /* the living stay */
	assert_int_equal(stat(path, &st), 0);
	beacon_remove(dir);
	assert_int_equal(stat(path, &st), -1);
	reports_nothing();
}

static void without_budget(void **state)
{
	const struct beacon plain = {.mode = WIRE_MODE_RUN, .sample_n = 1, .target_count = 1, .targets = {7}};
	struct checks c;
	struct buf out;
	char want[128];
	(void)state;

	assert_int_equal(beacon_write(dir, &plain), 0);
	report(&out, &c);
	snprintf(want, sizeof(want), "%u traces 7 (processes: 0); no budget", (unsigned)getpid());
	HARNESS_TEXT("line", buf_str(&c.list[0].text), want);
	assert_string_equal(c.list[0].state, "ok");
	buf_fini(&out);
	check_fini(&c);
	beacon_remove(dir);
}

static void many_targets(void **state)
{
	struct beacon many = ours;
	struct checks c;
	struct buf out;
	(void)state;

	many.target_count = 1000;
	for (uint32_t i = 0; i < BEACON_TARGETS_MAX; i++)
		many.targets[i] = UINT32_MAX;
	assert_int_equal(beacon_write(dir, &many), 0);
	report(&out, &c);
	assert_int_equal(c.count, 1);
	buf_fini(&out);
	check_fini(&c);
	beacon_remove(dir);
}

/* Another's file under our number would be ours; so each lies under that of a process that lives: our parent. */
static void nobody_is_believed(void **state)
{
	uint32_t pid = (uint32_t)getppid();
	struct procfs_stat st;
	char path[128], good[512], text[512];
	(void)state;

	assert_int_equal(beacon_write(dir, &ours), 0);
	beacon_remove(dir);
	path_of_pid(path, pid);
	assert_int_equal(procfs_stat(pid, &st), 0);
	int n = snprintf(
		good, sizeof(good),
		"{\"schema\":\"bottrace.v1.attacher\",\"pid\":%u,\"start_ticks\":%llu,\"targets\":[1]}", pid,
		(unsigned long long)st.start_ticks);
	/* That one is believed. */
	struct checks c;
	struct buf out;
	write_file(path, good, (size_t)n, 0644);
	report(&out, &c);
	assert_int_equal(c.count, 1);
	buf_fini(&out);
	check_fini(&c);
	/* Every beginning of it is not. */
	for (int cut = 0; cut < n; cut++) {
		write_file(path, good, (size_t)cut, 0644);
		reports_nothing();
	}
	/* One that others may write. */
	write_file(path, good, (size_t)n, 0666);
	reports_nothing();
	/* A process of that number that began at another time. */
	n = snprintf(text, sizeof(text),
		     "{\"schema\":\"bottrace.v1.attacher\",\"pid\":%u,\"start_ticks\":%llu}", pid,
		     (unsigned long long)st.start_ticks + 1);
	write_file(path, text, (size_t)n, 0644);
	reports_nothing();
	/* Under another's number. */
	n = snprintf(text, sizeof(text),
		     "{\"schema\":\"bottrace.v1.attacher\",\"pid\":1,\"start_ticks\":%llu}",
		     (unsigned long long)st.start_ticks);
	write_file(path, text, (size_t)n, 0644);
	reports_nothing();
	/* Too large. */
	static char large[1u << 17];
	memset(large, ' ', sizeof(large));
	memcpy(large, good, strlen(good));
	write_file(path, large, sizeof(large), 0644);
	reports_nothing();
	/* A link to a good one. */
	path_of(text, "good");
	write_file(text, good, strlen(good), 0644);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("good", path), 0);
	reports_nothing();
	/* All of this goes with the next sweep; what is not named like one of ours stays. */
	struct stat is;
	beacon_sweep(dir);
	assert_int_equal(lstat(path, &is), -1);
	assert_int_equal(lstat(text, &is), 0);
}

static void numbers_of_any_size(void **state)
{
	static const char *const values[] = {
		"-1", "1e30", "9223372036854775807", "\"x\"", "null", "[1,\"a\",{}]", "{}", "true", "1.5"};
	uint32_t pid = (uint32_t)getppid();
	struct procfs_stat st;
	char path[128], text[1024];
	(void)state;

	path_of_pid(path, pid);
	assert_int_equal(procfs_stat(pid, &st), 0);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const char *v = values[i];
		int n = snprintf(
			text, sizeof(text),
			"{\"schema\":\"bottrace.v1.attacher\",\"pid\":%u,\"start_ticks\":%llu,\"mode\":%s,"
			"\"targets\":%s,\"processes\":%s,\"sample\":%s,\"budget_ppm\":%s,\"level\":%s,"
			"\"cost_ns\":%s,\"budget_ns\":%s,\"window_ns\":%s}",
			pid, (unsigned long long)st.start_ticks, v, v, v, v, v, v, v, v, v);
		struct checks c;
		struct buf out;

		write_file(path, text, (size_t)n, 0644);
		report(&out, &c);
		assert_int_equal(c.count, 1);
		buf_fini(&out);
		check_fini(&c);
	}
	assert_int_equal(unlink(path), 0);
}

static void where_others_may_write(void **state)
{
	(void)state;

	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(beacon_write(dir, &ours), -EPERM);
	reports_nothing();
	assert_int_equal(chmod(dir, 0755), 0);
	char there[128], here[96];
	snprintf(there, sizeof(there), "%s/link", base);
	assert_int_equal(symlink(dir, there), 0);
	snprintf(here, sizeof(here), "%s", dir);
	assert_true(beacon_write(there, &ours) < 0);
	assert_true(beacon_write("/nowhere/at/all", &ours) < 0);
	beacon_remove("/nowhere/at/all");
	beacon_sweep("/nowhere/at/all");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_and_taken_back), cmocka_unit_test(without_budget),
		cmocka_unit_test(many_targets),	       cmocka_unit_test(nobody_is_believed),
		cmocka_unit_test(numbers_of_any_size), cmocka_unit_test(where_others_may_write),
	};

	return cmocka_run_group_tests_name("probe beacon", tests, make_directory, remove_directory);
}
