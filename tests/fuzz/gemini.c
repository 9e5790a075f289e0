/* SPDX-License-Identifier: BSD-2-Clause */
/* Google's generateContent, unary, streamed and as an array: harness/call.h has the parts. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	call_run("/v1beta/models/gemini-2.5-flash:streamGenerateContent", str_make(data, size));
	return 0;
}
