# SPDX-License-Identifier: BSD-2-Clause
"""What cannot be kept is counted to the byte; what kills a tracer does not touch the traced."""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, openai  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

MOVER = str(Path(__file__).resolve().parent / "clients" / "mover.py")
GONE_S = 4  # the kernel takes links away one after the other: 30 ms each, more where it is busy
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable


def echo(request):
    if request.target.startswith("/small"):
        return Answer(raw=b"x" * 100 * int(request.target.split("=")[1]), pieces=[100], close=True)
    return Answer(200, {"content-type": "application/octet-stream"}, request.body)


def tiny_ring():
    """A ring far too small: every missing byte is a gap, in its place, and the decoders go on after it."""
    server = Server(echo)
    try:
        r, document = rig.run([PYTHON, MOVER, "sizes", server.url, server.ca], "--ring-size", "4096")
        rig.equal("status", r.returncode, 0)
        rig.check_ledger(document)
        server.wait_closed()
        ledger = document["ledger"]["bytes"]
        rig.equal("bytes seen", ledger["seen"], sum(len(c.received) + len(c.sent) for c in server.connections))
        assert ledger["missing"] > 0, "a 4 KiB ring lost nothing"
        rig.equal("complete", document["complete"], False)
        causes = {g["cause"] for s in document["spans"] for g in s["gaps"]}
        rig.equal("causes", causes, {"ring_full"})
        assert "LOST " in r.stderr, r.stderr
        ok = [s for s in rig.spans(document, "http") if s["status"]["code"] == "ok" and not s["gaps"]]
        assert ok, "no exchange was whole beside the gaps"
        r, _ = rig.run([PYTHON, MOVER, "sizes", server.url, server.ca], "--ring-size", "4096", "--strict")
        rig.equal("--strict", r.returncode, 8)
        r, _ = rig.run(["/bin/sh", "-c", f"{PYTHON} {MOVER} sizes {server.url} {server.ca}; exit 3"], "--ring-size", "4096", "--strict")
        rig.equal("--strict keeps another status", r.returncode, 3)
    finally:
        server.close()


def tiny_ring_small_reads():
    server = Server(echo)
    try:
        r, document = rig.run([PYTHON, MOVER, "threads", server.url, server.ca, "2000"], "--ring-size", "4096")
        rig.equal("status", r.returncode, 0)
        rig.check_ledger(document)
        rig.equal("bytes read", sum(c["read"]["bytes"] for c in document["connections"]), 8 * 2000 * 100)
    finally:
        server.close()


def children_of(pid):
    out = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [(int(l.split()[0]), l.split(None, 1)[1]) for l in out.strip().split("\n") if l.strip()]


def bpf_objects():
    """Names and ids of the BPF programs and maps on this host."""
    out = set()
    tool = next((t for t in ("/usr/sbin/bpftool", "/usr/local/sbin/bpftool") if Path(t).exists()), "bpftool")
    for kind in ("prog", "map", "link"):
        r = subprocess.run([tool, kind, "show", "-j"], capture_output=True, text=True)
        if r.returncode:
            raise rig.Skip("bpftool cannot list BPF objects")
        out |= {(kind, o["id"]) for o in json.loads(r.stdout or "[]")}
    return out


def held_by(pid):
    """BPF objects that a process holds descriptors of: ours, whoever else traces on this host."""
    out = set()
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            lines = dict(l.split(":", 1) for l in info.read_text().splitlines() if ":" in l)
        except OSError:
            continue
        out |= {(kind, int(lines[f"{kind}_id"])) for kind in ("prog", "map", "link") if f"{kind}_id" in lines}
    return out


def killed(which):
    """kill -9 of one of the three in traffic: the client goes on, nothing of ours stays in the kernel."""
    server = Server(echo)
    with rig.directory() as d:
        script = f"echo started; {PYTHON} {MOVER} loop {server.url} {server.ca}; echo status $?; exit 9"
        front = subprocess.Popen([rig.BOTTRACE, "run", "-o", f"json={d}/run.json", "--", "/bin/sh", "-c", script],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            rig.equal("first line", front.stdout.readline(), "started\n")
            rig.equal("second line", front.stdout.readline(), "running\n")
            rig.wait_for("traffic", lambda: server.connections and len(server.connections[0].received) > 2000)
            mine = children_of(front.pid)
            attacher = next(p for p, args in mine if args.endswith("attacher"))
            ours = next(p for p, args in mine if p != attacher and "run" in args and len(children_of(p)) == 0 and is_collector(p))
            held = held_by(attacher)
            assert {kind for kind, _ in held} == {"prog", "map", "link"} and held <= bpf_objects(), held
            victim = {"attacher": attacher, "collector": ours, "front": front.pid}[which]
            os.kill(victim, signal.SIGKILL)
            for _ in range(GONE_S):  # who lists an array of programs holds it for a moment, so not too often
                time.sleep(1)
                left = bpf_objects() & held
                if not left:
                    break
            at = len(server.connections[0].received)
            rig.wait_for("more traffic", lambda: len(server.connections[0].received) > at + 200)
            out, err = front.communicate(timeout=20)
            rig.equal(f"BPF objects of ours after {GONE_S} s", left, set())
            if which == "front":
                rig.wait_for("the client's end", lambda: server.connections[0].closed)
                return
            assert out.startswith("turns ") and out.endswith("status 0\n"), out
            rig.equal("status", front.returncode, 9)
            assert f"the {which} died" in err, err
        finally:
            front.kill()
            server.close()


def is_collector(pid):
    """It gave up its capabilities."""
    status = Path(f"/proc/{pid}/status").read_text()
    return "CapEff:\t0000000000000000" in status


def killed_client():
    """kill -9 of the client in mid-answer: its span is aborted, with what came so far."""
    server = Server(lambda r: openai(json.loads(r.body), Say("one two three four five six seven eight nine ten " * 20, delay_s=0.05)))
    code = ("import http.client,json,ssl,sys\n"
            f"c=http.client.HTTPSConnection('localhost',{server.port},context=ssl.create_default_context(cafile={server.ca!r}))\n"
            "c.request('POST','/v1/chat/completions',json.dumps({'model':'gpt-5-mini','stream':True,'messages':[{'role':'user','content':'count'}]}),"
            "{'content-type':'application/json'})\n"
            "r=c.getresponse()\n"
            "for line in r:\n  print(line.decode().strip(), flush=True)\n")
    try:
        with rig.directory() as d:
            front = subprocess.Popen([rig.BOTTRACE, "run", "-o", f"json={d}/run.json", "--", PYTHON, "-c", code],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(9):
                front.stdout.readline()
            client = next(p for p, args in children_of(front.pid) if "http.client" in args and not is_collector(p) and exe(p) != exe(front.pid))
            os.kill(client, signal.SIGKILL)
            front.communicate(timeout=20)
            rig.equal("status", front.returncode, -signal.SIGKILL)
            document = json.loads(Path(d, "run.json").read_text())
        chat = rig.spans(document, "chat")[0]
        rig.equal("status", chat["status"]["code"], "aborted")
        text = "".join(p["content"] for p in chat["attributes"]["gen_ai.output.messages"][0]["parts"])
        assert text.startswith("one two three"), text
        rig.equal("exit", document["processes"][0]["exit"], {"code": None, "signal": 9})
        rig.check_ledger(document)
    finally:
        server.close()


def exe(pid):
    return os.readlink(f"/proc/{pid}/exe")


def main():
    suite = rig.Suite()
    try:
        rig.need_root()
    except rig.Skip as e:
        print(f"skipped loss: {e}")
        suite.skipped += 1
        suite.close()
    suite.test(tiny_ring)
    suite.test(tiny_ring_small_reads)
    for which in ("attacher", "collector", "front"):
        suite.test(killed, which, name=f"kill -9 of the {which}")
    suite.test(killed_client)
    suite.close()


main()
