# SPDX-License-Identifier: BSD-2-Clause
"""OpenSSL inside the interpreter: python-build-standalone, which uv installs, with local names, without any, stripped."""
import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

MOVER = str(Path(__file__).resolve().parent / "clients" / "mover.py")
STANDALONE = "github.com/kluctl/go-embed-python"
STANDALONE_VERSIONS = {"3.10": "v0.0.0-3.10.16-20241219-1", "3.11": "v0.0.0-3.11.11-20241219-1", "3.14": "v0.0.0-3.14.6-20260610-1"}


def echo(request):
    return Answer(200, {"content-type": "application/octet-stream"}, request.body)


def whole(document, server):
    rig.check_whole(document, server)


def standalone(version):
    """python-build-standalone, which uv installs, out of a Go module that carries it."""
    where = rig.CACHE / "standalone" / STANDALONE_VERSIONS[version].split("-")[1]
    python = where / "bin" / f"python{version}"
    if not (where / ".done").exists():
        fetch(STANDALONE_VERSIONS[version], where)
    return str(python)


def fetch(module_version, where):
    if not shutil.which("go"):
        raise rig.Skip("no go to fetch an interpreter with")
    with rig.directory() as d:
        Path(d, "go.mod").write_text("module x\n")
        r = subprocess.run(["go", "mod", "download", "-json", f"{STANDALONE}@{module_version}"], cwd=d, capture_output=True, text=True,
                           env={**os.environ, "GOPATH": f"{d}/go", "GOFLAGS": "-modcacherw"})
        if r.returncode:
            raise rig.Skip(f"go mod download {module_version}: {r.stderr.strip().splitlines()[-1:]}")
        source = Path(json.loads(r.stdout)["Dir"], "python/internal/data/linux-amd64")
        for f in json.loads(Path(source, "files.json").read_text())["files"]:
            to, packed = where / f["name"], Path(source, f["name"] + ".gz")
            to.parent.mkdir(parents=True, exist_ok=True)
            if f.get("symlink"):
                if not to.is_symlink():
                    to.symlink_to(f["symlink"])
                continue
            if packed.exists():
                to.write_bytes(gzip.decompress(packed.read_bytes()))
            elif Path(source, f["name"]).is_file():
                shutil.copyfile(source / f["name"], to)
            else:
                to.mkdir(exist_ok=True)
                continue
            to.chmod(f["perm"] & 0o777 | 0o600)
    (where / ".done").write_text("\n")


def static_run(version):
    """OpenSSL is in the interpreter: probed before the command starts."""
    python = standalone(version)
    server = Server(echo)
    for what in ("sizes", "asyncio", "children"):
        server.connections.clear()
        r, document = rig.run([python, MOVER, what, server.url, server.ca])
        rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
        whole(document, server)
    check_static(python, server, f"python{version}" if version == "3.14" else f"libpython{version}.so.1.0")
    server.close()


def static_attach(version):
    python = standalone(version)
    server = Server(echo)
    client = subprocess.Popen([python, MOVER, "late", server.url, server.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    client.stdout.readline()
    with rig.Attach(client.pid) as a:
        client.communicate("go\n")
        a.process.wait(timeout=20)
        document = a.stop()
    whole(document, server)
    server.close()


def check_static(python, server, name):
    """OpenSSL in an interpreter: at chosen places, which no trial can load, and which real bytes have proved by now."""
    client = subprocess.Popen([python, "-c", "import ssl; print(flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    client.stdout.readline()
    rig.equal("self-test", rig.proof_of(client.pid, name), {("witnessed", None)})
    sites = next(lib["sites"] for lib in rig.doctor(client.pid)["process"]["libraries"] if Path(lib["path"]).name == name)
    for fn in ("SSL_read_ex", "SSL_write_ex"):
        site = next(s for s in sites if fn in s["covers"])
        rig.equal(f"{fn} is emulated", site["emulated"], True)
    client.communicate("\n")
    return sites


def stripped(version):
    """As uv's own builds of these versions are: no symbols, so that docstrings have to lead the way."""
    python = Path(standalone(version))
    name = f"libpython{version}.so.1.0"
    server = Server(echo)
    with rig.directory() as d:
        Path(d, "bin").mkdir()
        Path(d, "lib").mkdir()
        Path(d, "lib", f"python{version}").symlink_to(python.resolve().parent.parent / "lib" / f"python{version}")
        r = subprocess.run(["strip", "--strip-all", "-o", f"{d}/lib/{name}", python.resolve().parent.parent / "lib" / name],
                           capture_output=True, text=True)
        if r.returncode:
            raise rig.Skip(f"no strip: {r.stderr.strip()[:100]}")
        copy = shutil.copy(python.resolve(), Path(d, "bin", f"python{version}"))
        r, document = rig.run([copy, MOVER, "sizes", server.url, server.ca])
        rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
        whole(document, server)
        rig.equal("covered", {f for s in check_static(copy, server, name) for f in s["covers"]}, {"SSL_read_ex", "SSL_write_ex"})
    server.close()


def main():
    suite = rig.Suite()
    try:
        rig.need_root()
    except rig.Skip as e:
        print(f"skipped static: {e}")
        suite.skipped += 1
        suite.close()
    for version in STANDALONE_VERSIONS:
        suite.test(static_run, version, name=f"static_run {version}")
        suite.test(static_attach, version, name=f"static_attach {version}")
    for version in ("3.10", "3.11"):
        suite.test(stripped, version, name=f"stripped {version}")
    suite.close()


main()
