# SPDX-License-Identifier: BSD-2-Clause
"""Hostile bytes through `bottrace decode`: bounded memory and time, marked with the reason, never a crash, and what stands
behind them is read. -v prints the table."""
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import hostile  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BOTTRACE = os.environ.get("BOTTRACE", str(ROOT / "build" / "bottrace"))
RSS_MB = 256    # whatever comes in; the input files are read, not mapped
CPU_S = 2.0     # and 0.3 s a MB of input: an optimised build needs a hundredth of that
VERBOSE = "-v" in sys.argv


def serve(asked, answers):
    """Runs what it is asked to, from a process that is small: the peak of a program counts that of who started it."""
    for line in asked:
        directory = line.strip()
        with open(Path(directory, "out"), "wb") as out, open(Path(directory, "err"), "wb") as err:
            p = subprocess.Popen([BOTTRACE, "decode", "-o", "json", Path(directory, "q"), Path(directory, "a")], stdout=out, stderr=err)
            killer = threading.Timer(60, p.kill)
            killer.start()
            _, status, usage = os.wait4(p.pid, 0)
            killer.cancel()
        answers.write(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]) + "\n")
        answers.flush()


class Runner:
    def __init__(self):
        (there, asked), (back, answers) = os.pipe(), os.pipe()
        if os.fork() == 0:
            os.close(asked)
            serve(os.fdopen(there), os.fdopen(answers, "w"))
            os._exit(0)
        os.close(there)
        os.close(answers)
        self.asked, self.answers = os.fdopen(asked, "w"), os.fdopen(back)

    def decode(self, directory, request, response):
        """(status, document or None, stderr, CPU seconds, peak MB)"""
        Path(directory, "q").write_bytes(request)
        Path(directory, "a").write_bytes(response)
        self.asked.write(directory + "\n")
        self.asked.flush()
        status, cpu_s, rss_mb = json.loads(self.answers.readline())
        try:
            document = json.loads(Path(directory, "out").read_bytes())
        except ValueError:
            document = None
        return status, document, Path(directory, "err").read_text(errors="replace"), cpu_s, rss_mb


def reasons(document):
    """What is said to be broken, and by whom."""
    return [s["attributes"]["bottrace.broken"]["why"] for s in document["spans"] if "bottrace.broken" in s["attributes"]]


def wrong(case, status, document, stderr, cpu_s, rss_mb):
    size_mb = (len(case.request) + len(case.response)) / 1e6
    if status != 0:
        return f"status {status}: {stderr[:200]}"
    if document is None:
        return "no document"
    if cpu_s > CPU_S + 0.3 * size_mb:
        return f"{cpu_s:.1f} s of CPU"
    if rss_mb > RSS_MB:
        return f"{rss_mb:.0f} MB"
    why = reasons(document)
    if case.why is None and why:
        return f"broken: {why[0]}"
    if case.why and not any(re.search(case.why, w) for w in why):
        return f"not marked: {why}, want {case.why}"
    if case.after:
        last = document["spans"][-1]
        if last["attributes"].get("url.path") != "/v1/after" or last["status"]["code"] != "ok":
            return f"what stands behind it: {last['name']} {last['status']}"
    return None


def table(runner, directory):
    passed = failed = 0
    worst = [0, ""], [0, ""]
    for case in hostile.cases():
        got = runner.decode(directory, case.request, case.response)
        bad = wrong(case, *got)
        failed += bad is not None
        passed += bad is None
        for w, value in zip(worst, got[3:]):
            w[:] = max(w, [value, case.name])
        if VERBOSE or bad:
            why = reasons(got[1])[:1] if got[1] else []
            size = (len(case.request) + len(case.response)) / 1e6
            print(f"{'FAILED' if bad else 'ok':6} {case.name:42} {size:8.3f} MB  {got[3]:6.2f} s  {got[4]:5.0f} MB  "
                  f"{bad or (why[0] if why else 'not broken')}")
    print(f"most CPU: {worst[0][0]:.2f} s ({worst[0][1]}); most memory: {worst[1][0]:.0f} MB ({worst[1][1]})")
    return passed, failed


def cut(runner, directory):
    """At each byte: a call that is not whole is never said to be."""
    passed = failed = 0
    for name, answer, rest in hostile.cut_bodies():
        bad, request = [], hostile.post()
        for at in range(len(answer) + 1):
            status, document, stderr, _, _ = runner.decode(directory, request, answer[:at])
            spans = document["spans"] if document else []
            codes = [s["status"]["code"] for s in spans]
            whole = at == len(answer), at >= len(answer) - rest
            if status or len(spans) != 1 or (codes == ["ok"]) not in whole and "SSE" not in name or \
                    codes == ["ok"] and not whole[1]:
                bad.append((at, status, codes, stderr[:100]))
        if bad:
            print(f"FAILED {name} cut: {len(bad)} of {len(answer) + 1} places: {bad[:3]}")
        failed += bool(bad)
        passed += not bad
    return passed, failed


def main():
    began = time.time()
    sys.set_int_max_str_digits(0)
    runner = Runner()
    with tempfile.TemporaryDirectory(prefix="bottrace-hostile-") as d:
        a, b = table(runner, d), cut(runner, d)
    print(f"{time.time() - began:.0f} s")
    print(f"{a[0] + b[0]} passed, {a[1] + b[1]} failed, 0 skipped")
    sys.exit(1 if a[1] + b[1] else 0)


main()
