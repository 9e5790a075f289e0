# SPDX-License-Identifier: BSD-2-Clause
"""Cohere's v2 chat and embed. What is billed is the usage; cached tokens are no part of it."""
import json

from apis.base import Answer, Api, answered, number, taken, usage
from apis.openai import content_of, messages, take_calls

PARAMS = {
    "temperature": "gen_ai.request.temperature", "p": "gen_ai.request.top_p", "k": "gen_ai.request.top_k",
    "max_tokens": "gen_ai.request.max_tokens", "seed": "gen_ai.request.seed",
    "frequency_penalty": "gen_ai.request.frequency_penalty", "presence_penalty": "gen_ai.request.presence_penalty",
    "stop_sequences": "gen_ai.request.stop_sequences",
}


def counts(told):
    billed = (told or {}).get("billed_units") or {}
    return usage(input=number(billed.get("input_tokens")), output=number(billed.get("output_tokens")))


class Chat(Api):
    default = "cohere"
    input = staticmethod(messages)

    def params(self, asked):
        out = taken(asked, PARAMS)
        if (asked.get("response_format") or {}).get("type") == "json_object":
            out["gen_ai.output.type"] = "json"
        return out

    def tools(self, asked):
        return [{"type": "function", "name": tool["function"]["name"]} for tool in asked.get("tools") or []]

    def whole(self, body, headers):
        answer, said = Answer(), body["message"]
        answer.text, thought, _ = content_of(said.get("content"))
        answer.reasoning = (said.get("tool_plan") or "") + thought
        take_calls(answer, said.get("tool_calls"))
        answer.finish = body["finish_reason"]
        return answered(id=body["id"], answers=[answer], usage=counts(body["usage"]))

    def stream(self, events, headers):
        answer, calls, out = Answer(), {}, answered()
        for _, data in events:
            event = json.loads(data)
            delta = event.get("delta") or {}
            said = delta.get("message") or {}
            if event["type"] == "message-start":
                out["id"] = event["id"]
            elif event["type"] == "tool-plan-delta":
                answer.reasoning += said["tool_plan"]
            elif event["type"] == "tool-call-start":
                calls[event["index"]] = said["tool_calls"]
            elif event["type"] == "tool-call-delta":
                calls[event["index"]]["function"]["arguments"] += said["tool_calls"]["function"]["arguments"]
            elif event["type"] in ("content-start", "content-delta"):
                answer.text += said["content"].get("text") or ""
                answer.reasoning += said["content"].get("thinking") or ""
            elif event["type"] == "message-end":
                answer.finish, out["usage"] = delta["finish_reason"], counts(delta["usage"])
        take_calls(answer, [calls[index] for index in sorted(calls)])
        return {**out, "answers": [answer]}


class Embed(Api):
    kind = operation = "embeddings"
    default = "cohere"

    def params(self, asked):
        return taken(asked, {"embedding_types": "gen_ai.request.encoding_formats",
                             "output_dimension": "gen_ai.embeddings.dimension.count"})

    def whole(self, body, headers):
        return answered(id=body.get("id"), usage=counts(body.get("meta")))
