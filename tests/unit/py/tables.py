# SPDX-License-Identifier: BSD-2-Clause
"""Prints rows of tables.h: code objects of the interpreter that runs this, with the line that its own PyCode_Addr2Line gives
for every instruction. `tests/unit/py/tables.py PYTHON...` asks each of them and prints the whole file."""
import subprocess
import sys

SOURCE = '''
def plain(a, b):
    c = a + b
    if c:
        return (c
                + a
                - b)
    return None

class Agent:
    x = 1

    async def run(self, items):
        async with self as s:
            async for i in s:
                yield [j
                       for j in items
                       if j != i]

    @staticmethod
    def loop(n):
        for i in range(n):
            try:
                if i % 2: continue
                raise ValueError(
                    i,
                    "text",
                )
            except ValueError as e:
                print(
                    e)
            finally:
                n -= 1
        while n: n -= 1; break
        else:
            return lambda: (n,
                            n + 1)

def far():
    a = 1
''' + "\n" * 300 + '''    b = (
        a
''' + "\n" * 200 + '''    )
    return [a,
            b]

def long_lines(a):
    return {''' + ", ".join(f"'{i}': a.b{i}(a, {i} + a)" for i in range(40)) + '''}
'''


def codes(code):
    yield code
    for const in code.co_consts:
        if hasattr(const, "co_code"):
            yield from codes(const)


def runs(lines):
    """12 12 12 0 13 as 12*3 0*1 13*1."""
    out = []
    for line in lines:
        if out and out[-1][0] == line:
            out[-1][1] += 1
        else:
            out.append([line, 1])
    return " ".join(f"{line}*{n}" for line, n in out)


def quoted(s, width=96):
    return "\n\t ".join(f'"{s[i:i + width]}"' for i in range(0, len(s), width)) or '""'


def rows():
    import ctypes
    line_of = ctypes.pythonapi.PyCode_Addr2Line
    line_of.argtypes, line_of.restype = [ctypes.py_object, ctypes.c_int], ctypes.c_int
    for code in codes(compile(SOURCE, "agent.py", "exec")):
        table = code.co_linetable if sys.version_info >= (3, 10) else code.co_lnotab
        lines = [max(line_of(code, at), 0) for at in range(0, len(code.co_code), 2)]
        print(f"\t/* {code.co_name} */\n\t{{{sys.version_info[1]}, {code.co_firstlineno},\n\t {quoted(table.hex())},"
              f"\n\t {quoted(runs(lines))}}},")


def main():
    if len(sys.argv) == 1:
        return rows()
    print("/* SPDX-License-Identifier: BSD-2-Clause */\n"
          "/* Made by tables.py. Minor version, first line, line table, and the line of each unit of code: line*units, 0 for none. */\n"
          "/* clang-format off */\n"
          "static const struct {\n\tuint8_t minor;\n\tint32_t first;\n\tconst char *table, *lines;\n} tables[] = {")
    for python in sys.argv[1:]:
        print(subprocess.run([python, __file__], check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout, end="")
    print("};")


if __name__ == "__main__":
    main()
