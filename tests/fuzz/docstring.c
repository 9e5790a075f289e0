/* SPDX-License-Identifier: BSD-2-Clause */
/* A CPython that carries OpenSSL inside, or says so. */
#include "fuzz.h"
#include "probe/docstring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autodrop(drop_fd) int fd = fuzz_file(str_make(data, size));
	struct docstring_places places;
	struct docstring_makers makers;
	uint64_t audit;

	if (docstring_find(fd, &places) == 0)
		assert(places.read && places.write && places.read != places.write);
	if (docstring_find_methods(fd, &places) == 0)
		assert(places.read_method && places.write_method);
	if (docstring_find_makers(fd, &makers) == 0)
		assert(makers.task || makers.future || makers.submit || makers.thread[0] || makers.thread[1]);
	if (docstring_find_audit(fd, &audit) == 0)
		assert(audit);
	return 0;
}
