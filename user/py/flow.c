/* SPDX-License-Identifier: BSD-2-Clause */
/* Where code leads, by a walk over its instructions: each is looked at once. */
#include <stdlib.h>

#include "base/base.h"
#include "py/op.h"

#define UNIT	  2u /* bytes */
#define UNITS_MAX 8192u

/* Opcodes up to 3.10. */
#define GET_ANEXT  51u
#define YIELD_FROM 72u

enum seen { NEW, QUEUED, DONE };

struct walk {
	const uint8_t *table;
	const uint8_t *code;
	uint32_t units;
	uint32_t scale; /* an argument's unit of a jump: bytes up to 3.9 */
	uint32_t site;
	uint32_t entry; /* where the loop of the iterator that the site asks begins; else behind the site */
	uint8_t *seen;	/* of each unit */
	uint16_t *todo;
	uint32_t count;
};

struct op {
	enum op_kind kind;
	uint32_t next; /* unit behind it and its caches */
	uint32_t arg;  /* units */
};

static struct op op_at(const struct walk *w, uint32_t at, uint32_t extended)
{
	uint8_t what = w->table[w->code[at * UNIT]];
	uint32_t arg = extended << 8 | w->code[at * UNIT + 1];

	return (struct op){.kind = what & 15, .next = at + 1 + (what >> 4), .arg = arg / w->scale};
}

static void add(struct walk *w, uint32_t unit)
{
	if (unit >= w->units || w->seen[unit] != 0)
		return;
	w->seen[unit] = QUEUED;
	w->todo[w->count++] = (uint16_t)unit;
}

/* Where else an instruction leads than to the one behind it. */
static bool find_target(const struct op *o, uint32_t *unit)
{
	switch (o->kind) {
	case OP_JUMP_TO:
	case OP_BRANCH_TO:
		*unit = o->arg;
		return true;
	case OP_JUMP_FORWARD:
	case OP_BRANCH_FORWARD:
		*unit = o->next + o->arg;
		return *unit >= o->next;
	case OP_JUMP_BACK:
	case OP_BRANCH_BACK:
		*unit = o->next - o->arg;
		return o->arg <= o->next;
	default:
		return false;
	}
}

/* Who jumps into the loop asks the same iterator again. */
static void add_target(struct walk *w, const struct op *o)
{
	uint32_t unit;

	if (find_target(o, &unit) && (unit < w->entry || unit > w->site))
		add(w, unit);
}

static bool goes_on(const struct op *o)
{
	return o->kind != OP_STOP && o->kind != OP_JUMP_TO && o->kind != OP_JUMP_FORWARD &&
	       o->kind != OP_JUMP_BACK;
}

static uint32_t extend(const struct walk *w, const struct op *o, uint32_t at, uint32_t extended)
{
	return o->kind == OP_EXTENDED ? (extended << 8 | w->code[at * UNIT + 1]) & 0xffffffu : 0;
}

/* The instruction that a byte is in, with its caches; an argument's extensions are instructions of their own. before: where
 * the three before it begin; w->entry: it, with its extensions. */
static bool find_site(struct walk *w, uint32_t unit, struct op *out, uint32_t before[3])
{
	uint32_t extended = 0, begin = 0;

	before[0] = before[1] = before[2] = 0;
	for (uint32_t at = 0; at < w->units;) {
		struct op o = op_at(w, at, extended);

		if (unit < o.next) {
			w->site = at;
			w->entry = begin;
			*out = o;
			return true;
		}
		extended = extend(w, &o, at, extended);
		at = o.next;
		if (o.kind == OP_EXTENDED)
			continue;
		before[0] = before[1];
		before[1] = before[2];
		before[2] = begin;
		begin = at;
	}
	return false;
}

/* An instruction behind the site that leads to between two units. */
static bool is_led_to(const struct walk *w, uint32_t from, uint32_t to)
{
	uint32_t extended = 0, unit;

	for (uint32_t at = 0; at < w->units;) {
		struct op o = op_at(w, at, extended);

		if (at > w->site && find_target(&o, &unit) && unit >= from && unit <= to)
			return true;
		extended = extend(w, &o, at, extended);
		at = o.next;
	}
	return false;
}

/* `async for` ends by an exception: behind the END_ASYNC_FOR that takes it. */
static void add_ends(struct walk *w, uint8_t end)
{
	uint32_t extended = 0;

	for (uint32_t at = 0; at < w->units;) {
		struct op o = op_at(w, at, extended);

		if (at > w->site && w->code[at * UNIT] == end)
			add(w, o.next);
		extended = extend(w, &o, at, extended);
		at = o.next;
	}
}

/* Up to 3.10 `async for` waits as every await does, but behind GET_ANEXT; it leads back to the instruction before that. */
static bool is_async_for(const struct walk *w, const uint32_t before[3], uint8_t version_minor)
{
	return version_minor <= 10 && w->code[w->site * UNIT] == YIELD_FROM &&
	       w->code[before[1] * UNIT] == GET_ANEXT && is_led_to(w, before[0], before[0]);
}

/* A loop leads back to the instruction that asks its iterator; `async for` to GET_ANEXT, two or three before. */
static void find_entry(struct walk *w, const struct op *site, const uint32_t before[3], uint8_t version_minor)
{
	uint8_t end = op_end_async_for[version_minor - OP_MINOR_MIN];

	if (is_async_for(w, before, version_minor)) {
		w->entry = before[0];
		add_ends(w, end);
		return;
	}
	if (site->kind == OP_BRANCH_FORWARD && is_led_to(w, w->entry, w->site))
		return;
	if (site->kind == OP_BRANCH_FORWARD && is_led_to(w, before[0], before[1])) {
		w->entry = before[0];
		add_ends(w, end);
	} else {
		w->entry = w->site + 1;
	}
}

/* From one unit on, until it leads nowhere new. True: the site. */
static bool follow(struct walk *w, uint32_t at)
{
	uint32_t extended = 0;

	while (at < w->units && w->seen[at] != DONE) {
		struct op o = op_at(w, at, extended);

		if (at == w->site)
			return true;
		w->seen[at] = DONE;
		add_target(w, &o);
		if (!goes_on(&o))
			break;
		extended = extend(w, &o, at, extended);
		at = o.next;
	}
	return false;
}

bool op_comes_back(uint8_t version_minor, struct str code, int32_t lasti, bool anew)
{
	uint32_t units = code.n / UNIT < UNITS_MAX ? (uint32_t)(code.n / UNIT) : UNITS_MAX;
	autodrop(drop_memory) uint8_t *seen = calloc(units + 1, sizeof(*seen));
	autodrop(drop_memory) uint16_t *todo = calloc(units + 1, sizeof(*todo));
	struct walk w = {.code = (const void *)code.p, .units = units, .seen = seen, .todo = todo};
	uint32_t before[3];
	struct op site;

	if (!seen || !todo || lasti < 0 || !op_is_known(version_minor))
		return false;
	w.table = op_table[version_minor - OP_MINOR_MIN];
	w.scale = version_minor < 10 ? UNIT : 1;
	if (!find_site(&w, (uint32_t)lasti / UNIT, &site, before))
		return false;
	if (anew)
		find_entry(&w, &site, before, version_minor);
	else
		w.entry = w.site + 1;
	add_target(&w, &site);
	if (goes_on(&site))
		add(&w, site.next);
	while (w.count > 0)
		if (follow(&w, w.todo[--w.count]))
			return true;
	return false;
}
