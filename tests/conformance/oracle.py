#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What recorded exchanges with model servers say, read by the plainest means: the second opinion on the decoders.

    oracle.py DATA > wire.table.json     one row for every exchange in DATA/wire, those of DATA/handmade that are HTTP, and written.py's

DATA/wire holds NAME.req and NAME.resp (raw HTTP/1.1, identity, Content-Length or to the end of the file) and INDEX.json
(name, host). Shares nothing with the decoders. Long texts are kept as their length and SHA-256.
"""
import json
import pathlib
import re
import sys

from apis import anthropic, bedrock, cohere, embeddings, google, interactions, invoke, ollama, openai, responses
from apis.base import ndjson, short, split_http, sse
from recorded import exchanges

PROVIDERS = {  # host, or the end of one: gen_ai.provider.name
    "api.openai.com": "openai", ".openai.azure.com": "azure.ai.openai", "api.anthropic.com": "anthropic",
    "bedrock-mantle.us-east-1.api.aws": "aws.bedrock", "bedrock-runtime.us-east-1.amazonaws.com": "aws.bedrock",
    "bedrock-runtime.eu-central-1.amazonaws.com": "aws.bedrock", "api.cerebras.ai": "cerebras",
    "api.cohere.com": "cohere", "api.deepseek.com": "deepseek", "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai", "-aiplatform.googleapis.com": "gcp.vertex_ai",
    "api.groq.com": "groq", "router.huggingface.co": "huggingface", "api.mistral.ai": "mistral_ai",
    "localhost:11434": "ollama", "openrouter.ai": "openrouter", "api.voyageai.com": "voyageai", "api.z.ai": "zai",
}

APIS = (  # the end of a path: who reads it; None: no model is asked there
    (r"/messages/count_tokens|/count-tokens|:countTokens|/responses/input_tokens", None),
    (r"/chat/completions", openai.Chat()),
    (r"/responses(/compact)?", responses.Responses()),
    (r"/v1/messages", anthropic.Messages()),
    (r":(stream)?[gG]enerateContent", google.Generate()),
    (r"/v1beta/interactions", interactions.Interactions()),
    (r":(embedContent|batchEmbedContents)", google.Embed()),
    (r"/model/[^/]+/converse(-stream)?", bedrock.Converse()),
    (r"/model/[^/]+/invoke(-with-response-stream)?", invoke.Invoke),
    (r"/v2/chat", cohere.Chat()),
    (r"/v2/embed", cohere.Embed()),
    (r"/v1/embeddings", embeddings.Embeddings()),
    (r"/api/chat", ollama.Chat()),
    (r"/api/generate", ollama.Generate()),
)


def provider_of(host, default):
    for end, name in PROVIDERS.items():
        if host == end or (end[0] in ".-" and host.endswith(end)):
            return name
    return default


def api_of(method, path):
    if method == "POST":
        for end, api in APIS:
            if re.search(f"(?:{end})$", path):
                if isinstance(api, type):  # a reader that its path chooses
                    api = api(path)
                    return api if api.native else None
                return api
    return None


def error_of(body, status):
    """type: the error's own, else its code, else the HTTP status."""
    if isinstance(body, list):
        body = body[0]
    if not isinstance(body, dict):
        body = {}
    error = body.get("error")
    if isinstance(error, str):
        return {"type": str(status), "message": error}
    if not isinstance(error, dict):
        error = body if "message" in body or "detail" in body else {}
    kind = error.get("type") or error.get("code") or status
    return {"type": str(kind), "message": short(error.get("message") or error.get("detail"))}


def read(api, headers, body):
    kind = headers.get("content-type", "").partition(";")[0].strip()
    frames = {"text/event-stream": sse, "application/x-ndjson": ndjson,
              "application/vnd.amazon.eventstream": api.frames}.get(kind)
    return api.stream(frames(body), headers) if frames else api.whole(json.loads(body), headers)


def row_of(name, host, request, response):
    first, _, body = split_http(request)
    method, target = first.split(" ")[:2]
    path = target.partition("?")[0]
    status_line, headers, answer = split_http(response)
    status = int(status_line.split(" ")[1])
    row = {"name": name, "host": host, "path": path, "status_code": status}
    api = api_of(method, path)
    if name.split(".")[0] in ("mcp", "a2a"):
        return {**row, "kind": name.split(".")[0]}  # no model's API: has a table of its own
    if api is None:
        return {**row, "kind": "http"}
    asked = json.loads(body) if body else {}
    row.update(kind=api.kind, operation=api.operation, provider=provider_of(host, api.default),
               request_model=api.model(path, asked), stream=api.streamed(path, asked), params=api.params(asked),
               input=api.input(asked), system=short(api.system(asked)), tools=api.tools(asked))
    if status >= 400:
        return {**row, "status": "error", "error": error_of(json.loads(answer), status), "outputs": [], "usage": None}
    told = read(api, headers, answer)
    for key, attribute in (("tier", "openai.response.service_tier"),
                           ("fingerprint", "openai.response.system_fingerprint")):
        if told[key]:
            row["params"][attribute] = told[key]
    error = error_of(told["error"], "_OTHER") if told["error"] else None
    row.update(status="error" if error else "ok", error=error, response_id=told["id"], response_model=told["model"],
               outputs=[answer.row() for answer in told["answers"]], usage=told["usage"])
    if error and not any(told["usage"].values()):
        row["usage"] = None
    return row


def main():
    rows = [row_of(one.name, one.host, one.request, one.response) for one in exchanges(pathlib.Path(sys.argv[1]))]
    print("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]")


if __name__ == "__main__":
    main()
