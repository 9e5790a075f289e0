# SPDX-License-Identifier: BSD-2-Clause
"""A model on loopback that does what a plan says, in the wire form that it is asked in."""
import json
import re
import threading

from rig.model import Say, json_answer, openai, sse, words
from rig.server import Answer

BUSY = {"error": {"message": "The server is overloaded", "type": "server_error", "code": None, "param": None}}


class Model:
    """Answers requests by the rows of a plan. `lost` holds those that no row expects."""

    def __init__(self, rows, framework):
        self.rows, self.style = rows, STYLES.get(framework, native)
        self.at = [0] * len(rows)
        self.said = []  # (row, step): what went out, in order
        self.lost = []
        self.lock = threading.Lock()

    def __call__(self, request):
        body = request.body.decode("utf-8", "replace")
        if request.method != "POST":
            return json_answer({"object": "list", "data": []})
        step = self.next(body)
        if step is None:
            self.lost.append((request.target, body))
            return json_answer({"error": {"message": "no plan knows this", "type": "invalid_request_error"}}, 400)
        if step.busy:
            return json_answer(BUSY, 500, retry_after_ms="20")
        asked = json.loads(body)
        step.told = not asked.get("stream") or "include_usage" in body or request.target.endswith("/responses")
        answer = (responses if request.target.endswith("/responses") else completions)(asked, self.style(step, body))
        answer.delay_s = 0.01 + sum(map(ord, step.mark)) % 7 * 0.008
        return answer

    def next(self, body):
        """Of the rows whose words the request has, the one whose task was named last."""
        with self.lock:
            found = [(body.rfind(r.task), i) for i, r in enumerate(self.rows) if r.persona in body and r.task in body]
            if not found:
                return None
            row = max(found)[1]
            at = self.at[row]
            if at >= len(self.rows[row].steps):
                return None
            self.at[row] += 1
            self.said.append((row, self.rows[row].steps[at]))
            return self.rows[row].steps[at]

    def left(self):
        """Rows that were not said to their end."""
        return [(r.agent, r.task, self.at[i], len(r.steps)) for i, r in enumerate(self.rows) if self.at[i] != len(r.steps)]


def native(step, _):
    return Say(step.say, [(c.id, c.name, c.arguments) for c in step.calls], step.tokens, step.cached, 0, step.mark)


def smolagents(step, body):
    """An agent that writes code is offered no tools."""
    if '"tools"' in body or not step.calls:
        return native(step, body)
    code = "".join(f"answer{i} = {c.name}({', '.join(f'{k}={v!r}' for k, v in c.arguments.items())})\nprint(answer{i})\n"
                   for i, c in enumerate(step.calls))
    return Say(f"Thought: let us see.\n<code>\n{code}</code>", [], step.tokens, step.cached, 0, step.mark)


FIELD = re.compile(r"\[\[ ## (\w+) ## \]\]")


def dspy(step, body):
    """Fields in the order in which the last message asks for them; a call is two of them."""
    if '"tools"' in body:
        return native(step, body)
    asked = body[body.rfind("Respond with the corresponding output fields"):]
    call = step.calls[0] if step.calls else None
    known = {"next_tool_name": call.name, "next_tool_args": json.dumps(call.arguments)} if call else {}
    text = "".join(f"[[ ## {f} ## ]]\n{known.get(f, step.say or step.mark)}\n\n" for f in dict.fromkeys(FIELD.findall(asked))
                   if f != "completed")
    return Say(text + "[[ ## completed ## ]]", [], step.tokens, step.cached, 0, step.mark)


STYLES = {"dspy": dspy, "smolagents": smolagents}


def completions(request, say):
    return openai(request, say)


# ---- Responses ----

def response_items(say):
    items = [{"id": f"fc_{i}", "type": "function_call", "status": "completed", "call_id": i, "name": n, "arguments": json.dumps(a)}
             for i, n, a in say.calls]
    if say.text is not None:
        items.insert(0, {"id": f"msg_{say.id}", "type": "message", "status": "completed", "role": "assistant",
                         "content": [{"type": "output_text", "text": say.text, "annotations": [], "logprobs": []}]})
    return items


def response_events(base, items, usage):
    yield {"type": "response.created", "response": dict(base, status="in_progress", output=[], usage=None)}
    yield {"type": "response.in_progress", "response": dict(base, status="in_progress", output=[], usage=None)}
    for at, item in enumerate(items):
        where = {"item_id": item["id"], "output_index": at}
        if item["type"] == "message":
            part = item["content"][0]
            yield {"type": "response.output_item.added", "output_index": at, "item": dict(item, status="in_progress", content=[])}
            yield {"type": "response.content_part.added", **where, "content_index": 0, "part": dict(part, text="")}
            for w in words(part["text"]):
                yield {"type": "response.output_text.delta", **where, "content_index": 0, "delta": w, "logprobs": []}
            yield {"type": "response.output_text.done", **where, "content_index": 0, "text": part["text"], "logprobs": []}
            yield {"type": "response.content_part.done", **where, "content_index": 0, "part": part}
        else:
            written = item["arguments"]
            yield {"type": "response.output_item.added", "output_index": at, "item": dict(item, status="in_progress", arguments="")}
            for i in range(0, len(written), 11):
                yield {"type": "response.function_call_arguments.delta", **where, "delta": written[i:i + 11]}
            yield {"type": "response.function_call_arguments.done", **where, "name": item["name"], "arguments": written}
        yield {"type": "response.output_item.done", "output_index": at, "item": item}
    yield {"type": "response.completed", "response": dict(base, status="completed", output=items, usage=usage)}


def responses(request, say):
    """Answers a Responses request as it asked: plain or streamed."""
    items = response_items(say)
    usage = {"input_tokens": say.tokens[0], "input_tokens_details": {"cached_tokens": say.cached, "cache_write_tokens": 0},
             "output_tokens": say.tokens[1], "output_tokens_details": {"reasoning_tokens": say.reasoning},
             "total_tokens": sum(say.tokens)}
    base = {"id": f"resp_{say.id}", "object": "response", "created_at": 1790000000, "model": request["model"] + "-2025-08-07",
            "error": None, "incomplete_details": None, "instructions": request.get("instructions"), "metadata": {},
            "parallel_tool_calls": True, "temperature": 1.0, "tool_choice": "auto", "tools": request.get("tools") or [], "top_p": 1.0}
    if not request.get("stream"):
        return json_answer(dict(base, status="completed", output=items, usage=usage))
    events = [dict(e, sequence_number=i) for i, e in enumerate(response_events(base, items, usage))]
    return Answer(200, {"content-type": "text/event-stream; charset=utf-8"}, chunks=sse(events, names=True), chunk_delay_s=say.delay_s)
