/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace/draft.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"

void trace_draft_init(struct trace_draft *d)
{
	memset(d, 0, sizeof(*d));
	for (uint32_t i = 0; i < TRACE_DRAFT_BUFS; i++)
		buf_init(&d->bufs[i], LIMIT_SPAN_BYTES);
	d->a = arena_new(LIMIT_SPAN_BYTES);
	if (d->a)
		d->s.attributes = arena_alloc(d->a, TRACE_DRAFT_ATTRIBUTES * sizeof(*d->s.attributes));
	d->failed = d->s.attributes == NULL;
}

void trace_draft_fini(struct trace_draft *d)
{
	for (uint32_t i = 0; i < TRACE_DRAFT_BUFS; i++)
		buf_fini(&d->bufs[i]);
	arena_free(d->a);
	d->a = NULL;
}

bool trace_draft_whole(const struct trace_draft *d)
{
	for (uint32_t i = 0; i < d->buf_count; i++)
		if (buf_err(&d->bufs[i]) < 0)
			return false;
	return !d->failed;
}

static struct trace_attribute *add(struct trace_draft *d, const char *key, enum trace_value_type type)
{
	if (d->failed)
		return NULL;
	if (d->s.attribute_count == TRACE_DRAFT_ATTRIBUTES) {
		d->failed = true;
		return NULL;
	}
	struct trace_attribute *a = &d->s.attributes[d->s.attribute_count++];
	a->key = str_of(key);
	a->type = type;
	return a;
}

static void add_text(struct trace_draft *d, const char *key, enum trace_value_type type, struct str v)
{
	if (v.p == NULL)
		return;
	struct trace_attribute *a = add(d, key, type);
	if (a)
		a->text = v;
}

void trace_draft_str(struct trace_draft *d, const char *key, struct str v)
{
	add_text(d, key, TRACE_STR, v);
}

void trace_draft_json(struct trace_draft *d, const char *key, struct str json)
{
	add_text(d, key, TRACE_JSON, json);
}

void trace_draft_i64(struct trace_draft *d, const char *key, int64_t v)
{
	struct trace_attribute *a = add(d, key, TRACE_I64);

	if (a)
		a->i64 = v;
}

void trace_draft_f64(struct trace_draft *d, const char *key, double v)
{
	struct trace_attribute *a = add(d, key, TRACE_F64);

	if (a)
		a->f64 = v;
}

void trace_draft_bool(struct trace_draft *d, const char *key, bool v)
{
	struct trace_attribute *a = add(d, key, TRACE_BOOL);

	if (a)
		a->i64 = v;
}

struct str trace_draft_hex(struct trace_draft *d, uint64_t id)
{
	struct str s = d->failed ? STR_NONE : arena_printf(d->a, "%016llx", (unsigned long long)id);

	if (s.p == NULL)
		d->failed = true;
	return s;
}

struct buf *trace_draft_buf(struct trace_draft *d)
{
	if (d->buf_count == TRACE_DRAFT_BUFS) {
		d->failed = true;
		return &d->bufs[TRACE_DRAFT_BUFS - 1];
	}
	return &d->bufs[d->buf_count++];
}

void trace_draft_events(struct trace_draft *d, uint32_t count)
{
	if (d->failed || count == 0)
		return;
	d->s.events = arena_alloc(d->a, count * sizeof(*d->s.events));
	d->event_cap = d->s.events ? count : 0;
	d->failed = d->s.events == NULL;
}

void trace_draft_gaps(struct trace_draft *d, uint32_t count)
{
	if (d->failed || count == 0)
		return;
	d->s.gaps = arena_alloc(d->a, count * sizeof(*d->s.gaps));
	d->gap_cap = d->s.gaps ? count : 0;
	d->failed = d->s.gaps == NULL;
}

struct trace_event *trace_draft_event(struct trace_draft *d, const char *name, uint64_t time_ns,
				      uint32_t attributes)
{
	if (d->failed || d->s.event_count == d->event_cap) {
		d->failed = true;
		return NULL;
	}
	struct trace_event *e = &d->s.events[d->s.event_count];
	e->attributes = arena_alloc(d->a, (attributes ? attributes : 1) * sizeof(*e->attributes));
	if (e->attributes == NULL) {
		d->failed = true;
		return NULL;
	}
	d->s.event_count++;
	e->name = str_of(name);
	e->time_ns = time_ns;
	return e;
}

void trace_draft_event_str(struct trace_event *e, const char *key, struct str v)
{
	if (e && v.p)
		e->attributes[e->count++] =
			(struct trace_attribute){.key = str_of(key), .type = TRACE_STR, .text = v};
}

void trace_draft_event_json(struct trace_event *e, const char *key, struct str json)
{
	if (e && json.p)
		e->attributes[e->count++] =
			(struct trace_attribute){.key = str_of(key), .type = TRACE_JSON, .text = json};
}

void trace_draft_event_i64(struct trace_event *e, const char *key, int64_t v)
{
	if (e)
		e->attributes[e->count++] =
			(struct trace_attribute){.key = str_of(key), .type = TRACE_I64, .i64 = v};
}

void trace_draft_gap(struct trace_draft *d, const struct trace_gap *gap)
{
	if (d->failed || d->s.gap_count == d->gap_cap) {
		d->failed = true;
		return;
	}
	d->s.gaps[d->s.gap_count++] = *gap;
}

void trace_draft_link(struct trace_draft *d, const char *how, bool certain)
{
	d->s.link = (struct trace_link){.how = how, .certain = certain};
	if (d->failed)
		return;
	d->s.link.evidence = arena_alloc(d->a, TRACE_DRAFT_EVIDENCE * sizeof(*d->s.link.evidence));
	d->failed = d->s.link.evidence == NULL;
}

void trace_draft_evidence(struct trace_draft *d, const char *fmt, ...)
{
	struct trace_link *l = &d->s.link;
	char text[256];
	va_list ap;

	if (d->failed || l->evidence == NULL || l->evidence_count == TRACE_DRAFT_EVIDENCE)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	struct str s = arena_dup(d->a, str_of(text));
	if (s.p == NULL)
		d->failed = true;
	else
		l->evidence[l->evidence_count++] = s;
}
