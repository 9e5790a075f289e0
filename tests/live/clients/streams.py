# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/2: streams.py httpx URL CA      asks, says "ready", waits for a line, and asks twice more on the same connection
          streams.py frames URL CA     requests whose frames are made by hand, told on stdin as JSON:
                                       [[authority, path, content type, body in hex], ...]; then until the server closes, or
                                       "end" in the last answer's body"""
import json
import socket
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

HOW, URL, CA = sys.argv[1:4]
context = ssl.create_default_context(cafile=CA)
ASK = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "What is the weather in Oslo?"}]}


def httpx():
    import httpx as sdk
    with sdk.Client(http2=True, verify=context) as client:
        for i in range(3):
            answer = client.post(URL + "/v1/chat/completions", json=ASK, headers={"authorization": "Bearer sk-x"})
            assert answer.http_version == "HTTP/2", answer.http_version
            print(answer.json()["choices"][0]["message"]["content"], flush=True)
            if i == 0:
                print("ready", flush=True)
                sys.stdin.readline()


def frames():
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "conformance"))
    import h2
    to = urlsplit(URL)
    context.set_alpn_protocols(["h2"])
    raw = socket.create_connection((to.hostname, to.port))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tls = context.wrap_socket(raw, server_hostname=to.hostname)
    encoder = h2.Encoder()
    tls.sendall(h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0))
    for i, (authority, path, kind, body) in enumerate(json.load(sys.stdin)):
        fields = [(":method", "POST"), (":scheme", "https"), (":authority", authority), (":path", path), ("content-type", kind)]
        tls.sendall(h2.headers(encoder, 2 * i + 1, fields, False) + h2.data(2 * i + 1, bytes.fromhex(body)))
    heard = b""
    while b"the end" not in heard:
        data = tls.recv(65536)
        if not data:
            break
        heard = heard[-16:] + data
    tls.close()


httpx() if HOW == "httpx" else frames()
