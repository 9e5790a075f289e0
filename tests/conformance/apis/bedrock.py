# SPDX-License-Identifier: BSD-2-Clause
"""Bedrock's Converse and ConverseStream."""
import json
import urllib.parse

from apis.base import Answer, Api, add, answered, arguments_of, eventstream, message, number, taken, told, usage

PARAMS = {"temperature": "gen_ai.request.temperature", "topP": "gen_ai.request.top_p",
          "maxTokens": "gen_ai.request.max_tokens", "stopSequences": "gen_ai.request.stop_sequences"}


def result_of(content):
    """A tool's result: texts joined, one JSON as it is, else the list."""
    if all("text" in part for part in content):
        return "".join(part["text"] for part in content)
    if len(content) == 1 and "json" in content[0]:
        return content[0]["json"]
    return content


def part_of(part):
    """(type, text); cache points are no content."""
    if "text" in part:
        return "text", part["text"]
    if "toolUse" in part:
        return "server_tool_call" if part["toolUse"].get("type") == "server_tool_use" else "tool_call", ""
    if "toolResult" in part:
        kind = "server_tool_call_response" if "type" in part["toolResult"] else "tool_call_response"
        return kind, told(result_of(part["toolResult"]["content"]))
    if "reasoningContent" in part:
        thought = part["reasoningContent"]
        return "reasoning", (thought.get("reasoningText") or thought).get("text") or ""
    for kind in ("image", "video", "document"):
        if kind in part:
            return "blob" if "bytes" in part[kind]["source"] else "uri", ""
    return next(iter(part)), ""


def is_content(kind, text):
    return kind != "cachePoint" and (text or kind not in ("text", "reasoning"))


def counts(used):
    fresh, read, made = (number(used.get(key)) for key in
                         ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"))
    return usage(input=None if fresh is None else add(fresh, read, made), output=number(used.get("outputTokens")),
                 cache_read=read, cache_creation=made)


class Converse(Api):
    default = "aws.bedrock"
    frames = staticmethod(eventstream)

    def model(self, path, asked):
        return urllib.parse.unquote(path.split("/")[2])

    def streamed(self, path, asked):
        return path.endswith("/converse-stream")

    def params(self, asked):
        return taken(asked.get("inferenceConfig") or {}, PARAMS)

    def input(self, asked):
        rows = []
        for said in asked.get("messages") or []:
            parts = [(kind, text) for kind, text in map(part_of, said["content"]) if is_content(kind, text)]
            types = [kind for kind, _ in parts]
            role = "tool" if types and set(types) == {"tool_call_response"} else said["role"]
            rows.append(message(role, types, "".join(
                text for kind, text in parts if kind == "text" or (role == "tool" and kind == "tool_call_response"))))
        return rows

    def system(self, asked):
        return "".join(part.get("text", "") for part in asked.get("system") or []) or None

    def tools(self, asked):
        return [{"type": "function", "name": tool["toolSpec"]["name"]}
                for tool in (asked.get("toolConfig") or {}).get("tools") or [] if "toolSpec" in tool]

    def whole(self, body, headers):
        answer = Answer()
        for part in body["output"]["message"]["content"]:
            kind, text = part_of(part)
            if kind == "text":
                answer.text += text
            elif kind == "reasoning":
                answer.reasoning += text
            elif kind == "tool_call":
                answer.call(part["toolUse"]["toolUseId"], part["toolUse"]["name"], part["toolUse"]["input"])
            elif is_content(kind, text):
                answer.others.append(kind)
        answer.finish = body["stopReason"]
        return answered(answers=[answer], usage=counts(body["usage"]))

    def stream(self, events, headers):
        """Builds the whole answer from its events, and reads that."""
        blocks, out = {}, {"usage": {}, "stopReason": None}
        for name, data in events:
            event = json.loads(data)
            block = blocks.setdefault(event["contentBlockIndex"], {}) if "contentBlockIndex" in event else None
            if name == "contentBlockStart":
                block.update(event["start"])
            elif name == "contentBlockDelta":
                delta = event["delta"]
                if "toolUse" in delta:
                    block["toolUse"]["input"] = block["toolUse"].get("input", "") + delta["toolUse"]["input"]
                elif "toolResult" in delta:
                    block["toolResult"].setdefault("content", []).extend(delta["toolResult"])
                elif "reasoningContent" in delta:
                    thought = block.setdefault("reasoningContent", {"text": ""})
                    thought["text"] += delta["reasoningContent"].get("text", "")
                elif "text" in delta:
                    block["text"] = block.get("text", "") + delta["text"]
            elif name == "messageStop":
                out["stopReason"] = event["stopReason"]
            elif name == "metadata":
                out["usage"] = event["usage"]
        content = [blocks[index] for index in sorted(blocks) if blocks[index]]
        for block in content:
            if "toolUse" in block:
                block["toolUse"]["input"] = arguments_of(block["toolUse"].get("input", "{}"))
        return self.whole({**out, "output": {"message": {"content": content}}}, headers)
