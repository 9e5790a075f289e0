# SPDX-License-Identifier: BSD-2-Clause
"""Embeddings as OpenAI has them; Voyage speaks it, and counts only the total."""
from apis.base import Api, answered, number, taken, usage


class Embeddings(Api):
    kind = operation = "embeddings"
    default = "openai"

    def params(self, asked):
        out = taken(asked, {"dimensions": "gen_ai.embeddings.dimension.count",
                            "output_dimension": "gen_ai.embeddings.dimension.count"})
        if asked.get("encoding_format"):
            out["gen_ai.request.encoding_formats"] = [asked["encoding_format"]]
        return out

    def whole(self, body, headers):
        used = body.get("usage") or {}
        return answered(id=body.get("id"), model=body.get("model"),
                        usage=usage(input=number(used.get("prompt_tokens"), used.get("total_tokens"))))
