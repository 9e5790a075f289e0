# SPDX-License-Identifier: BSD-2-Clause
"""A farm: seeds and soil are looked into at once, then the farmer plants, and may send the hand."""
import asyncio
import sys

from crewai import LLM, Agent, Crew, Process, Task
from crewai.tools import BaseTool, tool


@tool("zz_catalogue")
def zz_catalogue(plant: str) -> str:
    """Prices of seeds of a plant."""
    return f"{plant}: 3 a bag"


class Probe(BaseTool):
    name: str = "zz_probe"
    description: str = "Probes the soil of a field"

    def _run(self, field: str) -> str:
        raise ValueError(f"the probe broke in {field}")


@tool("zz_plough")
def zz_plough(field: str) -> str:
    """Plough a field."""
    return f"{field} is ploughed"


def crew(what, stream):
    llm = LLM(model="gpt-4o-mini", stream=True) if stream else "gpt-4o-mini"
    buyer = Agent(role="zz_buyer", goal="Buy good seeds", backstory="You learned to trade in zz_town.", tools=[zz_catalogue], llm=llm)
    chemist = Agent(role="zz_chemist", goal="Know the soil", backstory="You studied soil at zz_school.", tools=[Probe()], llm=llm)
    hand = Agent(role="zz_hand", goal="Do the work", backstory="You grew up by the zz_river.", tools=[zz_plough], llm=llm)
    farmer = Agent(role="zz_farmer", goal="Have a harvest", backstory="You own the zz_farm.", llm=llm, allow_delegation=True)
    seeds = Task(description=f"Find seeds of {what}", expected_output="a list", agent=buyer, async_execution=True)
    soil = Task(description=f"Is the soil good for {what}?", expected_output="yes or no", agent=chemist, async_execution=True)
    plant = Task(description=f"Plant {what}", expected_output="a report", agent=farmer, context=[seeds, soil])
    return Crew(agents=[buyer, chemist, hand, farmer], tasks=[seeds, soil, plant], process=Process.sequential, stream=stream,
                name="zz_crew")


async def at_once():
    for result in await asyncio.gather(*(crew(w, False).kickoff_async() for w in ("zz_wheat", "zz_oats"))):
        print(result.raw)


if __name__ == "__main__":
    mode = sys.argv[1]
    if mode == "async":
        asyncio.run(at_once())
    else:
        for wish in ("zz_wheat", "zz_oats"):
            result = crew(wish, mode == "stream").kickoff()
            if mode == "stream":
                for chunk in result:
                    print(chunk.content, end="")
            else:
                print(result.raw)
