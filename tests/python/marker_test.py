#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The marker module without a tracer: wrappers are what they wrap, values are shown without running anything of them.

A tracer is played: the flag byte is another one, and what would go to inet_pton is gathered. Runs under every CPython
from 3.8 on; tests/run does that.
"""

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
import re
import signal
import subprocess
import sys
import threading
import traceback
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


def module_level(a, b=2, *rest, key="k", **more):
    """Says what it got."""
    return (a, b, rest, key, more)


class Hostile:
    """Whoever looks at it too closely is told so."""

    def __getattribute__(self, name):
        raise AssertionError("looked at " + name)

    def bad(self, *args):
        raise AssertionError("called")

    __repr__ = __str__ = __eq__ = __hash__ = __len__ = __iter__ = __bool__ = __getattr__ = __format__ = bad
    __class__ = property(bad)
    __dict__ = property(bad)


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


class Steps(Case):
    def test_kinds_stay(self):
        async def co():
            pass

        def gen():
            yield

        async def agen():
            yield

        self.assertTrue(inspect.iscoroutinefunction(self.b.trace(co)))
        self.assertTrue(asyncio.iscoroutinefunction(self.b.trace(co)))
        self.assertTrue(inspect.isgeneratorfunction(self.b.trace(gen)))
        self.assertTrue(inspect.isasyncgenfunction(self.b.trace(agen)))

    def test_generator(self):
        @self.b.trace
        def gen(n):
            got = []
            try:
                for i in range(n):
                    try:
                        got.append((yield i))
                    except LookupError as e:
                        got.append(str(e))
            except GeneratorExit:
                closed.append(got)
                raise
            return got

        closed = []

        def run():
            del closed[:]
            g, out = gen(4), []
            out += [next(g), g.send("a"), g.throw(LookupError("b")), g.send("c")]
            try:
                g.send("d")
            except StopIteration as s:
                out.append(s.value)
            g = gen(4)
            out.append(next(g))
            g.close()
            g = gen(3)
            next(g)
            try:
                g.throw(ZeroDivisionError("z"))
            except ZeroDivisionError as e:
                out.append([s.filename == "<bottrace>" for s in traceback.extract_tb(e.__traceback__)][1:])
            return out, list(closed)

        self.both(run)

    def test_generator_leaves_the_consumer_alone(self):
        inside = self.b.trace(lambda: None, name="inside")

        @self.b.trace
        def gen():
            inside()
            yield 1
            inside()
            yield 2

        self.tape.on()
        with self.b.span("consumer"):
            g = gen()
            next(g)
            with self.b.span("between"):
                next(g)
            with self.b.span("after"):
                pass
            g.close()
        self.assertEqual(self.tape.tree(),
                         [["consumer", [[gen.__qualname__, [["inside", []], ["inside", []]]],
                                        ["between", []], ["after", []]]]])

    def test_async_generator(self):
        @self.b.trace
        async def agen(n):
            got = []
            try:
                for i in range(n):
                    await asyncio.sleep(0)
                    try:
                        got.append((yield i))
                    except LookupError as e:
                        got.append(str(e))
            finally:
                closed.append(got)

        closed = []

        async def walk():
            out = [x async for x in agen(3)]
            g = agen(5)
            out += [await g.__anext__(), await g.asend("a"), await g.athrow(LookupError("b")), await g.asend("c")]
            await g.aclose()
            g = agen(2)
            out.append(await g.__anext__())
            for thrown in (ZeroDivisionError("z"), StopAsyncIteration("s")):
                g = agen(2)
                await g.__anext__()
                try:
                    await g.athrow(thrown)
                except Exception as e:
                    out.append((type(e), str(e)))
                    names = [s.filename == "<bottrace>" for s in traceback.extract_tb(e.__traceback__)]
                    out.append(names[1:] if type(e) is ZeroDivisionError else None)
            return out

        def run():
            del closed[:]
            return asyncio.run(walk()), list(closed)

        self.both(run)

    def test_coroutine(self):
        @self.b.trace
        async def co(x):
            await asyncio.sleep(0)
            if x < 0:
                raise ValueError(x)
            return x

        async def many():
            out = await asyncio.gather(co(1), co(-1), co(2), return_exceptions=True)
            task = asyncio.ensure_future(co(5))
            await asyncio.sleep(0)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                out.append("cancelled")
            return [str(o) for o in out]

        self.both(lambda: asyncio.run(many()))
        self.assertIn("CancelledError", [m["x"][0] for m in self.tape.of("e") if "x" in m])

    def test_coroutine_traceback(self):
        async def inner():
            await asyncio.sleep(0)
            raise KeyError(1)

        w = self.b.trace(inner)

        def frames():
            try:
                asyncio.run(w())
            except KeyError as e:
                names = [s.filename for s in traceback.extract_tb(e.__traceback__)]
                return [n == "<bottrace>" for n in names[-2:]], sum("bottrace" in n for n in names)

        self.assertEqual(self.both(frames), ([True, False], 1))

    def test_never_awaited(self):
        w = self.b.trace(Steps.nothing)
        self.tape.on()
        w().close()
        g = self.b.trace(lambda: (yield))()
        g.close()
        self.assertEqual(self.tape.messages, [])

    @staticmethod
    async def nothing():
        pass

    def test_tasks_nest_truly(self):
        leaf = self.b.trace(lambda n: n, name="leaf")

        @self.b.trace(name="task")
        async def task(n):
            async with self.b.span("span%d" % n):
                await asyncio.sleep(0.001 * n)
                leaf(n)
            return n

        @self.b.trace(name="main")
        async def main():
            await asyncio.gather(*[task(n) for n in range(3)])

        self.tape.on()
        asyncio.run(main())
        self.assertEqual(self.tape.tree(),
                         [["main", [["task", [["span%d" % n, [["leaf", []]]]]] for n in range(3)]]])

    def test_the_thread_is_where_it_was_said_to_be(self):
        """At each step of a task the last message of its thread names the innermost step of that task."""
        wrong = []

        def now():
            n = 0
            for _, m in self.tape.messages:
                if m["k"] in "br" and "l" not in m:
                    n = m["i"]
                elif m["k"] == "e" and "c" in m:
                    n = m["c"]
            return n

        def check():
            if now() != self.b._now.get():
                wrong.append((now(), self.b._now.get()))

        @self.b.trace
        async def task(n):
            for _ in range(3):
                check()
                with self.b.span("s"):
                    check()
                    await asyncio.sleep(0.0001 * n)
                    check()
                check()
                await asyncio.sleep(0)

        async def unmarked():
            for _ in range(30):
                if now() != 0:
                    wrong.append(("unmarked", now()))
                await asyncio.sleep(0)

        async def main():
            await asyncio.gather(task(1), unmarked(), task(2), task(3))

        self.tape.on()
        asyncio.run(main())
        self.assertEqual(wrong, [])

    def test_spans_of_unmarked_tasks_say_so(self):
        async def task():
            with self.b.span("s"):
                await asyncio.sleep(0)

        async def main():
            with self.b.span("root"):
                await asyncio.gather(task(), task())

        self.tape.on()
        asyncio.run(main())
        self.assertEqual([m.get("l", 0) for m in self.tape.of("b")], [0, 1, 1])


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


class Values(Case):
    def show(self, value):
        text, self.cut = self.b._json(value)
        self.assertLessEqual(len(text), 65536)
        self.assertTrue(text.isascii())
        return json.loads(text)

    def test_plain(self):
        for v in (None, True, False, 0, -7, 12345678901234567890, 1.5, "", "\u00e9\u20ac\U0001f600", [], {}, [1, [2]],
                  {"a": {"b": [None]}}):
            self.assertEqual(self.show(v), v)
            self.assertFalse(self.cut)

    def test_not_json(self):
        self.assertEqual(self.show((1, 2)), [1, 2])
        self.assertEqual(self.show({3}), [3])
        self.assertEqual(self.show(frozenset()), [])
        self.assertEqual(self.show([float("nan"), float("inf"), -float("inf")]), ["nan", "inf", "-inf"])
        self.assertEqual(self.show(b"a\0\xff"), "a\0\xff")
        self.assertEqual(self.show({1: 2, (3, 4): 5, None: 6}), {"1": 2, "[3,4]": 5, "null": 6})
        self.assertEqual(self.show(object()), "<object>")
        self.assertEqual(self.show(len), "<builtin_function_or_method>")
        self.assertEqual(self.show(1 << 100000), "<int of 100001 bits>")
        self.assertEqual(json.loads(self.b._json("\ud800")[0]), "\ud800")

    def test_hostile(self):
        self.assertEqual(self.show([Hostile()]), ["<Hostile>"])

        class Meta(type):
            def __getattribute__(cls, name):
                raise AssertionError(name)

        class Odd(metaclass=Meta):
            pass

        self.assertTrue(self.show(type.__call__(Odd))[0] == "<")
        self.assertEqual(self.show({"x": Odd}), {"x": "<" + Meta.__qualname__ + ">"})

        class Text(str):
            def bad(self, *args):
                raise AssertionError

            __str__ = __repr__ = __len__ = __iter__ = __getitem__ = __eq__ = encode = bad
            __hash__ = str.__hash__

        class Table(dict):
            def bad(self, *args):
                raise AssertionError

            __iter__ = __len__ = items = keys = __getitem__ = __repr__ = bad

        self.assertEqual(self.show(Table(a=Text("t"))), {"a": "t"})
        self.assertEqual(self.show(dict([(Text("k"), 1)])), {"k": 1})

    def test_models(self):
        @dataclasses.dataclass
        class Point:
            x: int
            y: object
            secret: str = dataclasses.field(default="s3cret", repr=False)

            @property
            def bad(self):
                raise AssertionError

        self.assertEqual(self.show(Point(1, [Point(2, None)])), {"x": 1, "y": [{"x": 2, "y": None}]})

        class Slotted:
            __slots__ = ("a", "b", "_hidden")
            __dataclass_fields__ = {}

        s = Slotted()
        s.a = 1
        self.assertEqual(self.show(s), {"a": 1})

        class Model:  # as pydantic's look in memory
            __pydantic_fields__ = {}
            __pydantic_validator__ = None

            def __init__(self):
                self.__dict__["name"] = "n"

            def __getattr__(self, name):
                raise AssertionError

        self.assertEqual(self.show(Model()), {"name": "n"})

    def test_cycles_and_depth(self):
        a = []
        a.append(a)
        self.assertEqual(self.show(a), ["<cycle>"])
        d = {}
        d["d"] = [d]
        self.assertEqual(self.show(d), {"d": ["<cycle>"]})
        same = [1]
        self.assertEqual(self.show([same, same]), [[1], [1]])
        deep = []
        for _ in range(100000):
            deep = [deep]
        self.show(deep)
        self.assertTrue(self.cut)
        while deep:
            deep = deep.pop()

    def test_large(self):
        v = self.show("x" * (1 << 20))
        self.assertTrue(self.cut and v.startswith("xxxx") and v.endswith("\u2026 (1048576)"))
        for big in (["y" * 100] * 100000, {str(i): i for i in range(100000)}, "\u20ac" * 100000, b"\xff" * 1000000,
                    [["z" * 70000]] * 3, {"k" * 100000: 1}, ["\0" * 30000] * 4):
            self.show(big)
            self.assertTrue(self.cut)

    def test_a_message_comes_in_pieces(self):
        self.tape.on()
        self.b.trace(lambda x: x)("x" * (1 << 20))
        begin, end = [m for _, m in self.tape.messages]
        self.assertEqual((begin["t"], end["t"]), (1, 1))
        self.assertGreater(len(end["o"]), 60000)

    def test_changed_meanwhile(self):
        table = {i: str(i) for i in range(5000)}
        stop = threading.Event()

        def change():
            n = 0
            while not stop.is_set():
                table.pop(n, None)
                n += 1
                table[n + 5000] = n

        t = threading.Thread(target=change)
        t.start()
        try:
            for _ in range(50):
                self.show(table)
        finally:
            stop.set()
            t.join()


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


def main():
    passed = failed = 0
    for python in interpreters():
        r = subprocess.run([str(python), "-W", "error::RuntimeWarning", __file__, "--here"], stdout=subprocess.PIPE,
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


if __name__ == "__main__":
    if "--here" in sys.argv:
        sys.argv.remove("--here")
        unittest.main(verbosity=0)
    sys.exit(main())
