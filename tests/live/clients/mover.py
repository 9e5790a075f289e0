# SPDX-License-Identifier: BSD-2-Clause
"""Moves bytes over TLS with the standard library alone: mover.py WHAT URL CA [N]

sizes      posts bodies of 1 B to 16 MiB, each answered with as many, in random pieces
asyncio    the same through asyncio streams (MemoryBIO)
threads    8 threads, N small reads each
children   one request each by fork, exec, posix_spawn and a thread
once       one request
late       waits for a line on stdin, then imports ssl and makes one request
loop       one request after another until stdin ends
turns      for each line on stdin: N makes N requests, each on a connection of its own; fork has a child make one
paths      GETs the paths given as further arguments on one connection, prints status and length of each"""
import os
import random
import sys
import threading
import urllib.parse

WHAT, URL, CA = sys.argv[1:4]
TARGET = urllib.parse.urlsplit(URL)
SIZES = [1, 2, 7, 100, 4095, 4096, 4097, 16383, 16384, 16385, 100003, 1 << 20, (5 << 20) + 1, 16 << 20]


def connect():
    import http.client
    import ssl
    return http.client.HTTPSConnection(TARGET.hostname, TARGET.port, context=ssl.create_default_context(cafile=CA), timeout=60)


def post(connection, body, path="/echo"):
    connection.request("POST", path, body, {"content-type": "application/octet-stream"})
    return connection.getresponse().read()


def sizes():
    connection, rng = connect(), random.Random(1)
    for size in SIZES:
        got = post(connection, rng.randbytes(size) if hasattr(rng, "randbytes") else bytes(size))
        assert len(got) == size, (len(got), size)
    connection.close()


def asyncio_streams():
    import asyncio
    import ssl

    async def go():
        context = ssl.create_default_context(cafile=CA)
        reader, writer = await asyncio.open_connection(TARGET.hostname, TARGET.port, ssl=context)
        rng = random.Random(2)
        for size in SIZES:
            body = bytes(rng.getrandbits(8) for _ in range(min(size, 1000))) * (size // 1000 + 1)
            body = body[:size]
            writer.write(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size)
            at = 0
            while at < size:
                piece = rng.randint(1, 200000)
                writer.write(body[at:at + piece])
                at += piece
                await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(l.split(b":")[1]) for l in head.lower().split(b"\r\n") if l.startswith(b"content-length"))
            assert len(await reader.readexactly(length)) == size
        writer.close()

    asyncio.run(go())


def small_reads(count):
    import socket
    import ssl
    context = ssl.create_default_context(cafile=CA)
    sock = context.wrap_socket(socket.create_connection((TARGET.hostname, TARGET.port)), server_hostname=TARGET.hostname)
    sock.sendall(b"GET /small?n=%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % count)
    total = 0
    while True:
        data = sock.recv(4096)
        total += len(data)
        if not data or total >= count * 100:
            break
    sock.close()


def threads():
    count = int(sys.argv[4])
    workers = [threading.Thread(target=small_reads, args=(count,)) for _ in range(8)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()


def once(path="/once"):
    connection = connect()
    post(connection, b"one", path)
    connection.close()


def children():
    import subprocess
    pid = os.fork()
    if pid == 0:
        once("/fork")
        os._exit(3)
    os.waitpid(pid, 0)
    again = [sys.executable, __file__, "once", URL, CA]
    subprocess.run(again + ["/exec"], check=True, preexec_fn=lambda: None)  # fork and exec
    pid = os.posix_spawn(sys.executable, again + ["/spawn"], os.environ)
    os.waitpid(pid, 0)
    t = threading.Thread(target=once, args=("/thread",))
    t.start()
    t.join()


def late():
    assert "ssl" not in sys.modules
    print("waiting", flush=True)
    sys.stdin.readline()
    once("/late")
    print("done", flush=True)


def loop():
    print("running", flush=True)
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    connection, n = connect(), 0
    while not stop.is_set():
        post(connection, b"turn %d" % n)
        n += 1
    connection.close()
    print("turns", n, flush=True)


def turns():
    connect()
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() != "fork":
            for _ in range(int(line)):
                once("/turn")
        elif (pid := os.fork()) == 0:
            once("/fork")
            os._exit(0)
        else:
            os.waitpid(pid, 0)
        print("done", flush=True)


def paths():
    connection = connect()
    for path in sys.argv[4:]:
        connection.request("GET", path)
        r = connection.getresponse()
        print(r.status, len(r.read()))
    connection.close()


{"sizes": sizes, "asyncio": asyncio_streams, "threads": threads, "children": children, "late": late, "loop": loop, "turns": turns,
 "paths": paths, "once": lambda: once(sys.argv[4] if len(sys.argv) > 4 else "/once")}[WHAT]()
