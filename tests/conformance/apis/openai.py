# SPDX-License-Identifier: BSD-2-Clause
"""OpenAI Chat Completions and those who speak it."""
import json

from apis.base import Answer, Api, answered, message, number, taken, usage

PARAMS = {
    "temperature": "gen_ai.request.temperature", "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens", "top_p": "gen_ai.request.top_p",
    "seed": "gen_ai.request.seed", "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty", "stop": "gen_ai.request.stop_sequences",
    "service_tier": "openai.request.service_tier", "reasoning_effort": "bottrace.request.reasoning_effort",
}


def params(body):
    out = {"openai.api.type": "chat_completions", **taken(body, PARAMS)}
    if isinstance(body.get("stop"), str):
        out["gen_ai.request.stop_sequences"] = [body["stop"]]
    if body.get("n") not in (None, 1):
        out["gen_ai.request.choice.count"] = body["n"]
    kind = (body.get("response_format") or {}).get("type")
    if kind:
        out["gen_ai.output.type"] = "json" if kind.startswith("json") else "text"
    return out


def content_of(content):
    """(text, reasoning, part types) of a message's content."""
    text, reasoning, types = "", "", []
    if isinstance(content, str):
        return content, "", ["text"] if content else []
    for part in content or []:
        kind = part["type"]
        if kind == "text":
            text += part["text"]
        elif kind == "thinking":
            thinking = part["thinking"]  # Mistral: a list of texts; Cohere: a text
            reasoning += thinking if isinstance(thinking, str) else "".join(piece["text"] for piece in thinking)
            kind = "reasoning"
        elif kind == "image_url":
            kind = "blob" if part["image_url"]["url"].startswith("data:") else "uri"
        types.append(kind)
    return text, reasoning, types


def messages(body):
    rows = []
    for said in body.get("messages", []):
        text, _, types = content_of(said.get("content"))
        if said["role"] == "tool":
            rows.append(message("tool", ["tool_call_response"], text))
            continue
        if said.get("reasoning_content"):
            types.insert(0, "reasoning")
        types += ["tool_call"] * len(said.get("tool_calls") or [])
        rows.append(message(said["role"], types, text))
    return rows


def counts(told):
    told = told or {}
    inside, outside = told.get("prompt_tokens_details") or {}, told.get("completion_tokens_details") or {}
    return usage(input=number(told.get("prompt_tokens")), output=number(told.get("completion_tokens")),
                 cache_read=number(inside.get("cached_tokens"), told.get("prompt_cache_hit_tokens")),
                 cache_creation=number(inside.get("cache_write_tokens")),
                 reasoning=number(outside.get("reasoning_tokens")))


def take_calls(answer, calls):
    for call in calls or []:
        function = call.get("function") or {}
        answer.call(call.get("id"), function.get("name"), function.get("arguments"))


class Chat(Api):
    default = "openai"
    params = staticmethod(params)
    input = staticmethod(messages)

    def model(self, path, asked):
        parts = path.split("/")
        return asked.get("model") or (parts[parts.index("deployments") + 1] if "deployments" in parts else None)

    def tools(self, asked):
        return [{"type": "function", "name": tool["function"]["name"]} for tool in asked.get("tools") or []]

    def whole(self, body, headers):
        answers = []
        for choice in body.get("choices") or []:
            said, answer = choice["message"], Answer()
            answer.text, answer.reasoning, _ = content_of(said.get("content"))
            answer.reasoning += said.get("reasoning_content") or said.get("reasoning") or ""
            take_calls(answer, said.get("tool_calls"))
            answer.finish = choice["finish_reason"]
            answers.append(answer)
        return answered(id=body.get("id"), model=body.get("model"), answers=answers, usage=counts(body.get("usage")),
                        tier=body.get("service_tier"), fingerprint=body.get("system_fingerprint"),
                        error=body if body.get("error") else None)

    def stream(self, events, headers):
        out, answers, fragments = answered(), {}, {}
        for _, data in events:
            if data.strip() == "[DONE]":
                break
            chunk = json.loads(data)
            for key, member in (("id", "id"), ("model", "model"), ("tier", "service_tier"),
                                ("fingerprint", "system_fingerprint")):
                out[key] = out[key] or chunk.get(member) or None
            if chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage"):
                out["usage"] = counts(chunk.get("usage") or chunk["x_groq"]["usage"])
            for choice in chunk.get("choices") or []:
                self.delta(answers.setdefault(choice["index"], Answer()), choice, fragments)
            if chunk.get("error"):  # the SDKs raise here, whatever came before
                out["error"] = chunk
                break
        for (index, _), whole in sorted(fragments.items()):
            answers[index].call(whole["id"], whole["name"], whole["text"])
        out["answers"] = [answers[index] for index in sorted(answers)]
        return out

    @staticmethod
    def delta(answer, choice, fragments):
        delta = choice.get("delta") or {}
        text, thought, _ = content_of(delta.get("content"))
        answer.text += text
        answer.reasoning += thought + (delta.get("reasoning_content") or delta.get("reasoning") or "")
        for call in delta.get("tool_calls") or []:
            whole = fragments.setdefault((choice["index"], call["index"]), {"id": None, "name": None, "text": ""})
            function = call.get("function") or {}
            whole["id"] = whole["id"] or call.get("id")
            whole["name"] = whole["name"] or function.get("name")
            whole["text"] += function.get("arguments") or ""
        answer.finish = answer.finish or choice.get("finish_reason")
