# SPDX-License-Identifier: BSD-2-Clause
"""Wheels that bring TLS of their own: captured to the byte, or blind with the truth. Clients under `run` and under `attach`;
what a library's probes see is compared with what the server moved, and the doctor is asked which library it was."""
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.postgres import Postgres  # noqa: E402
from rig.server import Answer, Server, make_certificate  # noqa: E402

HERE = Path(__file__).resolve().parent
CLIENT = str(HERE / "clients" / "wheels.py")
ECHO = str(HERE / "clients" / "grpcecho.py")
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
PACKAGES = ("psycopg[binary]==3.3.9", "psycopg2-binary==2.9.10", "pyOpenSSL==26.4.0", "cryptography==50.0.2", "curl_cffi==0.17.0",
            "pycurl==7.49.0", "grpcio==1.85.3")
# client: file that carries its TLS library, functions that are probed in it
CARRIERS = {
    "psycopg": ("libssl-", {"ssl_read_internal", "ssl_write_internal"}),
    "psycopg2": ("libssl-", {"ssl_read_internal", "ssl_write_internal"}),
    "pycurl": ("libssl-", {"ssl_read_internal", "ssl_write_internal"}),
    # OpenSSL 4, static: its functions have local symbols
    "pyopenssl": ("_rust.abi3.so", {"SSL_read", "SSL_write"}),
    # BoringSSL, static: so have they
    "curl_cffi": ("_wrapper.abi3.so", {"SSL_read", "SSL_write"}),
}
KEYS = {"lib", "build_id", "function", "offset", "instruction", "emulated", "self_test", "ns_per_hit"}


def venv():
    version = subprocess.run([PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True)
    return rig.venv("wheels-" + version.stdout.strip(), PYTHON, *PACKAGES)


def server_for(client):
    return Postgres() if client.startswith("psycopg") else Server(lambda request: Answer(200, {}, request.body))


def whole(client, document, server):
    rig.check_ledger(document)
    rig.check_bytes(document, server)
    rig.equal("complete", document["complete"], True)
    rig.equal("connections", len(document["connections"]), len(server.connections))
    assert server.connections and all(len(c.received) > 300000 for c in server.connections)
    for c in document["connections"]:
        assert c["tls"].startswith(CARRIERS[client][0]), c["tls"]


def run(client, python):
    server = server_for(client)
    r, document = rig.run([python, CLIENT, client, f"localhost:{server.port}", server.ca])
    rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
    whole(client, document, server)
    server.close()


def start(client, python, port, ca):
    p = subprocess.Popen([python, CLIENT, client, f"localhost:{port}", ca, "hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         text=True)
    rig.equal("client", p.stdout.readline(), "waiting\n")
    return p


def say(p):
    p.stdin.write("go\n")
    p.stdin.flush()
    return p.stdout.readline()


def check_sites(client, process):
    """Every site as the document promises it, and as the file has it."""
    name, functions = CARRIERS[client]
    found = [lib for lib in process["libraries"] if Path(lib["path"]).name.startswith(name)]
    rig.equal("libraries", len(found), 1)
    sites = found[0]["sites"]
    code = Path(found[0]["path"]).read_bytes()
    assert functions <= {s["function"] for s in sites}, sites
    for s in sites:
        assert KEYS <= set(s), s
        rig.equal("library", (s["lib"], s["build_id"]), (Path(found[0]["path"]).name, found[0]["build_id"]))
        instruction = bytes.fromhex(s["instruction"])
        assert 1 <= len(instruction) <= 15, s
        rig.equal("instruction", code[s["offset"]:s["offset"] + len(instruction)], instruction)
        assert s["self_test"] in (("passed",) if name == "libssl-" else ("unproven", "witnessed", None)), s
        assert s["emulated"] is True or s["why"], s
        assert s["ns_per_hit"] > 0, s
    return sites


def attach(client, python):
    server = server_for(client)
    p = start(client, python, server.port, server.ca)
    check_sites(client, rig.doctor(p.pid)["process"])
    with rig.Attach(p.pid) as a:
        say(p)
        p.communicate("end\n")
        rig.equal("status", p.returncode, 0)
        a.process.wait(timeout=20)
        document = a.stop()
    whole(client, document, server)
    sites = check_sites_again(client, python, server)
    if CARRIERS[client][0] != "libssl-":
        # No trial can load them: sockets and probes agreed.
        rig.equal("self-test", {s["self_test"] for s in sites}, {"witnessed"})
    server.close()


def check_sites_again(client, python, server):
    p = start(client, python, server.port, server.ca)
    sites = check_sites(client, rig.doctor(p.pid)["process"])
    p.kill()
    p.wait()
    return sites


class Grpc:
    def __init__(self, python):
        self.directory = rig.directory()
        self.ca, key = make_certificate(self.directory.name)
        self.process = subprocess.Popen([python, ECHO, self.ca, key], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate("")
        self.directory.cleanup()


def check_blind(document, port):
    blind = [b for t in rig.traces(document) for p in t["processes"] for b in p["blind"]]
    rig.equal("blind", len(blind), 1)
    assert blind[0]["what"].startswith("cygrpc."), blind
    why = blind[0]["why"]
    assert why.startswith("sent 35") and f" kB over TCP to 127.0.0.1:{port}, no probe fired: BoringSSL inside cygrpc." in why, why
    rig.equal("complete", document["complete"], False)
    rig.equal("connections", [c for t in rig.traces(document) for c in t["connections"]], [])


def grpc_run(python):
    with Grpc(python) as server:
        r, document = rig.run([python, CLIENT, "grpcio", f"localhost:{server.port}", server.ca])
        rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, r.stderr if r.returncode else ""))
        check_blind(document, server.port)


def grpc_attach(python):
    """The line of attach, a line while it runs, the doctor and the document say the same."""
    with Grpc(python) as server:
        p = start("grpcio", python, server.port, server.ca)
        with rig.Attach(p.pid) as a:
            assert "out of reach: BoringSSL inside cygrpc." in a.lines[-1], a.lines
            say(p)
            said = a.process.stderr.readline()
            assert said.startswith(f"bottrace: blind: {p.pid} sent 35") and "BoringSSL inside cygrpc." in said, said
            d = rig.doctor(p.pid)
            rig.equal("doctor", [(b["what"].split(".")[0], b["tls"]) for b in d["process"]["blind"]], [("cygrpc", "BoringSSL")])
            assert d["process"]["sockets"]["sent"] > 350000, d["process"]["sockets"]
            line = next(c["text"] for c in d["checks"] if c["state"] == "blind")
            assert "BoringSSL inside cygrpc." in line and f"sent 35" in line and f"127.0.0.1:{server.port}" in line, line
            p.communicate("end\n")
            a.process.wait(timeout=20)
            document = a.stop()
        check_blind(document, server.port)


def main():
    suite = rig.Suite()
    try:
        rig.need_root()
        python = venv()
    except rig.Skip as e:
        print(f"skipped wheel: {e}")
        suite.skipped += 1
        suite.close()
    for client in CARRIERS:
        suite.test(run, client, python, name=f"run {client}")
        suite.test(attach, client, python, name=f"attach {client}")
    suite.test(grpc_run, python)
    suite.test(grpc_attach, python)
    suite.close()


main()
