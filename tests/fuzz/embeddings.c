/* SPDX-License-Identifier: BSD-2-Clause */
/* Embeddings and rerankings of all providers (part p): harness/call.h has the parts. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	call_run("/v1/embeddings", str_make(data, size));
	return 0;
}
