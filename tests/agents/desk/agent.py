# SPDX-License-Identifier: BSD-2-Clause
"""What the three agents of the desk share: one loop, two model APIs, tools that run commands. Standard library only."""
import http.client
import json
import os
import ssl
import subprocess
import sys
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
URL = urllib.parse.urlsplit(os.environ["DESK_MODEL_URL"])


def events(path, headers, body):
    """Posts body and yields each server-sent event's data."""
    connection = http.client.HTTPSConnection(URL.hostname, URL.port, context=ssl.create_default_context(cafile=os.environ["DESK_CA"]))
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json", **headers})
    response = connection.getresponse()
    if response.status != 200:
        raise RuntimeError(f"model: {response.status} {response.read().decode()}")
    for line in response:
        if line.startswith(b"data: "):
            data = line[6:].strip()
            if data != b"[DONE]":
                yield json.loads(data)
    connection.close()


def run_tool(command):
    """A tool is a command; what it prints is its result, and a failure is a result too."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE)
    return (done.stdout or done.stderr).strip() if done.returncode == 0 else f"error: exit {done.returncode}: {done.stderr.strip()}"


class OpenAIAgent:
    """Chat Completions, streamed."""

    def __init__(self, model, system, tools):
        self.model, self.tools = model, tools
        self.messages = [{"role": "system", "content": system}]

    def turn(self):
        text, calls = "", {}
        body = {"model": self.model, "messages": self.messages, "stream": True, "temperature": 0.2,
                "stream_options": {"include_usage": True}}
        if self.tools:
            body["tools"] = [{"type": "function", "function": {"name": n, "description": d, "parameters": p}}
                             for n, (d, p, _) in self.tools.items()]
        for chunk in events("/v1/chat/completions", {"authorization": f"Bearer {os.environ['DESK_OPENAI_KEY']}"}, body):
            for choice in chunk["choices"]:
                text += choice["delta"].get("content") or ""
                for part in choice["delta"].get("tool_calls") or []:
                    call = calls.setdefault(part["index"], {"id": part.get("id"), "type": "function",
                                                            "function": {"name": part["function"].get("name"), "arguments": ""}})
                    call["function"]["arguments"] += part["function"].get("arguments") or ""
        return text, list(calls.values())

    def run(self, task):
        self.messages.append({"role": "user", "content": task})
        while True:
            text, calls = self.turn()
            if not calls:
                return text
            self.messages.append({"role": "assistant", "content": text or None, "tool_calls": calls})
            for call in calls:
                _, _, make = self.tools[call["function"]["name"]]
                result = run_tool(make(**json.loads(call["function"]["arguments"])))
                self.messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})


class AnthropicAgent:
    """Messages, streamed."""

    def __init__(self, model, system, tools):
        self.model, self.system, self.tools, self.messages = model, system, tools, []

    def turn(self):
        blocks = []
        body = {"model": self.model, "max_tokens": 1024, "system": self.system, "messages": self.messages, "stream": True,
                "tools": [{"name": n, "description": d, "input_schema": p} for n, (d, p, _) in self.tools.items()]}
        headers = {"x-api-key": os.environ["DESK_ANTHROPIC_KEY"], "anthropic-version": "2023-06-01"}
        for event in events("/v1/messages", headers, body):
            if event["type"] == "content_block_start":
                blocks.append(dict(event["content_block"], input_json=""))
            elif event["type"] == "content_block_delta":
                delta = event["delta"]
                if delta["type"] == "text_delta":
                    blocks[-1]["text"] += delta["text"]
                else:
                    blocks[-1]["input_json"] += delta["partial_json"]
        for block in blocks:
            written = block.pop("input_json")
            if block["type"] == "tool_use":
                block["input"] = json.loads(written or "{}")
        return blocks

    def run(self, task):
        self.messages.append({"role": "user", "content": task})
        while True:
            blocks = self.turn()
            calls = [b for b in blocks if b["type"] == "tool_use"]
            if not calls:
                return "".join(b["text"] for b in blocks)
            self.messages.append({"role": "assistant", "content": blocks})
            self.messages.append({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": c["id"], "content": run_tool(self.tools[c["name"]][2](**c["input"]))}
                for c in calls]})


def schema(**properties):
    return {"type": "object", "properties": {n: {"type": "string", "description": d} for n, d in properties.items()},
            "required": list(properties)}


def say(who, text):
    print(f"{who}: {text}", flush=True)


def task():
    return sys.stdin.read()
