# SPDX-License-Identifier: BSD-2-Clause
"""Writes over TLS from stacks of every kind: stacks.py PORT KIND...; any CPython from 3.8 on. Each request asks for
/KIND/N. The lines that stack_test.py expects are marked `# at NAME`."""
import asyncio
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

PORT = int(sys.argv[1])
CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE


def request(path):
    return f"GET /{path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()


def connect():
    return CONTEXT.wrap_socket(socket.create_connection(("127.0.0.1", PORT)))


def say(path, sock=None):
    with sock or connect() as s:
        s.sendall(request(path))  # at say
        assert s.recv(4096)


def plain():
    say("plain/0")  # at plain


def kept():
    sock = connect()
    for n in range(3):
        sock.sendall(request(f"kept/{n}"))  # at kept
        assert sock.recv(4096)
    sock.close()


def thread():
    def body():
        say("thread/0")  # at body

    t = threading.Thread(target=body)
    t.start()
    t.join()


async def write(path):
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT, ssl=CONTEXT)
    for n in range(2):
        writer.write(request(f"{path}/{n}"))  # at write
        await writer.drain()
        assert await reader.read(4096)
    writer.close()


async def alone():
    await write("task")  # at alone


def task():
    async def main():
        t = asyncio.ensure_future(alone())
        if hasattr(t, "set_name"):
            t.set_name("walker")
        await t

    asyncio.run(main())  # at task


class Agent:
    async def inner(self):
        await asyncio.sleep(0)
        await write("nested")  # at inner

    async def middle(self):
        await self.inner()  # at middle

    async def run(self):
        await asyncio.gather(self.middle(), asyncio.sleep(0))


def nested():
    asyncio.run(Agent().run())  # at nested


def executor():
    def work():
        say("executor/0")  # at work

    async def main():
        await asyncio.get_running_loop().run_in_executor(None, work)

    asyncio.run(main())


def generator():
    def items():
        say("generator/0")  # at items
        yield 1

    for _ in items():  # at generator
        pass


def callback():
    def key(n):
        if n == 2:
            say("callback/0")  # at key
        return -n

    sorted([1, 2], key=key)  # at callback


def deep(n, path):
    if n:
        return deep(n - 1, path)  # at deep
    say(path)  # at bottom


def depth():
    deep(199, "depth/0")  # at depth


def beyond():
    sys.setrecursionlimit(3000)
    deep(299, "beyond/0")


class Maker:
    def __init__(self, path):
        say(path)  # at init


def make():
    for n in range(60):  # in the end the call is specialised
        if n % 59 == 0:
            Maker(f"make/{n // 59}")  # at make
        else:
            Maker.__init__, Quiet()


class Quiet:
    def __init__(self):
        pass


def made(name, file, before, path):
    """A function that lives for one call, and on whose address the next one is likely to lie."""
    space = {"say": say}
    exec(compile("\n" * before + f"def {name}():\n    say({path!r})\n", file, "exec"), space)
    space[name]()  # at made


def reuse():
    for n in range(12):
        made(f"born_{n}", f"life_{n}.py", n, f"reuse/{n}")


def names():
    made("größe", "früh.py", 1, "names/0")
    made("имя", "файл.py", 2, "names/1")
    made("名前", "文.py", 3, "names/2")
    made("n" * 700, "f" * 700, 4, "names/3")


def table():
    for n, lines in enumerate([100, 600, 3000, 9000]):
        space = {"say": say}
        body = "    x = 1\n" * lines
        exec(compile(f"def long():\n{body}    say('table/{n}')\n", "long.py", "exec"), space)
        space["long"]()


def fork():
    pid = os.fork()
    if pid == 0:
        try:
            say("fork/0")  # at fork
        finally:
            os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


def many():
    def body(n):
        barrier.wait()
        for i in range(5):
            say(f"many/{n * 5 + i}")  # at many

    barrier = threading.Barrier(8)
    threads = [threading.Thread(target=body, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def churn():
    """Threads come and go while others are looked for among them."""
    over = threading.Event()

    def spin():
        while not over.is_set():
            t = threading.Thread(target=int)
            t.start()
            t.join()

    spinners = [threading.Thread(target=spin) for _ in range(3)]
    for t in spinners:
        t.start()
    for n in range(40):
        t = threading.Thread(target=lambda n=n: say(f"churn/{n}"))  # at churn
        t.start()
        t.join()
    over.set()
    for t in spinners:
        t.join()


def inside():
    """Code that a second interpreter runs in this thread, and the first one's own while that one is idle."""
    try:
        import _interpreters as interpreters
        idle, busy = interpreters.create("legacy"), interpreters.create("legacy")
    except ImportError:
        import _xxsubinterpreters as interpreters
        idle, busy = (interpreters.create(**({} if sys.version_info < (3, 9) else {"isolated": False})) for _ in range(2))
    say("inside/0")  # at inside
    interpreters.run_string(busy, f"""
import socket, ssl
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
def within():
    with context.wrap_socket(socket.create_connection(("127.0.0.1", {PORT}))) as s:
        s.sendall(b"GET /inside/1 HTTP/1.1\\r\\nhost: localhost\\r\\n\\r\\n")
        assert s.recv(4096)
within()
""")
    say("inside/2")  # at after
    interpreters.destroy(busy)
    interpreters.destroy(idle)


def paced():
    """A request each 50 ms, for five seconds."""
    sock = connect()
    for n in range(100):
        sock.sendall(request(f"paced/{n}"))
        assert sock.recv(4096)
        time.sleep(0.05)
    sock.close()


def websocket():
    """Messages without an answer between them."""
    sock = connect()
    sock.sendall(b"GET /websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += sock.recv(1)
    one(sock)
    two(sock)
    three(sock)
    sock.recv(4096)


def message(n):
    return b"\x81\x81" + bytes(4) + str(n).encode()


def one(sock):
    sock.sendall(message(1))


def two(sock):
    sock.sendall(message(2))


def three(sock):
    sock.sendall(message(3))


def http2():
    """A request right behind the preface."""
    sock = connect()
    sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    one(sock)
    two(sock)


def bare():
    """HTTP without TLS; its head and its body in one system call."""
    with socket.create_connection(("127.0.0.1", int(os.environ["BARE_PORT"]))) as s:
        for n in range(2):
            head = f"POST /bare/{n} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n".encode()
            s.sendmsg([head, b"{}"])  # at bare
            assert s.recv(4096)


def pipe():
    """Messages of JSON to a child."""
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for n in range(2):
        child.stdin.write(b'{"jsonrpc": "2.0", "id": %d, "method": "tools/list"}\n' % n)
        child.stdin.flush()  # at pipe
        assert child.stdout.readline()
    child.stdin.close()
    child.wait()


def wait():
    """For those who attach: goes on when a line comes."""
    print("ready", flush=True)
    sys.stdin.readline()


def main():
    for kind in sys.argv[2:]:
        globals()[kind]()  # at main


main()
