# SPDX-License-Identifier: BSD-2-Clause
"""Agents written by hand: each call stands below the run that made it, each run below the tool call that ran it, against
what the program itself says. `make test` takes the newest interpreter, `make test-pythons` every CPython >= 3.8 here."""
import json
import os
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, openai  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

PROGRAM = Path(__file__).resolve().parent / "clients" / "crew.py"
HOW = {"crowd": "submit", "start": "thread"}
WAYS = ["helper", "nested", "outwards", "threads", "generator", "retry", "alone", "tasks", "same", "sides", "twins"]


class Model:
    """Answers as the plan in the system prompt says, which fails once where it says so."""

    def __init__(self):
        self.failed = set()

    def __call__(self, request):
        body = json.loads(request.body)
        plan = json.loads(body["messages"][0]["content"])
        at = sum(m["role"] == "assistant" for m in body["messages"])
        step = plan[at]
        if step.startswith("fail:"):
            if (body["model"], at) not in self.failed:
                self.failed.add((body["model"], at))
                return Answer(503, {"content-type": "application/json"}, b'{"error": {"message": "busy", "type": "overloaded"}}')
            step = step[5:]
        if step == "say":
            return openai(body, Say(text="done"))
        name, _, depth = step.partition(":")
        return openai(body, Say(calls=[(f"c{at}", name, {"depth": int(depth)} if depth else {})]))


def short(name, minor):
    name = name.rsplit("<locals>.", 1)[-1]
    return name if minor >= 11 else name.rsplit(".", 1)[-1]


def check_run(document, by_id, runs, name, minor):
    """All calls of the run below one span, which is named as its function and stands where it was called."""
    calls = [s for s in rig.spans(document, "chat") if s["attributes"]["gen_ai.request.model"] == name]
    want = runs[name]
    above = {c["parent"] for c in calls if "on the side" not in json.dumps(c["attributes"].get("gen_ai.input.messages"))}
    parents = [by_id[p] for p in above]
    if want is None:
        assert all(p["kind"] == "process" for p in parents), parents
        return None
    assert len(parents) == 1 and parents[0]["kind"] == "invoke_agent", f"{name}: {[p['name'] for p in parents]}"
    agent = parents[0]
    rig.equal("name", agent["attributes"]["gen_ai.agent.name"], short(want["function"], minor))
    rig.equal("time", (agent["time"], agent["link"]["how"]), ("bounded", HOW.get(want["tool"], "frame") if want["parent"] else "process"))
    return agent


def crew(python, version, way):
    minor = int(version.split(".")[1])
    with closing(Server(Model())) as server:
        r, document = rig.run([python, str(PROGRAM), way, server.url, server.ca])
    rig.equal("status", (r.returncode, r.stderr[-1000:] if r.returncode else ""), (0, ""))
    rig.check_ledger(document)
    rig.equal("complete", document["complete"], True)
    runs = json.loads(r.stdout)
    by_id = {s["id"]: s for s in document["spans"]}
    rig.equal("models", {s["attributes"]["gen_ai.request.model"] for s in rig.spans(document, "chat")}, set(runs))
    agents = {name: check_run(document, by_id, runs, name, minor) for name in runs}
    ids = [a["id"] for a in agents.values() if a]
    rig.equal("runs are spans of their own", len(set(ids)), len(ids))
    rig.equal("no others", len(rig.spans(document, "invoke_agent")), len(ids))
    for name, want in runs.items():
        if want and want["parent"]:
            tool = by_id[agents[name]["parent"]]
            rig.equal("tool", (tool["kind"], tool["attributes"].get("gen_ai.tool.name")), ("execute_tool", want["tool"]))
            rig.equal("parent", by_id[tool["parent"]], agents[want["parent"]])
    for process in rig.spans(document, "process"):
        argv = process["attributes"].get("process.command_args", [])
        if argv[:1] == ["echo"]:
            tool = by_id[process["parent"]]
            rig.equal("whose process", (tool["kind"], process["link"]["how"], process["link"]["certain"]), ("execute_tool", "frame", True))
            rig.equal("of its run", by_id[tool["attributes"]["bottrace.requested_by"]]["attributes"]["gen_ai.request.model"], argv[1])
    for tool in rig.spans(document, "execute_tool"):
        rig.equal("whose tool", tool["parent"], by_id[tool["attributes"]["bottrace.requested_by"]]["parent"])


def main():
    suite = rig.Suite()
    found = rig.interpreters()
    if os.environ.get("TEST_PYTHONS") != "all":
        found = [max(found, key=lambda v: tuple(map(int, v[0].split("."))))]
    for version, real in found:
        try:
            rig.need_root()
            python = rig.venv(version, real, "httpx")
        except rig.Skip as e:
            suite.skipped += len(WAYS)
            print(f"skipped {len(WAYS)} ways under {version}: {e}")
            continue
        for way in sys.argv[1:] or WAYS:
            suite.test(crew, python, version, way, name=f"{version} {way}")
    suite.close()


main()
