# SPDX-License-Identifier: BSD-2-Clause
"""How each framework's instrumentation names what it saw: its spans, read as nodes."""
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


READERS = {"openai-agents": openai_agents}


def of_oracle(framework, spans, plan):
    return of_nodes([READERS[framework](s) for s in spans], plan, merge=True)
