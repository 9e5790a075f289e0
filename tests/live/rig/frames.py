# SPDX-License-Identifier: BSD-2-Clause
"""A server of protocols that speak in frames: HTTP/2 for who offers it (ALPN), and WebSockets for who asks for one.

    server = FrameServer(answer)     answer(body) -> [bytes]: the body of an HTTP/2 answer in one, a WebSocket's messages
"""
import base64
import hashlib
import struct

from .server import Server

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE = 0, 1, 4, 6, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def field(name, value):
    """HPACK: a literal without indexing, no Huffman code."""
    return b"\0" + b"".join(struct.pack(">B", len(s)) + s for s in (name.encode(), value.encode()))


class FrameServer(Server):
    def __init__(self, answer):
        super().__init__(answer)
        self.context.set_alpn_protocols(["h2", "http/1.1"])

    def _take(self, sock, connection, buffer, n):
        while len(buffer) < n:
            if not self._more(sock, connection, buffer):
                raise ValueError("cut")
        taken = bytes(buffer[:n])
        del buffer[:n]
        return taken

    def _exchange(self, sock, connection):
        if sock.selected_alpn_protocol() == "h2":
            self._http2(sock, connection)
        else:
            self._websocket(sock, connection)

    def _http2(self, sock, connection):
        buffer, bodies = bytearray(), {}
        if self._take(sock, connection, buffer, len(PREFACE)) != PREFACE:
            raise ValueError("no preface")
        # INITIAL_WINDOW_SIZE, and as much for the connection
        self._send(sock, connection, frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 1 << 30)) +
                   frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30)))
        while True:
            head = self._take(sock, connection, buffer, 9)
            kind, flags, stream = struct.unpack(">BBI", head[3:])
            payload = self._take(sock, connection, buffer, int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & ACK:
                self._send(sock, connection, frame(SETTINGS, ACK, 0))
            if kind == PING and not flags & ACK:
                self._send(sock, connection, frame(PING, ACK, 0, payload))
            if kind == DATA:
                bodies.setdefault(stream, bytearray()).extend(payload)
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                self._answer(sock, connection, stream, b"".join(self.answer(bytes(bodies.pop(stream, b"")))))

    def _answer(self, sock, connection, stream, body):
        self._send(sock, connection, frame(HEADERS, END_HEADERS, stream,
                                           b"\x88" + field("content-type", "application/json")))  # :status 200
        for at in range(0, len(body), 16384):
            last = at + 16384 >= len(body)
            self._send(sock, connection, frame(DATA, END_STREAM if last else 0, stream, body[at:at + 16384]))

    def _websocket(self, sock, connection):
        buffer = bytearray()
        while b"\r\n\r\n" not in buffer:
            if not self._more(sock, connection, buffer):
                raise ValueError("cut")
        head, _, rest = bytes(buffer).partition(b"\r\n\r\n")
        buffer = bytearray(rest)
        key = next(l.split(b":")[1].strip() for l in head.split(b"\r\n") if l.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
        self._send(sock, connection, ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                      f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode())
        while True:
            first, size = self._take(sock, connection, buffer, 2)
            size &= 0x7f
            if size >= 126:
                size = int.from_bytes(self._take(sock, connection, buffer, 2 if size == 126 else 8), "big")
            mask = self._take(sock, connection, buffer, 4)
            masked = self._take(sock, connection, buffer, size)
            if first & 0xf == 8:
                return
            whole = int.from_bytes(masked, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big")
            for text in self.answer(whole.to_bytes(size, "big")):
                n = len(text)
                self._send(sock, connection, b"\x81" + (struct.pack(">B", n) if n < 126 else b"\x7f" + struct.pack(">Q", n)) + text)
