# SPDX-License-Identifier: BSD-2-Clause
"""An agent that asks others in a process of their own: asked.py HOW URL CA.

http       over HTTP on a loopback socket, three at once, each answered by a thread
pipe       by JSON-RPC over two pipes, as a tool's server is
loop       two at once that one loop's thread answers
tasks      one after the other, each answered by a task of its own beside one that asks for itself all the time
Each sub-agent asks the model; its prompt is the question that it was asked."""
import asyncio
import http.client
import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
from urllib.parse import urlsplit

HOW, URL, CA = sys.argv[1:4]
PLACE = urlsplit(URL)
CONTEXT = ssl.create_default_context(cafile=CA)
QUESTIONS = [f"{word} {os.getppid() if len(sys.argv) > 4 else os.getpid()}" for word in ("alpha", "beta", "gamma")]


def chat(prompt, tools=None):
    return ask_model([{"role": "user", "content": prompt}], tools)


def ask_model(messages, tools=None):
    c = http.client.HTTPSConnection(PLACE.hostname, PLACE.port, context=CONTEXT)
    body = {"model": "gpt-5-mini", "messages": messages}
    if tools:
        body["tools"] = [{"type": "function", "function": {"name": n, "parameters": {"type": "object"}}} for n in tools]
    c.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
    answer = json.loads(c.getresponse().read())["choices"][0]["message"]
    c.close()
    return answer


# ---- who is asked ----

def sub_agent(question):
    messages = []
    for word in ("first: ", "then: "):
        messages.append({"role": "user", "content": word + question})
        messages.append(ask_model(messages))
        BARRIER.wait()
    return messages[-1]["content"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers["content-length"])))["question"]
        answer = json.dumps(sub_agent(question)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def serve_http():
    global BARRIER
    BARRIER = threading.Barrier(3)  # all three are answered at once
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


async def serve_loop():
    both = asyncio.Event()
    count = 0

    async def answer(reader, writer):
        nonlocal count
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
        count += 1
        if count == 2:
            both.set()
        await both.wait()
        chat("loop: " + json.loads(body)["question"])
        await asyncio.sleep(0.3)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def achat(prompt):
    reader, writer = await asyncio.open_connection(PLACE.hostname, PLACE.port, ssl=CONTEXT)
    data = json.dumps({"model": "gpt-5-mini", "messages": [{"role": "user", "content": prompt}]}).encode()
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
                 b"content-length: %d\r\n\r\n" % len(data) + data)
    await writer.drain()
    await reader.read()
    writer.close()


async def serve_tasks():
    asked = asyncio.Event()

    async def background():
        for n in range(1000):
            await asked.wait()
            asked.clear()
            await achat(f"background: {n}")

    async def work(question, transport):
        await achat("task: " + question)
        asked.set()
        await asyncio.sleep(0.2)  # the other one asks now
        transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        transport.close()

    class Protocol(asyncio.Protocol):
        """As servers of web frameworks do it: a task for each request, made when that is whole."""

        def connection_made(self, transport):
            self.transport, self.data = transport, b""

        def data_received(self, data):
            self.data += data
            head, found, body = self.data.partition(b"\r\n\r\n")
            if found and len(body) == int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
                self.task = asyncio.create_task(work(json.loads(body)["question"], self.transport))

    other = asyncio.create_task(background())
    server = await asyncio.get_running_loop().create_server(Protocol, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.gather(server.serve_forever(), other)


def serve_pipe():
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        result = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "sub", "version": "1"}}
        if request["method"] == "tools/call":
            text = chat("piped: " + request["params"]["arguments"]["question"])["content"]
            result = {"content": [{"type": "text", "text": text}]}
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)


# ---- who asks ----

def ask_http(port, question):
    c = http.client.HTTPConnection("127.0.0.1", port)
    c.request("POST", "/ask", json.dumps({"question": question}), {"content-type": "application/json"})
    c.getresponse().read()
    c.close()


def main():
    child = subprocess.Popen([sys.executable, __file__, HOW, URL, CA, "serve"], stdout=subprocess.PIPE,
                             stdin=subprocess.PIPE, text=True, bufsize=1)
    if HOW == "pipe":
        def say(message):
            child.stdin.write(json.dumps(message) + "\n")
            child.stdin.flush()
            return json.loads(child.stdout.readline()) if "id" in message else None

        say({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {},
                                                                           "clientInfo": {"name": "main", "version": "1"}}})
        say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        call = chat("ask the other one " + QUESTIONS[0], ["ask"])["tool_calls"][0]
        say({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
             "params": {"name": "ask", "arguments": json.loads(call["function"]["arguments"])}})
    else:
        port = int(child.stdout.readline())
        if HOW == "tasks":
            for q in QUESTIONS[:2]:
                ask_http(port, q)
            child.terminate()
            child.wait()
            return
        asking = [threading.Thread(target=ask_http, args=(port, q)) for q in QUESTIONS[:2 if HOW == "loop" else 3]]
        for t in asking:
            t.start()
        for t in asking:
            t.join()
        chat("afterwards")
    child.terminate()
    child.wait()


if len(sys.argv) == 4:
    main()
elif HOW == "http":
    serve_http()
elif HOW == "loop":
    asyncio.run(serve_loop())
elif HOW == "tasks":
    asyncio.run(serve_tasks())
else:
    serve_pipe()
