# SPDX-License-Identifier: BSD-2-Clause
"""A newsroom: an editor who asks a reporter and a critic at once, then hands over to a publisher."""
import asyncio
import sys
from pathlib import Path

from agents import Agent, Runner, function_tool
from agents.mcp import MCPServerStdio
from agents.model_settings import ModelSettings

MODEL = "gpt-5-mini"
FILES = Path(__file__).parent


@function_tool
def zz_search(query: str) -> str:
    """Search the archive for a query."""
    return f"3 articles about {query}"


@function_tool
async def zz_ledger(account: str, year: int) -> str:
    """Look up an account in the ledger."""
    await asyncio.sleep(0.01)
    raise ConnectionError(f"ledger is closed for {account}")


@function_tool
def zz_publish(title: str) -> str:
    """Put an article online."""
    return f"published {title}"


def newsroom(mcp_servers=()):
    reporter = Agent(name="zz_reporter", instructions="You are a reporter. Your beat is zz_beat. Check facts twice.",
                     tools=[zz_search, zz_ledger], model=MODEL)
    critic = Agent(name="zz_critic", instructions="You judge drafts harshly, in the manner of zz_manner.", model=MODEL,
                   tools=[zz_search], mcp_servers=list(mcp_servers))
    publisher = Agent(name="zz_publisher", instructions="Publish what is ready, always under the heading zz_heading.",
                      handoff_description="Publishes articles", tools=[zz_publish], model=MODEL)
    return Agent(
        name="zz_editor", model=MODEL, handoffs=[publisher], model_settings=ModelSettings(parallel_tool_calls=True),
        instructions="You run the newsroom of the zz_masthead. Ask your staff, then hand over to the publisher.",
        tools=[reporter.as_tool("zz_report", "Ask the reporter for facts"),
               critic.as_tool("zz_review", "Ask the critic for an opinion")])


async def streamed(editor, story):
    result = Runner.run_streamed(editor, f"Write about {story}")
    async for event in result.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            print(event.data.delta, end="")
    print()
    return result.final_output


async def main(how):
    async with MCPServerStdio({"command": sys.executable, "args": [str(FILES / "weather.py")]}) as weather:
        editor = newsroom([weather])
        if how == "stream":
            await asyncio.gather(streamed(editor, "zz_story"), streamed(editor, "zz_scandal"))
        else:
            runs = [Runner.run(editor, f"Write about {s}") for s in ("zz_story", "zz_scandal")]
            for result in await asyncio.gather(*runs):
                print(result.final_output)


if __name__ == "__main__":
    mode = sys.argv[1]
    if mode == "sync":
        for subject in ("zz_story", "zz_scandal"):
            print(Runner.run_sync(newsroom(), f"Write about {subject}").final_output)
    else:
        asyncio.run(main(mode))
