# SPDX-License-Identifier: BSD-2-Clause
"""A tracer is played: the flag byte is another one, and what would go to inet_pton is gathered. And: the same tests under every
CPython from 3.8 on."""

import importlib
import json
import re
import subprocess
import sys
import threading
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent.parent / "tools" / "python"))


class Tape:
    """A module that believes itself listened to; `on` can be switched."""

    def __init__(self):
        self.pieces = {}
        self.messages = []
        sys.modules.pop("bottrace", None)
        self.page = bytearray(b"P" * 65)
        self.module = self.load()

    def load(self):
        import mmap

        real, page = mmap.mmap, self.page
        mmap.mmap = lambda *args, **kwargs: page
        try:
            module = importlib.import_module("bottrace")
        finally:
            mmap.mmap = real
        assert module._page is page
        module._call = self.take
        return module

    def take(self, family, text):
        if family >> 16 == 0x4254:
            assert family & 0xFFFF == len(text) <= 16384 and text.isascii() and "\0" not in text
            number, at, total = (int(text[i:i + 8], 16) for i in (0, 8, 16))
            so_far = self.pieces.get(number, "")
            assert at == len(so_far)
            so_far += text[24:]
            if len(so_far) < total:
                self.pieces[number] = so_far
            else:
                self.pieces.pop(number, None)
                assert len(so_far) == total < 192 << 10
                self.messages.append((threading.get_ident(), json.loads(so_far)))
        raise OSError(97, "Address family not supported by protocol")

    def on(self, yes=True):
        self.page[64] = 204 if yes else 80

    def tree(self):
        """Steps as nested lists of [name, children], by what each said was around it."""
        steps, top = {}, []
        for _, m in self.messages:
            if m["k"] == "b":
                steps[m["i"]] = [m["n"], []]
                (steps[m["p"]][1] if m["p"] in steps else top).append(steps[m["i"]])
        return top

    def of(self, kind):
        return [m for _, m in self.messages if m["k"] == kind]


class Case(unittest.TestCase):
    def setUp(self):
        self.tape = Tape()
        self.b = self.tape.module

    def both(self, run):
        """What `run` gives untraced and traced, which must be equal."""
        self.tape.on(False)
        quiet = run()
        self.tape.on()
        loud = run()
        self.assertEqual(quiet, loud)
        return quiet


class Hostile:
    """Whoever looks at it too closely is told so."""

    def __getattribute__(self, name):
        raise AssertionError("looked at " + name)

    def bad(self, *args):
        raise AssertionError("called")

    __repr__ = __str__ = __eq__ = __hash__ = __len__ = __iter__ = __bool__ = __getattr__ = __format__ = bad
    __class__ = property(bad)
    __dict__ = property(bad)


def interpreters():
    found = {}
    places = [Path("/usr/bin/python3"), *sorted(Path.home().glob(".pyenv/versions/*/bin/python3")), Path(sys.executable)]
    for python in places:
        if python.exists():
            r = subprocess.run([str(python), "-c", "import sys; print(sys.implementation.name, sys.hexversion, sys.executable)"],
                               stdout=subprocess.PIPE, universal_newlines=True)
            words = r.stdout.split()
            if r.returncode == 0 and words[0] == "cpython" and int(words[1]) >= 0x03080000:
                found.setdefault(str(Path(words[2]).resolve()), python)
    return list(found.values())


def main(path):
    passed = failed = 0
    for python in interpreters():
        r = subprocess.run([str(python), "-W", "error::RuntimeWarning", path, "--here"], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, universal_newlines=True)
        ran = re.search(r"^Ran (\d+) tests", r.stdout, re.M)
        bad = len(re.findall(r"^(?:FAIL|ERROR): ", r.stdout, re.M))
        if r.returncode or not ran:
            bad = max(bad, 1)
            print("FAILED under %s:\n%s" % (python, r.stdout))
        passed += int(ran.group(1)) - bad if ran else 0
        failed += bad
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return 1 if failed else 0


def run(path):
    """Of a test file: its tests here with --here, else under every CPython."""
    if "--here" in sys.argv:
        sys.argv.remove("--here")
        unittest.main(verbosity=0)
    sys.exit(main(path))
