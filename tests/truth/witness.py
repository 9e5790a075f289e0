# SPDX-License-Identifier: BSD-2-Clause
"""What three witnesses tell of one run, in one form: the plan, the oracle inside the process, Bottrace outside.

    model calls  mark -> (input tokens, output tokens), owner
    tool calls   mark -> name, owner
    agents       row of the plan -> name, marks of its own model calls, row of the agent that it ran within

An owner is the row of the agent's run that made the call, None for none. An agent's run is the row whose calls it made."""
import json
from dataclasses import dataclass, field

from draw import MARK


@dataclass
class Node:
    """A span of any witness, as far as it counts here."""
    id: str
    parent: str
    kind: str                # model, tool, agent, flow (directs agents), or "" (only lies between)
    name: str = ""
    marks: frozenset = frozenset()
    tokens: tuple = None


@dataclass
class Told:
    models: dict = field(default_factory=dict)   # mark -> (tokens, owner)
    tools: dict = field(default_factory=dict)    # mark -> (name, owner)
    agents: dict = field(default_factory=dict)   # row -> (name, marks, parent row)
    strange: list = field(default_factory=list)  # agents' runs that are no row's, a second one of a row, or without a call
    coded: set = field(default_factory=set)      # marks of calls that a model's code makes, which no table has
    twice: list = field(default_factory=list)    # (kind, name, mark) of model and tool calls that there are twice


def marks_in(value, calls):
    text = value if isinstance(value, str) else json.dumps(value)
    return frozenset(m for m in MARK.findall(text or "") if ("t" in m[10:]) == calls)


def model_marks(value):
    """Of what a model answered: the answer's own mark, which its calls' marks begin with."""
    text = value if isinstance(value, str) else json.dumps(value)
    return frozenset(m[:10] for m in MARK.findall(text or ""))


# ---- the plan ----

def of_plan(rows):
    told = Told()
    for at, row in enumerate(rows):
        steps = [s for s in row.steps if not s.busy]
        owner = at if row.agent != "-" else None
        if owner is not None:
            told.agents[at] = (row.agent, frozenset(s.mark for s in steps), row.parent)
        for step in steps:
            told.models[step.mark] = (step.tokens if step.told else None, owner)
            for call in step.calls:
                if call.coded:
                    told.coded.add(call.mark)
                elif call.arguments:
                    told.tools[call.mark] = (call.name, owner)
    return told


# ---- trees of spans ----

def above(nodes, node, kinds):
    """The innermost node of these kinds around it."""
    at = nodes.get(node.parent)
    while at is not None and at.kind not in kinds:
        at = nodes.get(at.parent)
    return at


def run_of(nodes, node, merge):
    """The whole run. Instrumentations have several spans for one (`merge`): those of one name, one within the other
    without a tool between."""
    while merge:
        up = above(nodes, node, ("agent", "flow", "tool"))
        if up is None or up.kind != "agent" or up.name != node.name:
            break
        node = up
    return node


def owner_of(nodes, node, merge):
    up = above(nodes, node, ("agent", "flow"))
    return run_of(nodes, up, merge).id if up is not None and up.kind == "agent" else None


def of_nodes(found, plan, merge):
    nodes = {n.id: n for n in found}
    rows = {mark: at for at, (_, marks, _) in plan.agents.items() for mark in marks}
    told, own = Told(), {}
    for n in found:
        if n.kind == "model" and len(n.marks) == 1:
            own.setdefault(owner_of(nodes, n, merge), set()).update(n.marks)
    row_of = {None: None}
    for run, marks in sorted(((r, m) for r, m in own.items() if r), key=lambda rm: -len(rm[1])):
        votes = [rows[m] for m in marks if m in rows]
        row = max(set(votes), key=votes.count) if votes else None
        if row is None or row in told.agents:
            told.strange.append((nodes[run].name, sorted(marks)))
            row = f"{run} of no row"
        row_of[run] = row
        told.agents[row] = [nodes[run].name, frozenset(marks), None]
    for n in found:
        if n.kind == "model" and len(n.marks) == 1:
            if next(iter(n.marks)) in told.models:
                told.twice.append(("model", n.name, next(iter(n.marks))))
            told.models.setdefault(next(iter(n.marks)), (n.tokens, row_of[owner_of(nodes, n, merge)]))
        elif n.kind == "tool":
            for mark in n.marks:
                if mark in told.tools:
                    told.twice.append(("tool", n.name, mark))
                told.tools.setdefault(mark, (n.name, row_of.get(owner_of(nodes, n, merge))))
    for run, row in row_of.items():
        if run:
            told.agents[row][2] = parent_row(nodes, nodes[run], row_of, merge)
            told.agents[row] = tuple(told.agents[row])
    if not merge:
        told.strange += [(n.name, []) for n in found if n.kind == "agent" and n.id not in own]
    return told


def parent_row(nodes, node, row_of, merge):
    """The agent around it that made calls itself: one that only passes on is none."""
    while True:
        node = above(nodes, node, ("agent",))
        if node is None:
            return None
        node = run_of(nodes, node, merge)
        if node.id in row_of:
            return row_of[node.id]


# ---- Bottrace ----

MODELS = {"chat", "text_completion", "generate_content"}


def bottrace_node(span):
    a = span["attributes"]
    if span["kind"] in MODELS and not a.get("bottrace.hop_of"):
        tokens = (a.get("gen_ai.usage.input_tokens"), a.get("gen_ai.usage.output_tokens"))
        return Node(span["id"], span["parent"], "model", span["name"], model_marks(a.get("gen_ai.output.messages", "")), tokens)
    if span["kind"] == "execute_tool":
        return Node(span["id"], span["parent"], "tool", a.get("gen_ai.tool.name") or "",
                    marks_in(a.get("gen_ai.tool.call.arguments", ""), True))
    if span["kind"] == "invoke_agent":
        return Node(span["id"], span["parent"], "agent", a.get("gen_ai.agent.name") or "")
    return Node(span["id"], span["parent"], "flow" if span["kind"] == "invoke_workflow" else "", span["name"])


def of_bottrace(document, plan):
    traces = document["traces"] if document["schema"] == "bottrace.v1.traces" else [document]
    return of_nodes([bottrace_node(s) for t in traces for s in t["spans"]], plan, merge=False)
