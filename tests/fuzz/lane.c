/* SPDX-License-Identifier: BSD-2-Clause */
/* Responses over a WebSocket, several at a time: harness/call.h has the parts. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	call_run("/v1/responses", str_make(data, size));
	return 0;
}
