# SPDX-License-Identifier: BSD-2-Clause
"""What nobody wants is not copied, what floods is bounded, and either is counted to the unit; nobody else pays for it."""
import datetime
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

CLIENTS = Path(__file__).resolve().parent / "clients"
MOVER, BULK, ALIEN = (str(CLIENTS / name) for name in ("mover.py", "bulk.py", "alien.py"))
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
LARGE = 128 << 20
PIECE = bytes(range(256)) * 256


class Counting(Server):
    """Keeps no byte of what it sends, only their number."""

    def _send(self, sock, connection, data):
        connection.sent_bytes = getattr(connection, "sent_bytes", 0) + len(data)
        sock.sendall(data)


def bulk(request):
    kind = {"content-type": "application/octet-stream"}
    if request.target == "/length":
        return Answer(200, kind, PIECE * (LARGE // len(PIECE)), pieces=[len(PIECE)])
    if request.target == "/chunked":
        return Answer(200, kind, chunks=[PIECE] * (LARGE // len(PIECE)))
    return Answer(200, {"content-type": "application/json"}, json.dumps({"you": request.target}).encode())


def torrent(directory, *words):
    program = Path(directory, "torrent")
    if not program.exists():
        r = subprocess.run(["gcc", "-O1", "-o", program, CLIENTS / "torrent.c", "-ldl", "-lpthread"], capture_output=True, text=True)
        if r.returncode:
            raise rig.Skip(f"no C compiler: {r.stderr.strip()[:100]}")
    p = subprocess.Popen([program, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    first = p.stdout.readline()
    if first != "ready\n":
        p.kill()
        raise rig.Skip(f"no libssl.so.3: {first.strip()}")
    return p


def say(process):
    process.stdin.write("go\n")
    process.stdin.flush()


def calls_of(process):
    word, n = process.stdout.readline().split()
    rig.equal("answer", word, "calls")
    return int(n)


def of(document, pid):
    """The trace that a process is the root of."""
    return next(t for t in rig.traces(document) if t["processes"][0]["pid"] == pid)


def replayed(tape):
    r = subprocess.run([rig.BOTTRACE, "tree", tape, "-o", "json"], capture_output=True, text=True)
    rig.equal("replay", r.stderr, "")
    return r.stdout


def run_raw(command):
    """bottrace run without --digest (which would ask for every byte); the document is what its tape gives again."""
    with rig.directory() as d:
        out, tape = Path(d, "run.json"), Path(d, "run.tape")
        r = subprocess.run([rig.BOTTRACE, "run", "-o", f"json={out}", "--tape", tape, "--", *command],
                           capture_output=True, text=True, timeout=300)
        rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
        text = out.read_text()
        assert replayed(tape) == text, "the tape gives another document"
        return json.loads(text)


def large_bodies():
    """Counted whole, copied in small part; requests before, between and after are read as ever."""
    server = Counting(bulk)
    paths = ["/a", "/length", "/b", "/chunked", "/c", "/length", "/d"]
    try:
        document = run_raw([PYTHON, BULK, server.url, server.ca, *paths])
        server.wait_closed()
        rig.check_ledger(document)
        rig.equal("complete", document["complete"], True)
        c = document["connections"][0]
        rig.equal("bytes read", c["read"]["bytes"], server.connections[0].sent_bytes)
        rig.equal("bytes written", c["write"]["bytes"], len(server.connections[0].received))
        size, calls = document["ledger"]["bytes"], document["ledger"]["calls"]
        rig.equal("skipped", size["skipped"], c["read"]["skipped"])
        rig.equal("missing", size["missing"], 0)
        assert size["skipped"] > 2 * LARGE, size
        assert calls["filtered"] > 1000, calls
        spans = rig.spans(document, "http")
        rig.equal("paths", [s["attributes"]["url.path"] for s in spans], paths)
        rig.equal("status", {s["status"]["code"] for s in spans}, {"ok"})
        sizes = [s["attributes"]["http.response.body.size"] for s in spans]
        rig.equal("by length", (sizes[1], sizes[5]), (LARGE, LARGE))
        assert LARGE <= sizes[3] <= LARGE + 16 * (LARGE // len(PIECE)), sizes  # its framing included
        rig.equal("between them", {sizes[i] for i in (0, 2, 4, 6)}, {len('{"you": "/a"}')})
    finally:
        server.close()


def large_with_digest():
    """Who asks for a digest gets every byte."""
    server = Server(lambda r: Answer(200, {"content-type": "video/mp4"}, PIECE * 64, pieces=[len(PIECE)]))
    try:
        r, document = rig.run([PYTHON, BULK, server.url, server.ca, "/video"])
        rig.equal("status", r.returncode, 0)
        rig.check_ledger(document)
        rig.check_bytes(document, server)
        rig.equal("skipped", document["ledger"]["bytes"]["skipped"], 0)
    finally:
        server.close()


def serve_alien(listener, context):
    sock = context.wrap_socket(listener.accept()[0], server_side=True)
    while True:
        data = sock.recv(4096)
        if not data:
            break
        sock.sendall(data[::-1])
    sock.close()


def alien():
    """TLS that carries no HTTP is left alone, and counted."""
    server = Server(bulk)  # for its certificate, and the requests beside
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.ca, server.ca.replace("cert.pem", "key.pem"))
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve_alien, args=(listener, context), daemon=True).start()
    try:
        document = run_raw([PYTHON, ALIEN, str(listener.getsockname()[1]), server.url, server.ca])
        rig.check_ledger(document)
        rig.equal("complete", document["complete"], True)
        other = next(c for c in document["connections"] if c["write"]["bytes"] == 2000 * 100)
        rig.equal("bytes", (other["write"]["bytes"], other["read"]["bytes"]), (200000, 200000))
        assert other["write"]["skipped"] > 10000 and other["read"]["skipped"] > 10000, other  # from when the collector got its turn
        assert document["ledger"]["calls"]["filtered"] > 200, document["ledger"]
        rig.equal("missing", document["ledger"]["bytes"]["missing"], 0)
        rig.equal("requests", [s["attributes"]["url.path"] for s in rig.spans(document, "http")], ["/before", "/after"])
    finally:
        listener.close()
        server.close()


def flood(*options, seconds=2):
    """A process that writes byte after byte beside one that makes a request each 5 ms. The flood's trace, and the calls
    that it says it made."""
    server = Server(lambda request: Answer(200, {"content-type": "text/plain"}, request.body, delay_s=0.005))
    mover = subprocess.Popen([PYTHON, MOVER, "loop", server.url, server.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with rig.directory() as d:
        program = torrent(d, "flood", 2, seconds)
        try:
            mover.stdout.readline()
            mover_at = len(server.connections)
            with rig.Attach(program.pid, mover.pid, options=options) as a:
                say(program)
                made = calls_of(program)
                time.sleep(0.2)
                assert len(server.connections) == mover_at, "the mover connects anew"
                document = a.stop()
            rig.check_ledger(document)
            theirs, ours = of(document, program.pid), of(document, mover.pid)
            rig.equal("calls of the flood", theirs["ledger"]["calls"]["seen"], made)
            rig.equal("bytes of the flood", theirs["ledger"]["bytes"]["seen"], made)
            rig.equal("the other's missing", ours["ledger"]["bytes"]["missing"], 0)
            rig.equal("the other's complete", ours["complete"], True)
            assert len([s for s in ours["spans"] if s["kind"] == "http"]) > 5, ours["ledger"]
            return theirs, made
        finally:
            program.kill()
            mover.kill()
            server.close()


def flood_bounded():
    theirs, made = flood("--rate-calls", "5000")
    calls, size = theirs["ledger"]["calls"], theirs["ledger"]["bytes"]
    rig.equal("calls", calls["kept"] + calls["throttled"], made)
    assert 5000 <= calls["kept"] <= 5000 * 30, calls  # a burst, and 5000 a second
    assert calls["throttled"] > 0, calls
    rig.equal("missing", size["missing"], calls["throttled"])
    rig.equal("complete", theirs["complete"], False)
    rig.equal("causes", {g["cause"] for s in theirs["spans"] for g in s["gaps"]}, {"throttled"})


def flood_by_default():
    theirs, made = flood(seconds=4)
    rig.equal("lost otherwise", [theirs["ledger"]["calls"][c] for c in ("fault", "ring_full", "map_full")], [0, 0, 0])


def follow(stream, late):
    """How long after its end each request of the mover was told of, in seconds."""
    for line in stream:
        span = json.loads(line)
        if span.get("kind") == "http" and span["end"]:
            end = datetime.datetime.fromisoformat(span["end"].replace("Z", "+00:00")[:26] + "+00:00")
            late.append(time.time() - end.timestamp())


def absent_pages():
    """Pages that nobody serves: the copy gives up at once, counted; the other's calls neither wait nor get lost, and
    nothing waits at the end."""
    server = Server(bulk)
    mover = subprocess.Popen([PYTHON, MOVER, "loop", server.url, server.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    late = []
    with rig.directory() as d:
        program = torrent(d, "absent", 300)
        try:
            mover.stdout.readline()
            with rig.Attach(program.pid, mover.pid, options=["-o", "jsonl"]) as a:
                follower = threading.Thread(target=follow, args=(a.process.stdout, late))
                follower.start()
                say(program)
                answer = program.stdout.readline()
                if answer.startswith("no "):
                    raise rig.Skip(answer.strip())
                rig.equal("calls", answer, "calls 300\n")
                turns = len(server.connections[0].received)
                rig.wait_for("the mover's next turns", lambda: len(server.connections[0].received) > turns + 20000)
                at = time.monotonic()
                a.process.send_signal(signal.SIGINT)
                a.process.wait(timeout=20)
                took = time.monotonic() - at
                follower.join()
                document = json.loads(a.out.read_text())
                a.document = document
            print(f"absent_pages: the end took {took:.2f} s, the document included")
            assert took <= 4, "the end waits for the page"  # it did, for 4.5 s and as long as the page was away
            rig.check_ledger(document)
            theirs, ours = of(document, program.pid), of(document, mover.pid)
            rig.equal("calls", theirs["ledger"]["calls"]["seen"], 300)
            rig.equal("faults", theirs["ledger"]["calls"]["fault"], 300)
            rig.equal("bytes", theirs["ledger"]["bytes"]["missing"], 300 * 1000)
            rig.equal("the other's losses", (ours["ledger"]["bytes"]["missing"], ours["complete"]), (0, True))
            requests = len([s for s in rig.spans(document, "http") if s["end"]])
            assert requests > 20, requests
            assert len(late) >= requests, (len(late), requests)  # a retried one is told of twice
            assert max(late) < 1, f"told {max(late):.2f} s late"
        finally:
            program.kill()
            mover.kill()
            server.close()


def main():
    suite = rig.Suite()
    try:
        rig.need_root()
    except rig.Skip as e:
        print(f"skipped mute: {e}")
        suite.skipped += 1
        suite.close()
    for test in (large_bodies, large_with_digest, alien, flood_bounded, flood_by_default, absent_pages):
        suite.test(test)
    suite.close()


main()
