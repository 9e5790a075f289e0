/* SPDX-License-Identifier: BSD-2-Clause */
/* The one table of limits (docs/limits.md). A stranger's bytes can make us mark, cut or count, never grow. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define LIMIT_RING_BYTES \
	(32u << 20) /* default of --ring-size: one call of WIRE_CALL_MAX fits whole, drained or not */
#define LIMIT_RING_MIN	     4096u
#define LIMIT_RING_MAX	     (1u << 30)
#define LIMIT_RATE_BYTES     (512u << 20) /* default of --rate-bytes: of one process, a second */
#define LIMIT_RATE_CALLS     200000u	  /* default of --rate-calls */
#define LIMIT_QUEUE_BYTES    (32u << 20)  /* between drain thread and working thread */
#define LIMIT_BODY_BYTES     (16u << 20)  /* message body kept whole, as on the wire */
#define LIMIT_INFLATED_BYTES (64u << 20)  /* body after decoding its encodings */
#define LIMIT_INFLATE_FREE   (1u << 20)	  /* decoded bytes that may come of whatever */
#define LIMIT_INFLATE_RATIO  200u	  /* decoded : encoded, beyond these */
#define LIMIT_HEADER_BYTES   (64u << 10)  /* start line and fields of one message */
#define LIMIT_HEADER_FIELDS  256u
#define LIMIT_SSE_LINE_BYTES (4u << 20)
#define LIMIT_LINE_BYTES     (16u << 20) /* of a conversation in lines, without HTTP */
#define LIMIT_CONNECTIONS    20000u	 /* open at once */
#define LIMIT_PROCESSES	     200000u	 /* known in one session */
#define LIMIT_OPEN_SPANS     25000u	 /* per trace */
#define LIMIT_SPAN_BYTES     (96u << 20) /* arena of one exchange and its span */
#define LIMIT_MESSAGES	     20000u	 /* messages of one call */
#define LIMIT_PIPELINED	     64u	 /* requests on one connection that await their answer */
#define LIMIT_TAPE_RECORD    (64u << 10)
#define LIMIT_DOCUMENT_BYTES (2047u << 20) /* a document read back */
#define LIMIT_PRICES_BYTES   (4u << 20)	   /* a user's price file */
#define LIMIT_RULES_BYTES    (1u << 20)	   /* the rules that frames are read by */
#define LIMIT_TEXT_BYTES     (256u << 20)  /* a rendered view */
#define LIMIT_PY_CODE_BYTES  (64u << 20)   /* Python code objects: names and line tables */
#define LIMIT_PY_STACKS	     32u	   /* stacks that wait for their request, of one connection */
#define LIMIT_PY_STACK_BYTES (8u << 20)	   /* and of all */
#define LIMIT_PY_MAKE_BYTES  (16u << 20)   /* tasks, work items, threads with their makers' stacks */
#define LIMIT_PY_VALUE_BYTES (64u << 20)   /* what rules read of frames */
#define LIMIT_PY_HELD_BYTES  (128u << 20)  /* stacks of open calls */

#endif
