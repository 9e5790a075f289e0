/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Repeated history. A conversation's request repeats all that was said before; those bytes are hashed once, and not parsed
 * again. Of the requests seen last a record is kept: fingerprints of the body's blocks, where in it each message ended, and
 * of each message what links and shortenings need. A body that begins with the same blocks, and within the next one with
 * the same messages, is read as if the messages known were not there, and gets their records in front of what was read.
 * Fingerprints are seeded with a secret, so that nobody can write two histories that look alike. That of the whole body
 * is made of its blocks'.
 */
#include <sodium.h>
#include <stdlib.h>

#include "genai/decoder.h"

#define RECORDS_MAX	64u
#define KNOWN_BYTES_MIN 2048u /* less is read as fast as it is looked up */
#define RECORD_BYTES	(8u << 20)
#define BLOCK_BYTES	4096u /* a fingerprint of 16 bytes each; of one block per record messages are looked at */

/* A place in the body where a message ends that nothing behind it can go on with. */
struct mark {
	size_t end;
	struct hash128
		hash; /* of its block's bytes from the mark before (or the block's beginning) to here */
	struct hash128 plain; /* of all bytes up to here, without a secret */
	uint32_t messages;    /* so far */
	uint32_t elements;    /* of the list, so far */
};

struct record {
	struct record *prev, *next; /* newest first */
	const struct genai_decoder *decoder, *reader;
	size_t array;		/* offset behind the '[' */
	struct hash128 *blocks; /* of those that are whole before the last mark */
	uint32_t block_count, block_room;
	struct mark *marks;
	uint32_t count, mark_room;
	struct genai_message *messages; /* those up to the last mark are right */
	uint32_t message_room;
	uint32_t calls;	     /* that have messages of it */
	bool dropped;	     /* in no list: the last of these calls frees it */
	struct arena *arena; /* everything of the record */
};

struct genai_history {
	struct record *first, *last;
	uint32_t count;
	uint64_t seed;
};

struct genai_history *genai_history_new(void)
{
	struct genai_history *h = calloc(1, sizeof(*h));

	if (h != NULL)
		randombytes_buf(&h->seed, sizeof(h->seed));
	return h;
}

static void unlink_record(struct genai_history *h, struct record *r)
{
	*(r->prev ? &r->prev->next : &h->first) = r->next;
	*(r->next ? &r->next->prev : &h->last) = r->prev;
	h->count--;
}

static void drop_record(struct genai_history *h, struct record *r)
{
	unlink_record(h, r);
	r->dropped = true;
	if (r->calls == 0)
		arena_free(r->arena);
}

void genai_history_free(struct genai_history *h)
{
	if (h == NULL)
		return;
	while (h->first)
		drop_record(h, h->first);
	free(h);
}

void genai_history_leave(struct genai_work *w)
{
	struct record *r = w->record;

	w->record = NULL;
	if (r != NULL && --r->calls == 0 && r->dropped)
		arena_free(r->arena);
}

static struct hash128 segment(const struct genai_history *h, struct str body, size_t from, size_t to)
{
	return hash_u128(str_make(body.p + from, to - from), h->seed);
}

struct hash128 genai_history_digest(struct genai_work *w, struct str body)
{
	const struct genai_history *h = w->g_history;
	uint32_t count = (uint32_t)(body.n / BLOCK_BYTES);
	struct hash128 *blocks = count ? (void *)arena_bytes(w->c.arena, count * sizeof(*blocks)) : NULL;

	w->blocks = blocks;
	w->block_count = blocks ? count : 0;
	if (blocks == NULL)
		return hash_u128(body, h->seed);
	for (uint32_t i = 0; i < count; i++)
		blocks[i] = segment(h, body, (size_t)i * BLOCK_BYTES, (size_t)(i + 1) * BLOCK_BYTES);
	return hash_chain(hash_u128(str_make((const char *)blocks, count * sizeof(*blocks)), h->seed),
			  segment(h, body, (size_t)count * BLOCK_BYTES, body.n));
}

/* Where the bytes begin that a mark's own fingerprint is of. */
static size_t mark_from(size_t before, size_t end)
{
	size_t block = (end - 1) / BLOCK_BYTES * BLOCK_BYTES;

	return before > block ? before : block;
}

/* How many of the record's marks end within the first `bytes`. */
static uint32_t marks_within(const struct record *r, size_t bytes)
{
	uint32_t low = 0, high = r->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (r->marks[middle].end <= bytes)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* How many of the record's marks the body begins with. */
static uint32_t matches(const struct genai_work *w, const struct record *r, struct str body)
{
	uint32_t blocks = 0;

	while (blocks < r->block_count && blocks < w->block_count &&
	       hash_eq(r->blocks[blocks], w->blocks[blocks]))
		blocks++;
	size_t same = (size_t)blocks * BLOCK_BYTES;
	uint32_t n = marks_within(r, same);

	/* Of the next block some messages may be the same. */
	for (size_t from = n ? r->marks[n - 1].end : 0; n < r->count; n++) {
		const struct mark *m = &r->marks[n];

		if (m->end > body.n || m->end > same + BLOCK_BYTES ||
		    !hash_eq(segment(w->g_history, body, mark_from(from, m->end), m->end), m->hash))
			break;
		from = m->end;
	}
	return n;
}

/* Where reading goes on behind a known message: at the next element, or at the array's end. 0: neither follows, so the
 * message was longer than known, or a comma is followed by nothing, which is an error at its place. */
static size_t resume_at(struct str body, size_t end)
{
	struct str rest = str_trim(str_skip(body, end));
	size_t at = (size_t)(rest.p - body.p);

	if (rest.n == 0 || (rest.p[0] != ',' && rest.p[0] != ']'))
		return 0;
	if (rest.p[0] == ']')
		return at;
	return str_starts(str_trim(str_skip(rest, 1)), STR("]")) ? 0 : at + 1;
}

bool genai_history_find(struct genai_work *w, const struct genai_decoder *d, struct str body,
			struct genai_known *out)
{
	struct genai_history *h = w->g_history;
	struct record *best = NULL;
	uint32_t most = 0;

	*out = (struct genai_known){0};
	if (h == NULL || d->history == NULL || body.n < KNOWN_BYTES_MIN)
		return false;
	for (struct record *r = h->first; r; r = r->next) {
		uint32_t n = r->decoder == d ? matches(w, r, body) : 0;

		if (n > most) {
			most = n;
			best = r;
		}
	}
	if (best == NULL || best->marks[most - 1].end < KNOWN_BYTES_MIN)
		return false;
	size_t from = resume_at(body, best->marks[most - 1].end);
	struct arena *scratch = genai_scratch(w);
	char *text = from && scratch ? arena_alloc(scratch, best->array + body.n - from) : NULL;

	if (text == NULL)
		return false;
	memcpy(text, body.p, best->array);
	memcpy(text + best->array, body.p + from, body.n - from);
	struct str rest = str_make(text, best->array + body.n - from);

	*out = (struct genai_known){
		.text = rest,
		.said = hash_chain(best->marks[most - 1].plain, hash_u128(rest, 0)),
		.record = best,
		.reader = best->reader,
		.marks = most,
		.count = best->marks[most - 1].messages,
		.elements = best->marks[most - 1].elements,
		.array = best->array,
		.resume = from,
	};
	return true;
}

/* What is not there stays so: it is printed otherwise than what is empty. */
static struct str keep_str(struct arena *a, struct str s)
{
	return s.p ? arena_dup(a, s) : STR_NONE;
}

bool genai_history_join(struct genai_work *w, const struct genai_known *known)
{
	struct record *r = known->record;
	struct genai_call *c = &w->c;
	uint32_t n = known->count;
	struct genai_message *all =
		(void *)arena_bytes(c->arena, (n + (size_t)c->input_count) * sizeof(*all));

	if (all == NULL)
		return false;
	/* What they point to is the record's, and nobody writes to it. */
	memcpy(all, r->messages, n * sizeof(*all));
	if (c->input_count > 0)
		memcpy(all + n, c->input, c->input_count * sizeof(*all));
	r->calls++;
	w->record = r;
	c->input = all;
	c->input_count += n;
	c->known = n;
	return true;
}

/* ---- records ---- */

/* What of a message is needed when it is repeated: who, its fingerprints, and which tool calls it asks and tells. */
static bool message_keep(struct arena *a, struct genai_message *to, const struct genai_message *from)
{
	*to = (struct genai_message){.hash = from->hash, .exact = from->exact, .known = true};
	to->cent = from->known ? from->cent : genai_estimate_message(from);
	to->role = keep_str(a, from->role);
	to->parts = arena_alloc(a, (from->count + 1) * sizeof(*to->parts));
	if (to->parts == NULL || (to->role.p == NULL && from->role.p != NULL))
		return false;
	for (uint32_t i = 0; i < from->count; i++) {
		const struct genai_part *p = &from->parts[i];

		if (p->type != GENAI_TOOL_CALL && p->type != GENAI_TOOL_RESPONSE)
			continue;
		to->parts[to->count++] = (struct genai_part){.type = p->type, .id = keep_str(a, p->id)};
	}
	return true;
}

/* Room for as many of the elements of a list with `count` of them; what is there stays. NULL without memory. */
static void *list_grow(struct arena *a, void *list, size_t element_bytes, uint32_t count, uint32_t *room,
		       uint32_t want)
{
	if (want <= *room)
		return list;
	uint32_t grown = want + *room / 2 + 1;
	void *more = arena_alloc(a, grown * element_bytes);

	if (more != NULL && count > 0)
		memcpy(more, list, count * element_bytes);
	if (more != NULL)
		*room = grown;
	return more;
}

/* Room for as many; what is there stays. */
static bool record_grow(struct record *r, uint32_t blocks, uint32_t marks, uint32_t messages)
{
	struct hash128 *more_blocks =
		list_grow(r->arena, r->blocks, sizeof(*r->blocks), r->block_count, &r->block_room, blocks);

	if (more_blocks == NULL && blocks > 0)
		return false;
	r->blocks = more_blocks;
	struct mark *more_marks =
		list_grow(r->arena, r->marks, sizeof(*r->marks), r->count, &r->mark_room, marks);

	if (more_marks == NULL && marks > 0)
		return false;
	r->marks = more_marks;
	struct genai_message *more = list_grow(r->arena, r->messages, sizeof(*r->messages), r->message_room,
					       &r->message_room, messages);

	if (more == NULL && messages > 0)
		return false;
	r->messages = more;
	return true;
}

static struct record *record_new(const struct genai_decoder *d, uint32_t blocks, uint32_t marks,
				 uint32_t messages)
{
	struct arena *a = arena_new(RECORD_BYTES);
	struct record *r = a ? arena_alloc(a, sizeof(*r)) : NULL;

	if (r != NULL)
		r->arena = a;
	if (r == NULL || !record_grow(r, blocks, marks, messages)) {
		arena_free(a);
		return NULL;
	}
	r->decoder = d;
	return r;
}

static void record_add(struct genai_history *h, struct record *r)
{
	r->prev = NULL;
	r->next = h->first;
	*(h->first ? &h->first->prev : &h->last) = r;
	h->first = r;
	if (++h->count > RECORDS_MAX) {
		drop_record(h, h->last);
	}
}

/* The assistant's message may go on with the next element where elements are less than messages. */
static bool is_closed(const struct genai_work *w, const struct genai_message *m)
{
	return w->element_messages == NULL || !str_eq(m->role, STR("assistant"));
}

/* A mark behind every element that was read and closes a message. */
static void marks_add(struct genai_work *w, struct record *r, struct str body, const struct json *list,
		      const struct genai_known *known)
{
	const struct genai_call *c = &w->c;
	size_t from = r->count ? r->marks[r->count - 1].end : 0;
	struct hash128 plain = r->count ? r->marks[r->count - 1].plain : (struct hash128){0};
	/* What lies in the text that was read, lies in the body further on. */
	const char *text = known->record ? known->text.p : body.p;
	size_t moved = known->record ? known->resume - known->array : 0;
	uint32_t at = 0;

	for (const struct json *e = json_first(list); e; e = json_next(e), at++) {
		struct mark *m = &r->marks[r->count];
		struct str raw = json_raw(e);
		uint32_t told = w->element_messages ? w->element_messages[at] : at + 1;
		uint32_t messages = known->count + (told & ~GENAI_ELEMENT_OPEN);

		if (messages == 0 || told & GENAI_ELEMENT_OPEN || !is_closed(w, &c->input[messages - 1]))
			continue;
		m->end = (size_t)(raw.p + raw.n - text) + moved;
		m->hash = segment(w->g_history, body, mark_from(from, m->end), m->end);
		m->plain = plain = hash_chain(plain, hash_u128(str_make(body.p + from, m->end - from), 0));
		m->messages = messages;
		m->elements = known->elements + at + 1;
		from = m->end;
		r->count++;
	}
	uint32_t blocks = r->count ? (uint32_t)(r->marks[r->count - 1].end / BLOCK_BYTES) : 0;

	if (blocks > w->block_count) /* no memory: known by the first block's messages only */
		blocks = w->block_count;
	if (blocks > r->block_count)
		memcpy(r->blocks + r->block_count, w->blocks + r->block_count,
		       (blocks - r->block_count) * sizeof(*r->blocks));
	r->block_count = blocks;
}

void genai_history_keep(struct genai_work *w, const struct genai_decoder *d, struct str body,
			const struct json *list, const struct genai_known *known)
{
	struct genai_history *h = w->g_history;
	const struct genai_call *c = &w->c;
	struct record *before = known->record;
	size_t elements = json_type(list) == JSON_ARRAY ? json_count(list) : 0;
	uint32_t told = elements == 0		      ? 0
			: w->element_messages != NULL ? w->element_messages[elements - 1]
						      : (uint32_t)elements;

	told &= ~GENAI_ELEMENT_OPEN;
	if (h == NULL || d->history == NULL || json_type(list) != JSON_ARRAY || body.n < KNOWN_BYTES_MIN ||
	    known->elements + elements > LIMIT_MESSAGES || told + known->count != c->input_count ||
	    c->input_count == 0)
		return;
	/* A conversation that goes on, as nearly all do, costs what is new of it. */
	bool goes_on = before != NULL && known->marks == before->count &&
		       record_grow(before, w->block_count, known->marks + (uint32_t)elements, c->input_count);
	struct record *r =
		goes_on ? before
			: record_new(d, w->block_count, known->marks + (uint32_t)elements, c->input_count);

	if (r == NULL)
		return;
	r->reader = w->reader;
	for (uint32_t i = goes_on ? known->count : 0; i < c->input_count; i++) {
		if (message_keep(r->arena, &r->messages[i], &c->input[i]))
			continue;
		if (!goes_on)
			arena_free(r->arena);
		return;
	}
	if (!goes_on) {
		r->array = before ? before->array : (size_t)(json_raw(list).p - body.p) + 1;
		if (before)
			memcpy(r->marks, before->marks, known->marks * sizeof(*r->marks));
		r->count = known->marks;
	}
	marks_add(w, r, body, list, known);
	if (r->count == 0) {
		arena_free(r->arena); /* a new one, then */
		return;
	}
	if (goes_on)
		unlink_record(h, r);
	else if (before && known->marks == before->count)
		drop_record(h, before);
	record_add(h, r);
}
