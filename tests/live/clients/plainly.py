# SPDX-License-Identifier: BSD-2-Clause
"""Moves bytes without TLS. usage: plainly.py WHAT ARGUMENT…; prints JSON of what it moved, to compare."""
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request

CHAT = json.dumps({"model": "llama3.2", "messages": [{"role": "user", "content": "Why is the sky blue?"}]})
JSON = {"content-type": "application/json"}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def chat(connection):
    connection.request("POST", "/api/chat", CHAT, JSON)
    answer = connection.getresponse().read()
    connection.close()
    return len(answer)


def tcp(port):
    print(chat(http.client.HTTPConnection("127.0.0.1", int(port))))


def unix(path):
    print(chat(UnixConnection(path)))


def ollama_package(port):
    import ollama
    client = ollama.Client(host=f"http://127.0.0.1:{port}")
    said = [part.message.content for part in client.chat("llama3.2", [{"role": "user", "content": "Why?"}], stream=True)]
    print("".join(said))


def httpx_client(port):
    import httpx
    with httpx.Client() as client, client.stream("POST", f"http://127.0.0.1:{port}/api/chat", content=CHAT, headers=JSON) as r:
        print(sum(len(line) for line in r.iter_lines()))


def both(port, url, ca):
    """TLS and plain TCP in one process, at the same time."""
    context = ssl.create_default_context(cafile=ca)
    with urllib.request.urlopen(urllib.request.Request(url + "/tls", b"x" * 5000), context=context) as r:
        print(len(r.read()), chat(http.client.HTTPConnection("127.0.0.1", int(port))))


def proxy(port, url, ca):
    """A tunnel through a proxy that speaks plain HTTP: TLS on the very same socket."""
    host, target = url.split("//")[1].split(":")
    c = http.client.HTTPSConnection("127.0.0.1", int(port), context=ssl.create_default_context(cafile=ca))
    c.set_tunnel(host, int(target))
    c.request("POST", "/through", b"y" * 3000)
    print(len(c.getresponse().read()))


def calls(port):
    """Every system call that moves bytes, and some that move none."""
    s = socket.create_connection(("127.0.0.1", int(port)))
    fd = s.fileno()
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    body = bytes(range(256)) * 300
    s.sendall(head % len(body))
    done = 0
    while done < len(body):
        part, way = body[done:done + 20000], (done // 20000) % 4
        if way == 0:
            done += os.write(fd, part)
        elif way == 1:
            done += os.writev(fd, [part[:1], b"", part[1:7000], part[7000:]])
        elif way == 2:
            done += s.sendmsg([part[:333], part[333:]])
        else:
            done += s.send(part)
    s.recv(100, socket.MSG_PEEK)
    got = b""
    while len(got) < len(body):
        way = len(got) % 4
        if way == 0:
            got += os.read(fd, 7001)
        elif way == 1:
            buffers = [bytearray(3), bytearray(0), bytearray(5000), bytearray(9000)]
            n = os.readv(fd, buffers)
            got += b"".join(map(bytes, buffers))[:n]
        elif way == 2:
            got += s.recvmsg(5003)[0]
        else:
            got += s.recv(4097)
    s.close()
    print(len(got))


def mcp(server, count):
    """The client of an MCP server over its standard input and output."""
    p = subprocess.Popen([sys.executable, server], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    sent, received = b"", b""

    def ask(message):
        nonlocal sent, received
        line = json.dumps(message).encode() + b"\n"
        sent += line
        p.stdin.write(line)
        p.stdin.flush()
        if "id" in message:
            received += p.stdout.readline()

    ask({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}}})
    ask({"jsonrpc": "2.0", "method": "notifications/initialized"})
    for i in range(int(count)):
        ask({"jsonrpc": "2.0", "id": i + 1, "method": "tools/call", "params": {"name": "add", "arguments": {"a": i, "b": "x" * i * 100}}})
    p.stdin.close()
    p.wait()
    print("said " + json.dumps({"pid": os.getpid(), "child": p.pid, "sent": sent.decode(), "received": received.decode()}))


def sockets(count):
    """Two lines each way over an unnamed pair of sockets, between a process and its child."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        f = theirs.makefile("rwb")
        for line in f:
            f.write(line.upper())
            f.flush()
        os._exit(0)
    theirs.close()
    f = ours.makefile("rwb")
    for i in range(int(count)):
        f.write(b'{"n": %d}\n' % i)
        f.flush()
        f.readline()
    f.close()
    ours.close()
    os.wait()
    print(count)


def noise(count):
    """What is no conversation: wake-ups, pickles, logs."""
    import multiprocessing
    a, b = socket.socketpair()
    r, w = os.pipe()
    for i in range(int(count)):
        a.send(b"\0")
        b.recv(10)
        os.write(w, b"INFO: line %d\n" % i)
        os.read(r, 100)
    parent, child = multiprocessing.Pipe()
    thread = threading.Thread(target=lambda: [child.send(x * 2) for x in iter(child.recv, None)])
    thread.start()
    for i in range(20):
        parent.send({"n": i} and i)
        parent.recv()
    parent.send(None)
    thread.join()
    print("quiet")


TALKS = {  # what a client says, and what it hears
    "postgres": [(b"\0\0\0\x08\x04\xd2\x16\x2f", b"N"), (b"\0\0\0\x26\0\x03\0\0user\0anna\0database\0books\0\0", b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I")] +
                [(b"Q\0\0\0\x0dSELECT 1\0", b"T\0\0\0\x1a\0\x01x\0D\0\0\0\x0b\0\x01\0\0\0\x011C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I")] * 100,
    "redis": [(b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", b"$5\r\nhello\r\n")] * 100 + [(b"PING\r\n", b"+PONG\r\n"), (b"SET a {}\r\n", b"+OK\r\n"),
                                                                              (b"GET a\r\n", b'$9\r\n{"a": 1}\n\r\n')] * 20,
    "smtp": [(b"EHLO localhost\r\n", b"250-localhost\r\n250 SIZE 1000000\r\n"), (b"MAIL FROM:<anna@example.org>\r\n", b"250 OK\r\n"),
             (b"RCPT TO:<otto@example.org>\r\n", b"250 OK\r\n"), (b"DATA\r\n", b"354 go\r\n"),
             (b"Subject: POST / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n.\r\n", b"250 OK\r\n"), (b"QUIT\r\n", b"221 bye\r\n")] * 20,
    "nats": [(b'CONNECT {"verbose":false}\r\nPING\r\n', b"PONG\r\n"), (b"PUB a 5\r\nhello\r\n", b'INFO {"a":1}\r\n')] * 20,
    "ssh": [(b"SSH-2.0-OpenSSH_9.2p1\r\n", b"SSH-2.0-OpenSSH_9.2p1\r\n"), (bytes(range(200, 256)), bytes(range(100)))] * 30,
    "jsonlines": [(b'{"level":"info"}\n', b'{"ok":true}\n')] * 100,
}


def strangers():
    """Other protocols over TCP."""
    for talk in TALKS.values():
        listener = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        for says, hears in talk:
            client.sendall(says)
            server.recv(65536)
            server.sendall(hears)
            client.recv(65536)
        for s in (client, server, listener):
            s.close()
    print("said")


def files():
    """Two answers on one connection, whose bodies come out of a file."""
    import tempfile
    size = 90000
    with tempfile.TemporaryFile() as f, socket.create_server(("127.0.0.1", 0)) as listener:
        f.write((b"GET / HTTP/1.1\r\n\r\n" * 5000)[:size])
        f.flush()
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()

        def ask():
            for i in range(2):
                client.sendall(b"GET /file%d HTTP/1.1\r\nHost: a\r\n\r\n" % i)
                got = b""
                while not got.endswith(b"end"):
                    got += client.recv(65536)

        thread = threading.Thread(target=ask)
        thread.start()
        for _ in range(2):
            server.recv(1000)
            server.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % (size + 3))
            at = 0
            while at < size:
                at += os.sendfile(server.fileno(), f.fileno(), at, size - at)
            server.sendall(b"end")
        thread.join()
        client.close()
        server.close()
    print("sent")


def idle(port, count):
    """Has many connections that say nothing; then each says something."""
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(int(count), (hard - 100) // 2)
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    pairs = []
    for _ in range(count):
        client = socket.create_connection(listener.getsockname())
        pairs.append((client, listener.accept()[0]))
    print("ready", flush=True)
    sys.stdin.readline()
    for client, server in pairs:
        client.sendall(b"hello")
        server.recv(10)
    chat(http.client.HTTPConnection("127.0.0.1", int(port)))
    for client, server in pairs:
        client.close()
        server.close()
    for _ in range(200):  # descriptors and open files that others had
        chat(http.client.HTTPConnection("127.0.0.1", int(port)))
    print("done", flush=True)
    sys.stdin.readline()


def waiting(port):
    """Says something on an open connection each time it is told to."""
    c = http.client.HTTPConnection("127.0.0.1", int(port))
    c.request("POST", "/api/chat", CHAT, JSON)
    c.getresponse().read()
    print("ready", flush=True)
    for _ in sys.stdin:
        c.request("POST", "/api/chat", CHAT, JSON)
        print(len(c.getresponse().read()), flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
