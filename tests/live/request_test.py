# SPDX-License-Identifier: BSD-2-Clause
"""A server that handles requests at once with the same agent: attached, each request is a trace of its own, with exactly its
own spans; under run, each is a subtree of one trace."""
import http.client
import json
import re
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, openai  # noqa: E402
from rig.server import Server  # noqa: E402

PROGRAM = str(Path(__file__).resolve().parent / "clients" / "desk.py")
REQUESTS = 50


def model(request):
    """Asks for the tool once, then answers; slowly enough that all requests are open at once."""
    body = json.loads(request.body)
    number = int(re.search(r"request (\d+)", body["messages"][1]["content"]).group(1))
    said = Say(text=f"done {number}") if len(body["messages"]) > 2 else Say(calls=[("call_1", "look_up", {"number": number})])
    answer = openai(body, said)
    answer.delay_s = 0.05 + number % 7 * 0.01
    return answer


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Visitors:
    """So many requests at once; each visitor then asks again on the same connection, where `each` says so."""

    def __init__(self, port, count, each=1):
        self.port, self.each, self.said = port, each, {}
        self.start = threading.Barrier(count)
        self.threads = [threading.Thread(target=self.visit, args=(i,)) for i in range(count)]
        for t in self.threads:
            t.start()
        for t in self.threads:
            t.join(60)

    def visit(self, i):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.connect()
        self.start.wait(30)
        for n in range(i * self.each, (i + 1) * self.each):
            connection.request("POST", "/work", json.dumps({"number": n}), {"content-type": "application/json"})
            self.said[n] = connection.getresponse().read().decode()
        connection.close()


def text(span):
    return json.dumps(span["attributes"])


def check_request(spans, number, root):
    """Two calls and a tool below the request, all of this one and none of another."""
    kinds = sorted(s["kind"] for s in spans)
    rig.equal(f"kinds of {number}", kinds, ["chat", "chat", "execute_tool", "http", "invoke_agent"])
    numbers = {int(n) for s in spans for n in re.findall(r"(?:request|file|number\W+) ?(\d+)", text(s))}
    rig.equal("whose", numbers, {number})
    by_id = {s["id"]: s for s in spans}
    for s in spans:
        if s is root:
            continue
        at = s
        while at is not root:
            assert at["parent"] in by_id, f"{at['name']} has a parent elsewhere"
            at = by_id[at["parent"]]
    agent = next(s for s in spans if s["kind"] == "invoke_agent")
    rig.equal("agent", agent["attributes"]["gen_ai.agent.name"].rsplit(".", 1)[-1], "agent")
    rig.equal("below the agent", {s["parent"] for s in spans if s["kind"] in ("chat", "execute_tool")}, {agent["id"]})
    rig.equal("the agent below", agent["parent"], root["id"])


def number_of(spans):
    return int(re.search(r"request (\d+)", next(text(s) for s in spans if s["kind"] == "chat")).group(1))


def python_of(way):
    """Of anyio that in an environment that other tests use, too."""
    if way.split()[0] not in ("anyio", "fastapi"):
        return sys.executable
    found = rig.interpreters()
    version, real = found[0] if len(way.split()) == 1 else max(found, key=lambda v: tuple(map(int, v[0].split("."))))
    return rig.venv(version, real, *(("anyio", "uvloop") if way.startswith("anyio") else ("fastapi", "uvicorn", "uvloop")))


def start(way, server, port, requests):
    python, way = python_of(way), way.split()[0]
    return [python, PROGRAM, way, str(port), server.url, server.ca, str(requests)]


def attached(way, each, *options):
    count = REQUESTS // each
    port = free_port()
    with closing(Server(model)) as server:
        p = subprocess.Popen(start(way, server, port, 0), stdout=subprocess.PIPE, text=True)
        try:
            assert p.stdout.readline() == "ready\n"
            with rig.Attach(p.pid, options=options) as a:
                said = Visitors(port, count, each).said
                document = a.stop()
        finally:
            p.kill()
            p.wait()
            p.stdout.close()
    rig.equal("answers", said, {n: f"done {n}" for n in range(count * each)})
    rig.check_ledger(document)
    found = [t for t in document["traces"] if t["root_rule"] == "request"]
    rig.equal("traces", len(found), count * each)
    for t in found:
        roots = [s for s in t["spans"] if s["parent"] is None]
        rig.equal("root", [(s["kind"], s["link"]) for s in roots], [("http", None)])
        check_request(t["spans"], number_of(t["spans"]), roots[0])
        rig.equal("facts", (t["status"], t["complete"], t["start"], t["end"]),
                  ("ok", True, roots[0]["start"], roots[0]["end"]))
    rig.equal("each once", sorted(number_of(t["spans"]) for t in found), list(range(count * each)))
    (rest,) = [t for t in document["traces"] if t["root_rule"] != "request"]
    rig.equal("the rest", (rest["root_rule"], {s["kind"] for s in rest["spans"]}), ("process", {"process"}))


def run(way):
    port = free_port()
    visitors = []
    with closing(Server(model)) as server:
        def wait():
            for _ in range(600):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    threading.Event().wait(0.05)
            visitors.append(Visitors(port, REQUESTS))

        t = threading.Thread(target=wait)
        t.start()
        r, document = rig.run(start(way, server, port, REQUESTS))
        t.join()
    rig.equal("status", (r.returncode, r.stderr[-500:] if r.returncode else ""), (0, ""))
    rig.check_ledger(document)
    rig.equal("one trace", (document["schema"], document["root_rule"]), ("bottrace.v1.trace", "run"))
    below = {}
    for s in document["spans"]:
        below.setdefault(s["parent"], []).append(s)

    def subtree(s):
        return [s] + [x for b in below.get(s["id"], []) for x in subtree(b)]

    (process,) = below[None]
    requests = [s for s in below[process["id"]] if s["kind"] == "http"]
    rig.equal("subtrees", len(requests), REQUESTS)
    rig.equal("nothing beside", len(below[process["id"]]), REQUESTS)
    numbers = []
    for x in requests:
        spans = subtree(x)
        numbers.append(number_of(spans))
        check_request(spans, numbers[-1], x)
    rig.equal("each once", sorted(numbers), list(range(REQUESTS)))


def main():
    rig_suite = rig.Suite()
    for way in ("tasks", "threads", "anyio", "anyio newest", "fastapi", "fastapi newest"):
        rig_suite.test(attached, way, 1, name=f"attached, {way}")
        rig_suite.test(attached, way, 5, name=f"attached, {way}, kept connections")
        rig_suite.test(run, way, name=f"run, {way}")
    rig_suite.close()


rig.need_root()
main()
