# SPDX-License-Identifier: BSD-2-Clause
"""The providers' own clients against servers that speak their formats: bytes equal, the tree equal to the script, the
program unchanged.

`make test` takes one mode of each client; `make test-providers` all, and LiteLLM, as a library and as a proxy."""
import json
import os
import struct
import sys
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, json_answer, openai as chat_answer, sse  # noqa: E402
from rig.server import Answer, PlainServer, Server  # noqa: E402
from rig.wire import Http2Server, SocketServer  # noqa: E402

CLIENT = Path(__file__).resolve().parent / "clients" / "provider.py"
PROXIED = CLIENT.with_name("proxied.py")
ALL = os.environ.get("TEST_PROVIDERS") == "all"
FOUR = ("sync-plain", "sync-stream", "async-plain", "async-stream")
TEXT, ARGUMENTS = "I look it up.", {"city": "Oslo"}
CALL = ("call_w1", "get_weather", ARGUMENTS)


# ---- what the servers say ----

ITEMS = [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
          "content": [{"type": "output_text", "text": TEXT, "annotations": []}]},
         {"type": "function_call", "id": "fc_1", "call_id": CALL[0], "name": CALL[1], "arguments": json.dumps(ARGUMENTS),
          "status": "completed"}]
RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "gpt-5-mini",
            "output": ITEMS, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
            "usage": {"input_tokens": 81, "input_tokens_details": {"cached_tokens": 32}, "output_tokens": 17,
                      "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 98}}


def responses_events():
    begun = {**RESPONSE, "status": "in_progress", "output": [], "usage": None}
    events = [{"type": "response.created", "response": begun}]
    for i, item in enumerate(ITEMS):
        bare = {**item, "content": []} if i == 0 else {**item, "arguments": ""}
        events.append({"type": "response.output_item.added", "output_index": i, "item": bare})
        if i == 0:
            events.append({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0,
                           "content_index": 0, "delta": TEXT, "logprobs": []})
        else:
            events.append({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 1,
                           "delta": item["arguments"]})
        events.append({"type": "response.output_item.done", "output_index": i, "item": item})
    events.append({"type": "response.completed", "response": RESPONSE})
    return [{**event, "sequence_number": i} for i, event in enumerate(events)]


def stream(events, names=False):
    return Answer(200, {"content-type": "text/event-stream"}, chunks=sse(events, names))


def responses(request):
    if json.loads(request.body).get("stream"):
        return stream(responses_events(), names=True)
    return json_answer(RESPONSE)


def socket_responses(message):
    assert message["type"] == "response.create", message
    return responses_events()


def chunk(parts, **more):
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0, **more}],
            "modelVersion": "gemini-2.5-flash", "responseId": "r1"}


def google(request):
    usage = {"usageMetadata": {"promptTokenCount": 81, "candidatesTokenCount": 17, "totalTokenCount": 98,
                               "cachedContentTokenCount": 32}}
    call = {"functionCall": {"id": CALL[0], "name": CALL[1], "args": ARGUMENTS}}
    if "streamGenerateContent" not in request.target:
        return json_answer({**chunk([{"text": TEXT}, call], finishReason="STOP"), **usage})
    return Answer(200, {"content-type": "text/event-stream"}, chunks=[
        b"data: " + json.dumps(event).encode() + b"\r\n\r\n" for event in
        (chunk([{"text": TEXT[:5]}]), chunk([{"text": TEXT[5:]}]), {**chunk([call], finishReason="STOP"), **usage})])


def aws_message(kind, payload):
    headers = b""
    for name, value in ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event")):
        headers += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    payload = json.dumps(payload).encode()
    out = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    out += struct.pack(">I", zlib.crc32(out)) + headers + payload
    return out + struct.pack(">I", zlib.crc32(out))


def bedrock(request):
    use = {"toolUseId": CALL[0], "name": CALL[1]}
    usage = {"inputTokens": 49, "outputTokens": 17, "totalTokens": 98, "cacheReadInputTokens": 32}
    if not request.target.endswith("/converse-stream"):
        content = [{"text": TEXT}, {"toolUse": {**use, "input": ARGUMENTS}}]
        return json_answer({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "tool_use",
                            "usage": usage, "metrics": {"latencyMs": 1}})
    text = json.dumps(ARGUMENTS)
    return Answer(200, {"content-type": "application/vnd.amazon.eventstream"}, chunks=[aws_message(*m) for m in (
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": TEXT}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": use}}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": text[:4]}}}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": text[4:]}}}),
        ("contentBlockStop", {"contentBlockIndex": 1}), ("messageStop", {"stopReason": "tool_use"}),
        ("metadata", {"usage": usage, "metrics": {"latencyMs": 1}}))])


SAY = Say(TEXT, [CALL], tokens=(81, 17), cached=32, id="x")


def chat(request):
    """With its usage, asked for or not: some clients know that it comes."""
    return chat_answer({**json.loads(request.body), "stream_options": {"include_usage": True}}, SAY)


def mistral(request):
    """Streams a call whole, in the chunk that ends the answer and counts it."""
    body = json.loads(request.body)
    if not body.get("stream"):
        return chat(request)
    call = {"index": 0, "id": CALL[0], "function": {"name": CALL[1], "arguments": json.dumps(ARGUMENTS)}}
    base = {"id": "cmpl-x", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    usage = {"prompt_tokens": 81, "completion_tokens": 17, "total_tokens": 98,
             "prompt_tokens_details": {"cached_tokens": 32}}
    chunks = [{**base, "choices": [{"index": 0, "delta": {"role": "assistant", "content": TEXT}, "finish_reason": None}]},
              {**base, "usage": usage, "choices": [{"index": 0, "delta": {"content": "", "tool_calls": [call]},
                                                    "finish_reason": "tool_calls"}]}]
    return Answer(200, {"content-type": "text/event-stream"}, chunks=sse(chunks) + [b"data: [DONE]\n\n"])


def http2_chat(streamed):
    return lambda: chat_answer({"model": "gpt-5-mini", "stream": streamed, "stream_options": {"include_usage": True}}, SAY)


def cohere(request):
    usage = {"billed_units": {"input_tokens": 81, "output_tokens": 17}, "tokens": {"input_tokens": 900, "output_tokens": 20}}
    call = {"id": CALL[0], "type": "function", "function": {"name": CALL[1], "arguments": json.dumps(ARGUMENTS)}}
    if not json.loads(request.body).get("stream"):
        return json_answer({"id": "c-1", "finish_reason": "TOOL_CALL", "usage": usage, "message": {
            "role": "assistant", "content": [{"type": "text", "text": TEXT}], "tool_calls": [call]}})
    bare = {**call, "function": {"name": CALL[1], "arguments": ""}}
    return stream([
        {"type": "message-start", "id": "c-1", "delta": {"message": {"role": "assistant", "content": []}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": TEXT}}}},
        {"type": "content-end", "index": 0},
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": bare}}},
        {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {
            "function": {"arguments": json.dumps(ARGUMENTS)}}}}},
        {"type": "tool-call-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": usage}}], names=True)


def ollama(request):
    """Streams unless it is told not to."""
    body = json.loads(request.body)
    base = {"model": body["model"], "created_at": "2026-01-01T00:00:00Z"}
    last = {"done": True, "done_reason": "stop", "total_duration": 5, "prompt_eval_count": 81, "eval_count": 17}
    call = {"id": CALL[0], "function": {"name": CALL[1], "arguments": ARGUMENTS}}
    if request.target == "/api/generate":
        parts = [{"response": TEXT[:5]}, {"response": TEXT[5:]}]
        whole, end = {"response": TEXT}, {"response": ""}
    else:
        parts = [{"message": {"role": "assistant", "content": t}} for t in (TEXT[:5], TEXT[5:])]
        parts.append({"message": {"role": "assistant", "content": "", "tool_calls": [call]}})
        whole, end = {"message": {"role": "assistant", "content": TEXT, "tool_calls": [call]}}, {"message": {"role": "assistant", "content": ""}}
    if body.get("stream") is False:
        return json_answer({**base, **whole, **last})
    return Answer(200, {"content-type": "application/x-ndjson"}, chunks=[
        json.dumps({**base, **part}).encode() + b"\n" for part in [*({**p, "done": False} for p in parts), {**end, **last}]])


# ---- cases ----

class Case:
    def __init__(self, server, script, model, provider="openai", modes=FOUR, finish="tool_calls", kind="chat", cached=32,
                 calls=1, http=(), tools=True):
        self.server, self.script, self.model, self.provider, self.modes = server, script, model, provider, modes
        self.finish, self.kind, self.cached, self.calls, self.http, self.tools = finish, kind, cached, calls, http, tools
        self.plain = server is PlainServer


UPGRADE = ("GET /v1/responses",)
CASES = {
    "openai": Case(Server, responses, "gpt-5-mini", finish="tool_call"),
    "openai-socket": Case(SocketServer, socket_responses, "gpt-5-mini", modes=("sync", "async"), finish="tool_call",
                          http=UPGRADE),
    "websockets": Case(SocketServer, socket_responses, "gpt-5-mini", modes=("sync", "async"), finish="tool_call",
                       http=UPGRADE),
    "google": Case(Server, google, "gemini-2.5-flash", "gcp.gemini", finish="STOP", kind="generate_content"),
    "bedrock": Case(Server, bedrock, "us.amazon.nova-v1:0", "aws.bedrock", ("sync-plain", "sync-stream"), "tool_use"),
    "mistral": Case(Server, mistral, "mistral-small-latest"),
    "cohere": Case(Server, cohere, "command-a-03-2025", "cohere", finish="TOOL_CALL", cached=None),
    "http2": Case(Http2Server, http2_chat, "gpt-5-mini", calls=2),
    "openai-plain": Case(PlainServer, chat, "gpt-5-mini"),
    "ollama": Case(PlainServer, ollama, "llama3.2", "ollama", finish="stop", cached=None),
    "ollama-generate": Case(PlainServer, ollama, "llama3.2", "ollama", finish="stop", cached=None, kind="text_completion", tools=False),
    "litellm": Case(Server, chat, "gpt-5-mini"),
}


def check_call(span, case):
    a = span["attributes"]
    rig.equal("name", span["name"], f"{case.kind} {case.model}")
    rig.equal("status", span["status"]["code"], "ok")
    rig.equal("provider", a["gen_ai.provider.name"], case.provider)
    rig.equal("finish", a["gen_ai.response.finish_reasons"], [case.finish])
    rig.equal("input tokens", a["gen_ai.usage.input_tokens"], 81)
    rig.equal("output tokens", a["gen_ai.usage.output_tokens"], 17)
    rig.equal("cached tokens", a.get("gen_ai.usage.cache_read.input_tokens"), case.cached)
    if "bottrace.continues" not in a and case.tools:
        rig.equal("tools", [t["name"] for t in a["gen_ai.tool.definitions"]], ["get_weather"])
    parts = a["gen_ai.output.messages"][0]["parts"]
    rig.equal("text", "".join(p["content"] for p in parts if p["type"] == "text"), TEXT)
    rig.equal("calls", [(p["id"], p["name"], p["arguments"]) for p in parts if p["type"] == "tool_call"], [CALL] * case.tools)


def check_tree(document, case):
    calls = rig.spans(document, case.kind)
    rig.equal("calls", len(calls), case.calls)
    for span in calls:
        check_call(span, case)
    rig.equal("question", calls[0]["attributes"]["gen_ai.input.messages"][0]["parts"][0]["content"],
              "What is the weather in Oslo?")
    rig.equal("tools", [s["attributes"]["gen_ai.tool.call.id"] for s in rig.spans(document, "execute_tool")],
              [CALL[0]] * case.calls * case.tools)
    rig.equal("transports", {c["transport"] for t in rig.traces(document) for c in t["connections"]}, {"tcp" if case.plain else "tls"})
    rig.equal("other spans", tuple(s["name"] for s in rig.spans(document, "http")), case.http)
    rig.equal("complete", document["complete"], True)


def conversation(python, client, mode):
    case = CASES[client]
    script = case.script("stream" in mode) if case.server is Http2Server else case.script
    server = case.server(script)
    try:
        command = [python, str(CLIENT), client, mode, server.url, server.ca]
        traced, document = rig.run(command)
        rig.check_unchanged(command, traced, (json.dumps([TEXT, [[CALL[1], ARGUMENTS]] * case.tools]) + "\n") * case.calls)
        assert document is not None, traced.stderr
        rig.check_ledger(document)
        rig.check_bytes(document, server)
        check_tree(document, case)
    finally:
        server.close()


def proxy(python, mode):
    """A client speaks plain HTTP with a proxy, that one TLS with the model: three sights of one call, which costs once."""
    server = Server(lambda request: chat_answer(json.loads(request.body), Say("Rain.", [], tokens=(81, 17), cached=32, id="x")))
    try:
        traced, document = rig.run([python, str(PROXIED), server.url, server.ca, mode], timeout_s=400)
        rig.equal("status", (traced.returncode, traced.stderr[-3000:] if traced.returncode else ""), (0, ""))
        rig.equal("stdout", traced.stdout, "Rain.\n")
        rig.check_ledger(document)
        rig.equal("complete", document["complete"], True)
        chats = rig.spans(document, "chat")
        (first,) = [c for c in chats if "bottrace.hop_of" not in c["attributes"]]
        hops = [c for c in chats if c["attributes"].get("bottrace.hop_of") == first["id"]]
        rig.equal("hops", sorted((c["attributes"]["gen_ai.request.model"], c["link"]["how"]) for c in hops),
                  [("gpt-5-mini", "content"), ("our-model", "socket")])
        rig.equal("chats", len(chats), 3)
        transports = {c["id"]: c["transport"] for c in document["connections"]}
        rig.equal("transports", [(c["attributes"]["gen_ai.request.model"], transports[c["attributes"]["bottrace.connection"]])
                                 for c in (first, *sorted(hops, key=lambda c: c["attributes"]["gen_ai.request.model"]))],
                  [("our-model", "tcp"), ("gpt-5-mini", "tls"), ("our-model", "tcp")])
        said = traced.stderr.split("\n")[0]
        cost = first["attributes"]["bottrace.cost_usd"]
        assert "llm 1 " in said and "tokens 81->17" in said and f"${float(cost):.6f}" in said, (said, cost)
    finally:
        server.close()


def cases(clients):
    """(client, mode): of each client all modes, or the one that shows most."""
    for client in clients:
        modes = CASES[client].modes
        yield from ((client, mode) for mode in (modes if ALL else modes[1:2]))


def main():
    suite = rig.Suite()
    found = rig.interpreters()
    version, real = max(found[1:] or found, key=lambda v: tuple(map(int, v[0].split("."))))
    groups = [([c for c in CASES if c != "litellm"], rig.PROVIDERS)]
    if ALL:
        groups.append((["litellm"], ["litellm"]))  # it wants an older openai
    for clients, packages in groups:
        chosen = list(cases(clients))
        try:
            rig.need_root()
            python = rig.venv(version, real, *packages)
        except rig.Skip as e:
            suite.skipped += len(chosen)
            print(f"skipped {len(chosen)} clients under {version}: {e}")
            continue
        for client, mode in chosen:
            suite.test(conversation, python, client, mode, name=f"{version} {client} {mode}")
    if ALL:
        try:
            rig.need_root()
            python = rig.venv(version, real, "litellm[proxy]")
            for mode in ("plain", "stream"):
                suite.test(proxy, python, mode, name=f"{version} proxy {mode}")
        except rig.Skip as e:
            suite.skipped += 2
            print(f"skipped 2 proxies under {version}: {e}")
    suite.close()


main()
