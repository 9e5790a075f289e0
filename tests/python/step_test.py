#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Coroutines and generators with markers: what they are for others, and where their thread is said to be."""

import asyncio
import inspect
import traceback

from tape import Case, run


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


if __name__ == "__main__":
    run(__file__)
