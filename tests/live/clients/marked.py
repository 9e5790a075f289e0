# SPDX-License-Identifier: BSD-2-Clause
"""A program with markers: marked.py CASE URL CA. Each prompt names the steps around it, as the program itself knows them;
what it cannot expect to be seen in a step begins with "?"."""
import asyncio
import http.client
import itertools
import json
import os
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools" / "python"))
import bottrace  # noqa: E402

CASE, URL, CA = sys.argv[1:4]
PLACE = urlsplit(URL)
NUMBERS = itertools.count()
CONTEXT = ssl.create_default_context(cafile=CA)


def body(prompt):
    prompt += " #%d" % next(NUMBERS)  # no two are alike
    return json.dumps({"model": "gpt-5-mini", "messages": [{"role": "user", "content": prompt}]}).encode()


def connect():
    return http.client.HTTPSConnection(PLACE.hostname, PLACE.port, context=CONTEXT)


def chat(prompt, conn=None):
    c = conn or connect()
    c.request("POST", "/v1/chat/completions", body(prompt), {"content-type": "application/json"})
    c.getresponse().read()
    if conn is None:
        c.close()


async def achat(prompt):
    reader, writer = await asyncio.open_connection(PLACE.hostname, PLACE.port, ssl=CONTEXT)
    data = body(prompt)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
                 b"content-length: %d\r\n\r\n" % len(data) + data)
    await writer.drain()
    await reader.read()
    writer.close()


@bottrace.trace(name="leaf")
def leaf(path):
    chat(path + "/leaf")
    return {"path": path}


@bottrace.trace(name="fails")
def fails(path):
    chat(path + "/fails")
    raise KeyError("gone")


@bottrace.trace(name="gen")
def gen(path):
    for _ in range(2):
        chat(path + "/gen")
        leaf(path + "/gen")
        yield 1


@bottrace.trace(name="agen")
async def agen(path):
    for _ in range(2):
        await achat(path + "/agen")
        yield 1


def functions():
    chat("")
    with bottrace.span("outer", n=1):
        leaf("outer")
        conn = connect()
        chat("outer", conn)
        with bottrace.span("kept"):
            chat("outer/kept", conn)
        chat("outer", conn)
        try:
            fails("outer")
        except KeyError:
            bottrace.event("caught", what="KeyError")
        for _ in gen("outer"):
            chat("outer")
        subprocess.run(["/bin/true"], check=True)
        bottrace.state("step", {"done": [1, 2]})
    chat("")


def threads():
    def work(n):
        with bottrace.span("thread%d" % n):
            for _ in range(3):
                leaf("thread%d" % n)
                chat("thread%d" % n)

    with bottrace.span("starter"):
        all_of_them = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for t in all_of_them:
            t.start()
        chat("starter")
        for t in all_of_them:
            t.join()


@bottrace.trace(name="task")
async def task(path, n):
    await achat(path + "/task")
    async with bottrace.span("span%d" % n):
        await asyncio.sleep(0.001 * n)
        await achat(path + "/task/span%d" % n)
    async for _ in agen(path + "/task"):
        await achat(path + "/task")
    return n


@bottrace.trace(name="main")
async def main():
    async def unmarked():
        for _ in range(3):
            await achat("?main")

    await achat("main")
    await asyncio.gather(task("main", 0), unmarked(), task("main", 1), task("main", 2))
    await asyncio.to_thread(leaf, "main") if sys.version_info >= (3, 9) else None
    await achat("main")


async def loose():
    async def one(n):
        async with bottrace.span("loose%d" % n):
            await asyncio.sleep(0.001)
            await achat("?loose%d" % n)

    async with bottrace.span("only"):
        await achat("only")
        async with bottrace.span("inner"):
            await achat("only/inner")
    await asyncio.gather(one(1), one(2))


def sessions():
    def serve(name):
        bottrace.session(name)
        with bottrace.span("turn"):
            chat(name + ":turn")
        chat(name + ":")

    threads = [threading.Thread(target=serve, args=("s%d" % (n % 2),)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    chat("")


def wait():
    """Does as it is told, line by line."""
    print("running", flush=True)
    for line in sys.stdin:
        if line.strip() == "leaf":
            leaf("")
        elif line.strip() == "fork":
            pid = os.fork()
            if pid == 0:
                leaf("")
                os._exit(0)
            os.waitpid(pid, 0)
        print(bottrace._page[64], flush=True)


def tasks():
    asyncio.run(main())


def loosely():
    asyncio.run(loose())


{"functions": functions, "threads": threads, "tasks": tasks, "loose": loosely, "sessions": sessions, "wait": wait}[CASE]()
