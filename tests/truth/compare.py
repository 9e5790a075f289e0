# SPDX-License-Identifier: BSD-2-Clause
"""What Bottrace tells, measured by what the oracle tells.

Where oracle and plan say different things of one item, the plan is what is measured by, and the difference is listed: the
program was written to do the plan, and its model did nothing else."""
from dataclasses import dataclass, field

GOALS = {"models": 1.0, "tokens": 1.0, "tools": 0.98, "agents": 0.98, "parents": 0.98}
HEADS = {"models": "model calls", "tokens": "tokens", "tools": "tool calls", "agents": "agents", "parents": "agent parents"}


@dataclass
class Score:
    found: dict = field(default_factory=lambda: dict.fromkeys(GOALS, 0))
    of: dict = field(default_factory=lambda: dict.fromkeys(GOALS, 0))
    wrong: int = 0
    surplus: int = 0
    misses: list = field(default_factory=list)    # what Bottrace tells otherwise, a line each
    differs: list = field(default_factory=list)   # what the oracle tells otherwise than the plan

    def add(self, other):
        for k in GOALS:
            self.found[k] += other.found[k]
            self.of[k] += other.of[k]
        self.wrong += other.wrong
        self.surplus += other.surplus
        self.misses += other.misses
        self.differs += other.differs

    def count(self, what, right, line):
        self.of[what] += 1
        self.found[what] += right
        if not right:
            self.misses.append(f"{HEADS[what]}: {line}")

    def reached(self):
        return not self.wrong and not self.surplus and all(self.found[k] >= g * self.of[k] and (self.of[k] or k == "tokens") for k, g in GOALS.items())


def name_of(plan, row):
    return plan.agents[row][0] if row in plan.agents else "nobody" if row is None else str(row)


def differences(plan, oracle, score):
    """Items of which the oracle tells otherwise than the plan; those it does not know at all among them."""
    for mark, (tokens, owner) in plan.models.items():
        got = oracle.models.get(mark)
        what = f"model call {mark} of {name_of(plan, owner)}"
        if got is None:
            score.differs.append(f"{what}: not seen")
        else:
            if tokens and got[0] != tokens:
                score.differs.append(f"{what}: {'other' if any(got[0] or ()) else 'no'} tokens")
            if got[1] != owner:
                score.differs.append(f"{what}: belongs to {name_of(plan, got[1])}")
    for mark, (name, owner) in plan.tools.items():
        got = oracle.tools.get(mark)
        what = f"tool call {name} {mark} of {name_of(plan, owner)}"
        if got is None:
            score.differs.append(f"{what}: not seen")
        elif got[1] != owner:
            score.differs.append(f"{what}: belongs to {name_of(plan, got[1])}")
    for row, (name, marks, parent) in plan.agents.items():
        got = oracle.agents.get(row)
        what = f"agent {name}"
        if got is None:
            score.differs.append(f"{what}: not seen")
        else:
            if got[:2] != (name, marks):
                score.differs.append(f"{what}: {got[0]} with {len(got[1])} of {len(marks)} calls")
            if got[2] != parent:
                score.differs.append(f"{what}: within {name_of(plan, got[2])}, asked by {name_of(plan, parent)}")
    score.differs += [f"an agent's run more: {name} with {len(marks)} calls" for name, marks in oracle.strange]


def compare(plan, oracle, got):
    """A Score of what Bottrace got. The plan has every item, so what is counted is the plan's; what the oracle tells
    otherwise is listed."""
    score = Score()
    differences(plan, oracle, score)
    for mark, (tokens, owner) in plan.models.items():
        have = got.models.get(mark)
        score.count("models", have is not None, f"{mark} of {name_of(plan, owner)} is not there")
        if tokens:  # else the wire does not have them
            score.count("tokens", have is not None and have[0] == tokens, f"{mark}: {have and have[0]}, not {tokens}")
        if have and have[1] != owner:
            wrong(score, plan, f"model call {mark}", have[1], owner)
    for mark, (name, owner) in plan.tools.items():
        have = got.tools.get(mark)
        score.count("tools", have is not None and have[0] == name, f"{name} {mark}: {have and have[0]}")
        if have and have[1] != owner:
            wrong(score, plan, f"tool call {name} {mark}", have[1], owner)
    for row, (name, marks, parent) in plan.agents.items():
        have = got.agents.get(row)
        score.count("agents", have is not None and have[:2] == (name, marks),
                    f"{name} with {len(marks)} calls: {have and have[0]!r} with {have and len(have[1])}")
        score.count("parents", have is not None and have[2] == parent,
                    f"{name}: within {name_of(plan, have and have[2])}, asked by {name_of(plan, parent)}")
        if have and have[2] != parent:
            wrong(score, plan, f"agent {name}", have[2], parent)
    for name, marks in got.strange:
        surplus(score, f"agent {name!r} with {len(marks)} calls")
    for kind, name, mark in got.twice:
        surplus(score, f"{kind} call {name} {mark}, a second time")
    for kind, have, want in (("model", got.models, plan.models), ("tool", got.tools, plan.tools)):
        for mark in have.keys() - want.keys():
            if not any(mark.startswith(c) for c in plan.coded):
                surplus(score, f"{kind} call {mark}, which the model did not make")
    return score


def surplus(score, what):
    score.surplus += 1
    score.misses.append(f"SURPLUS {what}")


def wrong(score, plan, what, got, want):
    """Nobody is not wrong, only not found; somebody else is."""
    if got is not None:
        score.wrong += 1
        score.misses.append(f"WRONG {what}: with {name_of(plan, got)}, not {name_of(plan, want)}")
    else:
        score.misses.append(f"{what}: with nobody, not {name_of(plan, want)}")
