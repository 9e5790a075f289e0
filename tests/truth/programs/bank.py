# SPDX-License-Identifier: BSD-2-Clause
"""A bank: a clerk asks for a check of risk and a check of fraud before it says yes or no."""
import asyncio
import sys
from dataclasses import dataclass

from pydantic_ai import Agent, ModelRetry, RunContext


@dataclass
class Customer:
    name: str
    balance: float = 100.0


risk = Agent("openai:gpt-5-mini", name="zz_risk", deps_type=Customer, instructions="Weigh risks by the zz_method method.")
fraud = Agent("openai:gpt-5-mini", name="zz_fraud", deps_type=Customer, system_prompt="You look for fraud as in zz_case.")
clerk = Agent("openai:gpt-5-mini", name="zz_clerk", deps_type=Customer,
              system_prompt="You are a clerk of zz_bank. Have risk and fraud checked, then decide.")


@risk.tool
async def zz_balance(ctx: RunContext[Customer], account: str) -> float:
    """What the customer has on an account."""
    await asyncio.sleep(0.01)
    return ctx.deps.balance


@risk.tool_plain
def zz_rating(agency: str) -> str:
    """The rating of an agency."""
    raise ModelRetry(f"{agency} does not answer, try another agency")


@fraud.tool_plain(retries=3)
def zz_register(person: str) -> list[str]:
    """Entries of a person in the register."""
    return [f"{person}: nothing"]


@clerk.tool
async def zz_checkrisk(ctx: RunContext[Customer], question: str) -> str:
    """Have the risk checked."""
    return (await risk.run(question, deps=ctx.deps, usage=ctx.usage)).output


@clerk.tool
async def zz_checkfraud(ctx: RunContext[Customer], question: str) -> str:
    """Have it checked for fraud."""
    async with fraud.run_stream(question, deps=ctx.deps) as result:
        return await result.get_output()


async def stream(question):
    async with clerk.run_stream(question, deps=Customer("Jo")) as answer:
        async for text in answer.stream_text(delta=True):
            print(text, end="", flush=True)
    print()


async def at_once(question):
    return (await clerk.run(question, deps=Customer("Jo"))).output


async def main(how):
    await asyncio.gather(*(how(f"May Jo have a {what}?") for what in ("zz_loan", "zz_card")))


if __name__ == "__main__":
    mode = sys.argv[1]
    if mode == "sync":
        for wish in ("zz_loan", "zz_card"):
            print(clerk.run_sync(f"May Jo have a {wish}?", deps=Customer("Jo")).output)
    else:
        asyncio.run(main(stream if mode == "stream" else at_once))
