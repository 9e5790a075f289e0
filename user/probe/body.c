/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/code.h"

#define STUB_BYTES 16 /* a PLT stub: endbr64, jmp *slot(%rip) */
#define WAY_MAX	   64 /* instructions of a prologue */
#define OPEN_MAX   4096
#define CUT_MAX	   15 /* bytes of an instruction */

int body_read(struct body *out, struct elf_file *elf, uint64_t address, uint64_t symbol_size)
{
	uint64_t size = elf_find_extent(elf, address);

	*out = (struct body){.address = address};
	if (size == 0 && !elf_has_extents(elf) && symbol_size == 0) {
		uint64_t next = elf_find_next(elf, address);

		size = next ? next - address : 0;
		size = size < OPEN_MAX ? size : OPEN_MAX;
		out->open = true;
	} else if (size == 0 && !elf_has_extents(elf)) {
		size = symbol_size;
	}
	if (size == 0)
		return -ENOENT;
	if (symbol_size > 0 && symbol_size < size)
		size = symbol_size;
	if (size > BODY_MAX)
		return -E2BIG;
	out->code = malloc(size);
	if (out->code == NULL)
		return -ENOMEM;
	out->size = size;
	if (elf_read_code(elf, address, out->code, size) != size) {
		body_fini(out);
		return -EBADMSG;
	}
	return 0;
}

void body_fini(struct body *b)
{
	free(b->code);
	*b = (struct body){0};
}

/* The instruction at a distance; false at the end and where nothing decodes. */
static bool decode(const struct body *b, size_t at, struct code *out)
{
	return at < b->size && code_decode(out, b->code + at, b->size - at, b->address + at) == 0 &&
	       out->length > 0 && out->length <= b->size - at;
}

static bool is_inside(const struct body *b, uint64_t address)
{
	return address >= b->address && address - b->address < b->size;
}

/* Whether a branch of the function lands behind its entry and not behind `last`: the way there is no straight one. */
static bool is_joined(const struct body *b, size_t last)
{
	struct code c;

	for (size_t at = 0; at < b->size; at += c.length) {
		if (!decode(b, at, &c))
			return !b->open || b->size - at >= CUT_MAX;
		if (c.target > b->address && c.target - b->address <= last)
			return true;
	}
	return false;
}

/* ---- callees ---- */

static void add(struct callees *out, uint64_t address)
{
	for (size_t i = 0; i < out->count; i++)
		if (out->list[i] == address)
			return;
	if (out->count == BODY_CALLEES)
		out->unknown = true;
	else
		out->list[out->count++] = address;
}

/* The slot that a PLT stub jumps through; 0: it is no stub. */
static uint64_t slot_of(struct elf_file *elf, uint64_t address)
{
	uint8_t bytes[STUB_BYTES];
	size_t n = elf_read_code(elf, address, bytes, sizeof(bytes));
	struct code c;

	for (size_t at = 0, i = 0; i < 2 && at < n; at += c.length, i++) {
		if (code_decode(&c, bytes + at, n - at, address + at) < 0)
			return 0;
		if (c.kind == CODE_JUMP)
			return c.slot;
		if (c.kind != CODE_PLAIN || c.overwritten)
			return 0;
	}
	return 0;
}

static void add_slot(struct callees *out, struct elf_file *elf, uint64_t slot, const struct elf_symbol *known,
		     size_t known_count)
{
	const char *name = elf_find_slot(elf, slot);

	/* A slot without a symbol is filled by nobody knows whom. */
	if (name == NULL) {
		out->unknown = true;
		return;
	}
	for (size_t i = 0; i < known_count; i++)
		if (known[i].found && strcmp(known[i].name, name) == 0)
			add(out, known[i].address);
}

void body_find_callees(const struct body *b, struct elf_file *elf, const struct elf_symbol *known,
		       size_t known_count, struct callees *out)
{
	struct code c;

	*out = (struct callees){0};
	for (size_t at = 0; at < b->size; at += c.length) {
		if (!decode(b, at, &c)) {
			out->unknown = true;
			return;
		}
		if (c.kind == CODE_WILD)
			out->unknown = true;
		if (c.slot)
			add_slot(out, elf, c.slot, known, known_count);
		if (c.target == 0 || is_inside(b, c.target))
			continue;
		uint64_t slot = slot_of(elf, c.target);
		if (slot)
			add_slot(out, elf, slot, known, known_count);
		else
			add(out, c.target);
	}
}

/* ---- the way from the entry ---- */

int body_find_site(const struct body *b, const struct body_wish *wish, size_t *at, const char **why)
{
	struct code c;

	*why = "no emulated instruction near its entry";
	*at = 0;
	for (unsigned i = 0; i < WAY_MAX; i++, *at += c.length) {
		if (!decode(b, *at, &c)) {
			*why = "its code does not decode";
			return -ENOENT;
		}
		if (c.emulated) {
			if (!is_joined(b, *at))
				return 0;
			*why = "a branch leads back to its entry";
			return -ENOENT;
		}
		if (c.kind != CODE_PLAIN)
			return -ENOENT;
		if (c.overwritten & wish->arguments) {
			*why = "its arguments move before an emulated instruction";
			return -ENOENT;
		}
		if (wish->stack && c.moves_stack) {
			*why = "its stack moves before an emulated instruction";
			return -ENOENT;
		}
	}
	return -ENOENT;
}

bool body_hands_on(const struct body *b, uint64_t target, uint8_t arguments)
{
	struct code c;
	size_t at = 0;

	for (unsigned i = 0; i < WAY_MAX && decode(b, at, &c); i++, at += c.length) {
		if ((c.kind == CODE_CALL || c.kind == CODE_JUMP) && c.target == target)
			return !is_joined(b, at);
		if ((c.kind != CODE_PLAIN && c.kind != CODE_BRANCH) || (c.overwritten & arguments))
			return false;
	}
	return false;
}
