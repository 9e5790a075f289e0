#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What every recorded exchange costs, reckoned here from the bytes and tools/prices/prices.tsv, against the document.

    cost_test.py [PART-OF-A-NAME]

Nothing of the program's reckoning is used: usage is read from the recorded answers, the row is found by a reader of the table
of its own, money is fractions. BOTTRACE: the binary (build/bottrace). BOTTRACE_DATA: where wire/ lies (../shared/data
beside the project). The last line is `N passed, N failed, N skipped`.
"""
import base64
import datetime
import email.utils
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
from fractions import Fraction

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODEL = {"chat", "text_completion", "generate_content", "embeddings", "rerank"}
NORMAL = {None, "default", "standard", "auto", "on_demand", "global", "not_available"}


def number(text):
    return None if text == "-" else Fraction(text)


class Table:
    def __init__(self, path):
        lines = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8")
                 if line.strip() and not line.startswith("#")]
        self.rows = [dict(zip(lines[0], line)) for line in lines[1:]]

    @staticmethod
    def fits(patterns, name):
        # [ and ? do not stand in names of models
        return any(fnmatch.fnmatchcase(name, pattern.replace("#", "[0-9]")) for pattern in patterns.split(" "))

    def find(self, provider, model, kind, day, tokens):
        def same(row):
            return (row["provider"], row["models"], row["class"])
        live = [row for row in self.rows if row["class"] == kind and (row["from"] == "-" or row["from"] <= day)]
        for row in live:
            if self.fits(row["provider"], provider) and self.fits(row["models"], model):
                group = [other for other in live if same(other) == same(row)]
                newest = max(other["from"] if other["from"] != "-" else "" for other in group)
                group = [other for other in group if (other["from"] if other["from"] != "-" else "") == newest]
                group = [other for other in group if other["above"] == "-" or tokens > int(other["above"])]
                return max(group, key=lambda other: 0 if other["above"] == "-" else int(other["above"]), default=None)
        return None


# ---- what the recorded bytes say ----

def split(raw):
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    return lines[0], {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}, body


def frames(body):
    """Payloads of an AWS event stream."""
    at = 0
    while at + 16 <= len(body):
        total, head = int.from_bytes(body[at:at + 4], "big"), int.from_bytes(body[at + 4:at + 8], "big")
        yield body[at + 12 + head:at + total - 4]
        at += total


def documents(fields, body):
    """The JSON values of an answer, in order."""
    kind = fields.get("content-type", "")
    if "amazon.eventstream" in kind:
        for payload in frames(body):
            value = json.loads(payload)
            yield json.loads(base64.b64decode(value["bytes"])) if "bytes" in value else value
        return
    text = body.decode("utf-8", "replace")
    if "event-stream" in kind:
        texts = [line[5:].strip() for line in re.split(r"\r\n|\n|\r", text) if line.startswith("data:")]
    elif "ndjson" in kind:
        texts = text.splitlines()
    else:
        texts = [text]
    for one in texts:
        try:
            value = json.loads(one)
        except ValueError:
            continue
        yield from value if isinstance(value, list) else [value]


def counts(values):
    """Tokens by the class that is paid for: {input, output, cache_read, cache_write, cache_write_1h}, from any API's usage."""
    usage, model, tier, told = {}, None, None, None
    for value in values:
        for inner in (value, value.get("response"), value.get("message"), value.get("x_groq"), value.get("delta")):
            if not isinstance(inner, dict):
                continue
            model = inner.get("model") if isinstance(inner.get("model"), str) else model
            model = inner.get("modelVersion") or model
            tier = inner.get("service_tier") or tier
            found = inner.get("usage") or inner.get("usageMetadata")
            if isinstance(found, dict):
                usage.update({key: count for key, count in found.items() if count is not None})
        usage.update(value.get("meta", {}).get("billed_units", {}) and {"billed_units": value["meta"]["billed_units"]})
        metrics = value.get("amazon-bedrock-invocationMetrics")
        if metrics:
            usage["output_tokens"] = metrics["outputTokenCount"]
        if "prompt_eval_count" in value:
            usage.update(prompt_tokens=value["prompt_eval_count"], completion_tokens=value["eval_count"])
    tier = usage.get("service_tier") or usage.get("serviceTier") or usage.get("trafficType") or tier
    if isinstance(usage.get("cost"), (int, float)):
        told = Fraction(str(usage["cost"]))
        if usage.get("is_byok"):
            told += Fraction(str(usage["cost_details"]["upstream_inference_cost"]))
    return usage, model, tier, told


def classes(provider, usage):
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    read = details.get("cached_tokens", usage.get("prompt_cache_hit_tokens", 0)) or 0
    write, hour = details.get("cache_write_tokens", 0) or 0, 0
    if "billed_units" in usage:  # Cohere
        billed = usage["billed_units"]
        return int(billed.get("input_tokens", 0)), int(billed.get("output_tokens", 0)), 0, 0, 0
    if "inputTokens" in usage:  # Converse
        read, write = usage.get("cacheReadInputTokens", 0), usage.get("cacheWriteInputTokens", 0)
        return usage["inputTokens"], usage["outputTokens"], read, write, 0
    if "promptTokenCount" in usage:  # Google
        read = usage.get("cachedContentTokenCount", 0)
        fresh = usage["promptTokenCount"] + usage.get("toolUsePromptTokenCount", 0) - read
        return fresh, usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0), read, 0, 0
    if "input_tokens" in usage and ("cache_read_input_tokens" in usage or provider in ("anthropic", "claude")):
        hour = (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens", 0)
        return (usage["input_tokens"], usage["output_tokens"], usage.get("cache_read_input_tokens", 0),
                usage.get("cache_creation_input_tokens", 0) - hour, hour)
    if "input_tokens" in usage:  # Responses
        return usage["input_tokens"] - read - write, usage["output_tokens"], read, write, 0
    if "prompt_tokens" in usage:
        return usage["prompt_tokens"] - read - write, usage.get("completion_tokens", 0), read, write, 0
    if "total_tokens" in usage:  # embeddings
        return usage["total_tokens"], 0, 0, 0, 0
    return None


def price(table, span, values, fields):
    """(source, dollars) that the document must have; None: unknown."""
    attributes = span["attributes"]
    usage, model, tier, told = counts(values)
    if told is not None:
        return "provider", told
    provider = attributes["gen_ai.provider.name"]
    if provider == "ollama":
        return "local", Fraction(0)
    split_up = classes(provider, usage)
    tier = tier.lower() if isinstance(tier, str) else None
    tier = {"on_demand_flex": "flex"}.get(tier, tier)
    if split_up is None:
        return None
    date = email.utils.parsedate_to_datetime(fields["date"]) if "date" in fields else datetime.datetime(9999, 1, 1)
    day, tokens = date.strftime("%Y-%m-%d"), sum(split_up) - split_up[1]
    for name in (model, attributes.get("gen_ai.request.model")):
        for short in (name, name.rpartition("/")[2]) if name else ():
            low = short.lower()
            row = table.find(provider, low, "standard", day, tokens)
            if row is None:
                continue
            times = Fraction(1)
            if tier not in NORMAL:
                special = table.find(provider, low, tier, day, tokens)
                if special is None:
                    return None
                times, row = (Fraction(special["times"]), row) if special["times"] != "-" else (times, special)
            rate = {key: number(row[key]) for key in ("input", "output", "cache_read", "cache_write", "cache_write_1h")}
            read = rate["cache_read"] if rate["cache_read"] is not None else rate["input"]
            write = rate["cache_write"] if rate["cache_write"] is not None else rate["input"]
            hour = rate["cache_write_1h"] if rate["cache_write_1h"] is not None else write
            each = (rate["input"], rate["output"], read, write, hour)
            if any(count and one is None for count, one in zip(split_up, each)):
                return None
            money = sum(count * one for count, one in zip(split_up, each) if count) * times / 1000000
            return "table", money + (number(row["request"]) or 0)
    return None


# ---- the comparison ----

def decode(binary, name, data):
    request = (data / (name + ".req")).read_bytes()
    host = split(request)[1]["host"].partition(":")[0]
    run = subprocess.run([binary, "decode", "--server-name", host, str(data / (name + ".req")), str(data / (name + ".resp")),
                          "-o", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=True,
                         env={**os.environ, "XDG_CONFIG_HOME": "/nonexistent"})
    return json.loads(run.stdout)


def wrong_of(table, binary, name, data, seen):
    _, fields, body = split((data / (name + ".resp")).read_bytes())
    wrong = []
    for span in decode(binary, name, data)["spans"]:
        attributes = span["attributes"]
        if span["kind"] not in MODEL or "bottrace.estimated" in attributes:
            continue
        refused = attributes.get("http.response.status_code", 200) >= 400
        want = None if refused else price(table, span, list(documents(fields, body)), fields)
        got = attributes.get("bottrace.cost_usd")
        seen[want[0] if want else "unknown"] = seen.get(want[0] if want else "unknown", 0) + 1
        if want is None:
            wrong += [f"want no cost, got {got}"] if got is not None else []
        elif got is None or Fraction(got) != want[1] or attributes["bottrace.cost_source"] != want[0]:
            wrong.append(f"want {float(want[1])} ({want[0]}), got {got} ({attributes.get('bottrace.cost_source')})")
        if got is not None and not re.fullmatch(r"[0-9]+(\.[0-9]*[1-9])?", got):
            wrong.append(f"not a plain decimal: {got}")
    return wrong


def main():
    binary = os.environ.get("BOTTRACE", str(ROOT / "build" / "bottrace"))
    data = pathlib.Path(os.environ.get("BOTTRACE_DATA", ROOT.parent / "shared" / "data")) / "wire"
    table, part = Table(ROOT / "tools" / "prices" / "prices.tsv"), sys.argv[1] if len(sys.argv) > 1 else ""
    passed = failed = 0
    seen = {}
    if not data.is_dir():
        print(f"skipped: no recorded exchanges in {data}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    for name in sorted(path.stem for path in data.glob("*.req") if part in path.stem):
        try:
            wrong = wrong_of(table, binary, name, data, seen)
        except (ValueError, KeyError, TypeError, subprocess.SubprocessError) as error:
            wrong = [f"{type(error).__name__}: {error}"]
        failed += bool(wrong)
        passed += not wrong
        if wrong:
            print(f"FAILED {name}\n" + "".join(f"    {line}\n" for line in wrong), end="")
    print("calls priced by: " + ", ".join(f"{key} {count}" for key, count in sorted(seen.items())))
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
