# SPDX-License-Identifier: BSD-2-Clause
"""What is left out on purpose: a sample is all of a connection or nothing of it, a run in or out; a budget sheds step by
step and says each; --no-children costs other processes nothing. Whatever is left out is counted."""
import hashlib
import json
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

HERE = Path(__file__).resolve().parent
MOVER = str(HERE / "clients" / "mover.py")
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
CONNECTIONS, ALIVE = 40, 6
LEVELS = (["nothing", "stacks", "bodies", "muted reads"] + [f"sampling 1/{2 << i}" for i in range(10)])


# ---- a server under trace, and a client that knows every byte ----

class Served:
    def __init__(self):
        self.process = subprocess.Popen([PYTHON, str(HERE / "clients" / "serve.py")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        said = json.loads(self.process.stdout.readline())
        self.pid, self.port = said["pid"], said["port"]
        self.context = ssl.create_default_context(cafile=said["ca"])

    def wait_closed(self):
        self.process.stdin.write("closed\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)


class Talk:
    """One connection to it: what was sent and received since `begin`."""

    def __init__(self, served):
        self.sock = served.context.wrap_socket(socket.create_connection(("127.0.0.1", served.port)), server_hostname="localhost")
        self.begin()

    def begin(self):
        self.sent, self.received = b"", b""

    def ask(self, size):
        body = b"%d" % (size % 10) * size
        data = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size + body
        self.sock.sendall(data)
        self.sent += data
        got = b""
        while not got.endswith(body) or b"\r\n\r\n" not in got:
            got += self.sock.recv(65536)
        self.received += got

    def is_side_of(self, connection, alive):
        """The server reads what we send. Of one that was alive the read that was waiting then began unseen."""
        read, wrote = connection["read"]["bytes"], connection["write"]["bytes"]
        return wrote == len(self.received) and (read < len(self.sent) if alive else read == len(self.sent))


def replayed(tape):
    return subprocess.run([rig.BOTTRACE, "tree", str(tape), "-o", "json"], capture_output=True, text=True).stdout


def check_replay(tape, document):
    rig.equal("replay of the tape", json.loads(replayed(tape)), document)


def sampled_connections():
    """40 new connections and some that were alive before: each whole or not at all, and counted to the call."""
    with Served() as served, tempfile.TemporaryDirectory(prefix="bottrace-test-") as d:
        talks = [Talk(served) for _ in range(ALIVE)]
        for i, t in enumerate(talks):
            t.ask(100 + i)
            t.begin()
        with rig.Attach(served.pid, options=["--sample", "1/2", "--tape", f"{d}/tape"]) as a:
            for i in range(CONNECTIONS):
                talks.append(Talk(served))
            for turn in range(3):
                for i, t in enumerate(talks):
                    t.ask(2000 + 10 * i + turn)
            for t in talks:
                t.sock.close()
            rig.equal("connections that ended", served.wait_closed(), len(talks))
            document = a.stop()
            check_replay(f"{d}/tape", document)
    rig.check_ledger(document)
    rig.equal("sampled", (document["sampled"], document["sampled_out"]), ("1/2", False))
    rig.equal("complete", document["complete"], False)
    rows = [c for c in document["connections"] if c["read"]["bytes"]]
    rig.equal("connections", len(rows), len(talks))
    whole, calls_out = 0, 0
    for i, t in enumerate(talks):
        c = next((c for c in rows if t.is_side_of(c, i < ALIVE)), None)
        assert c, f"no connection moved {len(t.sent)} and {len(t.received)} bytes"
        rows.remove(c)
        for side, data in (("read", t.sent), ("write", t.received)):
            assert c[side]["skipped"] in (0, c[side]["bytes"]), f"a part of a connection is left out: {c}"
            if not c[side]["skipped"]:
                rig.equal("SHA-256", c[side]["sha256"], hashlib.sha256(data[-c[side]["bytes"]:]).hexdigest())
        out = c["read"]["skipped"] > 0
        rig.equal("both directions alike", c["write"]["skipped"] > 0, out)
        whole += not out
        calls_out += (c["read"]["calls"] + c["write"]["calls"]) * out
    # Of 46 fair coins fewer than 6 or more than 40 heads: once in 10 million.
    assert 6 <= whole <= 40, f"{whole} of {len(talks)} connections are in a sample of 1/2"
    calls, size = document["ledger"]["calls"], document["ledger"]["bytes"]
    rig.equal("calls left out", calls["sampled_out"], calls_out)
    rig.equal("calls", calls["seen"], calls["kept"] + calls_out)
    rig.equal("bytes missing", size["missing"], 0)


def sampled_runs():
    """A run is in or out as a whole; what is out is counted and nowhere else."""
    server = Server(lambda request: Answer(200, {}, b"the answer that must not be there" * 10))
    seen = {}
    try:
        for _ in range(60):
            with tempfile.TemporaryDirectory(prefix="bottrace-test-") as d:
                r, document = rig.run([PYTHON, MOVER, "once", server.url, server.ca], "--sample", "1/2", "--tape", f"{d}/tape")
                rig.equal("status", r.returncode, 0)
                rig.check_ledger(document)
                rig.equal("sampled", document["sampled"], "1/2")
                if document["sampled_out"] in seen:
                    continue
                seen[document["sampled_out"]] = document, r.stderr, Path(d, "tape").read_bytes()
                check_replay(f"{d}/tape", document)
            if len(seen) == 2:
                break
        rig.equal("runs in and out", sorted(seen), [False, True])
        document, said, tape = seen[False]
        rig.equal("a run that is in: complete", document["complete"], True)
        rig.equal("its calls", document["ledger"]["calls"]["seen"], document["ledger"]["calls"]["kept"])
        assert b"must not be there" in tape and "sampled 1/2" in said, said
        document, said, tape = seen[True]
        calls, size = document["ledger"]["calls"], document["ledger"]["bytes"]
        rig.equal("a run that is out: complete", document["complete"], False)
        rig.equal("its calls", (calls["seen"], calls["kept"]), (calls["sampled_out"], 0))
        rig.equal("its bytes", (size["kept"], size["missing"]), (0, 0))
        assert size["skipped"] > 300 and calls["seen"] >= 2, document["ledger"]
        rig.equal("spans", {s["kind"] for s in document["spans"]}, {"process"})
        assert b"must not be there" not in tape and b"/once" not in tape, "content of a run that is out is on its tape"
        assert "sampled 1/2, not in the sample" in said, said
        r, document = rig.run([PYTHON, MOVER, "once", server.url, server.ca], "--sample", "1/1", "--strict")
        rig.equal("1/1", (r.returncode, document["complete"], "sampled" in document), (0, True, False))
        r, document = rig.run([PYTHON, MOVER, "once", server.url, server.ca], "--sample", "1/1000000", "--strict")
        rig.equal("out with --strict", (r.returncode, document["sampled_out"]), (8, True))
    finally:
        server.close()


def refused():
    for word, rest in (("run", ["--", "true"]), ("attach", ["1"])):
        for option in ("--sample=2/10", "--sample=10", "--sample=1/0", "--sample=1/1000001", "--budget=1", "--budget=0%",
                       "--budget=101%"):
            r = subprocess.run([rig.BOTTRACE, word, option, *rest], capture_output=True, text=True)
            rig.equal(f"{word} {option}", r.returncode, 2)
            cause, _, remedy = r.stderr.partition("\n")
            assert option.split("=")[0] in cause and option.split("=")[1] in cause and remedy.startswith("hint: "), r.stderr


# ---- the governor ----

def attachers():
    r = subprocess.run([rig.BOTTRACE, "doctor", "-o", "json"], capture_output=True, text=True)
    document = json.loads(r.stdout)
    return document["attachers"], document["checks"]


def mine(pid):
    rows, checks = attachers()
    for row in rows:
        if pid in row["targets"]:
            return row, [c["text"] for c in checks if c["name"] == "attacher" and c["text"].startswith(f"{row['pid']} ")]
    return None, []


def budget():
    """A busy target and next to no budget: every step in its order, told everywhere, and on the tape."""
    server = Server(lambda request: Answer(200, {}, request.body))
    client = subprocess.Popen([PYTHON, MOVER, "loop", server.url, server.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        rig.equal("first line", client.stdout.readline(), "running\n")
        with tempfile.TemporaryDirectory(prefix="bottrace-test-") as d:
            with rig.Attach(client.pid, options=["--budget", "0.01%", "--tape", f"{d}/tape", "-o", f"text={d}/text"]) as a:
                rig.wait_for("sampling", lambda: (mine(client.pid)[0] or {"level": 0})["level"] >= 5, 60)
                row, lines = mine(client.pid)
                document = a.stop()
                check_replay(f"{d}/tape", document)
                text = Path(d, "text").read_text()
        rig.check_ledger(document)
        rig.equal("complete", document["complete"], False)
        events = [e for s in document["spans"] for e in s["events"] if e["name"] == "bottrace.shed"]
        steps = [(e["attributes"]["bottrace.shed.from"], e["attributes"]["bottrace.shed.level"]) for e in events]
        rig.equal("steps", steps, list(zip(LEVELS, LEVELS[1:]))[:len(steps)])
        assert len(steps) >= 5, steps
        for e in events:
            a = e["attributes"]
            assert a["bottrace.shed.cost_ns"] > a["bottrace.shed.budget_ns"], e
            rig.equal("budget", a["bottrace.shed.budget_ns"] * 10000 <= a["bottrace.shed.window_ns"], True)
        rig.equal("one span says so", sum(bool([e for e in s["events"] if e["name"] == "bottrace.shed"]) for s in document["spans"]), 1)
        rig.equal("lines", len(re.findall(r"^\S+ +shed +left out now: ", text, re.M)), len(steps))
        rig.equal("the doctor's budget", (row["budget_ppm"], row["mode"], row["left_out"]), (100, "attach", LEVELS[row["level"]]))
        assert row["cost_ns"] > 0 and len(lines) == 1 and "left out: " in lines[0], (row, lines)
        rig.equal("after the end", mine(client.pid)[0], None)
    finally:
        client.stdin.close()
        client.wait(20)
        server.close()


STRANGE = """
import random, socket, ssl, sys, threading
stop = threading.Event()
context = ssl.create_default_context(cafile=sys.argv[2])
sock = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="localhost")
print("ready", flush=True)
sys.stdin.readline()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
rng, turns = random.Random(5), 0
while not stop.is_set():
    sock.sendall(bytes([0xe0 | rng.getrandbits(4)]) + bytes(rng.getrandbits(8) for _ in range(99)))
    got = 0
    while got < 100:
        got += len(sock.recv(4096))
    turns += 1
print(turns)
"""


def serve_strange(listener, context):
    sock = context.wrap_socket(listener.accept()[0], server_side=True)
    while data := sock.recv(4096):
        sock.sendall(data[::-1])
    sock.close()


def muted_reads():
    """The governor's third step: reads of a connection that carries no HTTP are counted as they begin, and no more."""
    server = Server(lambda request: Answer())  # for its certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.ca, server.ca.replace("cert.pem", "key.pem"))
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve_strange, args=(listener, context), daemon=True).start()
    client = subprocess.Popen([PYTHON, "-c", STRANGE, str(listener.getsockname()[1]), server.ca], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        rig.equal("first line", client.stdout.readline(), "ready\n")
        with tempfile.TemporaryDirectory(prefix="bottrace-test-") as d:
            # Not rig.Attach: its --digest asks for every byte, so nothing would be muted.
            attach = subprocess.Popen([rig.BOTTRACE, "attach", "--budget", "0.01%", "-o", f"json={d}/json", "--tape", f"{d}/tape",
                                       str(client.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            # Not before all probes are live: of hundreds of random reads without a write one may look like a WebSocket's.
            while "attached" not in attach.stderr.readline():
                assert attach.poll() is None
            client.stdin.write("\n")
            client.stdin.flush()
            rig.wait_for("the third step", lambda: (mine(client.pid)[0] or {"level": 0})["level"] >= 3, 60)
            time.sleep(1)
            client.stdin.close()
            turns_made = int(client.stdout.read())
            attach.communicate(timeout=30)
            document = json.loads(Path(d, "json").read_text())
            check_replay(f"{d}/tape", document)
        rig.check_ledger(document)
        rows = [c for c in document["connections"] if c["write"]["bytes"]]
        rig.equal("connections", len(rows), 1)
        read, write = rows[0]["read"], rows[0]["write"]
        # Each turn writes as much as it reads, in as many calls; of the reads some bytes stand in no account.
        assert read["calls"] >= write["calls"] - 1 > 100 and turns_made >= write["calls"], (turns_made, rows)
        assert 0 < read["bytes"] < write["bytes"] - 10000, rows
        rig.equal("missing", document["ledger"]["bytes"]["missing"], 0)
        assert document["ledger"]["calls"]["filtered"] >= read["calls"] // 2, document["ledger"]
    finally:
        client.kill()
        listener.close()
        server.close()


def plenty():
    """A budget that nothing exceeds, and none: nothing is shed, and the doctor says who traces whom."""
    server = Server(lambda request: Answer(200, {}, request.body))
    client = turns(server)
    try:
        for options, ppm, said in (([], 0, "no budget"), (["--budget", "100%"], 1000000, "left out: nothing")):
            with rig.Attach(client.pid, options=options) as a:
                row, lines = mine(client.pid)
                rig.equal("budget", (row["budget_ppm"], row["level"]), (ppm, 0))
                assert len(lines) == 1 and said in lines[0], lines
                do(client, "5")
                document = a.stop()
            rig.check_ledger(document)
            rig.equal("complete", document["complete"], True)
            rig.equal("steps", [e for s in document["spans"] for e in s["events"] if e["name"] == "bottrace.shed"], [])
    finally:
        client.stdin.close()
        client.wait(20)
        server.close()


# ---- who pays ----

def turns(server):
    client = subprocess.Popen([PYTHON, MOVER, "turns", server.url, server.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    rig.equal("first line", client.stdout.readline(), "ready\n")
    return client


def do(client, line):
    client.stdin.write(line + "\n")
    client.stdin.flush()
    rig.equal("answer", client.stdout.readline(), "done\n")


class Statistics:
    """The kernel counts runs of BPF programs as long as somebody wants it."""
    PATH = Path("/proc/sys/kernel/bpf_stats_enabled")

    def __enter__(self):
        if not self.PATH.exists():
            raise rig.Skip("this kernel counts no runs of BPF programs")
        self.before = self.PATH.read_text()
        self.PATH.write_text("1\n")

    def __exit__(self, *_):
        self.PATH.write_text(self.before)


def runs_of(pid):
    """How often the TLS programs ran that a process holds: /proc/PID/fdinfo."""
    names, total = set(), 0
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            lines = dict(l.split(":", 1) for l in info.read_text().splitlines() if ":" in l)
        except OSError:
            continue
        if "prog_id" in lines and "run_cnt" in lines and lines["prog_type"].strip() == "2":  # kprobe, and what uses it
            names.add(int(lines["prog_id"]))
            total += int(lines["run_cnt"])
    assert names, "the attacher holds no programs"
    return total


def child_of(pid, word):
    out = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return next(int(l.split()[0]) for l in out.strip().split("\n") if l.endswith(word))


def narrow():
    """Who is not named pays nothing with --no-children; without it he does, and children are traced."""
    server = Server(lambda request: Answer(200, {}, request.body))
    target, other = turns(server), turns(server)
    try:
        with Statistics():
            for options, children in ((["--no-children"], False), ([], True), (["--no-children", "--children"], True)):
                with rig.Attach(target.pid, options=options) as a:
                    attacher = child_of(a.process.pid, "attacher")
                    before = runs_of(attacher)
                    do(other, "20")
                    strangers = runs_of(attacher) - before
                    do(target, "3")
                    rig.wait_for("own runs", lambda: runs_of(attacher) - before > strangers)
                    do(target, "fork")
                    document = a.stop()
                rig.check_ledger(document)
                assert (strangers > 20) if children else strangers == 0, f"{options}: {strangers} runs for another process"
                used = [c for c in document["connections"] if c["write"]["bytes"]]
                rig.equal(f"connections, {options}", len(used), 3 + children)
                rig.equal(f"processes, {options}", len(document["processes"]), 1 + children)
                rig.equal("complete", document["complete"], True)
    finally:
        for client in (target, other):
            client.stdin.close()
            client.wait(20)
        server.close()


def narrow_threads():
    """Links to one process are for all of its threads."""
    with Served() as served:
        with rig.Attach(served.pid, options=["--no-children"]) as a:
            talks = [Talk(served) for _ in range(5)]
            for i, t in enumerate(talks):
                t.ask(1000 + i)
                t.sock.close()
            served.wait_closed()
            document = a.stop()
    rig.check_ledger(document)
    moved = sorted((c["read"]["bytes"], c["write"]["bytes"]) for c in document["connections"] if c["read"]["bytes"])
    rig.equal("bytes", moved, sorted((len(t.sent), len(t.received)) for t in talks))


def narrow_exec_and_late():
    """Links to one process follow it through exec, and to libraries that it loads later; two named ones get both."""
    server = Server(lambda request: Answer(200, {}, request.body))
    script = f"read x; exec {PYTHON} {MOVER} late {server.url} {server.ca}"
    clients = [subprocess.Popen(["/bin/sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        with rig.Attach(*[c.pid for c in clients], options=["--no-children"]) as a:
            for c in clients:
                c.stdin.write("\n")
                c.stdin.flush()
                rig.equal("first line", c.stdout.readline(), "waiting\n")
            time.sleep(0.3)
            for c in clients:
                c.communicate("\n", timeout=20)
            a.process.wait(20)
            document = a.stop()
        rig.check_ledger(document)
        rig.check_bytes(document, server)
        rig.equal("connections", [len([c for c in t["connections"] if c["read"]["bytes"]]) for t in rig.traces(document)], [1, 1])
    finally:
        server.close()


def doctor_says():
    """What an untraced process pays is less than a traced one, and more than nothing."""
    server = Server(lambda request: Answer(200, {}, request.body))
    client = turns(server)
    try:
        r = subprocess.run([rig.BOTTRACE, "doctor", "-o", "json", str(client.pid)], capture_output=True, text=True)
        document = json.loads(r.stdout)
        for how in ("stepped", "emulated"):
            untraced, traced = (document["safety"][f"ns_per_call_{w}{how}"] for w in ("untraced_", ""))
            assert 50 < untraced < traced, (how, untraced, traced)
        for s in document["process"]["libraries"][0]["sites"]:
            pays = s["ns_per_hit_untraced"]
            moves = s["covers"][0].startswith(("SSL_read", "SSL_write"))
            assert (pays is not None) == moves and (pays is None or pays <= s["ns_per_hit"]), s
        assert any("an untraced process on this library pays" in c["text"] for c in document["checks"]), document["checks"]
    finally:
        client.stdin.close()
        client.wait(20)
        server.close()


def main():
    suite = rig.Suite()
    try:
        rig.need_root()
    except rig.Skip as e:
        print(f"skipped all: {e}")
        suite.skipped += 1
        suite.close()
    for test in (refused, sampled_connections, sampled_runs, budget, muted_reads, plenty, narrow, narrow_threads, narrow_exec_and_late, doctor_says):
        suite.test(test, alone=test in (narrow, doctor_says))  # they count what other tracers run, too, and measure
    suite.close()


if __name__ == "__main__":
    main()
