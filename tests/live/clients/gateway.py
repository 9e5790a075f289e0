# SPDX-License-Identifier: BSD-2-Clause
"""A client, and between it and the model a gateway of its own process: gateway.py URL CA CERTIFICATE KEY

The gateway takes Chat Completions over TLS on a port of its own, gives the model another name, and writes the body anew."""
import http.client
import json
import os
import socket
import ssl
import sys
import urllib.parse


def post(url, ca, body):
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPSConnection(where.hostname, where.port, context=ssl.create_default_context(cafile=ca))
    connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    answer = connection.getresponse().read()
    connection.close()
    return answer


def read_request(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    size = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < size:
        body += sock.recv(65536)
    return body


def serve(listener, url, ca, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    for _ in range(2):
        with context.wrap_socket(listener.accept()[0], server_side=True) as sock:
            request = json.loads(read_request(sock))
            answer = post(url, ca, json.dumps(dict(request, model="gpt-5-mini"), indent=1))
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))


def main():
    url, ca, certificate, key = sys.argv[1:]
    listener = socket.create_server(("127.0.0.1", 0))
    child = os.fork()
    if child == 0:
        serve(listener, url, ca, certificate, key)
        os._exit(0)
    gateway = f"https://localhost:{listener.getsockname()[1]}"
    listener.close()
    for question in ("What is the weather?", "And tomorrow?"):
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
        answer = post(gateway, ca, json.dumps({"model": "our-model", "messages": messages}))
        print(json.loads(answer)["choices"][0]["message"]["content"])
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if hasattr(os, "waitstatus_to_exitcode") else 0)


main()
