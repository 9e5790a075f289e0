# SPDX-License-Identifier: BSD-2-Clause
"""What goes through libssl is captured whole, whoever moves it and however."""
import random
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.server import Answer, Server, encode  # noqa: E402

MOVER = str(Path(__file__).resolve().parent / "clients" / "mover.py")
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
CODINGS = ["gzip", "deflate", "raw-deflate", "br", "zstd"]


def echo(request):
    rng = random.Random(len(request.body))
    if request.target.startswith("/small"):
        count = int(request.target.split("=")[1])
        return Answer(raw=b"x" * 100 * count, pieces=[100], close=True)
    if request.target.startswith("/encoded/"):
        _, _, coding, framing = request.target.split("/")
        body = encode(b'{"text": "' + b"all is well " * 3000 + b'"}', coding)
        headers = {"content-type": "application/json", "content-encoding": coding.replace("raw-", "")}
        if framing == "chunked":
            cuts = sorted(rng.randrange(len(body)) for _ in range(20)) + [len(body)]
            chunks = [body[a:b] for a, b in zip([0] + cuts, cuts) if a < b]
            return Answer(200, headers, chunks=chunks)
        return Answer(200, headers, body)
    return Answer(200, {"content-type": "application/octet-stream"}, request.body, pieces=[rng.randint(1, 60000) for _ in range(9)])


def moved(what, *arguments, python=PYTHON):
    """The mover under `run`, compared with the server; returns the document and the server's port."""
    server = Server(echo)
    try:
        r, document = rig.run([python, MOVER, what, server.url, server.ca, *arguments])
        rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
        rig.check_ledger(document)
        rig.check_bytes(document, server)
        rig.equal("complete", document["complete"], True)
        return document
    finally:
        server.close()


def sizes():
    document = moved("sizes")
    rig.equal("exchanges", len(rig.spans(document, "http")), 14)
    c = document["connections"][0]
    rig.equal("server name", c["server"], "localhost")
    assert c["local"].startswith("127.0.0.1:") and c["peer"].startswith("127.0.0.1:"), c
    rig.equal("library", c["tls"], "libssl.so.3")


def asyncio_streams():
    document = moved("asyncio")
    rig.equal("exchanges", len(rig.spans(document, "http")), 14)


def threads():
    document = moved("threads", "10000")
    reads = sum(c["read"]["bytes"] for c in document["connections"])
    rig.equal("bytes read", reads, 8 * 10000 * 100)


def children():
    document = moved("children")
    paths = sorted(s["attributes"]["url.path"] for s in rig.spans(document, "http"))
    rig.equal("paths", paths, ["/exec", "/fork", "/spawn", "/thread"])
    pids = {s["attributes"]["url.path"]: s["pid"] for s in rig.spans(document, "http")}
    root = document["processes"][0]["pid"]
    rig.equal("the thread's request is the root's", pids["/thread"], root)
    rig.equal("processes that made requests", len(set(pids.values())), 4)
    by_pid = {p["pid"]: p for p in document["processes"]}
    rig.equal("the forked child's status", by_pid[pids["/fork"]]["exit"], {"code": 3, "signal": None})
    rig.equal("the spawned child's argv", by_pid[pids["/spawn"]]["argv"][-1], "/spawn")


def encodings():
    paths = [f"/encoded/{c}/{f}" for c in CODINGS for f in ("length", "chunked") if encode(b"x", c) is not None]
    if len(paths) < 2 * len(CODINGS):
        raise rig.Skip("no encoder for br or zstd")
    document = moved("paths", *paths)
    spans = rig.spans(document, "http")
    rig.equal("spans", [s["attributes"]["url.path"] for s in spans], paths)
    rig.equal("broken", [s["attributes"].get("bottrace.broken") for s in spans], [None] * len(paths))


def a_millisecond():
    """A command that ends at once is still seen whole."""
    for _ in range(20):
        r, document = rig.run(["/bin/sh", "-c", "exit 7"])
        rig.equal("status", r.returncode, 7)
        process = document["processes"][0]
        rig.equal("argv", process["argv"], ["/bin/sh", "-c", "exit 7"])
        rig.equal("exit", process["exit"], {"code": 7, "signal": None})
        rig.check_ledger(document)


def attached(what="loop"):
    server = Server(echo)
    client = subprocess.Popen([PYTHON, MOVER, what, server.url, server.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        client.stdout.readline()
        with rig.Attach(client.pid) as a:
            time.sleep(0.5)
            out, _ = client.communicate("go\n")
            rig.equal("client", client.returncode, 0)
            a.process.wait(timeout=20)  # ends with its last target
            document = a.stop()
        rig.check_ledger(document)
        return document, out, a
    finally:
        client.kill()
        server.close()


def attach_in_traffic():
    document, out, _ = attached()
    turns = int(out.split()[-1])
    seen = len(rig.spans(document, "http"))
    assert 0 < seen <= turns, (seen, turns)
    rig.equal("root rule", document["root_rule"], "process")
    broken = [s["status"] for s in rig.spans(document, "http") if s["status"]["code"] == "error"]
    rig.equal("broken", broken, [])


def attach_before_ssl():
    """Agents import ssl late."""
    document, out, a = attached("late")
    rig.equal("client", out, "done\n")
    assert "nothing to see yet: no TLS library mapped" in a.lines[0], a.lines[0]
    rig.equal("paths", [s["attributes"]["url.path"] for s in rig.spans(document, "http")], ["/late"])


def attach_to_shell():
    """A supervisor without libssl or Python: its children are followed."""
    server = Server(echo)
    shell = subprocess.Popen(["/bin/sh", "-c", f"read x; {PYTHON} {MOVER} once {server.url} {server.ca} /child; exit 5"],
                             stdin=subprocess.PIPE, text=True)
    try:
        with rig.Attach(shell.pid) as a:
            shell.communicate("go\n")
            a.process.wait(timeout=20)
            document = a.stop()
        rig.equal("paths", [s["attributes"]["url.path"] for s in rig.spans(document, "http")], ["/child"])
        rig.check_bytes(document, server)
    finally:
        server.close()


def two_tracers():
    """Two bottraces on one process are both complete."""
    server = Server(echo)
    client = subprocess.Popen([PYTHON, MOVER, "late", server.url, server.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        client.stdout.readline()
        with rig.Attach(client.pid) as a, rig.Attach(client.pid) as b:
            client.communicate("go\n")
            for t in (a, b):
                t.process.wait(timeout=20)
                document = t.stop()
                rig.check_ledger(document)
                rig.check_bytes(document, server)
                rig.equal("complete", document["complete"], True)
    finally:
        server.close()


def two_targets():
    """Two unrelated processes: a trace each."""
    server = Server(echo)
    clients = [subprocess.Popen([PYTHON, MOVER, "late", server.url, server.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
               for _ in range(2)]
    try:
        for c in clients:
            c.stdout.readline()
        with rig.Attach(*[c.pid for c in clients]) as a:
            for c in clients:
                c.communicate("go\n")
            a.process.wait(timeout=20)
            document = a.stop()
        rig.equal("schema", document["schema"], "bottrace.v1.traces")
        rig.equal("processes", [[p["pid"] for p in t["processes"]] for t in document["traces"]], [[c.pid] for c in clients])
        rig.check_ledger(document)
        rig.check_bytes(document, server)
    finally:
        server.close()


def every_interpreter():
    for version, python in rig.interpreters():
        document = moved("children", python=python)
        rig.equal(f"requests under {version}", len(rig.spans(document, "http")), 4)


def pyenv_shim():
    """`python` may be a shell script that finds an interpreter that execs it: probes are there first all the same."""
    shim = Path.home() / ".pyenv/shims/python3"
    if not shim.exists():
        raise rig.Skip("no pyenv here")
    document = moved("once", python=str(shim))
    rig.equal("requests", len(rig.spans(document, "http")), 1)


def main():
    suite = rig.Suite()
    try:
        rig.need_root()
    except rig.Skip as e:
        print(f"skipped capture: {e}")
        suite.skipped += 1
        suite.close()
    for test in (a_millisecond, sizes, asyncio_streams, threads, children, encodings, attach_in_traffic, attach_before_ssl,
                 attach_to_shell, two_tracers, two_targets, every_interpreter, pyenv_shim):
        suite.test(test)
    suite.close()


main()
