# SPDX-License-Identifier: BSD-2-Clause
"""A question with a tool, over a WebSocket: spoken.py CLIENT MODE URL CA [PAUSE]

CLIENT: realtime, responses (both openai's), raw (the same as responses, by `websockets` itself), live (google's).
MODE: sync, async, either with -packed. PAUSE: after the first answer says "ready" and waits for a line on stdin. Prints what it was told."""
import asyncio
import base64
import json
import os
import ssl
import sys

CLIENT, MODE, URL, CA = sys.argv[1:5]
PAUSE = len(sys.argv) > 5
os.environ["SSL_CERT_FILE"] = CA
SOUND = bytes(range(256)) * 30
TASK = "What is the weather in Oslo?"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "name": "get_weather", "description": "Weather of a city", "parameters": PARAMETERS}
RESULT = "4 degrees in Oslo"


def show(*what):
    print(json.dumps(what), flush=True)


def pause():
    if PAUSE:
        print("ready", flush=True)
        sys.stdin.readline()


# ---- openai: what is sent, and what ends an answer; the same for both modes ----

def realtime_steps():
    """What to send before each answer."""
    sound = base64.b64encode(SOUND).decode()
    yield [{"type": "session.update", "session": {"type": "realtime", "instructions": "Be short.", "tools": [TOOL]}},
           *[{"type": "input_audio_buffer.append", "audio": sound}] * 3, {"type": "input_audio_buffer.commit"},
           {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [
               {"type": "input_text", "text": TASK}]}}, {"type": "response.create"}]
    yield [{"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": "call_w1",
                                                         "output": RESULT}}, {"type": "response.create"}]


def responses_steps():
    common = {"type": "response.create", "model": "gpt-5-mini", "tools": [TOOL], "store": False, "instructions": "Be short."}
    asked = {"role": "user", "content": TASK}
    yield [{**common, "input": [asked]}]
    yield [{**common, "previous_response_id": "resp_1", "input": [
        {"type": "function_call_output", "call_id": "call_w1", "output": RESULT}]}]


def outcome(response):
    for item in response["output"]:
        if item["type"] == "function_call":
            show(item["name"], json.loads(item["arguments"]))
        else:
            part = item["content"][0]
            show(part.get("text") or part.get("transcript"))


ENDS = ("response.done", "response.completed")


def talk_sync(send, events, steps):
    for step in steps:
        for message in step:
            send(message)
        for event in events:
            if event["type"] in ENDS:
                outcome(event["response"])
                break
        pause()


async def talk_async(send, receive, steps):
    for step in steps:
        for message in step:
            await send(message)
        while True:
            event = await receive()
            if event["type"] in ENDS:
                outcome(event["response"])
                break
        pause()


def openai(resource, steps):
    from openai import AsyncOpenAI, OpenAI
    keys = {"base_url": URL + "/v1", "api_key": "sk-x"}
    options = {"model": "gpt-realtime"} if resource == "realtime" else {}
    if "packed" in MODE:  # not by itself, since 3.5x
        options["websocket_connection_options"] = {"compression": "deflate"}
    if "sync" == MODE.split("-")[0]:
        with getattr(OpenAI(**keys), resource).connect(**options) as connection:
            return talk_sync(connection.send, (json.loads(connection.recv_bytes()) for _ in iter(int, 1)), steps)

    async def ask():
        async with getattr(AsyncOpenAI(**keys), resource).connect(**options) as connection:
            async def receive():
                return json.loads(await connection.recv_bytes())
            await talk_async(connection.send, receive, steps)
    return asyncio.run(ask())


def raw():
    address, context = URL.replace("https:", "wss:") + "/v1/responses", ssl.create_default_context(cafile=CA)

    def pieces(message):
        """In fragments: the library sends what an iterable gives as one message."""
        text = json.dumps(message)
        return [text[i:i + 50] for i in range(0, len(text), 50)]

    if "sync" == MODE.split("-")[0]:
        from websockets.sync.client import connect
        with connect(address, ssl=context) as socket:
            return talk_sync(lambda m: socket.send(pieces(m)), (json.loads(socket.recv()) for _ in iter(int, 1)),
                             responses_steps())

    async def ask():
        from websockets.asyncio.client import connect
        async with connect(address, ssl=context) as socket:
            async def receive():
                return json.loads(await socket.recv())
            await talk_async(lambda m: socket.send(pieces(m)), receive, responses_steps())
    return asyncio.run(ask())


# ---- google ----

async def live():
    from google import genai
    from google.genai import types
    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=URL))
    config = types.LiveConnectConfig(
        response_modalities=["AUDIO"], system_instruction="Be short.", output_audio_transcription={},
        tools=[types.Tool(function_declarations=[types.FunctionDeclaration(
            name="get_weather", description="Weather of a city",
            parameters=types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]))])])
    async with client.aio.live.connect(model="gemini-2.5-flash-live", config=config) as session:
        for _ in range(3):
            await session.send_realtime_input(audio=types.Blob(data=SOUND, mime_type="audio/pcm;rate=16000"))
        await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text=TASK)]), turn_complete=True)
        async for message in session.receive():
            if message.tool_call:
                call = message.tool_call.function_calls[0]
                show(call.name, call.args)
                break
        pause()
        await session.send_tool_response(function_responses=[types.FunctionResponse(
            id=call.id, name=call.name, response={"output": RESULT})])
        text = ""
        async for message in session.receive():
            said = message.server_content and message.server_content.output_transcription
            text += said.text if said else ""
        show(text)


if CLIENT == "live":
    asyncio.run(live())
elif CLIENT == "raw":
    raw()
else:
    openai(CLIENT, realtime_steps() if CLIENT == "realtime" else responses_steps())
