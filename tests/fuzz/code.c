/* SPDX-License-Identifier: BSD-2-Clause */
/* Machine code of one function. Its last byte says what is asked of it. */
#include "fuzz.h"
#include "probe/body.h"
#include "probe/code.h"

static void walk(const struct body *b)
{
	struct code c;

	for (size_t at = 0; at < b->size; at += c.length) {
		(void)code_is_emulated(b->code + at, b->size - at);
		if (code_decode(&c, b->code + at, b->size - at, b->address + at) < 0)
			break;
		assert(c.length > 0 && c.length <= b->size - at);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct body b = {.address = 0x1000, .size = size - 1, .open = data[size - 1] & 1};
	struct body_wish wish = {.arguments = data[size - 1] >> 1 & 31, .stack = data[size - 1] & 64};
	const char *why = NULL;
	size_t at;

	b.code = (uint8_t *)fuzz_copy(str_make(data, b.size));
	walk(&b);
	if (body_find_site(&b, &wish, &at, &why) == 0)
		assert(at < b.size && code_is_emulated(b.code + at, b.size - at));
	else
		assert(why);
	for (unsigned i = 0; i < 4; i++)
		(void)body_hands_on(&b, b.address + b.size + 16u * i, wish.arguments);
	body_fini(&b);
	return 0;
}
