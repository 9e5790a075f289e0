/* SPDX-License-Identifier: BSD-2-Clause */
/* The price table: text of tab-separated rows under a line of column names (docs/cost.md). */
#include "genai/prices.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/limits.h"

#define ROWS_MAX    20000u
#define LINE_MAX_   8192u
#define COLUMNS_MAX 32u
#define MODEL_MAX   512u /* a longer name is no model's */

struct genai_prices {
	struct prices_row *rows; /* the user's first, then the built-in ones */
	uint32_t count, user_count;
	char *text; /* of the user's rows */
};

enum column {
	COLUMN_PROVIDER,
	COLUMN_MODELS,
	COLUMN_FROM,
	COLUMN_CLASS,
	COLUMN_ABOVE,
	COLUMN_RATE, /* and PRICES_RATES - 1 more */
	COLUMN_REQUEST = COLUMN_RATE + PRICES_RATES,
	COLUMN_TIMES,
	COLUMN_DATE,
	COLUMN_SOURCE,
	COLUMNS
};

static const char *const names[COLUMNS] = {
	[COLUMN_PROVIDER] = "provider",
	[COLUMN_MODELS] = "models",
	[COLUMN_FROM] = "from",
	[COLUMN_CLASS] = "class",
	[COLUMN_ABOVE] = "above",
	[COLUMN_RATE + PRICES_INPUT] = "input",
	[COLUMN_RATE + PRICES_OUTPUT] = "output",
	[COLUMN_RATE + PRICES_CACHE_READ] = "cache_read",
	[COLUMN_RATE + PRICES_CACHE_WRITE] = "cache_write",
	[COLUMN_RATE + PRICES_CACHE_WRITE_1H] = "cache_write_1h",
	[COLUMN_RATE + PRICES_REASONING] = "reasoning",
	[COLUMN_RATE + PRICES_AUDIO_IN] = "audio_in",
	[COLUMN_RATE + PRICES_AUDIO_OUT] = "audio_out",
	[COLUMN_RATE + PRICES_AUDIO_CACHE] = "audio_cache",
	[COLUMN_REQUEST] = "request",
	[COLUMN_TIMES] = "times",
	[COLUMN_DATE] = "date",
	[COLUMN_SOURCE] = "source",
};

struct reader {
	struct genai_prices_error *error;
	struct prices_row *rows;
	uint32_t count, cap;
	uint32_t line;
	enum column columns[COLUMNS_MAX]; /* in the file's order */
	uint32_t column_count;
	struct map *keys; /* what makes a row one of its kind -> itself */
	bool user;
};

static int PRINTF(2, 3) bad(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	r->error->line = r->line;
	va_start(ap, fmt);
	(void)vsnprintf(r->error->why, sizeof(r->error->why), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- cells ---- */

static bool is_none(struct str s)
{
	return s.n == 0 || str_eq(s, STR("-"));
}

/* 2026-11-24 as days since 1970. */
static bool read_day(struct str s, int32_t *day)
{
	struct tm tm = {0}, back;
	int year, month;

	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' || !str_field_int(s, 0, 4, &year) ||
	    !str_field_int(s, 5, 2, &month) || !str_field_int(s, 8, 2, &tm.tm_mday) || year < 1970)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	back = tm;
	time_t t = timegm(&back);
	if (back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday || back.tm_year != tm.tm_year)
		return false; /* the 31st of April */
	*day = (int32_t)(t / 86400);
	return true;
}

static int read_names(struct reader *r, struct str cell, enum column c, struct str *out)
{
	struct str rest = cell, word;

	if (is_none(cell))
		return bad(r, "%s is missing", names[c]);
	do {
		rest = str_cut(rest, ' ', &word);
		if (word.n == 0)
			return bad(r, "%s: one space stands between two names", names[c]);
	} while (rest.p != NULL);
	for (size_t i = 0; i < cell.n; i++)
		if (cell.p[i] >= 'A' && cell.p[i] <= 'Z')
			return bad(r, "%s are written in lower case: %.*s", names[c],
				   STR_ARG(str_head(cell, 60)));
	*out = cell;
	return 0;
}

/* A price a million tokens is so many picodollars a token with its point six places to the right. */
static int read_number(struct reader *r, struct str cell, enum column c, unsigned digits, int64_t *out)
{
	if (is_none(cell))
		return 0;
	if (money_scale_exact(cell, digits, out))
		return 0;
	return bad(r, "%s is no number of at most %u decimals without a sign: %.*s", names[c], digits,
		   STR_ARG(str_head(cell, 60)));
}

static int read_cell(struct reader *r, struct prices_row *row, enum column c, struct str cell)
{
	uint64_t n;

	switch (c) {
	case COLUMN_PROVIDER:
		return read_names(r, cell, c, &row->providers);
	case COLUMN_MODELS:
		return read_names(r, cell, c, &row->models);
	case COLUMN_FROM:
		row->from = is_none(cell) ? STR_NONE : cell;
		if (row->from.p == NULL || read_day(cell, &row->from_day))
			return 0;
		return bad(r, "from is no day like 2026-11-24: %.*s", STR_ARG(str_head(cell, 60)));
	case COLUMN_CLASS:
		if (!is_none(cell))
			row->class = cell;
		return 0;
	case COLUMN_ABOVE:
		if (is_none(cell))
			return 0;
		if (!str_to_u64(cell, &n) || n == 0 || n > INT64_MAX)
			return bad(r, "above is no count of tokens: %.*s", STR_ARG(str_head(cell, 60)));
		row->above = (int64_t)n;
		return 0;
	case COLUMN_REQUEST:
		return read_number(r, cell, c, 12, &row->request);
	case COLUMN_TIMES:
		return read_number(r, cell, c, 6, &row->times_micro);
	case COLUMN_DATE:
		row->date = is_none(cell) ? STR_NONE : cell;
		return 0;
	case COLUMN_SOURCE:
		row->source = is_none(cell) ? STR_NONE : cell;
		return 0;
	default:
		return read_number(r, cell, c, 6, &row->rate[c - COLUMN_RATE]);
	}
}

/* ---- lines ---- */

static int read_heading(struct reader *r, struct str line)
{
	bool seen[COLUMNS] = {false};
	struct str rest = line, cell;

	do {
		enum column c = 0;

		rest = str_cut(rest, '\t', &cell);
		while (c < COLUMNS && !str_eq(cell, str_of(names[c])))
			c++;
		if (c == COLUMNS)
			return bad(r, "there is no column '%.*s'", STR_ARG(str_head(cell, 60)));
		if (seen[c])
			return bad(r, "column '%s' comes twice", names[c]);
		seen[c] = true;
		r->columns[r->column_count++] = c;
	} while (rest.p != NULL && r->column_count < COLUMNS_MAX);
	if (!seen[COLUMN_PROVIDER] || !seen[COLUMN_MODELS])
		return bad(r, "columns 'provider' and 'models' are needed");
	return 0;
}

static int check_row(struct reader *r, struct prices_row *row)
{
	bool priced = row->request != PRICES_NONE;
	struct hash128 key = hash_u128(row->providers, 1);

	for (int i = 0; i < PRICES_RATES; i++)
		priced |= row->rate[i] != PRICES_NONE;
	if (row->times_micro != PRICES_NONE && (priced || row->above))
		return bad(r, "a row has prices or times, not both");
	if (row->times_micro == PRICES_NONE && !priced)
		return bad(r, "a row without a price");
	if (row->times_micro != PRICES_NONE && str_eq(row->class, STR("standard")))
		return bad(r, "times needs another class than standard");
	key = hash_chain(key, hash_u128(row->models, 2));
	key = hash_chain(key, hash_u128(row->class, 3));
	key = hash_chain(key, (struct hash128){.lo = (uint64_t)row->from_day, .hi = (uint64_t)row->above});
	if (map_get(r->keys, &key) != NULL)
		return bad(r, "a row for the same provider, models, class, from and above stands before");
	return map_add(r->keys, &key, r->keys);
}

static int row_room(struct reader *r)
{
	if (r->count == ROWS_MAX)
		return bad(r, "more than %u rows", ROWS_MAX);
	if (r->count < r->cap)
		return 0;
	uint32_t cap = r->cap ? r->cap * 2 : 256;
	struct prices_row *more = realloc(r->rows, cap * sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	r->rows = more;
	r->cap = cap;
	return 0;
}

static uint32_t count_cells(struct str line)
{
	uint32_t n = 1;

	for (size_t i = 0; i < line.n; i++)
		n += line.p[i] == '\t';
	return n;
}

static int read_row(struct reader *r, struct str line)
{
	struct str rest = line, cell;
	uint32_t n = count_cells(line);
	int err = row_room(r);

	if (err < 0)
		return err;
	if (n != r->column_count)
		return bad(r, "%u cells, of %u columns (one tab stands between two)", n, r->column_count);
	struct prices_row *row = &r->rows[r->count];

	*row = (struct prices_row){.class = STR("standard"),
				   .from_day = PRICES_ALWAYS,
				   .request = PRICES_NONE,
				   .times_micro = PRICES_NONE,
				   .user = r->user};
	for (int i = 0; i < PRICES_RATES; i++)
		row->rate[i] = PRICES_NONE;
	for (uint32_t i = 0; i < n; i++) {
		rest = str_cut(rest, '\t', &cell);
		err = read_cell(r, row, r->columns[i], cell);
		if (err < 0)
			return err;
	}
	err = check_row(r, row);
	r->count += err == 0;
	return err;
}

static int read_line(struct reader *r, struct str line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n == 0 || line.p[0] == '#')
		return 0;
	if (line.n > LINE_MAX_)
		return bad(r, "a line of more than %u bytes", LINE_MAX_);
	for (size_t i = 0; i < line.n; i++)
		if ((unsigned char)line.p[i] < ' ' && line.p[i] != '\t')
			return bad(r, "a control character");
	return r->column_count == 0 ? read_heading(r, line) : read_row(r, line);
}

static int read_text(struct reader *r, struct str text)
{
	autodrop(drop_map) struct map *keys = map_new(sizeof(struct hash128), ROWS_MAX);
	int err = keys ? 0 : -ENOMEM;

	r->keys = keys;
	while (err == 0 && text.n > 0) {
		struct str line;

		r->line++;
		text = str_cut(text, '\n', &line);
		err = read_line(r, line);
	}
	r->keys = NULL;
	if (err == 0 && r->column_count == 0)
		return bad(r, "no line of column names");
	return err;
}

/* ---- life ---- */

int genai_prices_add(struct genai_prices *p, struct str text, struct genai_prices_error *error)
{
	autodrop(drop_memory) char *copy = str_dup(text);
	struct reader r = {.error = error, .user = true};
	uint32_t builtin = p->count - p->user_count;
	int err;

	*error = (struct genai_prices_error){0};
	if (text.n > LIMIT_PRICES_BYTES)
		return bad(&r, "a price file of more than %u bytes", LIMIT_PRICES_BYTES);
	err = copy ? read_text(&r, str_make(copy, text.n)) : -ENOMEM;
	if (err == 0 && r.count + builtin > r.cap) {
		struct prices_row *more = realloc(r.rows, (r.count + builtin) * sizeof(*more));

		err = more ? 0 : -ENOMEM;
		r.rows = more ? more : r.rows;
	}
	if (err < 0) {
		free(r.rows);
		return err;
	}
	memcpy(r.rows + r.count, p->rows + p->user_count, builtin * sizeof(*r.rows));
	free(p->rows);
	free(p->text);
	p->rows = r.rows;
	p->text = take(copy);
	p->user_count = r.count;
	p->count = r.count + builtin;
	return 0;
}

struct genai_prices *genai_prices_new(void)
{
	autodrop(drop_genai_prices) struct genai_prices *p = calloc(1, sizeof(*p));
	struct genai_prices_error error = {0};
	struct reader r = {.error = &error};

	if (p == NULL)
		return NULL;
	int err = read_text(&r, prices_builtin());
	p->rows = r.rows;
	p->count = r.count;
	assert(err != -EINVAL); /* it is ours: a test reads it line by line */
	if (err < 0) {
		errno = -err;
		return NULL;
	}
	return take(p);
}

void genai_prices_free(struct genai_prices *p)
{
	if (p == NULL)
		return;
	free(p->rows);
	free(p->text);
	free(p);
}

/* ---- finding ---- */

bool prices_fits(struct str patterns, struct str name)
{
	struct str pattern;

	if (name.n == 0 || name.n > MODEL_MAX)
		return false;
	do {
		patterns = str_cut(patterns, ' ', &pattern);
		if (str_fits(name, pattern))
			return true;
	} while (patterns.p != NULL);
	return false;
}

/* What differs most comes first: all rows are asked. */
static bool is_same_price(const struct prices_row *a, const struct prices_row *b)
{
	return str_eq(a->models, b->models) && str_eq(a->providers, b->providers) &&
	       str_eq(a->class, b->class) && a->user == b->user;
}

const struct prices_row *prices_find(const struct genai_prices *p, const struct prices_query *q)
{
	const struct prices_row *first = NULL, *best = NULL;
	uint32_t i;

	for (i = 0; i < p->count && first == NULL; i++) {
		const struct prices_row *row = &p->rows[i];

		if (row->from_day <= q->day && str_eq(row->class, q->class) &&
		    prices_fits(row->providers, q->provider) && prices_fits(row->models, q->model))
			first = row;
	}
	if (first == NULL)
		return NULL;
	int32_t from_day = first->from_day;

	/* The day first: a price over time; then the tier within that time. */
	for (i = 0; i < p->count; i++)
		if (p->rows[i].from_day <= q->day && p->rows[i].from_day > from_day &&
		    is_same_price(first, &p->rows[i]))
			from_day = p->rows[i].from_day;
	for (i = 0; i < p->count; i++) {
		const struct prices_row *row = &p->rows[i];

		if (row->from_day == from_day && (row->above == 0 || q->input > row->above) &&
		    is_same_price(first, row) && (best == NULL || row->above > best->above))
			best = row;
	}
	return best;
}
