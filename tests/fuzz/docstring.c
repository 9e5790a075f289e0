/* SPDX-License-Identifier: BSD-2-Clause */
/* A CPython that carries OpenSSL inside, or says so. */
#include "fuzz.h"
#include "probe/docstring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autodrop(drop_fd) int fd = fuzz_file(str_make(data, size));
	struct docstring_places places;

	if (docstring_find(fd, &places) == 0)
		assert(places.read && places.write && places.read != places.write);
	if (docstring_find_methods(fd, &places) == 0)
		assert(places.read_method && places.write_method);
	return 0;
}
