/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other tracers' spans on their way to their servers: never model calls, whatever stands in them. First row that fits
 * wins; hosts and paths are from the tracers' documentation. What is cheap to read of them is kept as a hint: names of
 * agents, of the OpenAI Agents SDK and of OTLP in JSON.
 */
#include "base/jsonw.h"
#include "genai/decoder.h"

#define EXPORT_NAMES_MAX 16u
#define EXPORT_READ_MAX	 (1u << 20) /* a longer body is not looked into */

enum export_form { FORM_NONE, FORM_OPENAI, FORM_OTLP };

static const struct {
	const char *host; /* of these hosts only: one, or with a dot any below it; NULL: any */
	const char *path; /* end of the path, or with a star its beginning */
	const char *name;
	enum export_form form;
} rows[] = {
	{NULL, "/v1/traces/ingest", "openai-agents", FORM_OPENAI},
	{"telemetry.crewai.com", "*", "crewai", FORM_NONE},
	{"app.crewai.com", "/crewai_plus/api/v1/tracing/*", "crewai", FORM_NONE},
	{".smith.langchain.com", "/v1/traces", "langsmith", FORM_OTLP},
	{NULL, "/runs/multipart", "langsmith", FORM_NONE},
	{NULL, "/runs/batch", "langsmith", FORM_NONE},
	{".smith.langchain.com", "*", "langsmith", FORM_NONE},
	{NULL, "/api/public/otel/v1/traces", "langfuse", FORM_OTLP},
	{NULL, "/api/public/ingestion", "langfuse", FORM_NONE},
	{"trace.wandb.ai", "*", "weave", FORM_NONE},
	{NULL, "/call/upsert_batch", "weave", FORM_NONE},
	{NULL, "/v1/traces", "otlp", FORM_OTLP},
	{NULL, "/v1/logs", "otlp", FORM_OTLP},
	{NULL, "/v1/metrics", "otlp", FORM_OTLP},
	{NULL, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", "otlp", FORM_NONE},
};

static bool host_fits(const char *row, struct str host)
{
	struct str want = str_of(row);

	if (row == NULL)
		return true;
	if (want.p[0] == '.')
		return host.n >= want.n && str_ieq(str_skip(host, host.n - want.n), want);
	return str_ieq(host, want);
}

static bool path_fits(const char *row, struct str path)
{
	struct str want = str_of(row);

	if (want.p[want.n - 1] == '*')
		return str_starts(path, str_head(want, want.n - 1));
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return str_ends(path, want);
}

/* Logs and metrics are words of everybody's paths: OTLP's bodies are protobuf, or begin with what they hold. */
static bool is_otlp(const struct genai_work *w, struct str body)
{
	struct str type = w->c.x->request.content_type;

	if (str_eq(type, STR("application/x-protobuf")))
		return true;
	return str_eq(type, STR("application/json")) && str_has(str_head(body, 256), STR("\"resource"));
}

struct names {
	struct str all[EXPORT_NAMES_MAX];
	uint32_t count;
};

static void name_add(struct names *n, struct str s)
{
	s = str_head(s, 128);
	for (uint32_t i = 0; i < n->count; i++)
		if (str_eq(n->all[i], s))
			return;
	if (s.n > 0 && n->count < EXPORT_NAMES_MAX)
		n->all[n->count++] = s;
}

static void names_openai(struct arena *a, struct names *n, const struct json *j)
{
	for (const struct json *e = json_first(json_get(j, "data")); e; e = json_next(e)) {
		const struct json *data = json_get(e, "span_data");

		if (json_is(json_get(data, "type"), "agent"))
			name_add(n, json_get_str(a, data, "name"));
	}
}

static void names_otlp(struct arena *a, struct names *n, const struct json *j)
{
	for (const struct json *r = json_first(json_get(j, "resourceSpans")); r; r = json_next(r))
		for (const struct json *s = json_first(json_get(r, "scopeSpans")); s; s = json_next(s))
			for (const struct json *e = json_first(json_get(s, "spans")); e; e = json_next(e))
				for (const struct json *t = json_first(json_get(e, "attributes")); t;
				     t = json_next(t))
					if (json_is(json_get(t, "key"), "gen_ai.agent.name"))
						name_add(n, json_get_str(a, json_get(t, "value"),
									 "stringValue"));
}

static void names_read(struct genai_work *w, enum export_form form, struct str body)
{
	struct arena *scratch = genai_scratch(w);
	struct buf *b = genai_text(w);
	struct names names = {0};
	struct jsonw out;

	if (form == FORM_NONE || body.n == 0 || body.n > EXPORT_READ_MAX || body.p[0] != '{' ||
	    scratch == NULL)
		return;
	const struct json *j = json_parse(scratch, body, NULL);

	if (form == FORM_OPENAI)
		names_openai(scratch, &names, j);
	else
		names_otlp(scratch, &names, j);
	if (names.count == 0)
		return;
	jsonw_init(&out, b);
	jsonw_array(&out);
	for (uint32_t i = 0; i < names.count; i++)
		jsonw_str(&out, names.all[i]);
	jsonw_array_end(&out);
	if (buf_err(b) == 0)
		genai_param_add_json(w, "bottrace.export.agents", arena_dup(w->c.arena, buf_str(b)));
}

bool genai_export_find(struct genai_work *w, struct str body)
{
	struct genai_call *c = &w->c;

	if (!str_eq(c->x->method, STR("POST")) && !str_eq(c->x->method, STR("PATCH")))
		return false;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!host_fits(rows[i].host, c->server) || !path_fits(rows[i].path, c->path))
			continue;
		if (str_eq(str_of(rows[i].name), STR("otlp")) && rows[i].form == FORM_OTLP &&
		    !is_otlp(w, body))
			continue;
		genai_param_add_json(w, "bottrace.export", genai_quote(w, str_of(rows[i].name)));
		c->note = "spans of another tracer";
		c->no_model_call = true;
		names_read(w, rows[i].form, body);
		return true;
	}
	return false;
}
