# SPDX-License-Identifier: BSD-2-Clause
"""An MCP server over standard input and output, as small as can be."""
import json
import sys

for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m:
        continue
    if m["method"] == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "adder", "version": "1"}}
    else:
        a = m["params"]["arguments"]
        result = {"content": [{"type": "text", "text": f"{a['a']}{a['b']}"}], "isError": False}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": result}), flush=True)
