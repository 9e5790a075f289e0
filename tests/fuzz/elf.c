/* SPDX-License-Identifier: BSD-2-Clause */
/* A stranger's library, as the attacher reads it: whatever it says must lie inside the file. */
#include "fuzz.h"
#include "probe/elf.h"
#include "probe/site.h"

static void check(const struct site *sites, size_t count, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		assert(sites[i].offset < size && sites[i].len <= size - sites[i].offset);
		assert(sites[i].covers & 1u << sites[i].fn);
		assert(sites[i].emulated || sites[i].why);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autodrop(drop_fd) int fd = fuzz_file(str_make(data, size));
	autodrop(drop_elf_file) struct elf_file *f = NULL;
	struct elf_symbol symbols[] = {{.name = "_dl_debug_state"}, {.name = "SSL_read"}};
	struct site sites[WIRE_FNS];
	uint8_t id[ELF_BUILD_ID_BYTES];
	struct elf_needs needs;

	if (elf_open(&f, fd) < 0)
		return 0;
	check(sites, site_choose(f, sites), size);
	check(sites, site_choose_symbols(f, sites), size);
	assert(elf_build_id(f, id) <= sizeof(id));
	(void)elf_find(f, symbols, 2);
	if (symbols[1].found)
		(void)elf_find_slot(f, symbols[1].address);
	if (elf_needs(f, &needs) == 0)
		elf_needs_fini(&needs);
	return 0;
}
