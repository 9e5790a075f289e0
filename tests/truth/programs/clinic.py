# SPDX-License-Identifier: BSD-2-Clause
"""A clinic: a patient sees triage, which asks the laboratory; then heart and lungs at once; then a letter is written."""
import asyncio
import operator
import sys
from typing import Annotated, TypedDict

from langchain.agents import create_agent
from langchain.messages import HumanMessage
from langchain.tools import tool
from langchain_core.tools import ToolException
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph

model = ChatOpenAI(model="gpt-4.1-mini", stream_usage=True)


class State(TypedDict):
    patient: str
    findings: Annotated[list, operator.add]
    letter: str


@tool
def zz_measure(value: str) -> str:
    """Measure a value of a sample."""
    return f"{value} is normal"


@tool
def zz_count(cells: str) -> str:
    """Count cells of a sample."""
    raise ToolException(f"the counter of {cells} is out of order")


zz_count.handle_tool_error = True


@tool
def zz_history(name: str) -> str:
    """What is known of a patient."""
    return f"{name} never was ill"


laboratory = create_agent(model, tools=[zz_measure, zz_count], name="zz_laboratory",
                          system_prompt="You are the laboratory with the zz_bench bench.")


@tool
def zz_asklab(sample: str) -> str:
    """Have the laboratory look at a sample."""
    return laboratory.invoke({"messages": [HumanMessage(sample)]})["messages"][-1].content


@tool("zz_asklab")
async def aask(sample: str) -> str:
    """Have the laboratory look at a sample."""
    result = await laboratory.ainvoke({"messages": [HumanMessage(sample)]})
    return result["messages"][-1].content


def build(asynchronous):
    triage = create_agent(model, tools=[zz_history, aask if asynchronous else zz_asklab], name="zz_triage",
                          system_prompt="You sit at the desk zz_desk and judge how ill people are.")
    cardiology = create_agent(model, tools=[zz_history], name="zz_cardiology", system_prompt="You hear hearts as zz_teacher did.")
    radiology = create_agent(model, tools=[], name="zz_radiology", system_prompt="You read pictures of the zz_tube tube.")

    def asking(agent, state):
        return {"messages": [{"role": "user", "content": f"The patient is {state['patient']}. So far: {state['findings']}"}]}

    def node(agent):
        def see(state: State):
            return {"findings": [agent.invoke(asking(agent, state))["messages"][-1].content]}

        async def asee(state: State):
            result = await agent.ainvoke(asking(agent, state))
            return {"findings": [result["messages"][-1].content]}
        return asee if asynchronous else see

    def write(state: State):
        return {"letter": model.invoke(f"Write a letter on zz_paper paper about {state['patient']}: {state['findings']}").content}

    async def awrite(state: State):
        answer = await model.ainvoke(f"Write a letter on zz_paper paper about {state['patient']}: {state['findings']}")
        return {"letter": answer.content}

    graph = StateGraph(State)
    graph.add_node("triage", node(triage))
    graph.add_node("heart", node(cardiology))
    graph.add_node("lungs", node(radiology))
    graph.add_node("letter", awrite if asynchronous else write)
    graph.add_edge(START, "triage")
    graph.add_edge("triage", "heart")
    graph.add_edge("triage", "lungs")
    graph.add_edge(["heart", "lungs"], "letter")
    graph.add_edge("letter", END)
    return graph.compile(name="zz_clinic")


PATIENTS = [{"patient": p, "findings": [], "letter": ""} for p in ("zz_ann", "zz_bob")]


async def at_once():
    clinic = build(True)
    for state in await asyncio.gather(*(clinic.ainvoke(p) for p in PATIENTS)):
        print(state["letter"])


async def stream():
    clinic = build(True)
    for patient in PATIENTS:
        async for _, part in clinic.astream(patient, stream_mode="messages", subgraphs=True):
            print(part[0].text, end="")


if __name__ == "__main__":
    mode = sys.argv[1]
    if mode == "sync":
        for state in build(False).batch(PATIENTS):
            print(state["letter"])
    else:
        asyncio.run(stream() if mode == "stream" else at_once())
