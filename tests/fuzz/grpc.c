/* SPDX-License-Identifier: BSD-2-Clause */
/* gRPC's framing, and A2A's protobuf messages in it: harness/call.h has the parts. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The request's head goes on as a target does: its type makes it gRPC. */
	call_run("/lf.a2a.v1.A2AService/SendStreamingMessage HTTP/1.1\r\nContent-Type: "
		 "application/grpc\r\nX-End:",
		 str_make(data, size));
	return 0;
}
