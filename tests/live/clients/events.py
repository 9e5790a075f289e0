# SPDX-License-Identifier: BSD-2-Clause
"""Agents whose tools do things to the world, and fail: events.py URL CA DIRECTORY

Prints one line of JSON: what was done, by whom."""
import gc
import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

try:
    import sqlite3
except ImportError:  # its library is not everywhere
    sqlite3 = None

URL, CA, WHERE = sys.argv[1:4]
CONTEXT = ssl.create_default_context(cafile=CA)
# The interpreter is looked at when it has begun.
time.sleep(1)


def ask(model, messages):
    body = json.dumps({"model": model, "messages": messages}).encode()
    request = urllib.request.Request(URL + "/v1/chat/completions?key=sk-live-0123456789abcdefghijklmn", body,
                                     {"content-type": "application/json"})
    with urllib.request.urlopen(request, context=CONTEXT) as answer:
        return json.loads(answer.read())["choices"][0]["message"]


def path(name):
    return os.path.join(WHERE, name)


class Tools:
    def save(self):
        with open(path("notes.txt"), "w") as f:
            f.write("x")
        with open(path("notes.txt")) as f:
            return f.read()

    def shell(self):
        subprocess.run([sys.executable, "-S", "-c", "pass", "--api-key", "sk-live-0123456789abcdefghijklmn", "h\u00e9 \u65e5\u672c \U0001f600"],
                       stdout=subprocess.DEVNULL if os.path.exists(os.devnull) else None, check=True)
        os.system("true # shell")

    def query(self):
        if sqlite3:
            sqlite3.connect(path("facts.db")).close()
        s = socket.socket()
        try:
            s.connect(("127.0.0.1", 9))
        except OSError:
            pass
        finally:
            s.close()

    def compute(self):
        return eval("6 * 7")

    def fail(self):
        raise ValueError("no such city: M\u00fcnchen")

    def explode(self):
        raise KeyError("gone")

    def collect(self):
        held = [[] for _ in range(200000)]
        for x in held:
            x.append(held)
        del held, x
        gc.collect()


class Agent:
    def __init__(self, name, plan):
        self.name = name
        self.messages = [{"role": "system", "content": json.dumps(plan)}, {"role": "user", "content": name}]

    def run(self):
        while True:
            message = ask(self.name, self.messages)
            self.messages.append(message)
            if not message.get("tool_calls"):
                return message["content"]
            for call in message["tool_calls"]:
                self.messages.append({"role": "tool", "tool_call_id": call["id"], "content": self.use(call["function"]["name"])})

    def use(self, name):
        tool = getattr(Tools(), name)
        try:
            return str(tool())
        except ValueError as e:
            return str(e)


def main():
    Agent("worker", ["save", "shell", "query", "compute", "fail", "collect", "say"]).run()
    try:
        Agent("broken", ["save", "explode", "say"]).run()
    except KeyError:
        pass
    print(json.dumps({"sqlite": sqlite3 is not None, "executable": sys.executable}), flush=True)
    raise RuntimeError("the end")


main()
