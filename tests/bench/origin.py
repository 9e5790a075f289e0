# SPDX-License-Identifier: BSD-2-Clause
"""The server of the bench, a process of its own: origin.py DIRECTORY

Three TLS listeners, since one way of serving cannot do all loads without being what is measured:
  threads   blocking sockets, one thread a connection: plain calls, 16 MiB requests, the large response
  records   many small TLS records made beforehand and sent at once: the client alone sets the pace of a burst
  asyncio   paced streams, and connections by the thousand

It counts every plaintext byte of every connection; a line on stdin asks: `reset`, `stats` (with `digest`: hashes each
connection's bytes, which costs time and is for runs that are not measured)."""
import asyncio
import hashlib
import json
import os
import resource
import socket
import ssl
import subprocess
import sys
import threading
import time

CHUNK_TEXT = " token"


class Tally:
    """What moved over one connection."""

    def __init__(self, digest):
        self.received = self.sent = 0
        self.open = True
        self.hashes = (hashlib.sha256(), hashlib.sha256()) if digest else None

    def took(self, data):
        self.received += len(data)
        if self.hashes:
            self.hashes[0].update(data)

    def gave(self, data):
        self.sent += len(data)
        if self.hashes:
            self.hashes[1].update(data)

    def row(self):
        row = {"received": self.received, "sent": self.sent}
        if self.hashes:
            row["received_sha256"], row["sent_sha256"] = (h.hexdigest() for h in self.hashes)
        return row


class Tallies:
    def __init__(self):
        self.digest = False
        self.rows = []

    def open(self):
        tally = Tally(self.digest)
        self.rows.append(tally)
        return tally

    def stats(self, timeout_s=20):
        end = time.monotonic() + timeout_s
        while time.monotonic() < end and any(t.open for t in self.rows):
            time.sleep(0.01)
        rows = [t.row() for t in self.rows if t.received or t.sent]
        return {"open": sum(t.open for t in self.rows), "connections": rows,
                "received": sum(r["received"] for r in rows), "sent": sum(r["sent"] for r in rows)}


# ---- what is answered ----

def answer_head(size, kind="application/json"):
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode()


def chat_answer():
    body = json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1790000000, "model": "gpt-5-2025-08-07",
                       "choices": [{"index": 0, "finish_reason": "stop",
                                    "message": {"role": "assistant", "content": "It depends on the weather. " * 40}}],
                       "usage": {"prompt_tokens": 800, "completion_tokens": 240, "total_tokens": 1040}}).encode()
    return answer_head(len(body)) + body


def chat_chunk(index):
    event = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1790000000, "model": "gpt-5-2025-08-07",
             "choices": [{"index": 0, "delta": {"content": f"{CHUNK_TEXT}{index}"}, "finish_reason": None}]}
    data = b"data: " + json.dumps(event).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(data), data)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM_END = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


def parse_head(head):
    """Path, its number (`/burst/100` -> 100), length of the body."""
    path = head.split(b" ", 2)[1].decode()
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    last = path.rsplit("/", 1)[-1]
    return path, int(last) if last.isdigit() else 0, length


# ---- blocking sockets ----

class Threads:
    def __init__(self, context, tallies):
        self.context, self.tallies = context, tallies
        self.block = os.urandom(1 << 20) * 16
        self.chat = chat_answer()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, raw):
        tally = self.tallies.open()
        try:
            with self.context.wrap_socket(raw, server_side=True) as sock:
                buffer = bytearray(1 << 20)
                while self.exchange(sock, tally, buffer):
                    pass
        except (OSError, ssl.SSLError):
            pass
        tally.open = False

    def exchange(self, sock, tally, buffer):
        view, have = memoryview(buffer), 0
        while b"\r\n\r\n" not in buffer[:have]:
            n = sock.recv_into(view[have:])
            if n == 0:
                return False
            tally.took(view[have:have + n])
            have += n
        end = buffer.index(b"\r\n\r\n") + 4
        path, number, length = parse_head(bytes(buffer[:end]))
        length -= have - end
        while length > 0:
            n = sock.recv_into(view)
            if n == 0:
                return False
            tally.took(view[:n])
            length -= n
        if path.startswith("/large/"):
            self.send(sock, tally, answer_head(number, "application/octet-stream"))
            while number > 0:
                piece = memoryview(self.block)[:min(number, len(self.block))]
                self.send(sock, tally, piece)
                number -= len(piece)
        else:
            self.send(sock, tally, self.chat)
        return True

    @staticmethod
    def send(sock, tally, data):
        tally.gave(data)
        sock.sendall(data)


class Records(Threads):
    """Answers GET /burst/N with N records of 100 bytes."""

    def serve(self, raw):
        tally = self.tallies.open()
        inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(inward, outward, server_side=True)
        try:
            self.pump(raw, inward, outward, tls.do_handshake)
            request = self.pump(raw, inward, outward, lambda: tls.read(65536))
            tally.took(request)
            count = parse_head(request)[1]
            for data in [answer_head(count * 100, "application/octet-stream")] + [b"%099d\n" % i for i in range(count)]:
                tls.write(data)
                tally.gave(data)
            raw.sendall(outward.read())
            while raw.recv(65536):
                pass
        except (OSError, ssl.SSLError):
            pass
        raw.close()
        tally.open = False

    @staticmethod
    def pump(raw, inward, outward, step):
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                result = None
                raw.sendall(outward.read())
                inward.write(raw.recv(65536) or b"")
                continue
            raw.sendall(outward.read())
            return result


# ---- asyncio ----

class Paced:
    def __init__(self, context, tallies):
        self.context, self.tallies = context, tallies
        self.port = None
        self.small = answer_head(2) + b"{}"
        self.started = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.go()), daemon=True).start()
        self.started.wait()

    async def go(self):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self.context, backlog=4096, limit=1 << 16)
        self.port = server.sockets[0].getsockname()[1]
        self.started.set()
        await server.serve_forever()

    async def serve(self, reader, writer):
        tally = self.tallies.open()
        try:
            while await self.exchange(reader, writer, tally):
                pass
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        tally.open = False
        writer.close()

    async def exchange(self, reader, writer, tally):
        head = await reader.readuntil(b"\r\n\r\n")
        path, number, length = parse_head(head)
        tally.took(head)
        tally.took(await reader.readexactly(length))
        if not path.startswith("/stream/"):
            tally.gave(self.small)
            writer.write(self.small)
            return True
        await self.stream(writer, tally, number, period_s=1 / 200)
        return True

    async def stream(self, writer, tally, count, period_s):
        loop = asyncio.get_running_loop()
        start = loop.time()
        for index in range(count):
            await asyncio.sleep(max(0, start + index * period_s - loop.time()))
            data = (STREAM_HEAD if index == 0 else b"") + chat_chunk(index)
            tally.gave(data)
            writer.write(data)
        tally.gave(STREAM_END)
        writer.write(STREAM_END)


def make_certificate(directory):
    """On an elliptic curve: ten thousand handshakes must not take minutes."""
    key, cert = os.path.join(directory, "key.pem"), os.path.join(directory, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                    key, "-out", cert, "-days", "3", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    return cert, key


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    cert, key = make_certificate(sys.argv[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.num_tickets = 0
    tallies = Tallies()
    ports = {"threads": Threads(context, tallies).port, "records": Records(context, tallies).port,
             "asyncio": Paced(context, tallies).port}
    print(json.dumps({"ca": cert, "ports": ports}), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["reset"]:
            tallies.rows, tallies.digest = [], "digest" in words
            print("{}", flush=True)
        elif words[:1] == ["stats"]:
            print(json.dumps(tallies.stats()), flush=True)


if __name__ == "__main__":
    main()
