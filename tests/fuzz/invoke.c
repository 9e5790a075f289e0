/* SPDX-License-Identifier: BSD-2-Clause */
/* Bedrock's InvokeModel, unary and as an event stream of another API's events: harness/call.h has the parts. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	call_run("/model/m.1/invoke-with-response-stream", str_make(data, size));
	return 0;
}
