# SPDX-License-Identifier: BSD-2-Clause
"""What is drawn for a run: names, prompts, and what the model will say.

A program and its plan are written with words that begin with `zz_`, for agents, tools and prompts; each becomes a word that
was drawn, the same in both. A plan has a row for each run of an agent:

    persona   task   agent    answers

`persona` is a word that only this agent's instructions have, `task` one that this run was asked with: a request that has
both is this run's next. Answers are separated by `;`: `say` (`say word`: with that word in it), `busy` (a 500, which a client tries again), or calls of tools,
joined by `+`: `tool(key=word)`, with `!` after the name of one that fails, `*` of one that is called by code which the model
wrote, `>` of one that hands over; `key:word` is the word alone. Every text and every call that the model gives
holds a mark of its own, by which it is found again in what others tell of the run. A run whose task is a word in a call's
arguments was asked by that call: `parent`. The agent `-` is none: a model call of the program itself."""
import hashlib
import random
import re
from dataclasses import dataclass, field

MARK = re.compile(r"xq[a-z]{8}(?:t\d+)?")
WORD = re.compile("zz_[a-z0-9]+")
CALL = re.compile(r"(\w+)([!*>]?)\(([^)]*)\)")


@dataclass
class Call:
    id: str
    name: str
    arguments: dict
    mark: str
    fails: bool
    coded: bool
    hands: bool


@dataclass
class Step:
    """One answer of the model."""
    mark: str
    say: str = None
    busy: bool = False
    calls: list = field(default_factory=list)
    tokens: tuple = (0, 0)
    cached: int = 0
    told: bool = True  # whether the client asked for the usage


@dataclass
class Row:
    persona: str
    task: str
    agent: str
    steps: list
    parent: int = None   # the row that asked
    asked: str = None    # the mark of the call that asked


class Draw:
    """Words by seed: the same seed draws the same, whatever the order of asking."""

    def __init__(self, seed):
        self.seed = str(seed)
        self.words = {}  # drawn: what for

    def random(self, *of):
        return random.Random(hashlib.sha256("\0".join([self.seed, *map(str, of)]).encode()).digest())

    def word(self, of):
        r = self.random("word", of)
        word = "".join(r.choice("bdfghklmnprstvz") + r.choice("aeiou") for _ in range(4)) + r.choice("lmnrst")
        self.words[word] = of
        return word

    def mark(self, *of):
        r = self.random("mark", *of)
        return "xq" + "".join(r.choice("abcdefghijklmnoprsuvwyz") for _ in range(8))

    def text(self, of, words):
        return " ".join(self.word(f"{of} {i}") for i in range(words))

    def fill(self, source):
        return WORD.sub(lambda m: self.word(m.group()), source)

    def undo(self, text):
        """Drawn words as the program has them, marks left out: for people."""
        text = re.sub(r"[a-z]{9}", lambda m: self.words.get(m.group(), m.group()).removeprefix("zz_"), MARK.sub("", text))
        return re.sub(r" +(?=[ :,]|$)", "", text)


def read_call(draw, mark, index, text):
    m = CALL.fullmatch(text.strip())
    if not m:
        raise ValueError(f"no call: {text!r}")
    own = f"{mark}t{index}"
    arguments = {}
    for pair in filter(None, (p.strip() for p in m.group(3).split(","))):
        key, sign, word = re.fullmatch(r"(\w+)([=:])(.*)", pair).groups()
        arguments[key] = word if sign == ":" else int(word) if word.isdigit() else f"{word} {own}"
    return Call("call_" + own, m.group(1), arguments, own, m.group(2) == "!", m.group(2) == "*", m.group(2) == ">")


def read_step(draw, row, at, text):
    mark, r = draw.mark(row, at), draw.random("step", row, at)
    step = Step(mark, tokens=(r.randrange(200, 4000), r.randrange(20, 900)))
    step.cached = r.randrange(0, step.tokens[0])
    if text == "busy":
        step.busy = True
    elif text.split()[0] == "say":
        step.say = " ".join([draw.text((row, at), r.randrange(4, 30)), *text.split()[1:], mark + "."])
    else:
        step.calls = [read_call(draw, mark, i, c) for i, c in enumerate(text.split(" + "))]
    return step


def read_plan(draw, source):
    rows = []
    for line in draw.fill(source).split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        persona, task, agent, answers = line.split(None, 3)
        row = (persona, task)
        rows.append(Row(persona, task, agent, [read_step(draw, row, i, a.strip()) for i, a in enumerate(answers.split(";"))]))
    for row in rows:
        for at, other in enumerate(rows):
            for call in (c for s in other.steps for c in s.calls if not c.hands):
                if any(str(a).split(" ")[0] == row.task for a in call.arguments.values()) and other is not row:
                    row.parent, row.asked = at, call.mark
    return rows
