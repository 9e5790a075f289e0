#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who called, from records to the document: tapes made by hand, through `bottrace tree`.

    stack_test.py [PART-OF-A-NAME]

BOTTRACE: the binary (build/bottrace). The last line is `N passed, N failed, N skipped`.
"""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "conformance"), str(ROOT / "tests" / "live")]
import h2  # noqa: E402
from rig import run as rig  # noqa: E402
from tape import CODE_CUT, CODE_FAULT, Code, Frame, Tape, answer, lines, request  # noqa: E402

BOTTRACE = os.environ.get("BOTTRACE") or str(ROOT / "build" / "bottrace")
SITE = "/home/me/venv/lib/python3.11/site-packages/"
PID = 100

SEND = Code(0x10, "/usr/lib/python3.11/ssl.py", "SSLSocket.send", first=1100, table=lines(100))
CLIENT = Code(0x20, SITE + "httpx/_client.py", "Client.send", first=900, table=lines(100))
ONE = Code(0x30, "/home/me/agent.py", "Researcher.run", first=30, table=lines(40))
TWO = Code(0x40, "/home/me/agent.py", "Writer.run", first=80, table=lines(40))
MAIN = Code(0x50, "/home/me/agent.py", "<module>", first=1, table=lines(200))
ALL = (SEND, CLIENT, ONE, TWO, MAIN)
INNER = [SEND.at(1135), CLIENT.at(933)]


def equal(what, got, want):
    assert got == want, f"{what}: got {got!r}, want {want!r}"


def run(tape, *words):
    with tempfile.TemporaryDirectory() as d:
        path = pathlib.Path(d, "a.tape")
        path.write_bytes(tape.bytes() if isinstance(tape, Tape) else tape)
        r = subprocess.run([BOTTRACE, words[0] if words else "tree", path, *words[1:]], capture_output=True, timeout=60)
    equal("exit", r.returncode, 0)
    assert r.stderr == b"" or b"shown as far as it goes" in r.stderr, r.stderr
    return r.stdout.decode()


def document(tape):
    text = run(tape, "tree", "-o", "json")
    d = json.loads(text)
    assert d["complete"], d["ledger"]
    return d


def calls(tape):
    """Every span but the processes."""
    return [s for s in document(tape)["spans"] if s["kind"] != "process"]


def short(span):
    """agent.py:41 Researcher.run"""
    s = span["source"]
    return s and f"{s['file'].rsplit('/', 1)[-1]}:{s['line']} {s['function']}"


def partial(span):
    return span["attributes"].get("bottrace.stack.partial")


def begin(*argv, codes=ALL, **kw):
    t = Tape(**kw)
    t.process(PID, *(argv or ("/usr/bin/python3", "agent.py")))
    t.runtime(PID)
    for c in codes:
        t.code(PID, c)
    return t


def finish(t):
    t.exits(PID)
    t.end()
    return t


# ---- one connection, HTTP/1 ----

def test_one_call():
    t = begin()
    at = t.writes(PID, 1, request(), tid=123)
    t.stack(PID, 1, at, INNER + [ONE.at(41, generator=True), MAIN.at(120)], tid=123, task="researcher")
    t.reads(PID, 1, answer())
    process, span = document(finish(t))["spans"]
    equal("tid", span["tid"], 123)
    equal("task", span["task"], "researcher")
    equal("source", span["source"], {"file": "/home/me/agent.py", "line": 41, "function": "Researcher.run"})
    equal("stack", span["stack"], [
        {"file": "/usr/lib/python3.11/ssl.py", "line": 1135, "function": "SSLSocket.send"},
        {"file": SITE + "httpx/_client.py", "line": 933, "function": "Client.send"},
        {"file": "/home/me/agent.py", "line": 41, "function": "Researcher.run"},
        {"file": "/home/me/agent.py", "line": 120, "function": "<module>"}])
    equal("partial", partial(span), None)
    equal("evidence", span["link"]["evidence"][1], "called in agent.py:41 Researcher.run, task researcher")
    equal("how", (span["link"]["how"], span["link"]["certain"]), ("process", True))
    equal("runtime", process["attributes"]["process.runtime.version"], "3.11.2")
    equal("process", (process["source"], process["stack"], process["task"]), (None, None, None))
    assert "agent.py:41 Researcher.run" in run(t)
    shown = run(t, "show", "2")
    assert "  > /home/me/agent.py:41 Researcher.run\n" in shown and "caller    /home/me/agent.py:41" in shown, shown


def test_kept_connection():
    """A request and its body in two writes; the next request on the same connection comes from elsewhere."""
    t = begin()
    for frame, tid in ((ONE.at(41), 101), (TWO.at(90), 102), (ONE.at(42), 103)):
        whole = request()
        at = t.writes(PID, 1, whole[:100], tid=tid)
        t.stack(PID, 1, at, INNER + [frame], tid=tid)
        t.writes(PID, 1, whole[100:], tid=tid)
        t.reads(PID, 1, answer(), tid=999)
    got = calls(finish(t))
    equal("sources", [short(s) for s in got], ["agent.py:41 Researcher.run", "agent.py:90 Writer.run", "agent.py:42 Researcher.run"])
    equal("threads", [s["tid"] for s in got], [101, 102, 103])


def test_pipelined():
    """Two requests in one write have its stack; one in a write of its own that nobody walked has none, not a wrong one."""
    t = begin()
    at = t.writes(PID, 1, request() + request())
    t.stack(PID, 1, at, INNER + [ONE.at(41)])
    t.writes(PID, 1, request())
    for _ in range(3):
        t.reads(PID, 1, answer())
    got = calls(finish(t))
    equal("sources", [short(s) for s in got], ["agent.py:41 Researcher.run"] * 2 + [None])
    equal("partial", [partial(s) for s in got], [None, None, "missing"])
    equal("stack", got[2]["stack"], None)


def test_two_connections():
    t = begin()
    one, two = t.writes(PID, 1, request()), t.writes(PID, 2, request())
    t.stack(PID, 2, two, INNER + [TWO.at(90)], tid=102)
    t.stack(PID, 1, one, INNER + [ONE.at(41)], tid=101)
    t.reads(PID, 2, answer())
    t.reads(PID, 1, answer())
    equal("sources", [short(s) for s in calls(finish(t))], ["agent.py:41 Researcher.run", "agent.py:90 Writer.run"])


def test_long_write():
    """A request of many pieces: the stack comes behind the last."""
    t = begin()
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 100000}]}).encode()
    at = t.writes(PID, 1, request(body=body))
    t.stack(PID, 1, at, INNER + [ONE.at(41)])
    t.reads(PID, 1, answer())
    equal("source", short(calls(finish(t))[0]), "agent.py:41 Researcher.run")


def test_server_side():
    """What a server answers has no stack of the answer's."""
    t = begin()
    t.reads(PID, 1, request(path="/work", body=b"{}"))
    at = t.writes(PID, 1, answer(b"{}"))
    t.stack(PID, 1, at, INNER + [ONE.at(41)])
    t.stack(PID, 1, 0, INNER + [ONE.at(41)])
    span, = calls(finish(t))
    equal("span", (span["stack"], span["source"], partial(span)), (None, None, None))


# ---- HTTP/2, WebSocket, JSON-RPC ----

FIELDS = [(":method", "POST"), (":scheme", "https"), (":path", "/v1/chat/completions"), (":authority", "api.openai.com"),
          ("content-type", "application/json")]
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
PREFACE = h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0)


class Http2:
    def __init__(self):
        self.client, self.server = h2.Encoder(), h2.Encoder()

    def ask(self, stream, cut=None):
        return h2.headers(self.client, stream, FIELDS, False, cut) + h2.data(stream, BODY)

    def answers(self, stream):
        body = answer().partition(b"\r\n\r\n")[2]
        return h2.headers(self.server, stream, [(":status", "200"), ("content-type", "application/json")], False) + \
            h2.data(stream, body)


def test_http2_streams():
    t, c = begin(), Http2()
    at = t.writes(PID, 1, PREFACE, tid=101)
    t.stack(PID, 1, at, INNER + [ONE.at(41)], tid=101)
    t.writes(PID, 1, c.ask(1), tid=101)  # nobody knew yet that it is HTTP/2
    t.reads(PID, 1, h2.frame(h2.SETTINGS, 0, 0))
    for stream, frame, tid in ((3, TWO.at(90), 102), (5, ONE.at(43), 103)):
        at = t.writes(PID, 1, c.ask(stream), tid=tid)
        t.stack(PID, 1, at, INNER + [frame], tid=tid, task=stream)
    both = t.writes(PID, 1, c.ask(7) + c.ask(9), tid=104)
    t.stack(PID, 1, both, INNER + [TWO.at(95)], tid=104)
    for stream in (9, 7, 5, 3, 1):
        t.reads(PID, 1, c.answers(stream), tid=999)
    got = calls(finish(t))
    equal("sources", [short(s) for s in got], ["agent.py:41 Researcher.run", "agent.py:90 Writer.run", "agent.py:43 Researcher.run",
                                               "agent.py:95 Writer.run", "agent.py:95 Writer.run"])
    equal("partial", [partial(s) for s in got], ["earlier_write", None, None, None, None])
    equal("tasks", [s["task"] for s in got], [None, "Task-3", "Task-5", None, None])
    equal("threads", [s["tid"] for s in got], [101, 102, 103, 104, 104])


def test_http2_first_of_another_thread():
    """Who said hello is not who asks: no stack, rather than a wrong one."""
    t, c = begin(), Http2()
    at = t.writes(PID, 1, PREFACE, tid=101)
    t.stack(PID, 1, at, INNER + [ONE.at(41)], tid=101)
    t.writes(PID, 1, c.ask(1), tid=102)
    t.reads(PID, 1, c.answers(1))
    span, = calls(finish(t))
    equal("span", (span["source"], partial(span)), (None, "missing"))


def test_http2_in_pieces():
    """A header block over several writes: the stack is that of its first byte, and long since here."""
    t, c = begin(), Http2()
    at = t.writes(PID, 1, PREFACE)
    t.stack(PID, 1, at, INNER + [TWO.at(85)])
    block = c.ask(1, cut=5)
    for i in range(0, len(block), 20):
        at = t.writes(PID, 1, block[i:i + 20], tid=101 + i)
        t.stack(PID, 1, at, INNER + [ONE.at(30 + i // 20)], tid=101 + i)
    t.reads(PID, 1, c.answers(1))
    span, = calls(finish(t))
    equal("source", (short(span), partial(span)), ("agent.py:30 Researcher.run", None))


def text_frame(body, client):
    head = bytes([0x81, (0x80 if client else 0) | 126]) + struct.pack(">H", len(body))
    return head + (bytes(4) if client else b"") + body


def test_websocket():
    t = begin()
    at = t.writes(PID, 1, b"GET /v1/responses HTTP/1.1\r\nHost: api.openai.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    t.stack(PID, 1, at, INNER + [MAIN.at(7)])
    t.reads(PID, 1, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
    for lane, frame in (("a", ONE.at(41)), ("b", TWO.at(90))):
        at = t.writes(PID, 1, text_frame(json.dumps({"type": "response.create", "model": "m", "input": "x", "stream_id": lane}).encode(), True))
        t.stack(PID, 1, at, INNER + [frame])
    for lane in "ba":
        t.reads(PID, 1, text_frame(json.dumps({"type": "response.completed", "stream_id": lane, "response": {
            "id": lane, "status": "completed", "model": "m", "output": []}}).encode(), False))
    equal("sources", [short(s) for s in calls(finish(t))],
          ["agent.py:7 <module>", "agent.py:41 Researcher.run", "agent.py:90 Writer.run"])


def test_mcp():
    """A model's tool call that MCP carries out has the stack of the MCP call; so has every request of a batch."""
    def rpc(number, name, arguments):
        return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": name, "arguments": arguments}}

    t = begin()
    at = t.writes(PID, 1, request())
    t.stack(PID, 1, at, INNER + [ONE.at(41)])
    t.reads(PID, 1, answer(json.dumps({"model": "m", "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
        "role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{\"a\":1}"}}]}}]}).encode()))
    for frame, body in ((TWO.at(90), rpc(1, "add", {"a": 1})), (MAIN.at(9), [rpc(2, "x", {}), rpc(3, "y", {})])):
        at = t.writes(PID, 2, request("/mcp", json.dumps(body).encode(), "mcp.example"))
        t.stack(PID, 2, at, INNER + [frame])
        results = [{"jsonrpc": "2.0", "id": b["id"], "result": {"content": []}} for b in (body if isinstance(body, list) else [body])]
        t.reads(PID, 2, answer(json.dumps(results if isinstance(body, list) else results[0]).encode()))
    got = {s["name"]: short(s) for s in calls(finish(t))}
    equal("sources", got, {"chat m": "agent.py:41 Researcher.run", "execute_tool add": "agent.py:90 Writer.run",
                           "execute_tool x": "agent.py:9 <module>", "execute_tool y": "agent.py:9 <module>", "POST /mcp": "agent.py:9 <module>"})


def test_mcp_over_pipes():
    """Two pipes are one conversation; the stack is of the one that was written to."""
    t = begin()
    t.process(200, "/usr/bin/node", "server.js", parent=PID, target=False)
    t.stdio(200, 7, 8)
    t.pipe(PID, 6, 0, 8)
    t.pipe(PID, 5, 1, 7)
    for n, frame in ((1, ONE.at(41)), (2, TWO.at(90))):
        message = {"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": {"name": f"t{n}", "arguments": {}}}
        at = t.writes(PID, 5, json.dumps(message).encode() + b"\n")
        t.stack(PID, 5, at, [frame], task=n)
        t.reads(PID, 6, json.dumps({"jsonrpc": "2.0", "id": n, "result": {"content": []}}).encode() + b"\n")
    t.exits(200)
    got = [(s["name"], short(s), s["task"]) for s in calls(finish(t))]
    equal("calls", got, [("execute_tool t1", "agent.py:41 Researcher.run", "Task-1"), ("execute_tool t2", "agent.py:90 Writer.run", "Task-2")])


# ---- what is missing, and why ----

def test_code_lost():
    t = begin(codes=(SEND, ONE))
    at = t.writes(PID, 1, request())
    t.stack(PID, 1, at, INNER + [ONE.at(41)])
    t.reads(PID, 1, answer())
    span, = calls(finish(t))
    equal("frame", span["stack"][1], {"file": None, "line": None, "function": None})
    equal("rest", (partial(span), short(span)), ("lost", "agent.py:41 Researcher.run"))
    assert "?" in run(t, "show", "2")


def test_reasons():
    for reason in ("depth", "fault", "changed"):
        t = begin()
        at = t.writes(PID, 1, request())
        t.stack(PID, 1, at, INNER, reason=reason)
        t.reads(PID, 1, answer())
        span, = calls(finish(t))
        equal(reason, (partial(span), len(span["stack"]), span["source"]), (reason, 2, None))
        assert f"not whole: {reason}" in run(t, "show", "2")
    t = begin()
    at = t.writes(PID, 1, request())
    t.stack(PID, 1, at, [], reason="thread")
    t.reads(PID, 1, answer())
    span, = calls(finish(t))
    equal("thread", (partial(span), span["stack"]), ("thread", None))


def test_no_stacks_of_a_runtime():
    for reason in ("version", "free_threaded", "kernel"):
        t = Tape()
        t.process(PID, "/usr/bin/python3", "agent.py")
        t.runtime(PID, version=0x040000f0, reason=reason)
        t.writes(PID, 1, request())
        t.reads(PID, 1, answer())
        process, span = document(finish(t))["spans"]
        equal(reason, (partial(span), span["stack"], partial(process)), (reason, None, reason))
        equal("version", process["attributes"]["process.runtime.version"], "4.0.0")
        assert f"not known: {reason}" in run(t, "show", "2")


def test_no_python():
    """Neither a process without Python nor a session without stacks says that one is missing."""
    t = Tape()
    t.process(PID, "/usr/bin/node", "agent.js")
    for t in (t, begin(options=0)):
        t.writes(PID, 1, request())
        t.reads(PID, 1, answer())
        equal("partial", partial(calls(finish(t))[0]), None)


def test_address_used_again():
    """The same address, another code object: each stack has the name of its time."""
    t = begin()
    for epoch, name in ((1, "Researcher.run"), (2, "Other.run"), (3, None)):
        code = Code(ONE.address, "/home/me/agent.py", name, first=30, table=lines(40), epoch=epoch)
        if epoch > 1 and name:
            t.code(PID, code)
        at = t.writes(PID, 1, request())
        t.stack(PID, 1, at, [code.at(41)])
        t.reads(PID, 1, answer())
    equal("sources", [short(s) for s in calls(finish(t))], ["agent.py:41 Researcher.run", "agent.py:41 Other.run", None])


def test_exec():
    """Another image: what was known of the old one's code objects counts no more."""
    t = begin()
    t.execs(PID, "/usr/bin/python3", "other.py")
    t.code(PID, TWO)
    at = t.writes(PID, 2, request())
    t.stack(PID, 2, at, [ONE.at(41), TWO.at(90)])
    t.reads(PID, 2, answer())
    span, = calls(finish(t))
    equal("stack", [f["function"] for f in span["stack"]], [None, "Writer.run"])
    equal("partial", partial(span), "lost")


def test_killed_before_the_answer():
    t = begin()
    at = t.writes(PID, 1, request())
    t.stack(PID, 1, at, [ONE.at(41)])
    span, = calls(finish(t))
    equal("span", (span["status"]["code"], short(span)), ("aborted", "agent.py:41 Researcher.run"))


def test_still_open():
    t = begin()
    at = t.writes(PID, 1, request())
    t.stack(PID, 1, at, [ONE.at(41)])
    t.end()
    span, = calls(t)
    equal("span", (span["status"]["code"], short(span)), ("open", "agent.py:41 Researcher.run"))


# ---- names ----

def test_strings():
    """Every kind of str, and bytes that are no text."""
    rows = [("/home/jos\xe9/agent.py", "caf\xe9.run"), ("/home/\u65e5\u672c/a.py", "\u0416.run"), ("/x/\U0001f600.py", "run"),
            ("/x/\udc80.py", "\ud800"), ((1, b"/x/\x80\x01\x1b[31m.py"), (1, b"f\n")), ((4, b"/\0\0\0\xff\xff\xff\xff"), (2, b"\x41\0"))]
    want = [("/home/jos\xe9/agent.py", "caf\xe9.run"), ("/home/\u65e5\u672c/a.py", "\u0416.run"), ("/x/\U0001f600.py", "run"),
            ("/x/\ufffd.py", "\ufffd"), ("/x/\x80\x01\x1b[31m.py", "f\n"), ("/\ufffd", "A")]
    t = begin()
    codes = [Code(0x1000 + i, file, name) for i, (file, name) in enumerate(rows)]
    for c in codes:
        t.code(PID, c)
    at = t.writes(PID, 1, request())
    t.stack(PID, 1, at, [Frame(c, -1) for c in codes], task="\u65e5\U0001f600")
    t.reads(PID, 1, answer())
    span, = calls(finish(t))
    equal("names", [(f["file"], f["function"]) for f in span["stack"]], want)
    equal("task", span["task"], "\u65e5\U0001f600")
    for text in (run(t), run(t, "show", "2")):
        assert not any(ord(c) < 32 and c != "\n" or c == "\x80" for c in text), repr(text)


def test_secrets():
    """Names pass the guard like everything else."""
    key = "sk-ant-api03-" + "Ab3" * 30
    t = begin()
    code = Code(0x1000, f"/home/me/{key}/agent.py", key)
    t.code(PID, code)
    at = t.writes(PID, 1, request())
    t.stack(PID, 1, at, [Frame(code, -1)], task=key)
    t.reads(PID, 1, answer())
    text = run(finish(t), "tree", "-o", "json")
    assert key not in text and "[redacted:" in text


def test_torn_names():
    t = begin()
    t.code(PID, Code(0x1000, None, "run", flags=CODE_FAULT))
    t.code(PID, Code(0x1001, "/" + "a" * 511, "run", flags=CODE_CUT))
    at = t.writes(PID, 1, request())
    t.stack(PID, 1, at, [Frame(Code(0x1000, None, None), -1), Frame(Code(0x1001, None, None), -1)])
    t.reads(PID, 1, answer())
    span, = calls(finish(t))
    equal("names", [f["file"] for f in span["stack"]], [None, "/" + "a" * 511 + "\u2026"])
    equal("partial", partial(span), "fault")


def test_main_package():
    """`python -m PACKAGE`: its files are the user's, though they lie below site-packages."""
    own = Code(0x1000, SITE + "httpx/_client.py", "Client.send", first=900, table=lines(100))
    for argv, want in ((("/usr/bin/python3", "-m", "httpx"), "_client.py:933 Client.send"),
                       (("/usr/bin/python3", SITE + "httpx/__main__.py"), "_client.py:933 Client.send"),
                       (("/usr/bin/python3", "-m", "http"), None), (("/usr/bin/python3", "-c", "import httpx"), None)):
        t = begin(*argv, codes=(own,))
        at = t.writes(PID, 1, request())
        t.stack(PID, 1, at, [own.at(933)])
        t.reads(PID, 1, answer())
        equal(argv, short(calls(finish(t))[0]), want)


def test_depth():
    """256 frames, recursion."""
    t = begin()
    at = t.writes(PID, 1, request())
    t.stack(PID, 1, at, [ONE.at(30 + i % 40) for i in range(256)])
    t.reads(PID, 1, answer())
    span, = calls(finish(t))
    equal("lines", [f["line"] for f in span["stack"]], [30 + i % 40 for i in range(256)])


# ---- line tables ----

MEASURE = """
import ctypes, json, sys
line_of = ctypes.pythonapi.PyCode_Addr2Line
line_of.argtypes, line_of.restype = [ctypes.py_object, ctypes.c_int], ctypes.c_int
def codes(c):
    yield c
    for k in c.co_consts:
        if hasattr(k, 'co_code'):
            yield from codes(k)
out = []
for module in ('argparse', 'asyncio.sslproto', 'dataclasses', 'http.client', 'inspect', 'json.decoder', 'typing', 'ssl'):
    __import__(module)
    file = sys.modules[module].__file__
    with open(file, encoding='utf-8') as f:
        for c in codes(compile(f.read(), file, 'exec')):
            table = c.co_linetable if sys.version_info >= (3, 10) else c.co_lnotab
            if len(table) <= 16384:
                out.append((getattr(c, 'co_qualname', c.co_name), c.co_firstlineno, table.hex(),
                            [max(line_of(c, at), 0) for at in range(0, len(c.co_code), 2)]))
print(json.dumps([sys.version_info[1], out]))
"""


def pythons():
    """Every CPython on this machine, one of a minor version."""
    found = {}
    for python in [p for _, p in rig.interpreters()] + sorted(map(str, (ROOT / ".cache/standalone").glob("*/bin/python3"))):
        r = subprocess.run([python, "-c", MEASURE], capture_output=True, text=True)
        if r.returncode == 0:
            minor, codes = json.loads(r.stdout)
            found.setdefault(minor, codes)
    return found


def test_line_tables():
    """Each instruction of some thousand functions, in the line that their own interpreter says."""
    found = pythons()
    if not found:
        raise rig.Skip("no CPython")
    for minor, codes in sorted(found.items()):
        frames, want = [], []
        t = begin()
        for i, (name, first, table, by_unit) in enumerate(codes):
            code = Code(0x10000 + i, "/home/me/a.py", name, minor=minor, first=first, table=bytes.fromhex(table))
            t.code(PID, code)
            frames.append(Frame(code, -1))
            want.append(first)
            for unit, line in enumerate(by_unit):
                if unit < 3 or line != by_unit[unit - 1] or unit == len(by_unit) - 1:
                    frames.append(Frame(code, unit * 2))
                    want.append(line or None)
        for i in range(0, len(frames), 256):
            at = t.writes(PID, 1, request())
            t.stack(PID, 1, at, frames[i:i + 256])
            t.reads(PID, 1, answer())
        got = [f["line"] for s in calls(finish(t)) for f in s["stack"]]
        equal(f"3.{minor}: count", len(got), len(want))
        wrong = [(i, got[i], want[i]) for i in range(len(got)) if got[i] != want[i]]
        assert not wrong, f"3.{minor}: {len(wrong)} of {len(want)} lines are wrong: {wrong[:3]}"
        print(f"    3.{minor}: {len(codes)} functions, {len(want)} lines")


# ---- any tape ----

def test_cut_anywhere():
    """A tape that ends behind any record: a document, and never a stack that a call has not."""
    t = begin()
    for frame in (ONE.at(41), TWO.at(90)):
        at = t.writes(PID, 1, request())
        t.stack(PID, 1, at, INNER + [frame])
        t.reads(PID, 1, answer())
    finish(t)
    for n in range(2, len(t.records)):
        d = json.loads(run(b"".join(t.records[:n]), "tree", "-o", "json"))
        got = [short(s) for s in d["spans"] if s["kind"] != "process"]
        for have, want in zip(got, ["agent.py:41 Researcher.run", "agent.py:90 Writer.run"]):
            assert have in (want, None), (n, got)


def test_same_again():
    t = begin()
    for i in range(50):
        at = t.writes(PID, i % 3, request())
        t.stack(PID, i % 3, at, INNER + [ONE.at(30 + i % 30)], task=i)
        t.reads(PID, i % 3, answer())
    finish(t)
    equal("twice", run(t, "tree", "-o", "json"), run(t, "tree", "-o", "json"))


def main():
    tests = [(k, v) for k, v in globals().items() if k.startswith("test_") and (sys.argv[1:] or [""])[0] in k]
    passed = failed = skipped = 0
    for name, test in tests:
        try:
            test()
            passed += 1
        except rig.Skip as e:
            skipped += 1
            print(f"skipped: {name}: {e}")
        except Exception as e:  # every failure is a line
            failed += 1
            print(f"FAILED {name}: {type(e).__name__}: {e}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
