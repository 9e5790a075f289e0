# SPDX-License-Identifier: BSD-2-Clause
"""Speaks TLS through any file that has OpenSSL's functions, without the ssl module: private.py LIBRARY URL N

Waits for a line on stdin, loads the library, posts N bodies on one connection. A further word: "early" loads before it
waits, "held" removes the file then, "patient" sleeps for 0.2 s between load and use."""
import ctypes
import os
import socket
import sys
import time
import urllib.parse


def post(lib, url, count):
    target = urllib.parse.urlsplit(url)
    s = socket.create_connection((target.hostname, target.port))
    for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
        getattr(lib, name).restype = ctypes.c_void_p
    ctx = ctypes.c_void_p(lib.SSL_CTX_new(ctypes.c_void_p(lib.TLS_client_method())))
    ssl = ctypes.c_void_p(lib.SSL_new(ctx))
    lib.SSL_set_fd(ssl, s.fileno())
    assert lib.SSL_connect(ssl) == 1
    buffer = ctypes.create_string_buffer(65536)
    for n in range(count):
        body = b"private %d " % n * 50
        message = b"POST /private HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        assert lib.SSL_write(ssl, message, len(message)) == len(message)
        got = b""
        while not got.endswith(body):
            size = lib.SSL_read(ssl, buffer, len(buffer))
            assert size > 0, size
            got += buffer.raw[:size]
    lib.SSL_shutdown(ssl)
    lib.SSL_free(ssl)
    s.close()


path, url, count = sys.argv[1:4]
mode = "".join(sys.argv[4:])
lib = ctypes.CDLL(path) if mode in ("early", "held") else None
if mode == "held":
    os.unlink(path)
print("waiting", flush=True)
sys.stdin.readline()
lib = lib or ctypes.CDLL(path)
if mode == "patient":
    time.sleep(0.2)
post(lib, url, int(count))
print("done", flush=True)
