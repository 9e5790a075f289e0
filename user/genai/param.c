/* SPDX-License-Identifier: BSD-2-Clause */
#include "genai/decoder.h"

void genai_param_add_json(struct genai_work *w, const char *key, struct str json)
{
	struct genai_call *c = &w->c;

	if (json.p == NULL || c->param_count == GENAI_PARAMS_MAX)
		return;
	for (uint32_t i = 0; i < c->param_count; i++)
		if (strcmp(c->params[i].key, key) == 0)
			return;
	c->params[c->param_count++] = (struct genai_param){key, json};
}

void genai_param_add_str(struct genai_work *w, const char *key, struct str s)
{
	if (s.n > 0)
		genai_param_add_json(w, key, genai_quote(w, s));
}

void genai_param_add(struct genai_work *w, const char *key, const struct json *value)
{
	if (json_type(value) == JSON_NONE || json_type(value) == JSON_NULL || json_is_cut(value))
		return;
	genai_param_add_json(w, key, genai_compact(w, value));
}

void genai_param_read(struct genai_work *w, const struct json *body, const struct genai_param_map *map)
{
	for (; map->member != NULL; map++) {
		const struct json *v = json_get(body, map->member);

		if (json_type(v) == map->type)
			genai_param_add(w, map->key, v);
	}
}

void genai_param_count(const struct json *j, int64_t *out)
{
	int64_t v;

	if (json_i64(j, &v) && v >= 0)
		*out = v;
}

void genai_function_write(struct genai_work *w, struct jsonw *out, const struct json *tool,
			  const struct json *parameters)
{
	struct arena *scratch = genai_scratch(w);

	jsonw_object(out);
	jsonw_z(jsonw_key(out, "type"), "function");
	jsonw_str(jsonw_key(out, "name"), json_get_str(scratch, tool, "name"));
	if (json_type(json_get(tool, "description")) == JSON_STRING)
		jsonw_str(jsonw_key(out, "description"), json_get_str(scratch, tool, "description"));
	if (parameters != NULL)
		jsonw_value(jsonw_key(out, "parameters"), scratch, parameters);
	jsonw_object_end(out);
}
