/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/kept.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/hash.h"
#include "probe/cache.h"
#include "probe/types.h"

#define BTF_PATH   "/sys/kernel/btf/vmlinux"
#define NOTES_PATH "/sys/kernel/notes" /* the kernel's build-id */
#define FILE_NAME  "kernel"
#define BYTES_MAX  (4u << 20)
#define SEED	   2 /* another one for each change of what is kept */

/* This kernel, and our programs. -ENOENT: a kernel that does not say what it is. */
static int find_key(struct str object, struct hash128 *key)
{
	autodrop(drop_fd) int fd = open(NOTES_PATH, O_RDONLY | O_CLOEXEC);
	char notes[4096];
	struct utsname name;
	struct stat st;

	if (fd < 0 || uname(&name) != 0 || stat(BTF_PATH, &st) != 0)
		return -ENOENT;
	ssize_t n = read(fd, notes, sizeof(notes));
	if (n <= 0)
		return -ENOENT;
	*key = hash_chain(hash_u128(object, SEED), hash_u128(str_make(notes, (size_t)n), SEED));
	*key = hash_chain(*key, hash_u128(str_of(name.release), SEED));
	*key = hash_chain(*key, hash_u128(str_of(name.version), SEED));
	*key = hash_chain(*key, hash_u128(str_make((const char *)&st.st_size, sizeof(st.st_size)), SEED));
	return 0;
}

/* ---- reading: the sets; for each program its id, its length and its instructions (8 bytes each); then the BTF ---- */

static int read_sets(struct str *rest, struct kept_sets *sets)
{
	if (rest->n < sizeof(*sets))
		return -EBADMSG;
	memcpy(sets, rest->p, sizeof(*sets));
	*rest = str_skip(*rest, sizeof(*sets));
	return 0;
}

static int read_program(struct str *rest, struct kept_program *p)
{
	uint32_t head[2];

	if (rest->n < sizeof(head))
		return -EBADMSG;
	memcpy(head, rest->p, sizeof(head));
	*rest = str_skip(*rest, sizeof(head));
	if (head[1] > KEPT_INSTRUCTIONS || rest->n / sizeof(struct bpf_insn) < head[1])
		return -EBADMSG;
	*p = (struct kept_program){
		.attach_btf_id = head[0], .count = head[1], .instructions = (const struct bpf_insn *)rest->p};
	*rest = str_skip(*rest, head[1] * sizeof(struct bpf_insn));
	return 0;
}

int kept_open(struct kept *k, struct str object)
{
	struct hash128 key;

	*k = (struct kept){.types = -1};
	buf_init(&k->bytes, BYTES_MAX);
	int r = find_key(object, &key);
	if (r == 0)
		r = cache_read(FILE_NAME, key, &k->bytes);
	struct str rest = buf_str(&k->bytes);
	if (r == 0)
		r = read_sets(&rest, &k->sets);
	for (unsigned i = 0; i < KEPT_PROGRAMS && r == 0; i++)
		r = read_program(&rest, &k->programs[i]);
	if (r < 0)
		return r;
	k->types = memfd_create("types", MFD_CLOEXEC);
	if (k->types < 0)
		return -errno;
	return write(k->types, rest.p, rest.n) == (ssize_t)rest.n ? 0 : -EIO;
}

void kept_fini(struct kept *k)
{
	drop_fd(&k->types);
	buf_fini(&k->bytes);
}

/* ---- writing ---- */

static void drop_object(struct bpf_object **o)
{
	bpf_object__close(*o);
}

static void drop_btf(struct btf **b)
{
	btf__free(*b);
}

static int add_program(struct buf *out, const struct kept_program *p, const char *iterator,
		       const struct btf *kernel)
{
	int id = p->count ? btf__find_by_name_kind(kernel, iterator, BTF_KIND_FUNC) : 0;

	if (id < 0)
		return id;
	if (p->count > KEPT_INSTRUCTIONS)
		return -E2BIG;
	uint32_t head[2] = {(uint32_t)id, p->count};
	buf_add(out, str_make((const char *)head, sizeof(head)));
	buf_add(out, str_make((const char *)p->instructions, p->count * sizeof(struct bpf_insn)));
	return 0;
}

int kept_write(struct str object, const struct kept_sets *sets,
	       const struct kept_program programs[KEPT_PROGRAMS], const char *const iterators[KEPT_PROGRAMS])
{
	autodrop(drop_object) struct bpf_object *ours = NULL;
	autodrop(drop_btf) struct btf *kernel = NULL;
	autodrop(buf_fini) struct buf made;
	struct hash128 key;

	buf_init(&made, BYTES_MAX);
	if (!cache_is_there())
		return -EACCES;
	int r = find_key(object, &key);
	if (r < 0)
		return r;
	ours = bpf_object__open_mem(object.p, object.n, NULL);
	kernel = btf__parse_raw(BTF_PATH);
	if (ours == NULL || kernel == NULL)
		return -ENOMEM;
	buf_add(&made, str_make((const char *)sets, sizeof(*sets)));
	for (unsigned i = 0; i < KEPT_PROGRAMS && r == 0; i++)
		r = add_program(&made, &programs[i], iterators[i], kernel);
	if (r == 0)
		r = types_cut(kernel, bpf_object__btf(ours), &made);
	return r < 0 ? r : cache_write(FILE_NAME, key, buf_str(&made));
}
