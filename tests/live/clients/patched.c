// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program whose TLS library was changed in memory: patched LIBRARY FUNCTION OFFSET
 * On stdin: "patch": writes "mov $7,%eax; ret" at that file offset, as a hot patch would. "call N": calls FUNCTION (NULL,
 * NULL, 1, NULL) N times and prints how many of them gave 7. "read": prints the byte at the offset.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef int function(void *, void *, size_t, size_t *);

struct place {
	const char *path;
	uint64_t offset;
	unsigned char *at;
};

static int find(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct place *p = ctx;

	(void)size;
	if (strcmp(info->dlpi_name, p->path) != 0)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];

		if (h->p_type == PT_LOAD && (h->p_flags & PF_X) && p->offset >= h->p_offset &&
		    p->offset < h->p_offset + h->p_filesz)
			p->at = (unsigned char *)info->dlpi_addr + h->p_vaddr + (p->offset - h->p_offset);
	}
	return 1;
}

int main(int argc, char **argv)
{
	static const unsigned char patch[] = {0xb8, 7, 0, 0, 0, 0xc3};
	char line[64];

	if (argc < 4)
		return 2;
	void *lib = dlopen(argv[1], RTLD_NOW);
	function *fn = lib ? (function *)dlsym(lib, argv[2]) : NULL;
	struct place p = {.path = argv[1], .offset = strtoull(argv[3], NULL, 10)};
	dl_iterate_phdr(find, &p);
	if (!fn || !p.at) {
		fprintf(stderr, "%s\n", lib ? "no such place" : dlerror());
		return 2;
	}
	printf("ready %p\n", (void *)p.at);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (strncmp(line, "patch", 5) == 0) {
			void *page = (void *)((uintptr_t)p.at & ~4095ul);

			mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC);
			memcpy(p.at, patch, sizeof(patch));
			mprotect(page, 8192, PROT_READ | PROT_EXEC);
			printf("patched\n");
		} else if (strncmp(line, "read", 4) == 0) {
			printf("%02x\n", *p.at);
		} else {
			long n = atol(line + 5), sevens = 0;

			for (long i = 0; i < n; i++)
				sevens += fn(NULL, NULL, 1, NULL) == 7;
			printf("%ld\n", sevens);
		}
		fflush(stdout);
	}
	return 0;
}
