# SPDX-License-Identifier: BSD-2-Clause
"""A harbour: pilots, cranes and customs talk ships through, in a round, in a graph with two at once, or led by a chair."""
import asyncio
import sys

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination, TextMentionTermination
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow, RoundRobinGroupChat, SelectorGroupChat
from autogen_agentchat.tools import AgentTool
from autogen_agentchat.ui import Console
from autogen_ext.models.openai import OpenAIChatCompletionClient


def zz_tide(hour: str) -> str:
    """The tide at an hour."""
    return f"high at {hour}"


async def zz_manifest(ship: str) -> str:
    """What is on a ship."""
    await asyncio.sleep(0.01)
    return f"{ship} has 40 boxes"


def zz_radar(sector: str) -> str:
    """Look at a sector."""
    raise RuntimeError(f"no echo from {sector}")


class Harbour:
    def __init__(self, stream):
        self.client = OpenAIChatCompletionClient(model="gpt-4o-mini", stream_options={"include_usage": True}) if stream else \
            OpenAIChatCompletionClient(model="gpt-4o-mini")
        self.pilot = AssistantAgent("zz_pilot", self.client, tools=[zz_tide, zz_radar], max_tool_iterations=4,
                                    system_message="You are a pilot of zz_sea.", model_client_stream=stream)
        self.customs = AssistantAgent("zz_customs", self.client, tools=[zz_manifest], reflect_on_tool_use=True,
                                      system_message="You guard the border of zz_land.", model_client_stream=stream)
        weigher = AssistantAgent("zz_weigher", self.client, description="Weighs boxes", system_message="You weigh in zz_unit.",
                                 model_client_stream=stream)
        self.crane = AssistantAgent("zz_crane", self.client, tools=[AgentTool(weigher)], max_tool_iterations=3,
                                    system_message="You lift with the zz_hook hook.", model_client_stream=stream)
        self.clerk = AssistantAgent("zz_clerk", self.client, system_message="You keep the book zz_book.", model_client_stream=stream)

    def round(self):
        return RoundRobinGroupChat([self.pilot, self.customs, self.crane], termination_condition=TextMentionTermination("zz_over"))

    def graph(self):
        b = DiGraphBuilder()
        for agent in (self.pilot, self.customs, self.crane, self.clerk):
            b.add_node(agent)
        b.add_edge(self.pilot, self.customs).add_edge(self.pilot, self.crane)
        b.add_edge(self.customs, self.clerk).add_edge(self.crane, self.clerk)
        return GraphFlow(b.get_participants(), b.build())

    def led(self):
        return SelectorGroupChat([self.pilot, self.customs, self.crane], model_client=self.client,
                                 selector_prompt="You chair the zz_board. Choose of {participants} who speaks next, by {roles}, "
                                 "after {history}. Say only a name.", allow_repeated_speaker=True,
                                 termination_condition=TextMentionTermination("zz_over") | MaxMessageTermination(9))


async def at_once():
    results = await asyncio.gather(*(Harbour(False).graph().run(task=f"Bring in the {ship}") for ship in ("zz_anna", "zz_bella")))
    for r in results:
        print(r.messages[-1].content)


async def stream():
    harbour = Harbour(True)
    await Console(harbour.led().run_stream(task="Bring in the zz_cora"))


async def in_turn():
    harbour = Harbour(False)
    print((await harbour.round().run(task="Bring in the zz_dora")).messages[-1].content)
    print((await harbour.customs.run(task="Look through the zz_ella")).messages[-1].content)


if __name__ == "__main__":
    asyncio.run({"sync": in_turn, "async": at_once, "stream": stream}[sys.argv[1]]())
