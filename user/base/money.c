/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/money.h"

#include <stdio.h>
#include <string.h>

#define EXPONENT_MAX 1000 /* more says nothing that an int64_t could hold */

/* The digits of a number without its point, and the power of ten they stand for. */
struct decimal {
	uint64_t digits;
	int exponent;
	bool full; /* further digits have no room: they move nothing but the rounding of what is too large anyway */
	bool lost; /* and are not all zero */
};

static bool is_digit(struct str s)
{
	return s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9';
}

static void add_digit(struct decimal *d, char c, bool fraction)
{
	uint64_t more;

	d->full |= __builtin_mul_overflow(d->digits, 10u, &more) ||
		   __builtin_add_overflow(more, (uint64_t)(c - '0'), &more);
	if (d->full) {
		d->lost |= c != '0';
		d->exponent += d->exponent < INT32_MAX / 2 && !fraction;
		return;
	}
	d->digits = more;
	d->exponent -= fraction;
}

static bool read_exponent(struct str *s, int *out)
{
	bool minus = false;
	int n = 0;

	if (s->n == 0 || (s->p[0] != 'e' && s->p[0] != 'E'))
		return true;
	*s = str_skip(*s, 1);
	if (s->n > 0 && (s->p[0] == '-' || s->p[0] == '+')) {
		minus = s->p[0] == '-';
		*s = str_skip(*s, 1);
	}
	if (!is_digit(*s))
		return false;
	for (; is_digit(*s); *s = str_skip(*s, 1))
		if (n < EXPONENT_MAX)
			n = n * 10 + (s->p[0] - '0');
	*out += minus ? -n : n;
	return true;
}

static bool read_decimal(struct str s, struct decimal *d)
{
	bool any = is_digit(s);

	for (; is_digit(s); s = str_skip(s, 1))
		add_digit(d, s.p[0], false);
	if (any && s.n > 0 && s.p[0] == '.') {
		s = str_skip(s, 1);
		any = is_digit(s);
		for (; is_digit(s); s = str_skip(s, 1))
			add_digit(d, s.p[0], true);
	}
	return any && read_exponent(&s, &d->exponent) && s.n == 0;
}

static bool scale(struct str s, unsigned digits, bool exact, int64_t *out)
{
	struct decimal d = {0};
	uint64_t n, rest = 0;
	bool below = false; /* something that is not zero was cut off behind the last rest */

	if (!read_decimal(s, &d))
		return false;
	n = d.digits;
	below = d.lost;
	d.exponent += (int)digits;
	for (; d.exponent > 0 && n > 0; d.exponent--)
		if (__builtin_mul_overflow(n, 10u, &n))
			return false;
	for (; d.exponent < 0 && (n > 0 || rest > 0); d.exponent++) {
		below |= rest > 0;
		rest = n % 10;
		n /= 10;
	}
	if (exact && (rest > 0 || below))
		return false;
	n += rest >= 5;
	if (n > INT64_MAX)
		return false;
	*out = (int64_t)n;
	return true;
}

bool money_scale_exact(struct str s, unsigned digits, int64_t *out)
{
	return scale(s, digits, true, out);
}

bool money_parse(struct str s, int64_t *pusd)
{
	return scale(s, 12, false, pusd);
}

/* Writes n, which is pusd, with so many decimals, from the right. */
static void write_digits(money_wide n, unsigned decimals, unsigned keep, char out[MONEY_TEXT])
{
	char z[MONEY_TEXT];
	unsigned at = sizeof(z);
	bool minus = n < 0;

	if (minus)
		n = -n;
	z[--at] = '\0';
	for (unsigned i = 0; n > 0 || i <= decimals; i++) {
		if (i == decimals && decimals > 0 && at < sizeof(z) - 1)
			z[--at] = '.';
		/* Zeros at the end of the fraction are left out, beyond `keep` decimals. */
		if (!(i < decimals && at == sizeof(z) - 1 && n % 10 == 0 && decimals - i > keep))
			z[--at] = (char)('0' + (int)(n % 10));
		n /= 10;
	}
	if (minus)
		z[--at] = '-';
	memcpy(out, z + at, sizeof(z) - at);
}

void money_format(money_wide pusd, char out[MONEY_TEXT])
{
	write_digits(pusd, 12, 0, out);
}

void money_round(money_wide pusd, char out[MONEY_TEXT])
{
	money_wide unit = MONEY_PUSD_PER_USD / 10000; /* of the last decimal that is kept */
	unsigned decimals = 4;

	if (pusd >= MONEY_PUSD_PER_USD * 10) {
		unit *= 100;
		decimals = 2;
	}
	for (; pusd > 0 && pusd < unit * 10 && decimals < 12; decimals++)
		unit /= 10;
	write_digits((pusd + unit / 2) / unit, decimals, decimals, out);
}
