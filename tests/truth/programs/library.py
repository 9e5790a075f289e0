# SPDX-License-Identifier: BSD-2-Clause
"""A library: a guide hands readers over to the archive, and a librarian asks a cataloguer and a translator at once."""
import asyncio
import sys

from llama_index.core.agent.workflow import AgentStream, AgentWorkflow, FunctionAgent, ToolCallResult
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAI

llm = OpenAI(model="gpt-4o-mini")


def zz_shelf(title: str) -> str:
    """Where a book stands."""
    return f"{title} is on shelf 7"


async def zz_lend(title: str) -> str:
    """Lend a book."""
    await asyncio.sleep(0.01)
    return f"{title} is lent"


def zz_dust(room: str) -> str:
    """Whether a room is dusty."""
    raise FileNotFoundError(f"no room {room}")


def zz_dictionary(word: str) -> str:
    """Look a word up."""
    return f"{word}: a word"


cataloguer = FunctionAgent(name="zz_cataloguer", description="Knows where books are", llm=llm, tools=[zz_shelf, zz_dust],
                           system_prompt="You keep the catalogue zz_cards.")
translator = FunctionAgent(name="zz_translator", description="Translates", llm=llm, streaming=False,
                           tools=[FunctionTool.from_defaults(zz_dictionary)], system_prompt="You speak zz_tongue.")


async def zz_askcatalogue(question: str) -> str:
    """Ask the cataloguer."""
    return str(await cataloguer.run(user_msg=question))


async def zz_asktranslator(text: str) -> str:
    """Have a text translated."""
    return str(await translator.run(text))


def librarian(streaming):
    return FunctionAgent(name="zz_librarian", llm=llm, tools=[zz_askcatalogue, zz_asktranslator, zz_lend], streaming=streaming,
                         system_prompt="You are the librarian of zz_library.")


def house():
    guide = FunctionAgent(name="zz_guide", description="Leads readers", llm=llm, tools=[zz_shelf], can_handoff_to=["zz_archivist"],
                          system_prompt="You lead through the zz_hall hall.")
    archivist = FunctionAgent(name="zz_archivist", description="Knows old papers", llm=llm, tools=[zz_dust, zz_lend],
                              can_handoff_to=["zz_guide"], system_prompt="You keep the zz_cellar cellar.")
    return AgentWorkflow(agents=[guide, archivist], root_agent="zz_guide")


async def lead():
    for wish in ("zz_map", "zz_novel"):
        print(await house().run(user_msg=f"I look for a {wish}"))


async def at_once():
    print(*await asyncio.gather(*(librarian(False).run(user_msg=f"I look for a {w}") for w in ("zz_poem", "zz_play"))), sep="\n")


async def stream():
    handler = librarian(True).run(user_msg="I look for a zz_poem")
    async for event in handler.stream_events():
        if isinstance(event, AgentStream):
            print(event.delta, end="", flush=True)
        elif isinstance(event, ToolCallResult):
            print(f"[{event.tool_name}]")
    print(await handler)
    async for event in (handler := house().run(user_msg="I look for a zz_map")).stream_events():
        pass
    print(await handler)


if __name__ == "__main__":
    asyncio.run({"sync": lead, "async": at_once, "stream": stream}[sys.argv[1]]())
