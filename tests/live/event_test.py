# SPDX-License-Identifier: BSD-2-Clause
"""What Python code does to the world stands in the span of the tool or agent whose frames did it, with its arguments; so do
exceptions and pauses. `make test` takes two interpreters, one with USDT and one without, `make test-pythons` all."""
import json
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import pythons  # noqa: E402
from rig import run as rig  # noqa: E402
from rig.model import Say, openai  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

PROGRAM = Path(__file__).resolve().parent / "clients" / "events.py"
SECRET = "sk-live-0123456789abcdefghijklmn"


def model(request):
    """Answers as the plan in the system prompt says."""
    body = json.loads(request.body)
    plan = json.loads(body["messages"][0]["content"])
    at = sum(m["role"] == "assistant" for m in body["messages"])
    return openai(body, Say(text="done") if plan[at] == "say" else Say(calls=[(f"c{at}", plan[at], {})]))


def events(span, name):
    return [e["attributes"] for e in span["events"] if e["name"] == name]


def one(span, name):
    found = events(span, name)
    rig.equal(f"{name} in {span['name']}", len(found), 1)
    return found[0]


def function(attributes, key="bottrace.source"):
    return attributes[key].split(" ")[1].split(".")[-1]


def has_usdt(python):
    path = os.path.realpath(python.command[-1]) if not python.root else python.root + python.command[-1]
    return b"stapsdt" in Path(path).read_bytes()


def is_inlined(python):
    """Builds whose interpreter does not call PyTraceBack_Here but has it within (docs/events.md): no exceptions of them."""
    return python.name in ("standalone 3.10.16", "standalone 3.11.11")


def draw(document):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(document, f)
        f.flush()
        return subprocess.run([rig.BOTTRACE, "tree", f.name], capture_output=True, text=True, check=True).stdout


def check_effects(tools, where, usdt, told):
    save = one(tools["worker", "save"], "open")
    rig.equal("path and mode", save["bottrace.audit.args"][:2], [f"{where}/notes.txt", "w"])
    rig.equal("who wrote", (function(save), save["bottrace.link"]), ("save", "frame"))
    rig.equal("reads are no effects", len(events(tools["broken", "save"], "open")), 1)
    popen = one(tools["worker", "shell"], "subprocess.Popen")["bottrace.audit.args"]
    rig.equal("argv", [popen[0], *popen[1][:5], popen[1][6]],
              [told["executable"]] * 2 + ["-S", "-c", "pass", "--api-key", "h\u00e9 \u65e5\u672c \U0001f600"])
    rig.equal("command", one(tools["worker", "shell"], "os.system")["bottrace.audit.args"], ["true # shell"])
    rig.equal("no spawn beside it", events(tools["worker", "shell"], "os.posix_spawn"), [])
    rig.equal("no /dev/null", events(tools["worker", "shell"], "open"), [])
    if told["sqlite"]:
        rig.equal("database", one(tools["worker", "query"], "sqlite3.connect")["bottrace.audit.args"], [f"{where}/facts.db"])
    rig.equal("address", one(tools["worker", "query"], "socket.connect")["bottrace.audit.args"], [["127.0.0.1", 9]])
    rig.equal("text", one(tools["worker", "compute"], "compile")["bottrace.audit.args"][:2], ["6 * 7", "<string>"])
    if usdt:
        pause = events(tools["worker", "collect"], "gc")
        assert pause and max(p["bottrace.duration_ns"] for p in pause) >= 1000000, tools["worker", "collect"]["events"]


def check_exceptions(document, tools, agents):
    failed = one(tools["worker", "fail"], "exception")
    rig.equal("exception", (failed["exception.type"], failed["exception.message"], failed["exception.escaped"]),
              ("ValueError", "no such city: M\u00fcnchen", True))
    rig.equal("raised", (function(failed, "bottrace.exception.raised"), failed["bottrace.exception.left"][0].split(".")[-1]),
              ("fail", "fail"))
    rig.equal("the agent handled it", agents["worker"]["status"]["code"], "ok")
    rig.equal("the agent did not", [agents["broken"]["status"][k] for k in ("code", "type", "message")], ["error", "KeyError", "gone"])
    root = rig.spans(document, "process")[0]
    end = [e for e in events(root, "exception") if e["exception.type"] == "RuntimeError"]
    rig.equal("left the program", [(e["exception.message"], e["exception.escaped"]) for e in end], [("the end", True)])


def spans_of(document):
    """Agents by their model's name, tool calls by (that, their own)."""
    agents = {}
    for call in rig.spans(document, "chat"):
        agents[call["attributes"]["gen_ai.request.model"]] = next(s for s in document["spans"] if s["id"] == call["parent"])
    rig.equal("agents", {name: a["kind"] for name, a in agents.items()}, {"worker": "invoke_agent", "broken": "invoke_agent"})
    names = {a["id"]: name for name, a in agents.items()}
    return agents, {(names[t["parent"]], t["attributes"]["gen_ai.tool.name"]): t for t in rig.spans(document, "execute_tool")}


def effects(get):
    rig.need_root()
    python = get()
    usdt = has_usdt(python)
    with closing(Server(model)) as server, tempfile.TemporaryDirectory(dir=f"{python.root}/tmp" if python.root else None) as where:
        inside = where[len(python.root):]
        r, document = rig.run([*python.command, python.program(PROGRAM), server.url.replace("localhost", "127.0.0.1"), python.program(server.ca), inside])
        if "No module named" in r.stderr:
            raise rig.Skip(r.stderr.strip().splitlines()[-1])
        tree = draw(document)
    rig.equal("status", (r.returncode, "RuntimeError: the end" in r.stderr, r.stderr[-1500:] if r.returncode != 1 else ""), (1, True, ""))
    rig.check_ledger(document)
    rig.equal("complete", document["complete"], True)
    assert SECRET not in json.dumps([s["events"] for s in document["spans"]]), "a secret in an event"
    agents, tools = spans_of(document)
    check_effects(tools, inside, usdt, json.loads(r.stdout))
    assert f"~ open {inside}/notes.txt w" in tree, tree
    if not is_inlined(python):
        check_exceptions(document, tools, agents)
        assert "! ValueError: no such city" in tree, tree
    root = rig.spans(document, "process")[0]["attributes"]
    if usdt:
        assert root["bottrace.gc.count"] > 0 and root["bottrace.gc.pause_ns"] > 0, root


def off(get):
    rig.need_root()
    python = get()
    r, document = rig.run([*python.command, "-c", "import time; time.sleep(1); open('/tmp/bottrace-off', 'w')"], "--events", "off")
    rig.equal("events", [e for s in document["spans"] for e in s["events"]], [])


ALONE = (
    "import gc, sys, threading\n"
    "print('ready', flush=True)\n"
    "for line in sys.stdin:\n"
    "    for i in range(50):\n"
    "        sys.audit('x'); open(%r, 'w').close(); gc.collect(); compile('1', '<string>', 'exec')\n"
    "        try: {}[i]\n"
    "        except KeyError: pass\n"
    "        t = threading.Thread(target=len, args=('',)); t.start(); t.join()\n"
    "    print('done', flush=True)\n")


def alone(get):
    """Processes of one interpreter, two of them traced, each alone: none of the three comes to harm, and each says its own."""
    rig.need_root()
    python = get()
    with tempfile.TemporaryDirectory() as where:
        clients = [subprocess.Popen([*python.command, "-c", ALONE % f"{where}/{i}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                   for i in range(3)]
        try:
            for c in clients:
                rig.equal("first line", c.stdout.readline(), "ready\n")
            with rig.Attach(*[c.pid for c in clients[:2]], options=["--no-children"]) as a:
                for c in clients:
                    c.stdin.write("\n")
                    c.stdin.flush()
                for c in clients:
                    rig.equal("after what they did", c.stdout.readline(), "done\n")
                document = a.stop()
            rig.check_ledger(document)
            for i in range(2):
                root = next(s for s in rig.spans(document, "process") if s["pid"] == clients[i].pid)
                rig.equal("files", {e["attributes"]["bottrace.audit.args"][0] for e in root["events"] if e["name"] == "open"},
                          {f"{where}/{i}"})
            rig.equal("no other", sorted(s["pid"] for s in rig.spans(document, "process")), sorted(c.pid for c in clients[:2]))
        finally:
            ends = []
            for c in clients:
                c.stdin.close()
                ends.append(c.wait(20))
        rig.equal("ends", ends, [0, 0, 0])


NOISY = (
    "import sys, time\n"
    "sys.path.insert(0, %r)\n"
    "import noisy\n"
    "time.sleep(0.5)\n"
    "noisy.make(40000)\n"
    "def ours():\n"
    "    raise RuntimeError('ours')\n"
    "try: ours()\n"
    "except RuntimeError: pass\n"
    "open(%r, 'w').close()\n")
NOISY_LIBRARY = "def make(n):\n    for i in range(n):\n        try: {}[i]\n        except KeyError: pass\n"


def noisy(get):
    """What a library raises by the ten thousand and handles itself takes no room from what the user's own code does."""
    rig.need_root()
    python = get()
    with tempfile.TemporaryDirectory() as where:
        library = Path(where, "lib", "site-packages")
        library.mkdir(parents=True)
        (library / "noisy.py").write_text(NOISY_LIBRARY)
        r, document = rig.run([*python.command, "-c", NOISY % (str(library), f"{where}/out")])
        rig.equal("status", (r.returncode, r.stderr[-1000:] if r.returncode else ""), (0, ""))
        rig.check_ledger(document)
        root = rig.spans(document, "process")[0]
        raised = [a["exception.message"] for a in events(root, "exception") if a["exception.type"] == "RuntimeError"]
        rig.equal("ours", raised, ["ours"])
        rig.equal("file", [a["bottrace.audit.args"][0] for a in events(root, "open")], [f"{where}/out"])
        assert r.stderr.count("filtered"), r.stderr[-500:]


def main():
    suite = rig.Suite()
    found = pythons.all_of_them()
    if os.environ.get("TEST_PYTHONS") != "all":
        here = [f for f in found if "/" in f[0]]
        found = [next((f for f in here if "/usr/bin" in f[0]), here[0]), here[-1]]
    for name, get in found:
        suite.test(effects, get, name=name)
    for name, get in found if os.environ.get("TEST_PYTHONS") != "all" else [f for f in found if "/" in f[0]]:
        suite.test(alone, get, name=f"{name} --no-children")
    suite.test(noisy, found[0][1], name="a noisy library")
    suite.test(off, found[0][1], name="--events off")
    suite.close()


main()
