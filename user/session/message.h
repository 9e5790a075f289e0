/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages between front, attacher and collector: SOCK_SEQPACKET, one message a packet, every length checked. */
#ifndef SESSION_MESSAGE_H
#define SESSION_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/drop.h"
#include "base/str.h"
#include "wire.h"

enum message_kind {
	MESSAGE_SETUP =
		1, /* front -> attacher: struct message_setup; fds: the socket to the collector; memfd of rules, if
				* the user gave some */
	MESSAGE_COMMAND = 2,   /* front -> attacher: u32 pid; fd: memfd of argv, environment, cwd */
	MESSAGE_TARGETS = 3,   /* front -> attacher: u32 pid[] */
	MESSAGE_STOP = 4,      /* front -> attacher: u32 enum wire_end_why */
	MESSAGE_READY = 5,     /* attacher -> front: text of the `attached` line */
	MESSAGE_FAILED = 6,    /* attacher -> front: u32 exit code; the reason is on its stderr */
	MESSAGE_IDLE = 7,      /* attacher -> front: the last traced process ended */
	MESSAGE_RING = 8,      /* attacher -> collector: u64 ring bytes; fds: ring, shared page, verdicts */
	MESSAGE_RECORD = 9,    /* attacher -> collector: one wire record */
	MESSAGE_DETACHED = 10, /* attacher -> collector: no probe is left, the ring gets no more records */
	MESSAGE_HELLO = 12,    /* attacher -> front: it lives */
	MESSAGE_DONE = 11,     /* collector -> front: u32 enum message_outcome bits */
};

enum message_outcome { MESSAGE_INCOMPLETE = 1, MESSAGE_SINK_FAILED = 2 };

#define MESSAGE_FDS_MAX	  3
#define MESSAGE_BYTES_MAX (WIRE_RECORD_MAX + 64)

struct message_setup {
	uint32_t mode;
	uint32_t verbose;
	uint64_t options;
	uint64_t ring_bytes;
	uint64_t rate_bytes;
	uint64_t rate_calls;
	uint32_t collector_pid;
	uint32_t sample_n;
	uint32_t budget_ppm;
	uint32_t pad;
};
_Static_assert(sizeof(struct message_setup) == 56, "message_setup");

struct message {
	enum message_kind kind;
	size_t size; /* of bytes[] used */
	int fds[MESSAGE_FDS_MAX];
	int fd_count;
	_Alignas(8) unsigned char bytes[MESSAGE_BYTES_MAX];
};

/* Sends; waits while the peer's buffer is full. 0, or -errno (-EPIPE: the peer is gone). fds stay the caller's. */
int message_send(int sock, enum message_kind kind, const void *bytes, size_t size, const int *fds,
		 int fd_count) MUST_CHECK;
/* Receives one message: 1; 0: the peer is gone; -EAGAIN: none now (non-blocking); -EPROTO: not a message. Received
 * descriptors are close-on-exec and the caller's. */
int message_receive(int sock, struct message *m) MUST_CHECK;
/* Closes the descriptors of a message that nobody took. */
void message_close_fds(struct message *m);

#endif
