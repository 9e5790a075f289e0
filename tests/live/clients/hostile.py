# SPDX-License-Identifier: BSD-2-Clause
"""Says what it is told to: hostile.py PORT CA DIRECTORY N... a connection for each N, on which it writes DIRECTORY/N and reads
until the other side has said all that it will, at 25 MB/s on average."""
import socket
import ssl
import sys
import time
from pathlib import Path

port, ca, directory, *numbers = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
for number in numbers:
    raw = socket.create_connection(("127.0.0.1", int(port)))
    tls = context.wrap_socket(raw, server_hostname="localhost")
    said = Path(directory, number).read_bytes()
    tls.sendall(said)
    moved = len(said)
    while data := tls.recv(1 << 18):
        moved += len(data)
    tls.close()
    time.sleep(moved / 25e6)  # how much a loaded machine takes is not the question here
print("done")
