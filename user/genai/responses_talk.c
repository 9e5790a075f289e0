/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Responses over a WebSocket: {"type": "response.create", ...body of POST /responses..., "stream_id"?} asks, and the events
 * of a stream answer, each with the same stream_id. Without one, answers come in the order of the requests.
 */
#include "genai/responses.h"

static void message(struct genai_lane *l, const struct http_ws_message *m, const struct json *j)
{
	struct arena *scratch = genai_scratch(l->up);
	struct str type = json_get_str(scratch, j, "type"), key = json_get_str(scratch, j, "stream_id");
	bool asks = (m->dir == WIRE_WRITE) != l->up->c.x->server_side;
	struct genai_work *w;

	if (asks) {
		const struct json *body = json_get(j, "response");

		/* Some clients put the body below "response". */
		if (json_type(body) != JSON_OBJECT)
			body = j;
		if (str_eq(type, STR("response.create")))
			(void)genai_lane_begin(l, m, &genai_openai_responses, body, key);
		return;
	}
	w = genai_lane_find(l, key);
	if (w != NULL)
		(void)genai_lane_event(w, m, type, m->data);
}

const struct genai_talk genai_talk_responses = {.message = message};
