# SPDX-License-Identifier: BSD-2-Clause
"""Model calls from work that others asked for: outward.py PORT LOOP KIND...; any CPython from 3.8 on. Each call says in its
message who asked, boundary by boundary: [how, function that asked], the innermost first."""
import asyncio
import concurrent.futures
import itertools
import json
import socket
import ssl
import sys
import threading
import time

PORT, LOOP = int(sys.argv[1]), sys.argv[2]
CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE
count = itertools.count()


def request(chain):
    tag = json.dumps({"n": next(count), "chain": chain})
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": tag}]}).encode()
    sys.stdout.write(tag + "\n")  # one write: threads print beside each other
    sys.stdout.flush()
    return b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def whole(data):
    head, end, body = data.partition(b"\r\n\r\n")
    return end and len(body) >= int([h for h in head.lower().split(b"\r\n") if h.startswith(b"content-length")][0].split(b":")[1])


def say(chain):
    with CONTEXT.wrap_socket(socket.create_connection(("127.0.0.1", PORT))) as s:
        s.sendall(request(chain))
        data = b""
        while not whole(data):
            data += s.recv(65536)


async def connect():
    return await asyncio.open_connection("127.0.0.1", PORT, ssl=CONTEXT)


async def read(reader):
    data = b""
    while not whole(data):
        data += await reader.read(65536)


async def ask(chain):
    reader, writer = await connect()
    writer.write(request(chain))
    await read(reader)
    writer.close()


def run(coroutine, factory=None):
    """asyncio.run, which calls who calls it."""
    if LOOP == "uvloop":
        import uvloop
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(coroutine)


HERE = [["task", "run"]]


def task():
    async def parent():
        await asyncio.create_task(ask([["task", "parent"]] + HERE))

    run(ask(HERE))
    run(parent())


def gather():
    async def leaf(n, chain):
        await asyncio.sleep(0.001 * n)
        await ask(chain)

    async def left():
        await asyncio.gather(*(leaf(n, [["task", "left"], ["task", "both"]] + HERE) for n in range(3)))

    async def right():
        await asyncio.gather(*(leaf(n, [["task", "right"], ["task", "both"]] + HERE) for n in range(3)))

    async def both():
        await asyncio.gather(left(), right())

    run(both())


def group():
    async def alpha(depth, chain):
        if depth == 0:
            return await ask(chain)
        async with asyncio.TaskGroup() as g:
            for _ in range(2):
                g.create_task(alpha(depth - 1, [["task", "alpha"]] + chain))

    run(alpha(2, HERE))


def eager():
    async def leaf(pair, chain):
        pair[1].write(request(HERE))  # still on its maker's stack
        await read(pair[0])
        pair[1].write(request(chain))
        await read(pair[0])
        pair[1].close()

    async def maker():
        pairs = [await connect() for _ in range(3)]
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        await asyncio.gather(*(leaf(pair, [["task", "maker"]] + HERE) for pair in pairs))

    run(maker())


def threads():
    async def spread():
        for _ in range(3):
            await asyncio.gather(*(asyncio.to_thread(say, [["work", "to_thread"], ["task", "spread"]] + HERE) for _ in range(3)))

    run(spread())


def executor():
    async def sends(chain):
        await asyncio.get_running_loop().run_in_executor(None, say, [["work", "sends"]] + chain)

    async def main():
        for _ in range(3):
            await asyncio.gather(*(sends([["task", "main"]] + HERE) for _ in range(4)))

    run(main())


def pool():
    chain = [["thread", "pool"]]
    workers = concurrent.futures.ThreadPoolExecutor(2)

    def first(n):
        return workers.submit(say, [["work", "first"]] + chain)

    def second(n):
        return workers.submit(say, [["work", "second"]] + chain)

    def third(n):
        def inner():
            say([["work", "third"]] + chain)
        return workers.submit(inner)

    def submit(how):
        for n in range(6):
            how(n).result()
            time.sleep(0.001)

    all_of_them = [threading.Thread(target=submit, args=(how,)) for how in (first, second, third)]
    for t in all_of_them:
        t.start()
    for t in all_of_them:
        t.join()
    workers.submit(say, [["work", "pool"]]).result()
    workers.shutdown()


def thread():
    def body():
        say([["thread", "thread"]])

    def outer():
        t = threading.Thread(target=say, args=([["thread", "outer"], ["thread", "thread"]],))
        t.start()
        t.join()

    for target in (body, outer, body):
        t = threading.Thread(target=target)
        t.start()
        t.join()
    say([])


def nested():
    async def leaf(chain):
        await ask([["task", "middle"]] + chain)

    async def middle(chain):
        await asyncio.gather(leaf(chain), leaf(chain))

    def inside(chain):
        run(middle([["task", "run"]] + chain))

    async def send(chain):
        await asyncio.get_running_loop().run_in_executor(None, inside, [["work", "send"]] + chain)

    async def main():
        await asyncio.gather(send([["task", "main"]] + HERE), send([["task", "main"]] + HERE))

    run(main())


def callback():
    async def main():
        loop = asyncio.get_running_loop()
        loop.call_later(0.01, say, [["callback", None]])
        await asyncio.sleep(0.3)

    run(main())


def anyio():
    import anyio as real

    async def first(chain):
        await ask(chain)

    async def spawn():
        async with real.create_task_group() as g:
            for _ in range(3):
                g.start_soon(first, [["task", "spawn"]] + HERE)
        for _ in range(3):
            await real.to_thread.run_sync(say, [["work", "spawn"]] + HERE)

    run(spawn())


def bare():
    import _thread
    done = threading.Event()

    def body():
        say([["unknown", None]])
        done.set()

    _thread.start_new_thread(body, ())
    done.wait()


def main():
    for kind in sys.argv[3:]:
        globals()[kind]()


if __name__ == "__main__":
    main()
