/* SPDX-License-Identifier: BSD-2-Clause */
/* A stranger's interpreter: what the kernel is told of its memory stays within what the walk reads at once. */
#include "fuzz.h"
#include "probe/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autodrop(drop_fd) int fd = fuzz_file(str_make(data, size));
	struct interpreter in;
	struct state_python p;

	if (interpreter_read(&in, fd) < 0)
		return 0;
	assert(in.runtime != 0);
	uint32_t reason =
		layout_find(&p, &in, in.version ? in.version >> 16 & 0xff : 8 + (unsigned)(size % 4));
	assert(reason < WIRE_PY_REASONS);
	if (reason != WIRE_PY_WHOLE)
		return 0;
	assert(p.minor >= 8 && p.minor <= 15 && p.frame_bytes <= STATE_PYTHON_FRAME_MAX);
	assert(p.frame_code + 8u <= p.frame_bytes && p.frame_back + 8u <= p.frame_bytes);
	assert(p.code_file + 8u <= STATE_PYTHON_CODE && p.code_name + 8u <= STATE_PYTHON_CODE &&
	       p.code_table + 8u <= STATE_PYTHON_CODE && p.code_line + 4u <= STATE_PYTHON_CODE);
	return 0;
}
