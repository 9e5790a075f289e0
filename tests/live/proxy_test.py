# SPDX-License-Identifier: BSD-2-Clause
"""Through proxies: one call is one span, whatever layers of TLS it went through; the outer layers' ciphertext is told by
its bytes and never read."""
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, openai  # noqa: E402
from rig.proxy import Proxy  # noqa: E402
from rig.server import Server  # noqa: E402

CLIENTS = Path(__file__).resolve().parent / "clients"
CLIENT = str(CLIENTS / "tunnelled.py")
PLAIN = ("requests", "httpx", "httpx-async", "openai", "openai-async", "aiohttp")
# layers driven by Python: urllib3 and httpcore over MemoryBIOs, aiohttp by asyncio
SECURE = ("requests", "urllib3", "httpx", "httpx-async", "openai", "openai-async", "aiohttp", "bios")
ALL = os.environ.get("TEST_PROVIDERS") == "all"
QUICK = ("requests", "openai-async", "urllib3", "httpx-async", "bios")  # in make test; the others in make test-providers
NAME = "api.openai.com"
TEXT = "It is 4 degrees."
SAY = Say(TEXT, tokens=(81, 17), cached=32, id="p")


class Both:
    """Servers as one, for what looks at all connections."""

    def __init__(self, *servers):
        self.servers = servers

    @property
    def connections(self):
        return [c for s in self.servers for c in s.connections]

    def wait_closed(self):
        for s in self.servers:
            s.wait_closed()


def check_whole(document, server):
    """What the program prints may be JSON, too: its pipe is not the question here."""
    rig.check_ledger(document)
    document["connections"] = [c for c in document["connections"] if c.get("transport") != "pipe"]
    rig.check_bytes(document, server)
    rig.equal("complete", document["complete"], True)


def check_chats(document, count=2):
    chats = rig.spans(document, "chat")
    rig.equal("calls", [s["name"] for s in chats], ["chat gpt-5-mini"] * count)
    for span in chats:
        a = span["attributes"]
        rig.equal("status", span["status"]["code"], "ok")
        rig.equal("server", a["server.address"], NAME)
        rig.equal("port", a["server.port"], 443)
        rig.equal("provider", a["gen_ai.provider.name"], "openai")
        rig.equal("usage", (a["gen_ai.usage.input_tokens"], a["gen_ai.usage.output_tokens"]), (81, 17))
        rig.equal("text", a["gen_ai.output.messages"][0]["parts"][0]["content"], TEXT)
        rig.equal("question", rig.spans(document, "chat")[0]["attributes"]["gen_ai.input.messages"][0]["parts"][0]["content"],
                  "Is it cold in Oslo?")


def check_tree(document, proxies, seen):
    """The two calls, and for each layer of TLS to a proxy the CONNECT that it carried."""
    check_chats(document)
    rig.equal("other spans", [(s["name"], s["status"]["code"]) for s in rig.spans(document, "http")],
              [(f"CONNECT {NAME}:443", "ok")] * seen)
    for span in rig.spans(document, "http"):
        assert span["attributes"]["server.address"] in ("localhost", "127.0.0.1"), span["attributes"]
        rig.equal("its status", span["attributes"]["http.response.status_code"], 200)
    rig.equal("kinds", {s["kind"] for s in rig.spans(document)}, {"process", "chat"} | ({"http"} if seen else set()))
    rig.equal("broken", [s["name"] for s in rig.spans(document) if "bottrace.broken" in s["attributes"]], [])
    rig.equal("complete", document["complete"], True)
    assert {a for p in proxies for a in p.asked} == {f"CONNECT {NAME}:443 HTTP/1.1"}, [p.asked for p in proxies]


def raw(command, env=None):
    """Without --digest, which would ask for every byte."""
    with rig.directory() as d:
        out, tape = Path(d, "run.json"), Path(d, "run.tape")
        r = subprocess.run([rig.BOTTRACE, "run", "-o", f"json={out}", "--tape", tape, "--", *command], env=env,
                           capture_output=True, text=True, timeout=120)
        rig.equal("status", (r.returncode, r.stderr if r.returncode else ""), (0, ""))
        again = subprocess.run([rig.BOTTRACE, "tree", tape, "-o", "json"], capture_output=True, text=True)
        rig.equal("the tape's document", again.stdout == out.read_text(), True)
        return json.loads(again.stdout)


class Place:
    """A server, and proxies that lead to it, one through the other."""

    def __init__(self, hops=1, secure=True, answer=None):
        self.server = Server(answer or (lambda request: openai(json.loads(request.body), SAY)))
        self.proxies = []
        for _ in range(hops):
            behind = (self.proxies[-1] if self.proxies else self.server).port
            self.proxies.append(Proxy(behind, self.server.context if secure else None))
        self.proxy = self.proxies[-1]
        self.all = Both(self.server, *self.proxies)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in (self.server, *self.proxies):
            s.close()


def traced(place, command, seen, env=None):
    want = (TEXT + "\n") * 2
    r, document = rig.run(command, env=env)
    rig.check_unchanged(command, r, want, env)
    check_whole(document, place.all)
    check_tree(document, place.proxies, seen)
    return document


def proxied(python, client, secure):
    with Place(secure=secure) as place:
        traced(place, [python, CLIENT, client, f"https://{NAME}", place.proxy.url, place.server.ca], seen=1)


def ciphertext_is_left(python, client):
    """Nobody asks for it: it is counted as such, and what is inside of it is whole."""
    with Place(answer=lambda request: openai(json.loads(request.body), Say(TEXT + " " * 300000, tokens=(81, 17), id="p"))) as place:
        document = raw([python, CLIENT, client, f"https://{NAME}", place.proxy.url, place.server.ca])
        place.all.wait_closed()
        rig.check_ledger(document)
        rig.equal("complete", document["complete"], True)
        outer = next(c for c in document["connections"] if c["server"] == "localhost")
        inner = next(c for c in document["connections"] if c["server"] == NAME)
        rig.equal("bytes written", outer["write"]["bytes"], len(place.proxy.connections[0].received))
        rig.equal("inner", (inner["read"]["bytes"], inner["read"]["skipped"]), (len(place.server.connections[0].sent), 0))
        assert outer["read"]["skipped"] > 200000, outer  # the first of it comes before the word
        rig.equal("missing", document["ledger"]["bytes"]["missing"], 0)
        assert document["ledger"]["calls"]["filtered"] > 10, document["ledger"]
        rig.equal("spans", [s["kind"] for s in rig.spans(document)], ["process", "http", "chat", "chat"])


def curl(secure):
    """Its outer layer's calls are made within the inner one's."""
    with Place(secure=secure) as place:
        ask = json.dumps({"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Is it cold in Oslo?"}]})
        url = f"https://{NAME}/v1/chat/completions"
        command = ["curl", "-sS", "--http1.1", "--proxy", place.proxy.url, "--proxy-cacert", place.server.ca, "--cacert",
                   place.server.ca, "-H", "Content-Type: application/json", "-d", ask, url]
        plain = subprocess.run([*command[:1], "--version"], capture_output=True, text=True)
        if "OpenSSL/3" not in plain.stdout or "HTTPS-proxy" not in plain.stdout:
            raise rig.Skip("no curl with OpenSSL 3 and HTTPS proxies")
        r, document = rig.run(command)
        rig.equal("curl", (r.returncode, json.loads(r.stdout)["choices"][0]["message"]["content"]), (0, TEXT))
        check_whole(document, place.all)
        check_chats(document, 1)
        rig.equal("other spans", [s["name"] for s in rig.spans(document, "http")], [f"CONNECT {NAME}:443"])


def program(directory):
    out = Path(directory, "nested")
    r = subprocess.run(["gcc", "-O1", "-o", out, CLIENTS / "nested.c", "-l:libssl.so.3", "-l:libcrypto.so.3"], capture_output=True,
                       text=True)
    if r.returncode:
        raise rig.Skip(f"no C compiler or libssl.so.3: {r.stderr.strip()[:100]}")
    return str(out)



def nested(mode, hops):
    """Calls within calls, as deep as there are layers."""
    with rig.directory() as d, Place(hops=hops) as place:
        command = [program(d), mode, str(place.proxy.port), str(hops)]
        r, document = rig.run(command)
        rig.equal("status", r.returncode, 0)
        rig.equal("answers", [json.loads(l)["choices"][0]["message"]["content"] for l in r.stdout.splitlines()], [TEXT] * 2)
        check_whole(document, place.all)
        rig.equal("abandoned", document["ledger"]["calls"]["abandoned"], 0)
        check_tree(document, place.proxies, hops)


def too_deep():
    """More layers than calls are remembered for: the outermost's are said to be lost, the others' are whole."""
    hops = 4
    with rig.directory() as d, Place(hops=hops) as place:
        r, document = rig.run([program(d), "calls", str(place.proxy.port), str(hops)])
        rig.equal("status", r.returncode, 0)
        rig.check_ledger(document)
        check_chats(document)
        rig.equal("other spans", [s["name"] for s in rig.spans(document, "http")], [f"CONNECT {NAME}:443"] * hops)
        assert document["ledger"]["calls"]["abandoned"] > 0, document["ledger"]
        rig.equal("complete", document["complete"], False)
        place.all.wait_closed()
        document["connections"] = [c for c in document["connections"] if c["tls"]]
        for s, layer in zip((place.server, *place.proxies[:-1]), reversed(document["connections"])):
            rig.equal("bytes of a layer", (layer["write"]["bytes"], layer["read"]["bytes"]),
                      (len(s.connections[0].received), len(s.connections[0].sent)))


def main():
    suite = rig.Suite()
    found = rig.interpreters()
    version, real = max(found[1:] or found, key=lambda v: tuple(map(int, v[0].split("."))))
    try:
        rig.need_root()
    except rig.Skip as e:
        print(f"skipped proxies: {e}")
        suite.skipped += 1
        suite.close()
    try:
        python = rig.venv(version, real, *rig.CLIENTS)
    except rig.Skip as e:
        print(f"skipped clients through proxies under {version}: {e}")
        suite.skipped += 1
    else:
        for client in (c for c in PLAIN if ALL or c in QUICK):
            suite.test(proxied, python, client, False, name=f"{version} {client} through a proxy")
        for client in (c for c in SECURE if ALL or c in QUICK):
            suite.test(proxied, python, client, True, name=f"{version} {client} through a proxy by TLS")
        suite.test(ciphertext_is_left, python, "requests")
    for secure in (False, True):
        suite.test(curl, secure, name=f"curl secure={secure}")
    for mode, hops in (("calls", 1), ("calls", 3), ("chain", 1), ("chain", 2)):
        suite.test(nested, mode, hops, name=f"nested {mode} {hops}")
    suite.test(too_deep)
    suite.close()


main()
