/* SPDX-License-Identifier: BSD-2-Clause */
/* Money: picodollars (10^-12 US dollars) inside, decimal strings without an exponent outside. */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/str.h"

#define MONEY_PUSD_PER_USD INT64_C(1000000000000)
#define MONEY_TEXT	   48 /* bytes that any amount takes as text */

/* Sums and products of amounts; what is kept of one call is an int64_t: up to 9.2 million dollars. */
__extension__ typedef __int128 money_wide;

/* A decimal number without sign, "12", "0.5" or "3.8e-05", times 10^digits. False: it is none, more than an int64_t holds, or
 * does not come out even; *out stays. */
bool money_scale_exact(struct str s, unsigned digits, int64_t *out) MUST_CHECK;
/* Dollars as picodollars, rounded half up. */
bool money_parse(struct str s, int64_t *pusd) MUST_CHECK;
/* All digits that are not zero: 0.0062016, 12, 0. */
void money_format(money_wide pusd, char out[MONEY_TEXT]);
/* For people: 1,234.56 as 1234.56; small amounts with four decimals, very small ones with two digits that count. */
void money_round(money_wide pusd, char out[MONEY_TEXT]);

#endif
