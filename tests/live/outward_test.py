# SPDX-License-Identifier: BSD-2-Clause
"""Who asked for the work that calls a model, over tasks, pools and threads, is who the program says it was: on every CPython
of this machine and Debian's of other releases. What is not known is said; a wrong one fails."""
import json
import os
import re
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import pythons  # noqa: E402
from rig import run as rig  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

PROGRAM = Path(__file__).resolve().parent / "clients" / "outward.py"
ANSWER = json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [
    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ho"}}]}).encode()
KINDS = {"task": 8, "gather": 8, "group": 11, "eager": 12, "threads": 9, "executor": 8, "pool": 8, "thread": 8, "nested": 8,
         "callback": 8, "bare": 8}


def chain_of(span):
    """[how, function]; None: not known."""
    out = []
    for line in span["link"]["evidence"]:
        known = re.match(r"outwards: (\w+) by (\S+):(\d+) (.*?)(, perhaps)?$", line)
        unknown = re.match(r"outwards: (?:(\w+), )?not known$", line)
        if known:
            rig.equal("only a thread is doubted", bool(known[5]), known[1] == "thread")
            rig.equal("file", known[2], "threads.py" if known[4].endswith("to_thread") else PROGRAM.name)
            out.append([known[1], known[4].split(".")[-1]])
        elif unknown:
            out.append([unknown[1] or "unknown", None])
    return out


def calls(python, loop, *kinds):
    answer = Answer(200, {"content-type": "application/json"}, ANSWER)
    with closing(Server(lambda request: answer)) as server:
        r, document = rig.run([*python.command, python.program(PROGRAM), str(server.port), loop, *kinds])
    if "No module named" in r.stderr:
        raise rig.Skip(r.stderr.strip().splitlines()[-1])
    rig.equal("status", (r.returncode, r.stderr[-2000:] if r.returncode else ""), (0, ""))
    rig.check_ledger(document)
    want = {line: json.loads(line)["chain"] for line in r.stdout.splitlines()}
    spans = rig.spans(document, "chat")
    got = {s["attributes"]["gen_ai.input.messages"][0]["parts"][0]["content"]: chain_of(s) for s in spans}
    rig.equal("calls", sorted(got), sorted(want))
    wrong = [(tag, got[tag]) for tag in want if got[tag] != want[tag]]
    rig.equal(f"wrong of {len(want)}", wrong, [])


def every_kind(get):
    rig.need_root()
    python = get()
    minor = int(python.version.split(".")[1])
    calls(python, "asyncio", *(kind for kind, first in KINDS.items() if minor >= first))


def packages(version, real, loop, *kinds):
    rig.need_root()
    python = rig.venv(version, real, "anyio", "uvloop")
    calls(pythons.Python(version, version, [str(python)], ""), loop, *kinds)


def main():
    suite = rig.Suite()
    for name, get in pythons.all_of_them():
        suite.test(every_kind, get, name=name)
    found = rig.interpreters()
    if os.environ.get("TEST_PYTHONS") != "all":
        found = list({p: None for p in (found[0], max(found, key=lambda v: tuple(map(int, v[0].split(".")))))})
    for version, real in found:
        suite.test(packages, version, real, "asyncio", "anyio", name=f"{version} anyio")
        suite.test(packages, version, real, "uvloop", "task", "gather", "executor", "nested", "anyio", name=f"{version} uvloop")
    suite.close()


main()
