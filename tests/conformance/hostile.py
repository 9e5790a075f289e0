# SPDX-License-Identifier: BSD-2-Clause
"""Bytes that mean harm, made from the specifications: what hostile_test.py gives to `bottrace decode` and
../live/hostile_test.py sends over TLS.

    CASES: [Case(name, request, response, why, after)]

why: what `bottrace.broken` must say (a regular expression; None: nothing is broken). after: an ordinary exchange stands
behind it on the connection, and must be read."""
import gzip
import json
import shutil
import struct
import subprocess
import zlib
from dataclasses import dataclass

import h2

BODY = b'{"model":"gpt-5-mini","messages":[{"role":"user","content":"hi"}]}'
SAID = b'{"id":"c1","object":"chat.completion","model":"gpt-5-mini","choices":[{"index":0,"message":' \
       b'{"role":"assistant","content":"ho"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}'
PATH = b"/v1/chat/completions"


@dataclass
class Case:
    name: str
    request: bytes
    response: bytes
    why: str = None
    after: bool = True  # what stands behind it is found
    live: bool = True   # of a size that may be sent


def post(body=BODY, *fields, target=PATH, length=True, method=b"POST"):
    fields = (b"Host: api.openai.com", b"Content-Type: application/json", *fields)
    if length:
        fields = (*fields, b"Content-Length: %d" % len(body))
    return method + b" " + target + b" HTTP/1.1\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body


def ok(body=SAID, *fields, kind=b"application/json", length=True):
    fields = (b"Content-Type: " + kind, *fields)
    if length:
        fields = (*fields, b"Content-Length: %d" % len(body))
    return b"HTTP/1.1 200 OK\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body


def chunked(*pieces, ext=b""):
    return b"".join(b"%x%s\r\n%s\r\n" % (len(p), ext, p) for p in pieces) + b"0\r\n\r\n"


AFTER = post(target=b"/v1/after"), ok(b'{"after":1}')


# ---- encodings ----

def tool(name, *options):
    def pack(data):
        if shutil.which(name) is None:
            return None
        return subprocess.run([name, *options], input=data, stdout=subprocess.PIPE, check=True).stdout
    return pack


def raw_deflate(data):
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return c.compress(data) + c.flush()


CODINGS = {"gzip": lambda d: gzip.compress(d, 9), "deflate": lambda d: zlib.compress(d, 9), "raw-deflate": raw_deflate,
           "br": tool("brotli", "-9", "--stdout", "-"), "zstd": tool("zstd", "-19", "--stdout", "-q", "-")}


def bombs():
    zeros = b'{"a":"' + bytes(100 << 20).replace(b"\0", b"0")
    for name, pack in CODINGS.items():
        packed = pack(zeros)
        if packed is None:
            continue
        field = b"Content-Encoding: " + name.removeprefix("raw-").encode()
        yield Case(f"bomb {name}, answer", post(), ok(packed, field), "bomb|cannot|too")
        yield Case(f"bomb {name}, request", post(packed, field), ok(), "bomb|cannot|too")
    twice = gzip.compress(gzip.compress(zeros, 9), 9)
    yield Case("bomb gzip in gzip", post(), ok(twice, b"Content-Encoding: gzip, gzip"), "bomb|cannot|too")
    many = gzip.compress(b" " * 20) * 50000 + gzip.compress(SAID)
    yield Case("50,000 gzip members", post(), ok(many, b"Content-Encoding: gzip"), None)
    yield Case("five codings", post(), ok(SAID, b"Content-Encoding: gzip, gzip, gzip, gzip, gzip"), "too many content codings")
    window = CODINGS["zstd"] and tool("zstd", "--ultra", "--long=27", "--stdout", "-q", "-")(zeros[:1 << 20])
    if window:
        head = bytearray(window)  # a window of 2 GiB is asked for: RFC 8878 3.1.1.1.2, no single segment
        head[4:6] = bytes([head[4] & 0x1f & ~0x20, 0xa8])
        yield Case("zstd window of 2 GiB", post(), ok(bytes(head), b"Content-Encoding: zstd"), ".")


# ---- HTTP/1 ----

def smuggling():
    both = b"Transfer-Encoding: chunked"
    yield Case("length and chunks, answer", post(), ok(chunked(SAID), both, b"Content-Length: 3", length=False), ".")
    yield Case("length and chunks, request", post(chunked(BODY), both, b"Content-Length: 3", length=False), ok(), ".")
    yield Case("two lengths, answer", post(), ok(SAID, b"Content-Length: 3"), ".", after=False)
    yield Case("two lengths, request", post(BODY, b"Content-Length: 3"), ok(), ".")
    yield Case("a length twice", post(), ok(SAID, b"Content-Length: %d" % len(SAID)), None)
    yield Case("lengths in one field", post(), ok(SAID, b"Content-Length: %d, %d" % (len(SAID), len(SAID)), length=False), None)
    yield Case("a negative length", post(), ok(SAID, b"Content-Length: -1", length=False), ".", after=False)
    yield Case("a length of 2^63-1", post(), ok(SAID, b"Content-Length: 9223372036854775807", length=False), ".", after=False)
    yield Case("a length with a plus", post(), ok(SAID, b"Content-Length: +%d" % len(SAID), length=False), ".", after=False)
    yield Case("obscured coding", post(), ok(chunked(SAID), b"Transfer-Encoding: xchunked", length=False), "transfer coding", after=False)
    yield Case("coding behind a blank", post(), ok(chunked(SAID), b"Transfer-Encoding : chunked", length=False), ".")
    yield Case("folded field", post(BODY, b"X-A: 1\r\n  folded", b"X-B: 2"), ok(SAID, b"X-A: a\r\n\tb"), None)
    yield Case("a folded length", post(), ok(SAID, b"Content-Length:\r\n %d" % len(SAID), length=False), None)
    yield Case("NUL in a field", post(), ok(SAID, b"X-A: a\0b"), ".")
    yield Case("a lone CR in a field", post(), ok(SAID, b"X-A: a\rContent-Length: 1"), ".")
    yield Case("no colon", post(), ok(SAID, b"X-A"), ".")
    yield Case("10,000 fields", post(), ok(SAID, *[b"X-%d: 1" % i for i in range(4000)]), ".")
    yield Case("a field line without end", post(), b"HTTP/1.1 200 OK\r\nX: " + b"a" * (20 << 20), "too long", after=False)
    yield Case("fields without end", post(), b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 2000000, "too long", after=False)
    yield Case("a start line without end", b"GET /" + b"a" * (20 << 20), b"", None, after=False)
    te = b"Transfer-Encoding: chunked"
    yield Case("chunk extension without end", post(), ok(b"5;" + b"a" * (20 << 20), te, length=False), "too long", after=False)
    yield Case("a chunk extension each byte", post(), ok(chunked(*[SAID[i:i + 1] for i in range(len(SAID))], ext=b";x=" + b"y" * 60000),
                                                       te, length=False), None)
    yield Case("chunk size of zeros without end", post(), ok(b"0" * (20 << 20), te, length=False), "too long", after=False)
    yield Case("chunk size beyond 2^64", post(), ok(b"fffffffffffffffff\r\nx", te, length=False), "beyond", after=False)
    yield Case("chunk size 7fffffffffffffff", post(), ok(b"7fffffffffffffff\r\nx", te, length=False), "beyond", after=False)
    yield Case("a negative chunk size", post(), ok(b"-1\r\nx\r\n0\r\n\r\n", te, length=False), "bad chunk size")
    yield Case("trailers without end", post(), ok(b"0\r\n" + b"X: a\r\n" * 2000000, te, length=False), "too long", after=False)
    yield Case("answers without request", b"", ok() * 2000, None, after=False)
    yield Case("requests without answer", post() * 2000, b"", ".", after=False)
    yield Case("interim answers without end", post(), b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" * 200000 + ok(), None)


# ---- content ----

def crc_message(kind, payload, wrong=0):
    headers = b""
    for name, value in ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event")):
        headers += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    out = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    out += struct.pack(">I", zlib.crc32(out) ^ (wrong & 1)) + headers + payload
    return out + struct.pack(">I", zlib.crc32(out) ^ (wrong >> 1))


def content():
    deep = 500000
    yield Case("JSON a million deep, answer", post(), ok(b'{"id":"c1","choices":' + b"[" * deep + b"]" * deep + b"}"), "JSON|deep|read")
    yield Case("JSON a million deep, request",
               post(b'{"model":"m","messages":' + b"[" * deep + b"]" * deep + b"}"), ok(), "JSON|deep|read")
    yield Case("objects 100,000 deep, open", post(), ok(b'{"a":' * 100000), "JSON|deep|read")
    yield Case("invalid UTF-8", post(BODY.replace(b"hi", b"h\xff\xc0\x80\xed\xa0\x80i")), ok(SAID.replace(b"ho", b"h\xf5\x80o")), None)
    yield Case("lone surrogates", post(BODY.replace(b"hi", b"\\ud800x\\udc00")), ok(SAID.replace(b"ho", b"\\udfff")), None)
    yield Case("a number of 1 MB", post(BODY.replace(b'"messages"', b'"temperature":' + b"1" * (1 << 20) + b',"messages"')), ok(), None)
    yield Case("1e9999", post(BODY.replace(b'"messages"', b'"temperature":1e9999,"messages"')), ok(), None)
    yield Case("a string of 15 MB", post(BODY.replace(b"hi", b"x" * (15 << 20))), ok(), None)
    yield Case("a million keys", post(b'{"model":"m",' + b",".join(b'"k%d":1' % i for i in range(500000)) + b',"messages":[]}'), ok(), None)
    yield Case("the same key a million times", post(b'{"model":"m",' + b'"k":1,' * 500000 + b'"messages":[]}'), ok(), None)
    yield Case("a million messages", post(b'{"model":"m","messages":[' + b",".join([b'{"role":"user","content":""}'] * 200000) + b"]}"),
               ok(), None)
    sse = b"text/event-stream"
    event = b'data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
    streamed = post(BODY[:-1] + b',"stream":true}')
    yield Case("SSE line of 16 MB", streamed, ok(event + b"data: " + b"y" * (16 << 20) + b"\n\n" + event, kind=sse), "too long|read")
    yield Case("SSE without line end, 64 MB", streamed, ok(b"data: " + b"y" * (64 << 20), kind=sse), "too long|read", live=False)
    yield Case("SSE event of a million lines", streamed, ok(b"data: y\n" * 1000000 + b"\n" + event, kind=sse), None)
    yield Case("SSE event of 9 million lines", streamed, ok(b"data: y\n" * 9000000 + b"\n" + event, kind=sse), "too long", live=False)
    yield Case("SSE of comments", streamed, ok(b": ping\n\n" * 500000 + event, kind=sse), None)
    yield Case("SSE of empty data", streamed, ok(b"data:\n\n" * 500000 + event, kind=sse), None)
    yield Case("100,000 tool calls in deltas", streamed, ok(b"".join(
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":%d,"id":"c","function":{"name":"f","arguments":""}}]}}]}\n\n'
        % i for i in range(100000)), kind=sse), None)
    aws = b"application/vnd.amazon.eventstream"
    ask = post(b'{"messages":[{"role":"user","content":[{"text":"hi"}]}]}', target=b"/model/us.amazon.nova-v1%3A0/converse-stream")
    start = crc_message("messageStart", b'{"role":"assistant"}')
    yield Case("event stream: wrong checksum", ask, ok(start + crc_message("contentBlockDelta", b"{}", 2), kind=aws), "checksum")
    yield Case("event stream: wrong prelude", ask, ok(start + crc_message("contentBlockDelta", b"{}", 1), kind=aws), "checksum")
    yield Case("event stream: 4 GiB", ask, ok(start + b"\xff" * 12 + bytes(1000), kind=aws), "length|checksum")
    yield Case("event stream: shorter than itself", ask, ok(start + struct.pack(">II", 3, 9) + bytes(100), kind=aws), "length|checksum")


# ---- WebSocket ----

UPGRADE = (b"GET /v1/responses HTTP/1.1\r\nHost: api.openai.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
           b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")


def socket(name, frames, why, packed=False):
    extension = b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if packed else b""
    return Case("WebSocket: " + name, UPGRADE[0], UPGRADE[1] + extension + b"\r\n" + frames, why, after=False)


def sockets():
    yield socket("a frame of 2^63", b"\x81\x7f" + struct.pack(">Q", 1 << 63) + b"x" * 100, "impossible length")
    yield socket("a frame of 2^63 - 1", b"\x81\x7f" + struct.pack(">Q", (1 << 63) - 1) + b"x" * 100, "impossible length")
    yield socket("a frame of 2^40", b"\x81\x7f" + struct.pack(">Q", 1 << 40) + b"x" * 100, None)
    yield socket("a message of 40 MB in fragments", b"\x01\x01{" + (b"\x00\x7e\xff\xff" + b"x" * 65535) * 640 + b"\x80\x00", None)
    yield socket("a million empty fragments", b"\x01\x01{" + b"\x00\x00" * 1000000 + b"\x80\x01}", None)
    yield socket("a million pings", b"\x89\x00" * 1000000 + b"\x81\x02{}", None)
    yield socket("a long ping", b"\x89\x7e\x01\x00" + bytes(256), "control frame")
    yield socket("reserved bits", b"\xb1\x02{}", "reserved")
    yield socket("compressed, not agreed", b"\xc1\x02{}", "reserved")
    yield socket("an unknown kind", b"\x83\x02{}", "unknown kind")
    packed = raw_deflate(b'{"a":"' + b"0" * (100 << 20))
    yield socket("a bomb", b"\xc1\x7f" + struct.pack(">Q", len(packed)) + packed, "inflated", packed=True)
    yield socket("noise as compressed", b"\xc1\x7e\x01\x00" + bytes(range(256)), "inflated", packed=True)


# ---- HTTP/2, and WebSockets on its streams ----

ASK = [(":method", "POST"), (":scheme", "https"), (":authority", "api.openai.com"), (":path", PATH.decode())]
SETTINGS = h2.frame(h2.SETTINGS, 0, 0)


def stream(name, client=b"", server=b"", why=None, after=False):
    """Behind the prefaces of both."""
    return Case("HTTP/2: " + name, h2.PREFACE + SETTINGS + client, SETTINGS + server, why, after)


def asked(encoder=None):
    encoder = encoder or h2.Encoder()
    return h2.headers(encoder, 1, ASK + [("content-type", "application/json")], False) + h2.data(1, BODY)


def http2():
    answer = h2.headers(h2.Encoder(), 1, [(":status", "200"), ("content-type", "application/json")], False) + h2.data(1, SAID)
    big = h2.integer(0, 6, 0x40) + h2.integer(1, 7, 0) + b"x" + h2.integer(4000, 7, 0) + b"a" * 4000
    bomb = h2.frame(h2.HEADERS, h2.END_HEADERS, 1, b"\x88" + big + b"\xbe" * 16000)
    yield stream("HPACK bomb: one field 16,000 times", asked(), bomb + h2.data(1, SAID), ".")
    yield stream("a table size of 2^30", asked(), h2.frame(h2.HEADERS, h2.END_HEADERS, 1, h2.integer(1 << 30, 5, 0x20) + b"\x88"), ".")
    sizes = b"".join(h2.integer(n % 4096, 5, 0x20) for n in range(5000))
    yield stream("5,000 table sizes", asked(), h2.frame(h2.HEADERS, h2.END_HEADERS, 1, sizes + b"\x88") + h2.data(1, SAID), None)
    yield stream("settings ask for a table of 4 GiB", h2.frame(h2.SETTINGS, 0, 0, struct.pack(">HI", 1, 0xffffffff)) + asked(),
                 answer, None)
    noise = h2.integer(0, 6, 0x40) + h2.integer(1, 7, 0) + b"x" + h2.integer(200, 7, 0x80) + b"\xff" * 200
    yield stream("Huffman: end of string inside", asked(), h2.frame(h2.HEADERS, h2.END_HEADERS, 1, b"\x88" + noise), "cannot be read")
    short = h2.integer(0, 6, 0x40) + h2.integer(1, 7, 0) + b"x" + h2.integer(16000, 7, 0x80) + b"\x00" * 8000 * 2
    yield stream("Huffman: longest growth", asked(), h2.frame(h2.HEADERS, h2.END_HEADERS, 1, b"\x88" + short) + h2.data(1, SAID), None)
    yield stream("a field that ends behind the block", asked(), h2.frame(h2.HEADERS, h2.END_HEADERS, 1, b"\x88\x40\x7f\xff\xff\xff\x7f"),
                 "cannot be read")
    yield stream("an index of none", asked(), h2.frame(h2.HEADERS, h2.END_HEADERS, 1, b"\xff\xff\xff\x7f"), "cannot be read")
    flood = h2.frame(h2.HEADERS, 0, 1, b"\x88") + h2.frame(h2.CONTINUATION, 0, 1, b"") * 1000000
    yield stream("CONTINUATION flood, empty", asked(), flood, ".")
    flood = h2.frame(h2.HEADERS, 0, 1, b"\x88") + h2.frame(h2.CONTINUATION, 0, 1, (b"\x00\x01x\x7f\x00" + b"a" * 127) * 100) * 1000
    yield stream("CONTINUATION flood, full", asked(), flood, ".")
    many = b"".join(h2.frame(h2.HEADERS, h2.END_HEADERS, 2 * i + 1, b"\x83\x87\x84") for i in range(100000))
    yield stream("100,000 streams", many, b"", None)
    reset = b"".join(h2.frame(h2.HEADERS, h2.END_HEADERS, 2 * i + 1, b"\x83\x87\x84") + h2.frame(h2.RST_STREAM, 0, 2 * i + 1, bytes(4))
                     for i in range(100000))
    yield stream("100,000 streams that are reset", reset, b"", None)
    yield stream("a frame of 16 MB of an unknown kind", asked(), h2.frame(99, 0, 1, bytes((1 << 24) - 1)) + answer, None)
    yield stream("padding longer than its frame", asked(), h2.frame(h2.DATA, h2.PADDED, 1, b"\xffx"), ".")
    yield stream("a million pings", asked(), h2.frame(h2.PING, 0, 0, bytes(8)) * 1000000 + answer, None)
    packed = gzip.compress(b"0" * (100 << 20), 9)
    head = h2.headers(h2.Encoder(), 1, [(":status", "200"), ("content-type", "application/json"), ("content-encoding", "gzip")], False)
    yield stream("a gzip bomb", asked(), head + h2.data(1, packed), "bomb|cannot|too")
    ws = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", "api.openai.com"),
          (":path", "/v1/responses")]
    deflate = [(":status", "200"), ("sec-websocket-extensions", "permessage-deflate")]
    opened, client, server = h2.headers(h2.Encoder(), 1, ws, False), h2.Encoder(), h2.Encoder()
    packed = raw_deflate(b'{"a":"' + b"0" * (100 << 20))
    yield stream("a WebSocket's bomb", opened, h2.headers(h2.Encoder(), 1, deflate, False) + h2.data(
        1, b"\xc1\x7f" + struct.pack(">Q", len(packed)) + packed), "inflated")
    yield stream("a WebSocket's frame of 2^63", opened, h2.headers(h2.Encoder(), 1, [(":status", "200")], False) + h2.data(
        1, b"\x81\x7f" + struct.pack(">Q", 1 << 63) + b"x" * 100), "impossible length")
    yield stream("a WebSocket a byte a frame", opened, h2.headers(h2.Encoder(), 1, [(":status", "200")], False) + h2.data(
        1, b"\x81\x7f" + struct.pack(">Q", 100000) + b"x" * 100000, 1), None)
    many = b"".join(h2.headers(client, 2 * i + 1, ws, False) for i in range(900))
    small = raw_deflate(b'{"a":"b"}')
    said = b"\xc1" + bytes([len(small)]) + small
    answers = b"".join(h2.headers(server, 2 * i + 1, deflate, False) + h2.frame(h2.DATA, 0, 2 * i + 1, said) for i in range(900))
    yield stream("900 WebSockets with windows", many, answers, ".")


def cases():
    for make in (smuggling, bombs, content, sockets, http2):
        for case in make():
            if case.after:
                case.request += AFTER[0]
                case.response += AFTER[1]
            yield case


def cut_bodies():
    """Answers to cut at each byte: name, bytes, how many at the end may be absent from a call that is whole: framing, and
    what follows the compressed data of gzip."""
    events = b"".join(b"data: " + json.dumps({"id": "c1", "choices": [{"index": 0, "delta": {"content": w}}]}).encode() + b"\n\n"
                      for w in ("a", "b\u00e9", "c"))
    for name, body, kind, fields in (
            ("JSON", SAID, b"application/json", ()), ("SSE", events, b"text/event-stream", ()),
            ("gzip", gzip.compress(SAID), b"application/json", (b"Content-Encoding: gzip",)),
            ("gzip SSE", gzip.compress(events), b"text/event-stream", (b"Content-Encoding: gzip",))):
        rest = 9 if fields else 0
        yield name, ok(body, *fields, kind=kind), rest
        yield (name + " in chunks", ok(chunked(body[:50], body[50:]), b"Transfer-Encoding: chunked", *fields, kind=kind, length=False),
               rest + 7)
