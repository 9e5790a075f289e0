/* SPDX-License-Identifier: BSD-2-Clause */
/* Conversations as far as they went: who is asking, and what was said last. */
#ifndef TRACE_SPEAKER_H
#define TRACE_SPEAKER_H

#include "trace/set.h"

#define SPEAKER_SAID   6u    /* messages of a conversation that are kept */
#define SPEAKER_BYTES  4096u /* of one of them */
#define SPEAKER_SYSTEM 512u  /* of its instructions */

struct trace_speaker {
	struct trace_speaker *prev, *next; /* of the set; heard of last at the end */
	struct trace_process *process;
	struct trace_call *call; /* the latest one, while it is not over; NULL */
	uint64_t id;		 /* its span */
	uint64_t told;		 /* the latest that is over; 0: none */
	uint64_t parent;	 /* where it stands; 0: the process */
	uint32_t tid;
	uint32_t calls;
	uint32_t inputs;   /* messages of the latest request, the server's own history included */
	uint32_t messages; /* of the conversation, as far as is known */
	uint64_t first_ns; /* its first call began */
	uint64_t start_ns; /* and the latest */
	uint64_t end_ns;   /* 0: it has not ended */
	enum trace_status status;
	char type[64];		  /* of its error; "" */
	char model[64];		  /* "" */
	char *system;		  /* beginning of its instructions, JSON string; NULL: none */
	char *said[SPEAKER_SAID]; /* JSON objects, oldest first */
	uint32_t said_count;
	struct py_stack *stack; /* of its latest call that had one; NULL */
};

#endif
