# SPDX-License-Identifier: BSD-2-Clause
"""Who called, in the document, is who called: agents in threads, pools and tasks, through real clients, against what the
program itself wrote down at each call.

`make test` takes Debian's interpreter and the newest other one; `make test-pythons` every CPython >= 3.8 here."""
import json
import os
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.frames import FrameServer  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

PROGRAM = Path(__file__).resolve().parent / "clients" / "agents.py"
ANSWER = json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [
    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ho"}}]}).encode()
WAYS = ["urllib", "requests", "httpx", "http2", "openai", "tasks-httpx", "tasks-http2", "tasks-openai", "tasks-aiohttp", "uvloop"]


def tag_of(span):
    return span["attributes"]["gen_ai.input.messages"][0]["parts"][0]["content"]


def own(frames):
    return [[f["function"], f["line"]] for f in frames or () if f["file"] == str(PROGRAM)]


def bare(frames):
    """Without what is no name of its own before 3.11."""
    return [[name.rsplit(".", 1)[-1], line] for name, line in frames]


def check_call(span, call, minor, eager):
    """eager: the client writes in a task of its own, on the caller's stack."""
    want = call["frames"] if minor >= 11 else bare(call["frames"])
    frames = own(span["stack"])
    partial = span["attributes"].get("bottrace.stack.partial")
    assert partial in (None, "earlier_write"), partial
    # Between the program's frame and the write stand only frames of others; ask itself is the program's in some ways.
    assert frames[-len(want):] == want, f"{call['tag']}: {frames}, not {want}"
    assert len(frames) <= len(want) + 1, (frames, want)
    rig.equal("source", [span["source"]["function"], span["source"]["line"]], frames[0])
    rig.equal("thread", span["tid"], call["tid"])
    if not eager:
        # Before 3.14 the name is not known to who only looks at the stack.
        assert span["task"] == call["task"] or (minor < 14 and span["task"] is None), (span["task"], call["task"])
    assert all(f["file"] and f["function"] for f in span["stack"]), span["stack"]
    return partial


def agents(python, version, way):
    minor = int(version.split(".")[1])
    server = FrameServer(lambda body: [ANSWER]) if "http2" in way else \
        Server(lambda request: Answer(200, {"content-type": "application/json"}, ANSWER))
    with closing(server):
        r, document = rig.run([python, str(PROGRAM), way, server.url, server.ca])
    missing = [line for line in r.stderr.split("\n") if "No module named" in line]
    if missing:
        raise rig.Skip(missing[-1])
    rig.equal("status", (r.returncode, r.stderr[-1000:] if r.returncode else ""), (0, ""))
    rig.check_ledger(document)
    rig.equal("complete", document["complete"], True)
    calls = {c["tag"]: c for c in map(json.loads, r.stdout.splitlines())}
    spans = rig.spans(document, "chat")
    rig.equal("calls", sorted(map(tag_of, spans)), sorted(calls))
    if way == "tasks-aiohttp" and minor < 12:
        return  # the request is written in another task, which only its maker knows
    partial = [check_call(s, calls[tag_of(s)], minor, way == "tasks-aiohttp") for s in spans]
    connections = len({s["attributes"]["bottrace.connection"] for s in spans})
    early = len(partial) - partial.count(None)
    assert early <= (connections if "http2" in way else 0), (early, connections)


def main():
    suite = rig.Suite()
    found = rig.interpreters()
    if os.environ.get("TEST_PYTHONS") != "all":
        found = list({p: None for p in (found[0], max(found, key=lambda v: tuple(map(int, v[0].split(".")))))})
    for version, real in found:
        try:
            rig.need_root()
            python = rig.venv(version, real, *rig.CLIENTS)
        except rig.Skip as e:
            suite.skipped += len(WAYS)
            print(f"skipped {len(WAYS)} ways under {version}: {e}")
            continue
        for way in WAYS:
            suite.test(agents, python, version, way, name=f"{version} {way}")
    suite.close()


main()
