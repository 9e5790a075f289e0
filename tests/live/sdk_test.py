# SPDX-License-Identifier: BSD-2-Clause
"""Real clients against a server that knows every byte: bytes equal, tree equal to the script, the program unchanged.

`make test` takes Debian's interpreter and the newest other one; `make test-pythons` every CPython >= 3.8 here."""
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, answer, json_answer  # noqa: E402
from rig.server import Server  # noqa: E402

CLIENT = Path(__file__).resolve().parent / "clients" / "conversation.py"
CASES = [("openai", "sync-plain"), ("openai", "sync-stream"), ("openai", "async-plain"), ("openai", "async-stream"),
         ("anthropic", "sync-plain"), ("anthropic", "sync-stream"), ("anthropic", "async-plain"), ("anthropic", "async-stream"),
         ("requests", "sync-plain"), ("requests", "sync-stream"), ("aiohttp", "async-stream"), ("urllib", "sync-stream"),
         ("urllib", "sync-plain")]
ASK = Say(None, [("call_w1", "get_weather", {"city": "Oslo"})], tokens=(81, 17), cached=32, id="ask")
TELL = Say("It is 4 degrees in Oslo, bring a coat.", tokens=(120, 11), cached=64, reasoning=0, id="tell")


def script(request):
    body = json.loads(request.body)
    return answer(request, body, TELL if any(m["role"] == "assistant" for m in body["messages"]) else ASK)


def check_chat(span, client, say, stream):
    a = span["attributes"]
    anthropic = client == "anthropic"
    model = "claude-sonnet-4-5" if anthropic else "gpt-5-mini"
    rig.equal("name", span["name"], f"chat {model}")
    rig.equal("status", span["status"]["code"], "ok")
    rig.equal("model", a["gen_ai.request.model"], model)
    rig.equal("response model", a["gen_ai.response.model"], model + ("-20250929" if anthropic else "-2025-08-07"))
    rig.equal("id", a["gen_ai.response.id"], ("msg_" if anthropic else "chatcmpl-") + say.id)
    rig.equal("provider", a["gen_ai.provider.name"], "anthropic" if anthropic else "openai")
    rig.equal("input tokens", a["gen_ai.usage.input_tokens"], say.tokens[0])
    rig.equal("output tokens", a["gen_ai.usage.output_tokens"], say.tokens[1])
    rig.equal("cached tokens", a["gen_ai.usage.cache_read.input_tokens"], say.cached)
    finish = ("tool_use" if say.calls else "end_turn") if anthropic else ("tool_calls" if say.calls else "stop")
    rig.equal("finish", a["gen_ai.response.finish_reasons"], [finish])
    rig.equal("host", a["server.address"], "localhost")
    parts = a["gen_ai.output.messages"][0]["parts"]
    rig.equal("text", "".join(p["content"] for p in parts if p["type"] == "text"), say.text or "")
    rig.equal("calls", [(p["id"], p["name"], p["arguments"]) for p in parts if p["type"] == "tool_call"], say.calls)
    if stream:
        assert 0 < a["gen_ai.response.time_to_first_chunk"] < 60, a["gen_ai.response.time_to_first_chunk"]
        if client != "anthropic":  # its stream helper asks for a stream too, by another way of calling
            rig.equal("stream", a["gen_ai.request.stream"], True)


def check_tree(document, client, mode):
    chats = rig.spans(document, "chat")
    rig.equal("chats", len(chats), 2)
    for span, say in zip(chats, (ASK, TELL)):
        check_chat(span, client, say, "stream" in mode)
    tools = rig.spans(document, "execute_tool")
    rig.equal("tools", [t["name"] for t in tools], ["execute_tool get_weather"])
    a = tools[0]["attributes"]
    rig.equal("tool id", a["gen_ai.tool.call.id"], "call_w1")
    rig.equal("tool arguments", a["gen_ai.tool.call.arguments"], {"city": "Oslo"})
    rig.equal("tool result", a["gen_ai.tool.call.result"], "get_weather: 4 degrees in Oslo")
    rig.equal("outcome", a["bottrace.tool.outcome"], "returned")
    rig.equal("requested by", a["bottrace.requested_by"], chats[0]["id"])
    rig.equal("answered in", a["bottrace.answered_in"], chats[1]["id"])
    rig.equal("other spans", [s["name"] for s in rig.spans(document, "http")], [])
    rig.equal("complete", document["complete"], True)
    rig.equal("status", document["status"], "ok")


def conversation(python, client, mode):
    server = Server(script)
    try:
        command = [python, str(CLIENT), client, mode, server.url, server.ca]
        traced, document = rig.run(command)
        rig.check_unchanged(command, traced, TELL.text + "\n")
        assert document is not None, traced.stderr
        rig.check_ledger(document)
        rig.check_bytes(document, server)
        check_tree(document, client, mode)
    finally:
        server.close()


def retries(python, client):
    """A 429 with retry-after: one logical call of two attempts."""
    refused = []

    def limited(request):
        if not refused:
            refused.append(1)
            error = {"type": "rate_limit_error", "message": "slow down", "code": "rate_limit_exceeded"}
            return json_answer({"type": "error", "error": error}, 429, retry_after="0")
        return script(request)

    server = Server(limited)
    try:
        traced, document = rig.run([python, str(CLIENT), client, "sync-plain", server.url, server.ca])
        rig.equal("status", traced.returncode, 0)
        rig.check_ledger(document)
        rig.check_bytes(document, server)
        chats = rig.spans(document, "chat")
        rig.equal("attempts", [c["attributes"].get("bottrace.attempts", 1) for c in chats], [2, 1])
        rig.equal("retry events", [e["name"] for e in chats[0]["events"] if e["name"] == "retry"], ["retry"])
        check_tree(document, client, "sync-plain")
    finally:
        server.close()


def interpreters():
    """Debian's alone, to be quick: other live tests take others (TEST_PYTHONS=all: every one)."""
    found = rig.interpreters()
    return found if os.environ.get("TEST_PYTHONS") == "all" else found[:1]


def main():
    suite = rig.Suite()
    for version, real in interpreters():
        try:
            rig.need_root()
            python = rig.venv(version, real, *rig.CLIENTS)
        except rig.Skip as e:
            for client, mode in CASES:
                suite.skipped += 1
            print(f"skipped {len(CASES)} conversations under {version}: {e}")
            continue
        for client, mode in CASES:
            suite.test(conversation, python, client, mode, name=f"{version} {client} {mode}")
        for client in ("openai", "anthropic"):
            suite.test(retries, python, client, name=f"{version} {client} retry")
    suite.close()


main()
