#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Programs of agent frameworks, traced from outside, against what the frameworks' instrumentation tells from inside.

    truth_test.py [FRAMEWORK[:MODE]]…     all with TEST_TRUTH=all, else the lightest alone

Each program runs twice with the same drawn names and prompts: under bottrace as it is, and with the oracle in it. TRUTH_SEED
repeats a drawing; TRUTH_TABLE=FILE writes the table there when every framework was there."""
import json
import os
import secrets
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "live")]
from compare import GOALS, HEADS, Score, compare  # noqa: E402
from oracles import of_oracle  # noqa: E402
from rig import run as rig  # noqa: E402
from stage import Stage  # noqa: E402
from table import write  # noqa: E402
from witness import of_bottrace, of_plan  # noqa: E402

MODES = ("sync", "async", "stream")
LIGHT = ["openai-agents:async"]
PYTHONS = ("3.13", "3.12", "3.11")  # what all the frameworks run on, newest first


def frameworks():
    rows = [l.split("\t") for l in (HERE / "frameworks.tsv").read_text().split("\n") if l and not l.startswith("#")][1:]
    return {name: (program, packages.split()) for name, program, packages in rows}


def python_of(framework):
    found = {v: p for v, p in rig.interpreters()}
    for want in PYTHONS:
        for version, path in found.items():
            if version.startswith(want + "."):
                return version, rig.venv(version, path, *frameworks()[framework][1])
    raise rig.Skip("no CPython 3.11 to 3.13")


def finished(r, model, what, undo):
    assert r.returncode == 0, f"{what}: exited {r.returncode}: {r.stderr[-2000:]}"
    assert not model.lost, f"{what}: asked for what no plan knows: {undo(model.lost[0][1][-1500:])}"
    assert not model.left(), f"{what}: did not ask for {undo(str(model.left()))}"


def case(framework, mode, scores):
    """One program in one mode; its score is kept whatever it is."""
    rig.need_root()
    _, python = python_of(framework)
    seed = os.environ.get("TRUTH_SEED") or secrets.token_hex(4)
    with tempfile.TemporaryDirectory(prefix="bottrace-truth-") as directory:
        stage = Stage(os.environ.get("TRUTH_KEEP") or directory, framework, frameworks()[framework][0], seed)
        r, model, document = stage.run(python, mode, oracle=False)
        keep(stage, f"{framework}.{mode}.traced", document)
        finished(r, model, f"traced, seed {seed}", stage.draw.undo)
        r, model, spans = stage.run(python, mode, oracle=True)
        keep(stage, f"{framework}.{mode}.oracle", spans)
        plan = of_plan(model.rows)
        finished(r, model, f"with the oracle, seed {seed}", stage.draw.undo)
    rig.check_ledger(document)
    rig.equal("complete", document["complete"], True)
    score = compare(plan, of_oracle(framework, spans, plan), of_bottrace(document, plan))
    score.misses = [stage.draw.undo(m) for m in score.misses]
    score.differs = [stage.draw.undo(d) for d in score.differs]
    scores[framework, mode] = score
    if os.environ.get("TRUTH_KEEP"):
        print(*(f"{framework}:{mode}: the oracle: {d}" for d in score.differs), sep="\n")
    assert score.reached(), f"seed {seed}: {summary(score)}" + "".join(f"\n      {m}" for m in score.misses)


def keep(stage, name, value):
    if os.environ.get("TRUTH_KEEP"):
        (stage.directory / f"{name}.json").write_text(json.dumps(value, indent=1))


def summary(score):
    return ", ".join(f"{HEADS[k]} {score.found[k]}/{score.of[k]}" for k in GOALS) + f", wrong parents {score.wrong}, surplus {score.surplus}"


def main():
    everything = [f"{f}:{m}" for f in frameworks() for m in MODES]
    chosen = sys.argv[1:] or (everything if os.environ.get("TEST_TRUTH") == "all" else LIGHT)
    chosen = [c for w in chosen for c in ([w] if ":" in w else [f"{w}:{m}" for m in MODES])]
    suite, scores = rig.Suite(), {}
    for name in chosen:
        suite.test(case, *name.split(":"), scores, name=name)
        if tuple(name.split(":")) in scores:
            print(f"{name}: {summary(scores[tuple(name.split(':'))])}", flush=True)
    total = Score()
    for score in scores.values():
        total.add(score)
    print(f"all: {summary(total)}")
    if os.environ.get("TRUTH_TABLE") and len(scores) == len(everything):
        write(Path(os.environ["TRUTH_TABLE"]), scores, frameworks())
    suite.close()


if __name__ == "__main__":
    main()
