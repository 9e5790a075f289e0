/* SPDX-License-Identifier: BSD-2-Clause */
/* Bedrock's Converse, unary and as an event stream: harness/call.h has the parts. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	call_run("/model/m.1/converse-stream", str_make(data, size));
	return 0;
}
