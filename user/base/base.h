/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base: the toolbox: slices, buffers, arenas, maps, JSON, text, hashes, errors.
 * in:    nothing
 * out:   nothing
 * owns:  the log level
 * may:   nobody
 * never: knows of agents, protocols or the kernel
 * fails: allocation: -ENOMEM; a buffer at its maximum: -EMSGSIZE
 * start: str.h
 *
 * The one room whose other headers are doors too: include what you use (base/str.h, base/json.h, ...).
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/drop.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/str.h"
#include "base/text.h"

#endif
