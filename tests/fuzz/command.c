/* SPDX-License-Identifier: BSD-2-Clause */
/* Cohere's first chat in Bedrock's InvokeModel, unary and streamed: harness/call.h has the parts. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	call_run("/model/cohere.command-r-v1%3A0/invoke-with-response-stream", str_make(data, size));
	return 0;
}
