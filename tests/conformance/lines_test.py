#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`bottrace decode` over recorded conversations of MCP, A2A, WebSockets and an agent's program, against the table that
lines_oracle.py made. Exchanges of wire/ also chunked, in gzip and over HTTP/2; WebSockets also on a stream of HTTP/2.

    lines_test.py [PART-OF-A-NAME]

BOTTRACE: the binary (build/bottrace). BOTTRACE_DATA: where the recordings lie (../shared/data beside the project).
The last line is `N passed, N failed, N skipped`.
"""
import gzip
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import frames
import h2

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LONG = 72
# Key of a row: the attribute that holds it.
ATTRIBUTES = {
    "method": ("mcp.method.name", "a2a.method.name"), "id": ("jsonrpc.request.id", "gen_ai.response.id"),
    "protocol": ("mcp.protocol.version",), "session": ("mcp.session.id",), "traceparent": ("bottrace.traceparent",),
    "tool": ("gen_ai.tool.name",), "result": ("gen_ai.tool.call.result",), "arguments": ("gen_ai.tool.call.arguments",),
    "call": ("gen_ai.tool.call.id",), "state": ("a2a.task.state",), "task": ("a2a.task.id",),
    "message": ("a2a.message.id",), "conversation": ("gen_ai.conversation.id",), "agent": ("gen_ai.agent.name",),
    "model": ("gen_ai.response.model",), "turns": ("bottrace.agent.turns",), "cost": ("bottrace.agent.cost_usd",),
}


def short(value):
    text = value if isinstance(value, str) or value is None else json.dumps(value, sort_keys=True)
    if text is None or len(text) <= LONG:
        return value
    raw = text.encode()
    return {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}


def text_of(attributes, name):
    return short("".join(p["content"] for m in attributes.get(name, []) for p in m["parts"] if p["type"] == "text"))


def calls_of(attributes):
    return [{k: p.get(k) for k in ("id", "name", "arguments")} for m in attributes.get("gen_ai.output.messages", [])
            for p in m["parts"] if p["type"] == "tool_call"]


def value_of(key, span, spans):
    """What the span says under a row's key."""
    attributes, status = span["attributes"], span["status"]
    if key == "kind":
        return span["kind"]
    if key == "status":
        return status["code"]
    if key == "type" or (key == "message" and status["code"] == "error"):
        return status[key]
    if key in ("text", "output"):
        return text_of(attributes, "gen_ai.output.messages")
    if key == "input":
        return text_of(attributes, "gen_ai.input.messages")
    if key == "calls":
        return calls_of(attributes)
    if key == "finish":
        return attributes.get("gen_ai.response.finish_reasons", [None])[0]
    if key == "tools":
        return [t["name"] for t in attributes.get("gen_ai.tool.definitions", [])]
    if key == "usage":
        return {"input": attributes.get("gen_ai.usage.input_tokens"), "output": attributes.get("gen_ai.usage.output_tokens"),
                "cached": attributes.get("gen_ai.usage.cache_read.input_tokens")}
    if key == "below":
        return next((s["attributes"].get("gen_ai.tool.call.id") for s in spans if s["id"] == span["parent"]), None)
    return short(next((attributes[a] for a in ATTRIBUTES[key] if a in attributes), None))


def is_told(span, rows):
    """Spans that the rows are about: what only models did, and the sockets themselves, are other tables'."""
    kinds = {row["kind"] for row in rows}
    if span["kind"] == "execute_tool":
        return "execute_tool" in kinds
    if span["kind"] == "http":
        attributes = span["attributes"]
        return (attributes.get("http.response.status_code") != 101 and attributes.get("url.path") != frames.TURN and
                "a WebSocket" not in attributes.get("bottrace.note", ""))
    return span["kind"] in kinds | {"mcp", "invoke_agent"}


def differences(rows, document):
    spans = [s for s in document["spans"] if is_told(s, rows)]
    wrong = []
    if len(spans) != len(rows):
        wrong.append(f"want {len(rows)} spans, got {[s['name'] for s in spans]}")
    for n, (row, span) in enumerate(zip(rows, spans)):
        for key, want in row.items():
            got = value_of(key, span, document["spans"])
            if got != want or type(got) is not type(want):
                wrong.append(f"{n} {span['name']}: {key}: want {want!r}, got {got!r}")
    return wrong


def chunked(raw, body=None, coding=b""):
    head, _, whole = raw.partition(b"\r\n\r\n")
    fields = [f for f in head.split(b"\r\n") if not f.lower().startswith(b"content-length:")]
    body = whole if body is None else body
    out = b"\r\n".join(fields) + coding + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    for i in range(0, len(body), 7):
        piece = body[i:i + 7]
        out += b"%x\r\n" % len(piece) + piece + b"\r\n"
    return out + b"0\r\n\r\n"


def forms(request, response, host):
    yield "plain", request, response
    if not response.partition(b"\r\n\r\n")[2]:
        return
    yield "chunked", request, chunked(response)
    packed = gzip.compress(response.partition(b"\r\n\r\n")[2])
    yield "gzip", request, chunked(response, packed, b"\r\nContent-Encoding: gzip")
    connection = h2.Connection()
    connection.exchange(request, response, host)
    yield "h2", connection.written, connection.read


def decode(binary, arguments):
    run = subprocess.run([binary, "decode", *arguments, "-o", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         timeout=60, check=False)
    if run.returncode or run.stderr:
        raise ValueError(f"exit {run.returncode}: {run.stderr.decode(errors='replace').strip()[-500:]}")
    return json.loads(run.stdout)


def cases(data, row, where):
    """(form, arguments of decode)."""
    path = data / row["name"]
    if not row["name"].startswith("wire/"):
        yield "", [path if path.exists() else path.with_name(path.name + ".jsonl")]
        if "_ws." in row["name"] or "websocket" in row["name"]:
            for form, packed, size in (("h2", False, 16384), ("h2, packed", True, 16384), ("h2, in pieces", True, 5)):
                for name, data in zip(("request", "response"), frames.connection(path, packed, size)):
                    (where / name).write_bytes(data)
                yield form, [where / "request", where / "response"]
        return
    request, response = (path.with_name(path.name + end).read_bytes() for end in (".req", ".resp"))
    for form, asked, told in forms(request, response, row["host"]):
        (where / "request").write_bytes(asked)
        (where / "response").write_bytes(told)
        yield form, [where / "request", where / "response"]


def main():
    binary = os.environ.get("BOTTRACE", str(ROOT / "build" / "bottrace"))
    data = pathlib.Path(os.environ.get("BOTTRACE_DATA") or ROOT.parent / "shared" / "data")
    table = json.loads((HERE / "lines.table.json").read_text())
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    passed = failed = 0
    if not data.is_dir():
        print(f"skipped: no recordings in {data}")
        print(f"0 passed, 0 failed, {len(table)} skipped")
        return 0
    with tempfile.TemporaryDirectory() as d:
        for row in (row for row in table if part in row["name"]):
            for form, arguments in cases(data, row, pathlib.Path(d)):
                try:
                    wrong = differences(row["spans"], decode(binary, arguments))
                except (ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
                    wrong = [f"{type(error).__name__}: {error}"]
                failed += bool(wrong)
                passed += not wrong
                if wrong:
                    print(f"FAILED {row['name']} {form}\n" + "".join(f"    {line}\n" for line in wrong), end="")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
