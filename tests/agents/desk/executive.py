# SPDX-License-Identifier: BSD-2-Clause
"""Decides, on the word of the other two."""
import agent

executive = agent.OpenAIAgent("gpt-5", "You are the executive of a trading desk. Answer BUY, HOLD or SELL, and why, in one sentence.", {})
agent.say("executive", executive.run(agent.task()))
