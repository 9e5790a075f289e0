# SPDX-License-Identifier: BSD-2-Clause
"""Writes tapes by hand: the records of bpf/wire.h as a kernel and an attacher would send them (docs/tape.md)."""
import struct

MAGIC = b"\x89bottape"
VERSION = 2
S = 1_000_000_000
MS = 1_000_000
OPT_STACKS = 256
REASONS = {"whole": 0, "depth": 1, "fault": 2, "thread": 3, "version": 4, "free_threaded": 5, "kernel": 6, "changed": 7}
CODE_QUALNAME, CODE_CUT, CODE_FAULT = 1, 2, 4
RECORD_MAX = 65536


def text(s):
    """(kind, bytes) of a str as CPython keeps it; bytes are taken as they are."""
    if s is None:
        return 0, b""
    if isinstance(s, tuple):
        return s
    top = max(map(ord, s), default=0)
    if top < 256:
        return 1, s.encode("latin-1")
    if top < 65536:
        return 2, s.encode("utf-16-le", "surrogatepass")
    return 4, s.encode("utf-32-le", "surrogatepass")


class Code:
    """What the kernel would send of a code object. address and epoch name it."""

    def __init__(self, address, file, name, *, minor=11, first=1, table=b"", epoch=1, flags=CODE_QUALNAME, co_flags=0):
        self.address, self.file, self.name, self.minor = address, file, name, minor
        self.first, self.table, self.epoch, self.flags, self.co_flags = first, table, epoch, flags, co_flags

    def at(self, line, frame=None, generator=False):
        """A frame that stands in this line, of a code object made by `lines`."""
        return Frame(self, (line - self.first) * 2, frame, generator)


class Frame:
    def __init__(self, code, lasti, frame=None, generator=False):
        self.code, self.lasti, self.frame, self.generator = code, lasti, frame or code.address + 1, generator


def lines(count):
    """A location table (3.11 and later) with one unit of code in each of so many lines: (line - first) * 2 stands there."""
    return b"".join(bytes([0x80 | (10 + (i > 0)) << 3, 0, 0]) for i in range(count))


class Tape:
    def __init__(self, mode=1, options=OPT_STACKS, now=10 * S):
        self.now = now
        self.records = [MAGIC + struct.pack("<II", VERSION, 0x01020304)]
        self.offsets = {}
        self.counts = {}
        self.add(0x8001, 0, struct.pack("<IIQqQQ16sIIII", VERSION, mode, options, 1_700_000_000 * S, 0, 1 << 20,
                                        b"\1" * 16, 300, 100, 0, 0))

    def add(self, kind, pid, body, flags=0, tid=None, start=None):
        size = (32 + len(body) + 7) & ~7
        self.now += 1000
        start = start if start is not None else (pid and 77)
        head = struct.pack("<IHHQIIQ", size, kind, flags, self.now, pid, pid if tid is None else tid, start)
        assert size <= RECORD_MAX
        if kind < 0x4000 and kind != 0x0101:
            self.count(pid, start)[2] += 1
        self.records.append((head + body).ljust(size, b"\0"))

    def bytes(self):
        return b"".join(self.records)

    def count(self, pid, start=77):
        """calls, bytes, events that the kernel sent."""
        return self.counts.setdefault((pid, start), [0, 0, 0])

    # ---- processes ----

    def process(self, pid, *argv, parent=0, target=True):
        """One that lived before us, and was named."""
        path, args = argv[0].encode(), b"".join(a.encode() + b"\0" for a in argv)
        self.add(0x8003, pid, struct.pack("<IIQII16s", parent, 0, parent and 77, len(path), len(args), b"python3")
                 + path + args, flags=2)
        if target:
            self.add(0x8009, pid, b"")

    def execs(self, pid, *argv):
        path, args = argv[0].encode(), b"".join(a.encode() + b"\0" for a in argv)
        self.offsets = {k: v for k, v in self.offsets.items() if k[0] != pid}
        self.add(0x0202, pid, struct.pack("<II16s", len(path), len(args), b"python3") + path + args)

    def exits(self, pid, code=0):
        self.add(0x0203, pid, struct.pack("<ii", code, 0))

    def runtime(self, pid, version=0x030b02f0, reason="whole", path="/usr/bin/python3.11"):
        self.add(0x8010, pid, struct.pack("<IIII", version, 0, REASONS[reason], len(path)) + path.encode())

    # ---- connections ----

    def data(self, pid, conn, direction, body, tid=None):
        """One call; its offset."""
        at = self.offsets.get((pid, conn, direction), 0)
        self.offsets[pid, conn, direction] = at + len(body)
        self.count(pid)[0] += 1
        self.count(pid)[1] += len(body)
        for off in range(0, len(body), 16384):
            piece = body[off:off + 16384]
            self.add(0x0101, pid, struct.pack("<QQQQQQQIBBBB", 0x1000 + conn, 7, at + off, len(body), off, 500, 0, len(piece),
                                              direction, 2 if direction else 0, 0, 0) + piece, tid=tid)
        return at

    def writes(self, pid, conn, body, tid=None):
        return self.data(pid, conn, 1, body, tid)

    def reads(self, pid, conn, body, tid=None):
        return self.data(pid, conn, 0, body, tid)

    def pipe(self, pid, conn, direction, ino):
        """One direction of a process, to or from a pipe."""
        self.add(0x0301, pid, struct.pack("<QQHHHHiI16s16sQQ112s", 0x1000 + conn, 7, 3, 0, 0, 0, 3, 0, b"", b"", ino, 0, b""),
                 flags=direction)

    def stdio(self, pid, stdin, stdout):
        self.add(0x0204, pid, struct.pack("<QQQQ", stdin, stdout, 0, 0))

    # ---- Python ----

    def code(self, pid, code):
        kind, file = text(code.file)
        name_kind, name = text(code.name)
        self.add(0x0402, pid, struct.pack("<QIiIBBBBIIII", code.address, code.epoch, code.first, code.co_flags, code.minor, kind,
                                          name_kind, code.flags, len(file), len(name), len(code.table), 0)
                 + file + name + code.table)

    def stack(self, pid, conn, offset, frames, *, tid=None, reason="whole", task=None, task_object=0, coroutine=0, context=0):
        if isinstance(task, int):
            kind, name = 8, struct.pack("<Q", task)
        else:
            kind, name = text(task)
        body = struct.pack("<QQQQQQQQHBBI", 0x1000 + conn, 7, offset, 0xa000, context, 0, task_object, coroutine,
                           len(frames), REASONS[reason], kind, len(name))
        for f in frames:
            body += struct.pack("<QIiQII", f.code.address, f.code.epoch, f.lasti, f.frame, int(f.generator), 0)
        self.add(0x0401, pid, body + name, tid=tid)

    def end(self, why=0, has_final=1):
        for (pid, start), (calls, size, events) in sorted(self.counts.items()):
            none = [0] * 10
            self.add(0x8005, pid, struct.pack("<39Q", calls, calls, 0, 0, calls, *none, size, size, 0, *none, events, *none),
                     start=start)
        self.add(0x8008, 0, struct.pack("<II", why, has_final))


def request(path="/v1/chat/completions", body=b'{"model":"m","messages":[{"role":"user","content":"hi"}]}', host="api.openai.com"):
    return b"POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (
        path.encode(), host.encode(), len(body)) + body


def answer(body=b'{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"ho"},"finish_reason":"stop"}]}'):
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
