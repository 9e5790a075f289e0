/* SPDX-License-Identifier: BSD-2-Clause */
/* pyenv's shims: shell scripts that choose one of several interpreters when they run. */
#ifndef PROBE_PYENV_H
#define PROBE_PYENV_H

#include <stdbool.h>

#include "probe/foresee.h"

/* Whether the text of a script is a shim. */
bool pyenv_is_shim(struct str script);
/* Queues the interpreters that the shim at `path` may choose: those that PYENV_VERSION, .python-version or the
 * global version name, else all that are installed. */
void pyenv_queue(struct foresee *f, const char *path, struct str script, unsigned depth);

#endif
