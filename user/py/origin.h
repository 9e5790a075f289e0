/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose code a file is. In this order:
 *   1. a name in angle brackets is no file: <frozen ..> is the standard library's; <stdin>, <ipython-input-..> and the
 *      like were typed, <string> is the program of `python -c`: the user's; any other was generated
 *   2. below site-packages or dist-packages: a package's; but that of `__main__`, where it lies there, is the user's
 *   3. below lib/python3.N or in python3N.zip, or below the directory that a known module of the standard library was
 *      seen in: the standard library's
 *   4. any other is the user's
 */
#ifndef PY_ORIGIN_H
#define PY_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "py/py.h"

#define ORIGIN_NAME_MAX 128u

struct origin {
	struct str stdlib;  /* directory, with its last slash; p NULL: not seen yet */
	struct str package; /* of __main__, as below site-packages: "pkg", "google/adk"; p NULL: none */
	bool text;	    /* __main__ is the text after -c */
};

enum py_origin origin_of(const struct origin *o, struct str file);
/* The standard library's directory, when the function is one that stands in a file of it; p NULL. */
struct str origin_stdlib(struct str file, struct str function);
/* The package that a file below site-packages or dist-packages belongs to: written to out; 0: it lies elsewhere. */
size_t origin_package(struct str file, char out[ORIGIN_NAME_MAX]);

enum origin_main {
	ORIGIN_MAIN_NONE,
	ORIGIN_MAIN_FILE,   /* python FILE */
	ORIGIN_MAIN_MODULE, /* python -m NAME */
	ORIGIN_MAIN_TEXT,   /* python -c TEXT */
};

/* What a command line of python's runs. */
enum origin_main origin_main(const struct str *argv, uint32_t argc, struct str *what);
/* The package of a module by its name; 0: it has none that could lie below site-packages. */
size_t origin_module(struct str module, char out[ORIGIN_NAME_MAX]);

#endif
