# SPDX-License-Identifier: BSD-2-Clause
"""The Python stack at a TLS write, from the kernel, is the one that the program has: on every CPython of this machine and
Debian's of other releases."""
import os
import re
import subprocess
import sys
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import pythons, tape  # noqa: E402
from rig import run as rig  # noqa: E402
from rig.server import Answer, Server  # noqa: E402
from rig.wire import SocketServer  # noqa: E402

PROGRAM = Path(__file__).resolve().parent / "clients" / "stacks.py"
LINES = {m[1]: n for n, line in enumerate(PROGRAM.read_text().split("\n"), 1) for m in [re.search(r"# at (\w+)$", line)] if m}
KINDS = ["plain", "kept", "thread", "task", "nested", "executor", "generator", "callback", "depth", "beyond", "make", "reuse",
         "names", "table", "fork", "many", "churn", "inside"]
MAIN = [("main", "main", False), ("<module>", None, False)]


def traced(python, *kinds, before=(), options=()):
    """What a tape holds of the program under `bottrace run`, and its document."""
    with closing(Server(lambda request: Answer(200, {}, request.target.encode()))) as server, rig.directory() as d:
        where = Path(d, "run.tape")
        command = [*before, *python.command, python.program(PROGRAM), str(server.port), *kinds]
        r, document = rig.run(command, "--tape", str(where), *options)
        assert r.returncode == 0, r.stderr
        rig.check_ledger(document)
        return tape.read(where), document


def own(stack):
    """Frames of the program itself: (name without its class and place, line, generator)."""
    return [(f.name.split(".")[-1], f.line, f.generator) for f in stack.frames if f.file == PROGRAM.name]


def check(t, path, *wanted, reason="whole"):
    """wanted: (function, mark of its line, whether it is a coroutine), innermost first; MAIN's line of <module> is any."""
    stack = t.at(path)
    rig.equal(f"{path}: reason", stack.reason, reason)
    missing = [f for f in stack.frames if f.code is None or not f.code.name or not f.code.file]
    rig.equal(f"{path}: frames without a code object", missing, [])
    got = [(n, None if n == "<module>" else line, g) for n, line, g in own(stack)]
    rig.equal(path, got, [(n, LINES[mark] if mark else None, g) for n, mark, g in wanted])
    return stack


def plain_kinds(t):
    say = ("say", "say", False)
    check(t, "plain/0", say, ("plain", "plain", False), *MAIN)
    for n in range(3):
        check(t, f"kept/{n}", ("kept", "kept", False), *MAIN)
    stacks = [t.at(f"kept/{n}") for n in range(3)]
    rig.equal("one connection", len({s.conn for s in stacks}), 1)
    rig.equal("one run", len({s.frames[-2].frame for s in stacks}), 1)
    thread = check(t, "thread/0", say, ("body", "body", False))
    rig.equal("a thread's bottom", [f.name.split(".")[-1] for f in thread.frames[-3:]], ["run", "_bootstrap_inner", "_bootstrap"])
    assert thread.thread != t.at("plain/0").thread, "a thread has a state of its own"
    executor = check(t, "executor/0", say, ("work", "work", False))
    names = [f.name.split(".")[-1] for f in executor.frames]
    assert "_worker" in names and "run" in names, names
    check(t, "generator/0", say, ("items", "items", True), ("generator", "generator", False), *MAIN)
    check(t, "callback/0", say, ("key", "key", False), ("callback", "callback", False), *MAIN)
    for n in range(2):
        check(t, f"make/{n}", say, ("__init__", "init", False), ("make", "make", False), *MAIN)


def deep_kinds(t):
    say, bottom, deep = ("say", "say", False), ("deep", "bottom", False), ("deep", "deep", False)
    check(t, "depth/0", say, bottom, *[deep] * 199, ("depth", "depth", False), *MAIN)
    stack = t.at("beyond/0")
    rig.equal("beyond: reason", stack.reason, "depth")
    rig.equal("beyond: frames", len(stack.frames), 256)
    rig.equal("beyond: innermost", own(stack)[:2], [("say", LINES["say"], False), ("deep", LINES["bottom"], False)])


def task_kinds(t, python):
    minor = int(python.version.split(".")[1])
    write, root = ("write", "write", True), ("alone", "alone", True)
    stacks = [check(t, f"task/{n}", write, root, ("task", "task", False), *MAIN) for n in range(2)]
    rig.equal("a task's root", len({(s.coroutine, s.context) for s in stacks}), 1)
    assert stacks[0].coroutine and stacks[0].context, "no coroutine"
    nested = [check(t, f"nested/{n}", write, ("inner", "inner", True), ("middle", "middle", True),
                    ("nested", "nested", False), *MAIN) for n in range(2)]
    rig.equal("a nested task's root", len({s.coroutine for s in nested}), 1)
    assert nested[0].coroutine != nested[0].frames[0].frame
    if minor >= 14:
        rig.equal("a task", len({s.task for s in stacks}), 1)
        assert stacks[0].task and nested[0].task, "no task"
        rig.equal("a task's name", stacks[0].task_name, "walker")
        assert re.fullmatch(r"Task-\d+", nested[0].task_name or ""), nested[0].task_name
        rig.equal("no task in a thread", t.at("thread/0").task, 0)


def odd_kinds(t):
    """Code objects that are short-lived, have other letters in their names, long names, long tables."""
    for n in range(12):
        frame = t.at(f"reuse/{n}").frames[3]
        rig.equal("life", (frame.name, frame.file, frame.line), (f"born_{n}", f"life_{n}.py", n + 2))
    for n, (name, file) in enumerate([("größe", "früh.py"), ("имя", "файл.py"), ("名前", "文.py")]):
        frame = t.at(f"names/{n}").frames[3]
        rig.equal("name", (frame.name, frame.file, frame.line), (name, file, n + 3))
    frame = t.at("names/3").frames[3]
    rig.equal("a long name", (frame.code.name, frame.code.file, frame.line), ("n" * 512, "f" * 512, 6))
    for n, lines in enumerate([100, 600, 3000, 9000]):
        frame = t.at(f"table/{n}").frames[3]
        rig.equal("a table's function", frame.name, "long")
        if len(frame.code.table) < 16384:
            rig.equal("a line far into a table", frame.line, lines + 2)
        else:
            rig.equal("a table that was cut", (n, frame.line), (3, None))


def process_kinds(t):
    fork = check(t, "fork/0", ("say", "say", False), ("fork", "fork", False), *MAIN)
    assert fork.head.pid != t.at("plain/0").head.pid
    for n in range(40):
        check(t, f"many/{n}", ("say", "say", False), ("body", "many", False))
    rig.equal("threads", len({t.at(f"many/{n}").thread for n in range(40)}), 8)


def churn_kinds(t):
    for n in range(40):
        check(t, f"churn/{n}", ("say", "say", False), ("<lambda>", "churn", False))


def inner_kinds(t):
    say = ("say", "say", False)
    check(t, "inside/0", say, ("inside", "inside", False), *MAIN)
    check(t, "inside/2", say, ("inside", "after", False), *MAIN)
    inner = t.at("inside/1")
    rig.equal("in another interpreter", [(f.name.split(".")[-1], f.line) for f in inner.frames[-2:]], [("within", 8), ("<module>", 10)])
    assert inner.thread != t.at("inside/0").thread


def every_kind(get, before=()):
    rig.need_root()
    python = get()
    t, document = traced(python, *KINDS, before=before)
    rig.equal("reasons of interpreters", {r[3] for r in t.runtimes}, {"whole"})
    got, want = [".".join(map(str, (r[1] >> 24, r[1] >> 16 & 255))) for r in t.runtimes][0], python.version.split(".")
    rig.equal("version", got, ".".join(want[:2]))
    rig.equal("partial stacks", [s.data for s in t.stacks if s.reason not in ("whole", "depth")], [])
    plain_kinds(t)
    deep_kinds(t)
    task_kinds(t, python)
    odd_kinds(t)
    process_kinds(t)
    churn_kinds(t)
    inner_kinds(t)
    rig.equal("complete", document["complete"], True)


def in_a_namespace(get):
    every_kind(get, before=["unshare", "-pf"])


def host():
    return pythons.Python("this one", ".".join(map(str, sys.version_info[:3])), [sys.executable], "")


def attached():
    """A process that ran before, told about by the doctor."""
    rig.need_root()
    with closing(Server(lambda request: Answer(200, {}, b""))) as server, rig.directory() as d:
        where = Path(d, "attach.tape")
        p = subprocess.Popen([sys.executable, PROGRAM, str(server.port), "plain", "wait", "plain", "thread"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
        rig.equal("ready", p.stdout.readline(), "ready\n")
        found = [c for c in rig.doctor(p.pid)["checks"] if c["name"] == "stacks"]
        rig.equal("the doctor", [c["state"] for c in found], ["ok"])
        with rig.Attach(p.pid, options=("--tape", str(where))) as a:
            p.stdin.write("go\n")
            p.stdin.flush()
            rig.equal("client", p.wait(20), 0)
            a.stop()
        t = tape.read(where)
    check(t, "plain/0", ("say", "say", False), ("plain", "plain", False), *MAIN)
    check(t, "thread/0", ("say", "say", False), ("body", "body", False))


def framed():
    """On connections that speak in frames each write has a stack, from the first one on."""
    rig.need_root()
    with closing(SocketServer(lambda message: [message])) as socket, closing(Server(lambda request: Answer(delay_s=1))) as plain, \
            rig.directory() as d:
        for kind, server in (("websocket", socket), ("http2", plain)):
            where = Path(d, f"{kind}.tape")
            r, _ = rig.run([sys.executable, str(PROGRAM), str(server.port), kind], "--tape", str(where))
            assert r.returncode == 0, r.stderr
            names = [own(s)[0][0] for s in tape.read(where).stacks]
            rig.equal(kind, names, [kind, "one", "two", "three"] if kind == "websocket" else [kind, "one", "two"])


class Bare(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def without_tls():
    """Each request over a bare socket has its stack, and each message into a pipe."""
    rig.need_root()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bare)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with rig.directory() as d:
        where = Path(d, "plain.tape")
        r, _ = rig.run([sys.executable, str(PROGRAM), "0", "bare", "pipe"], "--plain", "on", "--tape", str(where),
                       env=dict(os.environ, BARE_PORT=str(server.server_port)))
        assert r.returncode == 0, r.stderr
        t = tape.read(where)
    server.shutdown()
    rig.equal("stacks", [own(s)[0][:2] for s in t.stacks], [("bare", LINES["bare"])] * 2 + [("pipe", LINES["pipe"])] * 2)
    rig.equal("whole", {s.reason for s in t.stacks}, {"whole"})
    offsets = [s.offset for s in t.stacks]
    assert offsets[0] == offsets[2] == 0 and offsets[1] > 0 and offsets[3] > 0, offsets


def switched_off():
    rig.need_root()
    t, _ = traced(host(), "plain", "kept", options=("--stacks", "off"))
    rig.equal("records", (t.stacks, t.codes, t.runtimes), ([], 0, []))
    t, _ = traced(host(), "plain", options=("--light",))
    check(t, "plain/0", ("say", "say", False), ("plain", "plain", False), *MAIN)


def shed():
    """Stacks are what the overhead governor gives up first; the calls stay."""
    rig.need_root()
    t, document = traced(host(), "paced", options=("--budget", "0.0001%"))
    assert t.steps and t.steps[0][1] == 1, t.steps
    before = [s for s in t.stacks if s.head.ts_ns < t.steps[0][0]]
    after = [s for s in t.stacks if s.head.ts_ns > t.steps[0][0] + 100_000_000]
    assert before, "no stacks before the first step"
    rig.equal("stacks after it", after, [])
    rig.equal("requests", document["connections"][0]["write"]["calls"], 100)


def told_once():
    """A code object is told once, whatever the number of stacks that it is in."""
    rig.need_root()
    t, _ = traced(host(), *["kept"] * 20)
    rig.equal("stacks", len(t.stacks), 60)
    few, _ = traced(host(), "kept")
    rig.equal("code objects", t.codes, few.codes)


def main():
    suite = rig.Suite()
    every = os.environ.get("TEST_PYTHONS") == "all"  # make test-pythons; else every second one, to be quick
    for name, get in pythons.all_of_them()[:: 1 if every else 2]:
        suite.test(every_kind, get, name=f"every kind of stack, {name}")
    for name, get in pythons.all_of_them():
        if name.startswith(("3.11.2", "3.8", "sid 3.15")):
            suite.test(in_a_namespace, get, name=f"in a PID namespace, {name}")
    suite.test(attached)
    suite.test(framed)
    suite.test(without_tls)
    suite.test(switched_off)
    suite.test(shed, alone=True)  # it measures
    suite.test(told_once)
    suite.close()


main()
