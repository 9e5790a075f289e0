/* SPDX-License-Identifier: BSD-2-Clause */
/* A JSON document on each line: harness/events.h has the parts. */
#include "events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return events_run(&http_frames_ndjson, str_make(data, size));
}
