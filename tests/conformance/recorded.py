# SPDX-License-Identifier: BSD-2-Clause
"""The recorded exchanges that the table is about: those of wire/, those of handmade/ with the other half by hand, and those of written.py."""
import json

import written


class Exchange:
    def __init__(self, name, host, request, response):
        self.name, self.host, self.request, self.response = name, host, request, response


CHAT = b'{"model":"%s","messages":[{"role":"user","content":"weather in Tokyo?"}],"stream":%s}'
# What handmade/ has no request for: (file, host, path, body, content type of a file that has no head).
BY_HAND = (
    ("anthropic.429.resp", "api.anthropic.com", "/v1/messages",
     b'{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}', None),
    ("anthropic.midstream-error.sse", "api.anthropic.com", "/v1/messages",
     b'{"model":"claude-sonnet-4-5","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}',
     "text/event-stream"),
    ("cohere.v2-chat.stream.resp", "api.cohere.com", "/v2/chat", CHAT % (b"command-a", b"true"), "text/event-stream"),
    ("ollama.api-chat.stream.resp", "localhost:11434", "/api/chat",
     b'{"model":"llama3.2","messages":[{"role":"user","content":"weather in Tokyo?"}],"tools":[{"type":"function",'
     b'"function":{"name":"get_weather","parameters":{"type":"object"}}}],"options":{"num_predict":64}}', None),
    ("openai.429.resp", "api.openai.com", "/v1/chat/completions", CHAT % (b"gpt-4o", b"false"), None),
    ("openai.midstream-error.sse", "api.openai.com", "/v1/chat/completions", CHAT % (b"m", b"true"),
     "text/event-stream"),
)


def framed(first, fields, body):
    fields = [field for field in fields if field.partition(":")[0].lower() not in
              ("content-length", "transfer-encoding")] + [f"Content-Length: {len(body)}"]
    return "\r\n".join([first, *fields, "", ""]).encode() + body


def handmade(where):
    """These files end their lines as text does, some have no head, and one speaks of chunks that are not there."""
    for file, host, path, body, kind in BY_HAND:
        raw = (where / file).read_bytes()
        head, told = f"HTTP/1.1 200 OK\nContent-Type: {kind}", raw
        if kind is None:
            head, _, told = raw.partition(b"\n\n")
            head = head.decode()
        first, *fields = head.split("\n")
        yield Exchange("handmade/" + file, host,
                       framed(f"POST {path} HTTP/1.1", [f"Host: {host}", "Content-Type: application/json"], body),
                       framed(first, fields, told))
    asked = (where / "openai-agents.traces-ingest.req").read_bytes()
    head, _, body = asked.partition(b"\n\n")
    first, *fields = head.decode().split("\n")
    yield Exchange("handmade/openai-agents.traces-ingest.req", "api.openai.com", framed(first, fields, body),
                   framed("HTTP/1.1 204 No Content", [], b""))


def exchanges(data):
    """All of them under this folder, in the order of the table."""
    wire = data / "wire"
    for entry in sorted(json.loads((wire / "INDEX.json").read_text()), key=lambda entry: entry["name"]):
        request, response = ((wire / (entry["name"] + end)).read_bytes() for end in (".req", ".resp"))
        yield Exchange(entry["name"], entry["host"], request, response)
    yield from handmade(data / "handmade")
    for name, host, path, asked, kind, fields, told in written.written():
        yield Exchange(name, host, framed(f"POST {path} HTTP/1.1", [f"Host: {host}", "Content-Type: application/json"], asked),
                       framed("HTTP/1.1 200 OK", [f"Content-Type: {kind}", *(f"{k}: {v}" for k, v in fields.items())], told))
