#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Values as JSON: bounded, and without running anything of them."""

import dataclasses
import json
import threading

from tape import Case, Hostile, run


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


if __name__ == "__main__":
    run(__file__)
