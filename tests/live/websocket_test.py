# SPDX-License-Identifier: BSD-2-Clause
"""Talks over WebSockets with the providers' own clients: bytes equal, the tree equal to the script, the program unchanged.

The frames of both sides are the `websockets` library's: permessage-deflate with context takeover, messages in pieces with
control frames between them, binary messages. `make test` takes two modes of each client; `make test-providers` all."""
import base64
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.talker import Talker  # noqa: E402

CLIENT = str(Path(__file__).resolve().parent / "clients" / "spoken.py")
ALL = os.environ.get("TEST_PROVIDERS") == "all"
TEXT, RESULT, ARGUMENTS = "It is 4 degrees.", "4 degrees in Oslo", {"city": "Oslo"}
TASK = "What is the weather in Oslo?"
SOUND = base64.b64encode(os.urandom(24000)).decode()
HEARD = 3 * 30 * 256  # bytes of sound that the client sends


# ---- what the servers say ----

def realtime_response(number, output, usage):
    return {"object": "realtime.response", "id": f"resp_{number}", "status": "completed", "status_details": None,
            "output": output, "conversation_id": "conv_1", "output_modalities": ["audio"], "max_output_tokens": "inf",
            "usage": usage, "metadata": None}


def usage(read, cached, written, sound=0):
    return {"total_tokens": read + written, "input_tokens": read, "output_tokens": written,
            "input_token_details": {"text_tokens": read - 10, "audio_tokens": 10, "image_tokens": 0, "cached_tokens": cached,
                                    "cached_tokens_details": {"text_tokens": cached, "audio_tokens": 0, "image_tokens": 0}},
            "output_token_details": {"text_tokens": written - sound, "audio_tokens": sound}}


CALL = {"id": "item_3", "type": "function_call", "status": "completed", "name": "get_weather", "call_id": "call_w1",
        "arguments": json.dumps(ARGUMENTS)}
SPOKEN = {"id": "item_5", "type": "message", "status": "completed", "role": "assistant",
          "content": [{"type": "output_audio", "transcript": TEXT}]}


def expect(talk, *types):
    for want in types:
        message = talk.hear()
        assert message and message["type"] == want, f"heard {message and message['type']}, not {want}"
    return message


def realtime(talk):
    session = {"type": "realtime", "object": "realtime.session", "id": "sess_1", "model": "gpt-realtime",
               "output_modalities": ["audio"], "instructions": "Be witty.", "tools": [], "tool_choice": "auto"}
    talk.say({"type": "session.created", "event_id": "e1", "session": session})
    update = expect(talk, "session.update")["session"]
    talk.say({"type": "session.updated", "event_id": "e2", "session": {**session, **update}}, pieces=3)
    expect(talk, *["input_audio_buffer.append"] * 3, "input_audio_buffer.commit")
    item = expect(talk, "conversation.item.create")["item"]
    expect(talk, "response.create")
    talk.say({"type": "conversation.item.added", "event_id": "e3", "previous_item_id": None, "item": {**item, "id": "item_2"}})
    begun = realtime_response(1, [], None)
    talk.say({"type": "response.created", "event_id": "e4", "response": {**begun, "status": "in_progress"}})
    base = {"response_id": "resp_1", "output_index": 0, "item_id": "item_3", "call_id": "call_w1"}
    talk.say({"type": "response.output_item.added", "event_id": "e5", "response_id": "resp_1", "output_index": 0,
              "item": {**CALL, "arguments": "", "status": "in_progress"}})
    for i, part in enumerate((CALL["arguments"][:5], CALL["arguments"][5:])):
        talk.say({"type": "response.function_call_arguments.delta", "event_id": f"f{i}", **base, "delta": part})
    talk.say({"type": "response.output_item.done", "event_id": "e6", "response_id": "resp_1", "output_index": 0, "item": CALL})
    talk.say({"type": "response.done", "event_id": "e7", "response": realtime_response(1, [CALL], usage(81, 32, 17))}, pieces=4)
    expect(talk, "conversation.item.create", "response.create")
    talk.say({"type": "response.created", "event_id": "e8", "response": {**realtime_response(2, [], None), "status": "in_progress"}})
    base = {"response_id": "resp_2", "output_index": 0, "content_index": 0, "item_id": "item_5"}
    for i in range(4):  # sound, and what it says
        talk.say({"type": "response.output_audio.delta", "event_id": f"a{i}", **base, "delta": SOUND})
        talk.say({"type": "response.output_audio_transcript.delta", "event_id": f"t{i}", **base, "delta": TEXT[4 * i:4 * i + 4]})
    talk.say({"type": "response.output_item.done", "event_id": "e9", "response_id": "resp_2", "output_index": 0, "item": SPOKEN})
    talk.say({"type": "response.done", "event_id": "e10", "response": realtime_response(2, [SPOKEN], usage(120, 64, 11, 5))})


def responses_events(number, item, text=None, use=None):
    whole = {"id": f"resp_{number}", "object": "response", "created_at": 1, "status": "completed", "model": "gpt-5-mini",
             "output": [item], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": use}
    yield {"type": "response.created", "response": {**whole, "status": "in_progress", "output": [], "usage": None}}
    yield {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}}
    if text:
        yield {"type": "response.output_text.delta", "item_id": item["id"], "output_index": 0, "content_index": 0, "delta": text,
               "logprobs": []}
    else:
        yield {"type": "response.function_call_arguments.delta", "item_id": item["id"], "output_index": 0,
               "delta": item["arguments"]}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": "response.completed", "response": whole}


def responses_usage(read, cached, written):
    return {"input_tokens": read, "input_tokens_details": {"cached_tokens": cached}, "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": read + written}


def responses(talk):
    expect(talk, "response.create")
    for i, event in enumerate(responses_events(1, CALL, use=responses_usage(81, 32, 17))):
        talk.say({**event, "sequence_number": i}, pieces=1 + i % 3)
    expect(talk, "response.create")
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
               "content": [{"type": "output_text", "text": TEXT, "annotations": []}]}
    for i, event in enumerate(responses_events(2, message, TEXT, responses_usage(120, 64, 11))):
        talk.say({**event, "sequence_number": i})


def live(talk):
    assert "setup" in talk.hear()
    talk.say({"setupComplete": {}}, binary=True)
    for _ in range(3):
        assert "realtime_input" in (message := talk.hear()) or "realtimeInput" in message, message
    assert "client_content" in (message := talk.hear()) or "clientContent" in message, message
    talk.say({"toolCall": {"functionCalls": [{"name": "get_weather", "args": ARGUMENTS, "id": "call_w1"}]},
              "usageMetadata": {"promptTokenCount": 81, "responseTokenCount": 17, "totalTokenCount": 98,
                                "cachedContentTokenCount": 32}}, binary=True)
    assert "tool_response" in (message := talk.hear()) or "toolResponse" in message, message
    for i in range(4):
        talk.say({"serverContent": {"modelTurn": {"parts": [{"inlineData": {
            "mimeType": "audio/pcm;rate=24000", "data": SOUND}}]}}}, binary=True, pieces=2)
        talk.say({"serverContent": {"outputTranscription": {"text": TEXT[4 * i:4 * i + 4]}}}, binary=True)
    talk.say({"serverContent": {"generationComplete": True}}, binary=True)
    talk.say({"serverContent": {"turnComplete": True}, "usageMetadata": {
        "promptTokenCount": 120, "responseTokenCount": 11, "totalTokenCount": 131, "cachedContentTokenCount": 64}}, binary=True)


# ---- cases ----

class Case:
    def __init__(self, script, kind, model, provider, finish, path, sound=True, modes=("sync", "async-packed", "async", "sync-packed")):
        self.script, self.kind, self.model, self.provider = script, kind, model, provider
        self.finish, self.path, self.sound, self.modes = finish, path, sound, modes


CASES = {
    "realtime": Case(realtime, "chat", "gpt-realtime", "openai", "completed", "/v1/realtime"),
    "responses": Case(responses, "chat", "gpt-5-mini", "openai", "completed", "/v1/responses", sound=False),
    "raw": Case(responses, "chat", "gpt-5-mini", "openai", "completed", "/v1/responses", sound=False,
                modes=("sync-packed", "async-packed")),
    "live": Case(live, "generate_content", "gemini-2.5-flash-live", "gcp.gemini", "STOP",
                 "/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent", modes=("async-packed",)),
}


def check_tree(document, client):
    case = CASES[client]
    calls = rig.spans(document, case.kind)
    rig.equal("calls", [(s["name"], s["status"]["code"]) for s in calls], [(f"{case.kind} {case.model}", "ok")] * 2)
    for span, tokens in zip(calls, ((81, 17, 32), (120, 11, 64))):
        a = span["attributes"]
        rig.equal("provider", a["gen_ai.provider.name"], case.provider)
        rig.equal("usage", (a["gen_ai.usage.input_tokens"], a["gen_ai.usage.output_tokens"],
                            a["gen_ai.usage.cache_read.input_tokens"]), tokens)
        rig.equal("host", a["server.address"], "localhost")
    first, second = (s["attributes"] for s in calls)
    asked = [p for m in first["gen_ai.input.messages"] for p in m["parts"]]
    rig.equal("question", [p["content"] for p in asked if p["type"] == "text"], [TASK])
    rig.equal("tools", [t["name"] for t in first["gen_ai.tool.definitions"]], ["get_weather"])
    rig.equal("instructions", [p["content"] for p in first["gen_ai.system_instructions"]], ["Be short."])
    rig.equal("asked for", [(p["id"], p["name"], p["arguments"]) for p in first["gen_ai.output.messages"][0]["parts"]],
              [("call_w1", "get_weather", ARGUMENTS)])
    parts = second["gen_ai.output.messages"][0]["parts"]
    rig.equal("answer", "".join(p["content"] for p in parts if p["type"] == "text"), TEXT)
    tools = rig.spans(document, "execute_tool")
    rig.equal("tool calls", [(t["name"], t["attributes"]["bottrace.tool.outcome"]) for t in tools],
              [("execute_tool get_weather", "returned")])
    rig.equal("links", (tools[0]["attributes"]["bottrace.requested_by"], tools[0]["attributes"]["bottrace.answered_in"]),
              (calls[0]["id"], calls[1]["id"]))
    rig.equal("the upgrade", [(s["name"], s["status"]["code"]) for s in rig.spans(document, "http")], [(f"GET {case.path}", "ok")])
    assert SOUND[:64] not in json.dumps(document), "sound is kept"
    if case.sound:
        rig.equal("sound heard", list(sizes(asked)), [HEARD])
        rig.equal("sound said", [a.get("bottrace.audio.output_bytes") for a in (first, second)], [None, 4 * 24000])


def sizes(parts):
    """Of all sound in them."""
    for p in parts:
        if p["type"] not in ("text", "tool_call", "tool_call_response"):
            yield p["content"]["bytes"] if "bytes" in p["content"] else p["content"]["audio"]["bytes"]


def conversation(python, packages, client, mode, deflate):
    case = CASES[client]
    server = Talker(case.script, packages, **deflate)
    try:
        command = [python, CLIENT, client, mode, server.url, server.ca]
        traced, document = rig.run(command)
        rig.check_unchanged(command, traced, "".join(json.dumps(line) + "\n" for line in (["get_weather", ARGUMENTS], [TEXT])))
        rig.equal("packed", "permessage-deflate" in server.agreed[0], "packed" in mode)
        rig.equal("server", server.errors, [])
        rig.check_whole(document, server)
        check_tree(document, client)
    finally:
        server.close()


def attached(python, packages, client, mode):
    """In mid-connection: the next call is read, or it is said that none can be."""
    case, packed = CASES[client], "packed" in mode
    server = Talker(case.script, packages)
    process = subprocess.Popen([python, CLIENT, client, mode, server.url, server.ca, "pause"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        rig.equal("first", (json.loads(process.stdout.readline()), process.stdout.readline()), (["get_weather", ARGUMENTS], "ready\n"))
        with rig.Attach(process.pid) as a:
            out, err = process.communicate("go\n\n", timeout=60)
            rig.equal("client", (process.returncode, err if process.returncode else "", json.loads(out.splitlines()[0])), (0, "", [TEXT]))
            document = a.stop()
        rig.check_ledger(document)
        spans = rig.spans(document, "http")
        rig.equal("the socket", [(s["name"], s["status"]["code"], s["attributes"].get("bottrace.broken")) for s in spans],
                  [("HTTP", "ok", None)])
        note = "a WebSocket whose compressed messages cannot be read" if packed else "a WebSocket; each call from then on has a span"
        rig.equal("note", spans[0]["attributes"]["bottrace.note"], "attached in mid-connection: " + note)
        calls = rig.spans(document, "chat") + rig.spans(document, "generate_content")
        rig.equal("calls", [(s["status"]["code"], s["attributes"]["gen_ai.usage.output_tokens"]) for s in calls],
                  [] if packed else [("ok", 11)])
        for s in calls:
            parts = s["attributes"]["gen_ai.output.messages"][0]["parts"]
            rig.equal("answer", "".join(p["content"] for p in parts if p["type"] == "text"), TEXT)
    finally:
        process.kill()
        server.close()


def main():
    suite = rig.Suite()
    found = rig.interpreters()
    version, real = max(found[1:] or found, key=lambda v: tuple(map(int, v[0].split("."))))
    chosen = [(client, mode) for client, case in CASES.items() for mode in (case.modes if ALL else case.modes[:2])]
    try:
        rig.need_root()
        python = rig.venv(version, real, *rig.PROVIDERS)
    except rig.Skip as e:
        print(f"skipped {len(chosen)} clients under {version}: {e}")
        suite.skipped += len(chosen)
        suite.close()
    packages = str(next(Path(python).parent.parent.glob("lib/python3*/site-packages")))
    for client, mode in chosen:
        suite.test(conversation, python, packages, client, mode, {}, name=f"{version} {client} {mode}")
    for client, mode in (("responses", "async"), ("realtime", "sync"), ("raw", "async-packed"), ("live", "async-packed")):
        suite.test(attached, python, packages, client, mode, name=f"{version} attached {client} {mode}")
    suite.close()


main()
