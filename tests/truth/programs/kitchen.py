# SPDX-License-Identifier: BSD-2-Clause
"""A kitchen: a chef who has a buyer and a taster, agents of their own."""
import asyncio
import sys

from smolagents import CodeAgent, OpenAIModel, Tool, ToolCallingAgent, tool


@tool
def zz_price(item: str) -> str:
    """The price of an item on the market.

    Args:
        item: what to buy
    """
    return f"{len(item)} a pound for {item}"


class Stock(Tool):
    name = "zz_stock"
    description = "Counts what is left of an item."
    inputs = {"item": {"type": "string", "description": "what to count"}}
    output_type = "string"

    def forward(self, item: str) -> str:
        raise TimeoutError(f"nobody counted {item}")


def kitchen(stream, code):
    model = OpenAIModel(model_id="gpt-4o-mini")
    buyer = ToolCallingAgent(tools=[zz_price, Stock()], model=model, name="zz_buyer", description="Buys what is needed.",
                             instructions="Haggle as they do in zz_market.", stream_outputs=stream, verbosity_level=0)
    taster = ToolCallingAgent(tools=[zz_price], model=model, name="zz_taster", description="Tastes a dish.",
                              instructions="You were trained by zz_trainer.", stream_outputs=stream, verbosity_level=0)
    kind = CodeAgent if code else ToolCallingAgent
    return kind(tools=[zz_price] if not code else [], model=model, managed_agents=[buyer, taster], stream_outputs=stream, name="zz_chef",
                instructions="You cook at the zz_restaurant.", verbosity_level=0)


async def both():
    return await asyncio.gather(*(asyncio.to_thread(kitchen(False, True).run, f"Cook a {dish}") for dish in ("zz_soup", "zz_pie")))


if __name__ == "__main__":
    mode = sys.argv[1]
    if mode == "async":
        print(*asyncio.run(both()), sep="\n")
    else:
        chef = kitchen(mode == "stream", False)
        for dish in ("zz_soup", "zz_pie"):
            if mode == "stream":
                for step in chef.run(f"Cook a {dish}", stream=True):
                    last = step
                print(last)
            else:
                print(chef.run(f"Cook a {dish}"))
