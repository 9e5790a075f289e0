# SPDX-License-Identifier: BSD-2-Clause
"""A server of tools and its client, by the mcp package over TLS.

    toolshed.py serve KIND CERT KEY               says its port; KIND: json, events (streamable HTTP) or sse (the older transport)
    toolshed.py call KIND ERA URL CA [MODEL]      ERA: legacy or auto; MODEL: the URL of a model that asks for the tools
    toolshed.py both KIND ERA CERT KEY            a server in a child, and its client
"""
import asyncio
import json
import os
import socket
import ssl
import subprocess
import sys
from typing import Annotated

import httpx2
from pydantic import BaseModel


class Day(BaseModel):
    day: str


def shed():
    from mcp.server.mcpserver import Context, Elicit, MCPServer, Resolve
    server = MCPServer("shed")

    def which_day() -> Elicit[Day]:
        return Elicit("Which day?", Day)

    @server.tool()
    async def find(city: str, ctx: Context) -> str:
        """Says how warm it is."""
        await ctx.report_progress(1, 2)
        return f"4 degrees in {city}"

    @server.tool()
    def fail(reason: str) -> str:
        """Fails."""
        raise ValueError(reason)

    @server.tool()
    def book(seat: int, day: Annotated[Day, Resolve(which_day)]) -> str:
        """Books a seat."""
        return f"seat {seat} on {day.day}"

    return server


def serve(kind, cert, key):
    import uvicorn
    server = shed()
    app = server.sse_app() if kind == "sse" else server.streamable_http_app(json_response=kind == "json")
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, ssl_certfile=cert, ssl_keyfile=key, log_level="error", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


async def answer_question(context, params):
    from mcp_types import ElicitResult
    return ElicitResult(action="accept", content={"day": "Monday"})


async def ask_model(http, url, messages):
    answer = await http.post(url + "/v1/chat/completions", json={"model": "gpt-5-mini", "messages": messages})
    return answer.json()["choices"][0]["message"]


async def converse(client, http, model):
    """What the model asks for is called by MCP, and told."""
    messages = [{"role": "user", "content": "weather and a seat"}]
    while True:
        message = await ask_model(http, model, messages)
        messages.append(message)
        if not message.get("tool_calls"):
            return
        for call in message["tool_calls"]:
            function = call["function"]
            name = function["name"].removeprefix("shed__")
            result = await client.call_tool(name, json.loads(function["arguments"]))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result.content[0].text})


async def work(client, http, model):
    tools = await client.list_tools()
    print("tools", sorted(t.name for t in tools.tools))
    if model:
        await converse(client, http, model)
        return
    for name, arguments in (("find", {"city": "Oslo"}), ("fail", {"reason": "on purpose"}), ("book", {"seat": 7})):
        result = await client.call_tool(name, arguments)
        print(name, result.is_error, result.content[0].text)


async def call(kind, era, url, ca, model=None):
    from mcp import Client
    from mcp.client.sse import sse_client
    from mcp.client.streamable_http import streamable_http_client
    trust = ssl.create_default_context(cafile=ca)

    def make(headers=None, timeout=None, auth=None, **rest):
        return httpx2.AsyncClient(verify=trust, headers=headers, timeout=30, follow_redirects=True)

    async with make() as http:
        if kind == "sse":
            transport = sse_client(url + "/sse", httpx_client_factory=make)
        else:
            transport = streamable_http_client(url + "/mcp", http_client=http)
        async with Client(transport, mode=era, elicitation_callback=answer_question) as client:
            print("speaks", client.protocol_version)
            await work(client, http, model)


def both(kind, era, cert, key):
    with subprocess.Popen([sys.executable, __file__, "serve", kind, cert, key], stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline())
        try:
            asyncio.run(call(kind, era, f"https://localhost:{port}", cert))
        finally:
            server.terminate()


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    if verb == "serve":
        serve(*rest)
    elif verb == "both":
        both(*rest)
    else:
        asyncio.run(call(*rest))
    sys.stdout.flush()
    os._exit(0)
