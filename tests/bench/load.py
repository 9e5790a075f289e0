# SPDX-License-Identifier: BSD-2-Clause
"""The traced process of the bench: load.py WORKLOAD CA PORTS(JSON) [SIZE]

Says {"pid": N} when libssl is mapped and nothing has moved; a line on stdin starts the load; then one line of JSON with
what it cost this process. Workloads that hold a state say {"settled": true} first and go on at the next line."""
import asyncio
import http.client
import json
import os
import resource
import signal
import socket
import ssl
import sys
import threading
import time

WORKLOAD, CA, PORTS = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
SIZE = int(sys.argv[4]) if len(sys.argv) > 4 else 0
LIMIT_S = 120  # a load that hangs ends
CONTEXT = ssl.create_default_context(cafile=CA)


def say(value):
    print(json.dumps(value), flush=True)


def wait():
    return sys.stdin.readline()


def request(method, path, body=b""):
    return (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def connect(listener):
    sock = socket.create_connection(("127.0.0.1", PORTS[listener]))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return CONTEXT.wrap_socket(sock, server_hostname="localhost")


def chat_request(size, nonce=""):
    text = "The quarter was better than the one before, said the report, and nobody believed it. "
    messages = [{"role": "system", "content": "You are a careful analyst." + nonce}]
    while size > 0:
        messages.append({"role": "user" if len(messages) % 2 else "assistant", "content": text * min(20, size // len(text) + 1)})
        size -= len(messages[-1]["content"])
    return {"model": "gpt-5", "messages": messages}


# ---- workloads: each returns facts beside its cost ----

def streams():
    """8 model answers, each a chunk every 5 ms, read as an agent reads them."""
    async def one():
        reader, writer = await asyncio.open_connection("127.0.0.1", PORTS["asyncio"], ssl=CONTEXT, server_hostname="localhost")
        body = json.dumps(dict(chat_request(4000), stream=True)).encode()
        writer.write(request("POST", f"/stream/{SIZE}", body))
        seen = 0
        while True:
            line = await reader.readline()
            if line.startswith(b"data: {"):
                json.loads(line[6:])
                seen += 1
            if line.startswith(b"data: [DONE]"):
                break
        while await reader.readline() != b"0\r\n":
            pass
        await reader.readline()
        writer.close()
        await writer.wait_closed()
        return seen

    async def all_of_them():
        return await asyncio.gather(*(one() for _ in range(8)))

    chunks = sum(asyncio.run(all_of_them()))
    assert chunks == 8 * SIZE, chunks
    return {"chunks": chunks}


def sync():
    connection = http.client.HTTPSConnection("localhost", PORTS["threads"], context=CONTEXT)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for turn in range(SIZE):
        body = json.dumps(chat_request(20000, str(turn)))
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        json.loads(connection.getresponse().read())
    connection.close()
    return {"calls": SIZE}


def burst():
    ready = threading.Barrier(8)

    def one():
        sock = connect("records")
        ready.wait()
        sock.sendall(request("GET", f"/burst/{SIZE // 8}"))
        buffer, total, reads = bytearray(4096), 0, 0
        while True:
            n = sock.recv_into(buffer)
            reads += 1
            total += n if reads > 1 else 0  # the head is a record of its own
            if n == 0 or total >= SIZE // 8 * 100:
                break
        assert total == SIZE // 8 * 100, total
        sock.close()
        counts.append(reads)

    counts = []
    workers = [threading.Thread(target=one) for _ in range(8)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert len(counts) == 8
    return {"reads": sum(counts)}


def writes():
    sock, body = connect("threads"), bytes(range(256)) * (1 << 16)
    for _ in range(SIZE):
        sock.sendall(request("POST", "/upload", b"")[:-4].replace(b"Content-Length: 0", b"Content-Length: %d" % len(body)) +
                     b"\r\n\r\n")
        sock.sendall(body)
        assert sock.recv(65536)
    sock.close()
    return {"writes": SIZE}


def large():
    sock = connect("threads")
    sock.sendall(request("GET", f"/large/{SIZE}"))
    buffer, total, reads = bytearray(65536), 0, 0
    while total < SIZE:
        n = sock.recv_into(buffer)
        assert n, "cut"
        reads += 1
        total += n if reads > 1 else 0
    sock.close()
    return {"reads": reads}


def pairs():
    """Calls without a network: bytes go from one TLS object to another in memory, SIZE times a payload."""
    s = ssl
    server = s.SSLContext(s.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(CA, CA.replace("cert.pem", "key.pem"))
    up, down = s.MemoryBIO(), s.MemoryBIO()
    a = CONTEXT.wrap_bio(down, up, server_hostname="localhost")
    b = server.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for end in (a, b):
            try:
                end.do_handshake()
            except s.SSLWantReadError:
                pass
    facts = {}
    for size in (64, 4096):
        payload, start, cpu = bytes(size), time.perf_counter(), time.process_time()
        for _ in range(SIZE):
            a.write(payload)
            b.read(8192)
        facts[f"us_per_call_{size}"] = (time.perf_counter() - start) / SIZE / 2 * 1e6
        facts[f"cpu_us_per_call_{size}"] = (time.process_time() - cpu) / SIZE / 2 * 1e6
    facts["bytes"] = SIZE * (64 + 4096)
    return facts


def connections():
    """SIZE connections, each after one small exchange; then 2 s with 100 of them busy while the others are idle."""
    async def open_one(gate):
        async with gate:
            reader, writer = await asyncio.open_connection("127.0.0.1", PORTS["asyncio"], ssl=CONTEXT,
                                                           server_hostname="localhost", limit=1 << 16)
            await call(reader, writer)
            return reader, writer

    async def call(reader, writer):
        writer.write(request("GET", "/small"))
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)

    async def busy(pair, until):
        turns = 0
        while time.monotonic() < until:
            await call(*pair)
            turns += 1
            await asyncio.sleep(0.05)
        return turns

    async def go():
        gate = asyncio.Semaphore(64)
        held = await asyncio.gather(*(open_one(gate) for _ in range(SIZE)))
        turns = await asyncio.gather(*(busy(p, time.monotonic() + 2) for p in held[:100]))
        say({"settled": True})
        await asyncio.get_running_loop().run_in_executor(None, wait)
        for _, writer in held:
            writer.transport.abort()
        return sum(turns)

    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    return {"turns": asyncio.run(go())}


def idle():
    sock = connect("threads")
    sock.sendall(request("GET", "/one"))
    assert sock.recv(65536)
    say({"settled": True})
    wait()
    sock.close()
    return {}


def calm():
    """100 records a second: a small call each 20 ms for SIZE seconds."""
    sock, end, turns = connect("threads"), time.monotonic() + SIZE, 0
    while time.monotonic() < end:
        sock.sendall(request("GET", "/one"))
        assert sock.recv(65536)
        turns += 1
        time.sleep(0.02)
    sock.close()
    return {"turns": turns}


def ticks():
    """A call each millisecond until told to stop; says when each began."""
    stop = threading.Event()
    threading.Thread(target=lambda: (wait(), stop.set()), daemon=True).start()
    sock, at = connect("threads"), []
    say({"settled": True})
    while not stop.is_set():
        at.append(time.monotonic_ns())
        sock.sendall(request("GET", f"/tick/{len(at) - 1}"))
        assert sock.recv(65536)
        time.sleep(max(0, 0.001 - (time.monotonic_ns() - at[-1]) / 1e9))
    sock.close()
    return {"began_ns": at}


def main():
    signal.alarm(LIMIT_S)
    say({"pid": os.getpid()})
    if not wait():
        return
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    facts = globals()[WORKLOAD]()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    say(dict(facts, wall_s=wall, cpu_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
             user_s=after.ru_utime - before.ru_utime, sys_s=after.ru_stime - before.ru_stime))
    wait()  # alive until the tracer's cost was read: it ends with us


if __name__ == "__main__":
    main()
