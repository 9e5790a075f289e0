# SPDX-License-Identifier: BSD-2-Clause
"""A theatre: a director sends the author and the painter off at once, and asks a critic who is nobody's tool."""
import asyncio
import sys

from ag2 import Agent, tool
from ag2.config import OpenAIConfig, OpenAIResponsesConfig


@tool
def zz_props(thing: str) -> str:
    """Whether a thing is in the store."""
    return f"there are 2 of {thing}"


@tool
async def zz_light(colour: str) -> str:
    """Try a light."""
    await asyncio.sleep(0.01)
    raise RuntimeError(f"the {colour} lamp broke")


def theatre(streaming):
    chat = OpenAIConfig(model="gpt-4o-mini", streaming=streaming)
    author = Agent("zz_author", "You write like zz_poet.", config=chat, tools=[zz_props])
    painter = Agent("zz_painter", "You paint in zz_style.", config=OpenAIResponsesConfig(model="gpt-5-mini", streaming=streaming),
                    tools=[zz_props, zz_light])
    critic = Agent("zz_critic", "You write for the zz_paper.", config=chat)

    @tool
    async def zz_opinion(scene: str) -> str:
        """What the critic thinks of a scene."""
        return (await critic.ask(scene)).body

    return Agent("zz_director", "You direct the zz_house.", config=chat,
                 tools=[author.as_tool(description="Write"), painter.as_tool(description="Paint", name="zz_paint"), zz_opinion])


async def stage(what, streaming=False):
    reply = await theatre(streaming).ask(f"Put on a {what}")
    print(reply.body)


async def at_once():
    await asyncio.gather(stage("zz_tragedy"), stage("zz_comedy"))


if __name__ == "__main__":
    mode = sys.argv[1]
    if mode == "async":
        asyncio.run(at_once())
    else:
        for play in ("zz_tragedy", "zz_comedy"):
            asyncio.run(stage(play, mode == "stream"))
