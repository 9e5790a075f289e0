# SPDX-License-Identifier: BSD-2-Clause
"""Anthropic Messages, at home and in Bedrock's InvokeModel."""
import json
import urllib.parse

from apis.base import Answer, Api, add, answered, arguments_of, message, number, taken, usage

PARAMS = {
    "temperature": "gen_ai.request.temperature", "max_tokens": "gen_ai.request.max_tokens",
    "top_p": "gen_ai.request.top_p", "top_k": "gen_ai.request.top_k",
    "stop_sequences": "gen_ai.request.stop_sequences",
}


def type_of(block):
    kind = block["type"]
    known = {"text": "text", "thinking": "reasoning", "tool_use": "tool_call", "tool_result": "tool_call_response",
             "server_tool_use": "server_tool_call"}
    if kind.endswith("_tool_result"):
        return "server_tool_call_response"
    return known.get(kind, kind)


def counts(told):
    fresh, read, made = (number(told.get(key)) for key in
                         ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"))
    return usage(input=None if fresh is None else add(fresh, read, made), output=number(told.get("output_tokens")),
                 cache_read=read, cache_creation=made,
                 reasoning=number((told.get("output_tokens_details") or {}).get("thinking_tokens")))


class Messages(Api):
    default = "anthropic"

    def params(self, asked):
        out = taken(asked, PARAMS)
        effort = (asked.get("output_config") or {}).get("effort")
        if effort:
            out["bottrace.request.reasoning_effort"] = effort
        return out

    def input(self, asked):
        rows = []
        for said in asked.get("messages", []):
            content = said["content"]
            if isinstance(content, str):
                content = [{"type": "text", "text": content}]
            types = [type_of(block) for block in content]
            role = "tool" if types and set(types) == {"tool_call_response"} else said["role"]
            text = "".join(block["text"] for block in content if block["type"] == "text")
            if role == "tool":
                for block in content:
                    inner = block.get("content") or ""
                    text += inner if isinstance(inner, str) else "".join(piece["text"] for piece in inner)
            rows.append(message(role, types, text))
        return rows

    def system(self, asked):
        system = asked.get("system")
        if isinstance(system, list):
            return "".join(block["text"] for block in system) or None
        return system

    def tools(self, asked):
        return [{"type": tool.get("type") or "function", "name": tool["name"]} for tool in asked.get("tools") or []]

    def whole(self, body, headers):
        answer = Answer()
        for block in body["content"]:
            if block["type"] == "text":
                answer.text += block["text"]
            elif block["type"] == "thinking":
                answer.reasoning += block["thinking"]
            elif block["type"] == "tool_use":
                answer.call(block["id"], block["name"], block["input"])
            else:
                answer.others.append(type_of(block))
        answer.finish = body["stop_reason"]
        return answered(id=body["id"], model=body["model"], answers=[answer], usage=counts(body["usage"]))

    def stream(self, events, headers):
        """Builds the whole message from its events, and reads that."""
        told, used, parts, error = None, {}, {}, None
        for _, data in events:
            event = json.loads(data)
            if event["type"] == "message_start":
                told = event["message"]
                used.update(told["usage"])
            elif event["type"] == "content_block_start":
                told["content"].append(event["content_block"])
            elif event["type"] == "content_block_delta":
                block, delta = told["content"][event["index"]], event["delta"]
                if delta["type"] == "text_delta":
                    block["text"] += delta["text"]
                elif delta["type"] == "thinking_delta":
                    block["thinking"] += delta["thinking"]
                elif delta["type"] == "input_json_delta":
                    parts[event["index"]] = parts.get(event["index"], "") + delta["partial_json"]
            elif event["type"] == "message_delta":
                told.update(event["delta"])
                used.update(event["usage"])
            elif event["type"] == "error":
                error = event
                break
        for index, text in parts.items():
            told["content"][index]["input"] = arguments_of(text or "{}")
        told["usage"] = used
        out = {**self.whole(told, headers), "error": error}
        if not told["content"] and told["stop_reason"] is None:
            out["answers"] = []  # nothing was said
        return out


class Invoke(Messages):
    """POST /model/MODEL/invoke: the model's own body, the model's name in the path."""

    default = "aws.bedrock"

    def model(self, path, asked):
        return urllib.parse.unquote(path.split("/")[2])

    def streamed(self, path, asked):
        return path.endswith("-response-stream")
