/* SPDX-License-Identifier: BSD-2-Clause */
/* Mistral's conversations, unary and streamed: harness/call.h has the parts. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	call_run("/v1/conversations", str_make(data, size));
	return 0;
}
