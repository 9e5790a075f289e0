#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What reading sockets and pipes costs a system call, of a traced process and of a stranger: ns of CPU over the same call
untraced, medians of interleaved rounds, each the best of five.

    tests/bench/plain.py [ROUNDS]

Columns: getppid(); write to a file (three calls); a pipe that begins like no conversation; a socket that begins like TLS; 64 B
and 4 KiB of a pipe that begins like JSON."""
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))
from rig.run import Attach, need_root  # noqa: E402

HERE = Path(__file__).resolve().parent


class Caller:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.names = self.process.stdout.readline().split()

    def ask(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return [float(x) for x in self.process.stdout.readline().split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    need_root()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    got = {}
    with tempfile.TemporaryDirectory() as d:
        program = str(Path(d, "syscalls"))
        subprocess.run(["gcc", "-O2", "-o", program, HERE / "syscalls.c"], check=True)
        other = subprocess.Popen(["sleep", "3600"])
        for _ in range(rounds):
            caller = Caller(program)
            caller.ask()
            base = caller.ask()
            got.setdefault("untraced", []).append(base)
            for name, pid, mode in (("stranger, auto", other.pid, "auto"), ("traced, off", caller.process.pid, "off"),
                                    ("traced, auto", caller.process.pid, "auto"), ("traced, on", caller.process.pid, "on")):
                with Attach(pid, options=("--plain", mode, "--rate-calls", "0")) as a:
                    caller.ask()
                    got.setdefault(name, []).append([x - y for x, y in zip(caller.ask(), base)])
                    a.stop()
            names = caller.names
            caller.close()
        other.kill()
    print(f"{'ns a call':18}" + "".join(f"{n:>9}" for n in names))
    for name, rows in got.items():
        print(f"{name:18}" + "".join(f"{statistics.median(c):9.0f}" for c in zip(*rows)))


if __name__ == "__main__":
    main()
