/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/rule.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire.h"

/* A name on its way into the table of names. */
struct entry {
	struct state_rule_name key;
	uint32_t rule; /* index */
	const uint8_t *tail;
};

/* As CPython keeps a str: in the narrowest units that hold all of it. The kind; 0: no text, or no room. */
static unsigned encode(struct str s, uint8_t *out, size_t room, size_t *len)
{
	uint32_t code, most = 0;
	size_t n, count = 0;

	for (struct str rest = s; rest.n > 0; rest = str_skip(rest, n), count++) {
		n = text_utf8(rest, &code);
		if (n == 0)
			return 0;
		most = code > most ? code : most;
	}
	unsigned kind = most < 256     ? WIRE_PY_TEXT_LATIN1
			: most < 65536 ? WIRE_PY_TEXT_UCS2
				       : WIRE_PY_TEXT_UCS4;
	*len = count * kind;
	if (count == 0 || *len > room)
		return 0;
	for (struct str rest = s; rest.n > 0; rest = str_skip(rest, n), out += kind) {
		n = text_utf8(rest, &code);
		for (unsigned i = 0; i < kind; i++)
			out[i] = (uint8_t)(code >> 8 * i);
	}
	return kind;
}

static bool set_step(struct state_rule *r, enum state_step_what what, struct str name)
{
	struct state_step *s = &r->step[r->steps++];
	size_t len = 0;

	s->what = (uint8_t)what;
	if (what == STATE_STEP_TYPE)
		return true;
	s->kind = (uint8_t)encode(name, s->text, sizeof(s->text), &len);
	s->len = (uint16_t)len;
	return s->kind != 0;
}

static bool set_tail(struct state_rule *r, struct str file)
{
	uint8_t text[STATE_RULE_TAIL];
	size_t len;

	if (encode(file, text, sizeof(text) - 1, &len) != WIRE_PY_TEXT_LATIN1)
		return false;
	r->tail[sizeof(text) - len - 1] = '/';
	memcpy(r->tail + sizeof(text) - len, text, len);
	return true;
}

/* False: one of its names is too long. */
static bool set_rule(struct state_rule *out, const struct rules_rule *rule)
{
	static const enum state_step_what whats[] = {
		[RULES_ATTRIBUTE] = STATE_STEP_ATTRIBUTE,
		[RULES_KEY] = STATE_STEP_KEY,
		[RULES_TYPE_NAME] = STATE_STEP_TYPE,
	};

	*out = (struct state_rule){.id = (uint16_t)rule->number};
	if (!set_tail(out, rule->file) || !set_step(out, STATE_STEP_LOCAL, rule->local))
		return false;
	for (uint32_t i = 0; i < rule->step_count && out->steps < STATE_STEPS; i++)
		if (!set_step(out, whats[rule->steps[i].kind], rule->steps[i].name))
			return false;
	return true;
}

static bool set_entry(struct entry *out, struct str name, bool bare)
{
	size_t len;

	out->key = (struct state_rule_name){.bare = bare};
	out->key.kind = encode(name, out->key.text, sizeof(out->key.text), &len);
	return out->key.kind != 0;
}

static bool is_same(const struct entry *a, const struct entry *b)
{
	return memcmp(&a->key, &b->key, sizeof(a->key)) == 0 &&
	       memcmp(a->tail, b->tail, STATE_RULE_TAIL) == 0;
}

/* By name, then by file, then in the order of the rules. */
static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = memcmp(&x->key, &y->key, sizeof(x->key));

	if (c == 0)
		c = memcmp(x->tail, y->tail, STATE_RULE_TAIL);
	return c ? c : x->rule < y->rule ? -1 : x->rule > y->rule;
}

/* Rules of one function, or up to 3.10 of functions of one name, in one file: whether all begin with the same local. */
static void mark_leads(struct rule_table *t, const struct entry *list, uint32_t count)
{
	for (uint32_t i = 0, end; i < count; i = end) {
		const struct state_step *local = &t->rules[list[i].rule].step[0];
		bool same = true;

		for (end = i; end < count && is_same(&list[i], &list[end]); end++)
			same &= memcmp(local, &t->rules[list[end].rule].step[0], sizeof(*local)) == 0;
		for (uint32_t k = i; !same && k < end; k++)
			t->rules[list[k].rule].flags &= (uint16_t)~STATE_RULE_LEAD;
	}
}

/* Chains of the same name; those of the same file stand together. */
static void link_names(struct rule_table *t, struct entry *list, uint32_t count)
{
	qsort(list, count, sizeof(*list), compare);
	for (uint32_t i = 0; i < count; i++) {
		struct state_rule *before = i > 0 ? &t->rules[list[i - 1].rule] : NULL;
		uint32_t bare = list[i].key.bare;

		if (before && memcmp(&list[i].key, &list[i - 1].key, sizeof(list[i].key)) == 0) {
			before->next[bare] = list[i].rule + 1;
			before->same[bare] = is_same(&list[i], &list[i - 1]);
			continue;
		}
		t->names[t->name_count++] = (struct rule_name){.key = list[i].key, .first = list[i].rule + 1};
	}
	mark_leads(t, list, count);
}

static void add(struct rule_table *t, struct entry *list, const struct rules_rule *rule, uint16_t flags)
{
	struct state_rule *r = &t->rules[t->count];
	struct entry *e = &list[2 * t->count];

	if (t->count >= STATE_RULES_MAX || !set_rule(r, rule) || !set_entry(&e[0], rule->function, false) ||
	    !set_entry(&e[1], rule->name, true)) {
		t->left_out++;
		return;
	}
	r->flags = flags | STATE_RULE_LEAD;
	for (int i = 0; i < 2; i++) {
		e[i].rule = t->count;
		e[i].tail = r->tail;
	}
	t->count++;
}

int rule_make(struct rule_table *out, const struct rules *rules)
{
	const struct rules_rule work = {.number = WIRE_PY_RULE_SELF,
					.file = STR("concurrent/futures/thread.py"),
					.function = STR("_WorkItem.run"),
					.name = STR("run"),
					.local = STR("self")};
	uint32_t most = rules_count(rules) + 1;
	autodrop(drop_memory) struct entry *list = calloc(most, 2 * sizeof(*list));

	*out = (struct rule_table){.rules = calloc(most, sizeof(*out->rules)),
				   .names = calloc(most, 2 * sizeof(*out->names))};
	if (list == NULL || out->rules == NULL || out->names == NULL) {
		rule_fini(out);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < rules_count(rules); i++) {
		const struct rules_rule *rule = rules_get(rules, i);

		if (rule->local.p != NULL)
			add(out, list, rule, 0);
	}
	add(out, list, &work, STATE_RULE_SELF);
	link_names(out, list, 2 * out->count);
	return 0;
}

int rule_give(const struct rule_table *t, int rules_fd, int names_fd)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (bpf_map_update_elem(rules_fd, &i, &t->rules[i], BPF_ANY) != 0)
			return -errno;
	for (uint32_t i = 0; i < t->name_count; i++)
		if (bpf_map_update_elem(names_fd, &t->names[i].key, &t->names[i].first, BPF_ANY) != 0)
			return -errno;
	return 0;
}

void rule_fini(struct rule_table *t)
{
	free(t->rules);
	free(t->names);
	*t = (struct rule_table){0};
}
