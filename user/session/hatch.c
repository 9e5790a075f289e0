/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the socket lies, how it gets there, and how what is left of dead ones goes. */
#include "session/hatch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/err.h"
#include "base/str.h"

#define SHARED_DIR "/run/bottrace" /* root's, for everybody to look into */
#define SUFFIX	   ".sock"
#define FRESH	   ".new" /* bound, and nobody listens yet */
#define FRESH_S	   60	  /* nobody takes longer than this from one to the other */
#define BACKLOG	   8

/* ---- the directory ---- */

/* Only the owner's: whoever else could write there could answer in our name. */
static bool is_own(int fd, uid_t uid)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == uid && (st.st_mode & 077) == 0;
}

static int open_own(int at, const char *name, uid_t uid)
{
	autodrop(drop_fd) int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && is_own(fd, uid) ? take_fd(&fd) : -1;
}

/* make: when it is not there. */
static int open_runtime(const char *runtime, uid_t uid, bool make)
{
	autodrop(drop_fd) int at =
		runtime && runtime[0] == '/' ? open(runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (at < 0 || !is_own(at, uid))
		return -1;
	if (make)
		(void)mkdirat(at, "bottrace", 0700);
	return open_own(at, "bottrace", uid);
}

/* Root makes it, for whoever typed the command. */
static int open_shared(uid_t uid, gid_t gid, bool make)
{
	char name[24];
	struct stat st;

	if (make && geteuid() == 0 && mkdir(SHARED_DIR, 0755) == 0)
		(void)chmod(SHARED_DIR, 0755);
	autodrop(drop_fd) int at = open(SHARED_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0 || fstat(at, &st) < 0 || st.st_uid != 0 || (st.st_mode & 022) != 0)
		return -1;
	(void)snprintf(name, sizeof(name), "user-%u", (unsigned)uid);
	if (make && geteuid() == 0 && mkdirat(at, name, 0700) == 0 &&
	    fchownat(at, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return open_own(at, name, uid);
}

static int open_user(uid_t uid, bool make)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/run/user/%u", (unsigned)uid);
	return open_runtime(path, uid, make);
}

unsigned hatch_dirs(const struct person *p, int dirs[HATCH_DIRS_MAX])
{
	const int found[] = {open_runtime(getenv("XDG_RUNTIME_DIR"), p->uid, false), open_user(p->uid, false),
			     open_shared(p->uid, p->gid, false)};
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		if (found[i] >= 0)
			dirs[n++] = found[i];
	return n;
}

/* The person's own places first; the environment that sudo leaves us is not the person's. */
static int choose_dir(const struct person *p)
{
	struct person_mask mask;
	int fd;

	person_become(&mask);
	fd = p->through_sudo ? -1 : open_runtime(getenv("XDG_RUNTIME_DIR"), p->uid, true);
	if (fd < 0)
		fd = open_user(p->uid, true);
	person_restore(&mask);
	return fd >= 0 ? fd : open_shared(p->uid, p->gid, true);
}

/* ---- names ---- */

/* Through the descriptor: the path of a socket may have 107 bytes only, a directory's has what it has. */
static bool address_of(int dir, const char *name, struct sockaddr_un *sun)
{
	*sun = (struct sockaddr_un){.sun_family = AF_UNIX};
	int n = snprintf(sun->sun_path, sizeof(sun->sun_path), "/proc/self/fd/%d/%s", dir, name);

	return n > 0 && (size_t)n < sizeof(sun->sun_path);
}

static int connect_to(int dir, const char *name)
{
	autodrop(drop_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sun;

	if (fd < 0 || !address_of(dir, name, &sun))
		return fd < 0 ? -errno : -ENAMETOOLONG;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return -errno;
	return take_fd(&fd);
}

static bool is_old(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode) &&
	       st.st_mtime + FRESH_S < time(NULL);
}

unsigned hatch_connect(int dir, int *fds, unsigned most, bool *busy)
{
	int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = again < 0 ? NULL : fdopendir(again);
	unsigned n = 0;

	if (d == NULL) {
		drop_fd(&again);
		return 0;
	}
	for (unsigned i = 0; i < 4 * HATCH_FILES_MAX && n < most; i++) {
		const struct dirent *e = readdir(d);

		if (e == NULL)
			break;
		struct str name = str_of(e->d_name);
		if (name.n >= HATCH_NAME_MAX)
			continue;
		if (str_ends(name, STR(FRESH)) && is_old(dir, e->d_name))
			(void)unlinkat(dir, e->d_name, 0);
		if (!str_ends(name, STR(SUFFIX)))
			continue;
		int fd = connect_to(dir, e->d_name);
		if (fd == -ECONNREFUSED)
			(void)unlinkat(dir, e->d_name, 0); /* one with this name has a listener, or had */
		else if (fd >= 0)
			fds[n++] = fd;
		else
			*busy |= fd == -EAGAIN;
	}
	closedir(d);
	return n;
}

static void sweep(int dir)
{
	int fds[HATCH_FILES_MAX];
	bool busy = false;
	unsigned n = hatch_connect(dir, fds, HATCH_FILES_MAX, &busy);

	while (n > 0)
		drop_fd(&fds[--n]);
}

/* ---- the front's ---- */

static int listen_as(struct hatch *h, const char *fresh)
{
	autodrop(drop_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sun;
	mode_t mask;

	if (fd < 0 || !address_of(h->dir, fresh, &sun))
		return fd < 0 ? -errno : -ENAMETOOLONG;
	mask = umask(0177);
	int r = bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ? -errno : 0;
	(void)umask(mask);
	if (r < 0)
		return r;
	/* By its name it can be found only once somebody listens: who finds one that refuses may remove it. */
	if (listen(fd, BACKLOG) < 0 || renameat(h->dir, fresh, h->dir, h->name) < 0) {
		r = -errno;
		(void)unlinkat(h->dir, fresh, 0);
		return r;
	}
	h->listener = take_fd(&fd);
	return 0;
}

static int open_in(struct hatch *h)
{
	char fresh[HATCH_NAME_MAX];
	uint32_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != sizeof(chance))
		chance = (uint32_t)time(NULL);
	(void)snprintf(h->name, sizeof(h->name), "%d-%08x" SUFFIX, (int)getpid(), chance);
	(void)snprintf(fresh, sizeof(fresh), "%d-%08x" FRESH, (int)getpid(), chance);
	sweep(h->dir);
	return listen_as(h, fresh);
}

void hatch_open(struct hatch *h, const struct person *p)
{
	struct person_mask mask;

	*h = (struct hatch){.dir = choose_dir(p), .listener = -1};
	if (h->dir < 0) {
		err_note(ERR_VERBOSE, "there is no directory for `bottrace show --state` to ask through");
		return;
	}
	person_become(&mask);
	int r = open_in(h);
	person_restore(&mask);
	if (r < 0) {
		err_note(ERR_VERBOSE, "`bottrace show --state` cannot ask: %s", strerror(-r));
		drop_fd(&h->dir);
	}
}

void hatch_close(struct hatch *h)
{
	struct person_mask mask;

	drop_fd(&h->listener);
	if (h->dir < 0)
		return;
	person_become(&mask);
	(void)unlinkat(h->dir, h->name, 0);
	person_restore(&mask);
	drop_fd(&h->dir);
}
