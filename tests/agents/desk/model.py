# SPDX-License-Identifier: BSD-2-Clause
"""The desk's model server: loopback TLS, answers by script, streamed like the real ones.

    model.py DIRECTORY    writes DIRECTORY/url and DIRECTORY/ca.pem when it listens; ends when its standard input does"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "live"))
from rig.model import Say, anthropic, openai  # noqa: E402
from rig.server import Answer, Server  # noqa: E402

CHUNK_DELAY_S = 0.04


def script(request):
    """What the model says, by who asks and how far the conversation is."""
    system = request.get("system") or request["messages"][0]["content"]
    turn = sum(m["role"] == "assistant" for m in request["messages"])
    if "researcher" in system and turn == 0:
        return Say(calls=[("call_quotes01", "get_quotes", {"ticker": "ACME"}),
                          ("call_heads01", "get_headlines", {"company": "Acme"})], tokens=(212, 41), id="desk1")
    if "researcher" in system and turn == 1:
        return Say(calls=[("call_filing01", "get_filing", {"name": "acme-10q.txt"})], tokens=(318, 22), cached=192, id="desk2")
    if "researcher" in system:
        return Say("ACME closed at 36.02, down from 41.10. Headlines: \"Oh wonderful, another record quarter for Acme: a record "
                   "number of recalls\"; a new head of logistics; a regulator's file on battery fires. The filing could not be "
                   "read.", tokens=(371, 58), cached=256, id="desk3")
    if "critic" in system and turn == 0:
        return Say("Let me count the good news.", [("toolu_count01", "count_words", {"pattern": "wonderful|record"})],
                   tokens=(268, 47), id="desk4")
    if "critic" in system:
        return Say("The mood is good: one headline calls it wonderful and speaks of another record quarter.", tokens=(341, 26),
                   id="desk5")
    return Say("BUY: the news is wonderful and the quarter a record, so the fall in price is a bargain.", tokens=(287, 24),
               id="desk6")


def answer(request):
    if request.method != "POST":
        return Answer(404, {"content-type": "application/json"}, b"{}")
    body = json.loads(request.body)
    say = script(body)
    say.delay_s = CHUNK_DELAY_S
    return (anthropic if request.target.startswith("/v1/messages") else openai)(body, say)


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    server = Server(answer)
    (directory / "ca.pem").write_bytes(Path(server.ca).read_bytes())
    (directory / "url.new").write_text(server.url)
    (directory / "url.new").rename(directory / "url")
    sys.stdin.read()
    server.close()
