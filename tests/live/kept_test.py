#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is kept of loading: the same programs come out of it, and damage to it harms nothing."""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

KEPT = Path("/var/cache/bottrace/kernel")
MOVER = str(Path(__file__).resolve().parent / "clients" / "mover.py")
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
REFUSED = "nothing that was kept can be loaded"


def own_cache():
    """What others keep meanwhile is not seen, nor harmed: the test starts anew with a file system of its own in that place."""
    if len(sys.argv) > 1:
        return
    KEPT.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mount = 'mount -t tmpfs -o mode=0700 none "$1" && shift && exec "$@"'
    command = ["unshare", "-m", "--propagation", "private", "sh", "-c", mount, "sh", str(KEPT.parent)]
    r = subprocess.run([*command, "true"], capture_output=True, text=True)
    if r.returncode:
        raise rig.Skip(f"no mount namespace here: {r.stderr.strip()[-200:]}")
    os.execvp("unshare", [*command, sys.executable, __file__, "own"])


def tags(pid):
    """What the kernel made its programs' names of: (type, hash of the instructions), of each that the process holds."""
    found = set()
    for p in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            lines = dict(l.split(":\t", 1) for l in p.read_text().splitlines() if ":\t" in l)
        except OSError:
            continue
        if "prog_jited" in lines:
            found.add((lines["prog_type"], lines["prog_tag"]))
    return found


def attacher_of(pid):
    for p in Path("/proc").glob("[0-9]*"):
        try:
            if f"PPid:\t{pid}\n" in (p / "status").read_text() and (p / "cmdline").read_bytes().endswith(b"attacher\0"):
                return int(p.name)
        except OSError:
            pass
    raise AssertionError("no attacher")


def check_early(document):
    """Calls begin to be seen before stacks can be taken: those say so, all others have theirs."""
    calls = [s for s in document["spans"] if "http.request.method" in s["attributes"]]  # its first byte was seen
    words = {s["attributes"].get("bottrace.stack.partial") for s in calls if s["stack"] is None}
    assert words <= {"early"}, words
    assert any(s["stack"] for s in calls), "no stack at all"


def attach(*options):
    """Attaches to a client in traffic. (the attacher's programs, its notes)"""
    server = Server(lambda request: Answer(200, {"content-type": "application/octet-stream"}, request.body))
    client = subprocess.Popen([PYTHON, MOVER, "loop", server.url, server.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        rig.equal("client", client.stdout.readline(), "running\n")
        with rig.directory() as d, open(Path(d, "notes"), "w+") as notes:
            out = Path(d, "attach.json")
            front = subprocess.Popen([rig.BOTTRACE, "attach", "-vv", "-o", f"json={out}", *options, str(client.pid)], stdout=subprocess.DEVNULL,
                                     stderr=notes)  # a file: nobody reads it while libbpf talks
            try:
                rig.wait_for("attached", lambda: "attached to" in Path(d, "notes").read_text())
                pid = attacher_of(front.pid)
                time.sleep(0.5)  # a program that waits for its first probe's grace period is gone, and all is kept
                held = tags(pid)
            finally:
                front.send_signal(signal.SIGINT)
                rig.equal("status", front.wait(timeout=30), 0)
            document = json.loads(out.read_text())
            rig.check_ledger(document)
            assert sum(c["write"]["bytes"] for c in document["connections"]) > 1000, json.dumps(document["ledger"])
            if "off" not in options:
                check_early(document)
            return held, Path(d, "notes").read_text()
    finally:
        client.stdin.close()
        client.kill()
        client.wait()
        server.close()


def same_programs():
    KEPT.unlink(missing_ok=True)
    full, notes = attach()
    assert REFUSED in notes, notes
    assert KEPT.exists(), f"nothing was kept:\n{notes}"
    kept, notes = attach()
    assert REFUSED not in notes, notes
    assert len(full) > 5, full
    rig.equal("programs", sorted(kept), sorted(full))


def learnt():
    """What was never tried here is tried once, and then known; what is known of more serves who wants less."""
    off = "--plain", "off", "--stacks", "off"
    KEPT.unlink(missing_ok=True)
    for options, refused in ((off, True), (off, False), ((), True), ((), False), (off, False), ((), False)):
        _, notes = attach(*options)
        assert (REFUSED in notes) == refused, f"{options}: {notes}"


def damaged(how):
    good = KEPT.read_bytes()
    if how == "cut":
        KEPT.write_bytes(good[:len(good) // 2])
    elif how == "empty":
        KEPT.write_bytes(b"")
    elif how == "changed":
        KEPT.write_bytes(good[:len(good) // 2] + bytes([good[len(good) // 2] ^ 1]) + good[len(good) // 2 + 1:])
    elif how == "another kernel's":
        KEPT.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    elif how == "writable by all":
        KEPT.chmod(0o666)
    elif how == "a symbolic link":
        KEPT.rename(KEPT.with_name("elsewhere"))
        KEPT.symlink_to("elsewhere")
    elif how == "a stranger's":
        os.chown(KEPT, 65534, 65534)
    try:
        _, notes = attach()
        assert REFUSED in notes, notes
        rig.equal("made anew", KEPT.read_bytes(), good)
        st = KEPT.lstat()
        rig.equal("owner and mode", (st.st_uid, oct(st.st_mode)), (0, "0o100600"))
    finally:
        KEPT.with_name("elsewhere").unlink(missing_ok=True)


def main():
    suite = rig.Suite()
    try:
        rig.need_root()
        own_cache()
    except rig.Skip as e:
        print(f"skipped all: {e}")
        suite.skipped += 1
        suite.close()
    suite.test(same_programs, alone=True)  # how early stacks begin
    suite.test(learnt, alone=True)
    for how in ("cut", "empty", "changed", "another kernel's", "writable by all", "a symbolic link", "a stranger's"):
        suite.test(damaged, how, name=f"damaged: {how}")
    suite.close()


if __name__ == "__main__":
    main()
