# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/2 as it is met: several providers on one connection, attached to in the middle, streams that are given up, gRPC."""
import json
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, anthropic, openai  # noqa: E402
from rig.wire import Http2Server, h2  # noqa: E402

CLIENT = str(Path(__file__).resolve().parent / "clients" / "streams.py")
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
TEXT = "It is 4 degrees."
SAY = Say(TEXT, tokens=(81, 17), cached=32, id="h")
CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Is it cold in Oslo?"}]}
CLAUDE = {"model": "claude-sonnet-4-5", "max_tokens": 99, "messages": CHAT["messages"]}
ENDING = ("files.example", "/end", "text/plain", b"x".hex())


class Framed(Http2Server):
    """make(encoder, stream, n) -> frames that answer the nth request."""

    def __init__(self, *answers):
        super().__init__(None)
        self.answers, self.count = answers, 0

    def frames(self, encoder, stream):
        answer = self.answers[self.count]
        self.count += 1
        return answer(encoder, stream)


def whole(a):
    """A rig Answer as frames."""
    def make(encoder, stream):
        body = b"".join(a.chunks) if a.chunks is not None else a.body
        yield h2.headers(encoder, stream, [(":status", str(a.status)), *a.headers.items()], False)
        yield h2.data(stream, body, 700)
    return make


def the_end(encoder, stream):
    yield h2.headers(encoder, stream, [(":status", "200"), ("content-type", "text/plain")], False)
    yield h2.data(stream, b"the end")


def exchange(requests, *answers):
    server = Framed(*answers)
    try:
        script = json.dumps([(host, path, kind, body if isinstance(body, str) else json.dumps(body).encode().hex())
                             for host, path, kind, body in requests])
        with rig.directory() as d:
            Path(d, "in").write_text(script)
            with open(Path(d, "in")) as stdin:
                r, document = rig.run([PYTHON, CLIENT, "frames", server.url, server.ca], stdin=stdin, timeout_s=40)
        rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
        rig.check_whole(document, server)
        return document
    finally:
        server.close()


def several_names():
    """One connection, three names: each call has its own."""
    json_kind = "application/json"
    document = exchange(
        [("api.openai.com", "/v1/chat/completions", json_kind, CHAT), ("api.anthropic.com", "/v1/messages", json_kind, CLAUDE),
         ("api.openai.com", "/v1/chat/completions", json_kind, {**CHAT, "stream": True, "stream_options": {"include_usage": True}}),
         ENDING],
        whole(openai(CHAT, SAY)), whole(anthropic(CLAUDE, SAY)),
        whole(openai({**CHAT, "stream": True, "stream_options": {"include_usage": True}}, SAY)), the_end)
    chats = rig.spans(document, "chat")
    rig.equal("calls", [(s["attributes"]["gen_ai.provider.name"], s["attributes"]["server.address"], s["status"]["code"]) for s in chats],
              [("openai", "api.openai.com", "ok"), ("anthropic", "api.anthropic.com", "ok"), ("openai", "api.openai.com", "ok")])
    rig.equal("texts", [s["attributes"]["gen_ai.output.messages"][0]["parts"][0]["content"] for s in chats], [TEXT] * 3)
    rig.equal("connection", {s["attributes"]["bottrace.connection"] for s in chats}, {1})
    rig.equal("other", [(s["name"], s["attributes"]["server.address"]) for s in rig.spans(document, "http")],
              [("POST /end", "files.example")])


def half(encoder, stream):
    a = openai({**CHAT, "stream": True}, Say(TEXT, id="half"))
    yield h2.headers(encoder, stream, [(":status", "200"), *a.headers.items()], False)
    yield h2.frame(h2.DATA, 0, stream, a.chunks[0] + a.chunks[1])


def given_up():
    """In the middle of an answer, before one, and by a server that takes no more."""
    def reset(encoder, stream):
        yield from half(encoder, stream)
        yield h2.frame(h2.RST_STREAM, 0, stream, struct.pack(">I", 2))

    def refused(encoder, stream):
        yield h2.frame(h2.RST_STREAM, 0, stream, struct.pack(">I", 7))

    def goaway(encoder, stream):
        yield from half(encoder, stream)
        yield h2.frame(h2.GOAWAY, 0, 0, struct.pack(">II", stream - 2, 0xb))
        yield from ()

    kind, path = "application/json", "/v1/chat/completions"
    streamed = {**CHAT, "stream": True}
    document = exchange([("api.openai.com", path, kind, streamed)] * 2 + [ENDING] + [("api.openai.com", path, kind, streamed)],
                        reset, refused, lambda *_: iter(()), lambda e, s: (yield from (*goaway(e, s), *the_end(e, 5))))
    chats = rig.spans(document, "chat")
    rig.equal("status", [(s["status"]["code"], s["status"]["type"]) for s in chats],
              [("aborted", "INTERNAL_ERROR"), ("aborted", "REFUSED_STREAM"), ("aborted", "ENHANCE_YOUR_CALM")])
    said = chats[0]["attributes"]["gen_ai.output.messages"][0]["parts"][0]["content"]
    assert TEXT.startswith(said) and said, said
    rig.equal("the stream that it still takes", [(s["name"], s["status"]["code"]) for s in rig.spans(document, "http")],
              [("POST /end", "ok")])


def grpc():
    """Its messages are no JSON, whatever they hold: an exchange, and no call of a model."""
    inside = json.dumps(CHAT).encode()
    message = b"\0" + struct.pack(">I", len(inside)) + inside

    def answer(encoder, stream):
        yield h2.headers(encoder, stream, [(":status", "200"), ("content-type", "application/grpc")], False)
        yield h2.frame(h2.DATA, 0, stream, message)
        yield h2.headers(encoder, stream, [("grpc-status", "0")], True)

    document = exchange([("grpc.example", "/chat.Completions/Create", "application/grpc", message.hex()), ENDING], answer, the_end)
    rig.equal("spans", [(s["kind"], s["name"], s["status"]["code"]) for s in rig.spans(document) if s["kind"] != "process"],
              [("http", "chat.Completions/Create", "ok"), ("http", "POST /end", "ok")])
    a = rig.spans(document, "http")[0]["attributes"]
    rig.equal("sizes", (a["http.request.body.size"], a["http.response.body.size"]), (len(message), len(message)))
    rig.equal("broken", "bottrace.broken" in a, False)
    rig.equal("rpc", (a["rpc.system"], a["rpc.service"], a["rpc.method"]), ("grpc", "chat.Completions", "Create"))


def attached(python):
    """In mid-connection the table of header fields is unknown; bodies are read all the same."""
    server = Http2Server(lambda: openai(CHAT, SAY))
    client = subprocess.Popen([python, CLIENT, "httpx", server.url, server.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    try:
        rig.equal("first", (client.stdout.readline(), client.stdout.readline()), (TEXT + "\n", "ready\n"))
        with rig.Attach(client.pid) as a:
            out, err = client.communicate("go\n", timeout=60)
            rig.equal("client", (client.returncode, out, err if client.returncode else ""), (0, (TEXT + "\n") * 2, ""))
            document = a.stop()
        rig.check_ledger(document)
        calls = [s for s in rig.spans(document) if s["kind"] != "process"]
        rig.equal("calls", [(s["kind"], s["status"]["code"]) for s in calls], [("chat", "ok")] * 2)
        for s in calls:
            rig.equal("text", s["attributes"]["gen_ai.output.messages"][0]["parts"][0]["content"], TEXT)
            rig.equal("usage", s["attributes"]["gen_ai.usage.input_tokens"], 81)
            rig.equal("note", "header" in s["attributes"].get("bottrace.note", ""), True)
    finally:
        client.kill()
        server.close()


def main():
    suite = rig.Suite()
    try:
        rig.need_root()
    except rig.Skip as e:
        print(f"skipped http2: {e}")
        suite.skipped += 1
        suite.close()
    for test in (several_names, given_up, grpc):
        suite.test(test)
    found = rig.interpreters()
    version, real = max(found[1:] or found, key=lambda v: tuple(map(int, v[0].split("."))))
    try:
        python = rig.venv(version, real, *rig.PROVIDERS)
    except rig.Skip as e:
        print(f"skipped attached: {e}")
        suite.skipped += 1
    else:
        suite.test(attached, python)
    suite.close()


main()
