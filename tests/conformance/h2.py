# SPDX-License-Identifier: BSD-2-Clause
"""Recorded HTTP/1.1 exchanges as the bytes of one HTTP/2 connection, written from RFC 9113 and RFC 7541."""
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, PADDED, PRIORITY = 1, 4, 8, 0x20
HOP = {"connection", "transfer-encoding", "keep-alive", "host"}


def integer(value, bits, first):
    """An integer with a prefix (RFC 7541 5.1)."""
    top = (1 << bits) - 1
    if value < top:
        return bytes([first | value])
    out = bytearray([first | top])
    value -= top
    while value >= 128:
        out.append(0x80 | value & 0x7F)
        value >>= 7
    out.append(value)
    return bytes(out)


class Encoder:
    """A dynamic table and nothing clever: what is known whole is indexed, a known name is named by its index."""

    STATIC = {(":method", "GET"): 2, (":method", "POST"): 3, (":path", "/"): 4, (":scheme", "https"): 7,
              (":status", "200"): 8, (":status", "204"): 9, (":status", "400"): 12, (":status", "404"): 13,
              (":status", "500"): 14}
    NAMES = {":authority": 1, ":method": 2, ":path": 4, ":scheme": 6, ":status": 8, "content-length": 28,
             "content-type": 31, "date": 33, "server": 54, "user-agent": 58, "content-encoding": 26}

    def __init__(self, size=4096):
        self.table, self.size = [], size

    def add(self, name, value):
        self.table.insert(0, (name, value))
        while sum(len(n) + len(v) + 32 for n, v in self.table) > self.size:
            self.table.pop()

    def field(self, name, value):
        if (name, value) in self.STATIC:
            return integer(self.STATIC[name, value], 7, 0x80)
        if (name, value) in self.table:
            return integer(62 + self.table.index((name, value)), 7, 0x80)
        known = [i for i, (n, _) in enumerate(self.table) if n == name]
        index = self.NAMES.get(name) or (62 + known[0] if known else 0)
        out = integer(index, 6, 0x40)
        if not index:
            out += integer(len(name), 7, 0) + name.encode("latin-1")
        out += integer(len(value), 7, 0) + value.encode("latin-1")
        self.add(name, value)
        return out

    def block(self, fields):
        return b"".join(self.field(name.lower(), value) for name, value in fields)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def headers(encoder, stream, fields, end, cut=None):
    """A header block, in CONTINUATION frames when it is to be cut into pieces."""
    block = encoder.block(fields)
    pieces = [block[i:i + cut] for i in range(0, len(block), cut)] if cut else [block]
    out = b""
    for i, piece in enumerate(pieces):
        last = END_HEADERS if i == len(pieces) - 1 else 0
        out += frame(HEADERS if i == 0 else CONTINUATION, last | (END_STREAM if end and i == 0 else 0), stream, piece)
    return out


def data(stream, body, size=16384, pad=0):
    pieces = [body[i:i + size] for i in range(0, len(body), size)]
    out = b""
    for i, piece in enumerate(pieces):
        end = END_STREAM if i == len(pieces) - 1 else 0
        if pad:
            piece = bytes([pad]) + piece + bytes(pad)
        out += frame(DATA, end | (PADDED if pad else 0), stream, piece)
    return out


def split(raw):
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    pairs = [(k.strip(), v.strip()) for k, _, v in (field.partition(":") for field in fields)]
    return first, pairs, body


class Connection:
    """One connection, exchanges one after another or (later=True) all requests before all answers."""

    def __init__(self, cut=None, pad=0, size=16384):
        self.client, self.server = Encoder(), Encoder()
        self.written = PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 2, 0)) + frame(
            WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 20))
        self.read = frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 100)) + frame(SETTINGS, 1, 0)
        self.stream, self.cut, self.pad, self.size = 1, cut, pad, size

    def exchange(self, request, response, host):
        first, pairs, body = split(request)
        method, target = first.split(" ")[:2]
        fields = [(":method", method), (":scheme", "https"), (":authority", host), (":path", target)]
        fields += [(k, v) for k, v in pairs if k.lower() not in HOP]
        self.written += headers(self.client, self.stream, fields, not body, self.cut)
        self.written += data(self.stream, body, self.size, self.pad)
        first, pairs, body = split(response)
        fields = [(":status", first.split(" ")[1])] + [(k, v) for k, v in pairs if k.lower() not in HOP]
        self.read += headers(self.server, self.stream, fields, not body, self.cut)
        self.read += data(self.stream, body, self.size, self.pad)
        self.written += frame(PING, 1, 0, bytes(8))
        self.stream += 2
