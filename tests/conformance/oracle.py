#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What recorded exchanges with model servers say, read by the plainest means: the second opinion on the decoders.

    oracle.py DIR > wire.table.json     one row for every exchange in DIR that speaks Chat Completions or Messages

DIR holds NAME.req and NAME.resp (raw HTTP/1.1, identity, Content-Length or to the end of the file) and INDEX.json
(name, host). Shares nothing with the decoders. Long texts are kept as their length and SHA-256.
"""
import hashlib
import json
import pathlib
import sys

LONG = 72

PROVIDERS = {  # host, or the end of one: gen_ai.provider.name
    "api.openai.com": "openai", ".openai.azure.com": "azure.ai.openai", "api.anthropic.com": "anthropic",
    "bedrock-mantle.us-east-1.api.aws": "aws.bedrock", "api.cerebras.ai": "cerebras", "api.deepseek.com": "deepseek",
    "generativelanguage.googleapis.com": "gcp.gemini", "api.groq.com": "groq", "router.huggingface.co": "huggingface",
    "api.mistral.ai": "mistral_ai", "localhost:11434": "ollama", "openrouter.ai": "openrouter", "api.z.ai": "zai",
}


def provider_of(host, default):
    for end, name in PROVIDERS.items():
        if host == end or (end[0] == "." and host.endswith(end)):
            return name
    return default


def split_http(raw):
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    headers = {}
    for field in fields:
        key, _, value = field.partition(":")
        headers.setdefault(key.strip().lower(), value.strip())
    if "content-length" in headers:
        body = body[:int(headers["content-length"])]
    return first, headers, body


def events_of(body):
    """text/event-stream: (event, data) pairs."""
    text = body.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    for block in text.split("\n\n"):
        name, data = "", []
        for line in block.split("\n"):
            if line.startswith("event:"):
                name = line[6:].lstrip(" ")
            elif line.startswith("data:"):
                data.append(line[6:] if line.startswith("data: ") else line[5:])
        if data:
            yield name, "\n".join(data)


def short(text):
    """Texts as they are, long ones as a fingerprint."""
    if text is None or len(text) <= LONG:
        return text
    raw = text.encode("utf-8")
    return {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}


def arguments_of(text):
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def number(*path):
    """First of several counts that is there."""
    for value in path:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def error_of(body, status):
    if not isinstance(body, dict):
        body = {}
    error = body.get("error")
    if isinstance(error, str):
        return {"type": str(status), "message": error}
    if not isinstance(error, dict):
        error = body if "message" in body else {}
    kind = error.get("type") or error.get("code") or status
    return {"type": str(kind), "message": error.get("message")}


class Answer:
    """One choice."""

    def __init__(self):
        self.text, self.reasoning, self.tools, self.finish = "", "", [], None

    def row(self):
        return {"text": short(self.text), "reasoning": short(self.reasoning), "tool_calls": self.tools,
                "finish_reason": self.finish}


# ---- OpenAI Chat Completions ----

OPENAI_PARAMS = {
    "temperature": "gen_ai.request.temperature", "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens", "top_p": "gen_ai.request.top_p",
    "seed": "gen_ai.request.seed", "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty", "stop": "gen_ai.request.stop_sequences",
    "service_tier": "openai.request.service_tier", "reasoning_effort": "bottrace.request.reasoning_effort",
}


def openai_params(body):
    out = {"openai.api.type": "chat_completions"}
    for key, name in OPENAI_PARAMS.items():
        value = body.get(key)
        if value is not None:
            out[name] = [value] if key == "stop" and isinstance(value, str) else value
    if body.get("n") not in (None, 1):
        out["gen_ai.request.choice.count"] = body["n"]
    kind = (body.get("response_format") or {}).get("type")
    if kind:
        out["gen_ai.output.type"] = "json" if kind.startswith("json") else "text"
    return out


def openai_content(content):
    """(text, reasoning, part types) of a message's content."""
    text, reasoning, types = "", "", []
    if isinstance(content, str):
        return content, "", ["text"] if content else []
    for part in content or []:
        kind = part["type"]
        if kind == "text":
            text += part["text"]
        elif kind == "thinking":
            reasoning += "".join(piece["text"] for piece in part["thinking"])
            kind = "reasoning"
        elif kind == "image_url":
            kind = "blob" if part["image_url"]["url"].startswith("data:") else "uri"
        types.append(kind)
    return text, reasoning, types


def openai_tool(call):
    function = call.get("function") or {}
    return {"id": call.get("id") or None, "name": function.get("name"),
            "arguments": arguments_of(function.get("arguments"))}


def openai_input(body):
    rows = []
    for message in body.get("messages", []):
        text, _, types = openai_content(message.get("content"))
        if message["role"] == "tool":
            rows.append({"role": "tool", "parts": ["tool_call_response"], "text": short(text)})
            continue
        if message.get("reasoning_content"):
            types.insert(0, "reasoning")
        types += ["tool_call"] * len(message.get("tool_calls") or [])
        rows.append({"role": message["role"], "parts": types, "text": short(text)})
    return rows


def openai_tools(body):
    return [{"type": "function", "name": tool["function"]["name"]} for tool in body.get("tools") or []]


def openai_usage(usage):
    usage = usage or {}
    inside, outside = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    return {"input": number(usage.get("prompt_tokens")), "output": number(usage.get("completion_tokens")),
            "cache_read": number(inside.get("cached_tokens"), usage.get("prompt_cache_hit_tokens")),
            "cache_creation": number(inside.get("cache_write_tokens")),
            "reasoning": number(outside.get("reasoning_tokens"))}


def openai_whole(body):
    answers = []
    for choice in body.get("choices") or []:
        message, answer = choice["message"], Answer()
        answer.text, answer.reasoning, _ = openai_content(message.get("content"))
        answer.reasoning += message.get("reasoning_content") or message.get("reasoning") or ""
        answer.tools = [openai_tool(call) for call in message.get("tool_calls") or []]
        answer.finish = choice["finish_reason"]
        answers.append(answer)
    return {"id": body.get("id"), "model": body.get("model"), "answers": answers,
            "usage": openai_usage(body.get("usage")), "tier": body.get("service_tier"),
            "fingerprint": body.get("system_fingerprint"), "error": body if body.get("error") else None}


def openai_stream(body):
    out = {"id": None, "model": None, "usage": openai_usage(None), "tier": None, "fingerprint": None, "error": None}
    answers, fragments = {}, {}
    for _, data in events_of(body):
        if data.strip() == "[DONE]":
            break
        chunk = json.loads(data)
        for key, member in (("id", "id"), ("model", "model"), ("tier", "service_tier"),
                            ("fingerprint", "system_fingerprint")):
            out[key] = out[key] or chunk.get(member) or None
        if chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage"):
            out["usage"] = openai_usage(chunk.get("usage") or chunk["x_groq"]["usage"])
        for choice in chunk.get("choices") or []:
            answer = answers.setdefault(choice["index"], Answer())
            delta = choice.get("delta") or {}
            text, thought, _ = openai_content(delta.get("content"))
            answer.text += text
            answer.reasoning += thought + (delta.get("reasoning_content") or delta.get("reasoning") or "")
            for call in delta.get("tool_calls") or []:
                whole = fragments.setdefault((choice["index"], call["index"]), {"id": None, "name": None, "text": ""})
                function = call.get("function") or {}
                whole["id"] = whole["id"] or call.get("id")
                whole["name"] = whole["name"] or function.get("name")
                whole["text"] += function.get("arguments") or ""
            answer.finish = answer.finish or choice.get("finish_reason")
        if chunk.get("error"):  # the SDKs raise here, whatever came before
            out["error"] = chunk
            break
    for (index, _), whole in sorted(fragments.items()):
        answers[index].tools.append({"id": whole["id"], "name": whole["name"],
                                     "arguments": arguments_of(whole["text"])})
    out["answers"] = [answers[index] for index in sorted(answers)]
    return out


# ---- Anthropic Messages ----

ANTHROPIC_PARAMS = {
    "temperature": "gen_ai.request.temperature", "max_tokens": "gen_ai.request.max_tokens",
    "top_p": "gen_ai.request.top_p", "top_k": "gen_ai.request.top_k",
    "stop_sequences": "gen_ai.request.stop_sequences",
}


def anthropic_params(body):
    out = {name: body[key] for key, name in ANTHROPIC_PARAMS.items() if body.get(key) is not None}
    effort = (body.get("output_config") or {}).get("effort")
    if effort:
        out["bottrace.request.reasoning_effort"] = effort
    return out


def anthropic_type(block):
    kind = block["type"]
    known = {"text": "text", "thinking": "reasoning", "tool_use": "tool_call", "tool_result": "tool_call_response",
             "server_tool_use": "server_tool_call"}
    if kind.endswith("_tool_result"):
        return "server_tool_call_response"
    return known.get(kind, kind)


def anthropic_input(body):
    rows = []
    for message in body.get("messages", []):
        content = message["content"]
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        types = [anthropic_type(block) for block in content]
        role = "tool" if types and set(types) == {"tool_call_response"} else message["role"]
        text = "".join(block["text"] for block in content if block["type"] == "text")
        if role == "tool":
            for block in content:
                inner = block.get("content") or ""
                text += inner if isinstance(inner, str) else "".join(piece["text"] for piece in inner)
        rows.append({"role": role, "parts": types, "text": short(text)})
    return rows


def anthropic_tools(body):
    return [{"type": tool.get("type") or "function", "name": tool["name"]} for tool in body.get("tools") or []]


def anthropic_usage(usage):
    fresh, read, made = (number(usage.get(key)) for key in
                         ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"))
    return {"input": None if fresh is None else fresh + (read or 0) + (made or 0),
            "output": number(usage.get("output_tokens")), "cache_read": read, "cache_creation": made,
            "reasoning": number((usage.get("output_tokens_details") or {}).get("thinking_tokens"))}


def anthropic_whole(body):
    answer = Answer()
    for block in body["content"]:
        if block["type"] == "text":
            answer.text += block["text"]
        elif block["type"] == "thinking":
            answer.reasoning += block["thinking"]
        elif block["type"] == "tool_use":
            answer.tools.append({"id": block["id"], "name": block["name"], "arguments": block["input"]})
    answer.finish = body["stop_reason"]
    return {"id": body["id"], "model": body["model"], "answers": [answer], "usage": anthropic_usage(body["usage"]),
            "tier": None, "fingerprint": None, "error": None}


def anthropic_stream(body):
    """Builds the whole message from its events, and reads that."""
    message, usage, parts = None, {}, {}
    for _, data in events_of(body):
        event = json.loads(data)
        if event["type"] == "message_start":
            message = event["message"]
            usage.update(message["usage"])
        elif event["type"] == "content_block_start":
            message["content"].append(event["content_block"])
        elif event["type"] == "content_block_delta":
            block, delta = message["content"][event["index"]], event["delta"]
            if delta["type"] == "text_delta":
                block["text"] += delta["text"]
            elif delta["type"] == "thinking_delta":
                block["thinking"] += delta["thinking"]
            elif delta["type"] == "input_json_delta":
                parts[event["index"]] = parts.get(event["index"], "") + delta["partial_json"]
        elif event["type"] == "message_delta":
            message.update(event["delta"])
            usage.update(event["usage"])
    for index, text in parts.items():
        message["content"][index]["input"] = arguments_of(text or "{}")
    message["usage"] = usage
    return anthropic_whole(message)


# ---- rows ----

APIS = {
    "/chat/completions": ("openai", openai_params, openai_input, openai_tools, openai_whole, openai_stream),
    "/v1/messages": ("anthropic", anthropic_params, anthropic_input, anthropic_tools, anthropic_whole,
                     anthropic_stream),
}


def deployment(path):
    parts = path.split("/")
    return parts[parts.index("deployments") + 1] if "deployments" in parts else None


def row_of(name, host, request, response):
    first, _, body = split_http(request)
    target = first.split(" ")[1]
    path = target.partition("?")[0]
    status_line, headers, answer = split_http(response)
    status = int(status_line.split(" ")[1])
    row = {"name": name, "host": host, "path": path, "status_code": status}
    if path.endswith("/count_tokens"):
        return {**row, "kind": "http"}
    api = next((api for end, api in APIS.items() if path.endswith(end)), None)
    if api is None or not first.startswith("POST "):
        return None
    default, params, inputs, tools, whole, stream = api
    asked = json.loads(body) if body else {}
    row.update(kind="chat", provider=provider_of(host, default), request_model=asked.get("model") or deployment(path),
               stream=bool(asked.get("stream")), params=params(asked) if body else params({}), input=inputs(asked),
               system=short(asked.get("system")) if isinstance(asked.get("system"), str) else None,
               tools=tools(asked))
    if status >= 400:
        return {**row, "status": "error", "error": error_of(json.loads(answer), status), "outputs": [], "usage": None}
    if headers.get("content-type", "").startswith("text/event-stream"):
        read = stream(answer)
    else:
        read = whole(json.loads(answer))
    for key, name in (("tier", "openai.response.service_tier"), ("fingerprint", "openai.response.system_fingerprint")):
        if read[key]:
            row["params"][name] = read[key]
    error = error_of(read["error"], "_OTHER") if read["error"] else None
    row.update(status="error" if error else "ok", error=error, response_id=read["id"], response_model=read["model"],
               outputs=[answer.row() for answer in read["answers"]], usage=read["usage"])
    return row


def main():
    where = pathlib.Path(sys.argv[1])
    rows = []
    for entry in sorted(json.loads((where / "INDEX.json").read_text()), key=lambda entry: entry["name"]):
        request, response = (where / (entry["name"] + end) for end in (".req", ".resp"))
        row = row_of(entry["name"], entry["host"], request.read_bytes(), response.read_bytes())
        if row:
            rows.append(row)
    print("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]")


if __name__ == "__main__":
    main()
