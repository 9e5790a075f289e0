/* SPDX-License-Identifier: BSD-2-Clause */
/* The proof of chosen sites, on this machine's own libssl: a trial that cannot fail proves nothing. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "probe/library.h"
#include "probe/root.h"
#include "probe/shuttle.h"

static const char *const places[] = {"/usr/lib/x86_64-linux-gnu/libssl.so.3",
				     "/usr/lib/aarch64-linux-gnu/libssl.so.3",
				     "/usr/lib/x86_64-linux-gnu/libssl.so.1.1"};

static enum trial_verdict verdict_of(struct library *lib, int fd, int root, const char **why)
{
	const struct trial t = {.ssl_fd = fd,
				.root = root,
				.path = lib->path,
				.build_id = lib->build_id,
				.sites = lib->sites,
				.count = lib->site_count};
	uint8_t word = 0;

	return trial_run(&t, why, &word);
}

static void a_trial(void **state)
{
	autodrop(drop_fd) int root = root_open(0);
	struct library lib = {0}, wrong;
	const char *why = NULL;
	int fd = -1;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && fd < 0; i++) {
		fd = root_open_file(root, places[i]);
		if (fd >= 0 && library_read(&lib, fd) == 0)
			lib.path = (char *)places[i];
	}
	if (geteuid() != 0 || fd < 0 || lib.site_count == 0)
		skip();
	enum trial_verdict verdict = verdict_of(&lib, fd, root, &why);
	if (verdict == TRIAL_UNPROVEN)
		skip(); /* no BPF here */
	assert_int_equal(verdict, TRIAL_PASSED);
	assert_null(why);
	/* Functions with other arguments, one without its return, one in the other direction, one left out. */
	for (unsigned kind = 0; kind < 4; kind++) {
		wrong = lib;
		for (size_t i = 0; i < lib.site_count; i++) {
			struct site *s = &wrong.sites[i];

			if (kind == 0 && (s->fn == WIRE_FN_SSL_WRITE_EX || s->fn == WIRE_FN_SSL_READ_EX))
				s->fn = s->fn == WIRE_FN_SSL_READ_EX ? WIRE_FN_SSL_READ : WIRE_FN_SSL_WRITE;
			else if (kind == 1 && s->fn == WIRE_FN_SSL_READ_EX)
				s->returns = false;
			else if (kind == 2 && s->fn == WIRE_FN_SSL_READ_EX)
				s->fn = WIRE_FN_SSL_WRITE_EX;
			else if (kind == 3 && s->returns && s->fn >= WIRE_FN_SSL_WRITE &&
				 i < wrong.site_count)
				*s = wrong.sites[--wrong.site_count];
		}
		verdict = verdict_of(&wrong, fd, root, &why);
		if (verdict != TRIAL_FAILED || why == NULL)
			fail_msg("wrong in way %u: %d", kind, verdict);
	}
	close(fd);
}

static void no_library(void **state)
{
	autodrop(drop_fd) int root = root_open(0);
	const char *why = NULL;
	struct library lib = {.path = "/nowhere/libssl.so.3"};
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(verdict_of(&lib, fd, root, &why), TRIAL_UNPROVEN);
	assert_non_null(why);
	assert_string_equal(trial_word(TRIAL_UNPROVEN), "unproven");
	assert_null(trial_word(TRIAL_NONE));
	close(fd);
}

/* The two patterns differ from each other and from themselves later on: nothing swapped or shifted looks right. */
static void patterns(void **state)
{
	(void)state;
	assert_true(shuttle_bytes() > 16384);
	for (unsigned shift = 0; shift < 300; shift++) {
		bool same = true, other = true;

		for (uint64_t i = 0; i < 1000; i++) {
			same &= shuttle_byte(0, i) == shuttle_byte(0, i + shift);
			other &= shuttle_byte(0, i) == shuttle_byte(1, i + shift);
		}
		assert_int_equal(same, shift == 0);
		assert_false(other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trial),
		cmocka_unit_test(no_library),
		cmocka_unit_test(patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
