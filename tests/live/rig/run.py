# SPDX-License-Identifier: BSD-2-Clause
"""Running bottrace and counting checks."""
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BOTTRACE = os.environ.get("BOTTRACE", str(ROOT / "build" / "bottrace"))
CACHE = ROOT / ".cache"
# What environments hold: of a few lists, since each environment takes ten seconds to make.
CLIENTS = ["openai", "anthropic", "requests", "aiohttp", "httpx[http2]", "uvloop"]
PROVIDERS = ["openai", "websockets", "google-genai", "boto3", "mistralai", "cohere", "httpx[http2]", "ollama"]


class Skip(Exception):
    """This machine lacks what the test needs; the message says what."""


@contextmanager
def turn(alone):
    """Cases of several files at once, or one alone. Who wants to be alone holds the gate meanwhile, so that no other enters
    before him. Without tests/run, whose directory this is, nobody waits for anybody."""
    directory = os.environ.get("BOTTRACE_TURNS")
    if not directory:
        yield
        return
    with open(Path(directory, "gate"), "w") as gate, open(Path(directory, "room"), "w") as room:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(gate, fcntl.LOCK_UN)
        yield


class Suite:
    """Counts tests: one function each, named; a failure prints what was got and wanted. alone: no case of another file runs
    meanwhile."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def test(self, function, *args, name=None, alone=False):
        name = name or function.__name__
        try:
            with turn(alone):
                function(*args)
        except Skip as e:
            self.skipped += 1
            print(f"skipped {name}: {e}")
        except AssertionError as e:
            self.failed += 1
            print(f"FAILED {name}: {e}")
        except Exception:
            self.failed += 1
            print(f"FAILED {name}:\n{traceback.format_exc()}")
        else:
            self.passed += 1

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed else 0)


def equal(name, got, want):
    assert got == want, f"{name}:\n      got  {got!r}\n      want {want!r}"


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root")


def directory():
    return tempfile.TemporaryDirectory(prefix="bottrace-test-")


def run(command, *options, env=None, stdin=subprocess.DEVNULL, timeout_s=120, cwd=None):
    """bottrace run; returns (CompletedProcess, document)."""
    with directory() as d:
        out = Path(d, "run.json")
        r = subprocess.run([BOTTRACE, "run", "-o", f"json={out}", "--digest", *options, "--", *command], env=env, stdin=stdin,
                           capture_output=True, text=True, errors="surrogateescape", timeout=timeout_s, cwd=cwd)
        document = json.loads(out.read_text()) if out.exists() and out.stat().st_size else None
        return r, document


def check_unchanged(command, traced, want, env=None):
    """Under trace the program says what is wanted, and ends well. If not, it runs without, which tells whose fault that is."""
    if (traced.returncode, traced.stdout) == (0, want):
        return
    plain = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    if "No module named" in plain.stderr or "has no attribute 'connect'" in plain.stderr:
        raise Skip(plain.stderr.strip().split("\n")[-1])
    equal("untraced", (plain.returncode, plain.stdout, plain.stderr[-2000:] if plain.returncode else ""), (0, want, ""))
    equal("traced", (traced.returncode, traced.stdout, traced.stderr[-2000:] if traced.returncode else ""), (0, want, ""))


class Attach:
    """bottrace attach in the background: with Attach(pid) as a: ...; a.document afterwards."""

    def __init__(self, *pids, options=()):
        self.dir = directory()
        self.out = Path(self.dir.name, "attach.json")
        self.process = subprocess.Popen([BOTTRACE, "attach", "-o", f"json={self.out}", "--digest", *options, *map(str, pids)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.document = None
        self.lines = []

    def __enter__(self):
        """Returns once every probe is live."""
        while True:
            line = self.process.stderr.readline()
            self.lines.append(line)
            if line.startswith("attached"):
                return self
            if not line:
                raise AssertionError(f"attach ended with {self.process.wait()}: {''.join(self.lines)}")

    def __exit__(self, kind, value, trace):
        self.stop()
        self.dir.cleanup()

    def stop(self, timeout_s=30):
        if self.document is not None:
            return self.document
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        _, rest = self.process.communicate(timeout=timeout_s)
        self.lines.append(rest)
        self.status = self.process.returncode
        if self.out.exists() and self.out.stat().st_size:
            self.document = json.loads(self.out.read_text())
        return self.document


def wait_for(what, condition, timeout_s=20):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come within {timeout_s} s")


# ---- checks on documents ----

CAUSES = ["fault", "ring_full", "queue_full", "map_full", "throttled", "filtered", "sampled_out"]


def traces(document):
    return document["traces"] if document["schema"] == "bottrace.v1.traces" else [document]


def check_ledger(document):
    """The equations of the ledger, to the unit, and that the connections and gaps agree with it."""
    for t in traces(document):
        calls, size, events = t["ledger"]["calls"], t["ledger"]["bytes"], t["ledger"]["events"]
        equal("calls", calls["seen"], calls["kept"] + sum(calls[c] for c in CAUSES) + calls["in_flight"] + calls["abandoned"])
        equal("bytes", size["seen"], size["kept"] + size["missing"] + size["skipped"])
        equal("events", events["seen"], events["kept"] + sum(events.get(c, 0) for c in CAUSES))
        equal("connections' bytes", sum(c[d]["bytes"] for c in t["connections"] for d in ("read", "write")), size["seen"])
        equal("connections' calls", sum(c[d]["calls"] for c in t["connections"] for d in ("read", "write")),
              calls["seen"] - calls["in_flight"] - calls["abandoned"])
        equal("connections' missing", sum(c[d]["missing"] for c in t["connections"] for d in ("read", "write")),
              size["missing"])
        equal("gaps", sum(g["bytes"] for s in t["spans"] for g in s["gaps"]), size["missing"])
        if size["missing"]:
            equal("complete with missing bytes", t["complete"], False)


def check_bytes(document, server):
    """Every connection of the server stands in the document, byte for byte, and no other."""
    server.wait_closed()
    left = [c for t in traces(document) for c in t["connections"]]
    for s in server.connections:
        found = next((c for c in left if _same(c, s)), None)
        assert found is not None, (f"no connection has what {s.peer} moved: received {len(s.received)} sent {len(s.sent)}; "
                                   f"left {[(c['write'], c['read']) for c in left]}")
        left.remove(found)
    left = [c for c in left if c["write"]["bytes"] or c["read"]["bytes"]]
    equal("connections that the server does not know", left, [])


def _same(c, s):
    """What the client wrote is what the server received; what it read is the beginning of what was sent (a client may
    leave a tail unread)."""
    return (c["write"]["bytes"] == len(s.received) and c["write"]["sha256"] == hashlib.sha256(s.received).hexdigest() and
            c["read"]["bytes"] <= len(s.sent) and
            c["read"]["sha256"] == hashlib.sha256(s.sent[:c["read"]["bytes"]]).hexdigest())


def check_whole(document, server):
    """Every byte is there, and nothing is said to be missing."""
    check_ledger(document)
    check_bytes(document, server)
    equal("complete", document["complete"], True)
    equal("blind", [p["blind"] for t in traces(document) for p in t["processes"] if p["blind"]], [])


# ---- what the doctor says ----

def doctor(pid):
    r = subprocess.run([BOTTRACE, "doctor", "-o", "json", str(pid)], capture_output=True, text=True)
    return json.loads(r.stdout)


def proof_of(pid, name):
    """Of the library of that file name: {(self_test, self_test_why)}."""
    found = [lib for lib in doctor(pid)["process"]["libraries"] if Path(lib["path"]).name == name]
    equal("libraries", len(found), 1)
    return {(s["self_test"], s["self_test_why"]) for s in found[0]["sites"]}


def spans(document, kind=None):
    return [s for t in traces(document) for s in t["spans"] if kind is None or s["kind"] == kind]


# ---- interpreters ----

def interpreters():
    """Every CPython >= 3.8 on this machine, Debian's first."""
    found = {}
    candidates = [Path("/usr/bin/python3")] + sorted(Path.home().glob(".pyenv/versions/*/bin/python3"))
    candidates += [Path(p, "python3") for p in os.environ.get("PATH", "").split(":") if p]
    for p in candidates:
        if not p.exists() or p.resolve() in found:
            continue
        r = subprocess.run([p, "-c", "import sys,ssl;print(sys.implementation.name, *sys.version_info[:3], sys.executable)"],
                           capture_output=True, text=True)
        words = r.stdout.split()
        if r.returncode == 0 and words[0] == "cpython" and (int(words[1]), int(words[2])) >= (3, 8):
            real = Path(words[4]).resolve()
            found.setdefault(real, (f"{words[1]}.{words[2]}.{words[3]}", str(real)))
    return list(found.values())


def venv(version, python, *packages):
    """An environment with these packages, made once in the cache. Skip when the network does not give them."""
    key = hashlib.sha256(" ".join([python, *sorted(packages)]).encode()).hexdigest()[:12]
    where = CACHE / "venv" / f"{version}-{key}"
    where.parent.mkdir(parents=True, exist_ok=True)
    with open(where.with_name(where.name + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two tests may want the same
        make_venv(where, python, packages, version)
    return str(where / "bin" / "python")


def make_venv(where, python, packages, version):
    done = where / ".done"
    if not done.exists():
        r = subprocess.run([python, "-m", "venv", "--clear", str(where)], capture_output=True, text=True)
        if r.returncode:
            raise Skip(f"{python} -m venv: {(r.stderr or r.stdout).strip().splitlines()[-1:]}")
        r = subprocess.run([str(where / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", *packages],
                           capture_output=True, text=True)
        if r.returncode:
            raise Skip(f"pip cannot install {' '.join(packages)} for {version}: {r.stderr.strip().splitlines()[-1:]}")
        done.write_text("\n")
