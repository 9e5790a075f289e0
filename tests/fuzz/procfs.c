/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc says of a stranger's process. Parts: m maps, s stat, t status, e environ; p: the file of that name of our
 * own process. */
#include "fuzz.h"
#include "probe/procfs.h"

static void maps(struct str text)
{
	struct procfs_mapping m;

	while (procfs_next_mapping(&text, &m))
		assert(m.start <= m.end && (m.path.n == 0 || m.path.n <= PROCFS_PATH_MAX + 16));
}

static void own(struct str text)
{
	uint32_t pid = (uint32_t)getpid();
	char name[16] = "", link[64];
	autodrop(buf_fini) struct buf b;
	struct procfs_stat st;
	dev_t dev;
	ino_t ino;

	buf_init(&b, 512);
	for (size_t i = 0; i < text.n && i < sizeof(name) - 1 && text.p[i] >= 'a' && text.p[i] <= 'z'; i++)
		name[i] = text.p[i];
	(void)!procfs_read(pid, name, &b);
	(void)!procfs_link(pid, name, link, sizeof(link));
	(void)!procfs_identity(pid, name, &dev, &ino);
	(void)!procfs_stat(pid, &st);
	(void)procfs_bits(pid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size), body, entry;
	struct procfs_stat st;
	uint64_t n;
	char letter;

	while (fuzz_part(&rest, &letter, &body)) {
		char *copy = fuzz_copy(body);
		struct str text = str_make(copy, body.n);

		if (letter == 'm') {
			maps(text);
		} else if (letter == 's') {
			if (procfs_parse_stat(text, &st) == 0)
				assert(memchr(st.comm, 0, sizeof(st.comm)));
		} else if (letter == 't') {
			(void)procfs_status_field(text, STR("NSpid"), 10, &n);
			(void)procfs_status_field(text, STR("CapEff"), 16, &n);
		} else if (letter == 'e') {
			(void)procfs_variable(text, STR("PATH"));
			while (procfs_next_string(&text, &entry))
				assert(entry.n == 0 || memchr(entry.p, 0, entry.n) == NULL);
		} else if (letter == 'p') {
			own(text);
		}
		free(copy);
	}
	return 0;
}
