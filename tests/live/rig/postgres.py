# SPDX-License-Identifier: BSD-2-Clause
"""As much of a PostgreSQL server as a client needs that logs in over TLS and asks for one value: the wire protocol 3.0.

    server = Postgres()              answers each query with the query's own text
    server.port, server.connections  as of rig.server
"""
import socket
import ssl
import struct
import tempfile
import threading

from .server import Connection, Server, make_certificate

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
NO_OID = 25  # text


def message(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


class Postgres(Server):
    def __init__(self):  # no HTTP here: nothing of the other one's start is wanted
        self.connections = []
        self.directory = tempfile.TemporaryDirectory(prefix="rig-")
        self.ca, key = make_certificate(self.directory.name)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.ca, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.stopping = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _serve(self, raw, peer):
        connection = Connection(peer)
        if raw.recv(8, socket.MSG_WAITALL) != SSL_REQUEST:
            raw.close()
            return
        raw.sendall(b"S")
        try:
            sock = self.context.wrap_socket(raw, server_side=True)
        except (OSError, ssl.SSLError):
            raw.close()
            return
        with self.lock:
            self.connections.append(connection)
        try:
            self._talk(sock, connection)
        except (OSError, ssl.SSLError, ValueError):
            pass
        connection.closed = True
        sock.close()

    def _take(self, sock, connection, buffer, size):
        while len(buffer) < size:
            if not self._more(sock, connection, buffer):
                raise ValueError("cut")
        taken = bytes(buffer[:size])
        del buffer[:size]
        return taken

    def _talk(self, sock, connection):
        buffer = bytearray()
        size, = struct.unpack("!i", self._take(sock, connection, buffer, 4))
        self._take(sock, connection, buffer, size - 4)
        self._send(sock, connection, message(b"R", struct.pack("!i", 0)) +
                   b"".join(message(b"S", k + b"\0" + v + b"\0") for k, v in ((b"server_version", b"16.0"), (b"client_encoding", b"UTF8"),
                                                                              (b"standard_conforming_strings", b"on"))) +
                   message(b"K", struct.pack("!ii", 1, 1)) + message(b"Z", b"I"))
        while True:
            kind = self._take(sock, connection, buffer, 1)
            size, = struct.unpack("!i", self._take(sock, connection, buffer, 4))
            body = self._take(sock, connection, buffer, size - 4)
            if kind == b"X":
                while self._more(sock, connection, buffer):
                    pass
                return
            if kind == b"Q":
                self._send(sock, connection, self._result(body.rstrip(b"\0")))

    @staticmethod
    def _result(text):
        if not text.startswith(b"select"):
            return message(b"C", b"SET\0") + message(b"Z", b"I")
        column = b"value\0" + struct.pack("!ihihih", 0, 0, NO_OID, -1, -1, 0)
        return (message(b"T", struct.pack("!h", 1) + column) + message(b"D", struct.pack("!hi", 1, len(text)) + text) +
                message(b"C", b"SELECT 1\0") + message(b"Z", b"I"))
