#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Conversations as readable text, through the whole program: NAME.talk becomes bytes, `bottrace decode` reads them, and
what it says must agree with NAME.want, which is written from the specifications. README.md has both forms.

    talk_test.py [PART-OF-A-NAME]

BOTTRACE: the binary (build/bottrace). BOTTRACE_DATA: where conversations/ lies (../shared/data beside the project).
The last line is `N passed, N failed, N skipped`.
"""
import codecs
import gzip
import json
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SEEDS = 3  # other chunkings of every response that allows it
ATTRIBUTE = re.compile(r"^(gen_ai|http|server|url|bottrace|openai|anthropic|error|mcp|a2a|jsonrpc|rpc|network)\.")


class Skip(Exception):
    pass


# ---- bytes ----

def raw_deflate(body):
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush()


def tool(name, *options):
    def pack(body):
        if shutil.which(name) is None:
            raise Skip(f"{name} is not installed")
        return subprocess.run([name, *options], input=body, stdout=subprocess.PIPE, check=True).stdout
    return pack


CODINGS = {"gzip": gzip.compress, "deflate": zlib.compress, "raw-deflate": raw_deflate,
           "br": tool("brotli", "--stdout", "-"), "zstd": tool("zstd", "--stdout", "-q", "-")}


def unescape(text):
    return codecs.decode(text, "unicode_escape").encode("latin-1")


def to_bytes(lines, end):
    """Lines with their ends; `@` lines are exact bytes."""
    out = []
    for line in lines:
        if line.startswith("@ "):
            out.append(unescape(line[2:]))
        elif line.startswith("@times "):
            _, count, text = line.split(" ", 2)
            out.append(unescape(text) * int(count))
        elif line.startswith("@count "):
            _, count, text = line.split(" ", 2)
            out.append(b"".join(unescape(text.replace("%d", str(i))) for i in range(int(count))))
        elif line.startswith("@random "):
            _, count, seed = line.split(" ")
            out.append(random.Random(int(seed)).randbytes(int(count)))
        else:
            out.append(line.encode("utf-8", "surrogateescape") + end)
    return b"".join(out), bool(lines) and not lines[-1].startswith("@")


def chunk(body, size, rng):
    out = []
    while body:
        n = size or rng.choice((1, 2, 3, 17, 100, 4096, rng.randint(1, 70000)))
        out.append(b"%x\r\n" % len(body[:n]) + body[:n] + b"\r\n")
        body = body[n:]
    return b"".join(out) + b"0\r\n\r\n"


class Message:
    """One request or response of a talk."""

    def __init__(self, options, lines):
        self.options = dict(o.partition("=")[::2] for o in options)
        self.lines = lines
        unknown = set(self.options) - {"raw", "close", "coding", "as", "chunks", "cut", "flip", "ends", "unended"}
        if unknown:
            raise SystemExit(f"unknown option {unknown}")
        at = lines.index("") if "" in lines else len(lines)
        self.head, self.body_lines = lines[:at], lines[at + 1:]

    def fields(self):
        return [line.partition(":")[::2] for line in self.head[1:] if not line.startswith("@")]

    def field(self, name):
        return next((v.strip() for k, v in self.fields() if k.strip().lower() == name), None)

    def plain_body(self):
        lines = list(self.body_lines)
        stream = (self.field("content-type") or "").startswith("text/event-stream") and "unended" not in self.options
        while stream and lines and lines[-1] == "":
            lines.pop()
        body, ended = to_bytes(lines, b"\n")
        if stream:
            body += b"\n"
        elif ended:
            body = body[:-1]
        ends = {"": b"\n", "lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}[self.options.get("ends", "")]
        return body if ends == b"\n" else body.replace(b"\n", ends)

    def framed_by_us(self):
        return "raw" not in self.options and "close" not in self.options and \
            self.field("content-length") is None and self.field("transfer-encoding") is None

    def wire(self, rng):
        """rng: other chunks than the talk's."""
        if "raw" in self.options:
            return to_bytes(self.lines, b"\r\n")[0]
        body = self.plain_body()
        fields = []
        coding = self.options.get("coding")
        for name in coding.split("+") if coding else []:
            body = CODINGS[name](body)
        if coding:
            fields.append("Content-Encoding: " + (self.options.get("as") or
                                                  ", ".join(coding.replace("raw-", "").split("+"))))
        if "flip" in self.options:
            at = int(self.options["flip"])
            at = at if at >= 0 else len(body) + at
            body = body[:at] + bytes([body[at] ^ 0xff]) + body[at + 1:]
        if self.framed_by_us():
            bodiless = not body and re.match(r"GET |HEAD |HTTP/1.. (1|204|304)", self.head[0])
            if "chunks" in self.options or (rng and self.head[0].startswith("HTTP/") and not bodiless):
                fields.append("Transfer-Encoding: chunked")
                body = chunk(body, None if rng else int(self.options["chunks"]), rng)
            elif not bodiless:
                fields.append(f"Content-Length: {len(body)}")
        if "cut" in self.options:
            body = body[:int(self.options["cut"])]
        return to_bytes(self.head + fields + [""], b"\r\n")[0] + body


class Talk:
    def __init__(self, path):
        self.name = path.stem
        self.head = {"form": "bytes", "limits": "5 s 512 MiB", "chunked": "yes", "server": None}
        self.requests, self.responses = [], []
        target, options, lines = None, None, None

        def end():
            if target is not None:
                target.append(Message(options, lines))

        for line in path.read_text(encoding="utf-8", errors="surrogateescape").split("\n"):
            if line[:3] in (">> ", "<< ") or line in (">>", "<<"):
                end()
                target = self.requests if line[0] == ">" else self.responses
                options, lines = line[3:].split(), []
            elif target is not None:
                lines.append(line)
            elif line and not line.startswith("#"):
                key, _, value = line.partition(":")
                if key not in self.head:
                    raise SystemExit(f"{path}: unknown word {key}")
                self.head[key] = value.strip()
        # The file's own last line end, and empty lines between messages, are nobody's.
        if lines and lines[-1] == "":
            lines.pop()
        end()
        m = re.fullmatch(r"(\d+) s (\d+) MiB", self.head["limits"])
        self.cpu_s, self.memory = int(m[1]), int(m[2]) << 20

    def files(self, directory, rng):
        """Writes the bytes; returns the arguments after `decode`."""
        server = ["--server-name", self.head["server"]] if self.head["server"] else []
        if self.head["form"] == "jsonl":
            path = directory / "talk.jsonl"
            path.write_text("".join(json.dumps(self.line(q, a)) + "\n" for q, a in zip(self.requests, self.responses)))
            return server + [path]
        if self.head["form"] == "lines":
            path = directory / "talk.jsonl"
            path.write_text("".join(line + "\n" for line in self.requests[0].lines))
            return server + [path]
        paths = []
        for name, messages in (("request", self.requests), ("response", self.responses)):
            path = directory / name
            path.write_bytes(b"".join(m.wire(rng if name == "response" else None) for m in messages))
            paths.append(path)
        return server + paths

    @staticmethod
    def line(q, a):
        method, target, _ = q.head[0].split(" ")
        return {"method": method, "url": f"https://{q.field('host')}{target}",
                "req_headers": {k: v.strip() for k, v in q.fields()}, "req": {"text": q.plain_body().decode()},
                "status": int(a.head[0].split(" ")[1]), "resp_headers": {k: v.strip() for k, v in a.fields()},
                "resp": {"text": a.plain_body().decode()}}


# ---- the program ----

def run(binary, *arguments, cpu_s=20, memory=1 << 30):
    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    r = subprocess.run([binary, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       preexec_fn=limit, timeout=120)
    if r.returncode or r.stderr:
        raise ValueError(f"exit {r.returncode}, stderr: {r.stderr.decode(errors='replace')[:500]}")
    return r.stdout


def decode(binary, arguments, cpu_s=20, memory=1 << 30, form="json"):
    return run(binary, "decode", "-o", form, *arguments, cpu_s=cpu_s, memory=memory)


def refuse(word):
    raise ValueError(f"{word} is not JSON")


def document(text):
    d = json.loads(text.decode("utf-8"), parse_constant=refuse)
    if d.get("schema") != "bottrace.v1.trace":
        raise ValueError(f"schema {d.get('schema')}")
    return d


# ---- what is wanted ----

ABSENT = object()


def look_up(value, steps):
    for step in steps:
        if isinstance(value, list) and re.fullmatch(r"-?\d+", step):
            i = int(step)
            value = value[i] if -len(value) <= i < len(value) else ABSENT
        else:
            value = value.get(step, ABSENT) if isinstance(value, dict) else ABSENT
        if value is ABSENT:
            break
    return value


def find(doc, left):
    number, _, path = left.partition(" ")
    if not number.isdigit():
        return look_up(doc, left.split("/"))
    spans = [s for s in doc["spans"] if s["n"] == int(number)]
    if len(spans) != 1:
        return ABSENT
    if path in ("kind", "name", "time"):
        return spans[0][path]
    steps = path.split("/")
    return look_up(spans[0]["attributes"] if ATTRIBUTE.match(steps[0]) else spans[0], steps)


def wrong(doc, line):
    """One line of a .want: None, or what is wrong."""
    m = re.fullmatch(r"(.+?) (=|~|#) (.+)", line)
    if not m:
        raise SystemExit(f"not a line of a .want: {line}")
    left, how, right = m.groups()
    got = find(doc, left)
    if right == "absent":
        ok = got is ABSENT
    elif got is ABSENT:
        ok = False
    elif how == "#":
        ok = hasattr(got, "__len__") and len(got) == int(right)
    elif how == "~":
        text = got if isinstance(got, str) else json.dumps(got, ensure_ascii=False)
        ok = re.search(right, text, re.S) is not None
    elif right.startswith("@"):
        ok = got == find(doc, right[1:] + " id")
    else:
        want = json.loads(right)
        ok = got == want and isinstance(got, bool) == isinstance(want, bool)
    if ok:
        return None
    shown = "absent" if got is ABSENT else json.dumps(got)
    return f"{line}\n        got {shown if len(shown) < 300 else shown[:300] + '…'}"


def check(doc, wants):
    return [w for w in (wrong(doc, line) for line in wants) if w]


# ---- what was said, by a reader of its own ----

def texts_of(content):
    """Everything that a message says, in order; JSON values of tools as values."""
    if content is None:
        return []
    if isinstance(content, str):
        return [content] if content else []
    out = []
    for part in content:
        kind = part.get("type")
        if kind in ("text", "thinking"):
            out.append(part.get("text", part.get("thinking")))
        elif kind == "tool_use":
            out.append([part["id"], part["name"], part["input"]])
        elif kind == "server_tool_use":
            out.append(["server", part["id"], part["name"]])
        elif kind.endswith("_tool_result"):
            out.append(["server", part["tool_use_id"]])
        elif kind == "tool_result":
            inner = part.get("content")
            out += [part["tool_use_id"]] + (texts_of(inner) if not isinstance(inner, str) else [inner])
        elif kind == "image_url":
            out.append(part["image_url"]["url"])
        else:
            out.append("?" + str(kind))
    return out


def texts_of_request(body):
    out = []
    for m in body["messages"]:
        said = texts_of(m.get("content"))
        if m["role"] == "tool":
            said = [m["tool_call_id"]] + (said or [""])
        for call in m.get("tool_calls") or []:
            said.append([call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])])
        out += [x for x in said if x != ""]
    return out


def texts_of_span(span):
    out = []
    for m in span["attributes"].get("gen_ai.input.messages", []):
        for p in m["parts"]:
            kind = p["type"]
            if kind in ("text", "reasoning"):
                out.append(p["content"])
            elif kind == "tool_call":
                out.append([p["id"], p["name"], p["arguments"]])
            elif kind == "tool_call_response":
                r = p["response"]
                out += [p["id"]] + (texts_of(r) if isinstance(r, list) else [r])
            elif kind == "server_tool_call":
                out.append(["server", p["id"], p["name"]])
            elif kind == "server_tool_call_response":
                out.append(["server", p["id"]])
            elif kind == "uri":
                out.append(p["uri"])
            else:
                out.append("?" + kind)
    return [x for x in out if x != ""]


def is_model_call(line):
    path = line["url"].split("?")[0]
    return line["method"] == "POST" and (path.endswith("/chat/completions") or path.endswith("/v1/messages"))


def compare_requests(full, lines):
    """Every model call of a --full document says what its request says."""
    spans = [s for s in full["spans"] if s["kind"] not in ("execute_tool", "process")]
    wrongs = []
    if any("bottrace.continues" in s["attributes"] for s in spans):
        wrongs.append("--full left bottrace.continues")
    # Failed attempts have no span of their own.
    calls = [s for s in spans if s["kind"] == "chat" and s["attributes"]["url.path"].endswith(("/chat/completions", "/v1/messages"))]
    wanted = [texts_of_request(body_of(line["req"])) for line in lines if is_model_call(line) and not line.get("folded")]
    got = [texts_of_span(s) for s in calls]
    if len(got) != len(wanted):
        return wrongs + [f"{len(got)} chat spans for {len(wanted)} requests"]
    for i, (g, w) in enumerate(zip(got, wanted)):
        if "[redacted:" in json.dumps(g):
            continue
        if g != w:
            first = next((k for k in range(max(len(g), len(w))) if g[k:k + 1] != w[k:k + 1]), 0)
            wrongs.append(f"call {i}: text {first}: got {g[first:first + 1]!r:.300}, want {w[first:first + 1]!r:.300}")
    return wrongs


def body_of(body):
    return body["json"] if "json" in body else json.loads(body["text"])


# ---- cases ----

def told(doc):
    """The spans without what depends on how a body was cut into chunks."""
    spans = json.loads(json.dumps(doc["spans"]))
    for s in spans:
        s["attributes"].pop("http.response.body.size", None)
        s["attributes"].get("bottrace.broken", {}).pop("offset", None)
    return spans


def check_full(binary, directory, arguments):
    """Every door that expands gives the same, and compares with what was sent."""
    full = decode(binary, ["--full", *arguments])
    path = directory / "short.json"
    path.write_bytes(decode(binary, arguments))
    wrongs = []
    if run(binary, "tree", "--full", "-o", "json", path) != full:
        wrongs.append("tree --full differs from decode --full")
    lines = run(binary, "tree", "--full", "-o", "jsonl", path).splitlines()
    for span, line in zip(document(full)["spans"], lines):
        if json.loads(line) != span or json.loads(run(binary, "show", "--full", "-o", "json", path, str(span["n"]))) != span:
            wrongs.append(f"show --full {span['n']} or its JSON line differs from decode --full")
    sent = [json.loads(line) for line in (directory / "talk.jsonl").read_text().splitlines()]
    for line in sent:
        line["folded"] = line["status"] in (408, 409, 429) or line["status"] >= 500
    return wrongs + compare_requests(document(full), sent)


def run_talk(binary, path):
    talk = Talk(path)
    wants = [w for w in path.with_suffix(".want").read_text().split("\n") if w and not w.startswith("#")]
    seeds = []
    if talk.head["form"] == "bytes" and talk.head["chunked"] == "yes" and any(m.framed_by_us() for m in talk.responses):
        seeds = range(SEEDS)
    with tempfile.TemporaryDirectory() as d:
        directory = pathlib.Path(d)
        arguments = talk.files(directory, None)
        doc = document(decode(binary, arguments, talk.cpu_s, talk.memory))
        wrongs = check(doc, wants)
        text = decode(binary, arguments, talk.cpu_s, talk.memory, "text")
        if re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", text):
            wrongs.append("the tree holds control characters")
        if talk.head["form"] == "jsonl":
            wrongs += check_full(binary, directory, arguments)
        for seed in seeds:
            arguments = talk.files(directory, random.Random(seed))
            other = document(decode(binary, arguments, talk.cpu_s, talk.memory))
            if told(other) != told(doc):
                wrongs.append(f"chunked (seed {seed}): another document")
                wrongs += check(other, wants)
    return wrongs


def linked(doc):
    """Tool calls that are not linked to the call that asked and the one that told."""
    chats = {s["id"]: s for s in doc["spans"] if s["kind"] == "chat"}
    wrongs = []
    for s in doc["spans"]:
        if s["kind"] != "execute_tool":
            continue
        a = s["attributes"]
        call = a["gen_ai.tool.call.id"]
        asked, told = chats.get(a.get("bottrace.requested_by")), chats.get(a.get("bottrace.answered_in"))
        if asked is None or f'"id": "{call}"' not in json.dumps(asked["attributes"]["gen_ai.output.messages"]):
            wrongs.append(f"{call}: not linked to the call that asked")
        if told is None or call not in json.dumps(told["attributes"]["gen_ai.input.messages"]):
            wrongs.append(f"{call}: not linked to the call that told")
    return wrongs


def run_conversation(binary, path):
    full = document(decode(binary, ["--full", path]))
    doc = document(decode(binary, [path]))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    wrongs = compare_requests(full, lines)
    how = [s["link"]["how"] for s in doc["spans"] if s["link"]]
    if path.stem == "dspy-compile":
        if any(s["kind"] == "execute_tool" for s in doc["spans"]) or set(how) & {"prefix", "tool_call_id", "content"}:
            wrongs.append("few-shot examples made links")
    if path.stem in ("crewai-tools-cache", "pydanticai-mcp-openai"):
        asked = sum(len(c["message"].get("tool_calls") or []) for line in lines if is_model_call(line)
                    for c in json.loads(line["resp"]["text"])["choices"])
        made = sum(s["kind"] == "execute_tool" for s in doc["spans"])
        if asked != made or asked == 0:
            wrongs.append(f"{made} execute_tool spans for {asked} tool calls")
        wrongs += linked(doc)
    return wrongs


def main():
    binary = pathlib.Path(os.environ.get("BOTTRACE") or ROOT / "build" / "bottrace").resolve()
    data = pathlib.Path(os.environ.get("BOTTRACE_DATA") or ROOT.parent / "shared" / "data") / "conversations"
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    cases = [(f"{p.parent.name}/{p.stem}", run_talk, p) for p in sorted(HERE.glob("*/*.talk"))]
    cases += [("conversation " + p.stem, run_conversation, p) for p in sorted(data.glob("*.jsonl"))]
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if not data.is_dir():
        print("skipped: recorded conversations: no", data)
        counts["skipped"] += 1
    for name, case, path in cases:
        if part not in name:
            continue
        try:
            wrongs = case(binary, path)
            word = "failed" if wrongs else "passed"
        except Skip as e:
            wrongs, word = [str(e)], "skipped"
        except (ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as e:
            wrongs, word = [f"{type(e).__name__}: {e}"], "failed"
        counts[word] += 1
        if wrongs:
            print(f"{word}: {name}")
            for w in wrongs:
                print("   ", w)
    print(", ".join(f"{n} {word}" for word, n in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
