# SPDX-License-Identifier: BSD-2-Clause
"""Framings, and what every API's reader uses."""
import hashlib
import json
import struct
import zlib

LONG = 72


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


def sse(body):
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


def ndjson(body):
    for line in body.decode("utf-8").split("\n"):
        if line.strip():
            yield "", line


FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # bytes of a header's value, by its type


def eventstream(body):
    """application/vnd.amazon.eventstream: (event type, payload) pairs; both sums are checked."""
    at = 0
    while at < len(body):
        total, size, check = struct.unpack_from(">III", body, at)
        message = body[at:at + total]
        assert check == zlib.crc32(message[:8]) and struct.unpack(">I", message[-4:])[0] == zlib.crc32(message[:-4])
        head, headers = message[12:12 + size], {}
        while head:
            name, kind, head = head[1:1 + head[0]], head[1 + head[0]], head[2 + head[0]:]
            if kind in FIXED:
                value, head = head[:FIXED[kind]], head[FIXED[kind]:]
            else:
                length = struct.unpack(">H", head[:2])[0]
                value, head = head[2:2 + length], head[2 + length:]
            headers[name.decode()] = value
        kind = headers.get(":event-type") or headers.get(":exception-type") or headers.get(":error-code")
        yield (kind or b"").decode(), message[12 + size:-4].decode()
        at += total


def short(text):
    """Texts as they are, long ones as a fingerprint."""
    if text is None or len(text) <= LONG:
        return text
    raw = text.encode("utf-8")
    return {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}


def told(response):
    """A tool's result as text: JSON that is no text in its normal form."""
    if isinstance(response, str):
        return response
    return json.dumps(response, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


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
        if isinstance(value, float) and value == int(value):
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def add(*counts):
    """Their sum; None when not one is there."""
    there = [count for count in counts if count is not None]
    return sum(there) if there else None


def usage(**counts):
    return {key: counts.get(key) for key in ("input", "output", "cache_read", "cache_creation", "reasoning")}


def taken(source, names):
    """Parameters that are there, under their attribute's name."""
    return {attribute: source[key] for key, attribute in names.items() if source.get(key) is not None}


def message(role, types, text):
    return {"role": role, "parts": types, "text": short(text)}


def answered(**known):
    return {**{key: None for key in ("id", "model", "tier", "fingerprint", "error")}, "answers": [], "usage": usage(),
            **known}


class Answer:
    """One choice; others: the types of parts that are neither text, reasoning nor a call of the client's tools."""

    def __init__(self):
        self.text, self.reasoning, self.tools, self.others, self.finish = "", "", [], [], None

    def call(self, ident, name, arguments):
        self.tools.append({"id": ident or None, "name": name, "arguments": arguments_of(arguments)})

    def row(self):
        return {"text": short(self.text), "reasoning": short(self.reasoning), "tool_calls": self.tools,
                "others": self.others,
                "finish_reason": self.finish}


class Api:
    """What most of them have in common."""

    kind = operation = "chat"
    default = None
    frames = staticmethod(sse)

    def model(self, path, asked):
        return asked.get("model")

    def streamed(self, path, asked):
        return bool(asked.get("stream"))

    def params(self, asked):
        return {}

    def input(self, asked):
        return []

    def system(self, asked):
        return None

    def tools(self, asked):
        return []
