# SPDX-License-Identifier: BSD-2-Clause
"""Gathers quotes, headlines and a filing. The filing's tool fails, and the agent goes on without it."""
import agent

TOOLS = {
    "get_quotes": ("Closing prices of a share", agent.schema(ticker="e.g. ACME"),
                   lambda ticker: ["awk", "-F,", "-v", f"t={ticker}", "$1 == t", "quotes.csv"]),
    "get_headlines": ("Headlines that name a company", agent.schema(company="e.g. Acme"),
                      lambda company: ["grep", "-i", company, "headlines.txt"]),
    "get_filing": ("A company's filing", agent.schema(name="file name"), lambda name: ["cat", f"filings/{name}"]),
}

researcher = agent.OpenAIAgent("gpt-5-mini", "You are the researcher of a trading desk. Gather facts with your tools. Do not judge.",
                               TOOLS)
agent.say("researcher", researcher.run(agent.task()))
