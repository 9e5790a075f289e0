# SPDX-License-Identifier: BSD-2-Clause
#   bottrace flag byte: PPPPPPPPPPPPPPPP
"""Markers for Bottrace: what a program calls its steps.

    import bottrace

    @bottrace.trace                      # functions, coroutines, generators, async generators, classes
    def search(query): ...

    with bottrace.span("plan", attempt=2):
        bottrace.event("chosen", tool="search")
    bottrace.state("memory", memory)     # shown when the program fails
    bottrace.session("user-42")          # from here on this thread or task serves that session

Nothing happens unless a tracer listens; then inputs and outputs are sent as bounded JSON. Nothing here raises, prints, or
calls code of the objects that it shows. One file, no dependencies, CPython 3.8 and newer; elsewhere it does nothing.

How a tracer is noticed: this file is mapped into the process, and where Bottrace listens the kernel shows its breakpoint in
place of the flag byte on line 2. Nobody executes that byte. How values reach the tracer: docs/markers.md.
"""

import contextvars
import functools
import itertools
import keyword
import os
import sys
import time
import types
from _thread import _local, allocate_lock, get_ident

__all__ = ["trace", "span", "event", "state", "session"]
__version__ = "1"

_AT = 64  # of the flag byte in this file; the code below has it as a literal
_FLAG = b"#   bottrace flag byte: "
_PAGE = 4096

# ---- is anybody listening? ----


def _memory_file():
    if hasattr(os, "memfd_create"):
        return os.memfd_create("bottrace-flag", os.MFD_CLOEXEC)
    import tempfile

    place = tempfile.mkdtemp()
    path = place + "/bottrace.py"
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    finally:
        os.unlink(path)
        os.rmdir(place)


def _map_flag():
    """The page with the flag byte, seen through a mapping that the kernel puts breakpoints into."""
    import mmap

    private = {"flags": mmap.MAP_PRIVATE, "prot": mmap.PROT_READ}
    if sys.version_info >= (3, 13):
        private["trackfd"] = False
    path = __file__
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        fd = -1  # in an archive
    try:
        if fd >= 0:
            head = os.pread(fd, _PAGE, 0)
            # Mappings of a file system without programs get no breakpoints.
            if head[_AT - len(_FLAG):_AT] == _FLAG and len(head) == _PAGE and not os.fstatvfs(fd).f_flag & os.ST_NOEXEC:
                return mmap.mmap(fd, _PAGE, **private)
    finally:
        if fd >= 0:
            os.close(fd)
    fd = _memory_file()
    try:
        os.write(fd, (b"#" * (_AT - len(_FLAG)) + _FLAG).ljust(_PAGE, b"P"))
        return mmap.mmap(fd, _PAGE, **private)
    finally:
        os.close(fd)


try:
    _page = _map_flag() if sys.platform == "linux" else b"P" * (_AT + 1)
except Exception:
    _page = b"P" * (_AT + 1)
_off = 80  # the byte as the file has it; of small numbers there is one object each

# ---- the channel: a call of libc's inet_pton with an address family that is none ----

_RECORD = 0x42540000  # | length
_HELLO = 0x42550000
_PIECE = 12000  # characters of one call
_IN_MAX = 65000  # of JSON: 64 KiB with what closes it

try:
    from _socket import inet_pton as _call
except Exception:
    _page = b"P" * (_AT + 1)


def _hex8(n):
    return "%08x" % (n & 0xFFFFFFFF)


def _send(text):
    total = len(text)
    number = _next(_numbers)
    at = 0
    while True:
        piece = _hex8(number) + _hex8(at) + _hex8(total) + text[at:at + _PIECE]
        try:
            _call(_RECORD | len(piece), piece)
        except OSError:
            pass
        at += _PIECE
        if at >= total:
            return


_tb_of = BaseException.__dict__["__traceback__"].__get__


def _is_ours(error):
    """Not what a signal handler threw into us: that is the program's."""
    if type(error) is RecursionError and sys.version_info < (3, 9):
        return False  # who goes on after one ends the interpreter there
    tb = _tb_of(error)
    while tb.tb_next is not None:
        tb = tb.tb_next
    return tb.tb_frame.f_code.co_filename == _send.__code__.co_filename


# ---- JSON of anything, without running anything of it ----

_mro_of = type.__dict__["__mro__"].__get__
_name_of = type.__dict__["__qualname__"].__get__
_dict_of = type.__dict__["__dict__"].__get__
_DEPTH = 32
_ITEMS = 4096
_MODELS = ("__dataclass_fields__", "__pydantic_fields__", "__pydantic_validator__", "__fields__", "__attrs_attrs__")

try:
    from _json import encode_basestring_ascii as _quote
except ImportError:
    from json.encoder import encode_basestring_ascii as _quote


class _Writer:
    __slots__ = ("left", "cut", "path")

    def __init__(self, limit):
        self.left = limit
        self.cut = False
        self.path = set()

    def text(self, value):
        """A str, exact; longer than what is left is cut."""
        room = self.left if self.left > 64 else 64
        n = len(value)
        if n > room:
            self.cut = True
            value = value[:room]
        out = _quote(value)
        if len(out) > room + 2:  # escapes
            self.cut = True
            while len(out) > room and value:
                value = value[:len(value) * room // len(out)]
                out = _quote(value)
        if len(value) < n:
            out = out[:-1] + "\\u2026 (" + str(n) + ')"'
        self.left -= len(out)
        return out

    def short(self, text):
        self.left -= len(text)
        return text

    def type_name(self, cls):
        name = _name_of(cls)
        return self.text("<" + (name if type(name) is str else "?")[:200] + ">")

    def number(self, value):
        if int.bit_length(value) > 4096:
            return self.text("<int of %d bits>" % int.bit_length(value))
        return self.short(int.__repr__(value))

    def value(self, o, depth=0):
        cls = type(o)
        if cls is str:
            return self.text(o)
        if o is None:
            return self.short("null")
        if o is True:
            return self.short("true")
        if o is False:
            return self.short("false")
        if cls is int:
            return self.number(o)
        if self.left <= 0 or depth >= _DEPTH:
            self.cut = True
            return '"\\u2026"'
        if cls is float:
            return self.real(o)
        if cls is dict:
            return self.inside(o, self.members, dict.items, depth)
        if cls is list:
            return self.inside(o, self.elements, list.__iter__, depth)
        if cls is tuple:
            return self.inside(o, self.elements, tuple.__iter__, depth)
        return self.other(o, cls, depth)

    def real(self, o):
        out = float.__repr__(o)
        return self.short(out if out[-1] not in "fn" else '"' + out + '"')

    def other(self, o, cls, depth):
        mro = _mro_of(cls)
        if cls is bytes or cls is bytearray:
            return self.bytes(o, cls)
        for base in mro:
            if base is str:
                return self.text(str.__str__(o))
            if base is int:
                return self.number(int.__int__(o))
            if base is float:
                return self.real(o)
            if base is dict:
                return self.inside(o, self.members, dict.items, depth)
            if base is list or base is tuple or base is set or base is frozenset:
                return self.inside(o, self.elements, base.__iter__, depth)
        if any(name in _dict_of(base) for base in mro for name in _MODELS):
            return self.inside(o, self.model, mro, depth)
        return self.type_name(cls)

    def bytes(self, o, cls):
        n = len(o)
        room = self.left if self.left > 64 else 64
        return self.text(cls.decode(o[:room], "latin-1") + ("\u2026 (%d bytes)" % n if n > room else ""))

    def inside(self, o, how, what, depth):
        mark = id(o)
        if mark in self.path:
            return self.text("<cycle>")
        self.path.add(mark)
        try:
            return how(o, what, depth + 1)
        finally:
            self.path.discard(mark)

    def elements(self, o, iterate, depth):
        # Taken in one go: no other thread changes it meanwhile.
        items = list(itertools.islice(iterate(o), _ITEMS))
        out = []
        for item in items:
            if self.left <= 0:
                break
            out.append(self.value(item, depth))
            self.left -= 1
        if len(out) < len(items) or len(items) == _ITEMS:
            self.cut = True
            out.append('"\\u2026"')
        self.left -= 2
        return "[" + ",".join(out) + "]"

    def members(self, o, iterate, depth):
        return self.pairs(list(itertools.islice(iterate(o), _ITEMS)), depth)

    def pairs(self, items, depth):
        out = []
        for key, item in items:
            if self.left <= 0:
                break
            out.append(self.key(key) + ":" + self.value(item, depth))
            self.left -= 2
        if len(out) < len(items) or len(items) == _ITEMS:
            self.cut = True
            out.append('"\\u2026":null')
        self.left -= 2
        return "{" + ",".join(out) + "}"

    def key(self, key):
        cls = type(key)
        if cls is not str and str in _mro_of(cls):
            key = str.__str__(key)
        elif cls is not str:
            part = _Writer(200)
            key = part.value(key, _DEPTH - 2)
        if len(key) > 400:
            self.cut = True
            key = key[:400]
        return self.text(key)

    def model(self, o, mro, depth):
        """Fields of a dataclass, a pydantic or attrs model: what lies in its __dict__ and its slots."""
        fields = {}
        hidden = set()
        for base in mro:
            d = _dict_of(base)
            place = d.get("__dict__")
            if type(place) is types.GetSetDescriptorType and not fields:
                inside = place.__get__(o)
                if type(inside) is dict:
                    fields.update(itertools.islice(dict.items(inside), _ITEMS))
            for name, slot in list(dict.items(dict(d))):
                if type(slot) is types.MemberDescriptorType and type(name) is str and name[:1] != "_":
                    try:
                        fields[name] = slot.__get__(o)
                    except AttributeError:
                        pass
            declared = d.get("__dataclass_fields__")
            if type(declared) is dict:
                hidden.update(_unshown(declared))
        return self.pairs([(k, v) for k, v in dict.items(fields) if k not in hidden], depth)


def _unshown(declared):
    """Names of fields that their class wants out of its repr: often secrets."""
    field = getattr(sys.modules.get("dataclasses"), "Field", None)
    for name, f in list(dict.items(declared)):
        if type(name) is str and type(f) is field and f.repr is False:
            yield name


def _json(value, limit=_IN_MAX):
    """JSON, and whether something of it is missing."""
    w = _Writer(limit)
    try:
        return w.value(value), w.cut
    except Exception as error:
        if not _is_ours(error):
            raise
        return '"\\u2026"', True


# ---- what is open: a number in a context variable, and what each thread was last said to be in ----

# From the time of import on: a module that was imported twice, or in two interpreters of a process, never meets itself.
_ids = itertools.count(time.monotonic_ns())
_numbers = itertools.count(1)
_next = next
if not getattr(sys, "_is_gil_enabled", bool)() and hasattr(sys, "_is_gil_enabled"):
    _one = allocate_lock()

    def _next(counter):
        with _one:
            return next(counter)


_crowded = 0.0  # until then there are many tasks
_base = 0  # numbers below are of the process that forked us
_now = contextvars.ContextVar("bottrace.marker", default=0)
_session = contextvars.ContextVar("bottrace.session", default=None)


# Where threads inherit contexts, a context from another thread does not say who asked: a pool's thread has its starter's.
_inherits = ',"y":1' if getattr(sys.flags, "thread_inherit_context", 0) else ""


class _Thread(_local):
    now = 0  # the marker that the tracer takes this thread to be in
    driven = 0  # steps of marked coroutines and generators on its stack


_thread = _Thread()


def _after_fork():
    global _base
    _base = _next(_ids)
    _thread.now = 0


def _parent():
    n = _now.get()
    return n if n > _base else 0


def _is_exact():
    """Whether what this thread does from now to the marker's end is the marker's."""
    if _thread.driven:
        return True
    if "gevent" in sys.modules or "eventlet" in sys.modules:
        return False
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            trio.lowlevel.current_task()
            return False
        except Exception:
            pass
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return True
    try:
        loop = asyncio._get_running_loop()
        if loop is None:
            return True
        # The only task there is: all that come while the marker is open come from it. Where there are many it takes long to
        # see; they do not go in no time.
        global _crowded
        now = time.monotonic()
        if now < _crowded:
            return False
        task = asyncio.current_task(loop)
        tasks = asyncio.all_tasks(loop)
        if len(tasks) > 16:
            _crowded = now + 0.05
        return task is not None and tasks == {task}
    except Exception:
        return False


def _head(kind, number):
    text = '{"k":"' + kind + '","i":' + str(number)
    name = _session.get()
    return text if name is None else text + ',"z":' + name


class _Marker:
    """An open marker. `saved`: what the thread was in before."""

    __slots__ = ("number", "before", "saved", "ident", "exact")

    def __init__(self, name, value, word, exact=None):
        number = _next(_ids)
        self.before = _now.get()
        self.number = number
        self.ident = get_ident()
        self.exact = _is_exact() if exact is None else exact
        self.saved = _thread.now
        _now.set(number)
        text = _head("b", number) + ',"p":' + str(self.before if self.before > _base else 0) + _inherits
        if self.exact:
            _thread.now = number
        else:
            text += ',"l":1'
        body, cut = _json(value)
        if cut:
            text += ',"t":1'
        _send(text + ',"n":' + _json(name, 512)[0] + ',"' + word + '":' + body + "}")

    def end(self, error=None, value=None, has_value=False):
        if _now.get() == self.number:
            _now.set(self.before)
        here = self.exact and self.ident == get_ident()
        if here and _thread.now == self.number:
            _thread.now = self.saved
        if _page[64] is _off or self.number <= _base:
            return
        text = _head("e", self.number)
        if here:
            text += ',"c":' + str(_thread.now)
        if error is not None:
            text += ',"x":[' + _json(_name_of(type(error)), 256)[0] + "," + _json(_message(error), 8192)[0] + "]"
        if has_value:
            body, cut = _json(value)
            if cut:
                text += ',"t":1'
            text += ',"o":' + body
        _send(text + "}")


def _message(error):
    """Its first argument, when that is text: str() may be anybody's code."""
    args = BaseException.args.__get__(error)
    for arg in args if type(args) is tuple else ():
        if type(arg) is str:
            return arg
    return ""


def _tell_now(number):
    """The thread goes on in another marker."""
    if _thread.now == number:
        return
    _thread.now = number
    if _page[64] is _off:
        return
    try:
        _send(_head("r", number) + "}")
    except Exception as error:
        if not _is_ours(error):
            raise


class _Quiet:
    """A marker that could not be begun."""

    __slots__ = ()

    def end(self, error=None, value=None, has_value=False):
        pass


_quiet = _Quiet()


def _begin(name, value, word="a", exact=None):
    try:
        return _Marker(name, value, word, exact)
    except Exception as error:
        if not _is_ours(error):
            raise
        return _quiet


def _fail(marker, error):
    try:
        marker.end(error)
    except Exception as other:
        if not _is_ours(other):
            raise


def _done(marker, value):
    try:
        marker.end(None, value, True)
    except Exception as error:
        if not _is_ours(error):
            raise


# ---- steps of coroutines and generators: the thread is in the marker while they run, and only then ----


class _Run:
    """The steps of one coroutine or generator below a marker."""

    __slots__ = ("marker", "leaf", "outer", "before", "fresh")

    def enter(self):
        self.outer = _now.get()
        self.before = _thread.now
        _now.set(self.leaf)
        _thread.driven += 1
        if self.fresh:  # its beginning has said so
            self.fresh = False
            _thread.now = self.leaf
        else:
            _tell_now(self.leaf)

    def leave(self):
        self.leaf = _now.get()
        _now.set(self.outer)
        _thread.driven -= 1
        _tell_now(self.before)


def _start(name, value):
    """A marker for something that runs in steps."""
    run = _Run()
    outer = _now.get()
    before = _thread.now
    run.marker = _begin(name, value, "in", True)
    run.leaf = _now.get()
    run.fresh = True
    _now.set(outer)
    _thread.now = before
    return run


def _forget(error):
    """Takes the frame that catches it to hand it on out of its traceback."""
    return BaseException.with_traceback(error, _tb_of(error).tb_next)


def _drive(run, it):
    """it.send and it.throw as `yield from it`, each step inside the marker."""
    value = error = None
    while True:
        run.enter()
        try:
            if error is None:
                out = it.send(value)
            else:
                out = it.throw(error)
        except StopIteration as stop:
            return stop.value
        finally:
            run.leave()
            error = None
        try:
            value = yield out
        except GeneratorExit:
            run.enter()
            try:
                it.close()
            finally:
                run.leave()
            raise
        except BaseException as thrown:
            error = _forget(thrown)


_drive_await = types.coroutine(_drive)


def _trim(error):
    """Takes the frames of _drive and asend out of a traceback that was just caught."""
    tb = _tb_of(error)
    try:
        while tb.tb_next is not None and tb.tb_next.tb_frame.f_code is _drive.__code__:
            tb.tb_next = tb.tb_next.tb_next
    except Exception:
        pass


# ---- @trace ----

# Names of ours begin with {n}, which no parameter does. Nothing global is read: the wrapper lives in the globals of the
# function that it wraps.
_MAKE = "def make({n}f, {n}m, {n}off, {n}start, {n}drive, {n}trim, {n}fail, {n}done, {n}name, {n}any, {n}exit, {n}stop, {n}forget):\n"

_PLAIN = """\
    def w({sig}):
        if {n}m[64] is {n}off:
            return {n}f({call})
        {n}k = {n}start({n}name, {{{args}}}, "in")
        try:
            {n}r = {n}f({call})
        except {n}any as {n}e:
            {n}fail({n}k, {n}e)
            raise
        {n}done({n}k, {n}r)
        return {n}r
    return w
"""

_STEPS = """\
    {a}def w({sig}):
        if {n}m[64] is {n}off:
            return ({aw} {n}f({call}))
        {n}k = {n}start({n}name, {{{args}}})
        try:
            {n}r = {aw} {n}drive({n}k, {n}f({call}))
        except {n}any as {n}e:
            {n}trim({n}e)
            {n}fail({n}k.marker, {n}e)
            raise
        {n}done({n}k.marker, {n}r)
        return {n}r
    return w
"""

# asend and athrow as an async generator has them: there is no `yield from` for it.
_ASYNC_STEPS = """\
    async def w({sig}):
        if {n}m[64] is {n}off:
            {n}g = {n}f({call})
            {n}s = {n}g.asend
            {n}v = {n}t = None
            while True:
                try:
                    if {n}t is None:
                        {n}v = yield await {n}s({n}v)
                        while True:
                            {n}v = yield await {n}s({n}v)
                    {n}e, {n}t = {n}t, None
                    {n}v = yield await {n}g.athrow({n}e)
                except {n}exit:
                    await {n}g.aclose()
                    raise
                except {n}any as {n}e:
                    if {n}g.ag_frame is None:
                        if type({n}e) is {n}stop:
                            return
                        raise
                    {n}t = {n}forget({n}e)
        {n}k = {n}start({n}name, {{{args}}})
        {n}g = {n}f({call})
        {n}v = {n}t = None
        try:
            while True:
                try:
                    {n}v = await {n}drive({n}k, {n}g.asend({n}v) if {n}t is None else {n}g.athrow({n}t))
                except {n}stop:
                    break
                {n}t = None
                try:
                    {n}v = yield {n}v
                except {n}exit:
                    await {n}drive({n}k, {n}g.aclose())
                    raise
                except {n}any as {n}e:
                    {n}t = {n}forget({n}e)
        except {n}any as {n}e:
            {n}trim({n}e)
            {n}fail({n}k.marker, {n}e)
            raise
        {n}done({n}k.marker, None)
    return w
"""

_GENERATOR, _COROUTINE, _ITERABLE, _ASYNC_GENERATOR = 0x20, 0x80, 0x100, 0x200


@functools.lru_cache(maxsize=1024)
def _compile(source):
    return compile(source, "<bottrace>", "exec", dont_inherit=True)


def _signature(code):
    """Parameters, the call that hands them on, and a dict of them, as source; None: these names are no source."""
    plain, only = code.co_argcount, code.co_kwonlyargcount
    names = code.co_varnames[:plain + only + bool(code.co_flags & 4) + bool(code.co_flags & 8)]
    if not all(n.isidentifier() and n.isascii() and not keyword.iskeyword(n) for n in names):
        return None
    sig, call = list(names[:plain]), list(names[:plain])
    args = [repr(n) + ": " + n for n in names[:plain + only]]
    if args and names[0] in ("self", "cls") and plain:
        del args[0]
    if code.co_posonlyargcount:
        sig.insert(code.co_posonlyargcount, "/")
    rest = list(names[plain + only:])
    if code.co_flags & 4:
        star = rest.pop(0)
        sig.append("*" + star)
        call.append("*" + star)
        args.append(repr("*" + star) + ": " + star)
    elif only:
        sig.append("*")
    sig += names[plain:plain + only]
    call += [n + "=" + n for n in names[plain:plain + only]]
    if rest:
        sig.append("**" + rest[0])
        call.append("**" + rest[0])
        args.append(repr("**" + rest[0]) + ": " + rest[0])
    prefix = "_b_"
    while any(n.startswith(prefix) for n in names):
        prefix += "_"
    return {"n": prefix, "sig": ", ".join(sig), "call": ", ".join(call), "args": ", ".join(args)}


_ANY = {"n": "_b_", "sig": "*args, **kwargs", "call": "*args, **kwargs", "args": "'*args': args, '**kwargs': kwargs"}


def _build(f, name, flags, signature, scope):
    """The wrapper, still without the names of what it wraps."""
    start, drive = _start, _drive
    if flags & _ASYNC_GENERATOR:
        body, drive = _ASYNC_STEPS, _drive_await
    elif flags & _COROUTINE:
        body, drive = _STEPS.replace("{a}", "async ").replace("{aw}", "await"), _drive_await
    elif flags & _GENERATOR:
        body = _STEPS.replace("{a}", "").replace("{aw}", "yield from")
    else:
        body, start = _PLAIN, _begin
    made = {}
    exec(_compile((_MAKE + body).format(**signature)), made)
    w = made["make"](f, _page, _off, start, drive, _trim, _fail, _done, name, BaseException, GeneratorExit,
                     StopAsyncIteration, _forget)
    code = w.__code__
    if type(getattr(f, "__name__", None)) is str:
        code = code.replace(co_name=f.__name__)
        if hasattr(code, "co_qualname") and type(getattr(f, "__qualname__", None)) is str:
            code = code.replace(co_qualname=f.__qualname__)
    return types.FunctionType(code, scope, code.co_name, None, w.__closure__)


def _function(f, name):
    code = f.__code__
    signature = _signature(code)
    w = None
    if signature is not None:
        try:
            w = _build(f, name, code.co_flags, signature, f.__globals__)
            w.__defaults__ = f.__defaults__
            w.__kwdefaults__ = f.__kwdefaults__
        except SyntaxError:
            w = None
    if w is None:
        w = _build(f, name, code.co_flags, _ANY, f.__globals__)
    functools.update_wrapper(w, f)
    if code.co_flags & _ITERABLE:
        w = types.coroutine(w)
    w.__dict__["__bottrace__"] = True
    return w


def _callable(f, name):
    inner = f
    while type(inner) is functools.partial:
        inner = inner.func
    flags = inner.__code__.co_flags if type(inner) is types.FunctionType else 0
    w = _build(f, name, flags, _ANY, {"__name__": __name__, "__builtins__": __builtins__})
    for key in ("__module__", "__name__", "__qualname__", "__doc__"):
        value = getattr(inner, key, None) if type(inner) in (types.FunctionType, types.BuiltinFunctionType) else None
        if type(value) is str:
            setattr(w, key, value)
    w.__wrapped__ = f
    w.__dict__["__bottrace__"] = True
    return w


def _class(cls):
    for key, value in list(dict.items(dict(_dict_of(cls)))):
        if type(value) not in (types.FunctionType, classmethod, staticmethod):
            continue
        if key[:2] == "__" and key[-2:] == "__" and key != "__call__":
            continue
        type.__setattr__(cls, key, _wrap(value, None))
    return cls


def _wrap(f, name):
    kind = type(f)
    if kind is types.FunctionType:
        return f if "__bottrace__" in f.__dict__ else _function(f, f.__qualname__ if name is None else name)
    if kind is classmethod or kind is staticmethod:
        return kind(_wrap(f.__func__, name))
    if kind is property:
        return property(*[p and _wrap(p, name) for p in (f.fget, f.fset, f.fdel)], doc=f.__doc__)
    if type in _mro_of(kind):
        return _class(f)
    if not callable(f):
        return f
    if name is None:
        plain = f.func if kind is functools.partial else f
        plain = plain if type(plain) in (types.FunctionType, types.BuiltinFunctionType, types.MethodType) else None
        name = plain.__qualname__ if plain is not None else _name_of(kind)
    return _callable(f, name)


# ---- what programs call ----


def _doors(page, off):
    """They find what they test in their closure: globals may be gone when a program ends."""

    def trace(f=None, *, name=None):
        """Marks each call of a function, or of the functions that a class defines, as a step."""
        if f is None:
            return lambda g: trace(g, name=name)
        try:
            return _wrap(f, name)
        except Exception:
            return f

    def span(name, /, **attrs):
        """`with span("plan"):` marks a block as a step; `async with` as well."""
        if page[64] is off:
            return no_span
        return _Span(name, attrs)

    def event(name, /, **attrs):
        """Something happened, in the step that is open."""
        if page[64] is off:
            return
        _tell("v", name, attrs)

    def state(key, value, /):
        """What is to be shown when this program, agent or tool fails."""
        if page[64] is off:
            return
        _tell("w", key, value)

    def session(id, /):
        """This thread or task, and what it starts, serves the session `id` from here on; None: none."""
        try:
            if id is not None and type(id) is not str:
                id = int.__repr__(id) if type(id) is int else "<" + _name_of(type(id)) + ">"
            _session.set(None if id is None else _quote(id[:256]))
            if page[64] is not off:
                _send(_head("s", _thread.now if _is_exact() else 0) + "}")
        except Exception as error:
            if not _is_ours(error):
                raise

    no_span = _NoSpan()
    return trace, span, event, state, session


class _NoSpan:
    __slots__ = ()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        return None

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        return None


class _Span:
    __slots__ = ("name", "attrs", "marker")

    def __init__(self, name, attrs):
        self.name = name
        self.attrs = attrs

    def __enter__(self):
        self.marker = _begin(self.name, self.attrs, "a")
        return self

    def __exit__(self, kind, error, traceback):
        _fail(self.marker, error)

    async def __aenter__(self):
        return self.__enter__()

    async def __aexit__(self, kind, error, traceback):
        _fail(self.marker, error)


def _tell(kind, name, value):
    try:
        body, cut = _json(value)
        text = _head(kind, _parent()) + (',"t":1' if cut else "")
        _send(text + ',"n":' + _json(name, 512)[0] + ',"a":' + body + "}")
    except Exception as error:
        if not _is_ours(error):
            raise


trace, span, event, state, session = _doors(_page, _off)

# ---- at import: a tracer that has its eye on this process gets the moment that it needs ----

_BEACONS = "/run/bottrace"


def _ancestors():
    pid = os.getpid()
    for _ in range(64):
        yield pid
        with open("/proc/%d/stat" % pid, "rb") as f:
            pid = int(f.read(4096).rpartition(b")")[2].split()[1])
        if pid <= 0:
            return


def _patience():
    """Seconds to wait for the flag: long where a tracer says that it looks after us, short where one may, else none."""
    try:
        names = [n for n in os.listdir(_BEACONS) if n.isdigit()]
    except OSError:
        # In a container, perhaps. The kernel maps this page where somebody's probe was hit.
        with open("/proc/self/maps", "rb") as f:
            return 0.05 if b"[uprobes]" in f.read() else 0
    if not names:
        return 0
    import json

    ours = set(_ancestors())
    for name in names[:64]:
        with open(_BEACONS + "/" + name, "rb") as f:
            beacon = json.loads(f.read(8192))
        if ours.intersection(beacon.get("targets", ())) and os.path.exists("/proc/" + name):
            return 0.2
    return 0


def _greet():
    try:
        _call(_HELLO, "")
    except OSError:
        pass
    until = time.monotonic() + _patience()
    while _page[64] is _off and time.monotonic() < until:
        time.sleep(0.001)


try:
    os.register_at_fork(after_in_child=_after_fork)
    if type(_page) is not bytes and _page[64] is _off:
        _greet()
except Exception:
    pass
