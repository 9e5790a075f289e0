# SPDX-License-Identifier: BSD-2-Clause
"""Bedrock's InvokeModel: bodies of each model's own, told by the model's name. Answers' fields, and the last event of a
stream, have AWS's own counts."""
import base64
import json
import urllib.parse

from apis import anthropic, bedrock, openai
from apis.base import Answer, Api, add, answered, eventstream, message, number, taken, told, usage

HEAD = "x-amzn-bedrock-"
METRICS = "amazon-bedrock-invocationMetrics"


def of_model(path):
    return urllib.parse.unquote(path.split("/")[2])


def text_of(told_text, names):
    return next((told_text[name] for name in names if told_text.get(name) is not None), "")


def texts(body):
    """(text, reason) of each."""
    for name in ("results", "outputs", "choices", "generations"):
        if name in body:
            return [(text_of(one, ("outputText", "text")), text_of(one, ("completionReason", "stop_reason", "finish_reason")))
                    for one in body[name]]
    return [(text_of(body, ("generation", "outputText")), text_of(body, ("stop_reason", "completionReason")))]


class Prompt(Api):
    """Titan, Llama, Mistral, DeepSeek-R1, Command: a text in, texts out."""

    kind = operation = "text_completion"
    PARAMS = {"temperature": "gen_ai.request.temperature", "topP": "gen_ai.request.top_p", "top_p": "gen_ai.request.top_p",
              "p": "gen_ai.request.top_p", "k": "gen_ai.request.top_k", "top_k": "gen_ai.request.top_k",
              "maxTokenCount": "gen_ai.request.max_tokens", "max_gen_len": "gen_ai.request.max_tokens",
              "max_tokens": "gen_ai.request.max_tokens", "stop": "gen_ai.request.stop_sequences",
              "stopSequences": "gen_ai.request.stop_sequences", "num_generations": "gen_ai.request.choice.count"}

    def params(self, asked):
        return taken({**asked, **asked.get("textGenerationConfig", {})}, self.PARAMS)

    def input(self, asked):
        return [message("user", ["text"], asked.get("prompt") or asked["inputText"])]

    def whole(self, body, headers):
        return self.stream_of([body])

    def stream_of(self, events):
        answers, used = [], usage()
        for event in events:
            for index, (text, reason) in enumerate(texts(event)):
                if index == len(answers):
                    answers.append(Answer())
                answers[index].text += text
                answers[index].finish = reason or answers[index].finish
            used["input"] = number(event.get("inputTextTokenCount"), event.get("prompt_token_count"), used["input"])
            results = event.get("results") or [{}]
            used["output"] = number(event.get("totalOutputTextTokenCount"), event.get("generation_token_count"),
                                    results[0].get("tokenCount"), used["output"])
        return answered(answers=answers, usage=used, id=events[0].get("id"))


class Nova(bedrock.Converse):
    def params(self, asked):
        return taken(asked["inferenceConfig"], {**bedrock.PARAMS, "topK": "gen_ai.request.top_k"})

    def whole(self, body, headers):
        used = body["usage"]
        body = {**body, "usage": {**used, "cacheReadInputTokens": used.get("cacheReadInputTokenCount"),
                                  "cacheWriteInputTokens": used.get("cacheWriteInputTokenCount")}}
        return super().whole(body, headers)

    def stream_of(self, events):
        return self.stream([next((name, json.dumps(value)) for name, value in event.items()) for event in events], {})


class Chat(openai.Chat):
    def stream_of(self, events):
        for event in events:
            for choice in event["choices"]:
                choice.setdefault("delta", choice.get("message"))
                choice.setdefault("finish_reason", choice.get("stop_reason"))
        return self.stream([("", json.dumps(event)) for event in events], {})

    def whole(self, body, headers):
        for choice in body["choices"]:
            choice.setdefault("finish_reason", choice.get("stop_reason"))
        return super().whole(body, headers)


class Command(Api):
    """Cohere's first chat."""

    def params(self, asked):
        return taken(asked, {"temperature": "gen_ai.request.temperature", "p": "gen_ai.request.top_p",
                             "k": "gen_ai.request.top_k", "max_tokens": "gen_ai.request.max_tokens"})

    def input(self, asked):
        roles = {"USER": "user", "CHATBOT": "assistant"}
        rows = [message(roles[said["role"]], ["text"], said["message"]) for said in asked["chat_history"]]
        rows.append(message("user", ["text"], asked["message"]))
        results = asked.get("tool_results") or []
        if results:
            rows.append(message("tool", ["tool_call_response"] * len(results),
                                "".join(told("".join(out["text"] for out in one["outputs"])) for one in results)))
        return rows

    def system(self, asked):
        return asked.get("preamble")

    def tools(self, asked):
        return [{"type": "function", "name": tool["name"]} for tool in asked["tools"]]

    def whole(self, body, headers):
        answer, billed = Answer(), body["meta"]["billed_units"]
        answer.text, answer.finish = body["text"], body["finish_reason"]
        for call in body.get("tool_calls") or []:
            answer.call(None, call["name"], call["parameters"])
        return answered(id=body["response_id"], answers=[answer],
                        usage=usage(input=billed["input_tokens"], output=billed["output_tokens"]))

    def stream_of(self, events):
        return self.whole(events[-1]["response"], {})


class Embed(Api):
    kind = operation = "embeddings"

    def params(self, asked):
        out = taken(asked, {"dimensions": "gen_ai.embeddings.dimension.count", "embedding_types": "gen_ai.request.encoding_formats"})
        out.update(taken(asked.get("embeddingConfig") or {}, {"outputEmbeddingLength": "gen_ai.embeddings.dimension.count"}))
        out.update(taken(asked.get("singleEmbeddingParams") or {}, {"embeddingDimension": "gen_ai.embeddings.dimension.count"}))
        return out

    def whole(self, body, headers):
        return answered(id=body.get("id"), usage=usage(input=number(body.get("inputTextTokenCount"))))


class Rerank(Api):
    kind, operation = "rerank", "retrieval"

    def params(self, asked):
        return {"bottrace.request.top_n": asked["top_n"]} if "top_n" in asked else {}

    def whole(self, body, headers):
        return answered()


FAMILIES = (  # of a model's name: who reads its bodies
    ("embed", Embed()), ("provisioned-model/x", Embed()), ("rerank", Rerank()), ("canvas", None), ("stability.", None),
    ("anthropic.", anthropic.Invoke()), ("nova", Nova()), ("mistral-large", Chat()), ("jamba", Chat()), ("gpt-oss", Chat()),
    ("command-r", Command()), ("", Prompt()),
)


class Invoke(Api):
    """What its model's reader says, with the model's name of the path and AWS's counts."""

    default = "aws.bedrock"
    frames = staticmethod(eventstream)

    def __init__(self, path):
        name = of_model(path)
        self.native = next(api for part, api in FAMILIES if part in name)
        if self.native is not None:
            self.kind, self.operation = self.native.kind, self.native.operation

    def model(self, path, asked):
        return of_model(path)

    def streamed(self, path, asked):
        return path.endswith("-response-stream")

    def __getattr__(self, name):
        return getattr(self.native, name)

    def params(self, asked):
        return self.native.params(asked)

    def input(self, asked):
        return self.native.input(asked)

    def system(self, asked):
        return self.native.system(asked)

    def tools(self, asked):
        return self.native.tools(asked)

    def whole(self, body, headers):
        out = self.native.whole(body, headers)
        used = out["usage"]
        for key, field in (("input", "input-token-count"), ("output", "output-token-count")):
            count = headers.get(HEAD + field)
            used[key] = used[key] if used[key] is not None or count is None else int(count)
        return out

    def stream(self, events, headers):
        events = [json.loads(base64.b64decode(json.loads(data)["bytes"])) for _, data in events]
        out, counts = self.native.stream_of(events), events[-1][METRICS]
        read, made = (number(counts.get(f"cache{which}InputTokenCount")) for which in ("Read", "Write"))
        out["usage"].update(input=add(counts["inputTokenCount"], read, made), output=counts["outputTokenCount"])
        if read is not None:
            out["usage"].update(cache_read=read, cache_creation=made)
        return out
