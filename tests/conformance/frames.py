# SPDX-License-Identifier: BSD-2-Clause
"""Recorded conversations on a WebSocket as the bytes of one HTTP/2 connection: RFC 8441's extended CONNECT, RFC 6455's
frames, RFC 7692's compression.

Two files say nothing of time. Where the other side begins to speak, the client posts something on a stream of its own, which is
answered once the server has had its say: so who reads both files reads them in the order in which they were written.
"""
import json
import struct
import zlib

import h2

TURN = "/turn"
LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


def messages(path):
    """(from the client, text) in order."""
    for line in path.read_text().splitlines():
        row = json.loads(line)
        if row.get("kind") == "message":
            yield row["direction"] == "sent", json.dumps(row["data"])
        elif "msg" in row:
            yield row["dir"] == "c2s", json.dumps(row["msg"])


def target(path):
    first = json.loads(path.read_text().splitlines()[0])
    if "ws" in first:
        return "/" + first["ws"].split(" ")[0].split("/", 3)[3]
    return LIVE if "setup" in first.get("data", {}) else "/v1/realtime"


class Side:
    """What one side writes: messages in frames, those in DATA of `size` bytes."""

    def __init__(self, packed, masked, size):
        self.packer = zlib.compressobj(wbits=-15) if packed else None
        self.masked, self.size = masked, size

    def message(self, text):
        payload, first = text.encode(), 0x81
        if self.packer:
            payload = (self.packer.compress(payload) + self.packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
            first |= 0x40
        n, bit = len(payload), 0x80 if self.masked else 0
        length = bytes([n | bit]) if n < 126 else struct.pack(">BH", 126 | bit, n) if n < 65536 else struct.pack(
            ">BQ", 127 | bit, n)
        if self.masked:
            mask = struct.pack(">I", zlib.crc32(payload))
            whole = (mask * (n // 4 + 1))[:n]
            payload = mask + bytes(a ^ b for a, b in zip(payload, whole))
        return self.pieces(bytes([first]) + length + payload)

    def pieces(self, data):
        return b"".join(h2.frame(h2.DATA, 0, 1, data[i:i + self.size]) for i in range(0, len(data), self.size))


def connection(path, packed, size):
    client, server = h2.Encoder(), h2.Encoder()
    said, heard = Side(packed, True, size), Side(packed, False, size)
    offer = [("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")] if packed else []
    agreed = [("sec-websocket-extensions", "permessage-deflate")] if packed else []
    written = h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0)
    written += h2.headers(client, 1, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
                                      (":authority", "socket.example"), (":path", target(path)),
                                      ("sec-websocket-version", "13"), *offer], False)
    read = h2.frame(h2.SETTINGS, 0, 0, struct.pack(">HI", 8, 1)) + h2.headers(server, 1, [(":status", "200"), *agreed], False)
    stream, from_client = 3, True
    post = [(":method", "POST"), (":scheme", "https"), (":authority", "socket.example"), (":path", TURN)]
    for by_client, text in [*messages(path), (True, None)]:
        if from_client and not by_client:
            written += h2.headers(client, stream, post, True)
        if by_client and not from_client:
            read += h2.headers(server, stream, [(":status", "204")], True)
            stream += 2
        from_client = by_client
        if text is None:
            break
        if by_client:
            written += said.message(text)
        else:
            read += heard.message(text)
    return written + h2.frame(h2.DATA, h2.END_STREAM, 1), read + h2.frame(h2.DATA, h2.END_STREAM, 1)
