/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the room: one call being read, what a decoder is, and what decoders share. */
#ifndef GENAI_DECODER_H
#define GENAI_DECODER_H

#include "base/buf.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/limits.h"
#include "base/map.h"
#include "genai/genai.h"

#define GENAI_CHOICES_MAX  128u /* answers of one call */
#define GENAI_ELEMENT_OPEN (1u << 31)
#define GENAI_PIECES_MAX   512u /* tool calls of one answer, blocks of one message, while streamed */

struct genai_work;
struct genai_rpc_table;
struct record;

/* Adding a provider's API: one of these in a file of its own, one row in route.c. */
struct genai_decoder {
	bool always;	      /* `finish` is called for an answer without a body, too */
	const char *provider; /* of a host that nobody knows */
	enum genai_kind kind;
	const char *operation;
	/* Member of the request that is the list of messages; NULL: there is no such list. One message an element, unless
	 * the decoder says in w->element_messages how many there are up to each. */
	const char *history;
	/* Fills the request's half of the call. body is NULL when nothing of it could be read, and may be cut. May set
	 * w->decoder to one with another kind. false: a whole body that is no request of this API; c.note may say more. */
	bool (*request)(struct genai_work *w, const struct json *body);
	/* A body that is no stream. */
	void (*response)(struct genai_work *w, const struct json *body);
	/* One event; true: the answer ended with it (in success or error). */
	bool (*event)(struct genai_work *w, const struct http_event *ev);
	/* Puts together what the events brought. */
	void (*finish)(struct genai_work *w);
};

/* How much sound went by. */
struct genai_sound {
	uint64_t bytes, ns;
	bool untimed; /* some of it is of a format whose bytes say nothing of time: ns is not all */
};

/* A call being read: in the exchange's arena, like all that its slices point to. */
struct genai_work {
	struct genai_call c; /* first: the door's pointer is ours */
	struct genai *g;
	struct genai_history *g_history; /* g's */
	uint32_t *
		element_messages; /* NULL: one each; GENAI_ELEMENT_OPEN: the next may go on with its last one */
	struct str body;	  /* of the request, when its beginning was known: what genai_expand reads */
	const struct hash128 *blocks; /* fingerprints of the request's body, block by block */
	uint32_t block_count;
	const struct genai_decoder *decoder; /* NULL: plain http */
	bool understood;		     /* the request was read */
	bool closed;
	bool streamed; /* an event came */
	bool first_told;
	bool finished; /* the answer named its finish reason or its end */
	bool whole;    /* of the body being read: nothing was cut off */
	const struct json *
		element; /* of a torn body: members of the last element of the array before its last members */
	bool tier_told, fingerprint_told;	   /* in params: a stream repeats them in every event */
	uint32_t omitted_messages, omitted_pieces; /* beyond the limits */
	void *stream;				   /* the decoder's */
	struct record *record;			   /* whose messages the known ones are; NULL: none */
	void *native;				   /* of a decoder that lets another one read */
	const struct genai_decoder *reader;	   /* that other one */
	struct genai_lane *lane; /* of an upgraded exchange: its calls; of a call: whose it is */
	struct genai_work *lane_prev, *lane_next; /* of a lane's open calls */
	struct str lane_key;			  /* of a lane's call: what its messages are known by */
	struct genai_sound sound;		  /* that the model spoke on it */
	uint32_t sound_rate;			  /* of what it speaks, bytes a second; 0: not known */
	struct genai_rpc *rpc;			  /* of a call by JSON-RPC */
	struct str session; /* of a connection that JSON-RPC goes over; p NULL: not known yet */
	bool is_pipe;	    /* no HTTP: the other end of a pipe */
	bool is_own;	    /* its exchange is a part of an exchange, or outlived it: the call frees it */
	uint32_t parts;	    /* calls that are a part of it */
};

/* Bytes that come in many pieces, kept in the arena; linear, at most LIMIT_BODY_BYTES. */
struct genai_block;
struct genai_rope {
	struct genai_block *first, *last;
	size_t n;
};

/* ---- rope.c ---- */
void genai_rope_add(struct arena *a, struct genai_rope *r, struct str s);
/* In one piece, in the arena. Empty (p not NULL) when nothing came; STR_NONE without memory. */
struct str genai_rope_str(struct arena *a, const struct genai_rope *r);

/* ---- request.c ---- */
bool genai_has_gap(const struct http_exchange *x, enum wire_dir dir);
/* Of a body in an encoding, nothing behind a part left out can be read: that is nobody's mistake. */
void genai_cut_tell(struct genai_work *w, const struct http_message *m, enum wire_dir dir);
/* A message's body as JSON, as far as it goes; NULL when there is nothing. Says in w->whole whether that is all. */
const struct json *genai_body_json(struct genai_work *w, const struct http_message *m, struct str body,
				   enum wire_dir dir);
/* Of a list of n messages, how many are read; the others are left out, which genai_omitted_tell says. */
size_t genai_input_limit(struct genai_work *w, size_t n);
/* Room for those of them that are read: how many; 0 also without memory. */
size_t genai_input_new(struct genai_work *w, size_t n);
/* Says what was beyond the limits. */
void genai_omitted_tell(struct genai_work *w);
/* Fills the request's half of the call, when its path or shape says that it is one. */
void genai_request_read(struct genai_work *w);

/* ---- answer.c ---- */
struct genai_answer_piece;
/* Zeroed before the first piece. Everything is kept in the call's arena, at most GENAI_PIECES_MAX pieces. */
struct genai_answer {
	struct genai_answer_piece *pieces;
	uint32_t count, room;
	bool called; /* a tool call is among them */
};
/* Text or reasoning: goes on with the last piece when that has the same type and index. Whether there was any. */
bool genai_answer_text(struct genai_work *w, struct genai_answer *a, enum genai_part_type type, int64_t index,
		       struct str text);
/* A part that came whole. */
void genai_answer_part(struct genai_work *w, struct genai_answer *a, int64_t index,
		       const struct genai_part *part);
/* A tool call (or one of a tool of the server's) begins; its arguments come as fragments of JSON text, found by index
 * (the last one of it). Of a server's tool's result the fragments are the elements of its content. */
void genai_answer_call(struct genai_work *w, struct genai_answer *a, enum genai_part_type type, int64_t index,
		       struct str id, struct str name);
void genai_answer_arguments(struct genai_work *w, struct genai_answer *a, int64_t index, struct str fragment);
/* What a tool of the server's was given, and what it gave, as parts have it: with their type. */
struct str genai_server_call(struct genai_work *w, struct str name, struct str input);
struct str genai_server_result(struct genai_work *w, struct str type, struct str content);
/* As a message of the assistant, with its hash; false: no memory. */
bool genai_answer_message(struct genai_work *w, const struct genai_answer *a, struct genai_message *m);
/* As the call's one output, with its finish reason in the provider's word and in OpenTelemetry's (p NULL: not said). */
void genai_answer_only(struct genai_work *w, const struct genai_answer *a, struct str theirs,
		       struct str otel);
/* What a decoder keeps whose answers have one message; NULL without memory. */
struct genai_single {
	struct genai_answer answer;
	struct str finish; /* the provider's word */
};
struct genai_single *genai_single_get(struct genai_work *w);
/* The decoder's finish; otel: the finish reason in OpenTelemetry's word. */
void genai_single_join(struct genai_work *w, struct str (*otel)(struct str theirs));

struct genai_finish_row {
	const char *theirs, *otel;
};
/* OpenTelemetry's word by a table; theirs where it has none. */
struct str genai_finish(const struct genai_finish_row *rows, size_t n, struct str theirs);

/* ---- history.c ---- */
struct genai_history;
/* The beginning of a body that is known. */
struct genai_known {
	struct str text;       /* the body without the messages that are known, in the scratch arena */
	struct record *record; /* NULL: nothing is known; valid until the next genai_history_keep */
	const struct genai_decoder *reader; /* w->reader of the request that it is from */
	struct hash128 said;   /* of the body, without a secret; known bytes are not hashed again */
	uint32_t marks, count; /* of its marks; of the messages before them */
	uint32_t elements;     /* of the list, before them */
	size_t array, resume;  /* text[array...] is body[resume...] */
};
struct genai_history *genai_history_new(void);
void genai_history_free(struct genai_history *h);
/* A fingerprint of the body, with a secret; fills w->blocks, by which genai_history_find goes. */
struct hash128 genai_history_digest(struct genai_work *w, struct str body);
bool genai_history_find(struct genai_work *w, const struct genai_decoder *d, struct str body,
			struct genai_known *out);
/* Puts the known messages before those that were read; they stay where they are until the call ends. false: no memory. */
bool genai_history_join(struct genai_work *w, const struct genai_known *known);
/* The call's memory goes. */
void genai_history_leave(struct genai_work *w);
/* Remembers the request; list: its messages as they were read, those known not among them. */
void genai_history_keep(struct genai_work *w, const struct genai_decoder *d, struct str body,
			const struct json *list, const struct genai_known *known);

/* ---- lane.c: calls whose messages go over one connection in both directions ---- */
struct genai_lane {
	struct genai *g;
	struct genai_work *up; /* the exchange that upgraded the connection */
	const struct genai_talk *talk;
	struct genai_work *first, *last; /* open calls, in the order of their beginnings */
	uint32_t count;			 /* calls so far */
	uint32_t open;
	void *state; /* the talk's, in the upgrade's arena: small, whatever goes over the lane */
};
/* How such a conversation is read. Adding one: a struct like this, and a row in lane.c. */
struct genai_talk {
	/* j: the message as JSON, in the scratch arena; NULL when it is none. */
	void (*message)(struct genai_lane *l, const struct http_ws_message *m, const struct json *j);
	/* Frees what `state` holds; may be NULL. */
	void (*close)(struct genai_lane *l);
};
/* A message on an upgraded exchange. */
void genai_lane_feed(struct genai_work *up, const struct http_ws_message *m);
/* The exchange ends, and with it every call that is open. */
void genai_lane_close(struct genai_work *up, enum http_end end);
/* A call begins with this message; body: what the decoder reads as its request. NULL: no memory, too many. */
struct genai_work *genai_lane_begin(struct genai_lane *l, const struct http_ws_message *m,
				    const struct genai_decoder *d, const struct json *body, struct str key);
/* The oldest open call with this key; NULL: none. */
struct genai_work *genai_lane_find(struct genai_lane *l, struct str key);
/* An event of a call; the call is over and gone when it was its last: true. */
bool genai_lane_event(struct genai_work *w, const struct http_ws_message *m, struct str type,
		      struct str data);

extern const struct genai_talk genai_talk_responses;
extern const struct genai_talk genai_talk_realtime;
extern const struct genai_talk genai_talk_gemini;

/* ---- rpc.c: calls by JSON-RPC 2.0, whatever carries them ---- */
struct genai_rpc_message {
	struct str method; /* p NULL: a response */
	const struct json *j, *id, *params, *result, *error;
};
/* When and where a message came. */
struct genai_rpc_at {
	uint64_t start_ns, ts_ns, offset, bytes;
	struct http_write write;
	uint32_t tid;
	bool from_server; /* of the two that speak */
};
/* A protocol on top of it. Everything in the messages is gone after the call: copy. */
struct genai_rpc_protocol {
	bool (*knows)(struct genai_work *w, const struct genai_rpc_message *m);
	/* Fills the call from its request. */
	void (*request)(struct genai_work *w, const struct genai_rpc_message *m,
			const struct genai_rpc_at *at);
	/* True: the call is over. */
	bool (*response)(struct genai_work *w, const struct genai_rpc_message *m,
			 const struct genai_rpc_at *at);
	/* The answer ended; may be NULL. */
	void (*finish)(struct genai_work *w);
};
struct genai_rpc {
	const struct genai_rpc_protocol *protocol;
	struct genai_work *prev, *next; /* of those that wait for an answer, oldest first */
	struct genai_work *same;	/* the next one that is known by the same key */
	struct {
		uint64_t scope, id, from_server;
	} key;
	uint64_t carrier; /* the scope of what it came over */
	bool waits;	  /* in the list */
	void *state;	  /* the protocol's */
};
extern const struct genai_rpc_protocol genai_rpc_mcp;
extern const struct genai_rpc_protocol genai_rpc_a2a;

/* A request's body is JSON-RPC of a protocol that we know, and the call is set up: true. */
bool genai_rpc_take(struct genai_work *w, const struct json *body);
/* An event of an answer that no call of its own waits for: a server's stream. */
void genai_rpc_listen(struct genai_work *w, const struct http_event *ev);
/* The exchange is over and its call is not: true when the answer will come by another way, and the call now owns
 * itself. */
bool genai_rpc_outlive(struct genai_work *w);
/* Whatever was said in this message on this connection; up: its exchange or pipe. */
void genai_rpc_dispatch(struct genai_work *up, const struct json *j, const struct genai_rpc_at *at);
/* Something that the server asks inside of an answer of its own, and what the client says to it in a request. */
void genai_rpc_ask(struct genai_work *up, const struct genai_rpc_message *m, uint64_t scope,
		   const struct genai_rpc_at *at);
void genai_rpc_tell(struct genai_work *up, uint64_t scope, const struct genai_rpc_message *m,
		    const struct genai_rpc_at *at);
/* The call is settled: nothing waits for its answer. */
void genai_rpc_settled(struct genai_work *w);
/* Status error from "error". */
void genai_rpc_error(struct genai_work *w, const struct json *error);
/* Calls of a connection that is gone, that only it could answer. */
void genai_rpc_abandon(struct genai_work *up, enum http_end end, uint64_t ts_ns);
void genai_rpc_fini(struct genai_rpc_table *t);
/* ---- a2a.c ---- */
void genai_a2a_fini(struct map *agents);
extern const struct genai_decoder genai_a2a_send; /* REST */
extern const struct genai_decoder genai_a2a_card;

/* ---- pipe.c ---- */
/* What http is to call with lines; its ctx is the struct genai. */
enum http_heard genai_pipe_hear(void *ctx, struct flow_conn *conn, void **user, const struct http_line *l);
void genai_pipe_end(void *ctx, struct flow_conn *conn, void *user, enum http_end end, uint64_t ts_ns);
enum genai_pipe_talk { GENAI_PIPE_UNKNOWN, GENAI_PIPE_RPC, GENAI_PIPE_AGENT, GENAI_PIPE_NOTHING };

/* ---- agent.c: an agent's program that speaks stream-json ---- */
struct genai_agent;
/* Whether a line is of that form. */
bool genai_agent_knows(struct genai_work *up, const struct json *j);
/* *agent is made with its first line. */
void genai_agent_feed(struct genai_agent **agent, struct genai_work *up, const struct genai_pipe_line *line,
		      const struct json *j);
/* NULL is fine. */
void genai_agent_free(struct genai_agent *agent, enum http_end end, uint64_t ts_ns);

/* ---- export.c ---- */
/* Other tracers' spans on their way: true, and says whose. */
bool genai_export_find(struct genai_work *w, struct str body);

/* ---- grpc.c ---- */
/* A request of gRPC: true, and the call says so. */
bool genai_grpc_find(struct genai_work *w, struct str body);
extern const struct genai_decoder genai_grpc;

/* ---- genai.c ---- */
struct genai_rpc_table **genai_rpc_table(struct genai *g);
/* Names of agents by who asked whom: a2a.c's. */
struct map **genai_agents(struct genai *g);
/* A call with an exchange of its own, which goes over the connection of `up`: its head, these times; told. NULL: no memory.
 * It lives in an arena of its own, which its owner frees after genai_end. */
struct genai_work *genai_work_part(struct genai_work *up, const struct genai_rpc_at *at);
/* A call for an exchange, told; NULL without memory. */
struct genai_work *genai_work_new(struct genai *g, struct http_exchange *x);
/* Tells that the request is understood, and that the call's memory goes. */
void genai_understood(struct genai_work *w);
void genai_end(struct genai_work *w);
/* The answer is whole: outputs are put together, and the call closed. */
void genai_finish_call(struct genai_work *w, uint64_t end_ns);
/* Closes the call with this status, once. */
void genai_settle(struct genai_work *w, enum genai_status status, uint64_t end_ns);
/* At the end of each callback that parses: nothing in the scratch arena is needed any more. */
void genai_scratch_trim(struct genai *g);
/* For nodes of JSON that are needed only until the current callback returns; NULL without memory. */
struct arena *genai_scratch(struct genai_work *w);
/* An empty buffer for building one text, valid until the next call; copy its result into the arena. */
struct buf *genai_text(struct genai_work *w);
/* The first content of a stream came. */
void genai_told_first(struct genai_work *w, uint64_t ts_ns);
/* A tool's result was heard outside of a request to a model. */
void genai_told_tool(struct genai_work *w, const struct genai_part *result, uint64_t ts_ns);
/* Marks the call broken unless it is. */
void genai_mark_broken(struct genai_work *w, enum wire_dir dir, uint64_t offset, const char *why);
/* Direction in which the server's bytes ran on this connection. */
enum wire_dir genai_answer_dir(const struct genai_work *w);
/* The data of an event as JSON; NULL when it is none (a call is marked broken when it was meant to be). */
const struct json *genai_event_json(struct genai_work *w, const struct http_event *ev);

/* ---- server.c ---- */
/* Path of a request target: no query, no scheme and authority. */
struct str genai_server_path(struct str target);
/* A piece of a path, percent-decoded, in the arena; STR_NONE: it is empty. */
struct str genai_server_unescape(struct genai_work *w, struct str s);
/* Of "host:port/path": the host; *port stays when none is given. */
struct str genai_server_split(struct str authority, uint16_t *port);
/* Fills server and port from SNI, Host and peer. */
void genai_server_read(struct genai_work *w);
/* The Date field, seconds since 1970; false: there is none. */
bool genai_server_date(const struct http_message *m, int64_t *unix_s);
/* "retry-after-ms", "retry-after" in seconds or as a date (against the answer's Date); 0: not said. */
uint64_t genai_server_retry_after(const struct http_message *m);

/* ---- provider.c ---- */
/* gen_ai.provider.name by host, p NULL: unknown. */
struct str genai_provider_find(struct str host, uint16_t port);
/* What the gateway says of itself in its answer's fields; p NULL: nothing. */
struct str genai_provider_gateway(const struct http_message *response);

/* ---- route.c ---- */
/* The decoder for a request by its path (no query), or NULL: then *note may say why a look-alike is none,
 * *no_model_call that it is by rule. */
const struct genai_decoder *genai_route_path(struct str method, struct str path, const char **note,
					     bool *no_model_call);
/* The decoder for a request whose path could not be read, by its body; NULL: not to be told. */
const struct genai_decoder *genai_route_shape(const struct genai_work *w, const struct json *body);
/* The model that a path names, for APIs that have it there; in the arena; STR_NONE: none. */
struct str genai_route_model(struct genai_work *w, struct str path);

/* ---- terms.c: what answers say of their price ---- */
/* A class of service as the answer names it; the last word counts. Words for the standard one say nothing. */
void genai_terms_class(struct genai_work *w, enum genai_class which, struct str word);
/* The members of an answer, or of one event of it, that usage does not hold. */
void genai_terms_read(struct genai_work *w, const struct json *body);
/* Dollars that the server charges, where its usage says so. */
void genai_terms_usage(struct genai_work *w, const struct json *usage);
/* The answer's fields. */
void genai_terms_fields(struct genai_work *w);

/* ---- estimate.c ---- */
/* Fills what is not known of usage, where it can be, and says so in c.estimated. The status is settled. */
void genai_estimate(struct genai_work *w);
/* Of one message, in hundredths of a token, what frames it included; -1: it holds what is no text. */
int64_t genai_estimate_message(const struct genai_message *m);

/* ---- error.c ---- */
/* Status error, with type and message of the body; the HTTP status where it has none. body may be NULL. */
void genai_error_read(struct genai_work *w, const struct json *body);

/* ---- param.c ---- */
struct genai_param_map {
	const char *member;  /* of the body */
	const char *key;     /* attribute */
	enum json_type type; /* a value of another type is left out */
};
/* Every member of the table that the body has, in the table's order; of doubled keys the first. */
void genai_param_read(struct genai_work *w, const struct json *body, const struct genai_param_map *map);
void genai_param_add(struct genai_work *w, const char *key, const struct json *value);
/* A value that is JSON already, in the arena or static. */
void genai_param_add_json(struct genai_work *w, const char *key, struct str json);
/* A text as JSON; an empty one is none. */
void genai_param_add_str(struct genai_work *w, const char *key, struct str s);
/* A count that is there and not negative; else *out stays. */
void genai_param_count(const struct json *j, int64_t *out);
/* ---- sound.c: sound on a lane, counted ---- */
#define GENAI_SOUND_TEXT 32
/* Bytes of a base64 string's JSON text. */
size_t genai_sound_size(const struct json *base64);
/* Bytes a second of a format by its name (Realtime's or a media type without parameters); samples: a second, of one
 * that may have any. 0: not known. */
uint32_t genai_sound_rate(struct str type, int64_t samples);
/* Of a media type with its parameters ("audio/pcm;rate=16000"). */
uint32_t genai_sound_rate_of(struct str mime);
/* rate: bytes a second, 0: not known. */
void genai_sound_add(struct genai_sound *s, size_t bytes, uint32_t rate);
void genai_sound_join(struct genai_sound *s, const struct genai_sound *more);
/* How long it is, as a JSON number to the microsecond: its length; 0: not known, or there is none. */
size_t genai_sound_seconds(const struct genai_sound *s, char out[GENAI_SOUND_TEXT]);
/* Says how much of it came before a lane's call, and how much the model spoke on it. */
void genai_sound_tell_heard(struct genai_work *w, const struct genai_sound *s);
void genai_sound_tell_said(struct genai_work *w);

/* ---- message.c ---- */
/* Decoded, and copied into the arena unless it lives in the exchange's own bytes; STR_NONE when it is no string. */
struct str genai_str(struct genai_work *w, const struct json *j);
/* As genai_str of a member, but STR_NONE when it is empty. */
struct str genai_prose(struct genai_work *w, const struct json *object, const char *member);
/* The same from a message that is gone after the callback, whatever its text looks like. */
struct str genai_copy(struct genai_work *w, const struct json *object, const char *member);
/* As genai_prose for ids, names and other words, of which a cut half says nothing: STR_NONE. */
struct str genai_word(struct genai_work *w, const struct json *object, const char *member);
/* The value written anew: compact, valid UTF-8, closed where it was cut. STR_NONE for an absent one. */
struct str genai_compact(struct genai_work *w, const struct json *j);
/* A function of the caller's, in OpenTelemetry's form of a tool's definition: `tool` has its name and, as a string, its
 * description. parameters NULL: it gives none. */
void genai_function_write(struct genai_work *w, struct jsonw *out, const struct json *tool,
			  const struct json *parameters);
/* As a JSON string. */
struct str genai_quote(struct genai_work *w, struct str s);
/* A text that should be JSON (a tool's arguments): compact, or as a JSON string when it is none. */
struct str genai_arguments(struct genai_work *w, struct str s);
/* Content of a tool's result: a string, texts joined, or the JSON as it is. */
struct str genai_result(struct genai_work *w, const struct json *content);
/* The texts of an array of {"text"} parts, joined; false when it holds anything else. */
bool genai_join_texts(struct genai_work *w, const struct json *array, struct str *out);
/* A data: URL becomes a blob, every other a uri. */
void genai_part_url(struct genai_part *p, const char *modality, struct str url);
/* Sets m->hash: role and parts without reasoning, adjacent texts as one, arguments compact. */
void genai_message_hash(struct genai_work *w, struct genai_message *m);

/* ---- the decoders ---- */
extern const struct genai_decoder genai_openai_chat;
extern const struct genai_decoder genai_openai_responses;
extern const struct genai_decoder genai_gemini;
extern const struct genai_decoder genai_interactions;
extern const struct genai_decoder genai_bedrock_converse;
extern const struct genai_decoder genai_bedrock_invoke;
extern const struct genai_decoder genai_cohere_chat;
extern const struct genai_decoder genai_cohere_command;
extern const struct genai_decoder genai_ollama_chat;
extern const struct genai_decoder genai_ollama_generate;
extern const struct genai_decoder genai_openai_completions;
extern const struct genai_decoder genai_mistral_fim;
extern const struct genai_decoder genai_watsonx_generation;
extern const struct genai_decoder genai_conversation;
extern const struct genai_decoder genai_anthropic_complete;
extern const struct genai_decoder genai_invoke_prompt;
extern const struct genai_decoder genai_embeddings;
extern const struct genai_decoder genai_cohere_embed;
extern const struct genai_decoder genai_gemini_embed;
extern const struct genai_decoder genai_ollama_embed;
extern const struct genai_decoder genai_rerank;
extern const struct genai_decoder genai_anthropic_messages;

#endif
