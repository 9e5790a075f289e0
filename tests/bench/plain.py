# SPDX-License-Identifier: BSD-2-Clause
"""What reading sockets and pipes costs a system call, of a traced process and of a stranger: ns of CPU over the same call
untraced. One round is one program (syscalls.c) that makes them untraced, then in each mode; each the best of five.

Calls: getppid(); write to a file (three calls); a pipe that begins like no conversation; a socket that begins like TLS; 64 B
and 4 KiB of a pipe that begins like JSON."""
import subprocess
from pathlib import Path

from rig.run import Attach, check_ledger
from table import PLAIN_CALLS as CALLS

HERE = Path(__file__).resolve().parent


class Caller:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().split() == list(CALLS)

    def ask(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return [float(x) for x in self.process.stdout.readline().split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def run(directory):
    """[(mode, facts)] of one round."""
    program = Path(directory, "syscalls")
    if not program.exists():
        subprocess.run(["cc", "-O2", "-o", program, HERE / "syscalls.c"], check=True)
    other = subprocess.Popen(["sleep", "3600"])
    caller = Caller(program)
    try:
        caller.ask()
        base = caller.ask()
        rows = [("untraced", base)]
        for mode, pid, plain in (("stranger, auto", other.pid, "auto"), ("traced, off", caller.process.pid, "off"),
                                 ("traced, auto", caller.process.pid, "auto"), ("traced, on", caller.process.pid, "on")):
            with Attach(pid, options=("--plain", plain, "--rate-calls", "0")) as a:
                caller.ask()
                rows.append((mode, [x - y for x, y in zip(caller.ask(), base)]))
                check_ledger(a.stop())
    finally:
        caller.close()
        other.kill()
        other.wait()
    return [(mode, {f"{name}_ns": value for name, value in zip(CALLS, values)}) for mode, values in rows]
