/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The items of OpenAI's Responses, in requests and answers alike. Chat's messages come out of them: what the model said
 * and asked for in a row is one message of the assistant, so that an answer and its later quotation have one hash.
 */
#include "base/jsonw.h"
#include "genai/responses.h"

/* Tools of the provider's that the client runs: {"type": X_call, "call_id", ...}, answered by X_call_output. */
static const struct {
	const char *type, *name, *arguments;
} client_tools[] = {
	{"computer_call", "computer", "action"},
	{"local_shell_call", "local_shell", "action"},
	{"shell_call", "shell", "action"},
	{"apply_patch_call", "apply_patch", "operation"},
};

bool genai_items_init(struct genai_work *w, struct genai_items *all, size_t count)
{
	*all = (struct genai_items){0};
	if (count > LIMIT_MESSAGES)
		count = LIMIT_MESSAGES;
	all->messages = arena_alloc(w->c.arena, (count + 1) * sizeof(*all->messages));
	all->room = (uint32_t)count + 1;
	return all->messages != NULL;
}

/* The message that the next part belongs to: the last one, when the assistant goes on; others begin anew. */
static struct genai_message *message_get(struct genai_work *w, struct genai_items *all, struct str role,
					 struct str name)
{
	struct genai_message *m = all->count ? &all->messages[all->count - 1] : NULL;
	bool assistant = str_eq(role, STR("assistant"));

	if (m != NULL && assistant && str_eq(m->role, role) && str_eq(m->name, name))
		return m;
	if (all->count == all->room) {
		w->omitted_messages++;
		return NULL;
	}
	m = &all->messages[all->count++];
	*m = (struct genai_message){.role = role, .name = name};
	all->part_room = 0;
	return m;
}

static struct genai_part *part_new(struct genai_work *w, struct genai_items *all, struct genai_message *m)
{
	if (m->count == all->part_room) {
		uint32_t room = m->count ? m->count * 2 : 2;
		struct genai_part *more = arena_alloc(w->c.arena, room * sizeof(*more));

		if (more == NULL)
			return NULL;
		if (m->count > 0)
			memcpy(more, m->parts, m->count * sizeof(*more));
		m->parts = more;
		all->part_room = room;
	}
	m->parts[m->count] = (struct genai_part){0};
	return &m->parts[m->count++];
}

void genai_items_add_part(struct genai_work *w, struct genai_items *all, struct str role, struct str name,
			  const struct genai_part *part)
{
	struct genai_message *m = message_get(w, all, role, name);
	struct genai_part *p = m ? part_new(w, all, m) : NULL;

	if (p == NULL)
		return;
	*p = *part;
	if (p->type == GENAI_TOOL_CALL)
		all->called = true;
}

/* {"type": "input_image", "image_url" | "file_id"}, {"type": "input_file", "file_id" | "file_url" | "file_data"} */
static bool part_media(struct genai_work *w, const struct json *j, const char *modality, struct genai_part *p)
{
	struct str url = genai_prose(w, j, "image_url"), id = genai_word(w, j, "file_id");

	if (url.p == NULL)
		url = genai_prose(w, j, "file_url");
	if (url.p == NULL)
		url = genai_prose(w, j, "file_data");
	if (url.p != NULL) {
		genai_part_url(p, modality, url);
		return true;
	}
	if (id.p == NULL)
		return false;
	*p = (struct genai_part){.type = GENAI_FILE, .modality = str_of(modality), .text = id};
	return true;
}

/* One element of the last message's content. */
static void content_add(struct genai_work *w, struct genai_items *all, const struct json *j)
{
	static const char *const texts[] = {"input_text", "output_text", "text", "summary_text"};
	struct str type = genai_word(w, j, "type");
	struct genai_part p = {.type = GENAI_TEXT}, *to;
	bool known = false;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		known |= str_eq(type, str_of(texts[i]));
	if (json_type(j) == JSON_STRING) {
		p.text = genai_str(w, j);
	} else if (known && json_type(json_get(j, "text")) == JSON_STRING) {
		p.text = genai_str(w, json_get(j, "text"));
	} else if (json_type(json_get(j, "transcript")) == JSON_STRING) { /* Realtime: what was said */
		p.text = genai_str(w, json_get(j, "transcript"));
	} else if (str_eq(type, STR("reasoning_text"))) {
		p = (struct genai_part){.type = GENAI_REASONING, .text = genai_prose(w, j, "text")};
	} else if (str_eq(type, STR("refusal")) && json_type(json_get(j, "refusal")) == JSON_STRING) {
		p.text = genai_str(w, json_get(j, "refusal"));
		p.name = STR("refusal");
	} else if (!(str_eq(type, STR("input_image")) && part_media(w, j, "image", &p)) &&
		   !(str_eq(type, STR("input_file")) && part_media(w, j, "document", &p))) {
		p = (struct genai_part){.type = GENAI_OTHER, .name = type, .value = genai_compact(w, j)};
	}
	if (p.text.n == 0 && (p.type == GENAI_TEXT || p.type == GENAI_REASONING))
		return;
	to = part_new(w, all, &all->messages[all->count - 1]);
	if (to != NULL)
		*to = p;
}

static void message_add(struct genai_work *w, struct genai_items *all, struct str name,
			const struct json *item)
{
	const struct json *content = json_get(item, "content");
	struct str role = genai_word(w, item, "role");

	if (message_get(w, all, role.p ? role : STR("assistant"), name) == NULL)
		return;
	if (json_type(content) == JSON_STRING)
		content_add(w, all, content);
	else if (json_type(content) == JSON_ARRAY)
		for (const struct json *e = json_first(content); e; e = json_next(e))
			content_add(w, all, e);
}

/* {"summary": [{"text"}], "content"?: [{"text"}], "encrypted_content"?} */
static void reasoning_add(struct genai_work *w, struct genai_items *all, struct str name,
			  const struct json *item)
{
	static const char *const members[] = {"summary", "content"};
	struct genai_rope text = {0};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const struct json *list = json_get(item, members[i]);

		if (json_type(list) != JSON_ARRAY)
			continue;
		for (const struct json *e = json_first(list); e; e = json_next(e)) {
			struct str s = json_get_str(genai_scratch(w), e, "text");

			if (s.n > 0 && text.n > 0)
				genai_rope_add(w->c.arena, &text, STR("\n\n"));
			genai_rope_add(w->c.arena, &text, s);
		}
	}
	if (text.n == 0)
		return;
	struct genai_part p = {.type = GENAI_REASONING, .text = genai_rope_str(w->c.arena, &text)};

	genai_items_add_part(w, all, STR("assistant"), name, &p);
}

static struct str call_id(struct genai_work *w, const struct json *item)
{
	struct str id = genai_word(w, item, "call_id");

	return id.p ? id : genai_word(w, item, "id");
}

/* function_call, custom_tool_call, and the provider's tools that the client runs. */
static bool call_add(struct genai_work *w, struct genai_items *all, struct str name, const struct json *item,
		     struct str type)
{
	struct genai_part p = {.type = GENAI_TOOL_CALL, .id = call_id(w, item)};
	const struct json *args;

	if (str_eq(type, STR("function_call"))) {
		p.name = genai_word(w, item, "name");
		args = json_get(item, "arguments");
		if (json_type(args) == JSON_STRING)
			p.value = genai_arguments(w, json_str(genai_scratch(w), args));
		else
			p.value = genai_compact(w, args);
	} else if (str_eq(type, STR("custom_tool_call"))) {
		p.name = genai_word(w, item, "name");
		p.value = genai_compact(w, json_get(item, "input"));
	} else {
		size_t i = 0, n = sizeof(client_tools) / sizeof(client_tools[0]);

		while (i < n && !str_eq(type, str_of(client_tools[i].type)))
			i++;
		if (i == n)
			return false;
		p.name = str_of(client_tools[i].name);
		p.value = genai_compact(w, json_get(item, client_tools[i].arguments));
	}
	genai_items_add_part(w, all, STR("assistant"), name, &p);
	return true;
}

/* Everything else that ends in _call is run by the provider: web_search_call, file_search_call, mcp_call, ... */
static void server_add(struct genai_work *w, struct genai_items *all, struct str name,
		       const struct json *item, struct str type)
{
	struct genai_part p = {
		.type = GENAI_SERVER_TOOL_CALL,
		.id = genai_word(w, item, "id"),
		.name = genai_word(w, item, "name"),
		.value = genai_compact(w, item),
	};

	if (p.name.p == NULL)
		p.name = str_head(type, type.n - (sizeof("_call") - 1));
	genai_items_add_part(w, all, STR("assistant"), name, &p);
}

static void output_add(struct genai_work *w, struct genai_items *all, const struct json *item)
{
	struct genai_part p = {.type = GENAI_TOOL_RESPONSE, .id = call_id(w, item)};

	p.value = genai_result(w, json_get(item, "output"));
	genai_items_add_part(w, all, STR("tool"), STR_NONE, &p);
}

void genai_items_add(struct genai_work *w, struct genai_items *all, const struct json *item)
{
	struct str type = genai_word(w, item, "type");
	/* Of several agents behind one answer: who speaks. */
	struct str name = genai_word(w, json_get(item, "agent"), "agent_name");

	if (json_type(item) != JSON_OBJECT)
		return;
	if (str_eq(type, STR("message")) || (type.p == NULL && json_get(item, "role") != NULL))
		message_add(w, all, name, item);
	else if (str_eq(type, STR("reasoning")))
		reasoning_add(w, all, name, item);
	else if (str_ends(type, STR("_call_output")))
		output_add(w, all, item);
	else if (call_add(w, all, name, item, type))
		return;
	else if (str_ends(type, STR("_call")))
		server_add(w, all, name, item, type);
	else
		genai_items_add_part(w, all, STR("assistant"), name,
				     &(struct genai_part){.type = GENAI_OTHER,
							  .name = type,
							  .value = genai_compact(w, item)});
}

void genai_items_done(struct genai_work *w, struct genai_items *all)
{
	for (uint32_t i = 0; i < all->count; i++)
		genai_message_hash(w, &all->messages[i]);
}
