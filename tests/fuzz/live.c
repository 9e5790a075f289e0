/* SPDX-License-Identifier: BSD-2-Clause */
/* Gemini Live over a WebSocket: harness/call.h has the parts. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	call_run("/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
		 str_make(data, size));
	return 0;
}
