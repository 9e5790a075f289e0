#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What events of Python code cost: the program's own time for one, with --events off and on, in turns; and of our BPF programs
(kernel.bpf_stats_enabled). `event.py [PYTHON...]`; needs root and bpftool."""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))
from rig.run import BOTTRACE  # noqa: E402
from stack import counted  # noqa: E402

# what is done, how often in one turn: what is sent is bounded, so few of those
LOADS = {
    "audit event, not wanted": ("sys.audit('x', 1)", 100000),
    "open() for reading": ("open(NAME).close()", 20000),
    "open() for writing, sent": ("open(NAME, 'w').close()", 400),
    "iteration's end": ("next(EMPTY)", 50000),
    "exception, over its rate": ("fail()", 50000),
    "exception, sent": ("fail()", 400),
}
CLIENT = r"""
import sys, time
NAME, EMPTY = sys.argv[1], iter(())
def fail():
    raise ValueError("no")
def deep(left, n, code):
    if left:
        return deep(left - 1, n, code)
    begin = time.process_time_ns()
    for _ in range(n):
        try:
            code()
        except (ValueError, StopIteration):
            pass
    return time.process_time_ns() - begin
print("ready", flush=True)
for line in sys.stdin:
    n, text = line.split(" ", 1)
    scope = dict(globals())
    exec("def body():\n    " + text, scope)
    print(deep(12, int(n), scope["body"]), flush=True)
"""


def say(client, n, text):
    client.stdin.write(f"{n} {text}\n")
    client.stdin.flush()
    return int(client.stdout.readline()) / n


def programs():
    out = subprocess.run([OPTIONS.bpftool, "-j", "prog", "show"], capture_output=True, text=True, check=True).stdout
    return {p["id"]: (p.get("run_time_ns", 0), p.get("run_cnt", 0)) for p in json.loads(out)
            if p.get("name", "").startswith("audit_")}


def measure(client, events, n, text, where):
    """ns of the program for one, ns of ours for each time they ran."""
    others = set(programs())
    tracer = subprocess.Popen([BOTTRACE, "attach", "--events", events, "-o", f"json={where}/a.json", "--no-children", str(client.pid)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not (line := tracer.stderr.readline()).startswith("attached"):
        assert line, f"attach ended with {tracer.wait()}"
    try:
        say(client, 20, text)
        time.sleep(2.5)  # what may be sent at once is there again
        before = programs()
        took = say(client, n, text)
        after = programs()
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()
    ran = [(after[i][0] - before[i][0], after[i][1] - before[i][1]) for i in after if i not in others and i in before]
    return took, sum(r[0] for r in ran) / max(sum(r[1] for r in ran), 1)


def main():
    print(f"{'CPython':8} {'what':26} {'off us':>8} {'on us':>8} {'added us':>9} {'ours us':>8}")
    with tempfile.TemporaryDirectory(prefix="bottrace-bench-") as where:
        for python in OPTIONS.pythons or [sys.executable]:
            version = subprocess.run([python, "-c", "import platform;print(platform.python_version())"], capture_output=True, text=True).stdout
            client = subprocess.Popen([python, "-c", CLIENT, f"{where}/x"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert client.stdout.readline() == "ready\n"
            Path(where, "x").touch()
            for what, (text, n) in LOADS.items():
                say(client, 1, "import sys")
                turns = [(measure(client, "off", n, text, where)[0], measure(client, "on", n, text, where)[0])
                         for _ in range(OPTIONS.turns)]
                with counted():
                    ours = measure(client, "on", n, text, where)[1]
                off, on = (min(t[i] for t in turns) / 1000 for i in (0, 1))
                print(f"{version.strip():8} {what:26} {off:8.2f} {on:8.2f} {on - off:9.2f} {ours / 1000:8.2f}", flush=True)
            client.kill()
            client.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="*", help="interpreters (default: this one)")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--bpftool", default=next((t for t in ["/usr/sbin/bpftool", "/usr/local/sbin/bpftool"] if os.path.exists(t)),
                                                  shutil.which("bpftool") or "bpftool"))
    OPTIONS = parser.parse_args()
    main()
