/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON-RPC over HTTP: MCP, A2A, and exports of other tracers by their paths. harness/call.h has the parts. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	call_run("/mcp", str_make(data, size));
	return 0;
}
