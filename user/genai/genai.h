/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * genai: exchanges -> calls: model calls with messages, tools, usage; everything else a plain http call.
 * in:    http events (genai_http_ops is what to give to http_new)
 * out:   struct genai_call (stable from `begin` until the callback `end` returns); what it costs
 * owns:  decoder state per exchange, in the exchange's arena; the price table
 * may:   base, flow, http, proc
 * never: sessions, clock, disk; guesses
 * fails: a body that cannot be read marks the call (broken) and keeps what was read
 * start: genai.c
 *
 * Adding a provider: one decoder file, one row in route.c, one talk.
 */
#ifndef GENAI_GENAI_H
#define GENAI_GENAI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/drop.h"
#include "base/hash.h"
#include "base/str.h"
#include "http/http.h"

enum genai_kind {
	GENAI_HTTP,
	GENAI_CHAT,
	GENAI_TEXT_COMPLETION,
	GENAI_GENERATE_CONTENT,
	GENAI_EMBEDDINGS,
	GENAI_RERANK,
	GENAI_EXECUTE_TOOL, /* MCP's tools/call */
	GENAI_MCP, /* every other method of MCP; notifications only where they are an exchange of their own */
	GENAI_INVOKE_AGENT, /* a message to an agent: A2A, an agent's program */
};

/* Whether a model is asked. */
static inline bool genai_is_model(enum genai_kind kind)
{
	return kind >= GENAI_CHAT && kind <= GENAI_RERANK;
}

enum genai_part_type {
	GENAI_TEXT,		    /* text; name "refusal" when it is one */
	GENAI_REASONING,	    /* text */
	GENAI_TOOL_CALL,	    /* id, name, value = arguments (JSON) */
	GENAI_TOOL_RESPONSE,	    /* id, value = response (JSON), is_error */
	GENAI_SERVER_TOOL_CALL,	    /* id, name, value (JSON, with "type") */
	GENAI_SERVER_TOOL_RESPONSE, /* id, value (JSON, with "type") */
	GENAI_BLOB,		    /* modality, mime, text = base64 */
	GENAI_URI,		    /* modality, mime, text = uri */
	GENAI_FILE,		    /* modality, text = file id */
	GENAI_OTHER,		    /* value = the provider's own JSON; name = its type */
};

struct genai_part {
	enum genai_part_type type;
	struct str text;
	struct str id, name;
	struct str value; /* JSON text; a string of arguments that is no JSON is a JSON string here */
	struct str modality, mime;
	bool is_error; /* a tool's response that says so */
};

struct genai_message {
	struct str role; /* system, user, assistant, tool (developer is kept as it is) */
	struct str name; /* p NULL: none */
	struct genai_part *parts;
	uint32_t count;
	struct str
		finish; /* output only: OpenTelemetry's word (stop, length, tool_call, content_filter, error) */
	struct hash128 hash;  /* of role and parts, normalised: equal for an answer and its later quotation */
	struct hash128 exact; /* of an input: genai_message_exact */
	int64_t cent; /* of a known one: tokens that its text stands for, in hundredths; -1: it holds what is no text */
	/* An earlier request had it word for word: only role, fingerprints and the ids of tool calls and results are here;
	 * genai_expand reads the rest. */
	bool known;
};

/* gen_ai.request.* or another attribute whose value is taken over as it stands. */
struct genai_param {
	const char *key; /* attribute name, static */
	struct str json; /* value as JSON text */
};

#define GENAI_PARAMS_MAX 24
#define GENAI_UNKNOWN	 (-1)

struct genai_usage {			    /* GENAI_UNKNOWN: the wire did not say */
	int64_t input, output;		    /* input includes cached tokens, output includes reasoning */
	int64_t cache_read, cache_creation; /* part of input */
	int64_t reasoning;		    /* part of output */
	/* Parts that have prices of their own; 0 where the wire does not speak of them. */
	int64_t cache_creation_1h;	       /* of cache_creation: kept for an hour */
	int64_t audio_input, audio_cache_read; /* of input; of cache_read and audio_input */
	int64_t audio_output;		       /* of output */
};
#define GENAI_USAGE_UNKNOWN                                                                   \
	(struct genai_usage)                                                                  \
	{                                                                                     \
		.input = GENAI_UNKNOWN, .output = GENAI_UNKNOWN, .cache_read = GENAI_UNKNOWN, \
		.cache_creation = GENAI_UNKNOWN, .reasoning = GENAI_UNKNOWN,                  \
	}

/* What the answer says of its price, beyond usage. */
enum genai_class { GENAI_CLASS_TIER, GENAI_CLASS_SPEED, GENAI_CLASS_REGION, GENAI_CLASSES };
struct genai_terms {
	bool cost_told;
	int64_t cost_pusd; /* as the server tells it, picodollars */
	struct str classes
		[GENAI_CLASSES]; /* service classes in lower case, where they are not the standard one; p NULL */
	int64_t units;		 /* search units of a rerank; 0: not told */
	bool local;		 /* it has a mark of software that people run on machines of their own */
	bool interim;		 /* usage.output was told before there was an answer */
};

enum genai_estimated { GENAI_ESTIMATED_INPUT = 1, GENAI_ESTIMATED_OUTPUT = 2 };

enum genai_status {
	GENAI_OPEN, /* also at `end`, without `close`: tracing ended and the call went on without us (its outputs are what
			* came so far) */
	GENAI_OK,
	GENAI_ERROR,   /* error_type, error_message */
	GENAI_ABORTED, /* process died, connection closed in mid-answer, or a gap hides the end */
};

/* A body with a content encoding of which policy left a part out: what came after it cannot be read. */
struct genai_cut {
	bool set;
	enum wire_dir dir;
	uint64_t body_offset; /* in the body as transferred */
};

struct genai_call {
	struct http_exchange
		*x;	       /* method, target, status, sizes, times, gaps, connection; NULL after `end` */
	enum genai_kind kind;  /* GENAI_HTTP until the request is understood */
	const char *operation; /* gen_ai.operation.name; NULL for http */
	struct str provider;   /* gen_ai.provider.name */
	struct str server;     /* host name: SNI, else Host header, else peer address; p NULL: unknown */
	uint16_t port;	       /* 0: unknown */
	struct str path;       /* target's path, no query */
	struct str request_model, response_model, response_id, conversation_id;
	struct str previous_id; /* response that the server puts before the input: its whole context */
	bool held;		/* the server holds what was said on this connection before the input */
	bool kept;		/* and so what was said in the conversation of this id, on whichever one */
	bool stream;		/* the request asked for a stream */
	struct genai_param params[GENAI_PARAMS_MAX];
	uint32_t param_count;
	struct genai_part *system; /* instructions given beside the messages */
	uint32_t system_count;
	struct genai_message *input;
	uint32_t input_count, known; /* known: the first ones that are */
	struct str tools;	     /* gen_ai.tool.definitions as JSON text; p NULL: none */
	struct genai_message *output;
	uint32_t output_count;
	struct str *finish_reasons; /* the provider's own words, one a choice */
	uint32_t finish_count;
	struct genai_usage usage;
	unsigned estimated; /* enum genai_estimated: what of usage was reckoned from the texts */
	struct genai_terms terms;
	enum genai_status status;
	struct str error_type, error_message;
	uint64_t retry_after_ns;   /* as the server asked; 0: it did not */
	int retry_count;	   /* x-stainless-retry-count; 0 for a first attempt, -1: not said */
	struct hash128 body_hash;  /* of the request's body; seeded with a secret: another one in every run */
	struct hash128 said_hash;  /* of the request's body and what was before it: the same in every run */
	struct http_broken broken; /* of transfer, encoding or content: the first one */
	struct genai_cut cut;
	uint64_t start_ns;	 /* the request's first byte */
	uint64_t first_byte_ns;	 /* of the response; 0: none */
	uint64_t first_chunk_ns; /* first content of a stream; 0: none */
	uint64_t end_ns;	 /* semantic end; 0 while open */
	bool no_model_call;	 /* GENAI_HTTP by rule (count_tokens, a stored response): reason in `note` */
	const char *note;	 /* why a look-alike is http; static, or NULL */
	/* Of calls by JSON-RPC, and of tools and agents: */
	struct str method;	       /* "tools/call"; p NULL: none */
	struct str label;	       /* the tool, prompt or agent that is called */
	struct str tool_arguments;     /* JSON */
	struct str tool_result;	       /* JSON; p NULL: none came */
	bool tool_error;	       /* the result says that it is one */
	struct hash128 arguments_hash; /* however they are spelled */
	/* It ended with a question, and goes on with the call whose `resumes` is what `asks` is here (MCP's
	 * input_required). Zero: not so. */
	struct hash128 asks, resumes;
	struct genai_call *
		under; /* the invocation it is a part of, which began before and is not over; NULL: none known */
	struct str
		within; /* id of the tool call that it is a part of, where the wire says so; p NULL: not said */
	struct arena *arena; /* of the exchange: all slices live here or in its body */
	void *state;	     /* the decoder's */
	void *user;	     /* of the room that consumes calls */
};

struct genai_ops {
	/* The request's first byte came. */
	void (*begin)(void *ctx, struct genai_call *c);
	/* The request is understood (kind, model, messages: all but output), or is no model call. */
	void (*request)(void *ctx, struct genai_call *c);
	/* First content of the answer. */
	void (*first)(void *ctx, struct genai_call *c);
	/* The call's semantic end ([DONE], message_stop, error, next request, close): outputs are final. Comes once; the
	 * exchange may still read on (trailing bytes change nothing). */
	void (*close)(void *ctx, struct genai_call *c);
	/* What a tool gave, told outside of a request to a model. May be NULL. */
	void (*tool)(void *ctx, struct genai_call *c, const struct genai_part *result, uint64_t ts_ns);
	/* The exchange is over and the call's memory goes: keep nothing. Without a `close` before it the call is open. */
	void (*end)(void *ctx, struct genai_call *c);
	/* See http_ops.stray. */
	void (*stray)(void *ctx, struct flow_conn *conn, enum wire_dir dir, uint64_t bytes,
		      const struct http_gap *gap);
};

struct genai_stats {
	uint64_t calls, http, broken;
};

/* ---- prices (docs/cost.md) ---- */

struct genai_prices;
struct genai_prices_error {
	uint32_t line; /* from 1; 0: none in particular */
	char why[160];
};
/* The built-in table; NULL without memory. */
struct genai_prices *genai_prices_new(void);
/* The rows of a user's file, which go before the built-in ones; instead of those given before. -EINVAL: they are refused, and
 * nothing changed; -ENOMEM. */
int genai_prices_add(struct genai_prices *p, struct str text, struct genai_prices_error *error) MUST_CHECK;
void genai_prices_free(struct genai_prices *p);
DROP_POINTER(genai_prices, genai_prices_free)

#define GENAI_COST_PARTS 10
struct genai_cost_part {
	const char *what; /* input, cache_read, cache_write, ... */
	int64_t count;	  /* tokens, or requests */
	int64_t each_pusd;
};
struct genai_cost {
	const char *source; /* provider, table, local; NULL: unknown, and nothing below is set */
	int64_t pusd;
	/* Of the table: */
	struct genai_cost_part parts[GENAI_COST_PARTS];
	uint32_t part_count;
	int64_t times_micro;   /* what the sum of the parts is multiplied with, in millionths */
	struct str from, date; /* of the row: the day since when, and when it was looked up; p NULL */
	int64_t above;	       /* of a tier: tokens; 0 */
	bool user;	       /* a row of the user's */
};
/* now_s: seconds since 1970 when it was captured, for answers without a date; 0: unknown, the youngest row holds. */
void genai_cost(const struct genai_prices *p, const struct genai_call *c, int64_t now_s,
		struct genai_cost *out);

struct genai;

struct genai *genai_new(const struct genai_ops *ops, void *ctx);
/* What http is to call; its ctx is the struct genai. */
const struct http_ops *genai_http_ops(void);
/* Fingerprint of everything that is printed of a message. */
struct hash128 genai_message_exact(const struct genai_message *m);
struct hash128 genai_parts_exact(const struct genai_part *parts, uint32_t count);
/* Reads the messages that are known, too: input is whole afterwards, and known 0. Not after `end`. */
void genai_expand(struct genai_call *c);
struct genai_stats genai_stats(const struct genai *g);

/*
 * Lines in both directions between two programs, without HTTP: JSON-RPC over a pair of pipes (MCP's stdio), or the
 * stream-json of an agent's program. What speaks there is told by its first lines; calls come as from HTTP.
 */
struct genai_pipe;
struct genai_pipe_line {
	enum wire_dir dir; /* as our process sees it: it wrote or read the line */
	struct str text;   /* without its end; borrowed until genai_pipe_feed returns */
	bool cut;	   /* bytes of it are missing */
	uint64_t start_ns, ts_ns;
	uint64_t offset; /* of its first byte in its direction */
	struct http_write write;
	uint32_t tid;
};
/* conn: its process and number; outlives the pipe. NULL without memory. */
struct genai_pipe *genai_pipe_new(struct genai *g, struct flow_conn *conn);
void genai_pipe_feed(struct genai_pipe *p, const struct genai_pipe_line *line);
/* Its end; what is open is open (SESSION) or aborted. */
void genai_pipe_free(struct genai_pipe *p, enum http_end end, uint64_t ts_ns);
void genai_free(struct genai *g);
DROP_POINTER(genai, genai_free)

#endif
