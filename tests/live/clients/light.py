# SPDX-License-Identifier: BSD-2-Clause
"""Chat calls as SDKs make them, one after the other on a connection: light.py URL CA CALL...

CALL is PATH?N: a request of N thousand bytes to /PATH/v1/chat/completions. Head and body go in a write each, the answer
is read as it comes. A call that fails is no failure of the program."""
import http.client
import json
import ssl
import sys
from urllib.parse import urlsplit

CANARY = "CANARY-7f3a91"


def body(kilobytes, stream):
    text = f'{CANARY} "," \\ {{"model":"evil","stream":false}} ' * (kilobytes * 1000 // 55 + 1)
    return json.dumps({"messages": [{"role": "system", "content": f"Be brief. {CANARY}"}, {"role": "user", "content": text}],
                       "model": "gpt-5-mini", "stream": stream, "stream_options": {"include_usage": True} if stream else None,
                       "temperature": 0.5}).encode()


def main():
    url, ca, calls = urlsplit(sys.argv[1]), sys.argv[2], sys.argv[3:]
    connection = http.client.HTTPSConnection(url.hostname, url.port, context=ssl.create_default_context(cafile=ca))
    if "-" in calls:
        print("ready", flush=True)
        sys.stdin.readline()
    for call in calls:
        if call == "-":
            continue
        path, _, kilobytes = call.partition("?")
        connection.request("POST", f"/{path}/v1/chat/completions", body(int(kilobytes), "stream" in path),
                           {"Content-Type": "application/json", "Authorization": "Bearer none"})
        answer = connection.getresponse()
        while answer.read1(65536):
            pass
        answer.close()


main()
