# SPDX-License-Identifier: BSD-2-Clause
"""Servers of other transports, with every byte kept as in server.py: WebSockets (RFC 6455, RFC 7692) and HTTP/2."""
import base64
import hashlib
import json
import struct
import sys
import zlib
from pathlib import Path

from .server import Server

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "conformance"))
import h2  # noqa: E402


class SocketServer(Server):
    """answer(message) -> [messages], as JSON; packs with permessage-deflate when the client offers it."""

    def _exchange(self, sock, connection):
        buffer = bytearray()
        while b"\r\n\r\n" not in buffer:
            if not self._more(sock, connection, buffer):
                return False
        head, _, rest = bytes(buffer).partition(b"\r\n\r\n")
        headers = {k.strip().lower(): v.strip() for k, v in (l.split(":", 1) for l in head.decode().split("\r\n")[1:])}
        accept = base64.b64encode(hashlib.sha1(
            (headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        packed = "permessage-deflate" in headers.get("sec-websocket-extensions", "")
        self._send(sock, connection, (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n" + ("Sec-WebSocket-Extensions: permessage-deflate\r\n" if packed else "")
            + "\r\n").encode())
        self._talk(sock, connection, bytearray(rest), packed)
        return False

    def _talk(self, sock, connection, buffer, packed):
        inflater, packer = zlib.decompressobj(-15), zlib.compressobj(6, zlib.DEFLATED, -15)
        while True:
            frame = self._frame(sock, connection, buffer)
            if frame is None or frame[0] & 0x0f == 8:
                self._send(sock, connection, b"\x88\x00")
                return
            first, data = frame
            if first & 0x0f not in (1, 2):
                continue
            assert first & 0x80, "the client sends fragments"
            if first & 0x40:
                data = inflater.decompress(data + b"\x00\x00\xff\xff")
            for message in self.answer(json.loads(data)):
                text = json.dumps(message).encode()
                if packed:
                    text = (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
                head = bytes([0xc1 if packed else 0x81])
                head += bytes([len(text)]) if len(text) < 126 else b"\x7e" + struct.pack(">H", len(text))
                self._send(sock, connection, head + text)

    def _frame(self, sock, connection, buffer):
        def need(n):
            while len(buffer) < n:
                if not self._more(sock, connection, buffer):
                    return False
            return True

        if not need(2):
            return None
        size, at = buffer[1] & 0x7f, 2
        if size >= 126:
            at += 2 if size == 126 else 8
            if not need(at):
                return None
            size = int.from_bytes(buffer[2:at], "big")
        if not need(at + 4 + size):
            return None
        mask, data = buffer[at:at + 4], buffer[at + 4:at + 4 + size]
        first = buffer[0]
        del buffer[:at + 4 + size]
        return first, bytes(b ^ mask[i & 3] for i, b in enumerate(data))


class Http2Server(Server):
    """answer() -> rig.server.Answer for every request, whatever it asks; each connection speaks HTTP/2."""

    def __init__(self, answer):
        super().__init__(answer)
        self.context.set_alpn_protocols(["h2"])

    def _exchange(self, sock, connection):
        buffer, encoder = bytearray(), h2.Encoder()

        def need(n):
            while len(buffer) < n:
                if not self._more(sock, connection, buffer):
                    return False
            return True

        if not need(len(h2.PREFACE)):
            return False
        assert bytes(buffer[:len(h2.PREFACE)]) == h2.PREFACE
        del buffer[:len(h2.PREFACE)]
        self._send(sock, connection, h2.frame(h2.SETTINGS, 0, 0))
        while need(9):
            size, kind, flags = int.from_bytes(buffer[:3], "big"), buffer[3], buffer[4]
            stream = int.from_bytes(buffer[5:9], "big")
            if not need(9 + size):
                break
            del buffer[:9 + size]
            if kind == h2.SETTINGS and not flags & 1:
                self._send(sock, connection, h2.frame(h2.SETTINGS, 1, 0))
            elif kind == h2.PING and not flags & 1:
                self._send(sock, connection, h2.frame(h2.PING, 1, 0, bytes(8)))
            elif kind in (h2.DATA, h2.HEADERS) and flags & h2.END_STREAM:
                for frames in self.frames(encoder, stream):
                    self._send(sock, connection, frames)
        return False

    def frames(self, encoder, stream):
        """What is sent when the request on this stream is whole."""
        a = self.answer()
        body = b"".join(a.chunks) if a.chunks is not None else a.body
        yield h2.headers(encoder, stream, [(":status", str(a.status)), *a.headers.items()], False)
        yield h2.data(stream, body, 700)
