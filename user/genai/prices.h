/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the room: the rows of a price table, and how one is found. */
#ifndef GENAI_PRICES_H
#define GENAI_PRICES_H

#include "base/buf.h"
#include "base/map.h"
#include "base/money.h"
#include "genai/genai.h"

#define PRICES_NONE   (-1) /* of a price: the row has none */
#define PRICES_ALWAYS INT32_MIN
#define PRICES_NEWEST INT32_MAX /* as a day: whatever row is the youngest */

enum prices_rate {
	PRICES_INPUT,
	PRICES_OUTPUT,
	PRICES_CACHE_READ,
	PRICES_CACHE_WRITE,
	PRICES_CACHE_WRITE_1H,
	PRICES_REASONING,
	PRICES_AUDIO_IN,
	PRICES_AUDIO_OUT,
	PRICES_AUDIO_CACHE,
	PRICES_RATES
};

/* One row; its texts point into the table's text. */
struct prices_row {
	struct str providers, models; /* patterns, with spaces between */
	struct str class, from, source, date;
	int32_t from_day;	    /* since 1970; PRICES_ALWAYS */
	int64_t above;		    /* input tokens; 0: none */
	int64_t rate[PRICES_RATES]; /* picodollars a token */
	int64_t request;	    /* picodollars each */
	int64_t times_micro;	    /* instead of prices; PRICES_NONE */
	bool user;		    /* of a file of the user's */
};

struct prices_query {
	struct str provider;
	struct str model; /* lower case */
	struct str class;
	int32_t day;   /* since 1970; PRICES_NEWEST */
	int64_t input; /* tokens of the whole request, for `above` */
};

/* The row that holds; NULL: none. */
const struct prices_row *prices_find(const struct genai_prices *p, const struct prices_query *q);
/* Whether the name fits one of the patterns. */
bool prices_fits(struct str patterns, struct str name);

/* ---- builtin.c ---- */
struct str prices_builtin(void);

#endif
