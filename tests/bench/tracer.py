# SPDX-License-Identifier: BSD-2-Clause
"""Tracers under measurement: how each is started on a process, what it holds and burns, what it says it captured."""
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))
from rig.run import BOTTRACE, traces  # noqa: E402

SAMPLE_S = 0.1  # between looks at memory


class Missing(Exception):
    """This machine or this bottrace lacks the mode; the message says what."""


# ---- processes, from /proc (root reads it: bottrace's own processes are not dumpable) ----

def read(path):
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def family(pid):
    """pid and all its descendants, oldest first."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        fields = read(stat).rpartition(") ")[2].split()
        if fields:
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for p in found:
        found += sorted(children.get(p, []))
    return found


def private_bytes(pid):
    return sum(int(k) for k in re.findall(r"^Private_\w+:\s+(\d+) kB", read(f"/proc/{pid}/smaps_rollup"), re.M)) * 1024


def cpu_s(pid):
    """Time on a core of all its threads that live, to the nanosecond."""
    return sum(int((read(p) or "0").split()[0]) for p in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def wakeups(pid):
    """How often its threads went to sleep by themselves: once for each time that they had been woken."""
    return sum(int(n) for p in Path(f"/proc/{pid}/task").glob("*/status")
               for n in re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", read(p), re.M))


class Sampler(threading.Thread):
    """The most private memory that the processes held together, and each of them."""

    def __init__(self, pids):
        super().__init__(daemon=True)
        self.pids, self.over = pids, threading.Event()
        self.most, self.each, self.series = 0, {}, []

    def look(self):
        now = [private_bytes(p) for p in self.pids]
        self.series.append(sum(now))
        if sum(now) > self.most:
            self.most, self.each = sum(now), now

    def run(self):
        while not self.over.is_set():
            self.look()
            self.over.wait(SAMPLE_S)

    def stop(self):
        self.over.set()
        self.join()
        self.look()


class Tracer:
    """One tracer process on one pid. `facts` after stop: CPU, memory, captured bytes and calls, loss."""

    def __init__(self, command, stdout):
        self.before_ns = time.monotonic_ns()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True,
                                        start_new_session=True)
        self.facts = {}

    def begin(self):
        """Attached: from here on CPU counts as that of the load."""
        self.pids = family(self.process.pid)
        self.cpu = {p: cpu_s(p) for p in self.pids}
        self.sampler = Sampler(self.pids)
        self.sampler.start()

    def burnt(self):
        return sum(cpu_s(p) - self.cpu[p] for p in self.pids)

    def look(self):
        """What the load cost, once all of it is worked off and before the end is asked for."""
        now, before = self.burnt(), None
        for _ in range(100):
            if before is not None and now - before < 0.001:
                break
            time.sleep(0.05)
            now, before = self.burnt(), now
        self.facts["tracer_cpu_s"] = now
        self.sampler.look()
        self.facts["private_bytes"] = self.sampler.most
        self.facts["private_each"] = self.sampler.each

    def stop(self, settle=True):
        """`settle`: the load is over, so that its cost can be waited for."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        if settle and "tracer_cpu_s" not in self.facts:
            self.look()
        start = time.monotonic_ns()
        self.process.send_signal(signal.SIGINT)
        _, self.said = self.process.communicate(timeout=120)
        self.facts["detach_s"] = (time.monotonic_ns() - start) / 1e9
        self.sampler.stop()
        self.facts["private_end_bytes"] = self.sampler.most  # with what writing the document took
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.facts["tracer_cpu_all_s"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.read()
        return self.facts


class Bottrace(Tracer):
    def __init__(self, pid, directory, options=()):
        self.out = Path(directory, f"trace-{pid}.json")
        self.document = None
        super().__init__([BOTTRACE, "attach", "-o", f"json={self.out}", *options, str(pid)], subprocess.DEVNULL)
        said = []
        for line in self.process.stderr:
            said.append(line)
            if line.startswith("attached"):
                break
        else:
            self.process.wait()
            raise Missing("".join(said).strip() or "attach ended")
        self.facts["ready_s"] = (time.monotonic_ns() - self.before_ns) / 1e9
        self.begin()

    def read(self):
        self.document = json.loads(self.out.read_text())
        self.facts["document_bytes"] = self.out.stat().st_size
        self.out.unlink()
        # The client's answers to us go through a pipe, which is captured as well and is none of the load.
        rows = [c for t in traces(self.document) for c in t["connections"] if c["transport"] == "tls"]
        for mine, side in (("captured_read", "read"), ("captured_written", "write")):
            self.facts[mine] = sum(c[side]["bytes"] for c in rows)
        ledgers = [t["ledger"] for t in traces(self.document)]
        self.facts["calls"] = sum(l["calls"]["seen"] for l in ledgers)
        self.facts["kept"] = sum(l["bytes"]["kept"] for l in ledgers)
        self.facts["lost"] = sum(l["bytes"]["missing"] for l in ledgers)
        self.facts["skipped"] = sum(l["bytes"]["skipped"] for l in ledgers)
        self.facts["ns_per_call_calibrated"] = ledgers[0]["added"]["ns_per_call"] if ledgers else 0
        self.exit = self.process.returncode


BPFTRACE = r"""
uprobe:LIB:SSL_read, uprobe:LIB:SSL_write /pid == PID/ { @enter[tid] = nsecs; }
uprobe:LIB:SSL_read_ex, uprobe:LIB:SSL_write_ex /pid == PID/ { @moved[tid] = arg3; @enter[tid] = nsecs; }
uretprobe:LIB:SSL_read /pid == PID && @enter[tid]/
{ if ((int32)retval > 0) { printf("r %d\n", (int32)retval); } delete(@enter[tid]); }
uretprobe:LIB:SSL_write /pid == PID && @enter[tid]/
{ if ((int32)retval > 0) { printf("w %d\n", (int32)retval); } delete(@enter[tid]); }
uretprobe:LIB:SSL_read_ex /pid == PID && @moved[tid]/
{ if ((int32)retval == 1) { printf("r %d\n", *(uint64 *)uptr(@moved[tid])); } delete(@moved[tid]); delete(@enter[tid]); }
uretprobe:LIB:SSL_write_ex /pid == PID && @moved[tid]/
{ if ((int32)retval == 1) { printf("w %d\n", *(uint64 *)uptr(@moved[tid])); } delete(@moved[tid]); delete(@enter[tid]); }
"""


class Bpftrace(Tracer):
    """The peer: sizes of the same calls, no payload."""

    def __init__(self, pid, directory):
        lib = re.search(r"(/\S*libssl\.so\S*)$", read(f"/proc/{pid}/maps"), re.M)
        if not lib:
            raise Missing("no libssl mapped")
        self.out = Path(directory, f"peer-{pid}.out")
        with open(self.out, "wb") as f:
            super().__init__(["bpftrace", "-e", BPFTRACE.replace("LIB", lib[1]).replace("PID", str(pid))], f)
        end = time.monotonic() + 20
        while b"Attaching" not in self.out.read_bytes():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Missing("bpftrace: " + (self.process.communicate()[1] if self.process.poll() is not None else "slow"))
            time.sleep(0.05)
        time.sleep(1)  # it does not say when the last probe is live
        self.facts["ready_s"] = (time.monotonic_ns() - self.before_ns) / 1e9
        self.begin()

    def read(self):
        text = self.out.read_text(errors="replace")
        self.out.unlink()
        for mine, letter in (("captured_read", "r"), ("captured_written", "w")):
            self.facts[mine] = sum(int(n) for n in re.findall(rf"^{letter} (\d+)$", text, re.M))
        self.facts["calls"] = len(re.findall(r"^[rw] \d+$", text, re.M))
        self.facts["lost_events"] = sum(int(n) for n in re.findall(r"Lost (\d+) events", text + self.said))


def has_option(word, option):
    r = subprocess.run([BOTTRACE, "help", word], capture_output=True, text=True)
    return re.search(rf"(^|[\s,]){re.escape(option)}([\s=,]|$)", r.stdout) is not None


# What stands in a table's column: name -> (what it is, options of attach; None: none of bottrace's).
MODES = {
    "untraced": ("no tracer", None),
    "full": ("every byte, both directions", ()),
    "light": ("sizes, timing, model, usage", ("--light",)),
    "sample": ("one run or connection in ten", ("--sample", "1/10")),
    "symbol": ("control: probes on the functions' first instructions", ("--symbol-sites",)),
    "bpftrace": ("peer: sizes of the same calls, no payload", None),
    "budget": ("--budget 1%: what is left out then is in the ledger", ("--budget", "1%")),
    "bystander": ("untraced, while another process on the same library is traced", None),
    "narrow": ("the same, but that one is traced with --no-children", None),
}


# Modes in which another process is traced, and how.
BYSTANDERS = {"bystander": (), "narrow": ("--no-children",)}


def check_mode(mode):
    """Raises Missing with the reason when this mode cannot run."""
    options = MODES[mode][1]
    if mode == "bpftrace" and subprocess.run(["sh", "-c", "command -v bpftrace"], capture_output=True).returncode:
        raise Missing("bpftrace is not installed")
    if mode == "narrow":
        options = ("--no-children",)
    if options and not has_option("attach", options[0]):
        raise Missing(f"this bottrace has no {options[0]}")


def start(mode, pid, directory, digest=False):
    if mode in ("untraced", *BYSTANDERS):
        return None
    if mode == "bpftrace":
        return Bpftrace(pid, directory)
    return Bottrace(pid, directory, (*MODES[mode][1], *(["--digest"] if digest else [])))
