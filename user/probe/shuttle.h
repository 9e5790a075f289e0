/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A child that has nothing left to lose loads a stranger's libssl and moves known bytes through it: a TLS client and
 * server in one process, over memory. Without capabilities, no_new_privs, as an ordinary user, without network, for at
 * most SHUTTLE_SECONDS.
 */
#ifndef PROBE_SHUTTLE_H
#define PROBE_SHUTTLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SHUTTLE_SECONDS 2

/* How far it came: its only word, for what a stranger's code says is believed no further. */
enum shuttle_word {
	SHUTTLE_DONE = 1,
	SHUTTLE_NO_SANDBOX,
	SHUTTLE_NO_CRYPTO,
	SHUTTLE_NO_SSL,
	SHUTTLE_NO_FUNCTION,
	SHUTTLE_NO_CIPHER,
	SHUTTLE_NO_HANDSHAKE,
	SHUTTLE_NO_BYTES,
	SHUTTLE_WORDS,
};

struct shuttle {
	int ssl_fd, crypto_fd; /* of the files */
	int go_fd;	       /* waits here for a byte before it calls anything of theirs */
	int said_fd;	       /* writes its word here, a byte */
	uid_t uid;
	gid_t gid;
};

/* The body of the child. */
void shuttle_run(const struct shuttle *s) __attribute__((noreturn));

/* What the client (end 0) and the server (end 1) write: so many bytes, of a pattern of each. */
uint64_t shuttle_bytes(void);
uint8_t shuttle_byte(unsigned end, uint64_t offset);

#endif
