/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of two programs: w written by ours, r read. */
#include "call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct genai_ops ops = {
		.begin = call_begin,
		.request = call_nothing,
		.first = call_nothing,
		.close = call_close,
		.end = call_end,
	};
	struct call c = {.conn = {.id = 1}};
	struct str rest = str_make(data, size), body;
	struct genai_pipe *pipe;
	char letter;

	c.genai = genai_new(&ops, &c);
	pipe = genai_pipe_new(c.genai, &c.conn);
	while (fuzz_part(&rest, &letter, &body)) {
		char *line = fuzz_copy(body);

		genai_pipe_feed(pipe, &(struct genai_pipe_line){
					      .dir = letter == 'w' ? WIRE_WRITE : WIRE_READ,
					      .text = str_make(line, body.n),
					      .start_ns = 10,
					      .ts_ns = 20,
				      });
		free(line);
	}
	genai_pipe_free(pipe, size % 2 ? HTTP_END_SESSION : HTTP_END_CLOSED, 30);
	genai_free(c.genai);
	assert(c.begun == c.ended && c.closed <= c.begun);
	return 0;
}
