# SPDX-License-Identifier: BSD-2-Clause
"""Agents and workflows by rules: values of frames become names, over tasks, pools and threads, with frameworks that are here only as
far as the rules see them. Names are drawn anew each time; what stands above each call is what the program says.
`make test` takes the newest and the oldest interpreter, `make test-pythons` every CPython >= 3.8 here."""
import json
import os
import random
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, openai  # noqa: E402
from rig.server import Server  # noqa: E402

PROGRAM = Path(__file__).resolve().parent / "clients" / "frames.py"
NAMES = {"invoke_agent": "gen_ai.agent.name", "invoke_workflow": "gen_ai.workflow.name", "execute_tool": "gen_ai.tool.name"}
WAYS = ["crew", "threads", "graph", "agraph", "runner", "steps"]


def model(request):
    body = json.loads(request.body)
    plan = json.loads(body["messages"][0]["content"])
    step = plan[sum(m["role"] == "assistant" for m in body["messages"])]
    return openai(body, Say(text="done") if step == "say" else Say(calls=[("c-" + step, step, {})]))


def chain(by_id, span):
    out = []
    while span["parent"] and by_id[span["parent"]]["kind"] in NAMES:
        span = by_id[span["parent"]]
        out.append([span["kind"], span["attributes"].get(NAMES[span["kind"]])])
    return out


def frames(python, way):
    seed = str(random.SystemRandom().randrange(1 << 32))
    with closing(Server(model)) as server:
        r, document = rig.run([python, str(PROGRAM), way, seed, server.url, server.ca])
    rig.equal("status", (r.returncode, r.stderr[-1000:] if r.returncode else ""), (0, ""))
    rig.check_ledger(document)
    rig.equal("complete", document["complete"], True)
    want = json.loads(r.stdout)
    by_id = {s["id"]: s for s in document["spans"]}
    calls = rig.spans(document, "chat")
    got = {}
    for s in calls:
        got.setdefault(s["attributes"]["gen_ai.request.model"], []).append(chain(by_id, s))
    wrong = {m: (got.get(m), c) for m, c in want.items() if any(g != c for g in got.get(m, [None]))}
    rig.equal(f"{way} {seed}: wrong of {len(want)}", wrong, {})
    runs = {json.dumps(c[i:]) for c in want.values() for i in range(len(c)) if c[i][0] != "execute_tool"}
    rig.equal("runs", len([s for s in by_id.values() if s["kind"].startswith("invoke_")]), len(runs))


OWN = """import sys, ssl, urllib.request, json
class Loop:
    def __init__(self, title):
        self.title = title
    def go(self):
        body = json.dumps({"model": "m", "messages": [{"role": "system", "content": json.dumps(["say"])}, {"role": "user", "content": "q"}]})
        request = urllib.request.Request(sys.argv[1] + "/v1/chat/completions", body.encode(), {"content-type": "application/json"})
        urllib.request.urlopen(request, context=ssl.create_default_context(cafile=sys.argv[2])).read()
Loop("mine").go()
"""
ROW = "kind\tfile\tfunction\tname\nagent\town/loop.py\tLoop.go\tself.title\n"


def own_rules(python):
    """A file of rules names what the built-in ones do not know, live and from a tape; one with an error is refused before anything runs."""
    with tempfile.TemporaryDirectory() as d, closing(Server(model)) as server:
        program, rules, tape = Path(d, "own", "loop.py"), Path(d, "mine.tsv"), Path(d, "a.tape")
        program.parent.mkdir()
        program.write_text(OWN)
        rules.write_text(ROW)
        command = [python, str(program), server.url, server.ca]
        r, document = rig.run(command, "--rules", str(rules), "--tape", str(tape))
        rig.equal("status", (r.returncode, r.stderr[-1000:] if r.returncode else ""), (0, ""))
        rig.equal("agents", [(s["attributes"]["gen_ai.agent.name"], s["link"]["how"]) for s in rig.spans(document, "invoke_agent")],
                  [("mine", "process")])
        again = subprocess.run([rig.BOTTRACE, "tree", str(tape), "-o", "json"], capture_output=True, text=True, timeout=60)
        rig.equal("replay", json.loads(again.stdout), document)
        rules.write_text(ROW + "agnet\ta/b.py\tC.d\tself.name\n")
        for words in (["run", "--rules", str(rules), "--", "true"], ["attach", "--rules", str(rules), "1"]):
            r = subprocess.run([rig.BOTTRACE, *words], capture_output=True, text=True, timeout=60)
            rig.equal("refused", (r.returncode, f"{rules}:3: " in r.stderr, r.stdout), (2, True, ""))


def main():
    suite = rig.Suite()
    rig.need_root()
    found = sorted(rig.interpreters(), key=lambda v: tuple(map(int, v[0].split("."))))
    if os.environ.get("TEST_PYTHONS") != "all":
        found = [found[0], found[-1]][-len(found):]
    for version, real in found:
        for way in sys.argv[1:] or WAYS:
            suite.test(frames, real, way, name=f"{version} {way}")
        if not sys.argv[1:]:
            suite.test(own_rules, real, name=f"{version} own rules")
    suite.close()


main()
