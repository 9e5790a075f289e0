# SPDX-License-Identifier: BSD-2-Clause
"""OpenAI Responses. Items become messages: what the model says and asks for in a row is one message of the assistant."""
import json

from apis.base import Answer, Api, answered, message, number, taken, told, usage

PARAMS = {
    "temperature": "gen_ai.request.temperature", "max_output_tokens": "gen_ai.request.max_tokens",
    "top_p": "gen_ai.request.top_p", "service_tier": "openai.request.service_tier",
    "background": "bottrace.request.background", "previous_response_id": "bottrace.request.previous_response_id",
}
ENDS = ("response.completed", "response.failed", "response.incomplete", "response.cancelled")


def parts_of(content):
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    for part in content or []:
        if "text" in part["type"] and part["text"]:
            yield "text", part["text"]
        elif part["type"] == "refusal":
            yield "text", part["refusal"]
        elif "text" not in part["type"]:
            yield part["type"], ""


def pieces_of(item):
    """(role, part type, text or call) of an item."""
    kind = item.get("type") or "message"
    if kind == "message":
        yield from ((item["role"], *part) for part in parts_of(item["content"]))
    elif kind == "reasoning":
        thoughts = [part["text"] for part in (item.get("summary") or []) + (item.get("content") or []) if part["text"]]
        if thoughts:
            yield "assistant", "reasoning", "\n\n".join(thoughts)
    elif kind == "function_call":
        yield "assistant", "tool_call", item
    elif kind.endswith("_call_output"):
        yield "tool", "tool_call_response", told(item["output"])
    elif kind.endswith("_call"):
        yield "assistant", "server_tool_call", ""
    else:
        yield "assistant", kind, ""


def turns_of(items):
    """[role, [(part type, text or call)]] of messages."""
    turns = []
    for item in items:
        first = True
        for role, kind, value in pieces_of(item):
            joined = turns and turns[-1][0] == role and (role == "assistant" or not first)
            if not joined:
                turns.append([role, []])
            turns[-1][1].append((kind, value))
            first = False
    return turns


class Responses(Api):
    default = "openai"

    def params(self, asked):
        out = {"openai.api.type": "responses", **taken(asked, PARAMS)}
        effort = (asked.get("reasoning") or {}).get("effort")
        kind = ((asked.get("text") or {}).get("format") or {}).get("type")
        if effort:
            out["bottrace.request.reasoning_effort"] = effort
        if kind:
            out["gen_ai.output.type"] = "json" if kind.startswith("json") else "text"
        return out

    def input(self, asked):
        given = asked.get("input") or []
        if isinstance(given, str):
            return [message("user", ["text"], given)]
        return [message(role, [kind for kind, _ in parts],
                        "".join(value for kind, value in parts if kind in ("text", "tool_call_response")))
                for role, parts in turns_of(given)]

    def system(self, asked):
        return asked.get("instructions") or None

    def tools(self, asked):
        return [{"type": tool["type"], "name": tool.get("name")} for tool in asked.get("tools") or []]

    def whole(self, body, headers):
        answers, used = [], body.get("usage") or {}
        for _, parts in turns_of(body["output"]):
            answer = Answer()
            for kind, value in parts:
                if kind == "text":
                    answer.text += value
                elif kind == "reasoning":
                    answer.reasoning += value
                elif kind == "tool_call":
                    answer.call(value["call_id"], value["name"], value["arguments"])
                else:
                    answer.others.append(kind)
            answers.append(answer)
        if answers:
            answers[-1].finish = self.finish(body, answers)
        return answered(
            id=body["id"], model=body.get("model"), answers=answers, tier=body.get("service_tier"),
            error=body if body.get("error") else None,
            usage=usage(input=number(used.get("input_tokens")), output=number(used.get("output_tokens")),
                        cache_read=number((used.get("input_tokens_details") or {}).get("cached_tokens")),
                        cache_creation=number((used.get("input_tokens_details") or {}).get("cache_write_tokens")),
                        reasoning=number((used.get("output_tokens_details") or {}).get("reasoning_tokens"))))

    @staticmethod
    def finish(body, answers):
        """The API has no word for it: what the status and the items mean in chat's."""
        status = body.get("status")
        if status == "incomplete":
            return "content_filter" if body["incomplete_details"]["reason"] == "content_filter" else "length"
        if status in (None, "queued", "in_progress"):
            return None
        if status in ("failed", "cancelled"):
            return "error"
        return "tool_call" if any(answer.tools for answer in answers) else "stop"

    def stream(self, events, headers):
        """The last event has everything; where it leaves the output out, the items that were done."""
        done = {}
        for _, data in events:
            event = json.loads(data)
            if event["type"] == "response.output_item.done":
                done[event["output_index"]] = event["item"]
            elif event["type"] in ENDS:
                told = event["response"]
                return self.whole({**told, "output": told.get("output") or [done[i] for i in sorted(done)]}, headers)
        raise ValueError("no last event")
