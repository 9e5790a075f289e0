# SPDX-License-Identifier: BSD-2-Clause
"""Plaintext that `bottrace decode` gets through in a second of a core: a long chat request, and a long stream. And what of an
agent's steps stays in memory."""
import json
import os
import re
import subprocess
import time
from pathlib import Path

from rig.run import BOTTRACE, equal

TIMES = 120
REQUEST_BYTES = 320_000
CHUNKS = 1000
STEPS = 1000, 9000
RUN_STEPS = 20  # of one conversation
TEXT = "The quarter was better than the one before, said the report, and \"nobody\" believed it.\n"


def chat(turn):
    """320 kB of conversation; no two begin alike, so that nothing is known from the one before."""
    messages = [{"role": "system", "content": f"You are analyst {turn}."}]
    size = 0
    while size < REQUEST_BYTES:
        role = "user" if len(messages) % 2 else "assistant"
        messages.append({"role": role, "content": f"{turn}.{len(messages)} " + TEXT * 40})
        size += len(messages[-1]["content"])
    return json.dumps({"model": "gpt-5", "messages": messages}).encode()


def request(body):
    return (b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body


def answer():
    body = json.dumps({"id": "c", "object": "chat.completion", "model": "gpt-5", "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Sell."}}]}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def stream(turn):
    out = [b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"]
    for index in range(CHUNKS):
        event = {"id": f"chatcmpl-{turn}", "object": "chat.completion.chunk", "created": 1790000000,
                 "model": "gpt-5-2025-08-07", "system_fingerprint": "fp_1",
                 "choices": [{"index": 0, "delta": {"content": f" token{index}"}, "logprobs": None, "finish_reason": None}]}
        data = b"data: " + json.dumps(event).encode() + b"\n\n"
        out.append(b"%x\r\n%s\r\n" % (len(data), data))
    return b"".join(out) + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


def steps(count):
    """An agent's model calls, each with the whole conversation before it."""
    out = []
    for turn in range(count // RUN_STEPS):
        messages = [{"role": "system", "content": f"You are agent {turn}."}]
        for step in range(RUN_STEPS):
            messages.append({"role": "user", "content": f"The result of step {step}: " + TEXT * 3})
            out.append(request(json.dumps({"model": "gpt-5", "messages": messages}).encode()))
            messages.append({"role": "assistant", "content": "Sell."})
    return b"".join(out), answer() * count


def put(directory, up, down):
    files = Path(directory, "up"), Path(directory, "down")
    for file, data in zip(files, (up, down)):
        file.write_bytes(data)
    return files


def cpu_s(directory, up, down, spans):
    files = put(directory, up, down)
    if spans:
        r = subprocess.run([BOTTRACE, "decode", *files, "-o", "json"], stdout=subprocess.PIPE, check=True)
        equal("calls decoded", r.stdout.count(b'"kind":"chat"'), spans)
    with open(os.devnull, "wb") as out:
        process = subprocess.Popen([BOTTRACE, "decode", *files, "-o", "json"], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    equal("decode's status", status, 0)
    return usage.ru_utime + usage.ru_stime


def peak_bytes(directory, up, down):
    """Most memory at a time: the last that was seen of it. (What wait4 says is not less than what this process holds.)"""
    files, peak = put(directory, up, down), 0
    with open(os.devnull, "wb") as out:
        process = subprocess.Popen([BOTTRACE, "decode", *files, "-o", "json"], stdout=out)
        while process.poll() is None:
            try:
                seen = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            except OSError:
                seen = None
            peak = max(peak, int(seen[1]) * 1024 if seen else 0)
            time.sleep(0.002)
    equal("decode's status", process.returncode, 0)
    return peak


def run(directory):
    least = cpu_s(directory, b"", b"", 0)
    small = request(json.dumps({"model": "gpt-5", "stream": True, "messages": [{"role": "user", "content": "?"}]}).encode())
    facts = {"empty_cpu_s": least}
    for name, up, down in (("request", b"".join(request(chat(n)) for n in range(TIMES)), answer() * TIMES),
                           ("stream", small * TIMES, b"".join(stream(n) for n in range(TIMES)))):
        facts[name + "_mb_s"] = (len(up) + len(down)) / (cpu_s(directory, up, down, TIMES) - least) / 1e6
        facts[name + "_mb"] = (len(up) + len(down)) / 1e6
        facts[name + "_peak_bytes"] = peak_bytes(directory, up, down)
    few, many = (peak_bytes(directory, *steps(n)) for n in STEPS)
    facts["growth_bytes"] = (many - few) / (STEPS[1] - STEPS[0]) * 1000
    return facts
