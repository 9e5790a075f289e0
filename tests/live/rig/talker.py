# SPDX-License-Identifier: BSD-2-Clause
"""A WebSocket server whose frames the `websockets` library makes (its protocol without I/O), so that extensions are agreed
and used as in real life. Every plaintext byte is kept, as in server.py.

    Talker(script, packages)     packages: where `websockets` is found
    script(talk)                 called in the connection's thread, at its beginning

    talk.hear() -> message       the next one as JSON; None: the client said goodbye
    talk.say(value, pieces=1, binary=False)
    talk.target                  of the upgrade
"""
import json
import sys

from .server import Server


class Talk:
    def __init__(self, server, sock, connection, protocol):
        self.server, self.sock, self.connection, self.protocol = server, sock, connection, protocol
        self.messages, self.parts, self.over = [], [], False

    def flush(self):
        for data in self.protocol.data_to_send():
            if data:
                self.server._send(self.sock, self.connection, data)

    def take(self):
        """What comes next, into self.messages."""
        data = self.sock.recv(65536)
        self.connection.received += data
        if not data:
            self.protocol.receive_eof()
            self.over = True
        else:
            self.protocol.receive_data(data)
        self.flush()
        for frame in self.protocol.events_received():
            if not hasattr(frame, "opcode"):
                continue  # the upgrade
            if frame.opcode in (0, 1, 2):
                self.parts.append(frame.data)
                if frame.fin:
                    self.messages.append(b"".join(self.parts))
                    self.parts.clear()
            elif frame.opcode == 8:
                self.over = True

    def hear(self):
        while not self.messages and not self.over:
            self.take()
        return json.loads(self.messages.pop(0)) if self.messages else None

    def say(self, value, pieces=1, binary=False):
        data = json.dumps(value).encode()
        size = max(1, -(-len(data) // pieces))
        parts = [data[i:i + size] for i in range(0, len(data), size)]
        for i, part in enumerate(parts):
            last = i == len(parts) - 1
            if i:
                self.protocol.send_continuation(part, fin=last)
                if i == 1:  # a control frame may stand between the pieces
                    self.protocol.send_ping(b"between")
            elif binary:
                self.protocol.send_binary(part, fin=last)
            else:
                self.protocol.send_text(part, fin=last)
            self.flush()


class Talker(Server):
    def __init__(self, script, packages, **deflate):
        super().__init__(None)
        if packages not in sys.path:
            sys.path.append(packages)
        self.script, self.deflate = script, deflate
        self.agreed = []  # Sec-WebSocket-Extensions of each connection
        self.errors = []

    def _exchange(self, sock, connection):
        from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
        from websockets.server import ServerProtocol
        protocol = ServerProtocol(extensions=[ServerPerMessageDeflateFactory(**self.deflate)], max_size=None)
        talk = Talk(self, sock, connection, protocol)
        request = None
        while request is None:
            data = sock.recv(65536)
            if not data:
                return False
            connection.received += data
            protocol.receive_data(data)
            request = next(iter(protocol.events_received()), None)
        response = protocol.accept(request)
        self.agreed.append(response.headers.get("Sec-WebSocket-Extensions", ""))
        protocol.send_response(response)
        talk.flush()
        talk.target = request.path
        try:
            self.script(talk)
            while not talk.over:
                talk.take()
        except (AssertionError, KeyError, TypeError) as e:
            self.errors.append(repr(e))
        return False
