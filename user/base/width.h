/* SPDX-License-Identifier: BSD-2-Clause */
/* Columns of one character. A table of our own: wcwidth(3) knows nothing under LC_ALL=C. */
#ifndef BASE_WIDTH_H
#define BASE_WIDTH_H

#include <stdint.h>

/* 0 for controls and what combines with the character before, 2 for what terminals show wide, else 1. */
unsigned int width_of(uint32_t code);

#endif
