# SPDX-License-Identifier: BSD-2-Clause
"""--light: the same figures as in full, no content. --keep: what fulfils a rule, and only that."""
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.frames import FrameServer  # noqa: E402
from rig.model import Say, answer, json_answer  # noqa: E402
from rig.server import Answer, Server, encode  # noqa: E402

HERE = Path(__file__).resolve().parent
CLIENT = str(HERE / "clients" / "light.py")
CONVERSATION = str(HERE / "clients" / "conversation.py")
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
CANARY = "CANARY-7f3a91"
CONTENT = ["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions",
           "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "bottrace.continues"]
SAME = ["gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model",
        "gen_ai.response.id", "gen_ai.response.finish_reasons", "gen_ai.request.stream", "gen_ai.request.temperature",
        "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.cache_read.input_tokens",
        "http.request.method", "url.path", "http.response.status_code", "http.request.body.size",
        "http.response.body.size", "server.address", "error.type", "bottrace.attempts"]
# what a client sends and reads again: the same in both runs
CALLS = ["stream?300", "plain?300", "small-plain?1", "small-stream?0", "gzip?300", "large?20", "chunked?20", "large-gzip?5",
         "limited?300", "slow?1"]


def script(request):
    """By the first word of the path."""
    what = request.target.split("/")[1]
    body = json.loads(request.body)
    say = Say(f"It is {CANARY} degrees. " * 40, tokens=(len(request.body) // 4, 99), cached=64, id=what, delay_s=0.002)
    if what == "limited":
        return json_answer({"error": {"type": "rate_limit_error", "message": "slow down", "code": "rate_limit_exceeded"}},
                           429, retry_after="3")
    if what.startswith("large") or what == "chunked":
        # incompressible, so that the encoded body is cut too
        say.text = CANARY + "".join(f"{i * 2654435761 % 2 ** 32:x}" for i in range(150000))
    a = answer(request, body, say)
    if "gzip" in what:
        a.body = encode(a.body, "gzip")
        a.headers["content-encoding"] = "gzip"
    if what == "chunked":
        a.chunks = [a.body[i:i + 20000] for i in range(0, len(a.body), 20000)]
    if what == "slow":
        a.delay_s = 0.7
    return a


def traced(*options, calls=CALLS, tape=None):
    server = Server(script)
    try:
        r, document = rig.run([PYTHON, CLIENT, server.url, server.ca, *calls], *options,
                              *(["--tape", tape] if tape else []))
        rig.equal("status", r.returncode, 0)
        rig.check_ledger(document)
        server.wait_closed()
        rig.equal("bytes sent", sum(c["write"]["bytes"] for c in document["connections"]),
                  sum(len(c.received) for c in server.connections))
        rig.equal("bytes read", sum(c["read"]["bytes"] for c in document["connections"]),
                  sum(len(c.sent) for c in server.connections))
        return document, r
    finally:
        server.close()


def calls_of(document):
    return {s["attributes"]["url.path"].split("/")[1]: s for s in document["spans"] if s["kind"] in ("chat", "http")}


def timings(span):
    a = span["attributes"]
    return {k: v for k, v in {"duration": span["duration_ns"], "first byte": a.get("bottrace.time_to_first_byte_ns"),
                              "first chunk": a.get("gen_ai.response.time_to_first_chunk")}.items() if v is not None}


def no_content(document):
    text = json.dumps(document)
    rig.equal("canaries in the document", text.count(CANARY), 0)
    for span in document["spans"]:
        rig.equal(f"content of {span['name']}", [k for k in CONTENT if k in span["attributes"]], [])


def light_like_full():
    full, _ = traced()
    with rig.directory() as d:
        tape = str(Path(d, "t"))
        light, r = traced("--light", tape=tape)
        raw = Path(tape).read_bytes()
        replayed = subprocess.run([rig.BOTTRACE, "tree", tape, "-o", "json"], capture_output=True, text=True, check=True)
    rig.equal("light of the full document", full.get("light"), None)
    rig.equal("light", light["light"], True)
    rig.equal("replayed", json.loads(replayed.stdout), light)
    assert "  light" in r.stderr, r.stderr
    no_content(light)
    assert json.dumps(full).count(CANARY) > 1000
    a, b = calls_of(full), calls_of(light)
    rig.equal("calls", sorted(b), sorted(a))
    rig.equal("kinds", {k: s["kind"] for k, s in b.items()}, {k: "chat" for k in a})
    for name in a:
        want = {k: a[name]["attributes"].get(k) for k in SAME}
        if name == "large-gzip":  # its end cannot be decoded
            want.update({k: None for k in SAME if k.startswith("gen_ai.usage") or "finish" in k})
        if name == "chunked":     # chunk sizes may stand in what was left out
            for k in SAME:
                if k.startswith("gen_ai.usage") or "finish" in k or k == "http.response.body.size":
                    want[k] = b[name]["attributes"].get(k)
        rig.equal(f"attributes of {name}", {k: b[name]["attributes"].get(k) for k in SAME}, want)
        rig.equal(f"status of {name}", b[name]["status"], a[name]["status"])
        rig.equal(f"timings of {name}", sorted(timings(b[name])), sorted(timings(a[name])))
    rig.equal("first chunk of a stream", 0 < timings(b["stream"])["first chunk"] < 60, True)
    cut = b["large-gzip"]["attributes"]["bottrace.cut"]
    rig.equal("cut", (cut["direction"], cut["body_offset"] > 100000), ("read", True))
    rig.equal("other cuts", [k for k, s in b.items() if "bottrace.cut" in s["attributes"]], ["large-gzip"])
    size = light["ledger"]["bytes"]
    rig.equal("missing", size["missing"], 0)
    assert size["skipped"] > 4 * 290000, size
    rig.equal("complete", light["complete"], True)
    rig.equal("gaps", [s["gaps"] for s in light["spans"] if s["gaps"]], [])
    # The tape holds what the cut keeps: of each large write 4 KiB at most, answers up to their bound.
    assert raw.count(CANARY.encode()) < json.dumps(full).count(CANARY) // 2, raw.count(CANARY.encode())


def tools():
    """Names and ids of tool calls, without what they were given and gave."""
    say = [Say(None, [("call_w1", "get_weather", {"city": CANARY})], tokens=(81, 17), id="ask"),
           Say("Bring a coat.", tokens=(120, 11), id="tell")]

    def conversation(request):
        body = json.loads(request.body)
        return answer(request, body, say[any(m["role"] == "assistant" for m in body["messages"])])

    server = Server(conversation)
    try:
        r, document = rig.run([PYTHON, CONVERSATION, "urllib", "sync-stream", server.url, server.ca], "--light")
        rig.equal("status", r.returncode, 0)
        no_content(document)
        span, = rig.spans(document, "execute_tool")
        rig.equal("tool", (span["attributes"]["gen_ai.tool.name"], span["attributes"]["gen_ai.tool.call.id"]),
                  ("get_weather", "call_w1"))
        rig.equal("outcome", span["attributes"]["bottrace.tool.outcome"], "returned")
        rig.check_ledger(document)
    finally:
        server.close()


def skipped(document):
    return sum(c[d]["skipped"] for c in document["connections"] for d in ("read", "write"))


def respond(body):
    """A Chat Completion, or the events of a response, for what came whole."""
    request = json.loads(body)
    tokens = {"input_tokens": len(body) // 4, "output_tokens": 7, "total_tokens": len(body) // 4 + 7}
    if "messages" in request:
        return [json.dumps({"id": f"c{len(body)}", "object": "chat.completion", "model": request["model"], "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": CANARY * 30000}}],
            "usage": {"prompt_tokens": tokens["input_tokens"], "completion_tokens": 7, "total_tokens": tokens["total_tokens"]}}).encode()]
    output = [{"type": "message", "role": "assistant", "id": "m", "status": "completed",
               "content": [{"type": "output_text", "text": CANARY * 30000}]}]
    response = {"id": f"r{len(body)}", "object": "response", "model": request["model"], "status": "completed", "output": output,
                "usage": tokens}
    return [json.dumps(e).encode() for e in (
        {"type": "response.created", "response": {**response, "status": "in_progress", "output": [], "usage": None}},
        {"type": "response.completed", "response": response})]


def figures(span):
    a = span["attributes"]
    return (span["status"]["code"], a.get("gen_ai.request.model"), a.get("gen_ai.response.finish_reasons"),
            a.get("gen_ai.usage.input_tokens"), a.get("gen_ai.usage.output_tokens"))


def in_frames(command, sizes, options=("--light",)):
    """Of connections that speak in frames nothing is cut, from their first byte on; the content goes all the same."""
    server = FrameServer(respond)
    try:
        r, document = rig.run(command(server), *options)
        rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
        no_content(document)
        rig.check_ledger(document)
        rig.equal("skipped", skipped(document), 0)
        rig.equal("complete", document["complete"], True)
        rig.equal("figures", [figures(s) for s in document["spans"] if s["kind"] == "chat"],
                  [("ok", "gpt-5-mini", ["stop"], n // 4, 7) for n in sizes])
        return document
    finally:
        server.close()


def http2():
    """The body right behind the preface and the head, and the next request on the same connection."""
    curl = shutil.which("curl")
    if curl is None or "HTTP2" not in subprocess.run([curl, "-V"], capture_output=True, text=True).stdout:
        raise rig.Skip("no curl that speaks HTTP/2")
    with rig.directory() as d:
        bodies = []
        for size in (300, 20):
            body = Path(d, str(size))
            text = CANARY * (size * 1000 // len(CANARY))
            body.write_text(json.dumps({"messages": [{"role": "user", "content": text}], "model": "gpt-5-mini"}))
            bodies.append(body)

        def command(server):
            words = [curl]
            for i, body in enumerate(bodies):
                words += ["--next"] * (i > 0) + ["-sS", "--fail", "--http2", "--cacert", server.ca, "-o", "/dev/null", "-H",
                                                 "content-type: application/json", "--data-binary", f"@{body}",
                                                 f"{server.url}/v1/chat/completions"]
            return words
        document = in_frames(command, [b.stat().st_size for b in bodies])
        rig.equal("protocol", {s["attributes"].get("network.protocol.version") for s in calls_of(document).values()}, {"2"})
        rig.equal("connections", len(document["connections"]), 1)


def websocket():
    """The first message right behind the answer to the upgrade."""
    client = str(HERE / "clients" / "wsclient.py")
    sizes = [300, 20, 100]
    lengths = [len(json.dumps({"type": "response.create", "model": "gpt-5-mini",
                               "input": CANARY * (s * 1000 // len(CANARY))})) for s in sizes]
    in_frames(lambda server: [PYTHON, client, server.url, server.ca, *map(str, sizes)], lengths)


def one_write():
    """A head that is large and goes out with its body in one write is read, and the body cut."""
    def script(request):
        return json_answer({"id": "x", "object": "chat.completion", "model": "gpt-5-mini", "choices": []})

    server = Server(script)
    program = """import socket, ssl, sys
raw = socket.create_connection(("localhost", int(sys.argv[1])))
tls = ssl.create_default_context(cafile=sys.argv[2]).wrap_socket(raw, server_hostname="localhost")
body = b'{"model":"gpt-5-mini","messages":[{"role":"user","content":"' + b"x" * 100000 + b'"}],"temperature":0.5}'
head = b"POST /v1/chat/completions HTTP/1.1\\r\\nHost: localhost\\r\\nAuthorization: Bearer " + b"k" * 2700
for i in range(2):
    tls.sendall(head + b"\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
    while b'"choices"' not in tls.recv(65536):
        pass
"""
    try:
        r, document = rig.run([PYTHON, "-c", program, str(server.port), server.ca], "--light")
        rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
        rig.check_ledger(document)
        chats = rig.spans(document, "chat")
        rig.equal("calls", [(s["status"]["code"], s["attributes"].get("gen_ai.request.model"), s["attributes"].get("gen_ai.request.temperature"),
                             s["attributes"]["http.request.body.size"] > 100000) for s in chats], [("ok", "gpt-5-mini", 0.5, True)] * 2)
        assert skipped(document) > 190000, skipped(document)
    finally:
        server.close()


def kept(document):
    return sorted(calls_of(document))


def keep_a_run():
    """All of it, or none of its calls."""
    whole, r = traced("--keep", "errors", calls=["plain?1", "limited?1", "stream?1"])
    rig.equal("kept by an error", (kept(whole), whole["kept"]), (["limited", "plain", "stream"],
                                                               {"rules": "errors", "spans_dropped": 0}))
    rig.equal("numbers", [s["n"] for s in whole["spans"]], list(range(1, len(whole["spans"]) + 1)))
    none, r = traced("--keep", "errors,slow>10s,cost>0.50", calls=["plain?1", "stream?1", "slow?1"])
    rig.equal("kept", (kept(none), none["kept"]), ([], {"rules": "errors,slow>10s,cost>0.5", "spans_dropped": 3}))
    rig.equal("processes and connections", (len(none["spans"]), len(none["processes"]), len(none["connections"])), (1, 1, 1))
    rig.equal("complete", none["complete"], True)
    assert "kept by errors,slow>10s,cost>0.5; 3 dropped" in r.stderr, r.stderr
    slow, _ = traced("--keep", "slow>500ms", calls=["plain?1", "slow?1"])
    rig.equal("kept by slowness", kept(slow), ["plain", "slow"])
    failed, _ = rig.run(["/bin/sh", "-c", "exit 3"], "--keep", "errors")
    rig.equal("the command's own status", failed.returncode, 3)


def lines_of_a_run():
    """Live lines come when it is known that they stay; a replay gives the same document."""
    with rig.directory() as d:
        text, lines, tape = Path(d, "text"), Path(d, "lines"), Path(d, "tape")
        for calls, want in ((["plain?1", "limited?1", "stream?1"], 3), (["plain?1", "stream?1"], 0)):
            document, _ = traced("--keep", "errors", "-o", f"text={text}", "-o", f"jsonl={lines}", calls=calls, tape=str(tape))
            rig.equal("text", sum(line[10:14] == "llm " for line in text.read_text().splitlines()), want)
            spans = {s["id"]: s for s in map(json.loads, lines.read_text().splitlines()) if "id" in s}
            rig.equal("lines", spans, {s["id"]: s for s in document["spans"]})
            replayed = subprocess.run([rig.BOTTRACE, "tree", tape, "-o", "json"], capture_output=True, text=True, check=True)
            rig.equal("replayed", json.loads(replayed.stdout), document)


def keep_in_a_server(*options):
    """Each call by itself."""
    server = Server(script)
    client = subprocess.Popen([PYTHON, CLIENT, server.url, server.ca, "-", "plain?1", "limited?1", "stream?300", "slow?1", "plain?2"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    files = rig.directory()
    lines, tape = Path(files.name, "lines"), Path(files.name, "tape")
    try:
        client.stdout.readline()
        with rig.Attach(client.pid, options=["--keep", "errors,slow>500ms", "-o", f"jsonl={lines}", "--tape", str(tape),
                                             *options]) as a:
            time.sleep(0.3)
            out, _ = client.communicate("go\n", timeout=60)
            a.process.wait(timeout=20)
            document = a.stop()
        spans = {s["id"]: s for s in map(json.loads, lines.read_text().splitlines()) if "id" in s}
        rig.equal("lines", spans, {s["id"]: s for s in document["spans"]})
        replayed = subprocess.run([rig.BOTTRACE, "tree", tape, "-o", "json"], capture_output=True, text=True, check=True)
        rig.equal("replayed", json.loads(replayed.stdout), document)
        rig.equal("client", client.returncode, 0)
        rig.check_ledger(document)
        rig.equal("kept", kept(document), ["limited", "slow"])
        rig.equal("dropped", document["kept"], {"rules": "errors,slow>500ms", "spans_dropped": 3})
        return document
    finally:
        client.kill()
        server.close()
        files.cleanup()


def refused():
    for rules, why in (("", "a rule is"), ("slow", "a rule is"), ("slow>", "slow> wants"), ("slow>5", "slow> wants"),
                       ("slow>0s", "slow> wants"), ("cost>$1", "cost> wants"), ("cost>0", "cost> wants"), ("errors,", "a rule is"),
                       ("errors slow>5s", "a rule is")):
        r = subprocess.run([rig.BOTTRACE, "run", "--keep", rules, "--", "true"], capture_output=True, text=True)
        rig.equal(f"status of {rules!r}", r.returncode, 2)
        assert why in r.stderr and "--keep" in r.stderr, r.stderr


def main():
    suite = rig.Suite()
    tests = [light_like_full, tools, http2, websocket, one_write, keep_a_run, lines_of_a_run, keep_in_a_server]
    for test in tests:
        def rooted(test=test):
            rig.need_root()
            test()
        suite.test(rooted, name=test.__name__, alone=test is keep_in_a_server)  # it measures

    def both():
        rig.need_root()
        no_content(keep_in_a_server("--light"))
    suite.test(both, name="light and keep", alone=True)
    suite.test(refused)
    suite.close()


main()
