# SPDX-License-Identifier: BSD-2-Clause
"""An echo server over TLS in a process of its own: says {"pid", "port", "ca"} and serves until its stdin ends."""
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from rig.server import Answer, Server  # noqa: E402

server = Server(lambda request: Answer(200, {}, request.body))
print(json.dumps({"pid": os.getpid(), "port": server.port, "ca": server.ca}), flush=True)
for line in sys.stdin:  # "closed": says how many connections have ended
    server.wait_closed()
    print(len([c for c in server.connections if c.closed]), flush=True)
server.close()
