# SPDX-License-Identifier: BSD-2-Clause
"""CPU of a plain step (one model call through the openai package) untraced, under bottrace, and with tracers that live in
the process. Each tracer is set up at its cheapest: spans are made in batches and thrown away."""
import json
import os
import subprocess
import sys
from pathlib import Path

import tracer
from rig.run import Skip, check_ledger, equal, interpreters, venv

HERE = Path(__file__).resolve().parent
OPENAI = "openai>=2.8,<3"  # what all of them know
KINDS = {
    "none": (OPENAI,),
    "bottrace": (OPENAI,),
    "openinference": (OPENAI, "openinference-instrumentation-openai", "opentelemetry-sdk"),
    "openllmetry": (OPENAI, "opentelemetry-instrumentation-openai", "opentelemetry-sdk"),
    "langfuse": (OPENAI, "langfuse"),
}


def python_for(kind):
    # One that such packages are published for.
    for version, path in interpreters():
        if version.startswith("3.11."):
            return venv(version, path, *KINDS[kind])
    for version, path in interpreters():
        if tuple(map(int, version.split(".")[:2])) >= (3, 10):
            return venv(version, path, *KINDS[kind])
    raise Skip("no Python 3.10 or later")


def run(bench, kind, size):
    python = python_for(kind)
    env = dict(os.environ, SSL_CERT_FILE=bench.origin.ca, OPENAI_API_KEY="sk-none",
               BENCH_URL=f"https://localhost:{bench.origin.ports['threads']}", LANGFUSE_PUBLIC_KEY="pk", LANGFUSE_SECRET_KEY="sk",
               LANGFUSE_HOST=f"https://localhost:{bench.origin.ports['threads']}", REQUESTS_CA_BUNDLE=bench.origin.ca)
    bench.origin.ask("reset")
    process = subprocess.Popen([python, HERE / "step.py", kind, str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=env)
    first = process.stdout.readline()
    if not first:
        raise Skip(f"{kind}: {process.stderr.read().strip().splitlines()[-1:]}")
    t = tracer.start("full", json.loads(first)["pid"], bench.directory) if kind == "bottrace" else None
    process.stdin.write("\n")
    process.stdin.flush()
    facts = json.loads(process.stdout.readline())
    if t:
        t.look()
    process.communicate()
    facts = {"step_cpu_us": facts["cpu_s"] / size * 1e6, "step_us": facts["wall_s"] / size * 1e6, "spans": facts["spans"]}
    if t:
        facts.update(t.stop())
        check_ledger(t.document)
        facts["tracer_step_us"] = facts["tracer_cpu_s"] / size * 1e6
        facts["spans"] = sum(s["kind"] == "chat" for s in t.document["spans"])
    if kind in ("bottrace", "openinference", "openllmetry"):
        equal("spans", facts["spans"] >= size, True)
    return facts
