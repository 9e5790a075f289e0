# SPDX-License-Identifier: BSD-2-Clause
"""Clients whose wheels bring a TLS library of their own: wheels.py CLIENT HOST:PORT CA

They move known bytes and print how much came back. A further word "hold": they load their library, print "waiting", and wait
for a line before they move anything and for another one, or the end of stdin, before they end."""
import sys

client, peer, ca = sys.argv[1:4]
host, port = peer.rsplit(":", 1)
BODY = b"wheel %s " % client.encode() * 9000  # 100 kB and more: several records


def psycopg():
    """libpq, with a libssl of its own in psycopg_binary.libs."""
    import psycopg
    with psycopg.connect(host=host, port=port, user="u", dbname="d", sslmode="require", gssencmode="disable") as conn:
        got = 0
        for _ in range(3):
            result = conn.pgconn.exec_(b"select '" + BODY + b"'")
            got += len(result.get_value(0, 0))
        return got


def psycopg2():
    import psycopg2
    conn = psycopg2.connect(host=host, port=port, user="u", dbname="d", sslmode="require", gssencmode="disable")
    conn.autocommit = True
    got = 0
    for _ in range(3):
        cursor = conn.cursor()
        cursor.execute(b"select '" + BODY + b"'")
        got += len(cursor.fetchone()[0])
    conn.close()
    return got


def pyopenssl():
    """OpenSSL, static in cryptography's extension."""
    import socket
    from OpenSSL import SSL
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.load_verify_locations(ca)
    conn = SSL.Connection(context, socket.create_connection((host, int(port))))
    conn.set_tlsext_host_name(b"localhost")
    conn.set_connect_state()
    conn.do_handshake()
    got = 0
    for _ in range(3):
        message = b"POST /pyopenssl HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
        conn.sendall(message)
        answer = b""
        while not answer.endswith(BODY):
            answer += conn.recv(70000)
        got += len(BODY)
    conn.shutdown()
    conn.close()
    return got


def curl_cffi():
    """BoringSSL, static in curl_cffi's extension."""
    from curl_cffi import requests
    with requests.Session(verify=ca, http_version="v1") as s:
        return sum(len(s.post(f"https://{peer}/curl_cffi", data=BODY).content) for _ in range(3))


def pycurl():
    """libcurl, with a libssl of its own in pycurl.libs."""
    import io
    import pycurl
    c = pycurl.Curl()
    got = 0
    for _ in range(3):
        out = io.BytesIO()
        c.setopt(c.URL, f"https://{peer}/pycurl")
        c.setopt(c.CAINFO, ca)
        c.setopt(c.POSTFIELDS, BODY)
        c.setopt(c.HTTPHEADER, ["Expect:"])
        c.setopt(c.HTTP_VERSION, c.CURL_HTTP_VERSION_1_1)
        c.setopt(c.WRITEDATA, out)
        c.perform()
        got += len(out.getvalue())
    c.close()
    return got


def grpcio():
    """BoringSSL, static in cygrpc and without a symbol."""
    import grpc
    with open(ca, "rb") as f:
        credentials = grpc.ssl_channel_credentials(f.read())
    channels.append(grpc.secure_channel(peer, credentials))  # open to the end
    call = channels[-1].unary_unary("/wheels.Echo/Echo")
    return sum(len(call(BODY, timeout=20)) for _ in range(3))


channels = []
MODULES = {"grpcio": "grpc", "pyopenssl": "OpenSSL.SSL"}
if "hold" in sys.argv[4:]:
    __import__(MODULES.get(client, client))
    print("waiting", flush=True)
    sys.stdin.readline()
print(globals()[client](), flush=True)
if "hold" in sys.argv[4:]:
    sys.stdin.readline()
