# SPDX-License-Identifier: BSD-2-Clause
"""The mcp package over TLS, both transports and both eras: a span for each call, one for what client and server both
show, one for what a model asked for and the client called."""
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, answer  # noqa: E402
from rig.server import Server, make_certificate  # noqa: E402

SHED = Path(__file__).resolve().parent / "clients" / "toolshed.py"
PACKAGES = ["mcp", "uvicorn"]
# (transport, era): answers that are one JSON document have no way for an older server's question.
CASES = [("events", "legacy"), ("events", "auto"), ("json", "auto"), ("sse", "legacy")]
LEGACY, MODERN = "2025-11-25", "2026-07-28"
TOOLS = {"find": ({"city": "Oslo"}, "4 degrees in Oslo", False), "fail": ({"reason": "on purpose"}, "Error executing tool fail", True),
         "book": ({"seat": 7}, "seat 7 on Monday", False)}


def check_tools(tools, era, asked):
    """asked: ids that a model gave the calls, by tool."""
    rig.equal("tools", [t["attributes"]["gen_ai.tool.name"].removeprefix("shed__") for t in tools], list(TOOLS))
    for span in tools:
        a = span["attributes"]
        name = a["gen_ai.tool.name"].removeprefix("shed__")
        arguments, result, failed = TOOLS[name]
        rig.equal(f"{name}: arguments", a["gen_ai.tool.call.arguments"], arguments)
        rig.equal(f"{name}: result", a["gen_ai.tool.call.result"], result)
        rig.equal(f"{name}: outcome", a["bottrace.tool.outcome"], "error" if failed else "returned")
        rig.equal(f"{name}: status", (span["status"]["code"], span["status"]["type"]),
                  ("error", "tool_error") if failed else ("ok", None))
        rig.equal(f"{name}: time", span["time"], "observed")
        rig.equal(f"{name}: id", a.get("gen_ai.tool.call.id"), asked.get(name))
        rig.equal(f"{name}: method", a["mcp.method.name"], "tools/call")
        assert span["duration_ns"] > 0, span["duration_ns"]
        if era == "auto":
            rig.equal(f"{name}: version", a["mcp.protocol.version"], MODERN)


def check_rest(document, kind, era):
    """Every other method, and what the server asked."""
    spans = rig.spans(document, "mcp")
    names = sorted(s["name"] for s in spans)
    want = ["elicitation/create", "tools/list"]
    want += ["server/discover"] if era == "auto" else ["initialize", "notifications/initialized"]
    rig.equal("other methods", names, sorted(want))
    rig.equal("status", [s["status"]["code"] for s in spans], ["ok"] * len(spans))
    by_name = {s["name"]: s["attributes"] for s in spans}
    rig.equal("question", by_name["elicitation/create"]["bottrace.mcp.message"], "Which day?")
    rig.equal("answer", by_name["elicitation/create"]["bottrace.mcp.action"], "accept")
    rig.equal("tools", sorted(t["name"] for t in by_name["tools/list"]["gen_ai.tool.definitions"]), sorted(TOOLS))
    if era == "legacy":
        rig.equal("version", by_name["initialize"]["mcp.protocol.version"], LEGACY)
    if era == "legacy" and kind != "sse":
        session = by_name["initialize"]["mcp.session.id"]
        rig.equal("sessions", {a["mcp.session.id"] for a in by_name.values()}, {session})


def check_output(text):
    rig.equal("what the program says", [line for line in text.splitlines() if line.split(" ")[0] in TOOLS],
              [f"{name} {failed} {result}" for name, (_, result, failed) in TOOLS.items()])


def both_sides(python, kind, era, _):
    with rig.directory() as d:
        cert, key = make_certificate(d)
        traced, document = rig.run([python, str(SHED), "both", kind, era, cert, key])
        rig.equal("status", traced.returncode, 0)
        check_output(traced.stdout)
        rig.check_ledger(document)
        rig.equal("complete", document["complete"], True)
        check_tools(rig.spans(document, "execute_tool"), era, {})
        check_rest(document, kind, era)
        root, server = [p["pid"] for p in document["processes"]]
        rig.equal("whose", {s["pid"] for s in rig.spans(document, "execute_tool")}, {root})
        served = {s["attributes"].get("bottrace.served_by") for s in rig.spans(document, "execute_tool")}
        rig.equal("served by", served - {None}, {s["id"] for s in rig.spans(document, "process") if s["pid"] == server})


class Untraced:
    """A server outside of the trace, of one kind, for all cases that want such a one."""

    def __init__(self, python, kind):
        self.directory = rig.directory()
        self.ca, key = make_certificate(self.directory.name)
        self.process = subprocess.Popen([python, str(SHED), "serve", kind, self.ca, key], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.url = f"https://localhost:{int(self.process.stdout.readline())}"

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        self.directory.cleanup()


class Servers(dict):
    """By kind, each started when it is first wanted: it takes seconds."""

    def __init__(self, python):
        self.python = python

    def __missing__(self, kind):
        self[kind] = Untraced(self.python, kind)
        return self[kind]


def client_alone(python, kind, era, servers):
    server = servers[kind]
    traced, document = rig.run([python, str(SHED), "call", kind, era, server.url, server.ca])
    rig.equal("status", traced.returncode, 0)
    check_output(traced.stdout)
    rig.check_ledger(document)
    check_tools(rig.spans(document, "execute_tool"), era, {})
    check_rest(document, kind, era)


ASKS = Say(None, [(f"call_{name}", "shed__" + name, arguments) for name, (arguments, _, _) in TOOLS.items()], id="ask")
TELLS = Say("It is cold, and seat 7 is yours.", id="tell")


def a_model_asks(python, kind, era, servers):
    def script(request):
        body = json.loads(request.body)
        return answer(request, body, TELLS if len(body["messages"]) > 1 else ASKS)

    model = Server(script)
    try:
        server = servers[kind]
        with rig.directory() as d:
            both = Path(d, "both.pem")
            both.write_text(Path(server.ca).read_text() + Path(model.ca).read_text())
            traced, document = rig.run([python, str(SHED), "call", kind, era, server.url, str(both), model.url])
            rig.equal("status", (traced.returncode, traced.stderr[-300:] if traced.returncode else ""), (0, ""))
            rig.check_ledger(document)
            tools = rig.spans(document, "execute_tool")
            check_tools(tools, era, {name: f"call_{name}" for name in TOOLS})
            chats = rig.spans(document, "chat")
            rig.equal("chats", len(chats), 2)
            for t in tools:
                rig.equal("asked", t["attributes"]["bottrace.requested_by"], chats[0]["id"])
                rig.equal("told", t["attributes"]["bottrace.answered_in"], chats[1]["id"])
            check_rest(document, kind, era)
    finally:
        model.close()


def main():
    suite = rig.Suite()
    version, real = max(rig.interpreters(), key=lambda v: tuple(map(int, v[0].split("."))))
    tests = [(function, kind, era) for function in (both_sides, client_alone, a_model_asks) for kind, era in CASES]
    try:
        rig.need_root()
        python = rig.venv(version, real, *PACKAGES)
    except rig.Skip as e:
        suite.skipped += len(tests)
        print(f"skipped {len(tests)} conversations: {e}")
        suite.close()
    servers = Servers(python)
    for function, kind, era in tests:
        suite.test(function, python, kind, era, servers, name=f"{function.__name__} {kind} {era}")
    for server in servers.values():
        server.close()
    suite.close()


main()
