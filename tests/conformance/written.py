# SPDX-License-Identifier: BSD-2-Clause
"""Exchanges of APIs that nobody recorded, written from their documentation: bodies as they go over the wire."""
import json

JSON, SSE = "application/json", "text/event-stream"
GOOGLE = "generativelanguage.googleapis.com"


def packed(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def sse(events, member):
    """Events named by a member of theirs."""
    return b"".join(b"event: %s\ndata: %s\n\n" % (e[member].encode(), packed(e)) for e in events)


# ---- Google's Interactions ----

STEPS = [
    {"type": "user_input", "content": [{"type": "text", "text": "Weather at Elbrus?"}]},
    {"type": "thought", "signature": "c2ln", "summary": [{"type": "text", "text": "Ask."}]},
    {"type": "function_call", "id": "f1", "name": "get_weather", "arguments": {"location": "Elbrus"}, "signature": "eA=="},
    {"type": "function_result", "call_id": "f1", "name": "get_weather", "result": [{"type": "text", "text": "-9 °C"}]},
]
TOOLS = [{"type": "google_search"},
         {"type": "function", "name": "get_weather", "description": "Weather.", "parameters": {"type": "object"}}]


def counted(given, made, thought=0, cached=0, tools=0):
    return {"total_input_tokens": given, "total_output_tokens": made, "total_thought_tokens": thought,
            "total_cached_tokens": cached, "total_tool_use_tokens": tools,
            "total_tokens": given + made + thought + tools}


def step(index, begin, *deltas):
    return [{"index": index, "step": begin, "event_type": "step.start"},
            *({"index": index, "delta": d, "event_type": "step.delta"} for d in deltas),
            {"index": index, "event_type": "step.stop"}]


STREAM = [
    {"interaction": {"id": "v1_s", "status": "in_progress", "model": "gemini-3-flash-preview"},
     "event_type": "interaction.created"},
    {"interaction_id": "v1_s", "status": "in_progress", "event_type": "interaction.status_update"},
    *step(0, {"type": "google_search_call", "id": "g1"},
          {"type": "google_search_call", "arguments": {"queries": ["elbrus", "эльбрус"]}}),
    *step(1, {"type": "google_search_result", "call_id": "g1"},
          {"type": "google_search_result", "is_error": False, "result": [{"title": "t"}]}),
    *step(2, {"type": "thought"}, {"type": "thought_summary", "content": {"type": "text", "text": "Hm"}},
          {"type": "thought_summary", "content": {"type": "text", "text": "m."}},
          {"type": "thought_signature", "signature": "c2ln"}),
    *step(3, {"type": "model_output"}, {"type": "text", "text": "I lo"}, {"type": "text", "text": "ok. 🏔"}),
    *step(4, {"type": "function_call", "id": "f1", "name": "get_weather", "arguments": {}},
          {"type": "arguments_delta", "arguments": '{"loc'},
          {"type": "arguments_delta", "arguments": 'ation":"Elbrus"}'}),
    {"interaction": {"id": "v1_s", "status": "requires_action", "model": "gemini-3-flash-preview",
                     "service_tier": "standard", "usage": counted(138, 20, 141, 16, 8)},
     "event_type": "interaction.completed"},
]
# As it was until May 2026: contents, and an end with another name.
CONTENTS = [
    {"event_type": "interaction.start", "interaction": {"id": "v1_o", "status": "in_progress", "object": "interaction"}},
    {"event_type": "content.start", "index": 0, "content": {"type": "thought"}},
    {"event_type": "content.delta", "index": 0, "delta": {"type": "thought_summary", "content": {"text": "Hm.", "type": "text"}}},
    {"event_type": "content.stop", "index": 0},
    {"event_type": "content.start", "index": 1, "content": {"type": "text"}},
    {"event_type": "content.delta", "index": 1, "delta": {"type": "text", "text": "Cold"}},
    {"event_type": "content.delta", "index": 1, "delta": {"type": "text", "text": "."}},
    {"event_type": "content.delta", "index": 2, "delta":
        {"type": "function_call", "id": "f2", "name": "get_weather", "arguments": {"location": "Oslo"}}},
    {"event_type": "interaction.complete", "interaction":
        {"id": "v1_o", "status": "completed", "model": "gemini-2.5-flash", "usage": counted(12, 5, 3)}},
]

ASKED = {"model": "gemini-3-flash-preview", "input": STEPS, "system_instruction": "Be brief.", "tools": TOOLS,
         "generation_config": {"temperature": 0.5, "top_p": 0.9, "max_output_tokens": 99, "seed": 7,
                               "stop_sequences": ["x"], "thinking_level": "low"},
         "response_format": {"type": "text", "mime_type": "application/json", "schema": {"type": "object"}}}
INTERACTIONS = (
    ("steps", ASKED, JSON, packed(
        {"id": "v1_w", "object": "interaction", "status": "completed", "model": "gemini-3-flash-preview", "steps": [
            {"type": "thought", "summary": [{"type": "text", "text": "Cold."}]},
            {"type": "model_output", "content": [{"type": "text", "text": "-9 "}, {"type": "text", "text": "degrees."}]}],
         "usage": counted(200, 7, 4, 100)})),
    ("stream", {**ASKED, "stream": True}, SSE, sse(STREAM, "event_type") + b"event: done\ndata: [DONE]\n\n"),
    ("contents", {"model": "gemini-2.5-flash", "stream": True, "response_modalities": ["text"], "input": [
        {"role": "user", "content": "hi"}, {"role": "model", "content": [{"type": "text", "text": "ho"}]},
        {"role": "user", "content": [{"type": "text", "text": "look"},
                                     {"type": "image", "mime_type": "image/png", "data": "AAAA"},
                                     {"type": "document", "mime_type": "application/pdf", "uri": "gs://b/d"}]}]},
     SSE, sse(CONTENTS, "event_type")),
    ("agent", {"agent": "deep-research-pro-preview-12-2025", "input": "The history of tea.", "background": True}, JSON,
     packed({"id": "v1_r", "status": "in_progress", "agent": "deep-research-pro-preview-12-2025"})),
    ("cut-off", {"model": "gemini-3-flash-preview", "input": "Count."}, JSON, packed(
        {"id": "v1_i", "status": "incomplete", "model": "gemini-3-flash-preview",
         "steps": [{"type": "model_output", "content": [{"type": "text", "text": "1, 2"}]}], "usage": counted(2, 4)})),
)


def written():
    """(name, host, path, request's body, type and bytes of the answer)"""
    for name, asked, kind, told in INTERACTIONS:
        yield f"written/interactions.{name}", GOOGLE, "/v1beta/interactions", packed(asked), kind, told
