#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is alive in a real program: asked for while it runs, and kept where it fails."""
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, openai  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

ALIVE = str(Path(__file__).resolve().parent / "clients" / "alive.py")
SECRET = "sk-live-" + "a1B2" * 12
QUESTION = 0x31515442


def answer(request):
    if request.method != "POST":
        return Answer(404, {}, b"")
    body = json.loads(request.body)
    last = body["messages"][-1]["content"]
    if last == "please wait":
        time.sleep(60)
    if "tools" in body:
        return openai(body, Say(None, calls=[("call_1", "search", {"query": "needle"})], tokens=(5, 2)))
    return openai(body, Say("a line", tokens=(5, 2)))


def show(*args):
    return subprocess.run([rig.BOTTRACE, "show", *map(str, args)], capture_output=True, text=True, timeout=20)


def state_of(pid):
    r = show(f"@pid:{pid}", "--state", "--json")
    rig.equal("status", (r.returncode, r.stderr), (0, ""))
    return json.loads(r.stdout)


class Program:
    def __init__(self, case, server, options=()):
        self.dir = rig.directory()
        self.out = Path(self.dir.name, "run.json")
        self.tape = Path(self.dir.name, "run.tape")
        self.p = subprocess.Popen([rig.BOTTRACE, "run", "-q", "-o", f"json={self.out}", "--tape", str(self.tape), *options, "--",
                                   sys.executable, ALIVE, case, server.url, server.ca],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        rig.equal("program", self.p.stdout.readline(), "ready\n")

    def pid(self):
        for p in Path("/proc").glob("[0-9]*"):
            try:
                words = (p / "cmdline").read_bytes().split(b"\0")
                parent = int((p / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if ALIVE.encode() in words and parent == self.p.pid and b"run" not in words[:2]:
                return int(p.name)
        raise AssertionError("the command is not there")

    def end(self):
        self.p.stdin.write("\n")
        self.p.stdin.flush()
        return self.wait()

    def wait(self):
        self.p.communicate(timeout=60)
        return json.loads(self.out.read_text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.kill()
        self.p.wait()
        self.dir.cleanup()


def agent(state, name):
    found = [a for a in state["agents"] if a["name"] == name]
    rig.equal(f"agents {name}", len(found), 1)
    return found[0]


def check_agents(state):
    """Both, as the program itself knows them."""
    rig.equal("agents", sorted(a["name"] for a in state["agents"]), ["Searcher.run", "Writer.run"])
    s, w = agent(state, "Searcher.run"), agent(state, "Writer.run")
    rig.equal("searcher", (s["doing"], s["call"], [(t["name"], t["call_id"], t["arguments"]) for t in s["tools"]]),
              ("tool", None, [("search", "call_1", {"query": "needle"})]))
    rig.equal("its last words", [(m["role"], m["parts"][0]["type"]) for m in s["messages"]],
              [("system", "text"), ("user", "text"), ("assistant", "tool_call")])
    rig.equal("writer", (w["doing"], w["tools"], w["calls"], w["call"]["what"]), ("model", [], 2, "gpt-5-mini"))
    assert w["call"]["bytes_sent"] > 100 and w["call"]["bytes_received"] == 0, w["call"]
    rig.equal("its last words", [m["parts"][0]["content"] for m in w["messages"]],
              ["You are a writer.", "write a line", "a line", "please wait"])
    rig.equal("system", w["system"], "You are a writer.")
    for a, function in ((s, "searcher"), (w, "writer")):
        functions = [f["function"] for f in a["stack"]]
        assert function in functions and a["source"]["file"] == ALIVE and a["source"]["line"] > 0, a
    steps = {x["name"]: x for x in state["steps"]}
    rig.equal("steps", sorted(steps), ["Searcher.run", "Writer.run"])
    rig.equal("parents", (s["parent"], w["parent"]), (steps["Searcher.run"]["span"], steps["Writer.run"]["span"]))
    rig.equal("the latest state", steps["Writer.run"]["state"], {"turn": 299})
    rig.equal("a state with a secret", steps["Searcher.run"]["state"]["memory"]["seen"], ["hay"])
    assert steps["Searcher.run"]["state"]["memory"]["api_key"].startswith("[redacted:"), steps


def asked(server):
    with Program("wait", server) as p:
        pid = p.pid()
        state = rig.wait_for("both agents", lambda: (lambda s: s if len(s["agents"]) == 2 and
                             agent(s, "Writer.run")["doing"] == "model" else None)(state_of(pid)))
        rig.equal("head", (state["schema"], state["pid"], [x["pid"] for x in state["processes"]]), ("bottrace.v1.state", pid, [pid]))
        check_agents(state)
        assert SECRET not in json.dumps(state)
        text = show(f"@pid:{pid}", "--state")
        rig.equal("text's status", (text.returncode, text.stderr), (0, ""))
        for want in ("agent Searcher.run", "runs a tool", "agent Writer.run", "waits for the model", "please wait", "needle",
                     "alive.py:", "[redacted:", "299"):
            assert want in text.stdout, (want, text.stdout)
        assert SECRET not in text.stdout
        d = p.end()
        rig.equal("a good end keeps no state", [e for s in rig.spans(d) for e in s["events"] if e["name"] == "bottrace.failure"], [])
        refused = show(f"@pid:{pid}", "--state")
        rig.equal("afterwards", (refused.returncode, refused.stdout), (3, ""))


def plain(server):
    """Without marks it is called after the function that asks, or the agent that this is known to be."""
    with Program("plain", server) as p:
        pid = p.pid()
        state = rig.wait_for("a pending call", lambda: (lambda s: s if [a["doing"] for a in s["agents"]] == ["model"] and
                             s["agents"][0]["calls"] == 3 else None)(state_of(pid)))
        a = state["agents"][0]
        assert (a["name"], a["name_from"]) in (("plain_agent", "agent"), ("chat", "source")), a
        rig.equal("said", [m["parts"][0]["content"] for m in a["messages"]], ["one", "a line", "go on", "a line", "please wait"])
        assert "plain_agent" in [f["function"] for f in a["stack"]], a
        d = p.end()
        calls = rig.spans(d, "chat")
        rig.equal("looking changed nothing", (len(calls), sorted(c["status"]["code"] for c in calls)), (3, ["aborted", "ok", "ok"]))


def hatches():
    dirs = [Path(os.environ.get("XDG_RUNTIME_DIR", "/nowhere"), "bottrace"), Path(f"/run/user/{os.geteuid()}/bottrace"),
            Path(f"/run/bottrace/user-{os.geteuid()}")]
    return {f.resolve() for d in dirs if d.is_dir() for f in d.glob("*.sock")}


def hatch_of(program):
    found = [h for h in hatches() if h.name.startswith(f"{program.p.pid}-")]
    rig.equal("hatches", len(found), 1)
    return found[0]


def ask_raw(path, data, linger_s=0):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(str(path))
        s.sendall(data)
        time.sleep(linger_s)
        got = b""
        while True:
            try:
                piece = s.recv(65536)
            except ConnectionError:
                return got
            if not piece:
                return got
            got += piece


def guarded(server):
    """Only its owner's, gone with its session; what is no question, or never comes, costs nothing."""
    with Program("wait", server) as p:
        pid = p.pid()
        path = hatch_of(p)
        rig.equal("modes", (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777), (0o600, 0o700))
        rig.equal("owners", (path.stat().st_uid, path.parent.stat().st_uid), (os.geteuid(), os.geteuid()))
        rig.equal("no question", ask_raw(path, b"GET / HTTP/1.1\r\n\r\n"), b"")
        other = ask_raw(path, struct.pack("<IIII", QUESTION, 1, 0, 0))
        rig.equal("a process that is not traced", struct.unpack("<IiQ", other), (0x31415442, -2, 0))
        silent = []
        for _ in range(12):
            s = socket.socket(socket.AF_UNIX)
            s.setblocking(False)
            try:
                s.connect(str(path))
            except BlockingIOError:
                s.close()
                break
            silent.append(s)
        rig.equal("behind silent ones", state_of(pid)["pid"], pid)
        for s in silent:
            s.close()
        if os.geteuid() == 0:
            r = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", rig.BOTTRACE, "show",
                                f"@pid:{pid}", "--state"], capture_output=True, text=True)
            rig.equal("a stranger", (r.returncode, r.stdout), (3, ""))
        p.end()
        rig.equal("afterwards", path.exists(), False)


def through_sudo(_):
    """Whoever called sudo owns the session: he is told, others are not."""
    stranger = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--reset-env"]
    if subprocess.run([*stranger, rig.BOTTRACE, "version"], capture_output=True).returncode:
        raise rig.Skip("nobody may run this bottrace")
    env = dict(os.environ, SUDO_UID="65534", SUDO_GID="65534")
    p = subprocess.Popen([rig.BOTTRACE, "run", "-q", "--", "sleep", "20"], env=env, stderr=subprocess.PIPE, cwd="/")
    try:
        def child():
            for c in Path(f"/proc/{p.pid}/task/{p.pid}/children").read_text().split():
                if Path(f"/proc/{c}/comm").read_text() == "sleep\n":
                    return int(c)
            return None

        pid = rig.wait_for("the command", child)
        ask = [rig.BOTTRACE, "show", f"@pid:{pid}", "--state", "--json"]
        rig.wait_for("an answer", lambda: '"name":"sleep"' in subprocess.run([*stranger, *ask], capture_output=True, text=True).stdout)
        rig.equal("root, who did not call it", subprocess.run(ask, capture_output=True).returncode, 3)
        rig.equal("root, for him", subprocess.run(ask, capture_output=True, env=env).returncode, 0)
    finally:
        p.terminate()
        p.wait()


def idle(server):
    """Who is not asked does not wake up; who is asked without end does so five times a second."""
    with Program("wait", server) as p:
        pid = p.pid()
        state_of(pid)
        collector = next(int(c) for t in Path(f"/proc/{p.p.pid}/task").iterdir() for c in (t / "children").read_text().split()
                         if Path(f"/proc/{c}/status").read_text().split("NoNewPrivs:")[1].split()[0] == "1")
        time.sleep(1.5)

        def switches():
            text = Path(f"/proc/{collector}/status").read_text()
            return int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0])

        at = switches()
        time.sleep(1)
        quiet = switches() - at
        assert quiet <= 5, f"{quiet} wake-ups in an idle second"
        path = hatch_of(p)
        end, answers = time.monotonic() + 1.2, 0
        while time.monotonic() < end:
            answers += len(ask_raw(path, struct.pack("<IIII", QUESTION, pid, 0, 0))) > 16
        assert 2 <= answers <= 7, f"{answers} answers in 1.2 s"
        p.end()


def killed(server):
    """What a session that was killed leaves behind goes with the next one, or when somebody asks."""
    with Program("wait", server) as p:
        pid = p.pid()
        left = hatch_of(p)
        p.p.kill()
        p.p.wait()
        rig.wait_for("the collector's end", lambda: show(f"@pid:{pid}", "--state").returncode == 3)
        rig.wait_for("the file's end", lambda: show(f"@pid:{pid}", "--state") and left not in hatches())
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            pass
    r = show("@pid:4194999", "--state")
    rig.equal("no such process", (r.returncode, r.stderr.splitlines()[0]), (3, "bottrace: there is no process 4194999"))
    r = show(f"@pid:{os.getpid()}", "--state")
    rig.equal("not watched", (r.returncode, r.stderr.splitlines()),
              (3, [f"bottrace: no bottrace of yours watches {os.getpid()}", f"hint: bottrace attach {os.getpid()}"]))


def failures(span):
    return [e for e in span["events"] if e["name"] == "bottrace.failure"]


def ended(server, case, status):
    with Program(case, server) as p:
        pid = p.pid()
        rig.wait_for("a pending call", lambda: any(a["doing"] == "model" for a in state_of(pid)["agents"]))
        d = p.end()
        process = next(s for s in rig.spans(d, "process") if s["pid"] == pid)
        rig.equal("status", process["status"]["type"], status)
        rig.equal("failures", len(failures(process)), 1)
        state = failures(process)[0]["attributes"]["bottrace.failure.state"]
        check_agents(state)
        assert SECRET not in json.dumps(d)
        ids = {s["id"]: s for s in rig.spans(d)}
        for a in state["agents"]:
            assert ids[a["last"]["span"]]["kind"] == "chat", a
        with rig.directory() as where:
            document = Path(where, "d.json")
            document.write_text(json.dumps(d))
            text = show(document, process["n"], "--state")
            rig.equal("show", (text.returncode, text.stderr), (0, ""))
            assert "agent Writer.run" in text.stdout and "please wait" in text.stdout, text.stdout
            rig.equal("of all", show(document, "--state").stdout, text.stdout)
            rig.equal("by slash", show(f"{document}/{process['n']}", "--state").stdout, text.stdout)
            chat = rig.spans(d, "chat")[0]
            rig.equal("of a span without", show(document, chat["n"], "--state").returncode, 3)
        again = subprocess.run([rig.BOTTRACE, "tree", str(p.tape), "-o", "json"], capture_output=True, text=True)
        rig.equal("replayed", again.stdout, p.out.read_text())


def raised(server):
    r, d = rig.run([sys.executable, ALIVE, "raise", server.url, server.ca])
    rig.equal("status", r.returncode, 1)
    steps = {s["name"]: s for s in rig.spans(d, "step")}
    rig.equal("statuses", {n: s["status"]["type"] for n, s in steps.items()}, {"around": "LookupError", "fails": "LookupError"})
    rig.equal("kept once", (len(failures(steps["fails"])), len(failures(steps["around"]))), (1, 0))
    state = failures(steps["fails"])[0]["attributes"]["bottrace.failure.state"]
    rig.equal("steps", [(s["name"], s.get("failing", False)) for s in state["steps"]], [("fails", True), ("around", False)])
    rig.equal("its state", state["steps"][0]["state"], {"plan": ["ask", "fail"]})
    a = agent(state, "fails")
    rig.equal("agent", (a["failing"], a["doing"], [m["parts"][0]["content"] for m in a["messages"]]),
              (True, "idle", ["what now?", "a line"]))


def thrown(server):
    """Without marks: on the agent that the exception left."""
    r, d = rig.run([sys.executable, ALIVE, "throw", server.url, server.ca])
    rig.equal("status", r.returncode, 0)
    agents = {s["name"]: s for s in rig.spans(d, "invoke_agent")}
    left = agents["invoke_agent throwing_agent"]
    rig.equal("agent", (left["status"]["type"], len(failures(left))), ("LookupError", 1))
    rig.equal("elsewhere", [s["name"] for s in rig.spans(d) if s is not left and failures(s)], [])
    state = failures(left)[0]["attributes"]["bottrace.failure.state"]
    said = [[m["parts"][0]["content"] for m in a["messages"]] for a in state["agents"]]
    assert ["first question", "a line", "second question", "a line"] in said, said
    rig.equal("the other one waits", [a["doing"] for a in state["agents"] if "please wait" in a["messages"][-1]["parts"][0]["content"]],
              ["model"])


def light(server):
    with Program("exit", server, ["--light"]) as p:
        pid = p.pid()
        state = state_of(pid)
        text = json.dumps(state)
        for word in ("please wait", "needle", "hay", SECRET, "writer."):
            assert word not in text, (word, text)
        d = p.end()
        process = next(s for s in rig.spans(d, "process") if s["pid"] == pid)
        text = json.dumps(failures(process))
        for word in ("please wait", "needle", "hay", SECRET, "writer."):
            assert word not in text, (word, text)


def main():
    rig.need_root()
    suite = rig.Suite()
    server = Server(answer)
    try:
        for test in (asked, plain, guarded, through_sudo, idle, killed, raised, thrown, light):
            suite.test(test, server, alone=test is idle)  # it counts wake-ups
        suite.test(ended, server, "exit", "exit 3", name="exit")
        suite.test(ended, server, "signal", "SIGKILL", name="signal")
    finally:
        server.close()
    suite.close()


if __name__ == "__main__":
    try:
        main()
    except rig.Skip as e:
        print(f"skipped: {e}")
        print("0 passed, 0 failed, 1 skipped")
