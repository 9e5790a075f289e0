#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every fuzz target over its corpus, once, under the sanitizers: what a fuzzer found once stays found. No fuzzing."""
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("B", "build")
LIMIT_S = 120


def replay(name):
    """None, or what went wrong."""
    binary, files = BUILD / "replay" / name, sorted((ROOT / "tests" / "fuzz" / "corpus" / name).glob("*"))
    if not binary.exists():
        return "not built"
    if not files:
        return "no corpus"
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1:handle_abort=1",
               UBSAN_OPTIONS="print_stacktrace=1")
    try:
        r = subprocess.run([binary, *files], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                           env=env, timeout=LIMIT_S, cwd=ROOT, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"took more than {LIMIT_S} s"
    return None if r.returncode == 0 else f"exit {r.returncode}\n{r.stdout[-4000:]}"


def main():
    failed = 0
    names = sorted(p.stem for p in (ROOT / "tests" / "fuzz").glob("*.c"))
    for name in names:
        why = replay(name)
        if why:
            failed += 1
            print(f"FAILED {name}: {why}")
    print(f"{len(names) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
