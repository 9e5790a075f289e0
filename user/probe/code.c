/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/code.h"

#include <errno.h>

#if defined(__x86_64__)

#include <Zydis/Zydis.h>

/*
 * What uprobes emulate (arch/x86/kernel/uprobes.c: branch_setup_xol_ops, push_setup_xol_ops): no single step out of
 * line, which costs a debug exception. Lengths are exact: prefixes make the kernel refuse.
 */
static const struct emulated {
	uint8_t mask[3], match[3];
	uint8_t opcode; /* bytes compared */
	uint8_t length; /* of the instruction; 0: any */
	bool everywhere;
} emulated[] = {
	{{0xf8}, {0x50}, 1, 1, true},			       /* push %rax..%rdi */
	{{0xff, 0xf8}, {0x41, 0x50}, 2, 2, true},	       /* push %r8..%r15 */
	{{0xff}, {0x90}, 1, 1, true},			       /* nop */
	{{0xff}, {0xe8}, 1, 5, true},			       /* call rel32 */
	{{0xff}, {0xe9}, 1, 5, true},			       /* jmp rel32 */
	{{0xff}, {0xeb}, 1, 2, true},			       /* jmp rel8 */
	{{0xf0}, {0x70}, 1, 2, true},			       /* jcc rel8 */
	{{0xff, 0xf0}, {0x0f, 0x80}, 2, 6, true},	       /* jcc rel32 */
	{{0xff, 0xff}, {0x66, 0x90}, 2, 2, false},	       /* xchg %ax,%ax */
	{{0xff, 0xff, 0xff}, {0x0f, 0x1f, 0x00}, 3, 3, false}, /* nopl (%rax) */
	{{0xff, 0xff, 0xff}, {0x0f, 0x1f, 0x40}, 3, 4, false}, /* nopl 0(%rax) */
	/* 5 bytes: rewritten into a call by 6.18, whose push lands in the red zone of a leaf. Only where a symbol
	 * begins with it. */
	{{0xff, 0xff, 0xff}, {0x0f, 0x1f, 0x44}, 3, 5, false},
};

/* System V: the registers of integer arguments. */
static const ZydisRegister arguments[CODE_ARGUMENTS] = {
	ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDX, ZYDIS_REGISTER_RCX, ZYDIS_REGISTER_R8,
};
#define STACK_POINTER ZYDIS_REGISTER_RSP

static int decode(ZydisDecodedInstruction *insn, ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT],
		  const uint8_t *bytes, size_t len)
{
	ZydisDecoder decoder;

	if (ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
	    ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, bytes, len, insn, operands)))
		return -EBADMSG;
	return 0;
}

static const struct emulated *find_row(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < sizeof(emulated) / sizeof(emulated[0]); i++) {
		const struct emulated *row = &emulated[i];
		bool same = row->length == length && row->opcode <= length;

		for (uint8_t k = 0; same && k < row->opcode; k++)
			same = (bytes[k] & row->mask[k]) == row->match[k];
		if (same)
			return row;
	}
	return NULL;
}

bool code_is_emulated(const uint8_t *bytes, size_t len)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;

	return decode(&insn, operands, bytes, len) == 0 && find_row(bytes, insn.length) != NULL;
}

static enum code_kind kind_of(const ZydisDecodedInstruction *insn)
{
	switch (insn->meta.category) {
	case ZYDIS_CATEGORY_CALL:
		return CODE_CALL;
	case ZYDIS_CATEGORY_COND_BR:
		return CODE_BRANCH;
	case ZYDIS_CATEGORY_UNCOND_BR:
		return CODE_JUMP;
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
		return CODE_END;
	default:
		break;
	}
	switch (insn->mnemonic) {
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_HLT:
		return CODE_END;
	default:
		return CODE_PLAIN;
	}
}

/* Where a call, branch or jump goes. */
static void find_target(struct code *out, const ZydisDecodedInstruction *insn,
			const ZydisDecodedOperand *operand, uint64_t address)
{
	uint64_t where;

	if (ZYAN_FAILED(ZydisCalcAbsoluteAddress(insn, operand, address, &where)))
		out->kind = CODE_WILD;
	else if (operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		out->target = where;
	else if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.base == ZYDIS_REGISTER_RIP)
		out->slot = where;
	else
		out->kind = CODE_WILD;
}

int code_decode(struct code *out, const uint8_t *bytes, size_t len, uint64_t address)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	int r = decode(&insn, operands, bytes, len);

	if (r < 0)
		return r;
	const struct emulated *row = find_row(bytes, insn.length);
	*out = (struct code){
		.kind = kind_of(&insn), .length = insn.length, .emulated = row != NULL && row->everywhere};
	for (uint8_t i = 0; i < insn.operand_count; i++) {
		const ZydisDecodedOperand *o = &operands[i];

		if (o->type != ZYDIS_OPERAND_TYPE_REGISTER || !(o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		ZydisRegister reg =
			ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, o->reg.value);
		out->moves_stack |= reg == STACK_POINTER;
		for (unsigned k = 0; k < CODE_ARGUMENTS; k++)
			if (reg == arguments[k])
				out->overwritten |= CODE_ARG(k + 1);
	}
	if (out->kind == CODE_CALL || out->kind == CODE_BRANCH || out->kind == CODE_JUMP)
		find_target(out, &insn, &operands[0], address);
	return 0;
}

#else

int code_decode(struct code *out, const uint8_t *bytes, size_t len, uint64_t address)
{
	(void)bytes;
	(void)len;
	(void)address;
	*out = (struct code){.kind = CODE_WILD};
	return -ENOTSUP;
}

bool code_is_emulated(const uint8_t *bytes, size_t len)
{
	(void)bytes;
	(void)len;
	return false;
}

#endif

size_t code_length(const uint8_t *bytes, size_t len)
{
	struct code c;

	return code_decode(&c, bytes, len, 0) == 0 && c.length <= len ? c.length : len;
}
