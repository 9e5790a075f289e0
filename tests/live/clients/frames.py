# SPDX-License-Identifier: BSD-2-Clause
"""Frameworks as far as the rules for frames see them: frames.py WAY SEED URL CA

Each call names itself as its model. Prints at the end, as JSON, what stands above each one, from itself outwards: agents and workflows by
name (None: it has none)."""
import asyncio
import json
import os
import random
import ssl
import sys
import urllib.parse
import urllib.request

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "frames", "site-packages")
from agents.run import AgentRunner  # noqa: E402
from agents.run_internal.run_loop import Agent as Named  # noqa: E402
from crewai.agent.core import Agent  # noqa: E402
from crewai.crew import Crew  # noqa: E402
from crewai.tools.structured_tool import CrewStructuredTool  # noqa: E402
from langgraph.pregel.main import Pregel  # noqa: E402
from smolagents.agents import ToolCallingAgent  # noqa: E402

WAY, SEED, URL, CA = sys.argv[1:5]
TLS = ssl.create_default_context(cafile=CA)
draw = random.Random(SEED)
above = {}
number = iter(range(1000))


def word():
    return "".join(draw.choice("abcdefghäößжω日本") for _ in range(draw.randint(2, 20)))


class Talk:
    """A conversation; its calls have one place."""

    def __init__(self, chain, *plan):
        self.model = "call-%d" % next(number)
        self.messages = [{"role": "system", "content": json.dumps(plan or ["say"] * 9)}, {"role": "user", "content": self.model}]
        above[self.model] = chain

    def post(self, messages):
        return post(self.model, messages)

    def ask(self):
        self.messages += [self.post(self.messages), {"role": "user", "content": "go on"}]

    async def aask(self):
        await asyncio.sleep(draw.random() / 50)
        self.messages += [await apost(self.model, self.messages), {"role": "user", "content": "go on"}]


def payload(model, messages):
    return json.dumps({"model": model, "messages": messages, "tools": []}).encode()


def answer_of(data):
    return json.loads(data)["choices"][0]["message"]


def post(model, messages):
    request = urllib.request.Request(URL + "/v1/chat/completions", payload(model, messages), {"content-type": "application/json"})
    return answer_of(urllib.request.urlopen(request, context=TLS).read())


async def apost(model, messages):
    at, body = urllib.parse.urlsplit(URL), payload(model, messages)
    reader, writer = await asyncio.open_connection(at.hostname, at.port, ssl=TLS)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: %s\r\ncontent-type: application/json\r\nconnection: close\r\n"
                 b"content-length: %d\r\n\r\n%s" % (at.netloc.encode(), len(body), body))
    head = await reader.readuntil(b"\r\n\r\n")
    size = next(int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length"))
    data = await reader.readexactly(size)
    writer.close()
    return answer_of(data)


# ---- ways ----

def crew(threads):
    name, first, second, inner = word(), word(), word(), word()
    top = ["invoke_workflow", name]
    writer, reader = [["invoke_agent", first], top], [["invoke_agent", second], top]
    search = CrewStructuredTool("search", lambda: "nothing")

    def delegate():
        talk = Talk([["invoke_agent", inner], ["execute_tool", "delegate"], *writer], "search", "say")
        return Agent(inner, talk.post, {"search": search}).execute_task(talk.messages)

    a, b = Talk(writer, "search", "delegate", "say"), Talk(reader, "search", "say")
    tools = {"search": search, "delegate": CrewStructuredTool("delegate", delegate)}
    Crew(name, [(Agent(first, a.post, tools), a.messages), (Agent(second, b.post, tools), b.messages)], threads).kickoff()


def graph(asynchronous):
    name, inner, plain = word(), word(), word()
    named = {"metadata": {"lc_agent_name": inner}}
    top = [["invoke_workflow", plain]]
    talk, alone = Talk([["invoke_agent", inner], *top]), Talk(top)
    if asynchronous:
        sub = Pregel(name, [talk.aask] * 3, named)
        asyncio.run(Pregel(plain, [alone.aask, sub.ainvoke, alone.aask]).ainvoke())
    else:
        sub = Pregel(name, [talk.ask] * 3, named)
        Pregel(plain, [alone.ask, sub.invoke, alone.ask]).invoke()


def runner():
    async def all_of_them():
        names = [word() for _ in range(5)]
        await asyncio.gather(*(AgentRunner().run(Named(n), [Talk([["invoke_agent", n]]).aask] * 3) for n in names))
    asyncio.run(all_of_them())


def steps():
    name = word()
    talk, within = Talk([["invoke_agent", name]]), Talk([["invoke_agent", None], ["invoke_agent", name]])
    ToolCallingAgent([talk.ask, ToolCallingAgent([within.ask] * 2).run, talk.ask], name).run()


{"crew": lambda: crew(False), "threads": lambda: crew(True), "graph": lambda: graph(False), "agraph": lambda: graph(True),
 "runner": runner, "steps": steps}[WAY]()
print(json.dumps(above))
