# SPDX-License-Identifier: BSD-2-Clause
"""Google's Interactions: steps, and the contents that they were before."""
import json

from apis.base import Answer, Api, add, answered, message, number, taken, told, usage

PARAMS = {"temperature": "gen_ai.request.temperature", "top_p": "gen_ai.request.top_p",
          "max_output_tokens": "gen_ai.request.max_tokens", "stop_sequences": "gen_ai.request.stop_sequences",
          "seed": "gen_ai.request.seed", "thinking_level": "bottrace.request.reasoning_effort"}
FINISH = {"completed": "stop", "requires_action": "tool_call", "incomplete": "length", "failed": "error"}


def contents(content):
    """(type, text) of each."""
    if isinstance(content, str):
        return [("text", content)]
    return [("text", one["text"]) if one["type"] == "text" else ("blob" if "data" in one else "uri", "")
            for one in content]


def parts_of(step):
    """(role, [(type, text)])"""
    if "role" in step:
        return {"model": "assistant"}.get(step["role"], step["role"]), contents(step["content"])
    kind = step["type"]
    if kind == "thought":
        return "assistant", [("reasoning", one["text"]) for one in step.get("summary") or []]
    if kind == "function_call":
        return "assistant", [("tool_call", "")]
    if kind == "function_result":
        result = step["result"]
        if isinstance(result, list) and all(one["type"] == "text" for one in result):
            result = "".join(one["text"] for one in result)
        return "tool", [("tool_call_response", told(result))]
    return ("user" if kind == "user_input" else "assistant"), contents(step["content"])


def counts(used):
    if used is None:
        return usage()
    thought = number(used.get("total_thought_tokens"))
    return usage(input=add(number(used.get("total_input_tokens")), number(used.get("total_tool_use_tokens"))),
                 output=add(number(used.get("total_output_tokens")), thought), reasoning=thought,
                 cache_read=number(used.get("total_cached_tokens")))


class Interactions(Api):
    kind = operation = "generate_content"
    default = "gcp.gemini"

    def params(self, asked):
        out = taken(asked.get("generation_config") or {}, PARAMS)
        out.update(taken(asked, {"background": "bottrace.request.background"}))
        if (asked.get("response_format") or {}).get("mime_type") == "application/json":
            out["gen_ai.output.type"] = "json"
        elif len(asked.get("response_modalities") or []) == 1:
            out["gen_ai.output.type"] = asked["response_modalities"][0]
        return out

    def input(self, asked):
        given, rows = asked["input"], []
        if isinstance(given, str):
            return [message("user", ["text"], given)]
        for step in given:
            role, parts = parts_of(step)
            if not (rows and rows[-1][0] == role == "assistant"):
                rows.append((role, []))
            rows[-1][1].extend(parts)
        return [message(role, [kind for kind, _ in parts],
                        "".join(text for kind, text in parts if kind in ("text", "tool_call_response")))
                for role, parts in rows]

    def system(self, asked):
        return asked.get("system_instruction")

    def tools(self, asked):
        return [{"type": tool["type"], "name": tool.get("name")} for tool in asked.get("tools") or []]

    def whole(self, body, headers):
        out, answer = answered(id=body["id"], model=body.get("model"), usage=counts(body.get("usage"))), Answer()
        for step in body.get("steps") or []:
            kind = step["type"]
            if kind == "thought":
                answer.reasoning += "".join(one["text"] for one in step.get("summary") or [])
            elif kind in ("model_output", "text"):
                answer.text += "".join(text for _, text in contents(step.get("content") or [step]))
            elif kind == "function_call":
                answer.call(step["id"], step["name"], step["arguments"])
            else:
                answer.others.append("server_tool_call" + ("_response" if kind.endswith("_result") else ""))
        answer.finish = "tool_call" if answer.tools else FINISH.get(body["status"])
        out["answers"] = [answer] if body.get("steps") else []
        return out

    def stream(self, events, headers):
        """Builds the whole interaction from its events, and reads that."""
        body, steps, texts = {}, {}, {}
        for _, data in events:
            if data == "[DONE]":
                break
            event = json.loads(data)
            kind, index = event["event_type"], event.get("index")
            if kind in ("step.start", "content.start"):
                steps[index] = dict(event.get("step") or event["content"])
            elif kind in ("step.delta", "content.delta"):
                delta, into = event["delta"], steps.setdefault(index, {})
                if delta["type"] == "arguments_delta":
                    texts[index] = texts.get(index, "") + delta["arguments"]
                elif delta["type"] == "thought_summary":
                    into.setdefault("summary", []).append(delta["content"])
                elif delta["type"] == "text":
                    into.setdefault("content", []).append(delta)
                elif delta["type"] != "thought_signature":
                    into.update(delta)
            elif "interaction" in event:
                body.update(event["interaction"])
        for index, text in texts.items():
            steps[index]["arguments"] = json.loads(text)
        return self.whole({**body, "steps": [steps[index] for index in sorted(steps)]}, headers)
