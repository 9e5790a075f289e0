# SPDX-License-Identifier: BSD-2-Clause
"""Google's generateContent, streamGenerateContent and embedContent, of Gemini and of Vertex."""
import json
import re

from apis.base import Answer, Api, add, answered, message, number, taken, told, usage

PARAMS = {
    "temperature": "gen_ai.request.temperature", "topP": "gen_ai.request.top_p", "topK": "gen_ai.request.top_k",
    "maxOutputTokens": "gen_ai.request.max_tokens", "stopSequences": "gen_ai.request.stop_sequences",
    "seed": "gen_ai.request.seed", "frequencyPenalty": "gen_ai.request.frequency_penalty",
    "presencePenalty": "gen_ai.request.presence_penalty",
}
FINISH = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION"}  # google.cloud.aiplatform.v1.Candidate.FinishReason
MODALITIES = {"TEXT": "text", "IMAGE": "image", "AUDIO": "speech"}


def camel(name):
    return re.sub(r"_([a-z])", lambda found: found.group(1).upper(), name)


def camels(value, inside=False):
    """Names in camel case, as the documentation has them; a tool's own arguments, schemas and results stay."""
    if isinstance(value, list):
        return [camels(one, inside) for one in value]
    if not isinstance(value, dict) or inside:
        return value
    own = ("args", "response", "parameters", "parametersJsonSchema", "responseSchema")
    return {camel(key): camels(one, camel(key) in own) for key, one in value.items()}


def part_of(part):
    """(type, text)"""
    if "text" in part:
        return "reasoning" if part.get("thought") else "text", part["text"]
    if "functionCall" in part:
        return "tool_call", ""
    if "functionResponse" in part:
        return "tool_call_response", told(part["functionResponse"]["response"])
    if "inlineData" in part:
        return "blob", ""
    if "fileData" in part:
        return "uri", ""
    return next(iter(part)), ""


def counts(used):
    if used is None:
        return usage()
    thought = number(used.get("thoughtsTokenCount"))
    return usage(input=add(number(used.get("promptTokenCount")), number(used.get("toolUsePromptTokenCount"))),
                 output=add(number(used.get("candidatesTokenCount")), thought), reasoning=thought,
                 cache_read=number(used.get("cachedContentTokenCount")))


def model_of(path):
    return path.rpartition("/models/")[2].partition(":")[0]


class Generate(Api):
    kind = operation = "generate_content"
    default = "gcp.gemini"

    def model(self, path, asked):
        return model_of(path)

    def streamed(self, path, asked):
        return path.endswith(":streamGenerateContent")

    def params(self, asked):
        config = camels(asked).get("generationConfig") or {}
        out = taken(config, PARAMS)
        modalities = config.get("responseModalities") or []
        if len(modalities) == 1:
            out["gen_ai.output.type"] = MODALITIES[modalities[0]]
        if config.get("responseMimeType"):
            out["gen_ai.output.type"] = "json" if config["responseMimeType"] == "application/json" else "text"
        if config.get("candidateCount") not in (None, 1):
            out["gen_ai.request.choice.count"] = config["candidateCount"]
        return out

    def input(self, asked):
        rows = []
        for content in camels(asked).get("contents") or []:
            parts = [part_of(part) for part in content["parts"]]
            types = [kind for kind, text in parts if text or kind not in ("text", "reasoning")]
            role = {"model": "assistant", "function": "tool"}.get(content.get("role"), content.get("role") or "user")
            if types and set(types) == {"tool_call_response"}:
                role = "tool"
            text = "".join(text for kind, text in parts if kind in ("text", "tool_call_response"))
            rows.append(message(role, types, text))
        return rows

    def system(self, asked):
        system = camels(asked).get("systemInstruction")
        return "".join(part["text"] for part in system["parts"]) if system else None

    def tools(self, asked):
        given, rows = camels(asked).get("tools") or [], []
        for tool in [given] if isinstance(given, dict) else given:
            if "functionDeclarations" in tool:
                rows += [{"type": "function", "name": one["name"]} for one in tool["functionDeclarations"]]
            else:
                rows.append({"type": next(iter(tool)), "name": None})
        return rows

    def whole(self, body, headers):
        return self.chunks(body if isinstance(body, list) else [body])

    def stream(self, events, headers):
        return self.chunks(json.loads(data) for _, data in events)

    @staticmethod
    def chunks(chunks):
        out, answers = answered(), {}
        for chunk in map(camels, chunks):
            out["id"] = out["id"] or chunk.get("responseId")
            out["model"] = out["model"] or chunk.get("modelVersion")
            if "usageMetadata" in chunk:
                out["usage"] = counts(chunk["usageMetadata"])
            for candidate in chunk.get("candidates") or []:
                answer = answers.setdefault(candidate.get("index") or 0, Answer())
                for part in (candidate.get("content") or {}).get("parts") or []:
                    kind, text = part_of(part)
                    if kind == "text":
                        answer.text += text
                    elif kind == "reasoning":
                        answer.reasoning += text
                    elif kind == "tool_call":
                        call = part["functionCall"]
                        answer.call(call.get("id"), call["name"], call.get("args") or {})
                    else:
                        answer.others.append(kind)
                reason = candidate.get("finishReason")
                if reason:
                    answer.finish = FINISH[reason] if isinstance(reason, int) else reason
        out["answers"] = [answers[index] for index in sorted(answers)]
        return out


class Embed(Api):
    kind = operation = "embeddings"
    default = "gcp.gemini"

    def model(self, path, asked):
        return model_of(path)

    def params(self, asked):
        body = (asked.get("requests") or [asked])[0]
        return taken(body, {"outputDimensionality": "gen_ai.embeddings.dimension.count"})

    def whole(self, body, headers):
        return answered(usage=counts(body.get("usageMetadata")))
