# SPDX-License-Identifier: BSD-2-Clause
"""Several agents in one program, each asking in threads, pools and tasks of its own: agents.py WAY URL CA

Prints a line of JSON for each call: its text, the frames of this file that made it (innermost first), task and thread."""
import asyncio
import concurrent.futures
import json
import os
import ssl
import sys
import threading
import urllib.request

WAY, URL, CA = sys.argv[1:4]
for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
    os.environ[variable] = CA
ROUNDS = 3
ENDPOINT = URL + "/v1/chat/completions"
calls = []


def body(tag):
    return {"model": "m", "messages": [{"role": "user", "content": tag}]}


def note(tag):
    """To be called in the line of the call."""
    frames, f = [], sys._getframe(1)
    while f:
        if f.f_code.co_filename == __file__:
            frames.append([getattr(f.f_code, "co_qualname", f.f_code.co_name), f.f_lineno])
        f = f.f_back
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    calls.append({"tag": tag, "frames": frames, "task": task and task.get_name(), "tid": threading.get_native_id()})
    return tag


# ---- one after another, and in threads ----

class Researcher:
    def __init__(self, ask, name="researcher"):
        self.ask, self.name = ask, name

    def run(self):
        for i in range(ROUNDS):
            self.step(i)

    def step(self, i):
        self.ask(body(note(f"{self.name} {i}")))


class Writer(Researcher):
    def step(self, i):
        def inner(depth):
            return inner(depth - 1) if depth else self.ask(body(note(f"{self.name} {i}")))
        inner(5)


def sources():
    """A generator that asks when it is asked."""
    for i in range(ROUNDS):
        yield ASK(body(note(f"generator {i}")))


def threads(ask):
    global ASK
    ASK = ask
    agents = [Researcher(ask), Writer(ask, "writer")]
    for agent in agents:
        agent.run()
    list(sources())
    sorted([2, 1], key=lambda k: ask(body(note(f"key {k}"))) and k)
    many = [threading.Thread(target=kind(ask, f"thread {n}").run) for n, kind in enumerate([Researcher, Writer] * 3)]
    for t in many:
        t.start()
    for t in many:
        t.join()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for f in [pool.submit(kind(ask, f"pool {n}").run) for n, kind in enumerate([Researcher, Writer] * 4)]:
            f.result()


# ---- tasks ----

class Agent:
    def __init__(self, ask, name):
        self.ask, self.name = ask, name

    async def run(self):
        for i in range(ROUNDS):
            await self.step(i)
        await asyncio.gather(*(self.part(i) for i in range(ROUNDS)))

    async def step(self, i):
        await self.deeper(f"{self.name} step {i}")

    async def deeper(self, tag):
        await self.ask(body(note(tag)))

    async def part(self, i):
        await asyncio.sleep(0.001 * i)
        await self.ask(body(note(f"{self.name} part {i}")))


async def tasks(ask):
    await Agent(ask, "alone").run()
    await asyncio.gather(*(asyncio.ensure_future(Agent(ask, f"agent-{n}").run()) for n in range(3)))
    named = [asyncio.create_task(Agent(ask, f"named-{n}").run()) for n in range(2)]
    for n, t in enumerate(named):
        t.set_name(f"my task {n}")
    await asyncio.gather(*named)


# ---- by what ----

def with_urllib():
    context = ssl.create_default_context(cafile=CA)

    def ask(b):
        request = urllib.request.Request(ENDPOINT, json.dumps(b).encode(), {"Content-Type": "application/json"})
        return urllib.request.urlopen(request, context=context).read()
    threads(ask)


def with_requests():
    import requests
    session = requests.Session()
    threads(lambda b: session.post(ENDPOINT, json=b).json())


def with_httpx(http2=False):
    import httpx
    with httpx.Client(http2=http2, verify=ssl.create_default_context(cafile=CA)) as client:
        threads(lambda b: client.post(ENDPOINT, json=b).json())


def with_openai():
    from openai import OpenAI
    client = OpenAI(base_url=URL + "/v1", api_key="sk-x", max_retries=0)
    threads(lambda b: client.chat.completions.create(**b))


async def tasks_httpx(http2=False):
    import httpx
    async with httpx.AsyncClient(http2=http2, verify=ssl.create_default_context(cafile=CA)) as client:
        await tasks(lambda b: client.post(ENDPOINT, json=b))


async def tasks_openai():
    from openai import AsyncOpenAI
    async with AsyncOpenAI(base_url=URL + "/v1", api_key="sk-x", max_retries=0) as client:
        await tasks(lambda b: client.chat.completions.create(**b))


async def tasks_aiohttp():
    import aiohttp

    async def ask(b):
        async with session.post(ENDPOINT, json=b, ssl=ssl.create_default_context(cafile=CA)) as r:
            return await r.read()
    async with aiohttp.ClientSession() as session:
        await tasks(ask)


def main():
    if WAY == "uvloop":
        import uvloop
        uvloop.install()
    ways = {"urllib": with_urllib, "requests": with_requests, "httpx": with_httpx, "http2": lambda: with_httpx(True),
            "openai": with_openai, "tasks-httpx": lambda: asyncio.run(tasks_httpx()),
            "tasks-http2": lambda: asyncio.run(tasks_httpx(True)), "tasks-openai": lambda: asyncio.run(tasks_openai()),
            "tasks-aiohttp": lambda: asyncio.run(tasks_aiohttp()), "uvloop": lambda: asyncio.run(tasks_httpx())}
    ways[WAY]()
    for c in calls:
        print(json.dumps(c))


main()
