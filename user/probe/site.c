/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/site.h"

#include <errno.h>
#include <string.h>

#include "probe/body.h"
#include "probe/code.h"

#define FIRST_THREE (CODE_ARG(1) | CODE_ARG(2) | CODE_ARG(3))

static const struct {
	const char *name;
	/* A return probe may be set on it. Only plain C functions that neither throw, nor longjmp, nor switch stacks, nor
	 * unwind are on the list: an exception through a probed frame ends the program. */
	bool returns;
	uint8_t arguments; /* that the kernel side reads */
} functions[WIRE_FNS] = {
	[WIRE_FN_SSL_READ] = {"SSL_read", true, FIRST_THREE},
	[WIRE_FN_SSL_READ_EX] = {"SSL_read_ex", true, FIRST_THREE | CODE_ARG(4)},
	[WIRE_FN_SSL_WRITE] = {"SSL_write", true, FIRST_THREE},
	[WIRE_FN_SSL_WRITE_EX] = {"SSL_write_ex", true, FIRST_THREE | CODE_ARG(4)},
	[WIRE_FN_SSL_WRITE_EX2] = {"SSL_write_ex2", true, FIRST_THREE | CODE_ARG(5)},
	[WIRE_FN_SSL_FREE] = {"SSL_free", false, CODE_ARG(1)},
	[WIRE_FN_SSL_CTRL] = {"SSL_ctrl", false, CODE_ARG(1) | CODE_ARG(2) | CODE_ARG(4)},
	[WIRE_FN_SSL_SET_FD] = {"SSL_set_fd", false, CODE_ARG(1) | CODE_ARG(2)},
};

/*
 * The exported functions that share an internal one. A leader hands it all of its own arguments, in their order; the
 * first that a library defines leads. The peeking ones take no byte away: what they call is never taken for a reader.
 */
static const struct family {
	const char *internal;
	uint8_t leader[2];
	uint8_t member[3];
	uint8_t leaders, members;
} families[] = {
	{"ssl_read_internal", {WIRE_FN_SSL_READ_EX}, {WIRE_FN_SSL_READ, WIRE_FN_SSL_READ_EX}, 1, 2},
	{"ssl_write_internal",
	 {WIRE_FN_SSL_WRITE_EX2, WIRE_FN_SSL_WRITE_EX},
	 {WIRE_FN_SSL_WRITE, WIRE_FN_SSL_WRITE_EX, WIRE_FN_SSL_WRITE_EX2},
	 2,
	 3},
};

enum { PEEK = WIRE_FNS, PEEK_EX, SYMBOLS };

/* What is known of one library while its sites are chosen. */
struct choice {
	struct elf_file *elf;
	struct elf_symbol symbols[SYMBOLS]; /* by enum wire_fn, then those above */
	struct callees callees[SYMBOLS];
	bool covered[WIRE_FNS];
	struct site *sites;
	size_t count;
};

const char *site_name(enum wire_fn fn)
{
	return (unsigned)fn < WIRE_FNS ? functions[fn].name : "?";
}

/* ---- at the symbol ---- */

static void add_symbol(struct choice *c, uint32_t fn, const char *why)
{
	const struct elf_symbol *symbol = &c->symbols[fn];
	struct site *s = &c->sites[c->count++];

	*s = (struct site){.fn = fn,
			   .function = functions[fn].name,
			   .covers = 1u << fn,
			   .why = why,
			   .offset = symbol->offset,
			   .len = symbol->code_len,
			   .symbol = true,
			   .returns = functions[fn].returns};
	memcpy(s->bytes, symbol->code, sizeof(s->bytes));
	s->emulated = code_is_emulated(s->bytes, s->len);
	if (s->emulated)
		s->why = NULL;
}

/* ---- at an emulated instruction ---- */

int site_find(struct elf_file *elf, uint64_t address, uint64_t size, const struct body_wish *wish,
	      struct site *out, const char **why)
{
	autodrop(body_fini) struct body body;
	size_t at;

	int r = body_read(&body, elf, address, size);
	if (r < 0) {
		*why = r == -E2BIG ? "it is too large to look into" : "its extent is not known";
		return -ENOENT;
	}
	r = body_find_site(&body, wish, &at, why);
	if (r < 0)
		return r;
	*out = (struct site){.emulated = true, .returns = wish->stack};
	out->len = (uint8_t)elf_read_code(elf, address + at, out->bytes, sizeof(out->bytes));
	*why = "its code lies in no executable segment";
	return out->len > 0 && elf_find_offset(elf, address + at, &out->offset) ? 0 : -ENOENT;
}

/* Makes *out a site in the function at an address. 0, or -ENOENT and the reason in *why. */
static int find_site(struct choice *c, uint32_t fn, uint64_t address, uint64_t size, struct site *out,
		     const char **why)
{
	const struct body_wish wish = {.arguments = functions[fn].arguments, .stack = functions[fn].returns};
	int r = site_find(c->elf, address, size, &wish, out, why);

	if (r < 0)
		return r;
	out->fn = fn;
	out->function = functions[fn].name;
	out->covers = 1u << fn;
	return 0;
}

static void add_own(struct choice *c, uint32_t fn)
{
	const struct elf_symbol *symbol = &c->symbols[fn];
	const char *why = NULL;
	struct site s;

	if (find_site(c, fn, symbol->address, symbol->size, &s, &why) == 0)
		c->sites[c->count++] = s;
	else
		add_symbol(c, fn, why);
}

static bool calls(const struct callees *callees, uint64_t address)
{
	for (size_t i = 0; i < callees->count; i++)
		if (callees->list[i] == address)
			return true;
	return false;
}

static bool calls_only(const struct callees *callees, uint64_t address)
{
	return !callees->unknown && callees->count == 1 && callees->list[0] == address;
}

static bool is_symbol(const struct choice *c, uint64_t address)
{
	for (size_t i = 0; i < SYMBOLS; i++)
		if (c->symbols[i].found && c->symbols[i].address == address)
			return true;
	return false;
}

/* The internal function to which a leader hands its arguments, and nothing else; 0: there is none. */
static uint64_t find_internal(struct choice *c, uint32_t leader)
{
	const struct elf_symbol *symbol = &c->symbols[leader];
	const struct callees *callees = &c->callees[leader];
	autodrop(body_fini) struct body body = {0};

	if (callees->unknown || callees->count != 1)
		return 0;
	uint64_t address = callees->list[0];
	if (is_symbol(c, address) || calls(&c->callees[PEEK], address) ||
	    calls(&c->callees[PEEK_EX], address) ||
	    body_read(&body, c->elf, symbol->address, symbol->size) < 0)
		return 0;
	return body_hands_on(&body, address, functions[leader].arguments) ? address : 0;
}

/* Members that do nothing but call `address` need no probe of their own. Returns them as a set. */
static uint32_t cover(struct choice *c, const struct family *f, uint64_t address)
{
	uint32_t covers = 0;

	for (uint8_t i = 0; i < f->members; i++) {
		uint8_t fn = f->member[i];

		if (!c->symbols[fn].found || c->covered[fn] || !calls_only(&c->callees[fn], address))
			continue;
		c->covered[fn] = true;
		covers |= 1u << fn;
	}
	return covers;
}

/* Exported functions that only hand on to another one: SSL_write_ex to SSL_write_ex2. */
static uint32_t cover_by(struct choice *c, uint32_t fn)
{
	uint32_t covers = 0;

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		for (uint8_t k = 0; k < families[i].members; k++)
			if (families[i].member[k] == fn)
				covers |= cover(c, &families[i], c->symbols[fn].address);
	return covers;
}

/* One site for a family, if it is to be had. */
static void add_family(struct choice *c, const struct family *f)
{
	struct site s;
	const char *why;

	for (uint8_t i = 0; i < f->leaders; i++) {
		uint8_t leader = f->leader[i];
		uint64_t internal = c->symbols[leader].found ? find_internal(c, leader) : 0;

		if (internal == 0 || find_site(c, leader, internal, 0, &s, &why) < 0)
			continue;
		s.function = f->internal;
		s.covers = cover(c, f, internal);
		for (uint32_t fn = 0; fn < WIRE_FNS; fn++)
			if (s.covers & 1u << fn)
				s.covers |= cover_by(c, fn);
		c->sites[c->count++] = s;
		break;
	}
}

/* ---- all of a library ---- */

static bool find_symbols(struct choice *c)
{
	bool data = false;

	for (uint32_t i = 0; i < WIRE_FNS; i++)
		c->symbols[i].name = functions[i].name;
	c->symbols[PEEK].name = "SSL_peek";
	c->symbols[PEEK_EX].name = "SSL_peek_ex";
	if (elf_find(c->elf, c->symbols, SYMBOLS) == 0)
		return false;
	for (uint32_t i = 0; i < WIRE_FNS; i++)
		data |= c->symbols[i].found && functions[i].returns;
	return data;
}

static void find_callees(struct choice *c)
{
	for (uint32_t i = 0; i < SYMBOLS; i++) {
		autodrop(body_fini) struct body body = {0};

		c->callees[i].unknown = true;
		if (c->symbols[i].found && (i >= WIRE_FNS || functions[i].returns) &&
		    body_read(&body, c->elf, c->symbols[i].address, c->symbols[i].size) == 0)
			body_find_callees(&body, c->elf, c->symbols, SYMBOLS, &c->callees[i]);
	}
}

size_t site_choose(struct elf_file *elf, struct site sites[WIRE_FNS])
{
	struct choice c = {.elf = elf, .sites = sites};
	uint32_t with[WIRE_FNS] = {0};

	if (!find_symbols(&c))
		return 0;
	find_callees(&c);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		add_family(&c, &families[i]);
	for (uint32_t fn = 0; fn < WIRE_FNS; fn++)
		if (c.symbols[fn].found && !c.covered[fn])
			with[fn] = cover_by(&c, fn);
	for (uint32_t fn = 0; fn < WIRE_FNS; fn++) {
		if (!c.symbols[fn].found || c.covered[fn])
			continue;
		add_own(&c, fn);
		sites[c.count - 1].covers |= with[fn];
	}
	return c.count;
}

size_t site_choose_symbols(struct elf_file *elf, struct site sites[WIRE_FNS])
{
	struct choice c = {.elf = elf, .sites = sites};

	if (!find_symbols(&c))
		return 0;
	for (uint32_t fn = 0; fn < WIRE_FNS; fn++)
		if (c.symbols[fn].found)
			add_symbol(&c, fn, "the symbol was asked for");
	return c.count;
}

uint32_t site_cost(const struct site *s, const struct site_costs *costs)
{
	return s->returns ? costs->data_ns[s->emulated] : costs->plain_ns[s->emulated];
}
