# SPDX-License-Identifier: BSD-2-Clause
"""One question with the provider's own client: provider.py CLIENT MODE URL CA

CLIENT: openai, openai-socket, openai-plain, google, bedrock, mistral, cohere, litellm, ollama, ollama-generate, http2, websockets. MODE: words out of sync/async
and plain/stream, joined by '-'. Prints the answer's text and what it asks to call."""
import asyncio
import json
import os
import ssl
import sys

CLIENT, MODE, URL, CA = sys.argv[1:5]
for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"):
    os.environ[name] = CA
ASYNC, STREAM = "async" in MODE, "stream" in MODE
TASK = "What is the weather in Oslo?"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "Weather of a city", "parameters": PARAMETERS}
CHAT_TOOLS = [{"type": "function", "function": FUNCTION}]
MESSAGES = [{"role": "user", "content": TASK}]


def show(text, calls):
    print(json.dumps([text, calls]))


async def drain(stream):
    return [item async for item in stream]


# ---- openai ----

def responses_show(response):
    calls = [[i.name, json.loads(i.arguments)] for i in response.output if i.type == "function_call"]
    show(response.output_text, calls)


RESPONSES = {"model": "gpt-5-mini", "input": TASK, "tools": [{"type": "function", **FUNCTION}], "store": False}


def openai():
    from openai import AsyncOpenAI, OpenAI
    if not ASYNC:
        client = OpenAI(base_url=URL + "/v1", api_key="sk-x", max_retries=0)
        if not STREAM:
            return responses_show(client.responses.create(**RESPONSES))
        events = list(client.responses.create(**RESPONSES, stream=True))
        return responses_show(events[-1].response)

    async def ask():
        async with AsyncOpenAI(base_url=URL + "/v1", api_key="sk-x", max_retries=0) as client:
            if not STREAM:
                return await client.responses.create(**RESPONSES)
            return (await drain(await client.responses.create(**RESPONSES, stream=True)))[-1].response
    responses_show(asyncio.run(ask()))


def openai_socket():
    from openai import AsyncOpenAI, OpenAI
    if not ASYNC:
        with OpenAI(base_url=URL + "/v1", api_key="sk-x").responses.connect() as connection:
            connection.response.create(**RESPONSES)
            for event in connection:
                if event.type == "response.completed":
                    return responses_show(event.response)

    async def ask():
        async with AsyncOpenAI(base_url=URL + "/v1", api_key="sk-x").responses.connect() as connection:
            await connection.response.create(**RESPONSES)
            async for event in connection:
                if event.type == "response.completed":
                    return event.response
    responses_show(asyncio.run(ask()))


def websockets():
    create = json.dumps({"type": "response.create", **RESPONSES})
    context = ssl.create_default_context(cafile=CA)
    address = URL.replace("https:", "wss:") + "/v1/responses"

    def last(text):
        event = json.loads(text)
        if event["type"] != "response.completed":
            return False
        output = event["response"]["output"]
        show("".join(p["text"] for i in output if i["type"] == "message" for p in i["content"]),
             [[i["name"], json.loads(i["arguments"])] for i in output if i["type"] == "function_call"])
        return True

    if not ASYNC:
        from websockets.sync.client import connect
        with connect(address, ssl=context) as socket:
            socket.send(create)
            while not last(socket.recv()):
                pass
        return

    async def ask():
        from websockets.asyncio.client import connect
        async with connect(address, ssl=context) as socket:
            await socket.send(create)
            while not last(await socket.recv()):
                pass
    asyncio.run(ask())


# ---- others ----

def google():
    from google import genai
    from google.genai import types
    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=URL))
    config = types.GenerateContentConfig(
        temperature=0.5, tools=[types.Tool(function_declarations=[types.FunctionDeclaration(
            name="get_weather", description="Weather of a city", parameters_json_schema=PARAMETERS)])])
    request = {"model": "gemini-2.5-flash", "contents": TASK, "config": config}

    async def ask():
        if STREAM:
            return await drain(await client.aio.models.generate_content_stream(**request))
        return [await client.aio.models.generate_content(**request)]

    if ASYNC:
        chunks = asyncio.run(ask())
    elif STREAM:
        chunks = list(client.models.generate_content_stream(**request))
    else:
        chunks = [client.models.generate_content(**request)]
    parts = [p for c in chunks for p in c.candidates[0].content.parts]
    show("".join(p.text or "" for p in parts), [[p.function_call.name, p.function_call.args] for p in parts
                                                if p.function_call])


def bedrock():
    import boto3
    client = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=URL, verify=CA, aws_access_key_id="x",
                          aws_secret_access_key="y")
    request = {"modelId": "us.amazon.nova-v1:0", "messages": [{"role": "user", "content": [{"text": TASK}]}],
               "inferenceConfig": {"maxTokens": 99},
               "toolConfig": {"tools": [{"toolSpec": {"name": "get_weather", "description": "Weather of a city",
                                                      "inputSchema": {"json": PARAMETERS}}}]}}
    if not STREAM:
        content = client.converse(**request)["output"]["message"]["content"]
        uses = [part["toolUse"] for part in content if "toolUse" in part]
        return show("".join(p.get("text", "") for p in content), [[u["name"], u["input"]] for u in uses])
    text, name, arguments = "", None, ""
    for event in client.converse_stream(**request)["stream"]:
        delta = event.get("contentBlockDelta", {}).get("delta", {})
        text += delta.get("text", "")
        arguments += delta.get("toolUse", {}).get("input", "")
        name = name or event.get("contentBlockStart", {}).get("start", {}).get("toolUse", {}).get("name")
    show(text, [[name, json.loads(arguments)]])


def chat_show(messages):
    """Of whole messages or of deltas, as dicts."""
    text = "".join(m.get("content") or "" for m in messages)
    calls = [c["function"] for m in messages for c in m.get("tool_calls") or []]
    name = next(c["name"] for c in calls if c.get("name"))
    show(text, [[name, json.loads("".join(c.get("arguments") or "" for c in calls))]])


def mistral():
    try:
        from mistralai import Mistral
    except ImportError:
        from mistralai.client import Mistral
    request = {"model": "mistral-small-latest", "messages": MESSAGES, "tools": CHAT_TOOLS}

    async def ask(client):
        if not STREAM:
            return [(await client.chat.complete_async(**request)).choices[0].message]
        return [e.data.choices[0].delta for e in await drain(await client.chat.stream_async(**request))]

    with Mistral(api_key="k", server_url=URL) as client:
        if ASYNC:
            messages = asyncio.run(ask(client))
        elif STREAM:
            messages = [e.data.choices[0].delta for e in client.chat.stream(**request)]
        else:
            messages = [client.chat.complete(**request).choices[0].message]
    chat_show([m.model_dump() for m in messages])


def cohere():
    import cohere as sdk
    request = {"model": "command-a-03-2025", "messages": MESSAGES, "tools": CHAT_TOOLS}

    async def ask():
        client = sdk.AsyncClientV2(api_key="k", base_url=URL)
        if STREAM:
            return await drain(client.chat_stream(**request))
        return await client.chat(**request)

    if ASYNC:
        told = asyncio.run(ask())
    else:
        client = sdk.ClientV2(api_key="k", base_url=URL)
        told = list(client.chat_stream(**request)) if STREAM else client.chat(**request)
    if not STREAM:
        return show("".join(c.text for c in told.message.content or []),
                    [[c.function.name, json.loads(c.function.arguments)] for c in told.message.tool_calls])
    text, name, arguments = "", None, ""
    for event in told:
        if event.type == "content-delta":
            text += event.delta.message.content.text
        elif event.type == "tool-call-start":
            name = event.delta.message.tool_calls.function.name
        elif event.type == "tool-call-delta":
            arguments += event.delta.message.tool_calls.function.arguments
    show(text, [[name, json.loads(arguments)]])


def litellm():
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm as sdk
    sdk.telemetry = False
    request = {"model": "openai/gpt-5-mini", "messages": MESSAGES, "tools": CHAT_TOOLS, "api_base": URL + "/v1",
               "api_key": "sk-x", "stream": STREAM, "num_retries": 0}

    async def ask():
        told = await sdk.acompletion(**request)
        return await drain(told) if STREAM else told

    told = asyncio.run(ask()) if ASYNC else sdk.completion(**request)
    chat_show([c.choices[0].delta.model_dump() for c in told] if STREAM else [told.choices[0].message.model_dump()])


def openai_plain():
    """As for a model server on one's own machine: vLLM, llama.cpp."""
    from openai import AsyncOpenAI, OpenAI
    request = {"model": "gpt-5-mini", "messages": MESSAGES, "tools": CHAT_TOOLS, "stream": STREAM}

    async def ask():
        async with AsyncOpenAI(base_url=URL + "/v1", api_key="sk-x", max_retries=0) as client:
            told = await client.chat.completions.create(**request)
            return await drain(told) if STREAM else told

    told = asyncio.run(ask()) if ASYNC else OpenAI(base_url=URL + "/v1", api_key="sk-x", max_retries=0).chat.completions.create(**request)
    chat_show([c.choices[0].delta.model_dump() for c in told if c.choices] if STREAM else [told.choices[0].message.model_dump()])


def ollama_ask(name, **request):
    import ollama as sdk

    async def ask():
        told = await getattr(sdk.AsyncClient(host=URL), name)(model="llama3.2", stream=STREAM, **request)
        return await drain(told) if STREAM else [told]

    if ASYNC:
        return asyncio.run(ask())
    told = getattr(sdk.Client(host=URL), name)(model="llama3.2", stream=STREAM, **request)
    return list(told) if STREAM else [told]


def ollama():
    told = [part.message for part in ollama_ask("chat", messages=MESSAGES, tools=CHAT_TOOLS)]
    show("".join(m.content or "" for m in told),
         [[c.function.name, dict(c.function.arguments)] for m in told for c in m.tool_calls or []])


def ollama_generate():
    show("".join(part.response for part in ollama_ask("generate", prompt=TASK)), [])


def http2():
    import httpx
    context = ssl.create_default_context(cafile=CA)
    request = {"model": "gpt-5-mini", "messages": MESSAGES, "tools": CHAT_TOOLS, "stream": STREAM}
    headers = {"authorization": "Bearer sk-x"}

    async def ask():
        async with httpx.AsyncClient(http2=True, verify=context) as client:
            return [await client.post(URL + "/v1/chat/completions", json=request, headers=headers) for _ in range(2)]

    if ASYNC:
        told = asyncio.run(ask())
    else:
        with httpx.Client(http2=True, verify=context) as client:
            told = [client.post(URL + "/v1/chat/completions", json=request, headers=headers) for _ in range(2)]
    for answer in told:
        assert answer.http_version == "HTTP/2", answer.http_version
        if STREAM:
            chunks = [json.loads(l[6:]) for l in answer.text.split("\n") if l.startswith("data: {")]
            chat_show([c["choices"][0]["delta"] for c in chunks if c["choices"]])
        else:
            chat_show([answer.json()["choices"][0]["message"]])


{"openai": openai, "openai-socket": openai_socket, "google": google, "bedrock": bedrock, "mistral": mistral,
 "cohere": cohere, "litellm": litellm, "openai-plain": openai_plain, "ollama": ollama, "ollama-generate": ollama_generate, "http2": http2, "websockets": websockets}[CLIENT]()
