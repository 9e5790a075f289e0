#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the Python stack of a request costs: the time of our BPF program (kernel.bpf_stats_enabled) for the same calls with
stacks on and off, in turns, by the number of frames, and by how many of them have a rule by which a name is read.
`stack.py [PYTHON...]`; needs root and bpftool; the machine's other
BPF programs are left out by name and process."""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))
from rig.run import BOTTRACE  # noqa: E402

STATS = Path("/proc/sys/kernel/bpf_stats_enabled")
FRAMES = [15, 48, 64]
PROGRAMS = ("tls_call", "tls_return", "tls_return_plain")  # which of them is loaded is the kernel's choice

CLIENT = r"""
import ssl, subprocess, sys, tempfile
FRAMES, CERT, KEY, VALUES = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
theirs.load_cert_chain(CERT, KEY)
ours = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ours.check_hostname, ours.verify_mode = False, ssl.CERT_NONE
client, server = ours.wrap_bio(a, b), theirs.wrap_bio(b, a, server_side=True)
for _ in range(4):
    for side in (client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass

def talk(n):
    # each write is on a connection that was read last: a walk each; and HTTP, or the collector would mute it
    for _ in range(n):
        client.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        server.read(64)
        server.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        client.read(64)

def deep(left, n):
    if left:
        return deep(left - 1, n)
    agents(VALUES, n)

def agents(left, n):
    if not left:
        return talk(n)
    AGENTS[left - 1].execute_task(left - 1, n)

SOURCE = '''
class Agent:
    def __init__(self, n):
        for name in ("id", "agent_executor", "goal", "backstory", "cache", "config", "verbose", "max_rpm"):
            setattr(self, name, None)
        self.role = "Senior Researcher %d" % n
    def execute_task(self, left, n):
        agents(left, n)
'''
exec(compile(SOURCE, "/opt/crewai/agent/core.py", "exec"))
AGENTS = [Agent(n) for n in range(VALUES)]

# SSLObject.write, talk, agents, (execute_task, agents)..., deep..., <module>
print("ready", flush=True)
for line in sys.stdin:
    deep(FRAMES - 5 - 2 * VALUES, int(line))
    print("done", flush=True)
"""


def programs(tool):
    out = subprocess.run([tool, "-j", "prog", "show"], capture_output=True, text=True, check=True).stdout
    return {p["id"]: (p.get("run_time_ns", 0), p.get("run_cnt", 0)) for p in json.loads(out) if p.get("name") in PROGRAMS}


@contextmanager
def counted():
    before = STATS.read_text()
    STATS.write_text("1")
    try:
        yield
    finally:
        STATS.write_text(before)


def certificate(where):
    key, cert = where / "key.pem", where / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "3",
                    "-subj", "/CN=localhost"], check=True, capture_output=True)
    return str(cert), str(key)


def say(client, n):
    client.stdin.write(f"{n}\n")
    client.stdin.flush()
    assert client.stdout.readline() == "done\n"


def attach(pid, stacks, where):
    others = set(programs(OPTIONS.bpftool))
    tracer = subprocess.Popen([BOTTRACE, "attach", "--stacks", stacks, "--tape", where / f"{stacks}.tape", "-o", f"json={where}/a.json",
                               "--no-children", str(pid)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not (line := tracer.stderr.readline()).startswith("attached"):
        assert line, f"attach ended with {tracer.wait()}"
    return tracer, others


def measure(client, stacks, where, rounds):
    """ns of our programs for each round of two writes and two reads, and how many times they ran in one."""
    tracer, others = attach(client.pid, stacks, where)
    try:
        say(client, 100)  # code objects are told, pages are there
        before = programs(OPTIONS.bpftool)
        say(client, rounds)
        after = programs(OPTIONS.bpftool)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()
    mine = [i for i in after if i not in others and i in before]
    return (sum(after[i][0] - before[i][0] for i in mine) / rounds, sum(after[i][1] - before[i][1] for i in mine) / rounds)


def one(python, frames, values, where):
    client = subprocess.Popen([python, "-c", CLIENT, str(frames), *CERTIFICATE, str(values)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert client.stdout.readline() == "ready\n"
        walks, runs = [], 0
        for _ in range(OPTIONS.turns):
            (off, _), (on, runs) = (measure(client, s, where, OPTIONS.rounds) for s in ("off", "on"))
            walks.append((on - off) / 2)
    finally:
        client.kill()
        client.wait()
    from rig import tape
    t = tape.read(where / "on.tape")
    depth = statistics.mode(len(s.frames) for s in t.stacks)
    whole = sum(s.reason == "whole" for s in t.stacks)
    found = [[v.text for v in s.values] for s in t.stacks]
    names = [f"Senior Researcher {n}" for n in range(values)]
    assert found[-1] == names, found[-1]
    assert all(f == names for f in found), "a value is missing"
    return walks, depth, len(t.stacks), whole, t.bytes / max(len(t.stacks), 1), runs


def main():
    print(f"{'CPython':8} {'frames':>6} {'values':>6} {'walk us':>8} {'least':>6} {'most':>6} {'stacks':>8} {'whole':>8} {'B/stack':>8}")
    with tempfile.TemporaryDirectory(prefix="bottrace-bench-") as d, counted():
        global CERTIFICATE
        CERTIFICATE = certificate(Path(d))
        for python in OPTIONS.pythons or [sys.executable]:
            version = subprocess.run([python, "-c", "import platform;print(platform.python_version())"], capture_output=True, text=True).stdout
            for frames, values in ((f, v) for f in OPTIONS.frames for v in OPTIONS.values):
                walks, depth, stacks, whole, size, _ = one(python, frames, values, Path(d))
                assert depth == frames, f"{depth} frames in place of {frames}"
                us = [w / 1000 for w in walks]
                print(f"{version.strip():8} {depth:6} {values:6} {statistics.median(us):8.2f} {min(us):6.2f} {max(us):6.2f} {stacks:8} {whole:8} "
                      f"{size:8.0f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="*", help="interpreters (default: this one)")
    parser.add_argument("--frames", type=int, nargs="+", default=FRAMES)
    parser.add_argument("--values", type=int, nargs="+", default=[0, 3])
    parser.add_argument("--rounds", type=int, default=10000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--bpftool", default=next((t for t in ["/usr/sbin/bpftool", "/usr/local/sbin/bpftool"] if os.path.exists(t)),
                                                  shutil.which("bpftool") or "bpftool"))
    OPTIONS = parser.parse_args()
    main()
