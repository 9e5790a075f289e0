/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code of OpenSSL's functions in an image made around it. A part's letter names the function, its content is the code:
 * r SSL_read, R SSL_read_ex, w SSL_write, W SSL_write_ex, X SSL_write_ex2, f SSL_free, c SSL_ctrl, s SSL_set_fd,
 * p SSL_peek, P SSL_peek_ex, i an internal one (each call e8 00 00 00 0N goes to the N-th), t a PLT stub of SSL_read;
 * o: options.
 */
#include "fuzz.h"
#include "probe/elf.h"
#include "probe/image.h"
#include "probe/site.h"

static const char *name_of(char letter)
{
	static const struct {
		char letter;
		const char *name;
	} names[] = {{'r', "SSL_read"},	     {'R', "SSL_read_ex"}, {'w', "SSL_write"}, {'W', "SSL_write_ex"},
		     {'X', "SSL_write_ex2"}, {'f', "SSL_free"},	   {'c', "SSL_ctrl"},  {'s', "SSL_set_fd"},
		     {'p', "SSL_peek"},	     {'P', "SSL_peek_ex"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].letter == letter)
			return names[i].name;
	return NULL;
}

/* Calls and jumps of the form e8|e9 00 00 00 0N go to the N-th place. */
static void link_calls(struct image_maker *m, const struct image_extent *x, const uint64_t *places,
		       unsigned count)
{
	for (uint64_t i = 0; i + 5 <= x->size; i++) {
		const uint8_t *p = (const uint8_t *)m->b.p + x->address + i;

		if ((p[0] == 0xe8 || p[0] == 0xe9) && !p[1] && !p[2] && !p[3] && p[4] < count)
			image_link(m, x->address + i + 1, places[p[4]]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size), body;
	uint64_t places[16] = {0};
	struct site sites[WIRE_FNS];
	struct image_maker m;
	unsigned count = 0;
	char letter;

	image_init(&m);
	while (m.extent_count < 24 && fuzz_part(&rest, &letter, &body)) {
		if (letter == 'o') {
			m.no_frames = str_find_char(body, 'f') >= 0;
		} else if (letter == 't' && count < 16) {
			places[count++] = image_stub(&m, "SSL_read");
		} else if (letter == 'i' && count < 16) {
			places[count++] = image_function(&m, NULL, body.p, body.n);
		} else if (name_of(letter)) {
			uint64_t at = image_function(&m, name_of(letter), body.p, body.n);

			if (count < 16)
				places[count++] = at;
		}
	}
	for (unsigned i = 0; i < m.extent_count; i++)
		link_calls(&m, &m.extents[i], places, count);
	struct str file = image_finish(&m);
	autodrop(drop_fd) int fd = fuzz_file(file);
	autodrop(drop_elf_file) struct elf_file *f = NULL;
	if (elf_open(&f, fd) == 0) {
		size_t n = site_choose(f, sites);

		for (size_t i = 0; i < n; i++)
			assert(sites[i].offset < file.n && sites[i].len > 0 &&
			       (sites[i].emulated || sites[i].why) && site_name(sites[i].fn));
	}
	image_fini(&m);
	return 0;
}
