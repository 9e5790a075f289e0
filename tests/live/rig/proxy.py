# SPDX-License-Identifier: BSD-2-Clause
"""A proxy on loopback: CONNECT leads to one server, whatever is asked for, and so does a target in absolute form.

    proxy = Proxy(port, context)     context: TLS to the proxy itself; None: it is spoken to in the clear
    proxy.connections                [Connection] as in server.py: what it moved, after its own TLS; in the clear only until the
                                     tunnel stands, since nothing behind it is read
    proxy.asked                      [first line of each request]
"""
import select
import socket
import ssl
import threading
import time

from .server import Connection


class Proxy:
    def __init__(self, port, context=None):
        self.port_behind, self.context = port, context
        self.connections, self.asked, self.lock = [], [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://localhost:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def wait_closed(self, timeout_s=10):
        end = time.monotonic() + timeout_s
        while time.monotonic() < end and not all(c.closed for c in self.connections):
            time.sleep(0.01)

    def _accept(self):
        while True:
            try:
                sock, peer = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock, peer), daemon=True).start()

    def _serve(self, sock, peer):
        connection = Connection(peer)
        try:
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
        except (OSError, ssl.SSLError):
            sock.close()
            return
        with self.lock:
            self.connections.append(connection)
        try:
            self._pass(sock, connection)
        except (OSError, ssl.SSLError):
            pass
        connection.closed = True
        sock.close()

    def _pass(self, sock, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            data = sock.recv(65536)
            if not data:
                return
            connection.received += data
            head += data
        self.asked.append(head.split(b"\r\n")[0].decode())
        far = socket.create_connection(("127.0.0.1", self.port_behind))
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if head.startswith(b"CONNECT "):
            self._send(sock, connection, b"HTTP/1.1 200 Connection established\r\n\r\n")
            far.sendall(head.partition(b"\r\n\r\n")[2])
        else:
            far.sendall(head)
        self._relay(sock, far, connection)
        far.close()

    def _relay(self, sock, far, connection):
        """One thread for both directions: two may not be in one TLS object."""
        while True:
            waits = self.context and sock.pending()
            ready = [sock] if waits else select.select([sock, far], [], [])[0]
            if sock in ready:
                data = sock.recv(65536)
                far.sendall(data)
                if self.context:
                    connection.received += data
            else:
                data = far.recv(65536)
                if self.context:
                    connection.sent += data
                sock.sendall(data)
            if not data:
                return

    def _send(self, sock, connection, data):
        connection.sent += data
        sock.sendall(data)
