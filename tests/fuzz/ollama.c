/* SPDX-License-Identifier: BSD-2-Clause */
/* Ollama's chat and generate (part p), unary and streamed: harness/call.h has the parts. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	call_run("/api/chat", str_make(data, size));
	return 0;
}
