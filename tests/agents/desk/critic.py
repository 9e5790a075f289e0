# SPDX-License-Identifier: BSD-2-Clause
"""Weighs what the researcher found, and takes a sarcastic headline at face value."""
import agent

TOOLS = {
    "count_words": ("How often words stand in the headlines", agent.schema(pattern="an extended regular expression"),
                    lambda pattern: ["grep", "-c", "-i", "-E", pattern, "headlines.txt"]),
}

critic = agent.AnthropicAgent("claude-sonnet-4-5", "You are the critic of a trading desk. Weigh the mood of the news.", TOOLS)
agent.say("critic", critic.run(agent.task()))
