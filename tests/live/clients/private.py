# SPDX-License-Identifier: BSD-2-Clause
"""Speaks TLS through any file that has OpenSSL's functions, without the ssl module: private.py LIBRARY URL N

Waits for a line on stdin, loads the library, posts N bodies on one connection. A further word: "early" loads before it
waits, "held" removes the file then, "memory" loads a copy that is in no directory, "patient" sleeps for 0.2 s between load
and use, "smuggle" then sends something past it, "veiled LIBRARY" calls through a second one (odd.S) that hands on to the first."""
import ctypes
import os
import socket
import sys
import time
import urllib.parse


def smuggle(s):
    """2 MB past the library, over its own socket, which ends it; then waits for a line."""
    s.sendall(b"x" * 2000000)
    sys.stdin.readline()


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
    moved = ctypes.c_size_t()
    for n in range(count):
        body = b"private %d " % n * 50
        message = b"POST /private HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        if n % 2:
            assert lib.SSL_write_ex(ssl, message, ctypes.c_size_t(len(message)), ctypes.byref(moved)) == 1
        else:
            assert lib.SSL_write(ssl, message, len(message)) == len(message)
        got = b""
        while not got.endswith(body):
            if n % 2:
                assert lib.SSL_read_ex(ssl, buffer, ctypes.c_size_t(len(buffer)), ctypes.byref(moved)) == 1
                size = moved.value
            else:
                size = lib.SSL_read(ssl, buffer, len(buffer))
            assert size > 0, size
            got += buffer.raw[:size]
    if mode == "smuggle":
        smuggle(s)
    else:
        lib.SSL_shutdown(ssl)
    lib.SSL_free(ssl)
    s.close()


class Veiled:
    """The functions that move data are another library's, all others the real one's."""

    NAMES = ("SSL_read", "SSL_read_ex", "SSL_write", "SSL_write_ex")

    def __init__(self, path, lib):
        self.veil, self.lib = ctypes.CDLL(path), lib
        for i, name in enumerate(self.NAMES):
            self.veil.odd_set(ctypes.c_long(i), ctypes.cast(getattr(lib, name), ctypes.c_void_p))

    def __getattr__(self, name):
        return getattr(self.veil if name in self.NAMES else self.lib, name)


def load(path, mode):
    if mode == "memory":
        fd = os.memfd_create("libssl")
        with open(path, "rb") as f:
            os.write(fd, f.read())
        return ctypes.CDLL(f"/proc/self/fd/{fd}")
    lib = ctypes.CDLL(path)
    if mode == "held":
        os.unlink(path)
    return Veiled(sys.argv[5], lib) if mode == "veiled" else lib


path, url, count = sys.argv[1:4]
mode = "".join(sys.argv[4:5])
lib = load(path, mode) if mode in ("early", "held", "memory", "smuggle", "veiled") else None
print("waiting", flush=True)
sys.stdin.readline()
lib = lib or load(path, mode)
if mode == "patient":
    time.sleep(0.2)
post(lib, url, int(count))
if mode == "smuggle":
    mode = ""
    post(lib, url, int(count))
print("done", flush=True)
