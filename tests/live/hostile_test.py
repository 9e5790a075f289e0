# SPDX-License-Identifier: BSD-2-Clause
"""The hostile bytes of ../conformance/hostile.py over TLS, in one traced process, each on a connection of its own: marked as
`bottrace decode` marks them, nothing lost, bounded memory, and the program unchanged."""
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))
from rig import run as rig  # noqa: E402
from rig.server import Server  # noqa: E402
import hostile  # noqa: E402

CLIENT = str(Path(__file__).resolve().parent / "clients" / "hostile.py")
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
SIZE_MAX = 17 << 20
RSS_MB = 240  # of each of bottrace's processes: its ring of 64 MiB, mapped twice, its queue of 32, and what decode needs


class Script(Server):
    """The nth connection hears the nth request and says the nth answer."""

    def __init__(self, cases):
        super().__init__(None)
        self.cases = cases

    def _exchange(self, sock, connection):
        case = self.cases[self.connections.index(connection)]
        while len(connection.received) < len(case.request):
            if not self._more(sock, connection, bytearray()):
                return False
        for at in range(0, len(case.response), 1 << 16):
            self._send(sock, connection, case.response[at:at + (1 << 16)])
        return False


def peaks(pid, out, stop):
    """The largest VmHWM of each process of the session but the traced one."""
    while not stop.is_set():
        for p in Path("/proc").glob("[0-9]*"):
            try:
                status = (p / "status").read_text()
                ours = "bottrace" in (p / "comm").read_text() and (int(p.name) == pid or f"\nPPid:\t{pid}\n" in status)
                seen = re.search(r"VmHWM:\s+(\d+)", status)
                if ours and seen:
                    out[int(p.name)] = int(seen[1]) / 1024
            except OSError:
                pass
        time.sleep(0.2)


def told(document, cases):
    """What each connection's spans say."""
    by = {c["id"]: [] for c in document["connections"]}
    for s in rig.spans(document):
        if "bottrace.connection" in s["attributes"]:
            by[s["attributes"]["bottrace.connection"]].append(s)
    for case, c in zip(cases, sorted(by)):
        why = [s["attributes"]["bottrace.broken"]["why"] for s in by[c] if "bottrace.broken" in s["attributes"]]
        if case.why is None:
            rig.equal(f"{case.name}: broken", why, [])
        else:
            assert any(re.search(case.why, w) for w in why), f"{case.name}: not marked: {why}, want {case.why}"
        if case.after:
            rig.equal(f"{case.name}: what stands behind it", (by[c][-1]["attributes"].get("url.path"), by[c][-1]["status"]["code"]),
                      ("/v1/after", "ok"))


def table():
    cases = [c for c in hostile.cases() if c.live and len(c.request) + len(c.response) <= SIZE_MAX]
    server = Script(cases)
    most, stop = {}, threading.Event()
    try:
        with rig.directory() as d:
            for i, case in enumerate(cases):
                Path(d, str(i)).write_bytes(case.request)
            out = Path(d, "run.json")
            p = subprocess.Popen([rig.BOTTRACE, "run", "-o", f"json={out}", "--digest", "--ring-size", "64M", "--", PYTHON, CLIENT, str(server.port), server.ca,
                                  d, *map(str, range(len(cases)))], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            watcher = threading.Thread(target=peaks, args=(p.pid, most, stop))
            watcher.start()
            stdout, stderr = p.communicate(timeout=240)
            stop.set()
            watcher.join()
            rig.equal("status", (p.returncode, stdout, stderr if p.returncode else ""), (0, "done\n", ""))
            document = json.loads(out.read_text())
        rig.check_whole(document, server)
        rig.equal("connections", len(document["connections"]), len(cases))
        told(document, cases)
        print(f"{len(cases)} connections; most memory: {', '.join(f'{mb:.0f} MB' for mb in sorted(most.values(), reverse=True))}")
        assert most and max(most.values()) <= RSS_MB, most
    finally:
        stop.set()
        server.close()


def main():
    suite = rig.Suite()
    sys.set_int_max_str_digits(0)
    try:
        rig.need_root()
    except rig.Skip as e:
        print(f"skipped hostile: {e}")
        suite.skipped += 1
        suite.close()
    suite.test(table)
    suite.close()


main()
