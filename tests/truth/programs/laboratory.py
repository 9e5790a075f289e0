# SPDX-License-Identifier: BSD-2-Clause
"""A laboratory: a lead who has chemists and physicists as tools, agents themselves; then a report."""
import asyncio
import sys

import dspy

dspy.configure(lm=dspy.LM("openai/gpt-4o-mini", cache=False, max_tokens=900))


def zz_weigh(sample: str) -> str:
    """Weigh a sample."""
    return f"{sample} weighs 3 g"


def zz_heat(sample: str) -> str:
    """Heat a sample."""
    raise OverflowError(f"{sample} burst")


class Analysis(dspy.Signature):
    """You analyse with the zz_flask flask."""
    question: str = dspy.InputField()
    answer: str = dspy.OutputField()


class Physics(dspy.Signature):
    """You measure by the zz_clock clock."""
    question: str = dspy.InputField()
    answer: str = dspy.OutputField()


class Lead(dspy.Signature):
    """You lead the laboratory zz_lab."""
    question: str = dspy.InputField()
    answer: str = dspy.OutputField()


class Report(dspy.Signature):
    """You write reports in zz_ink ink."""
    findings: list[str] = dspy.InputField()
    report: str = dspy.OutputField()


class zz_physicist(dspy.ReAct):
    pass


class Laboratory(dspy.Module):
    def __init__(self):
        super().__init__()
        self.chemist = dspy.ReAct(Analysis, tools=[zz_weigh, zz_heat])
        self.physicist = zz_physicist(Physics, tools=[zz_weigh])
        self.lead = dspy.ReAct(Lead, tools=[self.zz_askchemist, self.zz_askphysicist])
        self.alead = dspy.ReAct(Lead, tools=[dspy.Tool(self.achemist, name="zz_askchemist"),
                                             dspy.Tool(self.aphysicist, name="zz_askphysicist")])
        self.report = dspy.ChainOfThought(Report)

    def zz_askchemist(self, question: str) -> str:
        """Ask the chemist."""
        return self.chemist(question=question).answer

    def zz_askphysicist(self, question: str) -> str:
        """Ask the physicist."""
        return self.physicist(question=question).answer

    async def achemist(self, question: str) -> str:
        """Ask the chemist."""
        return (await self.chemist.acall(question=question)).answer

    async def aphysicist(self, question: str) -> str:
        """Ask the physicist."""
        return (await self.physicist.acall(question=question)).answer

    def forward(self, question):
        found = self.lead(question=question)
        return self.report(findings=[found.answer, question])

    async def aforward(self, question):
        found = await self.alead.acall(question=question)
        return await self.report.acall(findings=[found.answer, question])


QUESTIONS = ["what of zz_gold?", "what of zz_lead?"]


async def at_once():
    for found in await asyncio.gather(*(Laboratory().acall(question=q) for q in QUESTIONS)):
        print(found.report)


async def stream():
    laboratory = Laboratory()
    streamed = dspy.streamify(laboratory, stream_listeners=[dspy.streaming.StreamListener(signature_field_name="report")])
    for question in QUESTIONS:
        async for part in streamed(question=question):
            print(part.chunk if isinstance(part, dspy.streaming.StreamResponse) else "")


if __name__ == "__main__":
    mode = sys.argv[1]
    if mode == "sync":
        laboratory = Laboratory()
        pairs = [(laboratory, dspy.Example(question=q).with_inputs("question")) for q in QUESTIONS]
        for found in dspy.Parallel(num_threads=2, disable_progress_bar=True)(pairs):
            print(found.report)
    else:
        asyncio.run(stream() if mode == "stream" else at_once())
