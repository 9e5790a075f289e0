# SPDX-License-Identifier: BSD-2-Clause
"""A loopback TLS server that answers by script and keeps every plaintext byte of each connection.

    server = Server(answer)          answer(request) -> Answer, called in the connection's thread
    server.port, server.ca           a certificate authority file that clients can trust
    server.connections               [Connection]: received and sent bytes, in order of accepting
"""
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Request:
    method: str
    target: str
    headers: dict  # lower-case names
    body: bytes
    connection: "Connection"


@dataclass
class Answer:
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    chunks: list = None       # given: sent chunked, each piece by itself
    delay_s: float = 0        # before the head
    chunk_delay_s: float = 0
    close: bool = False       # after the answer
    cut: int = None           # close after so many bytes of the body
    raw: bytes = None         # given: sent as it is, nothing else
    pieces: list = None       # sizes of the writes that the whole answer is cut into (cycled)


@dataclass
class Connection:
    peer: tuple
    received: bytearray = field(default_factory=bytearray)
    sent: bytearray = field(default_factory=bytearray)
    server_name: str = None
    closed: bool = False


def make_certificate(directory):
    """A self-signed certificate for localhost and a few names that all lead to loopback here. By an elliptic curve: an RSA key
    takes 0.2 s to find, and most cases have a server of their own."""
    key, cert = Path(directory, "key.pem"), Path(directory, "cert.pem")
    names = "DNS:localhost,IP:127.0.0.1,DNS:api.openai.com,DNS:api.anthropic.com"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert, "-days", "30",
                    "-subj", "/CN=localhost", "-addext", f"subjectAltName={names}"], check=True, capture_output=True)
    return str(cert), str(key)


class Server:
    def __init__(self, answer):
        self.answer = answer
        self.connections = []
        self.directory = tempfile.TemporaryDirectory(prefix="rig-")
        self.ca, key = make_certificate(self.directory.name)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.ca, key)
        self.names = {}
        self.context.sni_callback = lambda sock, name, _: self.names.__setitem__(sock, name)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        self.lock = threading.Lock()
        self.stopping = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.stopping = True
        # closing alone leaves the thread in accept(); it may wake up on the descriptor's next owner
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.directory.cleanup()

    def wait_closed(self, timeout_s=10):
        """Until every connection has ended."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end and not all(c.closed for c in self.connections):
            time.sleep(0.01)

    def _accept(self):
        while not self.stopping:
            try:
                sock, peer = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock, peer), daemon=True).start()

    def _serve(self, raw, peer):
        connection = Connection(peer)
        try:
            sock = self._wrap(raw)
        except (OSError, ssl.SSLError):
            raw.close()
            return
        with self.lock:
            self.connections.append(connection)
        connection.server_name = self.names.pop(sock, None)
        try:
            while self._exchange(sock, connection):
                pass
        except (OSError, ssl.SSLError, ValueError):
            pass
        connection.closed = True
        try:
            sock.close()
        except OSError:
            pass

    def _wrap(self, raw):
        return self.context.wrap_socket(raw, server_side=True)

    def _more(self, sock, connection, buffer):
        data = sock.recv(65536)
        connection.received += data
        buffer += data
        return bool(data)

    def _exchange(self, sock, connection):
        buffer = getattr(connection, "rest", bytearray())
        while b"\r\n\r\n" not in buffer:
            if not self._more(sock, connection, buffer):
                return False
        head, _, rest = bytes(buffer).partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {k.strip().lower(): v.strip() for k, v in (l.split(":", 1) for l in lines[1:])}
        buffer = bytearray(rest)
        if headers.get("expect", "").lower() == "100-continue":
            self._send(sock, connection, b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._body(sock, connection, buffer, headers)
        connection.rest = buffer
        answer = self.answer(Request(method, target, headers, body, connection))
        return self._reply(sock, connection, method, answer) and headers.get("connection", "").lower() != "close"

    def _body(self, sock, connection, buffer, headers):
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = bytearray()
            while True:
                while b"\r\n" not in buffer:
                    if not self._more(sock, connection, buffer):
                        raise ValueError("cut")
                line, _, rest = bytes(buffer).partition(b"\r\n")
                size = int(line.split(b";")[0], 16)
                buffer[:] = rest
                while len(buffer) < size + 2:
                    if not self._more(sock, connection, buffer):
                        raise ValueError("cut")
                body += buffer[:size]
                del buffer[:size + 2]
                if size == 0:
                    return bytes(body)
        size = int(headers.get("content-length", 0))
        while len(buffer) < size:
            if not self._more(sock, connection, buffer):
                raise ValueError("cut")
        body = bytes(buffer[:size])
        del buffer[:size]
        return body

    def _send(self, sock, connection, data):
        """Counted before it goes out: a client that has read it finds it counted."""
        connection.sent += data
        sock.sendall(data)

    def _send_pieces(self, sock, connection, data, pieces):
        at, turn = 0, 0
        while at < len(data):
            size = pieces[turn % len(pieces)] if pieces else len(data)
            self._send(sock, connection, data[at:at + size])
            at, turn = at + size, turn + 1

    def _reply(self, sock, connection, method, a):
        if a.delay_s:
            time.sleep(a.delay_s)
        if a.raw is not None:
            self._send_pieces(sock, connection, a.raw, a.pieces)
            return not a.close
        headers = dict(a.headers)
        if a.chunks is not None:
            headers["transfer-encoding"] = "chunked"
        elif "content-length" not in headers:
            headers["content-length"] = str(len(a.body))
        head = f"HTTP/1.1 {a.status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        if a.chunks is None:
            body = a.body if a.cut is None else a.body[:a.cut]
            data = head.encode() + (b"" if method == "HEAD" else body)
            self._send_pieces(sock, connection, data, a.pieces)
            return not a.close and a.cut is None
        self._send(sock, connection, head.encode())
        left = a.cut
        for chunk in a.chunks:
            if a.chunk_delay_s:
                time.sleep(a.chunk_delay_s)
            if left is not None:
                chunk = chunk[:left]
                left -= len(chunk)
            if chunk:
                self._send_pieces(sock, connection, b"%x\r\n%s\r\n" % (len(chunk), chunk), a.pieces)
            if left == 0:
                return False
        self._send(sock, connection, b"0\r\n\r\n")
        return not a.close


def encode(data, coding):
    """Body bytes in a content encoding; None when this machine has no encoder for it."""
    if coding == "gzip":
        c = zlib.compressobj(6, zlib.DEFLATED, 31)
        return c.compress(data) + c.flush()
    if coding == "deflate":
        return zlib.compress(data)
    if coding == "raw-deflate":
        c = zlib.compressobj(6, zlib.DEFLATED, -15)
        return c.compress(data) + c.flush()
    if coding in ("br", "zstd"):
        tool = {"br": ["brotli", "-c", "-"], "zstd": ["zstd", "-q", "-c"]}[coding]
        try:
            return subprocess.run(tool, input=data, capture_output=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return None
    return data


class PlainServer(Server):
    """The same without TLS."""

    def __init__(self, answer):
        super().__init__(answer)
        self.url = f"http://127.0.0.1:{self.port}"

    def _wrap(self, raw):
        return raw
