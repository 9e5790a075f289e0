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
	uint64_t read; /* addresses; 0: the file has none, OpenSSL is another one's */
	uint64_t write;
	uint64_t read_method; /* of _ssl._SSLSocket: (self, args, count), (self, object) */
	uint64_t write_method;
};

/* The methods alone, of any file that has the _ssl module. 0; -ENOENT, -ENOMEM, -EIO. */
int docstring_find_methods(int fd, struct docstring_places *out) MUST_CHECK;
/* All of them. 0; -ENOENT: no such file, or not clear enough; -ENOMEM; -EIO. */
int docstring_find(int fd, struct docstring_places *out) MUST_CHECK;

/* C functions of CPython that begin what another stack will run: addresses; 0: the file has none. */
struct docstring_makers {
	uint64_t task;	    /* tp_init of _asyncio.Task: (self, args, kwargs) */
	uint64_t future;    /* tp_init of _asyncio.Future: the same */
	uint64_t submit;    /* put of _queue.SimpleQueue: (self, args[], count, names) */
	uint64_t thread[2]; /* _thread.start_new_thread, start_joinable_thread: (module, args, ..) */
};

/* Of any file. 0; -ENOENT: it has none of them; -ENOMEM, -EIO. */
int docstring_find_makers(int fd, struct docstring_makers *out) MUST_CHECK;
/* sys.audit of CPython: (module, args[], count). 0 and its address; -ENOENT, -ENOMEM, -EIO. */
int docstring_find_audit(int fd, uint64_t *method) MUST_CHECK;

#endif
