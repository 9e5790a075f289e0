/* SPDX-License-Identifier: BSD-2-Clause */
/* Who typed the command: the caller, or under sudo the one who called sudo. */
#ifndef SESSION_PERSON_H
#define SESSION_PERSON_H

#include <grp.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/drop.h"

struct person {
	bool through_sudo; /* we are root because somebody used sudo */
	uid_t uid;
	gid_t gid;
	const char *name, *home; /* from the password database, malloc'ed; NULL: not there */
};

#define PERSON_GROUPS_MAX 65536

struct person_mask {
	bool changed;
	int group_count;
	gid_t *groups;
};

/* Looks the person up. */
void person_find(struct person *p);
void person_fini(struct person *p);
/* Says who we are in one line when privileges are dropped to somebody. */
void person_say(const struct person *p);

/* For opening files as the person: effective ids only, undone by person_restore. Does nothing without sudo. */
void person_become(struct person_mask *mask);
void person_restore(struct person_mask *mask);

/* For good: groups, gid, uid. 0 or -errno; after a failure the process must end. Does nothing without sudo. */
int person_drop(const struct person *p) MUST_CHECK;

#endif
