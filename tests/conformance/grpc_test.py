#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""gRPC over HTTP/2 through `bottrace decode`, written from grpc's PROTOCOL-HTTP2.md, protobuf's encoding and A2A's a2a.proto
(1.0, and 0.3): status in trailers, in a head without a body, messages counted, A2A's messages as invocations of an agent.

    grpc_test.py [PART-OF-A-NAME]

BOTTRACE: the binary (build/bottrace). The last line is `N passed, N failed, N skipped`.
"""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

import h2

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
A2A = "lf.a2a.v1.A2AService"
A2A_03 = "a2a.v1.A2AService"


# ---- protobuf ----

def varint(n):
    out = bytearray()
    while n >= 128:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(*fields):
    return b"".join(field(number, value) for number, value in fields)


def any_of(value):
    """google.protobuf.Value"""
    if value is None:
        return message((1, 0))
    if isinstance(value, bool):
        return message((4, int(value)))
    if isinstance(value, (int, float)):
        return message((2, float(value)))
    if isinstance(value, str):
        return message((3, value))
    if isinstance(value, list):
        return message((6, message(*((1, any_of(one)) for one in value))))
    return message((5, message(*((1, message((1, key), (2, any_of(one)))) for key, one in value.items()))))


def said(text, *more):
    """Message, of the user."""
    return message((1, "m1"), (2, "ctx"), (4, 1), (5, message((1, text))), *more)


def framed(*messages, flags=0):
    return b"".join(struct.pack(">BI", flags, len(one)) + one for one in messages)


# ---- one call on a connection of its own ----

def call(path, sent, heard, head=(), trailers=(("grpc-status", "0"),), kind="application/grpc", size=16384, status="200"):
    client, server = h2.Encoder(), h2.Encoder()
    written = h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0)
    written += h2.headers(client, 1, [(":method", "POST"), (":scheme", "http"), (":authority", "agents.example:50051"),
                                      (":path", path), ("te", "trailers"), ("content-type", kind),
                                      ("a2a-version", "1.0")], False)
    written += h2.data(1, sent, size)
    read = h2.frame(h2.SETTINGS, 0, 0)
    read += h2.headers(server, 1, [(":status", status), ("content-type", kind), *head], not heard and not trailers)
    for at in range(0, len(heard), size):
        read += h2.frame(h2.DATA, 0, 1, heard[at:at + size])
    if trailers:
        read += h2.headers(server, 1, list(trailers), True)
    return written, read


def decode(binary, written, read):
    with tempfile.TemporaryDirectory() as where:
        paths = []
        for name, data in (("request", written), ("response", read)):
            paths.append(os.path.join(where, name))
            pathlib.Path(paths[-1]).write_bytes(data)
        run = subprocess.run([binary, "decode", *paths, "-o", "json"], capture_output=True, timeout=60, check=False)
    if run.returncode or run.stderr:
        raise ValueError(f"exit {run.returncode}: {run.stderr.decode(errors='replace')}")
    return json.loads(run.stdout)


ASKED = framed(message((1, "tenant-7"), (2, said("Weather?", (8, "t0"), (5, message((4, any_of({"a": [1, True, None, "x"]})))),
                                                 (5, message((2, b"\0\1"), (7, "image/png")))))))
TASK = message((1, message((1, "t1"), (2, "ctx-2"), (3, message((1, 3), (2, said("Done.")))),
                           (4, message((1, "a1"), (2, "name"), (4, message((1, "-3 °C"))))))))
STREAM = framed(
    message((1, message((1, "t1"), (2, "ctx-2"), (3, message((1, 1)))))),
    message((3, message((1, "t1"), (2, "ctx-2"), (3, message((1, 2), (2, said("On it."))))))),
    message((4, message((1, "t1"), (2, "ctx-2"), (3, message((1, "a1"), (4, message((1, "-3 ")))))))),
    message((4, message((1, "t1"), (2, "ctx-2"), (3, message((1, "a1"), (4, message((1, "°C")))), ), (4, 1)))),
    message((3, message((1, "t1"), (2, "ctx-2"), (3, message((1, 3)))))))
# 0.3: the message is field 1 of its request, data is a message of its own, and so is a file.
def struct_of(value):
    return message(*((1, message((1, key), (2, any_of(one)))) for key, one in value.items()))


ASKED_03 = framed(message((1, message(
    (1, "m1"), (2, "ctx"), (3, "t0"), (4, 1), (5, message((1, "Weather?"))),
    (5, message((2, message((2, "AAEC"), (3, "image/png"), (4, "sky.png"))))),
    (5, message((2, message((2, b"\0\1"), (3, "image/png"))))),
    (5, message((2, message((1, "https://h/f"), (3, "text/plain"))))),
    (5, message((3, message((1, struct_of({"a": [1, {"b": "x"}]})))))))), (2, message((4, 1)))))
TASK_03 = message((1, message((1, "t1"), (2, "ctx-2"), (3, message((1, 3), (2, said("Done.")), (3, message((1, 5))))),
                              (4, message((1, "a1"), (3, "name"), (4, "described"), (5, message((1, "-3 °C"))))))))
STREAM_03 = framed(
    message((1, message((1, "t1"), (2, "ctx-2"), (3, message((1, 1)))))),
    message((4, message((1, "t1"), (2, "ctx-2"), (3, message((1, "a1"), (5, message((1, "-3 ")))))))),
    message((4, message((1, "t1"), (2, "ctx-2"), (3, message((1, "a1"), (5, message((1, "°C"))))), (4, 1), (5, 1)))),
    message((3, message((1, "t1"), (2, "ctx-2"), (3, message((1, 5), (2, said("Stopped.")))), (4, 1)))))
NOT_FOUND = (("grpc-status", "5"), ("grpc-message", "no such%20t%C3%A9a"))

CASES = (  # name, the call, what its one span is: paths and values
    ("unary", call("/echo.v1.Echo/Say", framed(b"\x0a\x01x"), framed(b"\x0a\x01y")),
     {"kind": "http", "name": "echo.v1.Echo/Say", "status/code": "ok", "rpc.system": "grpc", "rpc.service": "echo.v1.Echo",
      "rpc.method": "Say", "rpc.grpc.status_code": 0, "bottrace.rpc.sent": 1, "bottrace.rpc.received": 1,
      "url.path": "/echo.v1.Echo/Say", "http.response.status_code": 200}),
    ("streams", call("/echo.v1.Echo/Say", framed(b"a", b"", b"bc"), framed(b"", b"d" * 70000, b"e"), size=999),
     {"bottrace.rpc.sent": 3, "bottrace.rpc.received": 3, "status/code": "ok"}),
    ("an error in the trailers", call("/echo.v1.Echo/Say", framed(b"a"), framed(b"b"), trailers=NOT_FOUND),
     {"kind": "http", "status/code": "error", "status/type": "NOT_FOUND", "status/message": "no such téa",
      "rpc.grpc.status_code": 5, "bottrace.rpc.received": 1}),
    ("trailers only", call("/echo.v1.Echo/Say", framed(b"a"), b"", head=(("grpc-status", "14"), ("grpc-message", "down")),
                           trailers=()),
     {"status/code": "error", "status/type": "UNAVAILABLE", "status/message": "down", "rpc.grpc.status_code": 14,
      "bottrace.rpc.received": 0}),
    ("a status that nobody has", call("/echo.v1.Echo/Say", framed(b"a"), b"", trailers=(("grpc-status", "77"),)),
     {"status/code": "error", "status/type": "77", "rpc.grpc.status_code": 77}),
    ("a proxy's answer", call("/echo.v1.Echo/Say", framed(b"a"), b"", head=(), trailers=(), status="503"),
     {"kind": "http", "status/code": "error", "status/type": "503", "rpc.service": "echo.v1.Echo"}),
    ("web", call("/echo.v1.Echo/Say", framed(b"a"), framed(b"b") + framed(b"grpc-status: 8\r\ngrpc-message: slow\r\n", flags=128),
                 trailers=(), kind="application/grpc-web+proto"),
     {"status/code": "error", "status/type": "RESOURCE_EXHAUSTED", "status/message": "slow", "bottrace.rpc.received": 1}),
    ("A2A, a task", call(f"/{A2A}/SendMessage", ASKED, framed(TASK)),
     {"kind": "invoke_agent", "name": "invoke_agent", "status/code": "ok", "rpc.system": "grpc", "rpc.method": "SendMessage",
      "rpc.grpc.status_code": 0, "a2a.method.name": "SendMessage", "a2a.tenant": "tenant-7", "a2a.message.id": "m1",
      "a2a.protocol.version": "1.0", "a2a.task.id": "t1", "a2a.task.state": "completed", "gen_ai.conversation.id": "ctx-2",
      "a2a.message.reference_task_ids": ["t0"], "gen_ai.input.messages/0/role": "user",
      "gen_ai.input.messages/0/parts/0/content": "Weather?",
      "gen_ai.input.messages/0/parts/1": {"type": "data", "content": {"a": [1, True, None, "x"]}},
      "gen_ai.input.messages/0/parts/2/content": "AAE=",
      "gen_ai.input.messages/0/parts/2/mime_type": "image/png",
      "gen_ai.output.messages/0/parts/0/content": "-3 °C", "gen_ai.output.messages/0/parts/1/content": "Done."}),
    ("A2A, a stream", call(f"/{A2A}/SendStreamingMessage", ASKED, STREAM, size=7),
     {"kind": "invoke_agent", "gen_ai.request.stream": True, "a2a.task.state": "completed", "bottrace.rpc.received": 5,
      "gen_ai.output.messages/0/parts/0/content": "-3 °C", "gen_ai.output.messages/0/parts/1/content": "On it."}),
    ("A2A, refused", call(f"/{A2A}/SendMessage", ASKED, b"", trailers=(("grpc-status", "16"),)),
     {"kind": "invoke_agent", "status/code": "error", "status/type": "UNAUTHENTICATED"}),
    ("A2A, about a task", call(f"/{A2A}/GetTask", framed(message((2, "t1"))), framed(message((1, "t1")))),
     {"kind": "http", "name": f"{A2A}/GetTask", "rpc.method": "GetTask"}),
    ("A2A, compressed", call(f"/{A2A}/SendMessage", framed(b"\x1f\x8b", flags=1), framed(TASK)),
     {"kind": "http", "bottrace.note": "A2A: its message cannot be read", "bottrace.rpc.received": 1}),
    ("A2A, no protobuf", call(f"/{A2A}/SendMessage", framed(b"\xff" * 40), framed(b"\x07")),
     {"kind": "http", "bottrace.note": "A2A: its message cannot be read"}),
    ("A2A, too deep", call(f"/{A2A}/SendMessage", framed(message((2, said("x", (5, message((4, any_of(
        __import__("functools").reduce(lambda inner, _: [inner], range(200), 1))))))))), b""),
     {"kind": "http", "bottrace.note": "A2A: its message cannot be read"}),
    ("A2A 0.3, a task", call(f"/{A2A_03}/SendMessage", ASKED_03, framed(TASK_03)),
     {"kind": "invoke_agent", "name": "invoke_agent", "status/code": "ok", "rpc.service": A2A_03, "rpc.method": "SendMessage",
      "a2a.method.name": "SendMessage", "a2a.message.id": "m1", "a2a.task.state": "completed", "gen_ai.conversation.id": "ctx-2",
      "gen_ai.input.messages/0/role": "user", "gen_ai.input.messages/0/parts/0/content": "Weather?",
      "gen_ai.input.messages/0/parts/1/content": "AAEC", "gen_ai.input.messages/0/parts/1/mime_type": "image/png",
      "gen_ai.input.messages/0/parts/2/content": "AAE=", "gen_ai.input.messages/0/parts/3/uri": "https://h/f",
      "gen_ai.input.messages/0/parts/4": {"type": "data", "content": {"a": [1, {"b": "x"}]}},
      "gen_ai.output.messages/0/parts/0/content": "-3 °C", "gen_ai.output.messages/0/parts/1/content": "Done."}),
    ("A2A 0.3, a stream", call(f"/{A2A_03}/SendStreamingMessage", ASKED_03, STREAM_03, size=7),
     {"kind": "invoke_agent", "gen_ai.request.stream": True, "a2a.task.state": "canceled", "status/code": "error",
      "status/type": "canceled", "bottrace.rpc.received": 4, "gen_ai.output.messages/0/parts/0/content": "-3 °C",
      "gen_ai.output.messages/0/parts/1/content": "Stopped."}),
    ("A2A 0.3, a message", call(f"/{A2A_03}/SendMessage", ASKED_03, framed(message((2, message(
        (1, "m2"), (2, "ctx-2"), (4, 2), (5, message((1, "Cold.")))))))),
     {"kind": "invoke_agent", "gen_ai.conversation.id": "ctx-2", "gen_ai.output.messages/0/parts/0/content": "Cold."}),
    ("A2A 0.3, the other one's message", call(f"/{A2A_03}/SendMessage", framed(message((2, said("x")))), b""),
     {"kind": "http", "bottrace.note": "A2A: its message cannot be read"}),
    ("A2A 0.3, about a task", call(f"/{A2A_03}/GetTask", framed(message((1, "tasks/t1"))), framed(message((1, "t1")))),
     {"kind": "http", "name": f"{A2A_03}/GetTask", "rpc.method": "GetTask"}),
    ("no such framing", call("/echo.v1.Echo/Say", framed(b"a"), b"<html>no gRPC</html>"),
     {"kind": "http", "status/code": "error", "status/type": "broken"}),
)


def look_up(span, path):
    value = span if path.split("/")[0] in ("kind", "name", "status") else span["attributes"]
    for step in path.split("/"):
        value = value[int(step)] if isinstance(value, list) else value.get(step)
        if value is None:
            break
    return value


def main():
    binary = os.environ.get("BOTTRACE", str(ROOT / "build" / "bottrace"))
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    passed = failed = 0
    for name, (written, read), want in CASES:
        if part not in name:
            continue
        try:
            spans = decode(binary, written, read)["spans"]
            wrong = [] if len(spans) == 1 else [f"{len(spans)} spans"]
            if part:
                print(json.dumps(spans, indent=1, ensure_ascii=False))
            for path, value in want.items():
                got = look_up(spans[0], path)
                if path == "url.path":
                    got = spans[0]["attributes"]["url.path"]
                if got != value:
                    wrong.append(f"{path}: want {value!r}, got {got!r}")
        except (ValueError, KeyError, IndexError, TypeError, subprocess.TimeoutExpired) as error:
            wrong = [f"{type(error).__name__}: {error}"]
        passed, failed = passed + (not wrong), failed + bool(wrong)
        if wrong:
            print(f"FAILED {name}")
            print("".join(f"    {line}\n" for line in wrong), end="")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
