#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`bottrace decode` over recorded exchanges against the table that oracle.py made: plain, chunked, in every encoding,
over HTTP/2.

    decode_test.py [PART-OF-A-NAME]

BOTTRACE: the binary (build/bottrace). BOTTRACE_DATA: where wire/ and handmade/ lie (../shared/data beside the project).
Each exchange runs plain and in SAMPLE other forms; in all of them with BOTTRACE_SPLITS=all.
The last line is `N passed, N failed, N skipped`.
"""
import gzip
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import zlib

import h2
from recorded import exchanges

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LONG = 72
SAMPLE = 4
OTHERS = ("mcp", "a2a")  # kinds of rows that are no model's: not for this table to say
USAGE = {"input": "gen_ai.usage.input_tokens", "output": "gen_ai.usage.output_tokens",
         "cache_read": "gen_ai.usage.cache_read.input_tokens",
         "cache_creation": "gen_ai.usage.cache_creation.input_tokens",
         "reasoning": "gen_ai.usage.reasoning.output_tokens"}
# Every gen_ai.request.*, openai.* and bottrace.request.* attribute counts as a parameter but these.
NO_PARAMS = {"gen_ai.request.model", "gen_ai.request.stream"}


# ---- the wire ----

def split_http(raw):
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *fields = head.split(b"\r\n")
    kept = [field for field in fields if field.partition(b":")[0].strip().lower() not in
            (b"content-length", b"transfer-encoding", b"content-encoding")]
    return first, kept, body


def join_http(first, fields, body, coding, chunks):
    """One message with this body; chunks: a random source, or None for Content-Length."""
    fields = list(fields)
    if coding:
        fields.append(b"Content-Encoding: " + coding.encode())
    if chunks is None:
        fields.append(b"Content-Length: %d" % len(body))
        return first + b"\r\n" + b"\r\n".join(fields) + b"\r\n\r\n" + body
    fields.append(b"Transfer-Encoding: chunked")
    out = [first + b"\r\n" + b"\r\n".join(fields) + b"\r\n\r\n"]
    while body:
        size = chunks.choice((1, 2, 3, 17, 100, 4096, chunks.randint(1, 20000)))
        piece, body = body[:size], body[size:]
        out.append(b"%x\r\n" % len(piece) + piece + b"\r\n")
    out.append(b"0\r\n\r\n")
    return b"".join(out)


def raw_deflate(body):
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush()


def pack_with(module, tool, *options):
    """A Python module's compress, else a command, else None."""
    try:
        return __import__(module).compress
    except ImportError:
        pass
    if shutil.which(tool) is None:
        return None
    return lambda body: subprocess.run([tool, *options], input=body, stdout=subprocess.PIPE, check=True).stdout


CODINGS = {  # name of the variant: (Content-Encoding, function)
    "gzip": ("gzip", gzip.compress), "deflate": ("deflate", zlib.compress), "raw deflate": ("deflate", raw_deflate),
    "br": ("br", pack_with("brotli", "brotli", "--stdout", "-")),
    "zstd": ("zstd", pack_with("zstandard", "zstd", "--stdout", "-q", "-")),
}


def over_h2(request, response, host, **how):
    connection = h2.Connection(**how)
    connection.exchange(request, response, host)
    return connection.written, connection.read


def forms(request, response, host):
    """Name of the form: what makes (request, response) of it, or None when nothing here can."""
    chunks = random.Random(len(request) * 65537 + len(response))
    asked, told = split_http(request), split_http(response)
    made = {"chunked": lambda: (join_http(*asked, None, chunks), join_http(*told, None, chunks)),
            "h2": lambda: over_h2(request, response, host),
            "h2, continued": lambda: over_h2(request, response, host, cut=19),
            "h2, padded": lambda: over_h2(request, response, host, pad=7, size=101)}
    for name, (coding, pack) in CODINGS.items():
        for how, source in (("", None), (", chunked", chunks)):
            made[name + how] = pack and (lambda coding=coding, pack=pack, source=source: (
                request, join_http(*told[:2], pack(told[2]), coding, source)))
    packed = join_http(*told[:2], gzip.compress(told[2]), "gzip", None)
    made["h2, gzip"] = lambda: over_h2(request, packed, host, size=1000)
    return made


def variants(name, request, response, host):
    """(form, request, response): plain, and of the others all or a sample that the name chooses."""
    yield "plain", request, response
    made = forms(request, response, host)
    chosen = sorted(made)
    if os.environ.get("BOTTRACE_SPLITS") != "all":
        chosen = random.Random(name).sample(chosen, SAMPLE)
    for form in chosen:
        yield form, *(made[form]() if made[form] else (None, None))


# ---- what came out ----

def short(text):
    if text is None or len(text) <= LONG:
        return text
    raw = text.encode("utf-8")
    return {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}


def told(response):
    if isinstance(response, str):
        return response
    return json.dumps(response, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def texts_of(parts, kind):
    return short("".join(part["content"] for part in parts if part["type"] == kind))


def input_row(message):
    parts = message["parts"]
    text = "".join(part["content"] for part in parts if part["type"] == "text")
    if message["role"] == "tool":
        text += "".join(told(part["response"]) for part in parts)
    return {"role": message["role"], "parts": [part["type"] for part in parts], "text": short(text)}


def output_row(message, reason):
    parts = message["parts"]
    tools = [{key: part.get(key) for key in ("id", "name", "arguments")} for part in parts
             if part["type"] == "tool_call"]
    others = [part["type"] for part in parts if part["type"] not in ("text", "reasoning", "tool_call")]
    return {"text": texts_of(parts, "text"), "reasoning": texts_of(parts, "reasoning"), "tool_calls": tools,
            "others": others, "finish_reason": reason}


def params_of(attributes):
    return {key: value for key, value in attributes.items() if key not in NO_PARAMS and
            key.startswith(("gen_ai.request.", "gen_ai.output.type", "gen_ai.embeddings.", "openai.", "bottrace.request."))}


def row_of(want, document):
    """The span as a row of the table, with the table's keys."""
    spans = [span for span in document["spans"] if span["kind"] != "execute_tool"]
    if len(spans) != 1:
        return {"spans": [span["kind"] for span in document["spans"]]}
    span, attributes = spans[0], spans[0]["attributes"]
    row = {"name": want["name"], "host": want["host"], "path": attributes.get("url.path"),
           "status_code": attributes.get("http.response.status_code"), "kind": span["kind"]}
    if want["kind"] == "http":
        return row
    status = span["status"]
    reasons = attributes.get("gen_ai.response.finish_reasons", [])
    outputs = attributes.get("gen_ai.output.messages", [])
    system = attributes.get("gen_ai.system_instructions")
    row.update(
        operation=attributes.get("gen_ai.operation.name"), provider=attributes.get("gen_ai.provider.name"),
        request_model=attributes.get("gen_ai.request.model"),
        stream=attributes.get("gen_ai.request.stream", False), params=params_of(attributes),
        input=[input_row(message) for message in attributes.get("gen_ai.input.messages", [])],
        system=texts_of(system, "text") if system else None,
        tools=[{"type": tool["type"], "name": tool.get("name")} for tool in attributes.get("gen_ai.tool.definitions", [])],
        status=status["code"],
        error={"type": status["type"], "message": short(status["message"])} if status["code"] == "error" else None,
        outputs=[output_row(message, reasons[i] if i < len(reasons) else None) for i, message in enumerate(outputs)])
    told = {name: n for name, n in attributes.items() if name not in attributes.get("bottrace.estimated", ())}
    usage = {key: told.get(name) for key, name in USAGE.items()}
    row["usage"] = None if status["code"] == "error" and not any(usage.values()) else usage
    if "response_id" in want:
        row.update(response_id=attributes.get("gen_ai.response.id"),
                   response_model=attributes.get("gen_ai.response.model"))
    return row


def also(want, document):
    """What the table does not say but the document must: names and tool spans."""
    asked = [call for answer in want.get("outputs", []) for call in answer["tool_calls"]]
    tools = [span for span in document["spans"] if span["kind"] == "execute_tool"]
    if want["kind"] == "http":
        return []
    wrong = []
    model = want["request_model"]
    name = f"{want['operation']} {model}" if model else want["operation"]
    call = next((span for span in document["spans"] if span["kind"] == want["kind"]), None)
    if call is None or call["name"] != name:
        wrong.append(f"name: want {name!r}, got {call and call['name']!r}")
    got = [(span["attributes"].get("gen_ai.tool.call.id"), span["attributes"].get("gen_ai.tool.name")) for span in tools]
    if got != [(call["id"], call["name"]) for call in asked]:
        wrong.append(f"execute_tool spans: got {got}")
    return wrong


def differences(want, got):
    return [f"{key}: want {want.get(key)!r}, got {got.get(key)!r}" for key in {**want, **got}
            if want.get(key) != got.get(key) or type(want.get(key)) is not type(got.get(key))]


def decode(binary, host, request, response, where):
    paths = []
    for name, data in (("request", request), ("response", response)):
        paths.append(os.path.join(where, name))
        pathlib.Path(paths[-1]).write_bytes(data)
    run = subprocess.run([binary, "decode", "--server-name", host.partition(":")[0], *paths, "-o", "json"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    if run.returncode != 0:
        raise ValueError(f"exit {run.returncode}: {run.stderr.decode(errors='replace').strip()[-500:]}")
    return json.loads(run.stdout)


def check(binary, want, form, asked, told, where):
    """What is wrong with it."""
    try:
        document = decode(binary, want["host"], asked, told, where)
        return differences(want, row_of(want, document)) + also(want, document)
    except (ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
        return [f"{type(error).__name__}: {error}"]


def main():
    binary = os.environ.get("BOTTRACE", str(ROOT / "build" / "bottrace"))
    data = pathlib.Path(os.environ.get("BOTTRACE_DATA", ROOT.parent / "shared" / "data"))
    table = {row["name"]: row for row in json.loads((HERE / "wire.table.json").read_text())}
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    passed = failed = skipped = 0
    if not (data / "wire").is_dir():
        print(f"skipped: no recorded exchanges in {data}")
        print(f"0 passed, 0 failed, {len(table)} skipped")
        return 0
    missing = sorted(name for name, (_, pack) in CODINGS.items() if pack is None)
    if missing:
        print("skipped: nothing here makes " + ", ".join(missing))
    others = sum(row["kind"] in OTHERS for row in table.values())
    if others:
        print(f"{others} exchanges of {' and '.join(OTHERS)} are no model calls: not asked for here")
    with tempfile.TemporaryDirectory() as where:
        for one in exchanges(data):
            want = table.pop(one.name, {"name": one.name, "host": one.host, "kind": "no row in the table"})
            if part not in one.name or want["kind"] in OTHERS:
                continue
            for form, asked, told in variants(one.name, one.request, one.response, one.host):
                if told is None:
                    skipped += 1
                    continue
                wrong = check(binary, want, form, asked, told, where)
                if wrong:
                    failed += 1
                    print(f"FAILED {one.name} ({form})")
                    print("".join(f"    {line}\n" for line in wrong), end="")
                else:
                    passed += 1
    if table:
        failed += 1
        print("FAILED rows without a recording: " + ", ".join(table))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
