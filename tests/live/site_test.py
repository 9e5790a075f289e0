# SPDX-License-Identifier: BSD-2-Clause
"""The chosen sites of every OpenSSL to be had: bytes by SHA-256 through each function that moves data and past those
that only peek, at the chosen sites as at the symbols; what the doctor says of them; what a call costs at either."""
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from rig import run as rig
from rig import openssl

SOURCE = Path(__file__).resolve().parent / "clients" / "shuttle.c"
ROUNDS, CALLS = 7, 1000
# By gcc 15 these internal functions begin with `sub`: no emulated instruction has the return address on top of the stack.
AT_SYMBOLS = {"sid"}


def compiled(where):
    program = Path(where, "shuttle")
    r = subprocess.run(["gcc", "-O1", "-o", str(program), str(SOURCE), "-ldl"], capture_output=True, text=True)
    if r.returncode:
        raise rig.Skip(f"no C compiler: {r.stderr.strip()[:100]}")
    return str(program)


class Shuttle:
    def __init__(self, program, build):
        self.process = subprocess.Popen([*build.start, program, build.crypto, build.ssl], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise rig.Skip(f"{build.name} does not start here: {self.process.stderr.read().strip()[-200:]}")

    def say(self, line, answers=1):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return [self.process.stdout.readline().strip() for _ in range(answers)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def doctor(pid):
    r = subprocess.run([rig.BOTTRACE, "doctor", "-o", "json", str(pid)], capture_output=True, text=True)
    libraries = json.loads(r.stdout)["process"]["libraries"]
    rig.equal("libraries", len(libraries), 1)
    return libraries[0]["sites"]


def check_sites(build, sites, file):
    code = Path(file).read_bytes()
    covered = [f for s in sites for f in s["covers"]]
    rig.equal("covered once", sorted(set(covered)), sorted(covered))
    for f in ("SSL_read", "SSL_read_ex", "SSL_write", "SSL_write_ex", "SSL_free", "SSL_ctrl", "SSL_set_fd"):
        assert f in covered, (f, covered)
    for s in sites:
        bytes_ = bytes.fromhex(s["instruction"])
        rig.equal("bytes at the site", code[s["offset"]:s["offset"] + len(bytes_)], bytes_)
        rig.equal("a reason where it is not emulated", s["why"] is None, s["emulated"])
    # Another C library cannot be loaded beside ours; then it is unproven, until a program that uses it was traced here.
    proof = {(s["self_test"], s["self_test_why"]) for s in sites}
    if build.start[0] == "env":
        rig.equal("self-test", proof, {("passed", None)})
    elif proof != {("witnessed", None)}:
        rig.equal("self-test", proof, {("unproven", "its libcrypto does not load here")})
    shared = {s["function"] for s in sites} & {"ssl_read_internal", "ssl_write_internal"}
    if build.name not in AT_SYMBOLS:
        rig.equal("internal functions", shared, {"ssl_read_internal", "ssl_write_internal"})


def check_bytes(document, answers):
    """Both ends, byte for byte, and nothing else."""
    rig.check_ledger(document)
    rig.equal("complete", document["complete"], True)
    want = sorted(tuple(a.split()) for a in answers)
    got = sorted((c["write"]["sha256"], str(c["write"]["bytes"]), c["read"]["sha256"], str(c["read"]["bytes"]))
                 for c in document["connections"] if c["write"]["bytes"] or c["read"]["bytes"])
    rig.equal("connections", got, want)
    # A peek counted as a read would show here as well.
    rig.equal("in flight or abandoned", (document["ledger"]["calls"]["in_flight"], document["ledger"]["calls"]["abandoned"]),
              (0, 0))


def private(build, where):
    """The same build in files of our own: other tracers' probes on the machine's copy would be paid for here."""
    there = Path(where, build.name)
    there.mkdir()
    crypto, ssl = (shutil.copy(f, there) for f in (build.crypto, build.ssl))
    return openssl.Build(build.name, str(crypto), str(ssl), build.start)


def bytes_are_whole(get, program, where):
    build = private(get(), where)
    for options in ((), ("--symbol-sites",)):
        with Shuttle(program, build) as client:
            if not options:
                check_sites(build, doctor(client.process.pid), build.ssl)
            with rig.Attach(client.process.pid, options=options) as a:
                answers = client.say("move", 2)
                rig.equal("the end", client.say("end"), ["ended"])
                check_bytes(a.stop(), answers)


def cost(get, program, where):
    """Pairs of one write and one read, interleaved: untraced, at the symbols, at the chosen sites."""
    build = private(get(), Path(where, "cost"))
    took = {"bare": [], "symbol": [], "chosen": []}
    for size in (200, 4096):
        with Shuttle(program, build) as client:
            def measure():
                return float(client.say(f"time {CALLS} {size}")[0])

            measure()
            for kinds in took.values():
                kinds.clear()
            for _ in range(ROUNDS):
                took["bare"].append(measure())
                for kind, options in (("symbol", ("--symbol-sites",)), ("chosen", ())):
                    with rig.Attach(client.process.pid, options=options):
                        took[kind].append(measure())
        m = {k: min(v) for k, v in took.items()}  # others were interrupted
        symbol, chosen = m["symbol"] - m["bare"], m["chosen"] - m["bare"]
        print(f"{build.name}: {size} B, a write and its read: untraced {m['bare']:.0f} ns, symbol +{symbol:.0f}, chosen +{chosen:.0f}, "
              f"ratio {chosen / symbol:.2f}")
        assert symbol > 0 and chosen > 0, m


HOSTILE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
%s
#ifdef SSL
const char padding[200000] = {1}; /* smaller files are not looked into */
__attribute__((constructor)) static void begin(void)
{
	FILE *f;

	if (getenv("CALM")) /* the process that maps it has it; a trial has no environment */
		return;
	if ((f = fopen("/tmp/bottrace-harm", "w")))
		fclose(f);
	if (fork() >= 0 || socket(AF_INET, SOCK_STREAM, 0) >= 0 || getuid() == 0 || kill(getppid(), SIGKILL) == 0)
		sleep(100);
	%s
}
__attribute__((noinline)) static int inner(void *s, void *b, size_t n, size_t *d) { *d = n; return strlen(b) + n > 3 ? puts(s) : 0; }
int SSL_read_ex(void *s, void *b, size_t n, size_t *d) { return inner(s, b, n, d) > 0; }
int SSL_write_ex(void *s, void *b, size_t n, size_t *d) { return puts(b) + (int)n + puts(s) + (d != NULL); }
#else
int anything;
#endif
"""


def hostile_library(where):
    """What a library does while it is tried harms nobody: the doctor ends in time and says that nothing is proved."""
    for name, act, why in (("spins", "for (;;) ;", "it did not finish"),
                           ("dies", "abort();", "it did not finish"),
                           ("exits", "_exit(0);", "it did not finish"),
                           ("returns", "return;", "it lacks functions that the trial calls")):
        there = Path(where, name)
        there.mkdir()
        source = there / "x.c"
        source.write_text(HOSTILE % ("", act))
        for lib, flags in (("libcrypto.so.9", []), ("libssl.so.9", ["-DSSL", "-L.", "-Wl,--no-as-needed", "-l:libcrypto.so.9"])):
            r = subprocess.run(["gcc", "-O1", "-shared", "-fPIC", f"-Wl,-soname,{lib}", "-o", lib, "x.c", *flags], cwd=there,
                               capture_output=True, text=True)
            if r.returncode:
                raise rig.Skip(f"no C compiler: {r.stderr[:200]}")
        code = f"import ctypes,time; ctypes.CDLL('./libcrypto.so.9',2|256); ctypes.CDLL('./libssl.so.9'); print(flush=True); time.sleep(60)"
        client = subprocess.Popen(["/usr/bin/python3", "-c", code], cwd=there, stdout=subprocess.PIPE, text=True,
                                  env={"CALM": "1", "LD_LIBRARY_PATH": str(there)})
        try:
            client.stdout.readline()
            begin = time.monotonic()
            sites = doctor(client.pid)
            rig.equal(name, {(s["self_test"], s["self_test_why"]) for s in sites}, {("unproven", why)})
            assert time.monotonic() - begin < 6, time.monotonic() - begin
            rig.equal("harm", Path("/tmp/bottrace-harm").exists(), False)
        finally:
            client.kill()
            client.wait()


def main():
    suite = rig.Suite()
    try:
        rig.need_root()
        with tempfile.TemporaryDirectory(prefix="bottrace-test-") as where:
            program = compiled(where)
            Path(where, "cost").mkdir()
            for name, get in openssl.builds():
                suite.test(bytes_are_whole, get, program, where, name=f"bytes of {name}")
            suite.test(hostile_library, where)
            for name in ("bookworm", "trixie"):
                suite.test(cost, lambda n=name: openssl.debian(n), program, where, name=f"cost at {name}", alone=True)
    except rig.Skip as e:
        print(f"skipped site: {e}")
        suite.skipped += 1
    suite.close()


main()
