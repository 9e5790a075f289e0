# SPDX-License-Identifier: BSD-2-Clause
"""Agents written by hand, without a framework: crew.py WAY URL CA

Each call names the run that makes it as its model, so that every call tells by itself whose it is. Prints at the end, as
JSON, for each run: the function that drives it, the run that it was called in, the tool that it was called for."""
import asyncio
import concurrent.futures
import json
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request

WAY, URL, CA = sys.argv[1:4]
TLS = ssl.create_default_context(cafile=CA)
TOOLS = {}
runs = {}
number = iter(range(1000))
lock = threading.Lock()


def run_of(function, parent=None, tool=None):
    with lock:
        name = f"run-{next(number)}"
        runs[name] = {"function": function, "parent": parent, "tool": tool}
    return name


def begin(plan, question="q"):
    """The server does what the plan says, one step for each answer."""
    return [{"role": "system", "content": json.dumps(plan)}, {"role": "user", "content": question}]


def post(name, messages):
    body = json.dumps({"model": name, "messages": messages, "tools": []}).encode()
    request = urllib.request.Request(URL + "/v1/chat/completions", body, {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request, context=TLS))["choices"][0]["message"]


def work(name, answer):
    """The tools of an answer, by functions of their names."""
    for call in answer.get("tool_calls") or ():
        f = call["function"]
        yield {"role": "tool", "tool_call_id": call["id"], "content": str(TOOLS[f["name"]](name, **json.loads(f["arguments"])))}


# ---- drivers ----

def researcher(plan, parent=None, tool=None):
    name, messages = run_of("researcher", parent, tool), begin(plan)
    while True:
        answer = post(name, messages)
        messages.append(answer)
        if not answer.get("tool_calls"):
            return answer["content"]
        messages.extend(work(name, answer))


class Writer:
    def __init__(self, plan):
        self.plan = plan

    def run(self, parent=None, tool=None):
        self.name, self.messages = run_of("Writer.run", parent, tool), begin(self.plan)
        for _ in range(9):
            answer = self.step()
            if not answer.get("tool_calls"):
                return answer["content"]
            self.messages.extend(work(self.name, answer))

    def step(self):
        answer = post(self.name, self.messages)
        self.messages.append(answer)
        return answer


def steps(plan):
    name, messages = run_of("steps"), begin(plan)
    while True:
        answer = post(name, messages)
        messages.append(answer)
        yield answer
        if not answer.get("tool_calls"):
            return
        messages.extend(work(name, answer))


def patient(name, messages):
    for _ in range(5):
        try:
            return post(name, messages)
        except urllib.error.HTTPError as e:
            assert e.code == 503


def stubborn(plan):
    name, messages = run_of("stubborn"), begin(plan)
    answer = {"tool_calls": True}
    while answer.get("tool_calls"):
        answer = patient(name, messages)
        messages.append(answer)
        messages.extend(work(name, answer) if answer.get("tool_calls") else ())


def search(name, **_):
    return "nothing"


def delegate(name, **_):
    return Writer(["search", "say"]).run(name, "delegate")


def again(name, depth, **_):
    return researcher(["again:%d" % (depth - 1) if depth else "search", "say"], name, "again")


def both(name, **_):
    """A tool that asks a model itself."""
    return post(name, begin(["say"], "on the side"))


def crowd(name, **_):
    """Agents in threads of a pool, the second on the thread of the first."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return list(pool.map(lambda _: Writer(["search", "say"]).run(name, "crowd"), range(2)))


def start(name, **_):
    """An agent in a thread of its own."""
    t = threading.Thread(target=lambda: Writer(["search", "say"]).run(name, "start"))
    t.start()
    t.join()


TOOLS.update(search=search, delegate=delegate, again=again, both=both, crowd=crowd, start=start)


# ---- ways ----

def helper():
    for plan in (["search", "say"], ["search", "search", "say"], ["say"]):
        researcher(plan)
        Writer(plan).run()


def nested():
    researcher(["search", "delegate", "both", "say"])
    researcher(["again:2", "say"])


def outwards():
    researcher(["crowd", "start", "say"])
    t = threading.Thread(target=researcher, args=(["start", "crowd", "say"],))
    t.start()
    t.join()


def threads():
    agents = [lambda: researcher(["search", "search", "say"]), lambda: Writer(["search", "say"]).run()] * 3
    many = [threading.Thread(target=a) for a in agents]
    for t in many:
        t.start()
    for t in many:
        t.join()


def generator():
    for _ in steps(["search", "search", "say"]):
        pass


def retry():
    stubborn(["fail:search", "search", "fail:say"])
    Writer(["search", "say"]).run()


def alone():
    for i in range(2):
        runs[f"none-{i}"] = None
        post(f"none-{i}", begin(["say"], str(i)))


async def gather(same):
    import httpx

    async def ask(client, name, messages):
        body = {"model": name, "messages": messages, "tools": []}
        return (await client.post(URL + "/v1/chat/completions", json=body)).json()["choices"][0]["message"]

    async def agent(client, plan, wait):
        name, messages = run_of("gather.<locals>.agent"), begin(plan)
        while True:
            answer = await ask(client, name, messages)
            messages.append(answer)
            if not answer.get("tool_calls"):
                return
            messages.extend(work(name, answer))
            await asyncio.sleep(wait)

    async with httpx.AsyncClient(verify=TLS, timeout=60) as client:
        plan = ["search", "search", "say"]
        await asyncio.gather(*(agent(client, plan if same else plan[i % 2:], i * 0.01) for i in range(10 if same else 3)))


def echo(name, **_):
    return subprocess.run(["echo", name], stdout=subprocess.PIPE, check=True).stdout.decode()


TOOLS["echo"] = echo


async def sides(apart):
    """Agents in tasks that were made at several places; their tools run processes in threads."""
    import httpx

    async def agent(client, plan):
        name = run_of("sides.<locals>.agent")
        messages = begin(plan, name if apart else "q")
        loop = asyncio.get_running_loop()
        while True:
            body = {"model": name, "messages": messages, "tools": []}
            answer = (await client.post(URL + "/v1/chat/completions", json=body)).json()["choices"][0]["message"]
            messages.append(answer)
            if not answer.get("tool_calls"):
                return
            messages.extend(await loop.run_in_executor(None, lambda: list(work(name, answer))))

    async with httpx.AsyncClient(verify=TLS, timeout=60) as client:
        plan = ["echo", "echo", "say"]
        tasks = [asyncio.ensure_future(agent(client, plan))]
        tasks += [asyncio.ensure_future(agent(client, plan)) for _ in range(2)]
        for _ in range(2):
            await asyncio.sleep(0.005)
            tasks.append(asyncio.ensure_future(agent(client, plan)))
        await asyncio.gather(*tasks, agent(client, plan))


WAYS = {"sides": lambda: asyncio.run(sides(True)), "twins": lambda: asyncio.run(sides(False)), "tasks": lambda: asyncio.run(gather(False)), "same": lambda: asyncio.run(gather(True))}
WAYS.get(WAY, globals().get(WAY))()
print(json.dumps(runs))
