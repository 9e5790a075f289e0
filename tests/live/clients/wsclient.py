# SPDX-License-Identifier: BSD-2-Clause
"""Responses over a WebSocket: wsclient.py URL CA N... sends a request of N thousand bytes for each N, the first one right
behind the answer to its upgrade, and waits for each one's last event."""
import json
import socket
import ssl
import struct
import sys
from urllib.parse import urlsplit

CANARY = "CANARY-7f3a91"
url, ca, sizes = urlsplit(sys.argv[1]), sys.argv[2], sys.argv[3:]
messages = []
for size in sizes:
    text = json.dumps({"type": "response.create", "model": "gpt-5-mini", "input": CANARY * (int(size) * 1000 // len(CANARY))}).encode()
    # a mask of zeros leaves what it masks as it is
    messages.append(b"\x81" + (struct.pack(">BH", 0x80 | 126, len(text)) if len(text) < 65536 else struct.pack(">BQ", 0xff, len(text))) +
                    bytes(4) + text)
raw = socket.create_connection((url.hostname, url.port))
raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
tls = ssl.create_default_context(cafile=ca).wrap_socket(raw, server_hostname=url.hostname)
tls.sendall(b"GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
while tls.recv(65536)[-4:] != b"\r\n\r\n":
    pass


def take(n):
    data = bytearray()
    while len(data) < n:
        part = tls.recv(n - len(data))
        if not part:
            sys.exit("closed")
        data += part
    return bytes(data)


for message in messages:
    tls.sendall(message)
    text = b""
    while b'"response.completed"' not in text:
        size = take(2)[1]
        text = take(int.from_bytes(take(8), "big") if size == 127 else size)
tls.sendall(b"\x88\x82" + bytes(4) + struct.pack(">H", 1000))
