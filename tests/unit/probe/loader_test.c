/* SPDX-License-Identifier: BSD-2-Clause */
/* Which mapped files are taken for dynamic linkers, and what becomes of those that are none. Nothing here is probed:
 * a kernel side is not needed. */
#include "probe/loader.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "image.h"
#include "probe/procfs.h"

static char directory[] = "/tmp/loader_test.XXXXXX";

/* Kept open: a number of a file that is gone may come again. */
static FILE *kept[LOADERS_MAX + 48];
static size_t kept_count;

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	while (kept_count > 0)
		fclose(kept[--kept_count]);
	return rmdir(directory);
}

/* Maps a file of that name and content, and shows it to the table as the maps have it. */
static void show(struct loaders *t, const char *name, struct str content)
{
	struct procfs_mapping m, found = {0};
	char path[128];
	struct buf maps;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *f = fopen(path, "w+");
	assert_non_null(f);
	assert_int_equal(fwrite(content.p, 1, content.n, f), content.n);
	assert_int_equal(fflush(f), 0);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(f), 0);
	assert_true(p != MAP_FAILED);
	buf_init(&maps, PROCFS_MAPS_MAX);
	assert_true(procfs_read((uint32_t)getpid(), "maps", &maps) >= 0);
	struct str rest = buf_str(&maps);
	while (procfs_next_mapping(&rest, &m))
		if (m.start == (uintptr_t)p)
			found = m;
	assert_true(found.ino != 0 && found.executable);
	loader_add_mapping(t, NULL, (uint32_t)getpid(), false, &found);
	/* The same file again is known. */
	loader_add_mapping(t, NULL, (uint32_t)getpid(), false, &found);
	buf_fini(&maps);
	munmap(p, 4096);
	assert_true(kept_count < sizeof(kept) / sizeof(kept[0]));
	kept[kept_count++] = f;
	unlink(path);
}

static void names(void **state)
{
	static const struct {
		const char *name;
		bool loader;
	} cases[] = {
		{"ld-linux-x86-64.so.2", true},
		{"ld-musl-x86_64.so.1", true},
		{"ld-2.31.so", true},
		{"ld.so", true},
		{"libld-linux.so", false},
		{"libc.so.6", false},
		{"ld-3.so", false},
		{"xld.so", false},
	};
	struct loaders t = {0};
	size_t want = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		show(&t, cases[i].name, STR("#! no linker\n"));
		want += cases[i].loader;
		if (t.count != want)
			fail_msg("%s: %zu, not %zu", cases[i].name, t.count, want);
	}
	for (size_t i = 0; i < t.count; i++)
		assert_int_equal(t.list[i].hooks.entries_fd, 0);
	loader_fini(&t);
	assert_int_equal(t.count, 0);
}

/* An ELF file without r_brk's function gets no probe. */
static void without_the_function(void **state)
{
	static const uint8_t code[] = {0xc3};
	struct loaders t = {0};
	struct image_maker m;

	(void)state;
	image_init(&m);
	image_function(&m, "_dl_debug_stat", code, sizeof(code));
	show(&t, "ld-linux-none.so", image_finish(&m));
	assert_int_equal(t.count, 1);
	assert_int_equal(t.list[0].hooks.entries_fd, 0);
	loader_fini(&t);
	image_fini(&m);
}

/* A process that maps a new one each time makes the table no larger. */
static void many(void **state)
{
	struct loaders t = {0};

	(void)state;
	for (unsigned i = 0; i < LOADERS_MAX + 5; i++) {
		char name[32];

		snprintf(name, sizeof(name), "ld-linux-%u.so", i);
		show(&t, name, STR("x"));
		assert_true(t.count <= LOADERS_MAX);
	}
	loader_fini(&t);
}

/* Names without end or with strange bytes, files that are gone. */
static void strange_mappings(void **state)
{
	static char name[PROCFS_PATH_MAX + 100];
	struct procfs_mapping m = {.start = 0x1000, .end = 0x2000, .ino = 5, .executable = true};
	struct loaders t = {0};

	(void)state;
	memset(name, 'x', sizeof(name));
	memcpy(name, "/ld-linux", 9);
	m.path = str_make(name, sizeof(name));
	loader_add_mapping(&t, NULL, (uint32_t)getpid(), false, &m);
	m.path = STR("/nosuch/ld-linux.so");
	m.ino = 6;
	loader_add_mapping(&t, NULL, (uint32_t)getpid(), false, &m);
	m.deleted = true;
	m.ino = 7;
	loader_add_mapping(&t, NULL, (uint32_t)getpid(), false, &m);
	m.path = STR_NONE;
	loader_add_mapping(&t, NULL, (uint32_t)getpid(), false, &m);
	assert_int_equal(t.count, 3);
	/* For one process alone it is another probe, once. */
	m.path = STR("/nosuch/ld-linux.so");
	loader_add_mapping(&t, NULL, (uint32_t)getpid(), true, &m);
	loader_add_mapping(&t, NULL, (uint32_t)getpid(), true, &m);
	assert_int_equal(t.count, 4);
	loader_add_mapping(&t, NULL, UINT32_MAX, true, &m);
	assert_int_equal(t.count, 5);
	/* No process of that number. */
	m.path = STR("ld-linux");
	m.ino = 8;
	loader_add_mapping(&t, NULL, UINT32_MAX, false, &m);
	loader_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(without_the_function),
		cmocka_unit_test(many),
		cmocka_unit_test(strange_mappings),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
