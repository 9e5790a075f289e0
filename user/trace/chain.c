/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that name the response they go on from (Responses' previous_response_id,
 * Interactions' previous_interaction_id): the server puts that call's whole
 * input and its answer before what the client sends. Shown as `bottrace.continues`; and the tool calls of that answer
 * are told by results in this request, for certain.
 */
#include <stdlib.h>

#include "trace/set.h"

struct chain_key {
	struct hash128 response;
	uint64_t process;
};

struct trace_chain {
	struct trace_chain *next; /* younger */
	struct chain_key key;
	uint64_t id;	   /* of the span */
	uint32_t messages; /* of its whole input and its answer */
	bool has_system, has_tools;
};

static struct chain_key key_of(const struct trace_call *k, struct str response_id)
{
	return (struct chain_key){.response = hash_u128(response_id, 7), .process = k->process->serial};
}

void trace_chain_input(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;

	k->inputs = c->input_count;
	if (c->previous_id.n == 0)
		return;
	struct chain_key key = key_of(k, c->previous_id);
	const struct trace_chain *found = map_get(t->chains, &key);

	if (found == NULL)
		return;
	k->inputs += found->messages;
	k->continues = (struct trace_continues){
		.id = found->id,
		.messages = found->messages,
		.chained = true,
		/* Instructions and tools are not carried over: what this call has not, it has not. */
		.no_system = found->has_system && c->system_count == 0,
		.no_tools = found->has_tools && c->tools.p == NULL,
	};
}

void trace_chain_answer(struct trace_set *t, struct trace_call *k)
{
	const struct genai_call *c = k->c;

	if (c->response_id.n == 0 || (c->kind != GENAI_CHAT && c->kind != GENAI_GENERATE_CONTENT))
		return;
	struct chain_key key = key_of(k, c->response_id);

	if (map_get(t->chains, &key) != NULL)
		return;
	if (map_count(t->chains) == TRACE_PREFIXES_MAX) {
		struct trace_chain *old = t->first_chain;

		(void)map_remove(t->chains, &old->key);
		t->first_chain = old->next;
		free(old);
	}
	struct trace_chain *chain = calloc(1, sizeof(*chain));

	if (chain == NULL)
		return;
	*chain = (struct trace_chain){
		.key = key,
		.id = k->id,
		.messages = k->inputs + c->output_count,
		.has_system = c->system_count > 0,
		.has_tools = c->tools.p != NULL,
	};
	if (map_add(t->chains, &chain->key, chain) < 0) {
		free(chain);
		return;
	}
	*(t->first_chain ? &t->last_chain->next : &t->first_chain) = chain;
	t->last_chain = chain;
}

void trace_chain_free(struct trace_set *t)
{
	while (t->first_chain) {
		struct trace_chain *chain = t->first_chain;

		t->first_chain = chain->next;
		free(chain);
	}
	map_free(t->chains);
}
