/* SPDX-License-Identifier: BSD-2-Clause */
/* A container's /etc/ld.so.cache. */
#include "fuzz.h"
#include "probe/ldcache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str name, path;
	struct ldcache c;

	if (!ldcache_open(&c, str_make(data, size)))
		return 0;
	while (ldcache_next(&c, &name, &path))
		assert(name.n > 0 && path.n > 0 && memchr(path.p, 0, path.n) == NULL);
	return 0;
}
