/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the room: a JSON object of which a part in the middle is not here. What is read is exact: a member counts
 * when it is the outermost object's for sure, and its value is whole; never a member of something nested, never half.
 */
#ifndef GENAI_ENDS_H
#define GENAI_ENDS_H

#include "base/json.h"

#define GENAI_ENDS_NONE SIZE_MAX

/* Where in `tail`, which reaches to the end of an object, the first of its members begins (the quote of its name) whose
 * name and value stand there whole, as all after it do. GENAI_ENDS_NONE: none does. */
size_t genai_ends_find(struct str tail);
/* The object's members in the tail as an object of their own; NULL: none, no memory, or not JSON. at: of
 * genai_ends_find. */
const struct json *genai_ends_members(struct arena *a, struct str tail, size_t at);
/* What stands right before these members is the end of an array of objects: the members of its last element that are
 * here. NULL: it is not. */
const struct json *genai_ends_element(struct arena *a, struct str tail, size_t at);

#endif
