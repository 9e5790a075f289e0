/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/btf.h>
#include <string.h>

#include "harness.h"
#include "probe/types.h"

/* struct task { union { int pid; long tid; }; struct task *next; struct inner { int x[4]; } in; enum state st; }
 * and struct other, which nobody names. */
static struct btf *kernel_types(void)
{
	struct btf *b = btf__new_empty();
	int integer = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	int wide = btf__add_int(b, "long", 8, BTF_INT_SIGNED);
	int either = btf__add_union(b, NULL, 8);
	assert_int_equal(btf__add_field(b, "pid", integer, 0, 0), 0);
	assert_int_equal(btf__add_field(b, "tid", wide, 0, 0), 0);
	int array = btf__add_array(b, integer, integer, 4);
	int inner = btf__add_struct(b, "inner", 16);
	assert_int_equal(btf__add_field(b, "x", array, 0, 0), 0);
	int state = btf__add_enum(b, "state", 4);
	assert_int_equal(btf__add_enum_value(b, "RUNNING", 7), 0);
	int other = btf__add_struct(b, "other", 4);
	assert_int_equal(btf__add_field(b, "y", integer, 0, 0), 0);
	int pointer = btf__add_ptr(b, other);
	int name = btf__add_typedef(b, "state_t", state);
	int constant = btf__add_const(b, name);
	int task = btf__add_struct(b, "task", 40);
	assert_int_equal(btf__add_field(b, NULL, either, 0, 0), 0);
	assert_int_equal(btf__add_field(b, "next", pointer, 64, 0), 0);
	assert_int_equal(btf__add_field(b, "in", inner, 128, 0), 0);
	assert_int_equal(btf__add_field(b, "st", constant, 256, 0), 0);
	assert_true(task > 0);
	return b;
}

/* struct task___ours { int pid; } and a struct that the kernel lacks. */
static struct btf *our_types(void)
{
	struct btf *b = btf__new_empty();
	int integer = btf__add_int(b, "int", 4, BTF_INT_SIGNED);

	assert_true(btf__add_struct(b, "task___ours", 4) > 0);
	assert_int_equal(btf__add_field(b, "pid", integer, 0, 0), 0);
	assert_true(btf__add_struct(b, "mine", 4) > 0);
	return b;
}

static void keeps_what_is_inside(void **state)
{
	struct btf *kernel = kernel_types(), *ours = our_types();
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_int_equal(types_cut(kernel, ours, &out), 0);
	struct btf *cut = btf__new(out.p, (uint32_t)out.n);
	assert_non_null(cut);
	int id = btf__find_by_name_kind(cut, "task", BTF_KIND_STRUCT);
	assert_true(id > 0);
	const struct btf_type *t = btf__type_by_id(cut, (uint32_t)id);
	assert_int_equal(t->size, 40);
	assert_int_equal(btf_vlen(t), 4);
	const struct btf_member *m = btf_members(t);
	/* The anonymous union. */
	const struct btf_type *u = btf__type_by_id(cut, m[0].type);
	assert_true(btf_is_union(u));
	assert_string_equal(btf__name_by_offset(cut, btf_members(u)[1].name_off), "tid");
	assert_int_equal(btf__resolve_size(cut, btf_members(u)[1].type), 8);
	/* A pointer to nothing: what it points to is not taken for its sake. */
	const struct btf_type *p = btf__type_by_id(cut, m[1].type);
	assert_true(btf_is_ptr(p));
	assert_int_equal(p->type, 0);
	assert_true(btf__find_by_name(cut, "other") < 0);
	assert_int_equal(btf_member_bit_offset(t, 2), 128);
	assert_int_equal(btf__resolve_size(cut, m[2].type), 16);
	/* const state_t -> enum state */
	const struct btf_type *e = btf__type_by_id(cut, (uint32_t)btf__resolve_type(cut, m[3].type));
	assert_true(btf_is_enum(e));
	assert_int_equal(btf_enum(e)[0].val, 7);
	btf__free(cut);
	buf_fini(&out);
	btf__free(ours);
	btf__free(kernel);
}

static void is_bounded(void **state)
{
	struct btf *kernel = kernel_types(), *ours = our_types();
	struct buf out;

	(void)state;
	buf_init(&out, 16);
	assert_true(types_cut(kernel, ours, &out) < 0);
	buf_fini(&out);
	btf__free(ours);
	btf__free(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_is_inside),
		cmocka_unit_test(is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
