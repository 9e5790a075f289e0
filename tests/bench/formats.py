# SPDX-License-Identifier: BSD-2-Clause
"""Plaintext of each wire format that `bottrace decode` gets through in a second of a core, and the CPU of a conversation's 200th
turn beside its second."""
import base64
import json
import os
import statistics
import struct
import subprocess
import zlib
from pathlib import Path

from rig.run import equal

from decode import TEXT, answer, cpu_s, request

TIMES = 40
EVENTS = 1000
LATE = 200
COPIES = 4


def packed(value):
    return json.dumps(value, separators=(",", ":")).encode()


def post(host, path, body):
    body = packed(body)
    return b"POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (
        path.encode(), host.encode(), len(body)) + body


def chunked(kind, pieces):
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % kind + b"".join(
        b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def sse(events, name="type"):
    return chunked(b"text/event-stream", [b"event: %s\ndata: %s\n\n" % (e.get(name, "message").encode(), packed(e)) for e in events])


ASKED = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "?"}], "max_tokens": 9}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "?"}]}]}


def responses(turn):
    item = {"id": "msg", "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": " token" * EVENTS, "annotations": []}]}
    events = [{"type": "response.created", "response": {"id": f"resp_{turn}", "status": "in_progress", "model": "m"}}]
    events += [{"type": "response.output_text.delta", "item_id": "msg", "output_index": 0, "content_index": 0, "delta": " token",
                "logprobs": [], "sequence_number": n} for n in range(EVENTS)]
    events.append({"type": "response.completed", "response": {"id": f"resp_{turn}", "status": "completed", "model": "m",
                                                              "output": [item], "usage": {"input_tokens": 1, "output_tokens": EVENTS}}})
    return post("api.openai.com", "/v1/responses", {"model": "m", "stream": True, "input": "?"}), sse(events)


def anthropic(turn):
    events = [{"type": "message_start", "message": {"id": f"msg_{turn}", "model": "m", "role": "assistant", "content": [],
                                                    "usage": {"input_tokens": 1, "output_tokens": 1}}},
              {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}]
    events += [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " token"}} for _ in range(EVENTS)]
    events += [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": EVENTS}}, {"type": "message_stop"}]
    return post("api.anthropic.com", "/v1/messages", ASKED), sse(events)


def gemini_chunks(turn):
    return [{"candidates": [{"content": {"parts": [{"text": " token"}], "role": "model"}, "index": 0}],
             "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": n, "totalTokenCount": n + 1,
                               "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}]},
             "modelVersion": "m", "responseId": f"r{turn}"} for n in range(EVENTS)] + [
                 {"candidates": [{"finishReason": "STOP", "index": 0}]}]


def gemini(turn):
    body = chunked(b"text/event-stream", [b"data: %s\r\n\r\n" % packed(c) for c in gemini_chunks(turn)])
    return post("generativelanguage.googleapis.com", "/v1beta/models/m:streamGenerateContent?alt=sse", CONTENTS), body


def gemini_array(turn):
    pieces = [b"[" + packed(c) if n == 0 else b",\r\n" + packed(c) for n, c in enumerate(gemini_chunks(turn))]
    return (post("generativelanguage.googleapis.com", "/v1beta/models/m:streamGenerateContent", CONTENTS),
            chunked(b"application/json", pieces + [b"]"]))


def interactions(turn):
    events = [{"event_type": "interaction.created", "interaction": {"id": f"v{turn}", "status": "in_progress"}},
              {"event_type": "step.start", "index": 0, "step": {"type": "model_output"}}]
    events += [{"index": 0, "delta": {"text": " token", "type": "text"}, "event_type": "step.delta"} for _ in range(EVENTS)]
    events.append({"event_type": "interaction.completed", "interaction": {"id": f"v{turn}", "status": "completed",
                                                                          "usage": {"total_input_tokens": 1, "total_output_tokens": EVENTS}}})
    return post("generativelanguage.googleapis.com", "/v1beta/interactions", {"model": "m", "input": "?", "stream": True}), sse(events, "event_type")


def aws(kind, payload):
    def header(name, value):
        return bytes([len(name)]) + name + b"\7" + struct.pack(">H", len(value)) + value
    payload = packed(payload)
    head = header(b":event-type", kind) + header(b":content-type", b"application/json") + header(b":message-type", b"event")
    begin = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    begin += struct.pack(">I", zlib.crc32(begin))
    return begin + head + payload + struct.pack(">I", zlib.crc32(begin + head + payload))


def converse(turn):
    pieces = [aws(b"messageStart", {"role": "assistant", "p": "abcd"})]
    pieces += [aws(b"contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": " token"}, "p": "abcdefghijkl"}) for _ in range(EVENTS)]
    pieces += [aws(b"messageStop", {"stopReason": "end_turn"}), aws(b"metadata", {"usage": {"inputTokens": 1, "outputTokens": EVENTS}})]
    return (post("bedrock-runtime.us-east-1.amazonaws.com", "/model/m/converse-stream",
                 {"messages": [{"role": "user", "content": [{"text": "?"}]}]}),
            chunked(b"application/vnd.amazon.eventstream", pieces))


def invoke(turn):
    events = [{"generation": " token", "prompt_token_count": None, "generation_token_count": n, "stop_reason": None} for n in range(EVENTS)]
    events.append({"generation": "", "stop_reason": "stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 1, "outputTokenCount": EVENTS}})
    return (post("bedrock-runtime.us-east-1.amazonaws.com", "/model/m/invoke-with-response-stream", {"prompt": "?"}),
            chunked(b"application/vnd.amazon.eventstream",
                    [aws(b"chunk", {"bytes": base64.b64encode(packed(e)).decode(), "p": "abcd"}) for e in events]))


def cohere(turn):
    events = [{"type": "message-start", "id": f"c{turn}"}]
    events += [{"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": " token"}}}} for _ in range(EVENTS)]
    events.append({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {"billed_units": {"input_tokens": 1, "output_tokens": EVENTS}}}})
    return post("api.cohere.com", "/v2/chat", ASKED), sse(events)


def ollama(turn):
    lines = [{"model": "m", "created_at": "2026-11-22T10:00:00.123456789Z", "message": {"role": "assistant", "content": " token"},
              "done": False} for _ in range(EVENTS)]
    lines.append({"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop",
                  "prompt_eval_count": 1, "eval_count": EVENTS})
    return post("localhost:11434", "/api/chat", ASKED), chunked(b"application/x-ndjson", [packed(line) + b"\n" for line in lines])


def frame(payload, mask):
    n = len(payload)
    head = bytes([0x81, (0x80 if mask else 0) | (n if n < 126 else 126)]) + (struct.pack(">H", n) if n >= 126 else b"")
    if not mask:
        return head + payload
    return head + b"\0\0\0\0" + payload


def realtime(turn):
    """A connection of its own for each: a WebSocket is the last that an HTTP/1.1 connection speaks."""
    up = (b"GET /v1/realtime?model=m HTTP/1.1\r\nHost: api.openai.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    down = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    out = [frame(packed({"type": "session.created", "session": {"id": "s", "model": "m"}}), False)]
    asked = []
    for n in range(TIMES):
        ident = f"r{n}"
        asked.append(frame(packed({"type": "response.create"}), True))
        out.append(frame(packed({"type": "response.created", "response": {"id": ident, "status": "in_progress"}}), False))
        out += [frame(packed({"type": "response.output_text.delta", "event_id": f"event_{k}", "response_id": ident, "item_id": "i",
                              "output_index": 0, "content_index": 0, "delta": " token"}), False) for k in range(EVENTS)]
        out.append(frame(packed({"type": "response.done", "response": {
            "id": ident, "status": "completed", "usage": {"input_tokens": 1, "output_tokens": 9},
            "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]}]}}), False))
    return up + b"".join(asked), down + b"".join(out)


def mcp(turn):
    up, down = [], []
    for n in range(50):
        up.append(post("tools.example", "/mcp", {"jsonrpc": "2.0", "id": turn * 50 + n, "method": "tools/call",
                                                 "params": {"name": "search", "arguments": {"q": TEXT}}}))
        told = packed({"jsonrpc": "2.0", "id": turn * 50 + n, "result": {"content": [{"type": "text", "text": TEXT * 20}], "isError": False}})
        down.append(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(told) + told)
    return b"".join(up), b"".join(down)


FORMATS = {"responses_sse": responses, "anthropic_sse": anthropic, "gemini_sse": gemini, "gemini_array": gemini_array,
           "interactions_sse": interactions, "converse_stream": converse, "invoke_stream": invoke, "cohere_sse": cohere, "ollama_ndjson": ollama,
           "realtime_ws": realtime, "mcp_json": mcp}


def conversation(copy, turns):
    messages, up = [{"role": "system", "content": f"You are analyst {copy}. " + TEXT * 20}], []
    for turn in range(turns):
        messages.append({"role": "user", "content": f"Step {turn}: " + TEXT * 10})
        up.append(request(json.dumps({"model": "gpt-5", "messages": messages}).encode()))
        messages.append({"role": "assistant", "content": "Sell. " + TEXT * 5})
    return b"".join(up)


def read_cpu_s(directory):
    """What the kernel takes to hand such files over, a window at a time: no part of decoding, but of `bottrace decode`."""
    def dd(file):
        process = subprocess.Popen(["dd", f"if={file}", "of=/dev/null", "bs=256k", "status=none"])
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        equal("dd's status", status, 0)
        return usage.ru_utime + usage.ru_stime
    return dd(Path(directory, "up")) - dd("/dev/null")


def turn_cpu_s(directory, turns, copies, least):
    """What a turn costs, on an average over a conversation's first ones; how much of it is reading the file."""
    up = b"".join(conversation(copy, turns) for copy in range(copies))
    down = answer() * (turns * copies)
    cost = min(cpu_s(directory, up, down, 0) for _ in range(3)) - least
    return cost / (turns * copies), min(read_cpu_s(directory) for _ in range(3)) / (turns * copies)


def run(directory):
    least = cpu_s(directory, b"", b"", 0)
    facts = {}
    for name, make in FORMATS.items():
        pairs = [make(0)] if name == "realtime_ws" else [make(n) for n in range(TIMES)]
        up, down = (b"".join(pair[i] for pair in pairs) for i in (0, 1))
        took = statistics.median(cpu_s(directory, up, down, 0) for _ in range(3)) - least
        facts[name + "_mb_s"] = (len(up) + len(down)) / took / 1e6
    # What grows with the history grows with its bytes, so the last of them costs as much above the average as the first below.
    early, early_read = turn_cpu_s(directory, 2, COPIES * LATE // 2, least)
    late, late_read = (2 * mean - first for mean, first in
                       zip(turn_cpu_s(directory, LATE, COPIES, least), (early, early_read)))
    facts.update(turn_2_cpu_us=early * 1e6, turn_200_cpu_us=late * 1e6, turn_ratio=late / early, turn_200_read_us=late_read * 1e6,
                 turn_decode_ratio=(late - late_read) / (early - early_read))
    return facts
