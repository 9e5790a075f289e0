# SPDX-License-Identifier: BSD-2-Clause
"""Reads Python stacks off a tape (docs/tape.md), and names their frames as CPython's own tables say."""
import struct
from dataclasses import dataclass, field
from pathlib import Path

TLS_DATA, PY_STACK, PY_CODE, PY_VALUE, PY_RUNTIME, SHED = 0x0101, 0x0401, 0x0402, 0x0403, 0x8010, 0x800a
WRITE, TABLE_MAX, AT_EVENT = 1, 16384, 1 << 63
VALUE_REASONS = ["whole", "local", "absent", "type", "fault", "large", "cut"]
REASONS = ["whole", "depth", "fault", "thread", "version", "free_threaded", "kernel", "changed", "lost", "early"]


@dataclass
class Head:
    kind: int
    ts_ns: int
    pid: int
    tid: int
    start_ns: int
    flags: int


def records(path):
    """(head, what follows it) of each record."""
    tape = Path(path).read_bytes()
    assert tape[:8] == b"\x89bottape", "not a tape"
    at = 16
    while at < len(tape):
        size, kind, flags, ts, pid, tid, start = struct.unpack_from("<IHHQIIQ", tape, at)
        yield Head(kind, ts, pid, tid, start, flags), tape[at + 32:at + size]
        at += size


def text(kind, data):
    return "" if kind == 0 else data.decode({1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[kind])


@dataclass
class Code:
    first_line: int
    flags: int
    minor: int
    file: str
    name: str
    table: bytes

    def line(self, lasti):
        """Of the instruction at lasti; None: it has none."""
        if lasti < 0:
            return self.first_line
        if self.minor >= 11:
            return self._locations(lasti)
        return self._lines(lasti) if self.minor == 10 else self._lnotab(lasti)

    def _lnotab(self, lasti):
        line, address = self.first_line, 0
        for delta, step in zip(self.table[::2], self.table[1::2]):
            address += delta
            if address > lasti:
                break
            line += step - 256 if step > 127 else step
        else:
            return None if len(self.table) == TABLE_MAX else line  # it was cut
        return line

    def _lines(self, lasti):
        line, address = self.first_line, 0
        for delta, step in zip(self.table[::2], self.table[1::2]):
            here = None if step == 128 else line + (step - 256 if step > 127 else step)
            line = line if here is None else here
            address += delta
            if lasti < address:
                return here
        return None

    def _locations(self, lasti):
        at, address, line, t = 0, 0, self.first_line, self.table

        def varint():
            nonlocal at
            value = shift = 0
            while True:
                b = t[at]
                at += 1
                value |= (b & 63) << shift
                shift += 6
                if not b & 64:
                    return value

        def signed():
            v = varint()
            return -(v >> 1) if v & 1 else v >> 1

        while at < len(t):
            first = t[at]
            at += 1
            code, here = first >> 3 & 15, None
            if code == 15:
                pass
            elif code == 14:
                line += signed()
                varint(), varint(), varint()
                here = line
            elif code == 13:
                line += signed()
                here = line
            elif code >= 10:
                line += code - 10
                at += 2
                here = line
            else:
                at += 1
                here = line
            address += ((first & 7) + 1) * 2
            if lasti < address:
                return here
        return None


@dataclass
class Frame:
    code: Code
    line: int
    generator: bool
    frame: int
    lasti: int

    @property
    def name(self):
        return self.code.name if self.code else None

    @property
    def file(self):
        return Path(self.code.file).name if self.code else None


@dataclass
class Stack:
    head: Head
    conn: tuple
    offset: int
    thread: int
    context: int
    context_vars: int
    task: int
    coroutine: int
    reason: str
    task_name: object
    data: bytes  # that the write began with
    frames: list = field(default_factory=list)
    values: list = field(default_factory=list)


@dataclass
class Value:
    rule: int
    at: int       # index of the frame
    frame: int
    reason: str
    text: object  # None: nothing was found; an int: an address


@dataclass
class Tape:
    stacks: list    # of writes
    events: list    # of events of code: bpf/event.h
    runtimes: list  # (head, version, flags, reason, path)
    codes: int      # records of code objects
    partial: int    # of these, not whole
    bytes: int      # of records of stacks and code objects
    steps: list     # of the overhead governor: (ts_ns, level)
    values: int = 0

    def at(self, path):
        """The stack of the request for /path."""
        found = [s for s in self.stacks if s.data.startswith(f"GET /{path} ".encode())]
        assert len(found) == 1, f"{len(found)} stacks of /{path}"
        return found[0]


def read(path):
    codes, data, latest, tape = {}, {}, {}, Tape([], [], [], 0, 0, 0, [])
    for head, body in records(path):
        if head.kind == TLS_DATA:
            ssl, generation, offset, _, call_off, _, _, n, direction = struct.unpack_from("<7QIB", body)
            if direction == WRITE and call_off == 0:
                data[ssl, generation, offset] = body[64:64 + n]
        if head.kind == SHED:
            tape.steps.append((head.ts_ns, struct.unpack_from("<I", body)[0]))
        elif head.kind == PY_RUNTIME:
            version, flags, reason, n = struct.unpack_from("<4I", body)
            tape.runtimes.append((head, version, flags, REASONS[reason], body[16:16 + n].decode()))
        elif head.kind == PY_CODE:
            code, epoch, line, flags, minor, fk, nk, cut, fn, nn, tn, _ = struct.unpack_from("<QIiI4B4I", body)
            at = 40
            file, name, table = body[at:at + fn], body[at + fn:at + fn + nn], body[at + fn + nn:at + fn + nn + tn]
            codes[head.pid, head.start_ns, code, epoch] = Code(line, flags, minor, text(fk, file), text(nk, name), table)
            tape.codes += 1
            tape.partial += bool(cut & 6)
            tape.bytes += len(body) + 32
        elif head.kind == PY_STACK:
            stack = latest[head.tid] = _stack(head, body, codes, data)
            (tape.events if stack.conn[1] & AT_EVENT else tape.stacks).append(stack)
            tape.bytes += len(body) + 32
        elif head.kind == PY_VALUE:
            of = latest[head.tid]
            of.values.append(_value(of, body))
            tape.values += 1
            tape.bytes += len(body) + 32
    return tape


def _value(stack, body):
    ssl, generation, offset, frame, epoch, rule, at, kind, reason, _, n = struct.unpack_from("<4QIHHBBHI", body)
    assert (ssl, generation, offset) == (*stack.conn, stack.offset), "a value behind another stack"
    data = body[48:48 + n]
    found = None if kind == 0 else struct.unpack("<Q", data)[0] if kind == 8 else text(kind, data)
    return Value(rule, at, frame, VALUE_REASONS[reason], found)


def _stack(head, body, codes, data):
    ssl, generation, offset, thread, context, variables, task, coroutine, count, reason, kind, n = \
        struct.unpack_from("<8QHBBI", body)
    s = Stack(head, (ssl, generation), offset, thread, context, variables, task, coroutine, REASONS[reason], None,
              data.get((ssl, generation, offset), b""))
    at = 72
    for _ in range(count):
        code, epoch, lasti, frame, flags, pad = struct.unpack_from("<QIiQII", body, at)
        at += 32
        assert pad == 0
        c = codes.get((head.pid, head.start_ns, code, epoch))
        s.frames.append(Frame(c, c.line(lasti) if c else None, bool(flags & 1), frame, lasti))
    if kind == 8:
        s.task_name = "Task-%d" % struct.unpack_from("<Q", body, at)
    elif kind:
        s.task_name = text(kind, body[at:at + n])
    return s
