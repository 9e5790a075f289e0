#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Markers of real programs: the tree of the document is the program's own, and each model call is in the step that made it.

    marker_test.py [VERSION ...]: those interpreters; without, Debian's and the oldest and newest on this machine
    (TEST_PYTHONS=all: every one)."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, openai  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

MARKED = str(Path(__file__).resolve().parent / "clients" / "marked.py")
CALLS = {"functions": 13, "threads": 25, "tasks": 24, "loose": 4, "sessions": 9}


def answer(request):
    if request.method != "POST":
        return Answer(404, {}, b"")
    return openai(json.loads(request.body), Say("ok", tokens=(1, 1)))


def tree_of(spans):
    by_id = {s["id"]: s for s in spans}

    def path(s):
        names = []
        while s is not None:
            if s["kind"] == "step":
                names.append(s["name"])
            s = by_id.get(s["parent"])
        return "/".join(reversed(names))

    return path


def prompt_of(s):
    return s["attributes"]["gen_ai.input.messages"][-1]["parts"][0]["content"].rpartition(" #")[0]


def check_calls(document, case):
    """Each prompt says in which steps it was asked."""
    chats = rig.spans(document, "chat")
    rig.equal("calls", len(chats), CALLS[case])
    for t in rig.traces(document):
        path = tree_of(t["spans"])
        ids = {s["id"]: s for s in t["spans"]}
        for s in t["spans"]:
            if s["kind"] != "chat":
                continue
            want, got = prompt_of(s), path(s)
            if t["session"]:
                want = f"session {t['session']}/" + want.partition(":")[2] if want.endswith("turn") else f"session {t['session']}"
                assert prompt_of(s).startswith(t["session"] + ":"), (prompt_of(s), t["session"])
            if want.startswith("?"):
                rig.equal(want, (ids[s["parent"]]["kind"], s["link"]["how"]), ("process", "process"))
                continue
            rig.equal("steps around a call", got, want)
            rig.equal(want, (s["link"]["how"], s["link"]["certain"]), ("marker" if want else "process", True))


def traced(python, case):
    server = Server(answer)
    try:
        r, document = rig.run([python, MARKED, case, server.url, server.ca])
        rig.equal("status", (r.returncode, r.stdout), (0, ""))
        rig.check_ledger(document)
        for t in rig.traces(document):
            rig.equal("complete", t["complete"], True)
        server.wait_closed()
        return document
    finally:
        server.close()


def steps(document, **wanted):
    return [s for s in rig.spans(document, "step") if all(s[k] == v for k, v in wanted.items())]


def functions(python):
    d = traced(python, "functions")
    check_calls(d, "functions")
    path = tree_of(d["spans"])
    rig.equal("steps", sorted(path(s) for s in steps(d)),
              sorted(["outer", "outer/leaf", "outer/kept", "outer/fails", "outer/gen", "outer/gen/leaf", "outer/gen/leaf"]))
    fails = steps(d, name="fails")[0]
    rig.equal("status", fails["status"], {"code": "error", "type": "KeyError", "message": "gone"})
    outer = steps(d, name="outer")[0]
    rig.equal("input", outer["attributes"]["bottrace.input"], {"n": 1})
    rig.equal("events", [(e["name"], e["attributes"]) for e in outer["events"] if "bottrace.link" not in e["attributes"]],
              [("caught", {"what": "KeyError"}),
               ("bottrace.state", {"step": {"done": [1, 2]}})])
    leaf = steps(d, name="leaf")[0]
    rig.equal("values", (leaf["attributes"]["bottrace.input"], leaf["attributes"]["bottrace.output"]),
              ({"path": "outer"}, {"path": "outer"}))
    child = next(s for s in d["spans"] if s["kind"] == "process" and s["name"] == "true")
    rig.equal("the child's step", (path(child), child["link"]["how"]), ("outer", "fork"))
    for s in steps(d):
        assert s["start"] < s["end"] and s["time"] == "observed", s


def threads(python):
    d = traced(python, "threads")
    check_calls(d, "threads")
    path = tree_of(d["spans"])
    rig.equal("steps", sorted(path(s) for s in steps(d)),
              sorted(["starter"] + ["thread%d" % n for n in range(4)] + ["thread%d/leaf" % n for n in range(4)] * 3))


def tasks(python):
    d = traced(python, "tasks")
    more = python_version(python) >= (3, 9)
    if not more:
        CALLS["tasks"] -= 1
    try:
        check_calls(d, "tasks")
    finally:
        CALLS["tasks"] += not more
    path = tree_of(d["spans"])
    rig.equal("steps", sorted(path(s) for s in steps(d)),
              sorted(["main"] + ["main/task"] * 3 + ["main/task/span%d" % n for n in range(3)] + ["main/task/agen"] * 3 +
                     ["main/leaf"] * more))


def python_version(python):
    out = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True).stdout
    return tuple(map(int, out.split()))


def loose(python):
    d = traced(python, "loose")
    check_calls(d, "loose")
    path = tree_of(d["spans"])
    rig.equal("steps", sorted(path(s) for s in steps(d)), ["loose1", "loose2", "only", "only/inner"])


def sessions(python):
    d = traced(python, "sessions")
    check_calls(d, "sessions")
    rig.equal("traces", sorted((t["root_rule"], t["session"]) for t in rig.traces(d)),
              [("marker", "s0"), ("marker", "s1"), ("run", None)])
    for t in rig.traces(d):
        if t["session"]:
            root = [s for s in t["spans"] if s["parent"] is None]
            rig.equal("roots", [(s["kind"], s["name"], s["link"]) for s in root], [("step", f"session {t['session']}", None)])
            rig.equal("turns", sum(s["name"] == "turn" for s in t["spans"]), 2)


class Waiting:
    def __init__(self, python, server):
        self.p = subprocess.Popen([python, MARKED, "wait", server.url, server.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        rig.equal("program", self.p.stdout.readline(), "running\n")

    def say(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return int(self.p.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.kill()
        self.p.wait()


def attached(python):
    """A program that lived before: its flag comes with the tracer and goes with it."""
    server = Server(answer)
    try:
        with Waiting(python, server) as w:
            rig.equal("flag before", w.say("leaf"), 80)
            with rig.Attach(w.p.pid) as a:
                rig.equal("flag while attached", w.say("leaf"), 204)
                w.say("leaf")
                w.say("fork")
            rig.equal("flag afterwards", w.say("leaf"), 80)
            d = a.stop()
            rig.equal("steps", len(steps(d)), 3)
            rig.equal("calls in steps", [s["link"]["how"] for s in rig.spans(d, "chat")], ["marker"] * 3)
            rig.equal("steps by process", sorted(s["pid"] == w.p.pid for s in steps(d)), [False, True, True])
    finally:
        server.close()


def killed(python):
    """A tracer that dies leaves nothing behind."""
    server = Server(answer)
    try:
        with Waiting(python, server) as w:
            a = rig.Attach(w.p.pid).__enter__()
            rig.equal("flag while attached", w.say("leaf"), 204)
            for p in Path("/proc").glob("[0-9]*"):
                try:
                    if f"PPid:\t{a.process.pid}\n" in (p / "status").read_text():
                        os.kill(int(p.name), 9)
                except OSError:
                    pass
            a.process.wait(timeout=30)
            a.process.stderr.close()
            rig.wait_for("flag", lambda: w.say("") == 80)
            a.dir.cleanup()
    finally:
        server.close()


def found_late(python):
    """A module in a place that nobody foresees: its import waits for the tracer."""
    with rig.directory() as d:
        shutil.copy(rig.ROOT / "tools" / "python" / "bottrace.py", Path(d, "bottrace.py"))
        code = ("import sys; sys.path.insert(0, '/'.join(['', *%r])); import bottrace; print(bottrace._page[64]); "
                "bottrace.trace(len)('abc')" % (list(Path(d).parts[1:]),))
        r, document = rig.run([python, "-c", code], cwd="/")
        rig.equal("flag", r.stdout, "204\n")
        rig.equal("steps", [(s["name"], s["attributes"]["bottrace.output"]) for s in steps(document)], [("len", 3)])


def two_interpreters(python):
    """Two interpreters of one process have each its own module; their steps do not mix."""
    begin = "import sys\nsys.path.insert(0, %r)\nsys.dont_write_bytecode = True\n" % str(rig.ROOT / "tools" / "python")
    inner = begin + "import bottrace\n@bottrace.trace(name='inner')\ndef f(x): return x\nf(1)\n"
    code = begin + ("try: import _interpreters as I\n"
                    "except ImportError: import _xxsubinterpreters as I\n"
                    "import bottrace\n"
                    "i = I.create()\n"
                    "with bottrace.span('outer'):\n"
                    "    (I.run_string if hasattr(I, 'run_string') else I.exec)(i, %r)\n"
                    "    bottrace.trace(len)('ab')\n"
                    "I.destroy(i)\n" % inner)
    r, document = rig.run([python, "-c", code])
    rig.equal("program", (r.returncode, r.stdout), (0, ""))
    path = tree_of(document["spans"])
    rig.equal("steps", sorted(path(s) for s in steps(document)), ["inner", "outer", "outer/len"])


def narrow(python):
    """--no-children: the flag is the named process's alone."""
    server = Server(answer)
    try:
        with Waiting(python, server) as w, Waiting(python, server) as other:
            with rig.Attach(w.p.pid, options=("--no-children",)) as a:
                rig.equal("flags", (w.say("leaf"), other.say("leaf")), (204, 80))
            rig.equal("steps", len(steps(a.stop())), 1)
    finally:
        server.close()


def secrets(python):
    code = ("import sys; sys.path.insert(0, %r); import bottrace\n"
            "@bottrace.trace\n"
            "def login(user, password): return {'token': 'hunter2-hunter2-hunter2-22'}\n"
            "with bottrace.span('s', authorization='Bearer hunter2-hunter2-hunter2-22'):\n"
            "    login('u', 'hunter2-hunter2-hunter2-22')\n"
            "    bottrace.event('e', secret='hunter2-hunter2-hunter2-22')\n"
            "    bottrace.state('api_key', 'hunter2-hunter2-hunter2-22')\n" % str(rig.ROOT / "tools" / "python"))
    r, document = rig.run([python, "-c", code])
    rig.equal("steps", [s["name"] for s in steps(document)], ["s", "login"])
    told = [(s["attributes"], s["events"]) for s in steps(document)]
    assert "hunter2-hunter2-hunter2-22" not in json.dumps(told) and "api_key" in json.dumps(told), told


def hostile(python):
    """Whoever calls inet_pton himself can write what he likes, and harms nobody."""
    code = ("import _socket\n"
            "def say(family, text):\n"
            "    try: _socket.inet_pton(family, text)\n"
            "    except OSError: pass\n"
            "def send(text, at=0, total=None, n=1):\n"
            "    t = '%08x%08x%08x' % (n, at, len(text) if total is None else total) + text\n"
            "    say(0x42540000 | len(t), t)\n"
            "say(0x42540000, ''); say(0x42540000 | 65535, 'x'); say(0x42550000 | 7, ''); say(0x42540000 | 300, 'short')\n"
            "send('{'); send('{\"k\":\"b\"}'); send('[]'); send('{\"k\":\"b\",\"i\":1,\"p\":1,\"n\":\"self\"}')\n"
            "send('{\"k\":\"b\",\"i\":1}'); send('{\"k\":\"e\",\"i\":99}'); send('{\"k\":\"r\",\"i\":77}')\n"
            "send('{\"k\":\"v\",\"i\":1,\"a\":' + '[' * 5000); send('abc', 5, 9, 7); send('abc', 0, 1 << 31, 8)\n"
            "for n in range(200): send('{\"k\":\"b\",\"i\":%d,' % (n + 100), 0, 500, n + 50)\n"
            "send('{\"k\":\"e\",\"i\":1,\"c\":1,\"x\":[5,{}],\"o\":\"\\\\ud800\"}')\n")
    r, document = rig.run([python, "-c", code])
    rig.equal("program", (r.returncode, r.stdout), (0, ""))
    rig.check_ledger(document)
    assert "self" in {s["name"] for s in steps(document)}, steps(document)


def main():
    suite = rig.Suite()
    try:
        rig.need_root()
    except rig.Skip as e:
        print(f"skipped all: {e}")
        print("0 passed, 0 failed, 1 skipped")
        return
    found = rig.interpreters()
    if sys.argv[1:]:
        found = [f for f in found if f[0] in sys.argv[1:]]
    elif os.environ.get("TEST_PYTHONS") != "all":
        newest = sorted(found[1:], key=lambda f: [int(n) for n in f[0].split(".")])
        found = found[:1] + newest[:1] + newest[-1:]
    for version, python in found:
        for case in (functions, threads, tasks, loose, sessions):
            suite.test(case, python, name=f"{case.__name__} {version}")
    python = found[0][1]
    for case in (attached, narrow, killed, found_late, two_interpreters, secrets, hostile):
        suite.test(case, python)
    suite.close()


if __name__ == "__main__":
    main()
