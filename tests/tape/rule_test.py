#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Agents of frameworks, from records to the document: stacks, the values that rules read of them, and the rules themselves.

    rule_test.py [PART-OF-A-NAME]

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
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "live")]
from rig import run as rig  # noqa: E402
from tape import Code, Tape, answer, lines, request  # noqa: E402

BOTTRACE = os.environ.get("BOTTRACE") or str(ROOT / "build" / "bottrace")
SITE = "/home/me/venv/lib/python3.11/site-packages/"
PID = 100
SEND = Code(0x10, "/usr/lib/python3.11/ssl.py", "SSLSocket.send", first=1100, table=lines(100))
STREAM = Code(0x20, SITE + "langgraph/pregel/main.py", "Pregel.stream", first=2700, table=lines(100))
MINE = Code(0x30, SITE + "mine/loop.py", "Loop.go", first=1, table=lines(40))
MAIN = Code(0x40, "/home/me/agent.py", "<module>", first=1, table=lines(200))
RULES = "kind\tfile\tfunction\tname\nagent\tmine/loop.py\tLoop.go\tself.title\n"
TABLE = [row for row in (ROOT / "tools/rules/frames.tsv").read_text().splitlines() if row and not row.startswith("#")][1:]


def number(*words):
    """Of the built-in rule in whose row all of these stand."""
    return next(i for i, row in enumerate(TABLE) if all(w in row for w in words))


def rules(tape, text):
    data = text.encode()
    tape.add(0x8011, 0, struct.pack("<IIII", len(data), 0, len(data), 0) + data)


def value(tape, conn, offset, frame, rule, text, reason=0):
    data = text.encode("latin-1")
    tape.add(0x0403, PID, struct.pack("<QQQQIHHBBHI", 0x1000 + conn, 7, offset, frame, 0, rule, 0, 1 if text else 0, reason, 0, len(data)) + data)


def begin():
    t = Tape()
    t.process(PID, "/usr/bin/python3", "agent.py")
    t.runtime(PID)
    for c in (SEND, STREAM, MINE, MAIN):
        t.code(PID, c)
    return t


def spans(t):
    t.exits(PID)
    t.end()
    with tempfile.TemporaryDirectory() as d:
        path = pathlib.Path(d, "a.tape")
        path.write_bytes(t.bytes())
        r = subprocess.run([BOTTRACE, "tree", path, "-o", "json"], capture_output=True, timeout=60)
    rig.equal("exit", (r.returncode, r.stderr), (0, b""))
    return json.loads(r.stdout)["spans"]


def call(t, *frames):
    at = t.writes(PID, 1, request())
    t.stack(PID, 1, at, [SEND.at(1135), *frames, MAIN.at(120)])
    return at


def above(found):
    """What the call stands below."""
    chat, = [s for s in found if s["kind"] == "chat"]
    return next(s for s in found if s["id"] == chat["parent"])


def named(name, kind, attribute):
    t = begin()
    frame = STREAM.at(2750)
    at = call(t, frame)
    agent, workflow = number("Pregel.stream\t", "lc_agent_name"), number("workflow", "Pregel.stream\t")
    value(t, 1, at, frame.frame, agent, name if kind == "invoke_agent" else "", 0 if kind == "invoke_agent" else 2)
    value(t, 1, at, frame.frame, workflow, "LangGraph" if kind == "invoke_agent" else name)
    t.reads(PID, 1, answer())
    s = above(spans(t))
    rig.equal("span", (s["kind"], s["name"], s["attributes"][attribute]), (kind, f"{kind} {name}", name))
    rig.equal("framework", s["attributes"]["bottrace.framework"], "langgraph")


def test_agent():
    named("researcher", "invoke_agent", "gen_ai.agent.name")


def test_workflow():
    """What has no agent's name is a workflow, by the next rule."""
    named("my graph", "invoke_workflow", "gen_ai.workflow.name")


def test_no_values():
    t = begin()
    call(t, STREAM.at(2750))
    t.reads(PID, 1, answer())
    s = above(spans(t))
    rig.equal("name", (s["name"], s["attributes"].get("gen_ai.agent.name")), ("invoke_agent Pregel.stream", None))


def test_rules_of_the_tape():
    """Those hold that were in force, and no others."""
    t = begin()
    rules(t, RULES)
    frame = MINE.at(12)
    at = call(t, frame, STREAM.at(2750))
    value(t, 1, at, frame.frame, 0, "mine")
    t.reads(PID, 1, answer())
    found = spans(t)
    rig.equal("name", above(found)["name"], "invoke_agent mine")
    rig.equal("agents", len([s for s in found if s["kind"].startswith("invoke")]), 1)


def main():
    suite = rig.Suite()
    for name, f in list(globals().items()):
        if name.startswith("test_") and (len(sys.argv) < 2 or sys.argv[1] in name):
            suite.test(f)
    suite.close()


main()
