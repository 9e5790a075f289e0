/* SPDX-License-Identifier: BSD-2-Clause */
/* OpenAI's chat completions, unary and streamed: harness/call.h has the parts. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	call_run("/v1/chat/completions", str_make(data, size));
	return 0;
}
