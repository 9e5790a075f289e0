#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every document that the program makes is one by docs/trace.schema.json: decoded talks and recordings, short and
--full, one live run and the replay of its tape.

    schema_test.py [PART-OF-A-NAME]

BOTTRACE: the binary (build/bottrace). BOTTRACE_DATA: recordings (../shared/data beside the project).
The last line is `N passed, N failed, N skipped`.
"""
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "live"), str(ROOT / "tests" / "talk")]
from rig import run as rig  # noqa: E402
import talk_test  # noqa: E402

DATA = pathlib.Path(os.environ.get("BOTTRACE_DATA") or ROOT.parent / "shared" / "data")
SCHEMA = ROOT / "docs" / "trace.schema.json"
RUN_TWICE = "BOTTRACE_SCHEMA_TEST"  # this file again, by the interpreter that has jsonschema


def with_jsonschema():
    """Goes on under an interpreter that has the package, made once in the cache."""
    try:
        import jsonschema  # noqa: F401
        return
    except ImportError:
        if RUN_TWICE in os.environ:
            raise rig.Skip("jsonschema was installed but cannot be imported")
    version, real = rig.interpreters()[0]
    python = rig.venv(version, real, "jsonschema")
    os.execve(python, [python, *sys.argv], dict(os.environ, **{RUN_TWICE: "1"}))


def validator():
    import jsonschema
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def deepest(error):
    """Of the branches of a oneOf, the complaint that went furthest into the document."""
    while error.context:
        error = max(error.context, key=lambda e: len(e.absolute_path))
    return error


def check(valid, document):
    wrongs = [deepest(e) for e in valid.iter_errors(document)]
    assert not wrongs, "; ".join(f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in wrongs[:3])


def decode(arguments, *options):
    r = subprocess.run([rig.BOTTRACE, "decode", "-o", "json", *options, *arguments], stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=60)
    assert r.returncode == 0, f"exit {r.returncode}: {r.stderr.decode(errors='replace')[:300]}"
    return json.loads(r.stdout)


def talk(valid, path):
    with rig.directory() as d:
        try:
            arguments = talk_test.Talk(path).files(pathlib.Path(d), None)
        except talk_test.Skip as e:
            raise rig.Skip(str(e))
        check(valid, decode(arguments))
        check(valid, decode(arguments, "--full"))


def exchange(valid, request):
    check(valid, decode([request, request.with_suffix(".resp")]))


def conversation(valid, path):
    check(valid, decode([path]))
    check(valid, decode([path], "--full"))


def live_run(valid):
    """Processes, times and a ledger that only a kernel fills; its tape gives the same document."""
    rig.need_root()
    with rig.directory() as d:
        tape = pathlib.Path(d, "tape")
        script = "/bin/true; sh -c 'exit 3'; kill -TERM $$"
        _, document = rig.run(["sh", "-c", script], "--tape", str(tape))
        assert document is not None and document["root_rule"] == "run", document
        check(valid, document)
        replayed = subprocess.run([rig.BOTTRACE, "tree", "-o", "json", str(tape)], capture_output=True, timeout=60)
        assert replayed.returncode == 0, replayed.stderr
        rig.equal("replay", json.loads(replayed.stdout), document)
        with open(tape, "rb") as f:
            cat = subprocess.Popen(["cat"], stdin=f, stdout=subprocess.PIPE)
            piped = subprocess.run([rig.BOTTRACE, "tree", "-o", "json", "-"], stdin=cat.stdout, capture_output=True,
                                   timeout=60)
            cat.stdout.close()
            cat.wait()
        rig.equal("replay from a pipe", piped.stdout, replayed.stdout)


def refuses(valid):
    """The schema says no to what is no document: else this test could not fail."""
    with rig.directory() as d:
        paths = pathlib.Path(d, "request"), pathlib.Path(d, "response")
        paths[0].write_bytes(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        paths[1].write_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        document = decode(paths)
    check(valid, document)
    for spoil in ("schema", "spans", "ledger"):
        spoilt = {k: v for k, v in document.items() if k != spoil}
        assert list(valid.iter_errors(spoilt)), f"valid without {spoil}"
    for span, wrong in (({"n": "1"}, "a text as number"), ({"kind": 7}, "a number as kind"), ({"status": None}, "no status")):
        spoilt = json.loads(json.dumps(document))
        spoilt["spans"][0].update(span)
        assert list(valid.iter_errors(spoilt)), f"valid with {wrong}"


def main():
    suite = rig.Suite()
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        with_jsonschema()
    except rig.Skip as e:
        print(f"skipped schema: {e}")
        suite.skipped += 1
        suite.close()
    valid = validator()
    cases = [("schema refuses", refuses, [])]
    cases += [(f"talk {p.parent.name}/{p.stem}", talk, [p]) for p in sorted((ROOT / "tests/talk").glob("*/*.talk"))]
    cases += [(f"exchange {p.stem}", exchange, [p]) for p in sorted((DATA / "wire").glob("*.req"))]
    cases += [(f"conversation {p.stem}", conversation, [p]) for p in sorted((DATA / "conversations").glob("*.jsonl"))]
    cases += [("live run", live_run, [])]
    if not DATA.is_dir():
        suite.skipped += 1
        print(f"skipped schema of recordings: no {DATA}")
    for name, function, arguments in cases:
        if part in name:
            suite.test(function, valid, *arguments, name=name)
    suite.close()


if __name__ == "__main__":
    main()
