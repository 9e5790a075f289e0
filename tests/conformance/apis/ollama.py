# SPDX-License-Identifier: BSD-2-Clause
"""Ollama's own chat and generate: a stream unless the request says otherwise."""
import json

from apis.base import Answer, Api, answered, message, ndjson, number, taken, usage
from apis.openai import messages

PARAMS = {
    "temperature": "gen_ai.request.temperature", "top_p": "gen_ai.request.top_p", "top_k": "gen_ai.request.top_k",
    "num_predict": "gen_ai.request.max_tokens", "seed": "gen_ai.request.seed",
    "frequency_penalty": "gen_ai.request.frequency_penalty", "presence_penalty": "gen_ai.request.presence_penalty",
    "stop": "gen_ai.request.stop_sequences",
}


class Chat(Api):
    default = "ollama"
    frames = staticmethod(ndjson)
    input = staticmethod(messages)

    def streamed(self, path, asked):
        return asked.get("stream", True)

    def params(self, asked):
        out = taken(asked.get("options") or {}, PARAMS)
        if asked.get("format"):
            out["gen_ai.output.type"] = "json"
        return out

    def system(self, asked):
        return asked.get("system") or None

    def tools(self, asked):
        return [{"type": "function", "name": tool["function"]["name"]} for tool in asked.get("tools") or []]

    def whole(self, body, headers):
        return self.lines([body])

    def stream(self, events, headers):
        return self.lines(json.loads(data) for _, data in events)

    @staticmethod
    def lines(lines):
        answer, out = Answer(), answered()
        for line in lines:
            said = line.get("message") or {}
            out["model"] = line.get("model")
            answer.text += said.get("content") or line.get("response") or ""
            answer.reasoning += said.get("thinking") or line.get("thinking") or ""
            for call in said.get("tool_calls") or []:
                answer.call(call.get("id"), call["function"]["name"], call["function"]["arguments"])
            if line.get("done"):
                answer.finish = line.get("done_reason")
                out["usage"] = usage(input=number(line.get("prompt_eval_count")), output=number(line.get("eval_count")))
        return {**out, "answers": [answer]}


class Generate(Chat):
    kind = operation = "text_completion"

    @staticmethod
    def input(asked):
        return [message("user", ["text"], asked["prompt"])]
