/* SPDX-License-Identifier: BSD-2-Clause */
/* OpenAI's Realtime API over a WebSocket: harness/call.h has the parts. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	call_run("/v1/realtime?model=m", str_make(data, size));
	return 0;
}
