# SPDX-License-Identifier: BSD-2-Clause
"""The table of docs/truth.md: what follows its line `<!-- table -->` is written anew."""
from collections import Counter

from compare import GOALS, HEADS, Score

MARK = "<!-- table -->\n"


def row(name, mode, score):
    cells = [f"{score.found[k]}/{score.of[k]}" for k in GOALS] + [str(score.wrong), str(score.surplus), str(len(score.differs))]
    return f"| {name} | {mode} | " + " | ".join(cells) + " |"


def versions(packages):
    return ", ".join(f"`{p.replace('==', ' ')}`" for p in packages if "==" in p)


def lines(scores, packages):
    yield "| framework | mode | " + " | ".join(HEADS[k] for k in GOALS) + " | wrong parents | surplus | oracle differs |"
    yield "|---|---|" + "---|" * (len(GOALS) + 3)
    total = Score()
    for (name, mode), score in scores.items():
        total.add(score)
        yield row(name, mode, score)
    yield row("all", "", total)
    yield ""
    yield "Versions: " + "; ".join(f"{name}: {versions(p)}" for name, (_, p) in packages.items()) + "."
    for head, of in (("What Bottrace tells otherwise", "misses"), ("What the oracles tell otherwise", "differs")):
        yield f"\n### {head}\n"
        said = Counter((name, line) for (name, _), score in scores.items() for line in getattr(score, of))
        yield from [f"- {name}: {line}" + (f" ({n} times)" if n > 1 else "") for (name, line), n in said.items()] or ["Nothing."]


def write(path, scores, packages):
    before = path.read_text().split(MARK)[0]
    path.write_text(before + MARK + "\n" + "\n".join(lines(scores, packages)) + "\n")
