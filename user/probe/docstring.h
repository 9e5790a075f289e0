/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SSL_read_ex and SSL_write_ex in a CPython that carries OpenSSL inside and has no symbols (python-build-standalone):
 * a docstring of the _ssl module leads to its PyMethodDef, that to the C method, and the first call that the method
 * makes after PyEval_SaveThread is the OpenSSL function. x86-64; read from the file, no live process needed.
 */
#ifndef PROBE_DOCSTRING_H
#define PROBE_DOCSTRING_H

#include <stdint.h>

#include "base/drop.h"

struct docstring_places {
	uint64_t read; /* addresses */
	uint64_t write;
};

/* 0; -ENOENT: no such file, or not clear enough; -ENOMEM; -EIO. */
int docstring_find(int fd, struct docstring_places *out) MUST_CHECK;

#endif
