# SPDX-License-Identifier: BSD-2-Clause
"""How each framework's instrumentation names what it saw: its spans, read as nodes."""
import re

from witness import Node, marks_in, model_marks, of_nodes

KIND = "openinference.span.kind"


def output(a):
    return [v for k, v in a.items() if k.startswith(("llm.output_messages", "output.value", "gen_ai.output"))]


def openinference(span):
    """A node by OpenInference's own words; agents' names are each framework's own matter."""
    a = span["attributes"]
    kind = a.get(KIND)
    if kind == "LLM":
        tokens = (a.get("llm.token_count.prompt"), a.get("llm.token_count.completion"))
        return Node(span["id"], span["parent"], "model", span["name"], model_marks(output(a)), tokens)
    if kind == "TOOL":
        asked = [v for k, v in a.items() if k.startswith(("input.value", "tool.", "tool_call."))]
        return Node(span["id"], span["parent"], "tool", a.get("tool.name") or span["name"], marks_in(asked, True))
    return Node(span["id"], span["parent"], "", span["name"])


def openai_agents(span):
    node = openinference(span)
    if span["attributes"].get(KIND) == "AGENT" and span["attributes"].get("agent.name"):
        node.kind, node.name = "agent", span["attributes"]["agent.name"]
    return node


def smolagents(span):
    node = openinference(span)
    if span["attributes"].get(KIND) == "AGENT":
        node.kind, node.name = "agent", span["attributes"].get("smolagents.agent.name") or span["name"].removesuffix(".run")
    return node


def conventions(span):
    """By OpenTelemetry's own conventions for generative AI."""
    a = span["attributes"]
    operation = a.get("gen_ai.operation.name")
    if operation == "chat":
        tokens = (a.get("gen_ai.usage.input_tokens"), a.get("gen_ai.usage.output_tokens"))
        return Node(span["id"], span["parent"], "model", span["name"], model_marks(output(a)), tokens)
    if operation == "execute_tool":
        return Node(span["id"], span["parent"], "tool", a.get("gen_ai.tool.name"),
                    marks_in(a.get("gen_ai.tool.call.arguments", ""), True))
    if operation == "invoke_agent":
        return Node(span["id"], span["parent"], "agent", a.get("gen_ai.agent.name"))
    return Node(span["id"], span["parent"], "", span["name"])


def langgraph(span):
    """A graph has its name, and an agent's graph has the agent's; so have nodes that are agents."""
    node = openinference(span)
    if not node.kind:
        node.kind, node.name = "named", span["name"]
    return node


def autogen(span):
    """OpenInference's spans, and those that AutoGen makes itself."""
    node = openinference(span)
    if not node.kind:
        own = conventions(span)
        node.kind, node.name = (own.kind, own.name) if own.kind == "agent" else ("", span["name"])
    if span["attributes"].get(KIND) == "AGENT":
        node.kind, node.name = "agent", span["name"].removesuffix(".on_messages_stream")
    if node.kind == "tool":
        node.name = node.name.split(".")[-1]
    return node


STEP_AGENT = re.compile(r"current_agent_name='([^']*)'")


def llama_index(spans):
    """A workflow's steps stand side by side below its run, and the agent's name is in what one step hands to the next: an
    agent's run is what lies between two changes of the name."""
    runs = {s["id"]: s for s in spans if s["name"].endswith("Agent.run") or s["name"] == "AgentWorkflow.run"}
    nodes, now = [], {}
    for s in sorted(spans, key=lambda s: s["start"]):
        node = openinference(s)
        if s["name"].endswith("._prepare_chat_with_tools"):  # an LLM span of OpenInference, but no call
            node.kind = ""
        run = runs.get(s["parent"])
        if run:
            told = STEP_AGENT.search(str(s["attributes"].get("input.value"))) if s["name"].endswith(".setup_agent") else None
            if told and (run["id"] not in now or now[run["id"]].name != told.group(1)):
                now[run["id"]] = Node(f"{run['id']} {len(nodes)}", run["id"], "agent", told.group(1))
                nodes.append(now[run["id"]])
            node.parent = now[run["id"]].id if run["id"] in now else node.parent
        nodes.append(node)
    return nodes


def dspy(span):
    node = openinference(span)
    if span["attributes"].get(KIND) == "CHAIN":
        module, _, method = span["name"].rpartition(".")
        node.kind, node.name = ("named", module) if method in ("forward", "aforward") else ("", span["name"])
    return node


def crewai(span):
    node = openinference(span)
    if span["attributes"].get(KIND) == "AGENT":
        node.kind, node.name = "agent", span["attributes"].get("graph.node.id") or span["name"]
    return node


def each(reader):
    return lambda spans: [reader(s) for s in spans]


READERS = {"openai-agents": each(openai_agents), "smolagents": each(smolagents), "pydantic-ai": each(conventions),
           "langgraph": each(langgraph), "autogen": each(autogen), "llama-index": llama_index,
           "dspy": each(dspy), "crewai": each(crewai), "ag2": each(conventions)}


def of_oracle(framework, spans, plan):
    found, names = READERS[framework](spans), {name for name, _, _ in plan.agents.values()}
    for n in found:
        if n.kind == "named":
            n.kind = "agent" if n.name in names else ""
    return of_nodes(found, plan, merge=True)
