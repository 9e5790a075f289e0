# SPDX-License-Identifier: BSD-2-Clause
"""Agents that wait to be looked at: alive.py CASE URL CA.

wait       two agents in threads: one waits for a model that does not answer, one runs a tool until a line comes on stdin
exit       the same, then exit status 3 while both wait
signal     the same, then it kills itself
plain      an agent by hand, without marks, waits within its second turn
throw      an exception leaves an agent without marks, while another one waits
raise      an exception leaves an agent that has asked once, and the step around it"""
import http.client
import json
import os
import signal
import ssl
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools" / "python"))
import bottrace  # noqa: E402

CASE, URL, CA = sys.argv[1:4]
PLACE = urlsplit(URL)
CONTEXT = ssl.create_default_context(cafile=CA)
READY = threading.Semaphore(0)
GO = threading.Event()


def chat(connection, messages, tools=None):
    body = {"model": "gpt-5-mini", "messages": messages}
    if tools:
        body["tools"] = [{"type": "function", "function": {"name": n, "parameters": {"type": "object"}}} for n in tools]
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
    return json.loads(connection.getresponse().read())["choices"][0]["message"]


def connect():
    return http.client.HTTPSConnection(PLACE.hostname, PLACE.port, context=CONTEXT)


@bottrace.trace(name="Searcher.run")
def searcher():
    """Asks for a tool, runs it: until somebody says go."""
    connection = connect()
    messages = [{"role": "system", "content": "You are a searcher."}, {"role": "user", "content": "find the needle"}]
    bottrace.state("memory", {"seen": ["hay"], "api_key": "sk-live-" + "a1B2" * 12})
    answer = chat(connection, messages, ["search"])
    messages.append(answer)
    READY.release()
    GO.wait()


@bottrace.trace(name="Writer.run")
def writer():
    """Has an answer, and waits for the next one, which does not come."""
    connection = connect()
    messages = [{"role": "system", "content": "You are a writer."}, {"role": "user", "content": "write a line"}]
    messages.append(chat(connection, messages))
    messages.append({"role": "user", "content": "please wait"})
    for n in range(300):
        bottrace.state("turn", n)
    READY.release()
    chat(connection, messages)


@bottrace.trace(name="fails")
def fails():
    bottrace.state("plan", ["ask", "fail"])
    chat(connect(), [{"role": "user", "content": "what now?"}])
    raise LookupError("no such needle")


@bottrace.trace(name="around")
def around():
    fails()


def plain_agent():
    connection = connect()
    messages = [{"role": "user", "content": "one"}]
    for turn in ("go on", "please wait"):
        messages.append(chat(connection, messages))
        messages.append({"role": "user", "content": turn})
        if turn == "please wait":
            READY.release()
    chat(connection, messages)


def throwing_agent():
    connection = connect()
    messages = [{"role": "user", "content": "first question"}]
    for turn in ("second question", "third question"):
        messages.append(chat(connection, messages))
        messages.append({"role": "user", "content": turn})
    raise LookupError("no such needle")


def main():
    if CASE == "throw":
        threading.Thread(target=plain_agent, daemon=True).start()
        READY.acquire()
        try:
            throwing_agent()
        except LookupError:
            pass
        os._exit(0)
    if CASE == "raise":
        around()
        return
    for agent in (plain_agent, READY.release) if CASE == "plain" else (searcher, writer):
        threading.Thread(target=agent, daemon=True).start()
    READY.acquire()
    READY.acquire()
    print("ready", flush=True)
    sys.stdin.readline()
    if CASE == "exit":
        os._exit(3)
    if CASE == "signal":
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(0)


main()
