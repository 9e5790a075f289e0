/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bottrace.continues`: a call that begins with messages which an earlier call of the process carried prints only the
 * rest. A lossless shortening and nothing else: it makes no parent and no link, because few-shot examples and forks of
 * a conversation look alike. Fingerprints here are exact (what prints differently is different), unlike
 * genai_message.hash, which knows an answer again when a client quotes it without its reasoning.
 *
 * A prefix of k messages is the chain of their fingerprints, seeded with whether the call has system instructions and
 * tool definitions: "left out because equal" and "has none" must not look the same.
 */
#include <stdlib.h>

#include "trace/set.h"

struct prefix_key {
	struct hash128 chain;
	uint64_t process;
};

struct trace_prefix {
	struct trace_prefix *next; /* younger */
	struct prefix_key key;
	uint64_t id; /* of the first span that carried it */
	uint32_t messages;
	struct hash128 system, tools;
};

static struct hash128 seed(const struct genai_call *c)
{
	return (struct hash128){.lo = c->system_count > 0, .hi = c->tools.p != NULL};
}

/* The oldest goes when there are too many: later calls are shortened less, nothing is wrong. */
static void remember(struct trace_set *t, struct trace_call *k, struct hash128 chain, uint32_t messages)
{
	struct prefix_key key = {.chain = chain, .process = k->process->serial};

	if (map_get(t->prefixes, &key))
		return;
	if (map_count(t->prefixes) == TRACE_PREFIXES_MAX) {
		struct trace_prefix *old = t->first_prefix;

		(void)map_remove(t->prefixes, &old->key);
		t->first_prefix = old->next;
		free(old);
	}
	struct trace_prefix *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return;
	*p = (struct trace_prefix){
		.key = key, .id = k->id, .messages = messages, .system = k->system, .tools = k->tools};
	if (map_add(t->prefixes, &p->key, p) < 0) {
		free(p);
		return;
	}
	if (t->first_prefix == NULL)
		t->first_prefix = p;
	else
		t->last_prefix->next = p;
	t->last_prefix = p;
}

void trace_prefix_input(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;
	struct trace_prefix *found = NULL;
	uint32_t n = c->input_count, known = 0;

	k->system = genai_parts_exact(c->system, c->system_count);
	k->tools = hash_u128(c->tools, 0);
	if (t->light)
		return; /* there is nothing to shorten */
	autodrop(drop_memory) struct hash128 *chains = calloc((size_t)n + 1, sizeof(*chains));
	if (chains == NULL) {
		k->chain = hash_u128(STR("unknown"), k->id); /* equal to nobody's */
		return;
	}
	chains[0] = seed(c);
	for (uint32_t i = 0; i < n; i++)
		chains[i + 1] = hash_chain(chains[i], c->input[i].exact);
	k->chain = chains[n];
	if (k->before)
		return; /* a retry prints what its first attempt printed, which is remembered */
	for (known = n; known > 0 && found == NULL; known--) {
		struct prefix_key key = {.chain = chains[known], .process = k->process->serial};

		found = map_get(t->prefixes, &key);
		if (found)
			break;
	}
	if (found)
		k->continues = (struct trace_continues){
			.id = found->id,
			.messages = found->messages,
			.same_system = hash_eq(found->system, k->system),
			.same_tools = hash_eq(found->tools, k->tools),
		};
	for (uint32_t i = known + 1; i <= n; i++)
		remember(t, k, chains[i], i);
}

void trace_prefix_answer(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;

	/* Of several choices, none is the one that was continued. */
	if (!t->light && c->input_count > 0 && c->output_count == 1)
		remember(t, k, hash_chain(k->chain, genai_message_exact(&c->output[0])), c->input_count + 1);
}

void trace_prefix_free(struct trace_set *t)
{
	while (t->first_prefix) {
		struct trace_prefix *p = t->first_prefix;

		t->first_prefix = p->next;
		free(p);
	}
}
