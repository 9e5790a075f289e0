# SPDX-License-Identifier: BSD-2-Clause
"""A server that runs the same agent for each request: desk.py tasks|threads|anyio|fastapi|uvloop PORT URL CA REQUESTS

Answers POST /work with what the agent says. Its agent asks the model, calls a tool, asks again, over connections of a pool
that is smaller than the number of requests. Ends after so many requests; 0: never."""
import asyncio
import http.client
import json
import queue
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WAY, PORT, URL, CA, REQUESTS = sys.argv[1], int(sys.argv[2]), urllib.parse.urlsplit(sys.argv[3]), sys.argv[4], int(sys.argv[5])
TLS = ssl.create_default_context(cafile=CA)
POOL = 16
left = REQUESTS


def begin(number):
    return [{"role": "system", "content": "You are the desk."}, {"role": "user", "content": f"request {number}"}]


def body_of(messages):
    return json.dumps({"model": "desk", "messages": messages, "tools": []}).encode()


# ---- tasks ----

class Tasks:
    def __init__(self):
        self.free = asyncio.Queue()

    async def connect(self):
        for _ in range(POOL):
            self.free.put_nowait(await asyncio.open_connection(URL.hostname, URL.port, ssl=TLS))

    async def post(self, messages):
        body = body_of(messages)
        reader, writer = await self.free.get()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(body) + body)
        size = 0
        while (line := await reader.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        answer = json.loads(await reader.readexactly(size))
        self.free.put_nowait((reader, writer))
        return answer["choices"][0]["message"]

    async def look_up(self, number):
        await asyncio.sleep(0.01)
        return f"file {number}"

    async def agent(self, number):
        messages = begin(number)
        while True:
            answer = await self.post(messages)
            messages.append(answer)
            if not answer.get("tool_calls"):
                return answer["content"]
            for call in answer["tool_calls"]:
                result = await asyncio.create_task(self.look_up(**json.loads(call["function"]["arguments"])))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})

    async def handle(self, reader, writer):
        global left
        while line := await reader.readline():
            size = 0
            while (line := await reader.readline()).strip():
                if line.lower().startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            number = json.loads(await reader.readexactly(size))["number"]
            said = (await self.agent(number)).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(said) + said)
            await writer.drain()
            left -= 1
            if left == 0:
                self.over.set()
        writer.close()

    async def serve(self):
        self.over = asyncio.Event()
        await self.connect()
        async with await asyncio.start_server(self.handle, "127.0.0.1", PORT, backlog=512):
            print("ready", flush=True)
            await self.over.wait()
            await asyncio.sleep(0.3)


# ---- threads ----

class Threads:
    def __init__(self):
        self.free = queue.Queue()
        for _ in range(POOL):
            self.free.put(http.client.HTTPSConnection(URL.hostname, URL.port, context=TLS))

    def post(self, messages):
        connection = self.free.get()
        connection.request("POST", "/v1/chat/completions", body_of(messages), {"content-type": "application/json"})
        answer = json.load(connection.getresponse())
        self.free.put(connection)
        return answer["choices"][0]["message"]

    def look_up(self, number):
        time.sleep(0.01)
        return f"file {number}"

    def agent(self, number):
        messages = begin(number)
        while True:
            answer = self.post(messages)
            messages.append(answer)
            if not answer.get("tool_calls"):
                return answer["content"]
            for call in answer["tool_calls"]:
                result = self.look_up(**json.loads(call["function"]["arguments"]))
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})

    def serve(self):
        desk = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                global left
                number = json.loads(self.rfile.read(int(self.headers["content-length"])))["number"]
                said = desk.agent(number).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)
                with lock:
                    left -= 1
                    if left == 0:
                        threading.Thread(target=server.shutdown).start()

            def log_message(self, *_):
                pass

        lock = threading.Lock()
        ThreadingHTTPServer.request_queue_size = 512
        server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
        print("ready", flush=True)
        server.serve_forever()


# ---- tasks that have their work done by worker threads ----

class Workers(Tasks):
    async def connect(self):
        self.threads = Threads()

    async def agent(self, number):
        import anyio
        return await anyio.to_thread.run_sync(self.threads.agent, number)


def fastapi(loop):
    """An endpoint that is no coroutine function: it runs in a thread of anyio's."""
    import anyio.to_thread
    import uvicorn
    from fastapi import Body, FastAPI, Response
    desk, app, lock = Threads(), FastAPI(), threading.Lock()

    @app.post("/work")
    def work(item: dict = Body()):
        global left
        answer = desk.agent(item["number"])
        with lock:
            left -= 1
            if left == 0:
                threading.Timer(0.3, lambda: setattr(server, "should_exit", True)).start()
        return Response(answer, media_type="text/plain")

    class Told(uvicorn.Server):
        async def startup(self, sockets=None):
            await super().startup(sockets)
            anyio.to_thread.current_default_thread_limiter().total_tokens = 50
            print("ready", flush=True)

    server = Told(uvicorn.Config(app, port=PORT, loop=loop, log_level="warning", http="h11", backlog=512))
    server.run()


async def amain():
    await (Workers() if WAY == "anyio" else Tasks()).serve()


if WAY in ("fastapi", "uvloop"):
    fastapi("uvloop" if WAY == "uvloop" else "asyncio")
elif WAY in ("tasks", "anyio"):
    asyncio.run(amain())
else:
    Threads().serve()
