/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/site.h"

#include <string.h>

static const struct {
	const char *name;
	bool returns;
} functions[WIRE_FNS] = {
	[WIRE_FN_SSL_READ] = {"SSL_read", true},	   [WIRE_FN_SSL_READ_EX] = {"SSL_read_ex", true},
	[WIRE_FN_SSL_WRITE] = {"SSL_write", true},	   [WIRE_FN_SSL_WRITE_EX] = {"SSL_write_ex", true},
	[WIRE_FN_SSL_WRITE_EX2] = {"SSL_write_ex2", true}, [WIRE_FN_SSL_FREE] = {"SSL_free", false},
	[WIRE_FN_SSL_CTRL] = {"SSL_ctrl", false},	   [WIRE_FN_SSL_SET_FD] = {"SSL_set_fd", false},
};

const char *site_name(enum wire_fn fn)
{
	return (unsigned)fn < WIRE_FNS ? functions[fn].name : "?";
}

bool site_may_return(enum wire_fn fn)
{
	return (unsigned)fn < WIRE_FNS && functions[fn].returns;
}

/* arch/x86/kernel/uprobes.c, branch_setup_xol_ops and push_setup_xol_ops; measured: emulated sites cost an eighth. */
bool site_is_emulated(const uint8_t *code, size_t len)
{
#if defined(__x86_64__)
	if (len < 1)
		return false;
	if ((code[0] >= 0x50 && code[0] <= 0x57) || code[0] == 0x90 || code[0] == 0xe8 || code[0] == 0xe9 ||
	    code[0] == 0xeb || (code[0] >= 0x70 && code[0] <= 0x7f))
		return true;
	if (len < 2)
		return false;
	if (code[0] == 0x41 && code[1] >= 0x50 && code[1] <= 0x57)
		return true;
	if (code[0] == 0x66 && code[1] == 0x90)
		return true;
	if (code[0] == 0x0f && code[1] >= 0x80 && code[1] <= 0x8f)
		return true;
	/* nopl: 3 and 4 bytes; 5 bytes are optimised, or emulated, at a function's start */
	return len >= 3 && code[0] == 0x0f && code[1] == 0x1f &&
	       (code[2] == 0x00 || code[2] == 0x40 || code[2] == 0x44);
#else
	(void)code;
	(void)len;
	return false;
#endif
}

size_t site_choose(struct elf_file *elf, struct site sites[WIRE_FNS])
{
	struct elf_symbol symbols[WIRE_FNS];
	size_t count = 0;
	bool data = false;

	memset(symbols, 0, sizeof(symbols));
	for (size_t i = 0; i < WIRE_FNS; i++)
		symbols[i].name = functions[i].name;
	if (elf_find(elf, symbols, WIRE_FNS) == 0)
		return 0;
	for (uint32_t i = 0; i < WIRE_FNS; i++) {
		struct site *s = &sites[count];

		if (!symbols[i].found)
			continue;
		*s = (struct site){.fn = i, .offset = symbols[i].offset, .len = symbols[i].code_len};
		memcpy(s->bytes, symbols[i].code, sizeof(s->bytes));
		s->emulated = site_is_emulated(s->bytes, s->len);
		s->returns = site_may_return(i);
		data |= s->returns;
		count++;
	}
	return data ? count : 0;
}

uint32_t site_cost(const struct site *s, const struct site_costs *costs)
{
	return s->returns ? costs->data_ns[s->emulated] : costs->plain_ns[s->emulated];
}
