#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What recorded conversations of MCP, A2A, WebSockets and an agent's program say, read by the plainest means.

    lines_oracle.py DATA > lines.table.json

DATA holds wire/ (mcp.*, a2a.*), handmade/, realtime/ and conversations/. Shares nothing with the decoders. A row for each
file: its name, and what is to be seen of it in order. Long texts are kept as their length and SHA-256.
"""
import hashlib
import json
import pathlib
import re
import sys

LONG = 72
ENDS = {"completed", "failed", "canceled", "rejected", "input-required"}


def short(value):
    """Texts as they are, long ones and long JSON as a fingerprint."""
    text = value if isinstance(value, str) or value is None else json.dumps(value, sort_keys=True)
    if text is None or len(text) <= LONG:
        return value
    raw = text.encode()
    return {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}


def split_http(raw):
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    return first, {f.partition(":")[0].strip().lower(): f.partition(":")[2].strip() for f in fields}, body


def messages_of(headers, text):
    if not headers.get("content-type", "").startswith("text/event-stream"):
        return [json.loads(text)] if text.strip() else []
    blocks = text.replace("\r\n", "\n").split("\n\n")
    data = ["\n".join(line[5:].strip() for line in b.split("\n") if line.startswith("data:")) for b in blocks]
    return [json.loads(d) for d in data if d]


# ---- MCP ----

def text_of(content):
    """A tool's result as a text when it is nothing else."""
    if isinstance(content, list) and content and all(c["type"] == "text" for c in content):
        return "".join(c["text"] for c in content)
    return content


def mcp_row(asked, answer, session=None, protocol=None):
    method, params = asked["method"], asked.get("params") or {}
    meta = params.get("_meta") or {}
    row = {"kind": "execute_tool" if method == "tools/call" else "mcp", "method": method}
    if "id" in asked:
        row["id"] = str(asked["id"])
    version = meta.get("io.modelcontextprotocol/protocolVersion") or protocol
    if method == "initialize":
        version = ((answer or {}).get("result") or {}).get("protocolVersion")
    if version:
        row["protocol"] = version
    if session:
        row["session"] = session
    if "traceparent" in meta:
        row["traceparent"] = meta["traceparent"]
    if method == "tools/call":
        row.update(tool=params["name"], arguments=short(params.get("arguments", {})))
    if answer and "error" in answer:
        row.update(status="error", type=str(answer["error"]["code"]), message=answer["error"]["message"])
    elif answer or "id" not in asked:
        failed = bool(answer and answer["result"].get("isError"))
        row["status"] = "error" if failed else "ok"
        if method == "tools/call":
            row["result"] = short(text_of(answer["result"].get("content")))
        if method == "tools/list":
            row["tools"] = [t["name"] for t in answer["result"]["tools"]]
    else:
        row["status"] = "open"
    return row


# ---- A2A ----

def a2a_text(parts):
    return "".join(p["text"] for p in parts if "text" in p)


def a2a_rows(method, params, answers, note):
    row = {"kind": "http", "method": method, **note}
    state = context = task = None
    said, made = "", ""
    for answer in answers:
        if "error" in answer:
            return {**row, "status": "error", "type": str(answer["error"]["code"])}
        result = answer.get("result", answer)
        kind = result.get("kind")
        for key, value in (("task", result.get("task") or (result if kind == "task" else None)),
                           ("status", result.get("statusUpdate") or (result if kind == "status-update" else None)),
                           ("artifact", result.get("artifactUpdate") or (result if kind == "artifact-update" else None)),
                           ("message", result.get("message") if kind is None else result if kind == "message" else None)):
            if not value:
                continue
            context = value.get("contextId") or context
            task = value.get("taskId") or (value.get("id") if key == "task" else None) or task
            if value.get("status"):
                state = value["status"]["state"].replace("TASK_STATE_", "").replace("_", "-").lower()
                if value["status"].get("message"):
                    said = a2a_text(value["status"]["message"]["parts"])
            for artifact in value.get("artifacts", []) + ([value["artifact"]] if key == "artifact" else []):
                made += a2a_text(artifact["parts"])
            if key == "message":
                said = a2a_text(value["parts"])
    row.update(state=state, task=task, status="error" if state in ("failed", "rejected") else "ok")
    if method in ("message/send", "message/stream", "SendMessage", "SendStreamingMessage"):
        row.update(kind="invoke_agent", conversation=context, input=short(a2a_text(params["message"]["parts"])),
                   output=short(made + said), message=params["message"]["messageId"])
    return row


A2A = re.compile(r"message/|tasks/(get|cancel|resubscribe)|[A-Z]")


def rpc_row(asked, answers, headers, answered):
    """One exchange whose request is JSON-RPC."""
    if A2A.match(asked["method"]):
        return a2a_rows(asked["method"], asked.get("params", {}), answers, {"id": str(asked["id"])})
    answer = next((a for a in answers if "method" not in a), None)
    return mcp_row(asked, answer, headers.get("mcp-session-id") or answered.get("mcp-session-id"),
                   headers.get("mcp-protocol-version"))


def wire_rows(where):
    for request in sorted(where.glob("*.req")):
        if not request.name.startswith(("mcp.", "a2a.")):
            continue
        first, headers, body = split_http(request.read_bytes())
        _, answered, answer = split_http(request.with_suffix(".resp").read_bytes())
        answers = messages_of(answered, answer.decode())
        if first.startswith("GET "):
            row = {"kind": "http", "agent": answers[0]["name"], "status": "ok"}
        else:
            row = rpc_row(json.loads(body), answers, headers, answered)
        yield {"name": "wire/" + request.stem, "host": headers["host"], "spans": [row]}


def conversation_rows(path):
    """Calls by JSON-RPC in a recorded run; a tool's call has the id that the model gave it."""
    rows = []
    for line in map(json.loads, path.read_text().splitlines()):
        if line["url"].endswith("agent-card.json"):
            rows.append({"kind": "http", "agent": json.loads(line["resp"]["text"])["name"], "status": "ok"})
            continue
        if line["method"] != "POST":
            continue
        body = json.loads(line["req"]["text"])
        if "jsonrpc" not in body:
            for choice in json.loads(line["resp"]["text"]).get("choices", []):
                for call in choice["message"].get("tool_calls") or []:  # its place in the order is where it was asked
                    rows.append({"kind": "execute_tool", "call": call["id"], "tool": call["function"]["name"],
                                 "arguments": short(json.loads(call["function"]["arguments"]))})
            continue
        answered = {k.lower(): v for k, v in line["resp_headers"].items()}
        headers = {k.lower(): v for k, v in line["req_headers"].items()}
        row = rpc_row(body, messages_of(answered, line["resp"]["text"]), headers, answered)
        same = [r for r in rows if "call" in r and "method" not in r and row.get("tool") == r["tool"] and
                row["arguments"] == r["arguments"]]
        if same:
            same[0].update(row)
            continue
        rows.append(row)
    return {"name": "conversations/" + path.stem, "host": None, "spans": rows}


def talk_rows(path):
    """{"dir", "http", "msg"}: each c2s with the s2c up to the next."""
    groups = []
    for line in map(json.loads, path.read_text().splitlines()):
        if line["dir"] == "c2s":
            words = line.get("http", "")
            fields = dict(re.findall(r"([A-Za-z0-9-]+): (\S+(?: \S+)*?)(?:  |$)", words))
            groups.append((line["msg"], {k.lower(): v for k, v in fields.items()}, []))
        else:
            groups[-1][2].append(line["msg"])
    rows, waiting = [], {}
    for asked, headers, answers in groups:
        if "jsonrpc" not in asked:  # REST
            rows.append(a2a_rows("SendMessage", asked, answers, {}))
            continue
        row = rpc_row(asked, answers, headers, {})
        params, result = asked.get("params", {}), answers[0].get("result", {})
        state = params.get("requestState")
        if state in waiting:  # the same call again: what it said the first time counts on
            before, inputs = waiting.pop(state)
            for name, response in params["inputResponses"].items():
                inputs[name]["status"] = "ok" if response else "open"
            row = {**before, **row, "protocol": before["protocol"]}
            rows[rows.index(before)] = row
        elif result.get("resultType") == "input_required":
            row.pop("result", None)
            rows.append(row)
            inputs = {name: {"kind": "mcp", "method": ask["method"], "id": name, "status": "open"}
                      for name, ask in result["inputRequests"].items()}
            for ask in inputs.values():
                ask["protocol"] = row["protocol"]
            rows += inputs.values()
            waiting[result["requestState"]] = (row, inputs)
        else:
            rows.append(row)
    return {"name": "handmade/" + path.name, "host": None, "spans": rows}


def stdio_rows(path):
    rows, answers = [], {}
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if "method" not in line:
            answers[line["id"]] = line
    for line in lines:
        if "method" in line and "id" in line:
            rows.append(mcp_row(line, answers.get(line["id"])))
    return {"name": "handmade/" + path.name, "host": None, "spans": rows}


# ---- models over WebSockets ----

def usage_of(usage, details="input_token_details"):
    usage = usage or {}
    return {"input": usage.get("input_tokens"), "output": usage.get("output_tokens"),
            "cached": (usage.get(details) or {}).get("cached_tokens")}


def response_row(response, details):
    text, calls = "", []
    for item in response["output"]:
        if item["type"] == "function_call":
            calls.append({"id": item["call_id"], "name": item["name"], "arguments": json.loads(item["arguments"])})
        for part in item.get("content") or []:
            text += part.get("transcript") or part.get("text") or ""
    finish = "tool_call" if calls else "stop"
    return {"kind": "chat", "id": response["id"], "finish": finish, "text": short(text), "calls": calls, "status": "ok",
            "usage": usage_of(response.get("usage"), details)}


def openai_rows(events):
    """Both of OpenAI's: a response that is done says all of it."""
    for event in events:
        if event["type"] == "response.done":
            response = event["response"]  # xAI has the usage beside it
            yield response_row({**response, "usage": response.get("usage") or event.get("usage")}, "input_token_details")
        elif event["type"] == "response.completed":
            yield response_row(event["response"], "input_tokens_details")
        elif event["type"] == "error":
            yield {"kind": "chat", "status": "error", "type": event["error"]["type"], "text": "", "calls": []}


def gemini_rows(events):
    """{"serverContent"} up to turnComplete, or a {"toolCall"}, is one answer."""
    row = None
    for event in events:
        content, tool = event.get("serverContent"), event.get("toolCall")
        if content is None and tool is None:
            continue
        row = row or {"kind": "generate_content", "text": "", "calls": [], "finish": "STOP", "status": "ok"}
        content = content or {}
        row["text"] += (content.get("outputTranscription") or {}).get("text", "")
        for part in (content.get("modelTurn") or {}).get("parts", []):
            row["text"] += part.get("text", "")
        for call in (tool or {}).get("functionCalls", []):
            row["calls"].append({"id": call["id"], "name": call["name"], "arguments": call["args"]})
        if tool or content.get("turnComplete"):
            row["text"] = short(row["text"])
            yield row
            row = None


def socket_rows(path, received):
    events = [e for e in received if isinstance(e, dict)]
    google = any("setupComplete" in e for e in events)
    return {"name": f"{path.parent.name}/{path.name}", "host": None,
            "spans": list(gemini_rows(events) if google else openai_rows(events))}


# ---- an agent's program ----

def agent_rows(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    results = {b["tool_use_id"]: b for line in lines if line["type"] == "user" and isinstance(line["message"]["content"], list)
               for b in line["message"]["content"] if b["type"] == "tool_result"}
    end = lines[-1]
    rows = [{"kind": "invoke_agent", "conversation": end["session_id"], "turns": end["num_turns"],
             "cost": str(end["total_cost_usd"]), "output": end["result"], "status": "ok"}]
    subs = {}
    for line in lines:
        if line["type"] != "assistant":
            continue
        message, parent = line["message"], line["parent_tool_use_id"]
        if parent in subs:
            rows.append({"kind": "invoke_agent", "agent": subs.pop(parent), "status": "ok", "below": parent})
        usage = message["usage"]
        cached = usage.get("cache_read_input_tokens")
        rows.append({"kind": "chat", "id": message["id"], "model": message["model"], "status": "ok",
                     "text": "".join(b["text"] for b in message["content"] if b["type"] == "text"),
                     "usage": {"input": usage["input_tokens"] + (cached or 0) + usage.get("cache_creation_input_tokens", 0),
                               "output": usage["output_tokens"], "cached": cached}})
        for block in message["content"]:
            if block["type"] == "tool_use":
                rows.append({"kind": "execute_tool", "call": block["id"], "tool": block["name"],
                             "arguments": short(block["input"]), "result": results[block["id"]]["content"], "status": "ok"})
                subs[block["id"]] = block["input"].get("subagent_type")
    return {"name": "handmade/" + path.name, "host": None, "spans": rows}


def main():
    data = pathlib.Path(sys.argv[1])
    made = data / "handmade"
    rows = list(wire_rows(data / "wire"))
    rows += [conversation_rows(data / "conversations" / f"{name}.jsonl") for name in ("pydanticai-mcp-openai", "crewai-agent-a2a")]
    rows += [talk_rows(made / "mcp-2026-07-28.jsonl"), talk_rows(made / "a2a-1.0.jsonl"),
             stdio_rows(made / "mcp-2025-11-25-stdio.ndjson"), agent_rows(made / "claude-agent-sdk.stdio.ndjson")]
    path = made / "openai.responses-websocket.jsonl"
    rows.append(socket_rows(path, [m["msg"] for m in map(json.loads, path.read_text().splitlines())
                                   if m["dir"] == "s2c"]))
    for path in sorted((data / "realtime").glob("*.jsonl")):
        rows.append(socket_rows(path, [m["data"] for m in map(json.loads, path.read_text().splitlines())
                                       if m.get("direction") == "received"]))
    print("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]")


if __name__ == "__main__":
    main()
