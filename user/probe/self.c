/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/self.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "probe/procfs.h"

#define FUNCTIONS 4

int self_data_stepped(void *ssl, const void *buffer, int num);
int self_data_emulated(void *ssl, const void *buffer, int num);
int self_plain_stepped(void *ssl, const void *buffer, int num);
int self_plain_emulated(void *ssl, const void *buffer, int num);

#if defined(__x86_64__)
/* Written out, so that no compiler's prologue decides the class of the first instruction. */
#define STEPPED(name)                                                                               \
	asm(".pushsection .text\n.globl " name "\n.hidden " name "\n.type " name                    \
	    ", @function\n.balign 16\n" name                                                        \
	    ":\n\tsub $8, %rsp\n\tmov %edx, %eax\n\tadd $8, %rsp\n\tret\n.size " name ", . - " name \
	    "\n.popsection\n")
#define EMULATED(name)                                                                       \
	asm(".pushsection .text\n.globl " name "\n.hidden " name "\n.type " name             \
	    ", @function\n.balign 16\n" name                                                 \
	    ":\n\tpush %rbp\n\tmov %edx, %eax\n\tpop %rbp\n\tret\n.size " name ", . - " name \
	    "\n.popsection\n")
STEPPED("self_bare");
STEPPED("self_data_stepped");
EMULATED("self_data_emulated");
STEPPED("self_plain_stepped");
EMULATED("self_plain_emulated");
#else
/* Whatever the compiler begins them with: classes are not told apart here. */
#define PLAIN(name)                                                                \
	__attribute__((noinline)) int name(void *ssl, const void *buffer, int num) \
	{                                                                          \
		asm volatile("" : : "r"(ssl), "r"(buffer) : "memory");             \
		return num;                                                        \
	}
PLAIN(self_bare)
PLAIN(self_data_stepped)
PLAIN(self_data_emulated)
PLAIN(self_plain_stepped)
PLAIN(self_plain_emulated)
#endif

self_fn *self_data(unsigned emulated)
{
	return emulated ? self_data_emulated : self_data_stepped;
}

self_fn *self_plain(unsigned emulated)
{
	return emulated ? self_plain_emulated : self_plain_stepped;
}

/* Offsets in our own executable of functions, by the mapping that holds them. */
static int find_offsets(self_fn *const fn[FUNCTIONS], struct site sites[FUNCTIONS])
{
	autodrop(buf_fini) struct buf maps;
	struct procfs_mapping m;
	unsigned found = 0;

	buf_init(&maps, PROCFS_MAPS_MAX);
	int r = procfs_read((uint32_t)getpid(), "maps", &maps);
	if (r < 0)
		return r;
	struct str rest = buf_str(&maps);
	while (procfs_next_mapping(&rest, &m)) {
		for (unsigned i = 0; i < FUNCTIONS; i++) {
			uint64_t address = (uint64_t)(uintptr_t)fn[i];

			if (!m.executable || m.ino == 0 || address < m.start || address >= m.end)
				continue;
			sites[i].offset = address - m.start + m.offset;
			found++;
		}
	}
	return found == FUNCTIONS ? 0 : -ENOENT;
}

int self_hook(struct self *s, struct load *l)
{
	self_fn *const fn[FUNCTIONS] = {self_data_stepped, self_data_emulated, self_plain_stepped,
					self_plain_emulated};
	struct site sites[FUNCTIONS];

	*s = (struct self){.load = l};
	memset(sites, 0, sizeof(sites));
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		sites[i].fn = i < 2 ? WIRE_FN_SSL_WRITE : WIRE_FN_SSL_CTRL;
		sites[i].returns = i < 2;
	}
	int r = find_offsets(fn, sites);
	if (r == 0)
		r = load_hook_returns(l, &s->hooks, "/proc/self/exe", sites, FUNCTIONS);
	if (r == 0)
		r = load_hook_entries(l, &s->hooks, "/proc/self/exe", sites, FUNCTIONS, 0);
	if (r < 0)
		self_unhook(s);
	return r;
}

void self_unhook(struct self *s)
{
	load_unhook_entries(&s->hooks);
	load_unhook_returns(&s->hooks);
}
