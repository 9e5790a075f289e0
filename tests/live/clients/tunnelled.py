# SPDX-License-Identifier: BSD-2-Clause
"""Two questions through a proxy: tunnelled.py CLIENT URL PROXY CA

CLIENT: requests, urllib3, httpx, httpx-async, openai, openai-async, aiohttp, bios. Prints the answers' texts."""
import asyncio
import json
import os
import socket
import ssl
import sys
from urllib.parse import urlsplit

CLIENT, URL, PROXY, CA = sys.argv[1:5]
for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
    os.environ[name] = CA
ASK = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Is it cold in Oslo?"}]}
TARGET = URL + "/v1/chat/completions"
HEADERS = {"authorization": "Bearer sk-x"}
context = ssl.create_default_context(cafile=CA)


def show(answer):
    print(answer["choices"][0]["message"]["content"])


def requests():
    import requests as sdk
    with sdk.Session() as session:
        for _ in range(2):
            show(session.post(TARGET, json=ASK, headers=HEADERS, proxies={"https": PROXY, "http": PROXY}).json())


def urllib3():
    import urllib3 as sdk
    pool = sdk.ProxyManager(PROXY, ca_certs=CA, proxy_ssl_context=context)
    for _ in range(2):
        show(json.loads(pool.request("POST", TARGET, body=json.dumps(ASK),
                                     headers={**HEADERS, "content-type": "application/json"}).data))
    pool.clear()


def httpx_proxy():
    import httpx
    return httpx.Proxy(PROXY, ssl_context=context if PROXY.startswith("https:") else None)


def httpx():
    import httpx as sdk
    with sdk.Client(proxy=httpx_proxy(), verify=context) as client:
        for _ in range(2):
            show(client.post(TARGET, json=ASK, headers=HEADERS).json())


def httpx_async():
    import httpx as sdk

    async def ask():
        async with sdk.AsyncClient(proxy=httpx_proxy(), verify=context) as client:
            for _ in range(2):
                show((await client.post(TARGET, json=ASK, headers=HEADERS)).json())
    asyncio.run(ask())


def openai():
    import httpx as transport
    from openai import OpenAI
    with OpenAI(base_url=URL + "/v1", api_key="sk-x", max_retries=0,
                http_client=transport.Client(proxy=httpx_proxy(), verify=context)) as client:
        for _ in range(2):
            show(client.chat.completions.create(**ASK).model_dump())


def openai_async():
    import httpx as transport
    from openai import AsyncOpenAI

    async def ask():
        async with AsyncOpenAI(base_url=URL + "/v1", api_key="sk-x", max_retries=0,
                               http_client=transport.AsyncClient(proxy=httpx_proxy(), verify=context)) as client:
            for _ in range(2):
                show((await client.chat.completions.create(**ASK)).model_dump())
    asyncio.run(ask())


def aiohttp():
    import aiohttp as sdk

    async def ask():
        async with sdk.ClientSession(connector=sdk.TCPConnector(ssl=context)) as session:
            for _ in range(2):
                async with session.post(TARGET, json=ASK, headers=HEADERS, proxy=PROXY) as answer:
                    show(await answer.json())
    asyncio.run(ask())


# ---- two TLS layers over memory BIOs, both driven here ----

class Layer:
    """TLS over what send() and receive() move."""

    def __init__(self, name, send, receive):
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.inward, self.outward, server_hostname=name)
        self.below, self.source = send, receive
        self._drive(self.tls.do_handshake)

    def _drive(self, step, *args):
        while True:
            try:
                result = step(*args)
            except ssl.SSLWantReadError:
                self._flush()
                self.inward.write(self.source())
                continue
            self._flush()
            return result

    def _flush(self):
        data = self.outward.read()
        if data:
            self.below(data)

    def send(self, data):
        self._drive(self.tls.write, data)

    def receive(self):
        return self._drive(self.tls.read, 65536)


def bios():
    far, near = urlsplit(URL), urlsplit(PROXY)
    sock = socket.create_connection((near.hostname, near.port))
    outer = Layer(near.hostname, sock.sendall, lambda: sock.recv(65536))
    outer.send(b"CONNECT %s:%d HTTP/1.1\r\nHost: x\r\n\r\n" % (far.hostname.encode(), far.port or 443))
    head = b""
    while b"\r\n\r\n" not in head:
        head += outer.receive()
    inner = Layer(far.hostname, outer.send, outer.receive)
    body = json.dumps(ASK).encode()
    for _ in range(2):
        inner.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer sk-x\r\n"
                   b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (far.hostname.encode(), len(body)))
        inner.send(body)
        answer = b""
        while not answer.endswith(b"}"):
            answer += inner.receive()
        show(json.loads(answer.partition(b"\r\n\r\n")[2]))
    sock.close()


{"requests": requests, "urllib3": urllib3, "httpx": httpx, "httpx-async": httpx_async, "openai": openai,
 "openai-async": openai_async, "aiohttp": aiohttp, "bios": bios}[CLIENT]()
