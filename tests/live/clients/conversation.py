# SPDX-License-Identifier: BSD-2-Clause
"""One tool-using conversation with a real client: conversation.py CLIENT MODE URL CA

CLIENT: openai, anthropic, requests, aiohttp, urllib. MODE: words out of sync/async and plain/stream, joined by '-'.
Asks for the weather, runs the tool that the model asks for, tells the result, prints the final answer."""
import asyncio
import json
import os
import ssl
import sys

CLIENT, MODE, URL, CA = sys.argv[1:5]
os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = CA
ASYNC, STREAM = "async" in MODE, "stream" in MODE
TASK = os.environ.get("CONVERSATION_TASK", "What is the weather in Oslo?")
SYSTEM = "You are a weather service."
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def tool(name, arguments):
    return f"{name}: 4 degrees in {arguments['city']}"


# ---- the official SDKs ----

def openai_messages(text, calls, messages):
    messages.append({"role": "assistant", "content": text, "tool_calls": calls})
    for c in calls:
        messages.append({"role": "tool", "tool_call_id": c["id"],
                         "content": tool(c["function"]["name"], json.loads(c["function"]["arguments"]))})


def openai_request(messages):
    request = {"model": "gpt-5-mini", "messages": messages, "temperature": 0.5, "max_completion_tokens": 300,
               "tools": [{"type": "function", "function": {"name": "get_weather", "description": "Weather of a city",
                                                           "parameters": PARAMETERS}}]}
    if STREAM:
        request.update(stream=True, stream_options={"include_usage": True})
    return request


def merge_chunk(chunk, calls):
    """Adds one streamed chunk (as a dict) to calls; returns its text."""
    text = ""
    for choice in chunk["choices"]:
        text += choice["delta"].get("content") or ""
        for part in choice["delta"].get("tool_calls") or []:
            call = calls.setdefault(part["index"], {"id": part.get("id"), "type": "function",
                                                    "function": {"name": part["function"].get("name"), "arguments": ""}})
            call["function"]["arguments"] += part["function"].get("arguments") or ""
    return text


def openai_message(message):
    return message.get("content"), [{"id": c["id"], "type": "function", "function": dict(c["function"])}
                                    for c in message.get("tool_calls") or []]


def openai_start():
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": TASK}]


def run_openai():
    import openai
    client = openai.OpenAI(base_url=URL + "/v1", api_key="sk-test-0123456789abcdefghijklmn")
    messages = openai_start()
    while True:
        if STREAM:
            text, calls = "", {}
            for chunk in client.chat.completions.create(**openai_request(messages)):
                text += merge_chunk(chunk.model_dump(), calls)
            calls = list(calls.values())
        else:
            answer = client.chat.completions.create(**openai_request(messages))
            text, calls = openai_message(answer.model_dump()["choices"][0]["message"])
        if not calls:
            return text
        openai_messages(text, calls, messages)


async def run_openai_async():
    import openai
    client = openai.AsyncOpenAI(base_url=URL + "/v1", api_key="sk-test-0123456789abcdefghijklmn")
    messages = openai_start()
    while True:
        if STREAM:
            text, calls = "", {}
            async for chunk in await client.chat.completions.create(**openai_request(messages)):
                text += merge_chunk(chunk.model_dump(), calls)
            calls = list(calls.values())
        else:
            answer = await client.chat.completions.create(**openai_request(messages))
            text, calls = openai_message(answer.model_dump()["choices"][0]["message"])
        if not calls:
            await client.close()
            return text
        openai_messages(text, calls, messages)


def anthropic_request(messages):
    return {"model": "claude-sonnet-4-5", "max_tokens": 300, "system": SYSTEM, "messages": messages,
            "tools": [{"name": "get_weather", "description": "Weather of a city", "input_schema": PARAMETERS}]}


def anthropic_continue(content, messages):
    """Adds the answer and its tools' results; the text when there is no tool call."""
    calls = [b for b in content if b["type"] == "tool_use"]
    if not calls:
        return "".join(b["text"] for b in content)
    keep = {"text": ("type", "text"), "tool_use": ("type", "id", "name", "input")}
    messages.append({"role": "assistant", "content": [{k: b[k] for k in keep[b["type"]]} for b in content]})
    messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": c["id"],
                                                  "content": tool(c["name"], c["input"])} for c in calls]})
    return None


def run_anthropic():
    import anthropic
    client = anthropic.Anthropic(base_url=URL, api_key="sk-ant-test-0123456789abcdefghijklmn")
    messages, text = [{"role": "user", "content": TASK}], None
    while text is None:
        if STREAM:
            with client.messages.stream(**anthropic_request(messages)) as stream:
                answer = stream.get_final_message()
        else:
            answer = client.messages.create(**anthropic_request(messages))
        text = anthropic_continue(answer.model_dump()["content"], messages)
    return text


async def run_anthropic_async():
    import anthropic
    client = anthropic.AsyncAnthropic(base_url=URL, api_key="sk-ant-test-0123456789abcdefghijklmn")
    messages, text = [{"role": "user", "content": TASK}], None
    while text is None:
        if STREAM:
            async with client.messages.stream(**anthropic_request(messages)) as stream:
                answer = await stream.get_final_message()
        else:
            answer = await client.messages.create(**anthropic_request(messages))
        text = anthropic_continue(answer.model_dump()["content"], messages)
    await client.close()
    return text


# ---- plain HTTP clients that speak Chat Completions ----

def parse(raw):
    """Text and calls of an answer's body, plain or streamed."""
    if not STREAM:
        return openai_message(json.loads(raw)["choices"][0]["message"])
    text, calls = "", {}
    for line in raw.decode().split("\n"):
        if line.startswith("data: ") and line != "data: [DONE]":
            text += merge_chunk(json.loads(line[6:]), calls)
    return text, list(calls.values())


HEADERS = {"authorization": "Bearer sk-test-0123456789abcdefghijklmn", "content-type": "application/json"}


def run_requests():
    import requests
    messages = openai_start()
    with requests.Session() as session:
        while True:
            r = session.post(URL + "/v1/chat/completions", json=openai_request(messages), headers=HEADERS, stream=STREAM)
            text, calls = parse(b"".join(r.iter_content(100)) if STREAM else r.content)
            if not calls:
                return text
            openai_messages(text, calls, messages)


async def run_aiohttp():
    import aiohttp
    messages = openai_start()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=CA))) as session:
        while True:
            async with session.post(URL + "/v1/chat/completions", json=openai_request(messages), headers=HEADERS) as r:
                text, calls = parse(await r.read())
            if not calls:
                return text
            openai_messages(text, calls, messages)


def run_urllib():
    import urllib.request
    messages = openai_start()
    while True:
        request = urllib.request.Request(URL + "/v1/chat/completions", json.dumps(openai_request(messages)).encode(), HEADERS)
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=CA)) as r:
            text, calls = parse(r.read())
        if not calls:
            return text
        openai_messages(text, calls, messages)


name = f"run_{CLIENT}" + ("_async" if ASYNC and CLIENT in ("openai", "anthropic") else "")
result = globals()[name]()
print(asyncio.run(result) if asyncio.iscoroutine(result) else result)
