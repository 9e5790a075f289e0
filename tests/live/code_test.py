# SPDX-License-Identifier: BSD-2-Clause
"""Code that is not what its file says, or not what compilers write: patched in memory, under a debugger, overwritten,
obfuscated. Never a harmed program, never a wrong byte; what is refused is said with its reason."""
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import openssl  # noqa: E402
from rig import run as rig  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

CLIENTS = Path(__file__).resolve().parent / "clients"
PRIVATE = str(CLIENTS / "private.py")
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
ROUNDS = 1000


def echo(request):
    return Answer(200, {"content-type": "application/octet-stream"}, request.body)


def compiled(source, where, *options):
    to = Path(where, Path(source).stem)
    r = subprocess.run(["gcc", "-O1", "-o", str(to), str(CLIENTS / source), *options], capture_output=True, text=True)
    if r.returncode:
        raise rig.Skip(f"no C compiler: {r.stderr.strip()[:100]}")
    return str(to)


def library(where):
    """A copy of this machine's libssl: nobody else has its probes."""
    for d in ("x86_64-linux-gnu", "aarch64-linux-gnu"):
        found = sorted(Path("/usr/lib", d).glob("libssl.so.*"))
        if found:
            return str(shutil.copy(found[-1], Path(where, "libssl.so.3")))
    raise rig.Skip("no libssl here")


def symbol_offset(path, name):
    """libssl's code lies in its file at its address or at a constant distance from it."""
    out = subprocess.run(["readelf", "-WlsD", "--dyn-syms", path], capture_output=True, text=True).stdout
    address = int(re.search(rf"([0-9a-f]{{16}}) +\d+ FUNC .* {name}@", out).group(1), 16)
    for offset, start, size in re.findall(r"LOAD +0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+ 0x([0-9a-f]+) .*E ", out):
        if int(start, 16) <= address < int(start, 16) + int(size, 16):
            return address - int(start, 16) + int(offset, 16)
    raise AssertionError(f"{name} lies nowhere")


class Program:
    """patched.c: calls a function with null pointers, and can change the code at a place of its library."""

    def __init__(self, program, path, offset, function="SSL_read"):
        self.process = subprocess.Popen([program, path, function, str(offset)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        words = self.process.stdout.readline().split()
        rig.equal("start", words[:1], ["ready"])
        self.pid, self.address = self.process.pid, words[1]

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer, f"it ended with {self.process.wait()} after {line!r}"
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def doctor(pid, path):
    return next(lib for lib in rig.doctor(pid)["process"]["libraries"] if lib["path"] == str(path))


def site_of(function, program, path):
    """The site through which it is seen."""
    with Program(program, path, symbol_offset(path, function)) as p:
        return next(s for s in doctor(p.pid, path)["sites"] if function in s["covers"])


def attached(a):
    return next(line for line in a.lines if line.startswith("attached"))


def hot_patched(where):
    """A jump written over the place of the probe: the symbols are used; over these, too: nothing is."""
    path, program = library(where), compiled("patched.c", where, "-ldl")
    site = site_of("SSL_read", program, path)
    symbol = symbol_offset(path, "SSL_read")
    assert site["offset"] != symbol, site
    with Program(program, path, site["offset"]) as p:
        p.say("patch")
        before = p.say(f"call {ROUNDS}")
        with rig.Attach(p.pid) as a:
            assert "libssl.so.3 (7)" in attached(a) or "libssl.so.3 (8)" in attached(a), a.lines
            rig.equal("calls under probes", p.say(f"call {ROUNDS}"), before)
        rig.equal("calls after them", p.say(f"call {ROUNDS}"), before)
        rig.equal("code", p.say("read"), "b8")
    # The symbol's first instruction is patched as well: --symbol-sites has nowhere else to go.
    with Program(program, path, symbol) as p:
        p.say("patch")
        rig.equal("patched", p.say(f"call {ROUNDS}"), str(ROUNDS))
        with rig.Attach(p.pid, options=("--symbol-sites",)) as a:
            said = [line for line in a.lines if "its code was changed in memory: SSL_read" in line]
            assert said and f"no probes on {path}: in process {p.pid} " in said[0], a.lines
            assert f"out of reach: changed code inside libssl.so.3" in attached(a), a.lines
            rig.equal("calls under probes", p.say(f"call {ROUNDS}"), str(ROUNDS))
        rig.equal("code", p.say("read"), "b8")
        # The chosen sites lie elsewhere, and are safe.
        with rig.Attach(p.pid) as a:
            rig.equal("calls under probes", p.say(f"call {ROUNDS}"), str(ROUNDS))
        rig.equal("code", p.say("read"), "b8")


def hot_patched_neighbour(where):
    """It is another process whose code was patched: one that is attached to later, or a bystander whom nobody traces."""
    path, program = library(where), compiled("patched.c", where, "-ldl")
    site = site_of("SSL_read", program, path)
    with Program(program, path, site["offset"]) as clean, Program(program, path, site["offset"]) as p:
        p.say("patch")
        before = p.say(f"call {ROUNDS}")
        for targets in ((clean.pid, p.pid), (clean.pid,)):
            with rig.Attach(*targets):
                rig.equal("calls under probes", p.say(f"call {ROUNDS}"), before)
            rig.equal("code", p.say("read"), "b8")


def debugged(where):
    """Another debugger's breakpoint where the probe would sit: it keeps it, and gets all of its hits."""
    path, program, tool = library(where), compiled("patched.c", where, "-ldl"), compiled("debugger.c", where)
    site = site_of("SSL_free", program, path)  # which takes a null pointer
    with Program(program, path, site["offset"], "SSL_free") as p:
        d = subprocess.Popen([tool, str(p.pid), p.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            if d.stdout.readline() != "set\n":
                raise rig.Skip("no ptrace here")
            with rig.Attach(p.pid) as a:
                assert any("a debugger's breakpoint is in its code: SSL_free" in line for line in a.lines), a.lines
                for _ in range(10):
                    p.say("call 1")
            hits, _ = d.communicate("", timeout=20)
            rig.equal("hits", hits, "10\n")
        finally:
            d.kill()
            d.wait()
        rig.equal("code", p.say("read"), site["instruction"][:2])
        with rig.Attach(p.pid) as a:  # it is gone: now there may be probes
            assert not any("no probes" in line for line in a.lines), a.lines
            p.say("call 1")


def two_tracers(where):
    """A second session of ours is no stranger: both see everything."""
    server = Server(echo)
    path = library(where)
    client = subprocess.Popen([PYTHON, PRIVATE, path, server.url, "10", "early"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    client.stdout.readline()
    with rig.Attach(client.pid) as first, rig.Attach(client.pid) as second:
        client.communicate("go\n")
        for a in (first, second):
            a.process.wait(timeout=20)
            document = a.stop()
            rig.check_ledger(document)
            rig.check_bytes(document, server)
            rig.equal("complete", document["complete"], True)
    server.close()


SPAWNER = r"""
import subprocess, sys
for line in sys.stdin:
    r = subprocess.run(line.split(), input="go\n", stdout=subprocess.PIPE, text=True)
    print(r.returncode, r.stdout.split()[-1:], flush=True)
"""


def narrow_neighbour(where):
    """Another session's probes in one process alone: no debugger's, and no obstacle to probes in all others."""
    server = Server(echo)
    path, program = library(where), compiled("patched.c", where, "-ldl")
    site = site_of("SSL_read", program, path)
    client = subprocess.Popen([PYTHON, PRIVATE, path, server.url, "10", "early"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    client.stdout.readline()
    with Program(program, path, site["offset"]) as p, rig.Attach(p.pid, options=("--no-children",)):
        rig.equal("code", p.say("read"), "cc")
        with rig.Attach(client.pid) as a:
            assert not any("debugger" in line for line in a.lines), a.lines
            client.communicate("go\n")
            a.process.wait(timeout=20)
            document = a.stop()
        rig.check_bytes(document, server)
        rig.equal("complete", document["complete"], True)
    server.close()


def overwritten(where):
    """Another build written into the file under its probes (cp, no rename): who starts afterwards runs the new code
    unharmed and is seen whole."""
    server = Server(echo)
    path, build = library(where), openssl.wheel("psycopg")
    env = {**os.environ, "LD_LIBRARY_PATH": str(Path(build.ssl).parent)}
    p = subprocess.Popen([PYTHON, "-c", SPAWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def client():
        p.stdin.write(f"{PYTHON} {PRIVATE} {path} {server.url} 20 patient\n")
        p.stdin.flush()
        rig.equal("client", p.stdout.readline(), "0 ['done']\n")

    with rig.Attach(p.pid) as a:
        client()
        with open(build.ssl, "rb") as source, open(path, "r+b") as target:
            target.truncate()
            shutil.copyfileobj(source, target)
        said = a.process.stderr.readline()
        while said and path not in said:
            said = a.process.stderr.readline()
        assert f"no probes on {path} any more: it was written into" in said, said
        for _ in range(3):
            client()
        p.stdin.close()
        p.wait()
        a.process.wait(timeout=20)
        document = a.stop()
    rig.check_ledger(document)
    rig.check_bytes(document, server)
    rig.equal("connections", len(document["connections"]), 4)
    rig.equal("complete", document["complete"], True)
    server.close()


def cut_off(where):
    """The file is cut to nothing while an idle program maps it: the session lives on, and sees others."""
    server = Server(echo)
    Path(where, "cut").mkdir()
    path, other = library(Path(where, "cut")), library(where)
    program = compiled("patched.c", where, "-ldl")
    with Program(program, path, symbol_offset(path, "SSL_write")) as idle:
        client = subprocess.Popen([PYTHON, PRIVATE, other, server.url, "20", "early"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        client.stdout.readline()
        with rig.Attach(idle.pid, client.pid) as a:
            os.truncate(path, 0)
            time.sleep(0.3)
            client.communicate("go\n")
            rig.equal("client", client.returncode, 0)
            rig.equal("idle program", idle.process.poll(), None)
            document = a.stop()
        rig.equal("attach", a.status, 0)
    rig.check_ledger(document)
    rig.check_bytes(document, server)
    server.close()


def obfuscated(where):
    """Functions that no compiler writes: each byte once, whether they get probes or not."""
    server = Server(echo)
    path, odd = library(where), str(Path(where, "libssl-odd.so"))
    r = subprocess.run(["gcc", "-shared", "-nostdlib", "-o", odd, str(CLIENTS / "odd.S")], capture_output=True, text=True)
    if r.returncode:
        raise rig.Skip(f"no assembler: {r.stderr.strip()[:100]}")
    for options in ((), ("--symbol-sites",)):
        server.connections.clear()
        client = subprocess.Popen([PYTHON, PRIVATE, path, server.url, "40", "veiled", odd], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        client.stdout.readline()
        for s in doctor(client.pid, odd)["sites"]:
            assert s["emulated"] or s["why"], s
        with rig.Attach(client.pid, options=options) as a:
            client.communicate("go\n")
            rig.equal("client", client.returncode, 0)
            a.process.wait(timeout=20)
            document = a.stop()
        rig.check_ledger(document)
        rig.check_bytes(document, server)
        rig.equal("abandoned", document["ledger"]["calls"]["abandoned"], 0)
        rig.equal("complete", document["complete"], True)
    server.close()


def main():
    suite = rig.Suite()
    try:
        rig.need_root()
    except rig.Skip as e:
        print(f"skipped code: {e}")
        suite.skipped += 1
        suite.close()
    for test in (hot_patched, hot_patched_neighbour, debugged, two_tracers, narrow_neighbour, overwritten, cut_off, obfuscated):
        with rig.directory() as where:
            suite.test(test, where)
    suite.close()


main()
