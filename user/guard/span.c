/* SPDX-License-Identifier: BSD-2-Clause */
/* A span as one JSON object, member by member as docs/trace.md has it. */
#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "guard/guard.h"
#include "guard/name.h"
#include "guard/value.h"

#define TEXT_KEEP_BYTES (1u << 20) /* of a text that was cleaned, from one span to the next */

struct clock {
	int64_t offset_ns;
	bool none;
};

static void write_id(struct jsonw *w, uint64_t id)
{
	char z[17];

	if (id == 0) {
		jsonw_null(w);
		return;
	}
	(void)snprintf(z, sizeof(z), "%016llx", (unsigned long long)id);
	jsonw_z(w, z);
}

static void write_time(struct jsonw *w, const struct clock *c, uint64_t ns)
{
	char z[32];

	if (c->none || ns == 0) {
		jsonw_null(w);
		return;
	}
	text_clock(ns, c->offset_ns, z);
	jsonw_z(w, z);
}

static void write_number(struct jsonw *w, uint64_t n)
{
	if (n)
		jsonw_u64(w, n);
	else
		jsonw_null(w);
}

static void write_text(struct guard *g, struct jsonw *w, struct str s)
{
	if (s.p == NULL)
		jsonw_null(w);
	else
		value_string(g, w, STR_NONE, s);
}

static const char *status_code(enum trace_status s)
{
	static const char *const words[] = {
		[TRACE_STATUS_OPEN] = "open",
		[TRACE_STATUS_OK] = "ok",
		[TRACE_STATUS_ERROR] = "error",
		[TRACE_STATUS_ABORTED] = "aborted",
	};

	return words[s];
}

static const char *cause_word(enum wire_cause c)
{
	static const char *const words[WIRE_CAUSES] = {
		[WIRE_CAUSE_FAULT] = "fault",
		[WIRE_CAUSE_RING_FULL] = "ring_full",
		[WIRE_CAUSE_QUEUE_FULL] = "queue_full",
		[WIRE_CAUSE_MAP_FULL] = "map_full",
		[WIRE_CAUSE_THROTTLED] = "throttled",
		[WIRE_CAUSE_FILTERED] = "filtered",
		[WIRE_CAUSE_SAMPLED_OUT] = "sampled_out",
		[WIRE_CAUSE_TRACER_DOWN] = "tracer_down",
		[WIRE_CAUSE_UNPROBED] = "unprobed",
	};

	return c < WIRE_CAUSES ? words[c] : NULL;
}

static void write_frame(struct guard *g, struct jsonw *w, const struct trace_frame *f)
{
	if (f == NULL) {
		jsonw_null(w);
		return;
	}
	jsonw_object(w);
	jsonw_key(w, "file");
	write_text(g, w, f->file);
	jsonw_key(w, "line");
	write_number(w, f->line);
	jsonw_key(w, "function");
	write_text(g, w, f->function);
	jsonw_object_end(w);
}

static void write_stack(struct guard *g, struct jsonw *w, const struct trace_span *s)
{
	jsonw_key(w, "source");
	write_frame(g, w, s->source);
	jsonw_key(w, "stack");
	if (s->stack == NULL) {
		jsonw_null(w);
		return;
	}
	jsonw_array(w);
	for (uint32_t i = 0; i < s->stack_count; i++)
		write_frame(g, w, &s->stack[i]);
	jsonw_array_end(w);
}

static void write_head(struct guard *g, struct jsonw *w, const struct trace_span *s, const struct clock *c)
{
	jsonw_key(w, "id");
	write_id(w, s->id);
	jsonw_key(w, "parent");
	write_id(w, s->parent);
	jsonw_z(jsonw_key(w, "kind"), s->kind);
	jsonw_key(w, "name");
	/* A process is named after its command line. */
	jsonw_str(w, value_text(g, s->name, str_eq(str_of(s->kind), STR("process"))));
	jsonw_key(w, "start");
	write_time(w, c, s->start_ns);
	jsonw_key(w, "end");
	write_time(w, c, s->end_ns);
	jsonw_key(w, "duration_ns");
	if (c->none || s->start_ns == 0 || s->end_ns < s->start_ns)
		jsonw_null(w);
	else
		jsonw_u64(w, s->end_ns - s->start_ns);
	jsonw_z(jsonw_key(w, "time"), s->bounded ? "bounded" : "observed");
	jsonw_object(jsonw_key(w, "status"));
	jsonw_z(jsonw_key(w, "code"), status_code(s->status));
	jsonw_key(w, "type");
	write_text(g, w, s->status_type);
	jsonw_key(w, "message");
	write_text(g, w, s->status_message);
	jsonw_object_end(w);
	jsonw_key(w, "pid");
	write_number(w, s->pid);
	jsonw_key(w, "tid");
	write_number(w, s->tid);
	jsonw_key(w, "task");
	write_text(g, w, s->task);
	write_stack(g, w, s);
}

static void write_link(struct guard *g, struct jsonw *w, const struct trace_link *l)
{
	if (l->how == NULL) {
		jsonw_null(w);
		return;
	}
	jsonw_object(w);
	jsonw_z(jsonw_key(w, "how"), l->how);
	jsonw_bool(jsonw_key(w, "certain"), l->certain);
	jsonw_array(jsonw_key(w, "evidence"));
	for (uint32_t i = 0; i < l->evidence_count; i++)
		write_text(g, w, l->evidence[i]);
	jsonw_array_end(w);
	jsonw_object_end(w);
}

/* Name of the header field that an attribute holds; p NULL: none. */
static struct str header_field(struct str key)
{
	static const struct str families[] = {
		{"http.request.header.", 20},
		{"http.response.header.", 21},
	};

	for (size_t i = 0; i < 2; i++)
		if (str_starts(key, families[i]))
			return str_skip(key, families[i].n);
	return STR_NONE;
}

static void write_array_argv(struct guard *g, struct jsonw *w, struct arena *a, const struct json *j)
{
	size_t n = json_count(j), i = 0;
	struct str *argv = arena_alloc(a, (n + 1) * sizeof(*argv));

	if (argv == NULL || n > UINT32_MAX) {
		g->err = -ENOMEM;
		jsonw_null(w);
		return;
	}
	for (const struct json *c = json_first(j); c && i < n; c = json_next(c)) {
		struct str s = json_str(a, c);

		argv[i++] = s.p ? s : json_raw(c);
	}
	guard_argv(g, w, argv, (uint32_t)i);
}

static bool holds_texts(const struct json *list)
{
	for (const struct json *c = json_first(list); c; c = json_next(c))
		if (json_type(c) != JSON_STRING)
			return false;
	return true;
}

/* Arguments of an audit event: lists within are command lines or addresses, texts may be URLs. */
static void write_audit(struct guard *g, struct jsonw *w, struct arena *a, const struct json *j)
{
	jsonw_array(w);
	for (const struct json *c = json_first(j); c; c = json_next(c)) {
		struct str s = json_type(c) == JSON_STRING ? json_str(a, c) : STR_NONE;

		if (json_type(c) == JSON_ARRAY && holds_texts(c))
			write_array_argv(g, w, a, c);
		else if (s.p && str_find(s, STR("://")) > 0)
			jsonw_str(w, guard_url(g, s));
		else if (s.p)
			value_string(g, w, STR_NONE, s);
		else
			value_json(g, w, a, STR_NONE, c);
	}
	jsonw_array_end(w);
}

static void write_json(struct guard *g, struct jsonw *w, const struct trace_attribute *t)
{
	autodrop(drop_arena) struct arena *a = arena_new(LIMIT_SPAN_BYTES * 4ul);
	struct json_end end;

	if (a == NULL) {
		g->err = -ENOMEM;
		jsonw_null(w);
		return;
	}
	const struct json *j = json_parse(a, t->text, &end);
	if (end.state == JSON_MEMORY)
		g->err = -ENOMEM;
	if (str_starts(t->key, STR("process.command_args")) && json_type(j) == JSON_ARRAY)
		write_array_argv(g, w, a, j);
	else if (str_eq(t->key, STR("bottrace.audit.args")) && json_type(j) == JSON_ARRAY)
		write_audit(g, w, a, j);
	else if (j == NULL)
		write_text(g, w, t->text);
	else
		value_json(g, w, a, t->key, j);
}

static void write_attribute(struct guard *g, struct jsonw *w, const struct trace_attribute *t)
{
	struct str field = header_field(t->key);

	jsonw_key_str(w, t->key);
	if (field.p != NULL && !name_is_open_header(field)) {
		jsonw_str(w, value_marker(g, "header"));
		return;
	}
	switch (t->type) {
	case TRACE_STR:
		if (str_starts(t->key, STR("url.")) && t->text.p != NULL)
			jsonw_str(w, guard_url(g, t->text));
		else if (t->text.p != NULL)
			value_string(g, w, t->key, t->text);
		else
			jsonw_null(w);
		break;
	case TRACE_JSON:
		write_json(g, w, t);
		break;
	case TRACE_I64:
		jsonw_i64(w, t->i64);
		break;
	case TRACE_F64:
		jsonw_f64(w, t->f64);
		break;
	case TRACE_BOOL:
		jsonw_bool(w, t->i64 != 0);
		break;
	}
}

static void write_event(struct guard *g, struct jsonw *w, const struct trace_event *e, const struct clock *c)
{
	jsonw_object(w);
	jsonw_key(w, "time");
	write_time(w, c, e->time_ns);
	jsonw_key(w, "name");
	write_text(g, w, e->name);
	jsonw_object(jsonw_key(w, "attributes"));
	for (uint32_t k = 0; k < e->count; k++)
		write_attribute(g, w, &e->attributes[k]);
	jsonw_object_end(w);
	jsonw_object_end(w);
}

static void write_events(struct guard *g, struct jsonw *w, const struct trace_span *s, const struct clock *c)
{
	jsonw_array(jsonw_key(w, "events"));
	for (uint32_t i = 0; i < s->event_count; i++)
		write_event(g, w, &s->events[i], c);
	jsonw_array_end(w);
}

int guard_events(struct guard *g, const struct trace_span *s, int64_t utc_offset_ns, bool no_times,
		 struct buf *out)
{
	struct clock c = {.offset_ns = utc_offset_ns, .none = no_times};

	g->err = 0;
	for (uint32_t i = 0; i < s->event_count; i++) {
		struct jsonw w;

		buf_add_char(out, ',');
		jsonw_init(&w, out);
		write_event(g, &w, &s->events[i], &c);
	}
	return g->err ? g->err : buf_err(out);
}

static void write_gaps(struct jsonw *w, const struct trace_span *s)
{
	jsonw_array(jsonw_key(w, "gaps"));
	for (uint32_t i = 0; i < s->gap_count; i++) {
		const struct trace_gap *p = &s->gaps[i];

		jsonw_object(w);
		jsonw_key(w, "connection");
		write_number(w, p->connection);
		jsonw_z(jsonw_key(w, "direction"), p->dir == WIRE_READ ? "read" : "write");
		jsonw_u64(jsonw_key(w, "offset"), p->offset);
		jsonw_u64(jsonw_key(w, "bytes"), p->bytes);
		jsonw_z(jsonw_key(w, "cause"), cause_word(p->cause));
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

int guard_link(struct guard *g, const struct trace_link *link, struct buf *out)
{
	size_t size = out->n;
	struct jsonw w;

	g->err = 0;
	jsonw_init(&w, out);
	write_link(g, &w, link);
	if (g->err == 0)
		g->err = buf_err(out);
	if (g->err != 0)
		buf_truncate(out, size);
	return g->err;
}

int guard_span(struct guard *g, const struct trace_span *s, int64_t utc_offset_ns, bool no_times,
	       struct buf *out)
{
	struct clock c = {.offset_ns = utc_offset_ns, .none = no_times};
	uint64_t before = g->redacted;
	size_t size = out->n;
	struct jsonw w;

	g->err = 0;
	jsonw_init(&w, out);
	jsonw_object(&w);
	write_head(g, &w, s, &c);
	jsonw_key(&w, "link");
	write_link(g, &w, &s->link);
	jsonw_object(jsonw_key(&w, "attributes"));
	for (uint32_t i = 0; i < s->attribute_count; i++)
		write_attribute(g, &w, &s->attributes[i]);
	if (g->redacted > before)
		jsonw_u64(jsonw_key(&w, "bottrace.redacted"), g->redacted - before);
	jsonw_object_end(&w);
	write_events(g, &w, s, &c);
	write_gaps(&w, s);
	jsonw_object_end(&w);
	if (g->err == 0)
		g->err = buf_err(out);
	if (g->err != 0)
		buf_truncate(out, size);
	if (g->text.cap > TEXT_KEEP_BYTES)
		buf_fini(&g->text);
	return g->err;
}
