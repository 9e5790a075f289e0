# SPDX-License-Identifier: BSD-2-Clause
"""Connections that do not go as usual: odd.py WHAT PORT [CA [N]]

plain   reads a page over plain HTTP
older   sends 500,000 bytes, waits for a line on stdin, sends N more and waits for a byte
quit    reads 10 bytes of a long answer and closes
slow    the same through asyncio, which has read much more by then
bad     a handshake that fails: the certificate is not trusted
worse   the same through asyncio, to an address without a name
pieces  a request byte by byte"""
import asyncio
import http.client
import socket
import ssl
import sys

WHAT, PORT = sys.argv[1], int(sys.argv[2])
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def trusting():
    return ssl.create_default_context(cafile=sys.argv[3])


def plain():
    s = socket.create_connection(("127.0.0.1", PORT))
    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
    while s.recv(65536):
        pass


def older():
    s = socket.create_connection(("127.0.0.1", PORT))
    s.sendall(b"a" * 500000)
    print("sent", flush=True)
    sys.stdin.readline()
    s.sendall(b"b" * int(sys.argv[4]))
    s.recv(1)


def quit_early():
    c = http.client.HTTPSConnection("localhost", PORT, context=trusting())
    c.request("GET", "/")
    c.getresponse().read(10)
    c.close()


def bad():
    try:
        http.client.HTTPSConnection("localhost", PORT, context=ssl.create_default_context()).connect()
    except ssl.SSLError:
        pass


async def slow():
    reader, writer = await asyncio.open_connection("localhost", PORT, ssl=trusting())
    writer.write(REQUEST)
    await reader.read(10)
    await asyncio.sleep(0.3)
    writer.close()


async def worse():
    try:
        await asyncio.open_connection("127.0.0.1", PORT, ssl=ssl.create_default_context())
    except ssl.SSLError:
        pass


async def pieces():
    reader, writer = await asyncio.open_connection("localhost", PORT, ssl=trusting())
    for byte in REQUEST:
        writer.write(bytes([byte]))
        await writer.drain()
    await reader.read()
    writer.close()


done = {"plain": plain, "older": older, "quit": quit_early, "bad": bad, "slow": slow, "worse": worse, "pieces": pieces}[WHAT]()
if done is not None:
    asyncio.run(done)
