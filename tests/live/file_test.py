# SPDX-License-Identifier: BSD-2-Clause
"""Tapes replay to the same document; bad input gets a cause and a remedy; secrets are in no output but a tape."""
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402
from rig.model import Say, openai  # noqa: E402
from rig.server import Server  # noqa: E402

DESK = Path(__file__).resolve().parents[1] / "agents" / "desk"
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
SECRETS = ["sk-proj-Zx81kQmN4vT7bLr2WcYh5pEs9dGa3fUj", "sk-ant-api03-Hq7Rt2Yw9Kd4Lm1Xz8Vb5Nc3Jp6Sg0Fe", "hunter2swordfish77",
           "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8", "AKIAQ3EGRTZN5XKWPL7M"]


def bottrace(*words, stdin=None, **env):
    return subprocess.run([rig.BOTTRACE, *map(str, words)], capture_output=True, text=True, timeout=60, input=stdin,
                          env={**os.environ, **env})


def desk(directory, *options):
    """The desk's three agents under `run`; returns the finished process."""
    sys.path.insert(0, str(DESK))
    import model
    model.CHUNK_DELAY_S = 0
    server = Server(model.answer)
    try:
        env = {**os.environ, "DESK_MODEL_URL": server.url, "DESK_CA": server.ca, "DESK_OPENAI_KEY": SECRETS[0],
               "DESK_ANTHROPIC_KEY": SECRETS[1]}
        return subprocess.run([rig.BOTTRACE, "run", *options, "--", PYTHON, str(DESK / "desk.py")], capture_output=True, text=True,
                              env=env, timeout=60)
    finally:
        server.close()


def replay():
    rig.need_root()
    with rig.directory() as d:
        r = desk(d, "-o", f"json={d}/run.json", "-o", f"jsonl={d}/run.jsonl", "-o", f"text={d}/run.txt", "--tape", f"{d}/run.tape",
                 "--digest")
        rig.equal("status", r.returncode, 0)
        assert "warning" in r.stderr and "0600" in r.stderr, r.stderr
        rig.equal("tape's mode", os.stat(f"{d}/run.tape").st_mode & 0o777, 0o600)
        live = Path(d, "run.json").read_text()
        again = bottrace("tree", f"{d}/run.tape", "-o", "json")
        rig.equal("replayed status", again.returncode, 0)
        rig.equal("replayed document", again.stdout == live, True)
        document = json.loads(live)
        rig.check_ledger(document)
        check_desk(document)
        check_lines(Path(d, "run.jsonl").read_text(), document)
        rig.equal("tree of the tape", bottrace("tree", f"{d}/run.tape").stdout, bottrace("tree", f"{d}/run.json").stdout)
        rig.equal("lines", len(bottrace("tree", f"{d}/run.json", "-o", "jsonl").stdout.splitlines()), len(document["spans"]) + 1)
        cut_tapes(d, Path(d, "run.tape").read_bytes(), document)
        outputs = [live, Path(d, "run.jsonl").read_text(), Path(d, "run.txt").read_text(), r.stderr, bottrace("tree", f"{d}/run.json").stdout]
        outputs += [bottrace("show", f"{d}/run.json", n + 1).stdout for n in range(len(document["spans"]))]
        for secret in SECRETS[:2]:
            assert secret.encode() in Path(d, "run.tape").read_bytes(), "the tape is raw"
            for text in outputs:
                assert secret not in text, text[max(0, text.find(secret) - 200):][:400]


def check_desk(document):
    rig.equal("model calls", [s["attributes"]["gen_ai.response.id"] for s in rig.spans(document, "chat")],
              ["chatcmpl-desk1", "chatcmpl-desk2", "chatcmpl-desk3", "msg_desk4", "msg_desk5", "chatcmpl-desk6"])
    tools = {s["attributes"]["gen_ai.tool.call.id"]: s for s in rig.spans(document, "execute_tool")}
    rig.equal("tools", sorted(tools), ["call_filing01", "call_heads01", "call_quotes01", "toolu_count01"])
    rig.equal("outcomes", {s["attributes"]["bottrace.tool.outcome"] for s in tools.values()}, {"returned"})
    by_id = {s["id"]: s for s in document["spans"]}
    ran = {}
    for p in rig.spans(document, "process"):
        parent = by_id.get(p["parent"])
        if parent and parent["kind"] == "execute_tool":
            ran[parent["attributes"]["gen_ai.tool.call.id"]] = (p["attributes"]["process.command_args"][0], p["attributes"]["process.exit.code"])
    rig.equal("what the tools ran", ran, {"call_quotes01": ("awk", 0), "call_heads01": ("grep", 0), "call_filing01": ("cat", 1),
                                          "toolu_count01": ("grep", 0)})
    rig.equal("processes", len(document["processes"]), 8)


def check_lines(text, document):
    spans, last = {}, None
    for line in text.splitlines():
        last = json.loads(line)
        if "schema" not in last:
            spans[last["id"]] = last
    rig.equal("the newest line of each span", sorted(spans.values(), key=lambda s: s["n"]), document["spans"])
    rig.equal("last line", {k: v for k, v in document.items() if k != "spans"}, last)


def cut_tapes(d, tape, document):
    """Cut at any byte: shown as far as it goes."""
    for at in sorted({len(tape) * i // 17 for i in range(1, 17)} | {len(tape) - 1, len(tape) - 8, 17, 40}):
        Path(d, "cut.tape").write_bytes(tape[:at])
        r = bottrace("tree", f"{d}/cut.tape", "-o", "json")
        rig.equal(f"status of a tape cut at {at}", r.returncode, 0)
        for t in rig.traces(json.loads(r.stdout)):
            rig.equal("complete", t["complete"], False)
        rig.equal("strict", bottrace("tree", f"{d}/cut.tape", "--strict").returncode, 8)


def say(name, r, status, *words):
    rig.equal(f"{name}: status", r.returncode, status)
    rig.equal(f"{name}: stdout", r.stdout, "")
    lines = r.stderr.strip().split("\n")
    assert len(lines) == 2 and lines[0].startswith("bottrace: ") and lines[1].startswith("hint: "), f"{name}: {r.stderr!r}"
    for w in words:
        assert w in r.stderr, f"{name}: {w!r} is not in {r.stderr!r}"


def bad_files():
    with rig.directory() as d:
        Path(d, "empty").write_bytes(b"")
        Path(d, "foreign").write_bytes(b"\x7fELF" + bytes(1000))
        Path(d, "foreign.json").write_text('{"schema": "something.else", "spans": []}')
        Path(d, "cut.json").write_text('{"schema": "bottrace.v1.trace", "trace_id": "00", "spans": [')
        for name in ("empty", "foreign", "foreign.json", "cut.json"):
            say(name, bottrace("tree", f"{d}/{name}"), 6)
            say(name, bottrace("show", f"{d}/{name}", 1), 6)
        say("a directory", bottrace("tree", d), 6)
        say("no file", bottrace("tree", f"{d}/nothing"), 3, "nothing")
        say("an id", bottrace("tree", "@1"), 3, "@1")
        say("no such request", bottrace("decode", f"{d}/nothing", f"{d}/empty"), 3)
        say("lines that are none", bottrace("decode", f"{d}/foreign.json"), 6)


def large_recordings():
    """However large they are and wherever they come from (files are read as their bytes are due, pipes are not)."""
    body = json.dumps({"model": "gpt-5", "messages": [{"role": "user", "content": "\u00e4\n x" * 200_000}]})
    answer = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}]})
    request = f"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: {len(body)}\r\n\r\n{body}" * 3
    response = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n{answer}" * 3
    with rig.directory() as d:
        Path(d, "up").write_text(request)
        Path(d, "down").write_text(response)
        Path(d, "line.jsonl").write_text(json.dumps({"method": "POST", "url": "https://api.openai.com/v1/chat/completions",
                                                     "req": {"text": body}, "status": 200, "resp": {"text": answer}}) + "\n")
        r = bottrace("decode", f"{d}/up", f"{d}/down", "-o", "json")
        rig.equal("status", r.returncode, 0)
        chats = rig.spans(json.loads(r.stdout), "chat")
        rig.equal("calls", len(chats), 3)
        rig.equal("the message", chats[0]["attributes"]["gen_ai.input.messages"][0]["parts"][0]["content"], "\u00e4\n x" * 200_000)
        for name, up, down in (("a pipe beside a file", "<(cat {d}/up)", "{d}/down"), ("two pipes", "<(cat {d}/up)", "<(cat {d}/down)"),
                               ("standard input", "- {d}/down <{d}/up", "")):
            words = f"{rig.BOTTRACE} decode {up} {down} -o json".format(d=d)
            again = subprocess.run(["bash", "-c", words], capture_output=True, text=True, timeout=60)
            rig.equal(f"status, {name}", again.returncode, 0)
            assert again.stdout == r.stdout, f"{name}: another document"
        # One program that fills both in turn.
        os.mkfifo(f"{d}/first")
        os.mkfifo(f"{d}/second")
        writer = subprocess.Popen(["sh", "-c", f"cat {d}/up >{d}/first; cat {d}/down >{d}/second"])
        assert bottrace("decode", f"{d}/first", f"{d}/second", "-o", "json").stdout == r.stdout
        writer.wait()
        r = bottrace("decode", f"{d}/line.jsonl", "-o", "json")
        rig.equal("calls of lines", len(rig.spans(json.loads(r.stdout), "chat")), 1)
        say("a directory for an answer", bottrace("decode", f"{d}/up", d, "-o", "json"), 3, d)
        words = f"{rig.BOTTRACE} decode {d}/up {d}/down -o json"
        rig.equal("a reader that goes", subprocess.run(["bash", "-c", f"set -o pipefail; {words} | head -c 100 >/dev/null"]).returncode, 0)
        full = subprocess.run(["bash", "-c", f"{words} >/dev/full"], capture_output=True, text=True)
        rig.equal("a full disk", (full.returncode, full.stderr.count("No space left on device")), (7, 1))


def bad_words():
    say("unknown word", bottrace("atach", 1), 2, "attach")
    say("unknown option", bottrace("run", "--nonsense", "--", "true"), 2, "--nonsense")
    say("no command", bottrace("run"), 2)
    say("bad ring", bottrace("run", "--ring-size", "12", "--", "true"), 2, "ring-size")
    say("bad output", bottrace("run", "-o", "yaml", "--", "true"), 2, "yaml")
    say("bad duration", bottrace("attach", "--duration", "soon", 1), 2, "soon")
    say("not a PID", bottrace("attach", "x1"), 2, "x1")
    say("no PID", bottrace("attach"), 2)
    say("missing value", bottrace("tree", "--width"), 2)
    rig.equal("no word at all", bottrace().returncode, 2)
    rig.equal("help", bottrace("help").returncode, 0)
    for word in ("run", "attach", "tree", "show", "decode", "doctor", "help", "version", "privileges", "exit-codes"):
        r = bottrace("help", word)
        rig.equal(f"help {word}", (r.returncode, len(r.stdout) > 20), (0, True))
    assert len(bottrace("help").stdout.splitlines()) <= 24, "help does not fit a screen"


def bad_targets():
    rig.need_root()
    r = bottrace("attach", 4194300)
    say("no such process", r, 3, "4194300")
    r = bottrace("run", "-o", "json=/nonexistent/x.json", "--", "true")
    say("unwritable output", r, 2, "/nonexistent/x.json")
    kernel_thread = next((p for p in os.listdir("/proc") if p.isdigit() and not Path(f"/proc/{p}/cmdline").read_bytes() and
                          os.stat(f"/proc/{p}").st_uid == 0 and Path(f"/proc/{p}/status").read_text().find("VmRSS") < 0), None)
    if kernel_thread:
        say("a kernel thread", bottrace("attach", kernel_thread), 5, kernel_thread)


def hostile_content():
    """Terminal escapes in content never reach a terminal."""
    rig.need_root()
    evil = "\x1b[2J\x1b]0;owned\x07 \u202e reversed \x9b31m \r over"
    server = Server(lambda r: openai(json.loads(r.body), Say(evil, id="evil\x1b[31m", tokens=(5, 7))))
    code = ("import http.client,json,ssl\n"
            f"c=http.client.HTTPSConnection('localhost',{server.port},context=ssl.create_default_context(cafile={server.ca!r}))\n"
            f"c.request('POST','/v1/chat/completions',json.dumps({{'model':'gpt-5-mini','messages':[{{'role':'user','content':{evil!r}}}]}}))\n"
            "c.getresponse().read()\n")
    try:
        with rig.directory() as d:
            r = subprocess.run([rig.BOTTRACE, "run", "-o", f"json={d}/run.json", "-o", f"text={d}/run.txt", "--", PYTHON, "-c", code, evil.replace("\0", "")],
                               capture_output=True)
            rig.equal("status", r.returncode, 0)
            shown = r.stderr + Path(d, "run.txt").read_bytes()
            document = json.loads(Path(d, "run.json").read_text())
            for n in range(len(document["spans"])):
                shown += bottrace("show", f"{d}/run.json", n + 1).stdout.encode()
            shown += bottrace("tree", f"{d}/run.json").stdout.encode()
            text = shown.decode()
            for c in "\x1b\x07\x9b\u202e\r":
                assert c not in text, f"{c!r} reached the terminal"
            ascii_tree = bottrace("tree", f"{d}/run.json", LC_ALL="C").stdout
            assert ascii_tree.isascii(), ascii_tree
            chat = rig.spans(document, "chat")[0]
            rig.equal("the document has it whole", chat["attributes"]["gen_ai.output.messages"][0]["parts"][0]["content"], evil)
            narrow = bottrace("tree", f"{d}/run.json", "--width", "60").stdout
            assert max(len(l) for l in narrow.splitlines()) <= 60, narrow
            assert "\x1b" not in bottrace("tree", f"{d}/run.json", NO_COLOR="1").stdout
    finally:
        server.close()


def secrets():
    """In bodies, URLs, argv: nowhere."""
    rig.need_root()
    server = Server(lambda r: openai(json.loads(r.body), Say(f"your key is {SECRETS[3]}, keep {SECRETS[4]} safe", tokens=(5, 7))))
    code = ("import http.client,json,ssl,sys\n"
            f"c=http.client.HTTPSConnection('localhost',{server.port},context=ssl.create_default_context(cafile={server.ca!r}))\n"
            "c.request('POST','/v1/chat/completions?api_key='+sys.argv[2],json.dumps({'model':'gpt-5-mini','messages':[{'role':'user',"
            "'content':'use '+sys.argv[2]+' please'}]}),{'authorization':'Bearer '+sys.argv[2]})\n"
            "c.getresponse().read()\n")
    command = [PYTHON, "-c", code, "--token", SECRETS[0], "--password", SECRETS[2], f"--api-key={SECRETS[2]}", f"--secret={SECRETS[2]}"]
    try:
        with rig.directory() as d:
            r = subprocess.run([rig.BOTTRACE, "run", "-o", f"json={d}/run.json", "-o", f"text={d}/run.txt", "-o", f"jsonl={d}/run.jsonl", "--",
                                *command], capture_output=True, text=True)
            rig.equal("status", r.returncode, 0)
            texts = [r.stderr] + [Path(d, f"run.{e}").read_text() for e in ("json", "txt", "jsonl")]
            texts += [bottrace("show", f"{d}/run.json", n).stdout for n in (1, 2)] + [bottrace("tree", f"{d}/run.json").stdout]
            for text in texts:
                for secret in SECRETS:
                    assert secret not in text, text[max(0, text.find(secret) - 200):][:400]
            assert "[redacted:" in texts[1]
    finally:
        server.close()


def main():
    suite = rig.Suite()
    for test in (replay, bad_files, large_recordings, bad_words, bad_targets, hostile_content, secrets):
        suite.test(test)
    suite.close()


main()
