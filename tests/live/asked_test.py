#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Agents in processes of their own that are asked over sockets and pipes: what each does is below who asked it, and nothing is
where that is not known."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, openai  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

ASKED = str(Path(__file__).resolve().parent / "clients" / "asked.py")


def answer(request):
    if request.method != "POST":
        return Answer(404, {}, b"")
    body = json.loads(request.body)
    prompt = body["messages"][-1]["content"]
    if "tools" in body:
        return openai(body, Say(None, calls=[("call_1", "ask", {"question": prompt.removeprefix("ask the other one ")})], tokens=(1, 1)))
    return openai(body, Say("ok", tokens=(1, 1)))


def traced(how, server):
    r, d = rig.run([sys.executable, ASKED, how, server.url, server.ca])
    rig.equal("status", (r.returncode, r.stderr.count("Traceback")), (0, 0))
    rig.check_ledger(d)
    return d, {s["id"]: s for s in rig.spans(d)}


def prompt_of(span):
    return span["attributes"]["gen_ai.input.messages"][-1]["parts"][0]["content"]


def pids(d):
    """Who asks, who is asked."""
    processes = [s for s in rig.spans(d, "process") if "asked.py" in " ".join(s["attributes"].get("process.command_args", []))]
    return processes[0]["pid"], processes[1]["pid"]


def sockets(server):
    d, ids = traced("http", server)
    main, sub = pids(d)
    chats = [s for s in rig.spans(d, "chat") if s["pid"] == sub]
    rig.equal("calls of the one that is asked", len(chats), 6)
    seen = set()
    for s in chats:
        child, parent = s, ids[s["parent"]]
        while parent["kind"] == "invoke_agent":
            rig.equal("agent", parent["name"], "invoke_agent sub_agent")
            child, parent = parent, ids[parent["parent"]]
        rig.equal("below a request", (parent["kind"], parent["pid"], child["link"]["how"], child["link"]["certain"]),
                  ("http", sub, "frame", True))
        asker = ids[parent["parent"]]
        rig.equal("whose other end asked", (asker["kind"], asker["pid"], parent["link"]["how"], parent["link"]["certain"]),
                  ("http", main, "socket", True))
        question = prompt_of(s).partition(": ")[2]
        seen.add((question, parent["id"], asker["id"]))
    rig.equal("each in its own", len(seen), 3)
    rig.equal("threads", len({ids[p]["tid"] for _, p, _ in seen}), 3)
    after = next(s for s in rig.spans(d, "chat") if s["pid"] == main)
    rig.equal("what it does itself", ids[after["parent"]]["pid"], main)
    rig.equal("links to what is not there", [s["id"] for s in rig.spans(d) if s["parent"] and s["parent"] not in ids], [])


def pipes(server):
    d, ids = traced("pipe", server)
    _, sub = pids(d)
    chat = next(s for s in rig.spans(d, "chat") if s["pid"] == sub)
    tool = ids[chat["parent"]]
    rig.equal("below the tool call", (tool["kind"], tool["attributes"]["gen_ai.tool.call.id"], chat["link"]["how"], chat["link"]["certain"]),
              ("execute_tool", "call_1", "pipe", False))
    rig.equal("one span of it", len(rig.spans(d, "execute_tool")), 1)


def loop(server):
    """One thread, two requests at once: the frames of their tasks tell them apart."""
    d, ids = traced("loop", server)
    _, sub = pids(d)
    above = []
    for s in rig.spans(d, "chat"):
        if s["pid"] == sub:
            rig.equal("below a request", (ids[s["parent"]]["kind"], ids[s["parent"]]["pid"], s["link"]["how"]), ("http", sub, "frame"))
            above.append(s["parent"])
    rig.equal("each below its own", (len(above), len(set(above))), (2, 2))


def tasks(server):
    """A loop's thread: a task that was made for the request is that one's, one that was there before is nobody's."""
    d, ids = traced("tasks", server)
    _, sub = pids(d)
    chats = {}
    for s in rig.spans(d, "chat"):
        if s["pid"] == sub:
            chats.setdefault(prompt_of(s).partition(":")[0], []).append(s)
    rig.equal("calls", {k: len(v) for k, v in chats.items()}, {"task": 2, "background": 2})
    for s in chats["background"]:
        rig.equal("for itself", (ids[s["parent"]]["kind"], ids[s["parent"]]["pid"]), ("process", sub))
    for s in chats["task"]:
        rig.equal("for a request", (ids[s["parent"]]["kind"], s["link"]["how"]), ("http", "frame"))
    rig.equal("each for its own", len({s["parent"] for s in chats["task"]}), 2)


def main():
    rig.need_root()
    suite = rig.Suite()
    server = Server(answer)
    try:
        for test in (sockets, pipes, loop, tasks):
            suite.test(test, server)
    finally:
        server.close()
    suite.close()


if __name__ == "__main__":
    try:
        main()
    except rig.Skip as e:
        print(f"skipped: {e}")
        print("0 passed, 0 failed, 1 skipped")
