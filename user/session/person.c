/* SPDX-License-Identifier: BSD-2-Clause */
#include "session/person.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

static bool env_id(const char *name, uint64_t *out)
{
	const char *value = getenv(name);

	return value && str_to_u64(str_of(value), out) && *out <= UINT32_MAX;
}

void person_find(struct person *p)
{
	uint64_t uid, gid;

	*p = (struct person){.uid = getuid(), .gid = getgid()};
	if (geteuid() != 0 || !env_id("SUDO_UID", &uid) || !env_id("SUDO_GID", &gid) || uid == 0)
		return;
	p->through_sudo = true;
	p->uid = (uid_t)uid;
	p->gid = (gid_t)gid;
	struct passwd *pw = getpwuid(p->uid);
	if (pw != NULL) {
		p->name = str_dup(str_of(pw->pw_name));
		p->home = str_dup(str_of(pw->pw_dir));
	}
}

void person_fini(struct person *p)
{
	free((void *)p->name);
	free((void *)p->home);
	p->name = p->home = NULL;
}

void person_say(const struct person *p)
{
	if (p->through_sudo)
		err_note(ERR_NORMAL, "the command runs as %s (uid %u), who called sudo",
			 p->name ? p->name : "the user", (unsigned)p->uid);
}

void person_become(struct person_mask *mask)
{
	struct person p;

	*mask = (struct person_mask){0};
	person_find(&p);
	if (p.through_sudo) {
		mask->group_count = getgroups(0, NULL);
		mask->groups =
			mask->group_count > 0 ? calloc((size_t)mask->group_count, sizeof(gid_t)) : NULL;
		if (mask->group_count > 0 && mask->groups)
			mask->group_count = getgroups(mask->group_count, mask->groups);
		mask->changed = true;
		if ((p.name && initgroups(p.name, p.gid) < 0) || setegid(p.gid) < 0 || seteuid(p.uid) < 0)
			err_note(ERR_VERBOSE, "cannot act as uid %u", (unsigned)p.uid);
	}
	person_fini(&p);
}

void person_restore(struct person_mask *mask)
{
	if (mask->changed && (seteuid(0) < 0 || setegid(0) < 0 ||
			      (mask->groups && setgroups((size_t)mask->group_count, mask->groups) < 0)))
		err_note(ERR_VERBOSE, "cannot return to root");
	free(mask->groups);
	*mask = (struct person_mask){0};
}

int person_drop(const struct person *p)
{
	if (!p->through_sudo)
		return 0;
	if (p->name ? initgroups(p->name, p->gid) < 0 : setgroups(1, &p->gid) < 0)
		return -errno;
	if (setresgid(p->gid, p->gid, p->gid) < 0 || setresuid(p->uid, p->uid, p->uid) < 0)
		return -errno;
	return 0;
}
