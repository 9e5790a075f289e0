/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection in two directions: harness/talk.h has the parts. */
#include "talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return talk_run(str_make(data, size), NULL, NULL);
}
