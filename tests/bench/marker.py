#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a marker costs while nobody listens, for each CPython on this machine: ns added to the same call without it.

    tests/bench/marker.py [python ...]          untraced
    tests/bench/marker.py --traced [python ...] under $BOTTRACE run (root)

The bare call stands beside it: on a busy machine both grow, and their ratio says more. `empty` is a wrapper of that
kind that does nothing; for steps the limit is 50 ns above it.
"""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROUNDS = 400  # short ones: on a busy machine some of them run undisturbed


def best(cases, number):
    """Least ns of each, in rounds in which all take turns."""
    least = {}
    for _ in range(ROUNDS):
        for name, run in cases.items():
            start = time.perf_counter()
            run(number)
            least[name] = min(least.get(name, 1e9), (time.perf_counter() - start) / number * 1e9)
    return least


def loops(**functions):
    """Loops of their own code, so that no interpreter's caches are shared; %s is called."""
    made = {}
    for name, (call, f) in functions.items():
        scope = {"f": f}
        exec("def run(n):\n    for _ in range(n):\n        %s" % call, scope)
        made[name] = scope["run"]
    return made


def drive(coroutine):
    try:
        coroutine.send(None)
    except StopIteration:
        pass


def walk(agen):
    async def go():
        async for _ in agen():
            pass

    drive(go())


def plain(b, number):
    def one(x):
        return x

    def four(a, b=2, *, key=None, other=0):
        return a

    class A:
        def m(self, x):
            return x

    traced = type("B", (), {"m": b.trace(A.m)})()
    r = best(loops(one=("f(1)", one), one_marked=("f(1)", b.trace(one)),
                   four=("f(1, 3, key=4)", four), four_marked=("f(1, 3, key=4)", b.trace(four)),
                   method=("f.m(1)", A()), method_marked=("f.m(1)", traced)), number)
    for name in ("one", "four", "method"):
        yield "function, " + name, r[name], r[name + "_marked"] - r[name]


def calls(b, number):
    def nothing():
        pass

    r = best(loops(nothing=("f()", nothing), event=("f('e')", b.event), event2=("f('e', a=1, b='x')", b.event),
                   state=("f('k', 1)", b.state), loop=("pass", None), span=("with f('s'): pass", b.span),
                   span2=("with f('s', a=1): pass", b.span)), number)
    yield "event", r["nothing"], r["event"] - r["loop"]
    yield "event, 2 attributes", r["nothing"], r["event2"] - r["loop"]
    yield "state", r["nothing"], r["state"] - r["loop"]
    yield "with span", r["nothing"], r["span"] - r["loop"]
    yield "with span, 1 attribute", r["nothing"], r["span2"] - r["loop"]


def steps(b, number):
    async def co(x):
        return x

    async def empty_co(*args, **kwargs):
        return await co(*args, **kwargs)

    def gen(n):
        for i in range(n):
            yield i

    def empty_gen(*args, **kwargs):
        yield from gen(*args, **kwargs)

    async def agen():
        for i in range(20):
            yield i

    async def empty_agen(*args, **kwargs):
        async for x in agen(*args, **kwargs):
            yield x

    def consume(f):
        for _ in f(1):
            pass

    def consume20(f):
        for _ in f(20):
            pass

    def awaiting(f):
        return lambda: drive(f(1))

    r = best(loops(
        co=("f()", awaiting(co)), co_empty=("f()", awaiting(empty_co)), co_marked=("f()", awaiting(b.trace(co))),
        gen=("f()", lambda: consume(gen)), gen_empty=("f()", lambda: consume(empty_gen)),
        gen_marked=("f()", lambda f=b.trace(gen): consume(f))), number)
    for name, kind in (("co", "coroutine"), ("gen", "generator")):
        yield kind + ", above empty", r[name], r[name + "_marked"] - r[name + "_empty"]
    r = best(loops(
        gen=("f()", lambda: consume20(gen)), gen_empty=("f()", lambda: consume20(empty_gen)),
        gen_marked=("f()", lambda f=b.trace(gen): consume20(f)),
        agen=("f()", lambda: walk(agen)), agen_empty=("f()", lambda: walk(empty_agen)),
        agen_marked=("f()", lambda f=b.trace(agen): walk(f))), number // 10)
    for name, kind in (("gen", "generator"), ("agen", "async generator")):
        yield kind + ", each of 20 items above empty", r[name] / 20, (r[name + "_marked"] - r[name + "_empty"]) / 20


def one(number):
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(HERE.parent.parent / "tools" / "python"))
    import bottrace as b

    listened = b._page[64] != 80
    if ("--traced" in sys.argv) != listened:
        sys.exit("flag byte: %d" % b._page[64])
    print("%s%s" % (sys.version.split()[0], ", traced" if listened else ""))
    for part in (plain, calls, steps):
        for name, bare, added in part(b, number):
            print("  %-44s bare %7.1f ns   added %8.1f ns" % (name, bare, added))


def main():
    if "--one" in sys.argv:
        return one(100 if "--traced" in sys.argv else 1000)
    traced = "--traced" in sys.argv
    found = [a for a in sys.argv[1:] if a[0] != "-"] or [
        str(p) for p in [Path("/usr/bin/python3"), *sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3"))]
        if p.exists()]
    for python in found:
        if subprocess.run([python, "-c", "import sys; sys.exit(sys.version_info < (3, 8))"]).returncode:
            continue
        command = [python, __file__, "--one"] + (["--traced"] if traced else [])
        if traced:
            command = [os.environ.get("BOTTRACE", "build/bottrace"), "run", "-q", "--"] + command
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
