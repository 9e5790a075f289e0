# SPDX-License-Identifier: BSD-2-Clause
"""Writes over TLS from frames that look like those of agent frameworks, with names in objects of every make: values.py PORT
[KIND...]; any CPython from 3.8 on. Each request asks for /KIND/N; what values_test.py expects of it is printed as a line of
JSON: the path, and a list of (function, name or null, reason)."""
import asyncio
import collections
import concurrent.futures
import enum
import json
import socket
import ssl
import sys
import threading
import types

PORT = int(sys.argv[1])
CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE
SOCK = CONTEXT.wrap_socket(socket.create_connection(("127.0.0.1", PORT)))
CREW, LANG = "crewai/agent/core.py", "langgraph/pregel/main.py"
NOTHING = []  # what properties leave here when they run
count = 0


def say(kind, *expected):
    global count
    path = f"{kind}/{count}"
    count += 1
    SOCK.sendall(f"GET /{path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    assert SOCK.recv(4096)
    print(json.dumps([path, list(expected)]), flush=True)


def of_file(file, source, **names):
    """What the source defines, as if it came from that file."""
    names.update(say=say, NOTHING=NOTHING, __name__="framework")
    exec(compile(source, "/opt/site-packages/" + file if file[0] != "/" else file, "exec"), names)
    return types.SimpleNamespace(**names)


EXECUTE = "    def execute_task(self, kind, *expected):\n        say(kind, *expected)\n"


def agent(body="", file=CREW, bases=""):
    return of_file(file, f"class Agent{bases}:\n{body}{EXECUTE}").Agent


def role(kind, a, value, reason="whole"):
    for _ in range(2):
        a.execute_task(kind, ("Agent.execute_task", value, reason))


def own():
    A = agent()
    for name in ("Researcher", "größe", "имя", "名前 😀", "", "r" * 256, "я" * 256, "😀" * 256):
        a = A()
        a.first, a.role = 1, name
        role("own", a, name)
    for name in ("r" * 257, "ü" * 5000, "я" * 257, "😀" * 300):
        a = A()
        a.role = name
        role("own", a, name[:256], "cut")
    for thing in (None, 5, b"bytes", ["Researcher"], 2 ** 70):
        a = A()
        a.role = thing
        role("own", a, None, "type")


def shuffled():
    """Where a name stood last is not where it stands now."""
    A = agent()
    for n in range(12):
        a = A()
        for i in range(n * 5 % 12):
            setattr(a, f"x{i}", i)
        a.role = f"at {n}"
        role("shuffled", a, f"at {n}")


def dicts():
    A = agent()
    a = A()
    a.role = "seen"
    vars(a)
    role("dicts", a, "seen")
    a = A()
    a.__dict__ = {"other": 1, "role": "given"}
    role("dicts", a, "given")
    a.__dict__[7] = "a key that is no str"
    role("dicts", a, "given")
    del a.role
    role("dicts", a, None, "absent")
    a.role = "back"
    role("dicts", a, "back")
    for n in (40, 300, 450):
        a = A()
        for i in range(n):
            setattr(a, f"x{i}", i)
        a.role = f"behind {n}"
        role("dicts", a, f"behind {n}")
    a = A()
    for i in range(3000):
        setattr(a, f"x{i}", i)
    a.role = "behind 3000"
    role("dicts", a, None, "large")


def classes():
    role("classes", agent("    role = 'of the class'\n")(), "of the class")
    a = agent("    __slots__ = ('role', 'other')\n")()
    role("classes", a, None, "absent")
    a.role = "in a slot"
    role("classes", a, "in a slot")
    Base = agent("    __slots__ = ('role',)\n")
    Below = type("Below", (Base,), {"__slots__": ("more", "__dict__")})
    a = Below()
    a.role, a.x = "in the base's slot", 1
    role("classes", a, "in the base's slot")
    a = type("Deep", (type("Middle", (agent(),), {"role": "of the middle"}),), {})()
    role("classes", a, "of the middle")
    A = agent("    role = 'of the class'\n")
    A.execute_task(A, "classes", ("Agent.execute_task", "of the class", "whole"))
    a = agent("    @property\n    def role(self):\n        NOTHING.append(1)\n        return 'run'\n")()
    role("classes", a, None, "absent")
    a = agent("    def __getattr__(self, name):\n        NOTHING.append(1)\n        return 'run'\n")()
    role("classes", a, None, "absent")
    a = agent("    def __getattribute__(self, name):\n        if name == 'role':\n            NOTHING.append(1)\n"
              "        return object.__getattribute__(self, name)\n")()
    a.role = "behind a guard"
    role("classes", a, "behind a guard")
    role("classes", agent("    def role(self):\n        NOTHING.append(1)\n")(), None, "absent")
    for base in ("(dict)", "(Exception)", "(list)"):
        a = agent(bases=base)()
        a.role = "in a " + base
        role("classes", a, "in a " + base)
    f = agent().execute_task
    for a in (types.SimpleNamespace(x=1, role="in a namespace"), types.ModuleType("agents"), agent):
        a.role = getattr(a, "role", "in another object")
        for _ in range(2):
            f(a, "classes", ("Agent.execute_task", a.role, "whole"))
    for a in (5, None, "text", (), object()):
        f(a, "classes", ("Agent.execute_task", None, "absent"))


class Text(str):
    pass


class Level(str, enum.Enum):
    HIGH = "high"


def texts():
    A = agent()
    for value, name in ((Text("of a class"), "of a class"), (Text("größe"), "größe"), (Text("имя"), "имя"), (Text("😀"), "😀"),
                        (Level.HIGH, "high")):
        a = A()
        a.role = value
        role("texts", a, name)


def keys():
    P = of_file(LANG, "class Pregel:\n    def invoke(self, kind, *expected):\n        say(kind, *expected)\n").Pregel
    absent = {"metadata": {"other": 1}}
    for config, value, reason in (
            ({"metadata": {"lc_agent_name": "planner"}}, "planner", "whole"),
            ({1: 2, "metadata": {(): 3, "lc_agent_name": "planner"}}, "planner", "whole"),
            ({"x": 1, "metadata": collections.OrderedDict(a=1, lc_agent_name="планировщик")}, "планировщик", "whole"),
            (collections.defaultdict(dict, metadata={"lc_agent_name": "größe"}), "größe", "whole"),
            ({Text("metadata"): {Text("lc_agent_name"): "subclass"}}, "subclass", "whole"),
            (absent, None, "absent"), ({}, None, "absent"), (None, None, "type"), ({"metadata": None}, None, "type"),
            ({"metadata": {"lc_agent_name": None}}, None, "type")):
        p = P()
        p.config, p.name = config, "LangGraph"
        for _ in range(2):
            p.invoke("keys", ("Pregel.invoke", value, reason), ("Pregel.invoke", "LangGraph", "whole"))
    assert not absent["metadata"].get("lc_agent_name")


def paths():
    n = types.SimpleNamespace
    turn = of_file("agents/run_internal/run_loop.py",
                   "def run_single_turn(kind, expected, bindings):\n    say(kind, *expected)\n").run_single_turn
    for bindings, name, reason in ((n(public_agent=n(name="triage")), "triage", "whole"), (n(public_agent=None), None, "absent"),
                                   (n(), None, "absent"), (None, None, "absent")):
        turn("paths", [("run_single_turn", name, reason)], bindings)
    react = of_file("dspy/predict/react.py", "class ReAct:\n    def forward(self, kind, *expected):\n        say(kind, *expected)\n").ReAct
    for name in ("ReAct", "Größe", "Имя"):
        type(name, (react,), {})().forward("paths", ("ReAct.forward", name, "whole"))
    react.forward(5.0, "paths", ("ReAct.forward", None, "type"))
    run = of_file("ag2/agent.py", "class AgentRun:\n    def __init__(self, agent):\n        self.__agent = agent\n"
                  "    def result(self, kind, *expected):\n        say(kind, *expected)\n").AgentRun
    run(n(name="mangled")).result("paths", ("AgentRun.result", "mangled", "whole"))


def variables():
    """Cells, names of outer functions, locals that are not bound (yet, any more)."""
    A = of_file(CREW, "class Agent:\n    def execute_task(self, kind, *expected):\n        f = lambda: self\n"
                      "        say(kind, *expected)\n        return f\n").Agent
    a = A()
    a.role = "in a cell"
    role("variables", a, "in a cell")
    raw = of_file("agent_framework/_agents.py",
                  "class RawAgent:\n    def run(self, kind, *more):\n        def _run_streaming(x, y):\n"
                  "            say(kind, ('RawAgent.run.<locals>._run_streaming', self.name, 'whole'),\n"
                  "                ('RawAgent.run', self.name, 'whole'), *more)\n"
                  "        _run_streaming(1, 2)\n").RawAgent()
    raw.name = "outer"
    # Up to 3.10 a code object does not know its class: the rule of another one in that file is tried, too.
    raw.run("variables", *[("Agent.run", "outer", "whole")] * (sys.version_info < (3, 11)))
    call = of_file("crewai/agents/agent_executor.py",
                   "class AgentExecutor:\n    def _execute_single_native_tool_call(self, kind):\n"
                   "        me = 'AgentExecutor._execute_single_native_tool_call'\n"
                   "        say(kind, (me, None, 'local'))\n"
                   "        for func_name in ('search', 'имя', 'x' * 10):\n            say(kind, (me, func_name, 'whole'))\n"
                   "        for func_name in (7, None, 1.5):\n            say(kind, (me, None, 'type'))\n"
                   "        del func_name\n        say(kind, (me, None, 'local'))\n").AgentExecutor()
    call._execute_single_native_tool_call("variables")


def places():
    """The rule is that of the file's tail, from a directory on."""
    for file in ("/" + CREW, CREW, "/größe/" + CREW, "/имя/" + CREW, "/名前/😀/" + CREW, "/" + "d" * 300 + "/" + CREW,
                 "/имя/" * 90 + CREW):
        a = agent(file=file)()
        a.role = "there"
        role("places", a, "there")
    for file in ("/x/agent/core.py", "/xcrewai/agent/core.py", "/crewai/agent/core.pyc", "/core.py", "core.py", "/имя/core.py"):
        a = agent(file=file)()
        a.role = "nowhere"
        for _ in range(2):
            a.execute_task("places")


def frames():
    """Generators, coroutines, frames of several agents."""
    P = of_file(LANG, "class Pregel:\n    def stream(self, kind, *expected):\n        say(kind, *expected)\n        yield\n"
                      "    async def ainvoke(self, kind, *expected):\n        say(kind, *expected)\n").Pregel
    p = P()
    p.name, p.config = "graph", {}
    for _ in p.stream("frames", ("Pregel.stream", None, "absent"), ("Pregel.stream", "graph", "whole")):
        pass
    asyncio.run(p.ainvoke("frames", ("Pregel.ainvoke", None, "absent"), ("Pregel.ainvoke", "graph", "whole")))
    A = of_file(CREW, "class Agent:\n    def execute_task(self, deeper, kind, expected):\n"
                      "        expected = [('Agent.execute_task', self.role, 'whole'), *expected]\n"
                      "        if deeper:\n            deeper[0].execute_task(deeper[1:], kind, expected)\n"
                      "        else:\n            say(kind, *expected)\n").Agent
    many = []
    for n in range(60):
        many.append(A())
        many[-1].role = f"agent {n}"
    for some in (3, 60, 60):
        many[0].execute_task(many[1:some], "frames", [])


def work():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            pool.submit(say, "work").result()


def racing():
    """Others change what is read while it is read: what is found is right all the same."""
    A = agent()
    shared, stop = A(), []
    shared.role = "race 0"

    def change():
        n = 0
        while not stop:
            n += 1
            shared.role = f"race {n}" * (1 + n % 3)
            if n % 5 == 0:
                shared.__dict__ = {f"x{i}": f"other {i}" for i in range(n % 40)}
            if n % 7 == 0:
                shared.__dict__.pop("role", None)

    threads = [threading.Thread(target=change) for _ in range(2)]
    for t in threads:
        t.start()
    for _ in range(300):
        shared.execute_task("racing")
    stop.append(1)
    for t in threads:
        t.join()


KINDS = [own, shuffled, dicts, classes, texts, keys, paths, variables, places, frames, work, racing]
for kind in KINDS:
    if len(sys.argv) < 3 or kind.__name__ in sys.argv[2:]:
        kind()
assert not NOTHING, "something was run"
