# SPDX-License-Identifier: BSD-2-Clause
"""What rules read of frames from the kernel is what the program has there, or says why not, and nothing of the program runs:
on every CPython of this machine and Debian's of other releases."""
import json
import re
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import pythons, tape  # noqa: E402
from rig import run as rig  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

PROGRAM = Path(__file__).resolve().parent / "clients" / "values.py"
RULES = Path(__file__).resolve().parents[2] / "tools" / "rules" / "frames.tsv"
ROWS = [line.split("\t") for line in RULES.read_text().split("\n") if line and line[0] != "#"]
FUNCTION = ROWS[0].index("function")
FUNCTIONS = [row[FUNCTION] for row in ROWS[1:]]
SELF = 0xffff  # the rule of a pool's work


def traced(python, *kinds, options=()):
    with closing(Server(lambda request: Answer(200, {}, request.target.encode()))) as server, rig.directory() as d:
        where = Path(d, "run.tape")
        r, document = rig.run([*python.command, python.program(PROGRAM), str(server.port), *kinds], "--tape", str(where), *options)
        assert r.returncode == 0, r.stderr
        rig.check_ledger(document)
        assert document["complete"], document
        lines = [line for line in r.stdout.split("\n") if line.startswith("[")]
        return tape.read(where), [json.loads(line) for line in lines]


def check(t, path, expected):
    stack = t.at(path)
    got = []
    for v in stack.values:
        assert v.frame == stack.frames[v.at].frame, "a value of another frame"
        if v.rule != SELF:
            function = FUNCTIONS[v.rule]
            name = stack.frames[v.at].code.name
            assert name == function or name == function.split(".")[-1], (name, function)
            got.append((v.at, v.rule, function, v.text, v.reason))
    # Frames in any order, a frame's rules in that of the table.
    got = [list(g[2:]) for g in sorted(got)]
    rig.equal(path, got, expected)


def every_value(get):
    rig.need_root()
    python = get()
    t, expected = traced(python)
    assert len(expected) > 190, len(expected)
    for path, values in expected:
        if path.split("/")[0] not in ("work", "racing"):
            check(t, path, values)
    raced = [v for path, _ in expected if path.startswith("racing/") for v in t.at(path).values]
    wrong = [v for v in raced if v.text is not None and not re.fullmatch(r"race \d+(race \d+)*", v.text)]
    rig.equal("values that were never there", wrong, [])
    assert len(raced) == 300 and sum(v.text is not None for v in raced) > 30, len(raced)
    for path in (path for path, _ in expected if path.startswith("work/")):
        found = {v.text for v in t.at(path).values if v.rule == SELF}
        assert len(found) == 1 and all(isinstance(n, int) and n for n in found), found


def host():
    return pythons.Python("this one", ".".join(map(str, sys.version_info[:3])), [sys.executable], "")


def switched_off():
    rig.need_root()
    t, _ = traced(host(), "own", options=("--stacks", "off"))
    rig.equal("values", (t.stacks, t.values), ([], 0))


def main():
    suite = rig.Suite()
    for name, get in pythons.all_of_them():
        suite.test(every_value, get, name=f"every kind of value, {name}")
    suite.test(switched_off)
    suite.close()


main()
