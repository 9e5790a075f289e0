# SPDX-License-Identifier: BSD-2-Clause
"""What a model says, in the wire forms of the providers: plain JSON and streams."""
import json
from dataclasses import dataclass, field

from .server import Answer


@dataclass
class Say:
    text: str = None
    calls: list = field(default_factory=list)  # (id, name, arguments)
    tokens: tuple = (0, 0)                     # input (cached included), output
    cached: int = 0
    reasoning: int = 0
    id: str = "x1"
    delay_s: float = 0                         # between chunks


def words(text):
    """As a model would stream it: a few words at a time."""
    parts = text.split(" ")
    return [" ".join(parts[i:i + 3]) + (" " if i + 3 < len(parts) else "") for i in range(0, len(parts), 3)]


def sse(events, names=False):
    out = []
    for e in events:
        head = f"event: {e['type']}\n" if names else ""
        out.append(f"{head}data: {json.dumps(e)}\n\n".encode())
    return out


# ---- OpenAI Chat Completions ----

def openai_usage(say):
    return {"prompt_tokens": say.tokens[0], "completion_tokens": say.tokens[1], "total_tokens": sum(say.tokens),
            "prompt_tokens_details": {"cached_tokens": say.cached},
            "completion_tokens_details": {"reasoning_tokens": say.reasoning}}


def openai_calls(say):
    return [{"id": i, "type": "function", "function": {"name": n, "arguments": json.dumps(a)}} for i, n, a in say.calls]


def openai(request, say):
    """Answers a Chat Completions request as it asked: plain or streamed."""
    model = request["model"] + "-2025-08-07"
    finish = "tool_calls" if say.calls else "stop"
    if not request.get("stream"):
        message = {"role": "assistant", "content": say.text, "refusal": None}
        if say.calls:
            message["tool_calls"] = openai_calls(say)
        return json_answer({"id": f"chatcmpl-{say.id}", "object": "chat.completion", "created": 1790000000, "model": model,
                            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
                            "usage": openai_usage(say), "service_tier": "default", "system_fingerprint": "fp_rig"})
    base = {"id": f"chatcmpl-{say.id}", "object": "chat.completion.chunk", "created": 1790000000, "model": model}

    def chunk(delta, finish_reason=None):
        return dict(base, choices=[{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    events = [chunk({"role": "assistant", "content": "" if say.text else None})]
    events += [chunk({"content": w}) for w in words(say.text or "") if w]
    for index, call in enumerate(openai_calls(say)):
        written = call["function"]["arguments"]
        events.append(chunk({"tool_calls": [{"index": index, "id": call["id"], "type": "function",
                                             "function": {"name": call["function"]["name"], "arguments": ""}}]}))
        events += [chunk({"tool_calls": [{"index": index, "function": {"arguments": written[i:i + 9]}}]})
                   for i in range(0, len(written), 9)]
    events.append(chunk({}, finish))
    if (request.get("stream_options") or {}).get("include_usage"):
        events.append(dict(base, choices=[], usage=openai_usage(say)))
    return Answer(200, {"content-type": "text/event-stream; charset=utf-8"}, chunks=sse(events) + [b"data: [DONE]\n\n"],
                  chunk_delay_s=say.delay_s)


# ---- Anthropic Messages ----

def anthropic(request, say):
    """Answers a Messages request as it asked: plain or streamed."""
    usage = {"input_tokens": say.tokens[0] - say.cached, "cache_creation_input_tokens": 0, "cache_read_input_tokens": say.cached,
             "output_tokens": say.tokens[1]}
    stop = "tool_use" if say.calls else "end_turn"
    blocks = [{"type": "text", "text": say.text}] if say.text else []
    blocks += [{"type": "tool_use", "id": i, "name": n, "input": a} for i, n, a in say.calls]
    message = {"id": f"msg_{say.id}", "type": "message", "role": "assistant", "model": request["model"] + "-20250929",
               "content": blocks, "stop_reason": stop, "stop_sequence": None, "usage": usage}
    if not request.get("stream"):
        return json_answer(message)
    events = [{"type": "message_start", "message": dict(message, content=[], stop_reason=None, usage=dict(usage, output_tokens=1))}]
    for index, block in enumerate(blocks):
        if block["type"] == "text":
            empty, deltas = dict(block, text=""), [{"type": "text_delta", "text": w} for w in words(block["text"])]
        else:
            written = json.dumps(block["input"])
            empty = dict(block, input={})
            deltas = [{"type": "input_json_delta", "partial_json": written[i:i + 9]} for i in range(0, len(written), 9)]
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events.append({"type": "ping"})
        events += [{"type": "content_block_delta", "index": index, "delta": d} for d in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None},
                   "usage": {"output_tokens": say.tokens[1]}})
    events.append({"type": "message_stop"})
    return Answer(200, {"content-type": "text/event-stream; charset=utf-8"}, chunks=sse(events, names=True),
                  chunk_delay_s=say.delay_s)


def json_answer(value, status=200, **headers):
    return Answer(status, {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}},
                  json.dumps(value).encode())


def answer(request, body, say):
    return (anthropic if "/messages" in request.target else openai)(body, say)
