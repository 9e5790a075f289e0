# SPDX-License-Identifier: BSD-2-Clause
"""Exchanges of APIs that nobody recorded, written from their documentation: bodies as they go over the wire."""
import base64
import json
import struct
import zlib

JSON, SSE = "application/json", "text/event-stream"
GOOGLE = "generativelanguage.googleapis.com"


def packed(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def sse(events, member):
    """Events named by a member of theirs."""
    return b"".join(b"event: %s\ndata: %s\n\n" % (e[member].encode(), packed(e)) for e in events)


def header(name, value):
    return bytes([len(name)]) + name.encode() + b"\7" + struct.pack(">H", len(value)) + value.encode()


def aws(payload):
    """One message of AWS's event stream."""
    head = header(":event-type", "chunk") + header(":content-type", "application/json") + header(":message-type", "event")
    begin = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    begin += struct.pack(">I", zlib.crc32(begin))
    return begin + head + payload + struct.pack(">I", zlib.crc32(begin + head + payload))


def chunks(*events):
    return b"".join(aws(packed({"bytes": base64.b64encode(packed(e)).decode(), "p": "abcdefgh"[:i % 8]}))
                    for i, e in enumerate(events))


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


# ---- Bedrock's InvokeModel: each model's own body ----

BEDROCK = "bedrock-runtime.us-east-1.amazonaws.com"
AWS = "application/vnd.amazon.eventstream"


def metrics(given, made, **more):
    return {"amazon-bedrock-invocationMetrics":
            {"inputTokenCount": given, "outputTokenCount": made, "invocationLatency": 5, "firstByteLatency": 2, **more}}


def token_fields(given, made):
    return {"X-Amzn-Bedrock-Input-Token-Count": given, "X-Amzn-Bedrock-Output-Token-Count": made}


WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}}
NOVA = {"schemaVersion": "messages-v1", "system": [{"text": "Be brief."}], "messages": [
    {"role": "user", "content": [{"text": "Weather in Oslo?"},
                                 {"image": {"format": "png", "source": {"bytes": "AAAA"}}}]},
    {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t0", "name": "get_weather", "input": {"city": "Oslo"}}}]},
    {"role": "user", "content": [{"toolResult": {"toolUseId": "t0", "content": [{"text": "-3 °C"}]}}]}],
    "inferenceConfig": {"maxTokens": 99, "temperature": 0.5, "topP": 0.9, "topK": 20, "stopSequences": ["x"]},
    "toolConfig": {"tools": [{"toolSpec": {"name": "get_weather", "inputSchema": {"json": WEATHER}}}]}}
FUNCTIONS = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}]
CHAT = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Oslo?"}],
        "max_tokens": 99, "temperature": 0.5, "tools": FUNCTIONS}
COMMAND = {"message": "And now?", "preamble": "Be brief.", "max_tokens": 99, "temperature": 0.5, "p": 0.9, "k": 3,
           "chat_history": [{"role": "USER", "message": "Weather in Oslo?"}, {"role": "CHATBOT", "message": "Cold."}],
           "tools": [{"name": "get_weather", "description": "Weather.", "parameter_definitions":
                      {"city": {"type": "str", "required": True}}}]}


def call(ident, arguments):
    return {"id": ident, "type": "function", "function": {"name": "get_weather", "arguments": arguments}}


INVOKE = (  # model, request, answer (a list: events of a stream), fields of its head
    ("amazon.nova-lite-v1%3A0", NOVA,
     {"output": {"message": {"role": "assistant", "content": [{"text": "Ask."}, {"toolUse": {
         "toolUseId": "t1", "name": "get_weather", "input": {"city": "Bergen"}}}]}}, "stopReason": "tool_use",
      "usage": {"inputTokens": 20, "outputTokens": 7, "totalTokens": 27, "cacheReadInputTokenCount": 5,
                "cacheWriteInputTokenCount": 0}}, {}),
    ("us.amazon.nova-pro-v1%3A0", NOVA, [
        {"messageStart": {"role": "assistant"}}, {"contentBlockDelta": {"delta": {"text": "As"}, "contentBlockIndex": 0}},
        {"contentBlockDelta": {"delta": {"text": "k. ❄"}, "contentBlockIndex": 0}}, {"contentBlockStop": {"contentBlockIndex": 0}},
        {"contentBlockStart": {"start": {"toolUse": {"toolUseId": "t1", "name": "get_weather"}}, "contentBlockIndex": 1}},
        {"contentBlockDelta": {"delta": {"toolUse": {"input": '{"city":"Bergen"}'}}, "contentBlockIndex": 1}},
        {"contentBlockStop": {"contentBlockIndex": 1}}, {"messageStop": {"stopReason": "tool_use"}},
        {"metadata": {"usage": {"inputTokens": 20, "outputTokens": 7}, "metrics": {}, "trace": {}},
         **metrics(20, 8, cacheReadInputTokenCount=5, cacheWriteInputTokenCount=2)}], {}),
    ("amazon.titan-text-express-v1", {"inputText": "Count.", "textGenerationConfig": {
        "temperature": 0.5, "topP": 0.9, "maxTokenCount": 9, "stopSequences": ["x"]}},
     {"inputTextTokenCount": 3, "results": [{"tokenCount": 9, "outputText": "1, 2", "completionReason": "LENGTH"}]}, {}),
    ("amazon.titan-text-lite-v1", {"inputText": "Count."}, [
        {"outputText": "1,", "index": 0, "totalOutputTextTokenCount": None, "completionReason": None, "inputTextTokenCount": 3},
        {"outputText": " 2", "index": 0, "totalOutputTextTokenCount": 4, "completionReason": "FINISH",
         "inputTextTokenCount": 3, **metrics(3, 4)}], {}),
    ("meta.llama3-70b-instruct-v1%3A0", {"prompt": "Count.", "max_gen_len": 9, "temperature": 0.5, "top_p": 0.9},
     {"generation": "1, 2", "prompt_token_count": 3, "generation_token_count": 9, "stop_reason": "length"}, {}),
    ("us.meta.llama4-scout-17b-instruct-v1%3A0", {"prompt": "Count."}, [
        {"generation": "1,", "prompt_token_count": 3, "generation_token_count": 1, "stop_reason": None},
        {"generation": " 2", "prompt_token_count": None, "generation_token_count": 2, "stop_reason": None},
        {"generation": "", "prompt_token_count": None, "generation_token_count": 3, "stop_reason": "stop", **metrics(3, 3)}],
     {}),
    ("mistral.mistral-7b-instruct-v0%3A2", {"prompt": "<s>[INST] Count. [/INST]", "max_tokens": 9, "top_k": 5, "stop": ["x"]},
     {"outputs": [{"text": "1, 2", "stop_reason": "stop"}]}, token_fields(7, 4)),
    ("mistral.mixtral-8x7b-instruct-v0%3A1", {"prompt": "Count."}, [
        {"outputs": [{"text": "1,", "stop_reason": None}]},
        {"outputs": [{"text": " 2", "stop_reason": "length"}], **metrics(7, 4)}], {}),
    ("mistral.mistral-large-2407-v1%3A0", CHAT,
     {"choices": [{"index": 0, "message": {"role": "assistant", "content": "", "tool_calls": [call("c1", '{"city":"Oslo"}')]},
                   "stop_reason": "tool_calls"}]}, token_fields(40, 12)),
    ("mistral.mistral-large-2407-v2%3A0", CHAT, [
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Co"}, "stop_reason": None}]},
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "ld."}, "stop_reason": "stop"}], **metrics(40, 3)}],
     {}),
    ("cohere.command-r-plus-v1%3A0", COMMAND,
     {"response_id": "r1", "generation_id": "g1", "text": "", "chat_history": [], "finish_reason": "COMPLETE",
      "tool_calls": [{"name": "get_weather", "parameters": {"city": "Oslo"}}],
      "meta": {"api_version": {"version": "1"}, "billed_units": {"input_tokens": 30, "output_tokens": 6}}}, {}),
    ("cohere.command-r-v1%3A0", {**COMMAND, "tool_results": [
        {"call": {"name": "get_weather", "parameters": {"city": "Oslo"}}, "outputs": [{"text": "-3 °C"}]}]}, [
        {"event_type": "stream-start", "generation_id": "g2", "is_finished": False},
        {"event_type": "text-generation", "text": "Still ", "is_finished": False},
        {"event_type": "text-generation", "text": "cold.", "is_finished": False},
        {"event_type": "stream-end", "finish_reason": "COMPLETE", "is_finished": True, "response": {
            "response_id": "r2", "generation_id": "g2", "text": "Still cold.", "finish_reason": "COMPLETE",
            "meta": {"billed_units": {"input_tokens": 30, "output_tokens": 3}}}, **metrics(31, 4)}], {}),
    ("cohere.command-text-v14", {"prompt": "Count.", "max_tokens": 9, "p": 0.9, "k": 4, "num_generations": 2},
     {"id": "i", "prompt": "Count.", "generations": [{"id": "a", "text": "1", "finish_reason": "COMPLETE"},
                                                     {"id": "b", "text": "2", "finish_reason": "MAX_TOKENS"}]}, token_fields(2, 2)),
    ("ai21.jamba-1-5-large-v1%3A0", CHAT,
     {"id": "chat-1", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Cold.", "tool_calls": None},
                                   "finish_reason": "stop"}],
      "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}, "meta": {"requestDurationMillis": 5}}, {}),
    ("us.deepseek.r1-v1%3A0", {"prompt": "Count.", "max_tokens": 9, "temperature": 0.5},
     {"choices": [{"text": "<think>\n</think>1, 2", "stop_reason": "stop"}]}, token_fields(5, 8)),
    ("deepseek.r1-v1%3A0", {"prompt": "Count."}, [
        {"choices": [{"text": "1,", "stop_reason": None}]}, {"choices": [{"text": " 2", "stop_reason": "length"}], **metrics(5, 8)}], {}),
    ("openai.gpt-oss-120b-1%3A0", {**CHAT, "model": "openai.gpt-oss-120b-1:0", "reasoning_effort": "low"},
     {"id": "chatcmpl-1", "object": "chat.completion", "model": "openai.gpt-oss-120b-1:0", "choices": [
         {"index": 0, "message": {"role": "assistant", "content": "<reasoning>Hm.</reasoning>Cold."}, "finish_reason": "stop"}],
      "usage": {"prompt_tokens": 70, "completion_tokens": 12, "total_tokens": 82}}, token_fields(70, 12)),
    ("openai.gpt-oss-20b-1%3A0", {**CHAT, "stream": True}, [
        {"id": "chatcmpl-2", "object": "chat.completion.chunk", "model": "openai.gpt-oss-20b-1:0",
         "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Co"}}]},
        {"id": "chatcmpl-2", "object": "chat.completion.chunk", "model": "openai.gpt-oss-20b-1:0",
         "choices": [{"index": 0, "delta": {"content": "ld.", "tool_calls": [{"index": 0, **call("c1", '{"city":')}]}}]},
        {"id": "chatcmpl-2", "object": "chat.completion.chunk", "model": "openai.gpt-oss-20b-1:0", "choices": [
            {"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": '"Oslo"}'}}]}, "finish_reason": "tool_calls"}],
         "usage": {"prompt_tokens": 70, "completion_tokens": 12}, **metrics(71, 13)}], {}),
    ("arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aprovisioned-model%2Fx", {"inputText": "a", "dimensions": 256, "normalize": True},
     {"embedding": [0.1, 0.2], "inputTextTokenCount": 3}, {}),
    ("amazon.titan-embed-text-v1", {"inputText": "a"}, {"embedding": [0.1, 0.2], "inputTextTokenCount": 3}, {}),
    ("amazon.titan-embed-image-v1", {"inputText": "a", "inputImage": "AAAA", "embeddingConfig": {"outputEmbeddingLength": 384}},
     {"embedding": [0.1], "inputTextTokenCount": 2, "message": None}, {}),
    ("amazon.nova-2-multimodal-embeddings-v1%3A0", {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {
        "embeddingPurpose": "GENERIC_INDEX", "embeddingDimension": 1024, "text": {"truncationMode": "END", "value": "a"}}},
     {"embeddings": [{"embeddingType": "TEXT", "embedding": [0.1]}]}, {"X-Amzn-Bedrock-Input-Token-Count": 1}),
    ("cohere.embed-english-v3", {"texts": ["a", "b"], "input_type": "search_document", "embedding_types": ["float"]},
     {"id": "e1", "embeddings": {"float": [[0.1], [0.2]]}, "texts": ["a", "b"], "response_type": "embeddings_by_type"},
     {"X-Amzn-Bedrock-Input-Token-Count": 4}),
    ("cohere.rerank-v3-5%3A0", {"query": "q", "documents": ["a", "b"], "top_n": 1, "api_version": 2},
     {"results": [{"index": 1, "relevance_score": 0.5}]}, {}),
    ("stability.sd3-large-v1%3A0", {"prompts": ["a cat"], "mode": "text-to-image"}, {"images": ["AAAA"]}, {}),
    ("amazon.nova-canvas-v1%3A0", {"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a cat"}}, {"images": ["AAAA"]}, {}),
)


def written():
    """(name, host, path, request's body, type, fields and bytes of the answer)"""
    for name, asked, kind, told in INTERACTIONS:
        yield f"written/interactions.{name}", GOOGLE, "/v1beta/interactions", packed(asked), kind, {}, told
    for model, asked, told, fields in INVOKE:
        stream = isinstance(told, list)
        yield (f"written/invoke.{model}", BEDROCK,
               f"/model/{model}/invoke" + ("-with-response-stream" if stream else ""), packed(asked),
               AWS if stream else JSON, fields, chunks(*told) if stream else packed(told))
