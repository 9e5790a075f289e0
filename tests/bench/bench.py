#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What tracing costs, measured so that a busy machine does not decide it: rounds are interleaved (every mode once, then
again), figures are medians with their spread, ratios are taken within a round.

    tests/bench/bench.py [-w NAME,…] [-m NAME,…] [-r ROUNDS] [-o json] [--from FILE] [--list]

Needs root. Passed and failed speak of correctness alone (bytes exact, the ledger holds), never of time."""
import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import table  # noqa: E402
import tracer  # noqa: E402
from rig.run import BOTTRACE, Skip, Suite, check_ledger, equal, need_root, traces  # noqa: E402

HERE = Path(__file__).resolve().parent
BOTH = ["untraced", "full", "light", "sample", "budget", "symbol", "bpftrace"]
OURS = ["untraced", "full", "light", "symbol"]

# name -> (what, size given to load.py, modes, rounds, verified by digest first)
WORKLOADS = {
    "large": ("one response of 1 GB", 1 << 30, OURS, 3, False),
    "burst": ("80,000 reads of 100 bytes on 8 threads", 80000, BOTH, 5, True),
    "writes": ("16 writes of 16 MiB", 16, OURS, 3, True),
    "streams": ("8 asyncio streams of 200 chunks a second", 600, BOTH, 5, True),
    "sync": ("2,000 calls of 20 kB, one after another", 2000, BOTH, 5, True),
    "pairs": ("40,000 calls each of 64 B and 4 KiB, no network", 20000, BOTH + list(tracer.BYSTANDERS), 5, True),
    "connections": ("10,000 connections, 100 of them busy", 10000, ["untraced", "full"], 1, False),
    "idle": ("10 s of nothing, attached", 0, ["full"], 1, False),
    "calm": ("10 s of 100 records a second", 10, ["full"], 1, False),
    "attach": ("a process that makes a call each millisecond", 0, ["full"], 7, False),
    "decode": ("bottrace decode, plaintext per second of a core", 0, ["full"], 3, False),
    "plain": ("a system call while sockets and pipes are read, ns more than untraced", 0, ["full"], 5, False),
    "formats": ("bottrace decode by wire format, and a conversation's 200th turn beside its second", 0, ["full"], 3, False),
    "inprocess": ("a plain step of an agent, against tracers inside it", 300, ["full"], 3, False),
}


class Origin:
    def __init__(self, directory):
        env = dict(os.environ)
        # Its own copy of libssl, so that probes on the client's are none of its cost.
        for lib in Path("/lib", f"{platform.machine()}-linux-gnu").glob("libssl.so.3"):
            Path(directory, lib.name).write_bytes(lib.read_bytes())
            env["LD_LIBRARY_PATH"] = directory
        self.process = subprocess.Popen([sys.executable, HERE / "origin.py", directory], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=env)
        first = json.loads(self.process.stdout.readline())
        self.ca, self.ports = first["ca"], first["ports"]

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Client:
    def __init__(self, bench, workload, size):
        self.process = subprocess.Popen([sys.executable, HERE / "load.py", workload, bench.origin.ca,
                                         json.dumps(bench.origin.ports), str(size)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.read()["pid"]

    def read(self):
        line = self.process.stdout.readline()
        assert line, f"the load ended with {self.process.wait()}"
        return json.loads(line)

    def tell(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.origin = Origin(directory)
        self.rows = []  # {"workload", "mode", "round", ...facts}
        self.skips = {}

    def keep(self, workload, mode, turn, facts):
        self.rows.append(dict(facts, workload=workload, mode=mode, round=turn))

    # ---- one run of a load ----

    def run(self, workload, mode, size, digest=False):
        """Facts of one run, checked; a verified one is not to be measured."""
        self.origin.ask("reset", *(["digest"] if digest else []))
        client = Client(self, workload, size)
        other = Client(self, "idle", 0) if mode in tracer.BYSTANDERS else None
        t = tracer.start(mode, client.pid, self.directory, digest)
        beside = tracer.Bottrace(other.pid, self.directory, tracer.BYSTANDERS[mode]) if other else None
        client.tell()
        facts = client.read()
        if "settled" in facts:
            settled = time.monotonic()
            time.sleep(0.5)
            if t:
                facts_now = self.settle(t)
            client.tell()
            facts = client.read()
            facts["held_s"] = time.monotonic() - settled
            if t:
                facts.update(facts_now)
        if t:
            t.look()
        client.end()
        if beside:
            other.end()
            beside.stop()
        if t:
            facts.update(t.stop())
        self.check(workload, mode, facts, t, digest)
        return facts

    @staticmethod
    def settle(t):
        return {"private_settled_bytes": sum(tracer.private_bytes(p) for p in t.pids)}

    def check(self, workload, mode, facts, t, digest):
        stats = self.origin.ask("stats")
        facts["bytes_read"] = stats["sent"]
        facts["bytes_written"] = stats["received"]
        if workload == "pairs":
            facts["bytes_read"] = facts["bytes_written"] = facts["bytes"]
        if not isinstance(t, tracer.Bottrace):
            return
        equal("exit", t.exit, 0)
        check_ledger(t.document)
        if mode in ("full", "light", "symbol"):
            equal("bytes read", facts["captured_read"], facts["bytes_read"])
            equal("bytes written", facts["captured_written"], facts["bytes_written"])
        if digest and facts["lost"]:
            raise Skip(f"lost {facts['lost']} bytes (counted): no sum to compare")
        if digest and workload != "pairs":
            want = sorted((r["received_sha256"], r["sent_sha256"]) for r in stats["connections"])
            equal("SHA-256 of each connection", sorted((c["write"]["sha256"], c["read"]["sha256"])
                  for x in traces(t.document) for c in x["connections"] if c["read"]["bytes"]), want)

    # ---- loads ----

    def load(self, suite, workload):
        _, size, modes, rounds, verified = WORKLOADS[workload]
        rounds = min(rounds, self.options.rounds or rounds)
        modes = self.usable(suite, workload, [m for m in modes if m in self.options.modes])
        if verified and "full" in modes:
            suite.test(lambda: self.run(workload, "full", size, digest=True), name=f"{workload}: bytes exact by SHA-256")
        for turn in range(rounds):
            # From another mode each round: none is always the one after an idle moment.
            for mode in modes[turn % len(modes):] + modes[:turn % len(modes)]:
                suite.test(lambda: self.keep(workload, mode, turn, self.run(workload, mode, size)),
                           name=f"{workload}, {mode}, round {turn + 1}: bytes and ledger")

    def usable(self, suite, workload, modes):
        good = []
        for mode in modes:
            try:
                tracer.check_mode(mode)
                good.append(mode)
            except tracer.Missing as e:
                if mode not in self.skips:
                    self.skips[mode] = str(e)
                    suite.skipped += 1
                    table.note(f"skipped {mode}: {e}")
        return good

    def idle(self, suite, workload):
        def go():
            client = Client(self, "idle", 0)
            t = tracer.start("full", client.pid, self.directory)
            client.tell()
            client.read()
            time.sleep(1)
            before = sum(map(tracer.wakeups, t.pids)), sum(map(tracer.cpu_s, t.pids))
            time.sleep(10)
            after = sum(map(tracer.wakeups, t.pids)), sum(map(tracer.cpu_s, t.pids))
            client.tell()
            client.read()
            t.look()
            client.end()
            facts = t.stop()
            check_ledger(t.document)
            self.keep(workload, "full", 0, dict(facts, wakeups_per_s=(after[0] - before[0]) / 10,
                                                idle_cpu_pct=(after[1] - before[1]) * 10))
        suite.test(go, name="idle: ledger")

    def calm(self, suite, workload):
        def go():
            client = Client(self, "calm", WORKLOADS[workload][1])
            t = tracer.start("full", client.pid, self.directory)
            before = sum(map(tracer.wakeups, t.pids)), sum(map(tracer.cpu_s, t.pids))
            client.tell()
            facts = client.read()
            after = sum(map(tracer.wakeups, t.pids)), sum(map(tracer.cpu_s, t.pids))
            t.look()
            client.end()
            wall, facts = facts["wall_s"], t.stop()
            check_ledger(t.document)
            self.keep(workload, "full", 0, dict(facts, wakeups_per_s=(after[0] - before[0]) / wall,
                                                idle_cpu_pct=(after[1] - before[1]) / wall * 100))
        suite.test(go, name="calm: ledger")

    def attach(self, suite, workload):
        def version_s():
            start = time.monotonic_ns()
            subprocess.run([BOTTRACE, "version"], stdout=subprocess.DEVNULL, check=True)
            return (time.monotonic_ns() - start) / 1e9

        def go(turn):
            base = statistics.median(version_s() for _ in range(5))
            client = Client(self, "ticks", 0)
            client.tell()
            client.read()
            time.sleep(0.2)
            t = tracer.start("full", client.pid, self.directory)
            time.sleep(0.5)
            facts = t.stop(settle=False)
            client.tell()
            began = client.read()["began_ns"]
            client.end()
            check_ledger(t.document)
            seen = [int(n) for x in traces(t.document) for s in x["spans"] for n in
                    re.findall(r"/tick/(\d+)$", s["attributes"].get("url.path", ""))]
            assert seen, "no call was captured"
            self.keep(workload, "full", turn, dict(facts, attach_s=(began[min(seen)] - t.before_ns) / 1e9 - base,
                                                   version_s=base))
        for turn in range(min(WORKLOADS[workload][3], self.options.rounds or 99)):
            suite.test(go, turn, name=f"attach, round {turn + 1}: ledger")

    def decode(self, suite, workload):
        import decode
        for turn in range(min(WORKLOADS[workload][3], self.options.rounds or 99)):
            suite.test(lambda: self.keep(workload, "full", turn, decode.run(self.directory)), name=f"decode, round {turn + 1}")

    def plain(self, suite, workload):
        import plain

        def go(turn):
            for mode, facts in plain.run(self.directory):
                self.keep(workload, mode, turn, facts)
        for turn in range(min(WORKLOADS[workload][3], self.options.rounds or 99)):
            suite.test(go, turn, name=f"plain, round {turn + 1}: ledger")

    def formats(self, suite, workload):
        import formats
        for turn in range(min(WORKLOADS[workload][3], self.options.rounds or 99)):
            suite.test(lambda: self.keep(workload, "full", turn, formats.run(self.directory)), name=f"formats, round {turn + 1}")

    def inprocess(self, suite, workload):
        import inprocess
        size = WORKLOADS[workload][1]
        for turn in range(min(WORKLOADS[workload][3], self.options.rounds or 99)):
            for kind in inprocess.KINDS:
                suite.test(lambda: self.keep(workload, kind, turn, inprocess.run(self, kind, size)),
                           name=f"inprocess, {kind}, round {turn + 1}")

    def all(self, suite):
        for workload in self.options.workloads:
            start = time.monotonic()
            getattr(self, workload, lambda s, w: self.load(s, w))(suite, workload)
            table.note(f"{workload}: {time.monotonic() - start:.0f} s")


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("-w", "--workloads", default=",".join(WORKLOADS), help="names, with commas between")
    p.add_argument("-m", "--modes", default=",".join(tracer.MODES), help="names, with commas between")
    p.add_argument("-r", "--rounds", type=int, default=0, help="at most so many rounds of each")
    p.add_argument("-o", "--output", choices=["text", "json"], default="text")
    p.add_argument("-f", "--from", dest="file", help="show the table of an earlier -o json instead of measuring")
    p.add_argument("--list", action="store_true", help="workloads and modes")
    o = p.parse_args()
    o.workloads, o.modes = o.workloads.split(","), o.modes.split(",")
    for names, known in ((o.workloads, WORKLOADS), (o.modes, tracer.MODES)):
        unknown = [n for n in names if n not in known]
        if unknown:
            p.error(f"no such name: {', '.join(unknown)}; there are {', '.join(known)}")
    return o


def main():
    options = parse()
    if options.list:
        for kind in (WORKLOADS, tracer.MODES):
            for name, row in kind.items():
                print(f"{name:12} {row[0]}")
        return
    if options.file:
        earlier = json.loads(Path(options.file).read_text())
        table.show(earlier["machine"], earlier["rows"], WORKLOADS)
        return
    # Data goes to standard output; how it goes on, and failures, to standard error when the data are for machines.
    out = sys.stdout
    if options.output == "json":
        sys.stdout = sys.stderr
    suite = Suite()
    load_before = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="bottrace-bench-") as directory:
        try:
            need_root()
            bench = Bench(options, directory)
        except Skip as e:
            print(f"skipped all: {e}")
            suite.skipped += 1
            suite.close()
        bench.all(suite)
        bench.origin.close()
    machine = table.machine(load_before)
    counts = {"passed": suite.passed, "failed": suite.failed, "skipped": suite.skipped}
    if options.output == "json":
        json.dump({"schema": "bottrace.v1.bench", "machine": machine, "rows": bench.rows, "skips": bench.skips,
                   "summary": table.summary(bench.rows), "counts": counts}, out, indent=1)
        out.write("\n")
        out.flush()
    else:
        table.show(machine, bench.rows, WORKLOADS)
    suite.close()


if __name__ == "__main__":
    main()
