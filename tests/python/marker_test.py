#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The marker module without a tracer: wrappers are what they wrap; spans, events, states, sessions, threads, forks."""

import asyncio
import copy
import dataclasses
import functools
import importlib
import inspect
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path

from tape import HERE, Case, Hostile, run


def module_level(a, b=2, *rest, key="k", **more):
    """Says what it got."""
    return (a, b, rest, key, more)


class Functions(Case):
    def test_signature_and_names(self):
        w = self.b.trace(module_level)
        self.assertEqual(inspect.signature(w), inspect.signature(module_level))
        self.assertEqual(inspect.signature(w, follow_wrapped=False).parameters.keys(),
                         inspect.signature(module_level).parameters.keys())
        for name in ("__name__", "__qualname__", "__doc__", "__module__", "__defaults__", "__kwdefaults__"):
            self.assertEqual(getattr(w, name), getattr(module_level, name))
        self.assertIs(w.__wrapped__, module_level)
        self.assertIs(w.__globals__, module_level.__globals__)

    def test_calls(self):
        w = self.b.trace(module_level)
        self.both(lambda: [w(1), w(1, 3), w(1, 2, 3, 4), w(a=1), w(1, key=0, other=5)])
        for wrong in (lambda: w(), lambda: w(1, a=2)):
            self.assertRaises(TypeError, wrong)

    def test_kinds_of_parameters(self):
        def f(a, b=1, /, c=2, *, d, e=5):
            return (a, b, c, d, e)

        w = self.b.trace(f)
        self.both(lambda: [w(1, d=4), w(1, 2, 3, d=4, e=6), w(1, c=9, d=0)])
        self.assertRaises(TypeError, lambda: w(1, b=2, d=3))

    def test_parameters_named_like_ours(self):
        def f(_b_f, _b_m, _b_off, args, kwargs, make, w, print, _b___x=1, *_b_rest, **_b_more):
            return (_b_f, _b_m, _b_off, args, kwargs, make, w, print, _b___x, _b_rest, _b_more)

        w = self.b.trace(f)
        self.both(lambda: w(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, z=11))

    def test_names_that_are_no_source(self):
        def f(a, b):
            return (a, b)

        code = f.__code__.replace(co_varnames=("a, b=__import__('os').abort()", "\u00b5"))
        odd = type(f)(code, {})
        w = self.b.trace(odd)
        self.both(lambda: w(1, 2))
        code = f.__code__.replace(co_varnames=("__debug__", "if"))
        w = self.b.trace(type(f)(code, {}))
        self.both(lambda: w(1, 2))

    def test_defaults_are_the_same_objects(self):
        seen = []

        def f(a=seen):
            return a

        self.assertIs(self.b.trace(f)(), seen)

    def test_globals_do_not_matter(self):
        scope = {"__builtins__": {}}
        exec("def f(a): return a", scope)
        w = self.b.trace(scope["f"])
        self.both(lambda: w(3))

    def test_exceptions(self):
        def inner():
            raise KeyError("x")

        def f():
            inner()

        w = self.b.trace(f)

        def frames():
            try:
                w()
            except KeyError as e:
                self.assertIsNone(e.__cause__)
                self.assertIsNone(e.__context__)
                return [(s.name, s.filename == "<bottrace>") for s in traceback.extract_tb(e.__traceback__)][1:]

        self.assertEqual(self.both(frames), [("f", True), ("f", False), ("inner", False)])
        end = self.tape.of("e")[0]
        self.assertEqual(end["x"], ["KeyError", "x"])

    def test_recursion_depth_errors_pass(self):
        def f(n):
            return f2(n + 1)

        f2 = self.b.trace(f)
        self.tape.on()
        self.assertRaises(RecursionError, lambda: f2(0))

    def test_keyboard_interrupt_in_our_code_is_not_ours(self):
        w = self.b.trace(lambda x: x)

        class Alarm(Exception):
            pass

        def handler(*_):
            raise Alarm

        before = signal.signal(signal.SIGUSR1, handler)
        take = self.tape.take

        def call(family, text):
            os.kill(os.getpid(), signal.SIGUSR1)
            for _ in range(1000):
                pass
            return take(family, text)

        self.b._call = call
        self.tape.on()
        try:
            self.assertRaises(Alarm, lambda: w(1))
        finally:
            signal.signal(signal.SIGUSR1, before)

    def test_methods_in_any_order(self):
        t = self.b.trace

        class A:
            @t
            def m(self, x):
                return ("m", x)

            @classmethod
            @t
            def c1(cls, x):
                return (cls, x)

            @t
            @classmethod
            def c2(cls, x):
                return (cls, x)

            @staticmethod
            @t
            def s1(x):
                return x

            @t
            @staticmethod
            def s2(x):
                return x

            @t
            @property
            def p(self):
                return "p"

        a = A()
        self.both(lambda: [a.m(1), A.c1(1), a.c2(2), A.s1(3), a.s2(4), a.p])
        self.assertEqual([m["in"] for m in self.tape.of("b")][:2], [{"x": 1}, {"x": 1}])

    def test_class(self):
        @self.b.trace
        @dataclasses.dataclass
        class A:
            x: int = 1

            def m(self):
                return self.x

            @classmethod
            def c(cls):
                return cls

            @staticmethod
            def s():
                return 3

            async def co(self):
                return 4

            def __call__(self):
                return 5

        a = A()
        self.both(lambda: [a.m(), A.c(), A.s(), a(), asyncio.run(a.co()), a == A(1), repr(a)])
        self.assertEqual([m["n"].rpartition(".")[2] for m in self.tape.of("b")], ["m", "c", "s", "__call__", "co"])

    def test_twice_and_options(self):
        w = self.b.trace(module_level)
        self.assertIs(self.b.trace(w), w)
        named = self.b.trace(name="other")(module_level)
        self.tape.on()
        named(1)
        self.assertEqual(self.tape.of("b")[0]["n"], "other")
        self.assertEqual(self.b.trace(5), 5)

    def test_callables(self):
        part = self.b.trace(functools.partial(module_level, 1))
        self.both(lambda: part(7))
        length = self.b.trace(len)
        self.both(lambda: length([1, 2]))

    def test_pickle(self):
        global traced_by_name
        traced_by_name = self.b.trace(traced_by_name)
        self.assertIs(pickle.loads(pickle.dumps(traced_by_name)), traced_by_name)
        self.assertIs(copy.deepcopy(traced_by_name), traced_by_name)


def traced_by_name():
    pass


class Others(Case):
    def test_span_event_state(self):
        self.tape.on()
        with self.b.span("plan", name="n", attempt=2):
            self.b.event("chosen", name="x", kind=1)
        self.b.state("memory", {"a": [1]})
        begin, event, end, state = [m for _, m in self.tape.messages]
        self.assertEqual((begin["n"], begin["a"]), ("plan", {"name": "n", "attempt": 2}))
        self.assertEqual((event["i"], event["n"], event["a"]), (begin["i"], "chosen", {"name": "x", "kind": 1}))
        self.assertEqual((state["i"], state["n"], state["a"]), (0, "memory", {"a": [1]}))
        self.assertEqual((end["i"], end["c"]), (begin["i"], 0))

    def test_span_passes_exceptions(self):
        def run():
            try:
                with self.b.span("x"):
                    raise ValueError("v")
            except ValueError as e:
                return str(e)

        self.both(run)

    def test_session(self):
        self.b.session("quiet")
        self.tape.on()
        self.b.event("a")
        self.b.session("loud\u00e9")
        with self.b.span("s"):
            pass
        self.b.session(None)
        self.b.event("b")
        self.assertEqual([m.get("z") for _, m in self.tape.messages],
                         ["quiet", "loud\u00e9", "loud\u00e9", "loud\u00e9", None, None])

    def test_switched_in_between(self):
        with self.b.span("before"):
            self.tape.on()
            with self.b.span("traced"):
                self.tape.on(False)
        self.tape.on()
        with self.b.span("again"):
            pass
        self.assertEqual([m["n"] for m in self.tape.of("b")], ["traced", "again"])
        self.assertEqual([m["p"] for m in self.tape.of("b")], [0, 0])

    def test_threads(self):
        w = self.b.trace(lambda n: n)
        self.tape.on()

        def work():
            with self.b.span("t"):
                for n in range(50):
                    w(n)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        tree = self.tape.tree()
        self.assertEqual(len(tree), 4)
        self.assertTrue(all(len(children) == 50 for _, children in tree))

    def test_fork(self):
        w = self.b.trace(lambda: None, name="child")
        self.tape.on()
        with self.b.span("parent"):
            r, out = os.pipe()
            pid = os.fork()
            if pid == 0:
                del self.tape.messages[:]
                w()
                os.write(out, json.dumps(self.tape.of("b")).encode())
                os._exit(0)
            os.close(out)
            with os.fdopen(r) as f:
                said = json.loads(f.read())
            os.waitpid(pid, 0)
        self.assertEqual([(m["n"], m["p"]) for m in said], [("child", 0)])
        self.assertGreater(said[0]["i"], self.tape.of("b")[0]["i"])

    def test_the_flag_of_the_real_file(self):
        sys.modules.pop("bottrace")
        module = importlib.import_module("bottrace")
        if sys.platform == "linux":
            self.assertNotEqual(type(module._page), bytes)
        self.assertEqual(module._page[64], 80)
        text = Path(module.__file__).read_bytes()
        self.assertEqual(text[:64][-24:], b"#   bottrace flag byte: ")
        self.assertEqual(text[64:80], b"P" * 16)
        self.assertGreater(len(text), 4096)

    def test_an_archive(self):
        """Without a file of its own the module makes one in memory."""
        import tempfile
        import zipfile

        with tempfile.TemporaryDirectory() as d:
            path = Path(d, "lib.zip")
            with zipfile.ZipFile(path, "w") as z:
                z.write(HERE.parent.parent / "tools" / "python" / "bottrace.py", "bottrace.py")
            code = "import bottrace as b; print(b._page[64], type(b._page).__name__, 'lib.zip' in b.__file__)"
            out = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(path)}, stdout=subprocess.PIPE)
            self.assertEqual(out.stdout.split(), [b"80", b"mmap", b"True"])

    def test_nothing_is_said(self):
        out, err = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = io.StringIO()
        try:
            self.tape.on()
            self.b.trace(lambda x: x)(Hostile())
            self.b.event("e", x=Hostile())
            self.assertEqual(sys.stdout.getvalue(), "")
        finally:
            sys.stdout, sys.stderr = out, err


if __name__ == "__main__":
    run(__file__)
