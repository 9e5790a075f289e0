# SPDX-License-Identifier: BSD-2-Clause
"""Speaks something of its own over TLS between two ordinary requests: alien.py PORT URL CA"""
import http.client
import random
import socket
import ssl
import sys
import time
import urllib.parse

target = urllib.parse.urlsplit(sys.argv[2])
context = ssl.create_default_context(cafile=sys.argv[3])


def request(path):
    c = http.client.HTTPSConnection(target.hostname, target.port, context=context, timeout=60)
    c.request("GET", path)
    c.getresponse().read()
    c.close()


request("/before")
rng = random.Random(5)
sock = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="localhost")
for i in range(2000):
    if i == 100:
        time.sleep(0.5)  # somebody else makes up its mind about us
    sock.sendall(bytes([0xe0 | rng.getrandbits(4)]) + bytes(rng.getrandbits(8) for _ in range(99)))
    got = 0
    while got < 100:
        got += len(sock.recv(4096))
sock.close()
request("/after")
