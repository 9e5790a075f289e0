# SPDX-License-Identifier: BSD-2-Clause
"""What calls cost, live: a client behind a gateway, both traced, and prices of the user's that a tape carries."""
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, answer  # noqa: E402
from rig.server import Server  # noqa: E402

CLIENT = Path(__file__).resolve().parent / "clients" / "gateway.py"
SAY = Say("Rain.", tokens=(1000, 100), cached=400, id="w")
ENV = {**os.environ, "XDG_CONFIG_HOME": "/nonexistent"}
PRICES = "provider\tmodels\tinput\toutput\tcache_read\n*\tgpt-5-mini*\t10\t20\t1\n"


def command(server):
    return [sys.executable, str(CLIENT), server.url, server.ca, server.ca, str(Path(server.ca).with_name("key.pem"))]


def gateway():
    server = Server(lambda request: answer(request, json.loads(request.body), SAY))
    try:
        rig.need_root()
        traced, document = rig.run(command(server), env=ENV)
        rig.equal("stdout", traced.stdout, "Rain.\nRain.\n")
        rig.equal("status", traced.returncode, 0)
        rig.check_ledger(document)
        chats = rig.spans(document, "chat")
        rig.equal("chats", len(chats), 6)
        firsts = [c for c in chats if "bottrace.hop_of" not in c["attributes"]]
        rig.equal("first sights", [c["attributes"]["gen_ai.request.model"] for c in firsts], ["our-model"] * 2)
        for first in firsts:
            hops = [c for c in chats if c["attributes"].get("bottrace.hop_of") == first["id"]]
            rig.equal("hops", sorted((c["attributes"]["gen_ai.request.model"], c["link"]["how"], c["link"]["certain"]) for c in hops),
                      [("gpt-5-mini", "content", False), ("our-model", "socket", True)])
            rig.equal("parents", {c["parent"] for c in hops}, {first["parent"]})
        # 600 x 0.25 + 400 x 0.025 + 100 x 2 a million, twice; six spans, two calls
        rig.equal("costs", {c["attributes"].get("bottrace.cost_usd") for c in firsts}, {"0.00036"})
        for rule, kept in (("cost>0.0003", 6), ("cost>0.00036", 0)):
            _, document = rig.run(command(server), "--keep", rule, env=ENV)
            rig.equal(rule, len(rig.spans(document, "chat")), kept)
        assert "llm 2  tools 0  tokens 2,000->200  $0.00072  errors 0" in traced.stderr, traced.stderr
    finally:
        server.close()


def tape():
    server = Server(lambda request: answer(request, json.loads(request.body), SAY))
    try:
        rig.need_root()
        with rig.directory() as where:
            prices, kept, out = (Path(where, name) for name in ("prices.tsv", "run.tape", "run.json"))
            prices.write_text(PRICES + "".join(f"filler\tmodel-{i}\t1\t1\t-\n" for i in range(4000)))  # several records
            run = [rig.BOTTRACE, "run", "-q", "-o", f"json={out}", "--tape", str(kept), "--prices", str(prices), "--", *command(server)]
            rig.equal("run", subprocess.run(run, env=ENV, stdout=subprocess.DEVNULL, timeout=120, check=False).returncode, 0)
            prices.unlink()

            def tree(*options):
                return subprocess.run([rig.BOTTRACE, "tree", str(kept), "-o", "json", *options], env=ENV, capture_output=True, timeout=60,
                                      check=False)
            rig.equal("replay, byte for byte", tree().stdout == out.read_bytes(), True)
            costs = {c["attributes"]["bottrace.cost_usd"] for c in rig.spans(json.loads(out.read_text()), "chat")}
            rig.equal("costs", costs, {"0.0084"})
            prices.write_text(PRICES.replace("\t10\t", "\t0\t"))
            again = json.loads(tree("--prices", str(prices)).stdout)
            rig.equal("other prices", {c["attributes"]["bottrace.cost_usd"] for c in rig.spans(again, "chat")}, {"0.0024"})
            prices.write_text(PRICES + "x\ty\tone\t1\t-\n")
            refused = tree("--prices", str(prices))
            rig.equal("refused", (refused.returncode, refused.stdout), (2, b""))
            assert b"prices.tsv:3: input is no number" in refused.stderr, refused.stderr
            before = len(server.connections)
            refused = subprocess.run(run, env=ENV, capture_output=True, timeout=60, check=False)
            rig.equal("nothing was started", (refused.returncode, len(server.connections)), (2, before))
    finally:
        server.close()


def main():
    suite = rig.Suite()
    suite.test(gateway)
    suite.test(tape)
    suite.close()


main()
