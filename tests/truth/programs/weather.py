# SPDX-License-Identifier: BSD-2-Clause
"""A tool server of the house, over stdio."""
from mcp.server import MCPServer

server = MCPServer("weather")


@server.tool()
def zz_weather(city: str) -> str:
    """The weather in a city."""
    return f"rain in {city}"


if __name__ == "__main__":
    server.run()
