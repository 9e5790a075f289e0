# SPDX-License-Identifier: BSD-2-Clause
"""Sockets and pipes without TLS: what looks like HTTP or JSON is captured whole and once, everything else is left alone."""
import hashlib
import json
import os
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

CLIENTS = Path(__file__).resolve().parent / "clients"
CLIENT, ADDER = str(CLIENTS / "plainly.py"), str(CLIENTS / "adder.py")
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
WORDS = ["The ", "sky ", "scatters ", "blue."]


def part(word, **more):
    return (json.dumps({"model": "llama3.2", "created_at": "2026-01-01T00:00:00Z",
                        "message": {"role": "assistant", "content": word}, "done": False, **more}) + "\n").encode()


class Plain:
    """A server without TLS that keeps what each connection moved. Answers /api/chat as Ollama, /echo with the body."""

    def __init__(self, path=None):
        self.connections = []
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                outer.handle(self.request)

        base = socketserver.ThreadingUnixStreamServer if path else socketserver.ThreadingTCPServer
        base.daemon_threads, base.allow_reuse_address = True, True
        self.server = base(path or ("127.0.0.1", 0), Handler)
        self.port = 0 if path else self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handle(self, sock):
        moved = {"received": b"", "sent": b""}
        self.connections.append(moved)

        def send(data):
            sock.sendall(data)
            moved["sent"] += data

        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                more = sock.recv(65536)
                if not more:
                    return
                data += more
                moved["received"] += more
            head, _, data = data.partition(b"\r\n\r\n")
            if head.startswith(b"CONNECT"):
                send(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self.tunnel(sock, head)
                return
            size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            while len(data) < size:
                more = sock.recv(65536)
                data += more
                moved["received"] += more
            body, data = data[:size], data[size:]
            if b"/echo" in head.split(b"\r\n")[0]:
                send(body)
                return
            send(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
            last = part("", done=True, done_reason="stop", prompt_eval_count=26, eval_count=4)
            for p in [*map(part, WORDS), last]:
                send(b"%x\r\n%s\r\n" % (len(p), p))
            send(b"0\r\n\r\n")

    @staticmethod
    def tunnel(sock, head):
        host, port = head.split()[1].split(b":")
        up = socket.create_connection((host.decode(), int(port)))

        def pump(a, b):
            try:
                while data := a.recv(65536):
                    b.sendall(data)
                b.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        back = threading.Thread(target=pump, args=(up, sock), daemon=True)
        back.start()
        pump(sock, up)
        back.join()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def of(document, *transports):
    return [c for t in rig.traces(document) for c in t["connections"] if c["transport"] in transports]


def same_bytes(connection, server, unread=0):
    """The client's connection, against what the server says; so many bytes of the end it may leave unread."""
    for ours, theirs in (("write", "received"), ("read", "sent")):
        want = server[theirs]
        if ours == "read" and len(want) - unread <= connection[ours]["bytes"]:
            want = want[:connection[ours]["bytes"]]
        rig.equal(ours, (connection[ours]["bytes"], connection[ours]["sha256"]), (len(want), sha(want)))


def run(what, *arguments, options=(), python=PYTHON):
    r, document = rig.run([python, CLIENT, what, *map(str, arguments)], *options)
    rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
    rig.check_ledger(document)
    rig.equal("complete", document["complete"], True)
    return r.stdout.strip(), document


def check_chat(document):
    (call,) = rig.spans(document, "chat")
    a = call["attributes"]
    rig.equal("call", (a["gen_ai.provider.name"], a["gen_ai.request.model"], a["gen_ai.usage.input_tokens"], a["gen_ai.usage.output_tokens"]),
              ("ollama", "llama3.2", 26, 4))
    return call


def tcp():
    server = Plain()
    _, document = run("tcp", server.port)
    (c,) = of(document, "tcp", "unix", "pipe", "tls")
    same_bytes(c, server.connections[0])
    rig.equal("address", (c["peer"], c["local"].split(":")[0], c["tls"]), (f"127.0.0.1:{server.port}", "127.0.0.1", None))
    check_chat(document)
    server.close()


def packages(name, package):
    server = Plain()
    python = rig.venv("plain", PYTHON, package)
    _, document = run(name, server.port, python=python)
    (c,) = of(document, "tcp", "unix", "pipe")
    same_bytes(c, server.connections[0], unread=len(b"0\r\n\r\n"))  # the one that ends the chunks
    check_chat(document)
    server.close()


def unix_socket():
    with tempfile.TemporaryDirectory() as d:
        server = Plain(f"{d}/model.sock")
        _, document = run("unix", f"{d}/model.sock")
        (c,) = of(document, "tcp", "unix", "pipe")
        same_bytes(c, server.connections[0])
        rig.equal("path", (c["transport"], c["path"]), ("unix", f"{d}/model.sock"))
        check_chat(document)
        server.close()


def every_call():
    server = Plain()
    _, document = run("calls", server.port)
    (c,) = of(document, "tcp")
    same_bytes(c, server.connections[0])
    server.close()


def both_ends():
    """Server and client are traced: each end has its own account, and their addresses are each other's."""
    text = (f"import sys, subprocess; sys.path[:0] = [{str(CLIENTS.parent)!r}]; import plain_test as t; s = t.Plain();"
            f"subprocess.run([{PYTHON!r}, {CLIENT!r}, 'tcp', str(s.port)], check=True); import time; time.sleep(0.1)")
    r, document = rig.run([PYTHON, "-c", text])
    rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
    rig.check_ledger(document)
    one, two = of(document, "tcp")
    rig.equal("addresses", (one["local"], one["peer"]), (two["peer"], two["local"]))
    rig.equal("bytes", (one["write"]["sha256"], one["read"]["sha256"]), (two["read"]["sha256"], two["write"]["sha256"]))
    assert one["pid"] != two["pid"], (one["pid"], two["pid"])


def stdio(count):
    said, document = run("mcp", ADDER, count)
    said = json.loads(said.removeprefix("said "))
    conns = {c["pid"]: c for c in of(document, "tcp", "unix", "pipe")}
    rig.equal("processes", set(conns), {said["pid"], said["child"]})
    client, server = conns[said["pid"]], conns[said["child"]]
    sent, received = said["sent"].encode(), said["received"].encode()
    rig.equal("client", [(client[d]["bytes"], client[d]["sha256"]) for d in ("write", "read")],
              [(len(sent), sha(sent)), (len(received), sha(received))])
    rig.equal("server", [(server[d]["bytes"], server[d]["sha256"]) for d in ("read", "write")],
              [(len(sent), sha(sent)), (len(received), sha(received))])
    rig.equal("ends", (client["transport"], client["local"], client["peer"]), ("pipe", server["peer"], server["local"]))
    tools = rig.spans(document, "execute_tool")
    rig.equal("tools", [(t["pid"], t["attributes"]["gen_ai.tool.name"], t["attributes"]["network.transport"]) for t in tools],
              [(said["pid"], "add", "pipe")] * count)


def socket_pair():
    _, document = run("sockets", 30)
    one, two = of(document, "unix")
    rig.equal("ends", (one["local"], one["peer"]), (two["peer"], two["local"]))
    rig.equal("bytes", (one["write"]["sha256"], one["read"]["sha256"]), (two["read"]["sha256"], two["write"]["sha256"]))
    rig.equal("lines", one["write"]["bytes"], sum(len(b'{"n": %d}\n' % i) for i in range(30)))


def pipeline():
    """Bytes through pipes are what they are without us, JSON or not."""
    for program in ("seq 200000 | sort -rn | head -c 1000000 | sha256sum",
                    "yes '{\"a\": [1, 2, 3]}' | head -c 3000000 | tr a b | sha256sum",
                    "head -c 5000000 /dev/zero | cat | cat | wc -c"):
        want = subprocess.run(["sh", "-c", program], capture_output=True, text=True).stdout
        for options in ((), ("--plain", "on"), ("--plain", "off")):
            r, document = rig.run(["sh", "-c", program], *options)
            rig.equal(f"output of {program} {options}", (r.returncode, r.stdout), (0, want))
            rig.check_ledger(document)


def beside_tls():
    plain, tls = Plain(), Server(lambda request: Answer(200, {"content-type": "application/json"}, b'{"ok": true}'))
    _, document = run("both", plain.port, tls.url, tls.ca)
    (c,) = of(document, "tcp", "unix", "pipe")
    same_bytes(c, plain.connections[0])
    (t,) = of(document, "tls")
    tls.wait_closed()
    rig.equal("tls", (t["write"]["sha256"], t["read"]["sha256"]), (sha(tls.connections[0].received), sha(tls.connections[0].sent)))
    rig.equal("every byte once", document["ledger"]["bytes"]["seen"], sum(x[d]["bytes"] for x in (c, t) for d in ("read", "write")))
    plain.close()
    tls.close()


def tunnel():
    """CONNECT, then TLS on the same socket: the handshake is where its bytes end."""
    proxy, tls = Plain(), Server(lambda request: Answer(200, {"content-type": "application/json"}, b'{"ok": true}'))
    _, document = run("proxy", proxy.port, tls.url, tls.ca)
    (c,) = of(document, "tcp")
    same_bytes(c, proxy.connections[0])
    assert proxy.connections[0]["received"].endswith(b"\r\n\r\n"), proxy.connections[0]["received"][-40:]
    (t,) = of(document, "tls")
    tls.wait_closed()
    rig.equal("tls", t["write"]["sha256"], sha(tls.connections[0].received))
    proxy.close()
    tls.close()


def noise():
    _, document = run("noise", 300)
    rig.equal("connections", of(document, "tcp", "unix", "pipe"), [])
    rig.equal("bytes", document["ledger"]["bytes"]["seen"], 0)


def strangers():
    """Databases, mail, shells: no span, no byte."""
    _, document = run("strangers")
    rig.equal("connections", of(document, "tcp", "unix", "pipe"), [])
    rig.equal("spans", [s["name"] for s in document["spans"] if s["kind"] != "process"], [])
    rig.equal("blind", [p["blind"] for p in document["processes"] if p["blind"]], [])


def files():
    """What sendfile() sends stands in its place as left out, and the next answer is found."""
    _, document = run("files")
    answers = [s for s in rig.spans(document, "http") if s["attributes"].get("bottrace.side") == "server"] or rig.spans(document, "http")
    rig.equal("requests", sorted({s["name"] for s in answers}), ["GET /file0", "GET /file1"])
    rig.equal("status", {s["attributes"].get("http.response.status_code") for s in rig.spans(document, "http")}, {200})
    rig.equal("left out", max(c["write"]["skipped"] for c in of(document, "tcp")), 180000)


def torrent():
    """JSON that is no conversation goes through pipes at their speed: of each end a little is copied."""
    with tempfile.TemporaryDirectory() as d:
        for name, text in (("lines", b'{"level":"info","n":12345}\n' * 1000), ("one", b'{"a":"' + b"x" * 30000)):
            Path(d, name).write_bytes(text * 1000)
            program = f"cat {d}/{name} | cat | wc -c"
            r, document = rig.run(["sh", "-c", program])
            rig.equal("output", (r.returncode, r.stdout.strip()), (0, str(len(text) * 1000)))
            rig.equal("digest wants all", document["ledger"]["bytes"]["skipped"], 0)
            out = Path(d, "out.json")
            for _ in range(3):
                subprocess.run([rig.BOTTRACE, "run", "-q", "-o", f"json={out}", "--", "sh", "-c", program], stdout=subprocess.DEVNULL, check=True)
                document = json.loads(out.read_text())
                rig.check_ledger(document)
                rig.equal(f"{name} complete", document["complete"], True)
                rig.equal("spans", {s["kind"] for s in document["spans"]}, {"process"})
                kept = [c[d]["bytes"] - c[d]["skipped"] for c in document["connections"] for d in ("read", "write")]
                assert max(kept) <= 1 << 20 and sum(kept) > 0, kept


def threads():
    """Lines that threads of two processors write into one pipe at once: not a byte is said to be missing."""
    with tempfile.TemporaryDirectory() as d:
        program = str(Path(d, "crowd"))
        subprocess.run(["cc", "-O2", "-pthread", "-o", program, CLIENTS / "crowd.c"], check=True)
        for size in (70, 3000, 40000):
            r, document = rig.run([program, "1000", "3", str(size)], "--rate-calls", "0", "--rate-bytes", "0", "--ring-size", "128M")
            rig.equal("output", (r.returncode, r.stdout), (0, f"read {3000 * size}\n"))
            rig.check_ledger(document)
            missing = document["ledger"]["bytes"]["missing"]
            lost = sum(document["ledger"]["calls"][c] for c in rig.CAUSES)
            assert missing == 0 or lost, f"{missing} bytes of {size} are said to be missing, of no call"
            (writer,) = [c for c in of(document, "pipe") if c["write"]["bytes"]]
            rig.equal("calls", (writer["write"]["calls"], writer["write"]["bytes"]), (3000, 3000 * size))
            rig.equal("missing", missing if size < 4000 else 0, 0)


def crowd():
    """20,000 sockets of connections that are older than we are."""
    server = Plain()
    p = subprocess.Popen([PYTHON, CLIENT, "idle", str(server.port), "10000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    rig.equal("ready", p.stdout.readline(), "ready\n")
    with rig.Attach(p.pid) as a:
        p.stdin.write("go\n")
        p.stdin.flush()
        rig.equal("done", p.stdout.readline(), "done\n")
        p.stdin.close()
        p.wait()
        document = a.stop()
    rig.check_ledger(document)
    rig.equal("complete", document["complete"], True)
    rig.equal("connections", len(of(document, "tcp")), 201)
    rig.equal("calls", len(rig.spans(document, "chat")), 201)
    server.close()


def everything():
    """With --plain on all of it is a conversation, in every byte."""
    _, document = run("noise", 300, options=("--plain", "on"))
    pipes = of(document, "pipe")
    log = b"".join(b"INFO: line %d\n" % i for i in range(300))
    assert any(c["write"]["sha256"] == sha(log) or c["read"]["sha256"] == sha(log) for c in pipes), [c["write"]["bytes"] for c in pipes]


def off():
    server = Plain()
    _, document = run("tcp", server.port, options=("--plain", "off"))
    rig.equal("connections", of(document, "tcp", "unix", "pipe"), [])
    rig.equal("bytes", document["ledger"]["bytes"]["seen"], 0)
    server.close()


def stranger():
    """A process that is not traced speaks at the same time: nothing of it is there."""
    server = Plain()
    other = subprocess.Popen([PYTHON, CLIENT, "waiting", str(server.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    rig.equal("ready", other.stdout.readline(), "ready\n")
    stop = threading.Event()

    def talk():
        while not stop.is_set():
            other.stdin.write("go\n")
            other.stdin.flush()
            other.stdout.readline()

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        _, document = run("tcp", server.port)
    finally:
        stop.set()
        thread.join()
        other.stdin.close()
        other.wait()
    (c,) = of(document, "tcp", "unix", "pipe")
    same_bytes(c, server.connections[1])
    rig.equal("bytes", document["ledger"]["bytes"]["seen"], c["write"]["bytes"] + c["read"]["bytes"])
    server.close()


def attached():
    """A connection that is older than we are."""
    server = Plain()
    p = subprocess.Popen([PYTHON, CLIENT, "waiting", str(server.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    rig.equal("ready", p.stdout.readline(), "ready\n")
    before = {k: len(v) for k, v in server.connections[0].items()}
    with rig.Attach(p.pid) as a:
        for _ in range(3):
            p.stdin.write("go\n")
            p.stdin.flush()
            p.stdout.readline()
        p.stdin.close()
        p.wait()
        document = a.stop()
    rig.check_ledger(document)
    (c,) = of(document, "tcp")
    same_bytes(c, {k: v[before[k]:] for k, v in server.connections[0].items()})
    rig.equal("calls", len(rig.spans(document, "chat")), 3)
    server.close()


def replay():
    server = Plain()
    with rig.directory() as d:
        tape, out = Path(d, "run.tape"), Path(d, "run.json")
        r = subprocess.run([rig.BOTTRACE, "run", "--tape", tape, "-o", f"json={out}", "--", PYTHON, CLIENT, "tcp", str(server.port)],
                           capture_output=True, text=True)
        rig.equal("status", r.returncode, 0)
        again = subprocess.run([rig.BOTTRACE, "tree", tape, "-o", "json"], capture_output=True, text=True)
        rig.equal("document", again.stdout, out.read_text())
    server.close()


def main():
    rig_suite = rig.Suite()
    for name in sys.argv[1:]:
        rig_suite.test(globals()[name])
    if not sys.argv[1:]:
        for f in (tcp, unix_socket, every_call, both_ends, socket_pair, pipeline, beside_tls, tunnel, noise, strangers, files, torrent,
                  threads, crowd, everything, off,
                  stranger, attached, replay):
            rig_suite.test(f)
        rig_suite.test(stdio, 3, name="stdio 3")
        rig_suite.test(stdio, 200, name="stdio 200")
        rig_suite.test(packages, "httpx_client", "httpx", name="httpx")
        rig_suite.test(packages, "ollama_package", "ollama", name="ollama")
    rig_suite.close()


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped plain_test: needs root")
        print("0 passed, 0 failed, 1 skipped")
        sys.exit(0)
    main()
