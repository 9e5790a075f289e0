/* SPDX-License-Identifier: BSD-2-Clause */
/* AWS's binary event stream: harness/events.h has the parts. */
#include "events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return events_run(&http_frames_eventstream, str_make(data, size));
}
