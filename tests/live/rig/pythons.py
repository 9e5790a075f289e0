# SPDX-License-Identifier: BSD-2-Clause
"""Interpreters to try: those of the machine, and Debian's of other releases, unpacked (nothing is installed)."""
import shutil
from dataclasses import dataclass
from pathlib import Path

from .openssl import once, unpack
from .run import CACHE, Skip, interpreters

# release: minor versions; what they need beside themselves
DEBIAN = {"bullseye": ["3.9"], "trixie": ["3.13"], "sid": ["3.14", "3.15"]}
NEEDS = {
    "bullseye": ["libc6", "libcrypt1", "libssl1.1", "zlib1g", "libexpat1", "libffi7", "libbz2-1.0", "liblzma5", "libgcc-s1"],
    "trixie": ["libc6", "libssl3t64", "zlib1g", "libzstd1", "libexpat1", "libffi8", "libbz2-1.0", "liblzma5", "libgcc-s1"],
    "sid": ["libc6", "libssl3t64", "zlib1g", "libzstd1", "libexpat1", "libffi8", "libbz2-1.0", "liblzma5", "libgcc-s1"],
}


@dataclass
class Python:
    name: str
    version: str   # "3.11.2"
    command: list  # what starts it
    root: str      # where its files are seen as /; "": here

    def program(self, path):
        """The path of a program of ours as that interpreter sees it."""
        if not self.root:
            return str(path)
        there = Path(self.root, "tmp", Path(path).name)
        there.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, there)
        return f"/tmp/{there.name}"


def debian(release, minor):
    names = [f"python{minor}-minimal", f"libpython{minor}-minimal", f"libpython{minor}-stdlib", *NEEDS[release]]
    root = once(CACHE / "python" / f"{release}-{minor}", lambda where: unpack(where, release, names)) / "root"
    # Older releases have /lib and /usr/lib apart, later ones one of them.
    for top in ("lib", "lib64", "bin"):
        if not (root / top).exists() and (root / "usr" / top).exists():
            (root / top).symlink_to(f"usr/{top}")
    if not (root / "usr" / "bin" / f"python{minor}").exists():
        raise Skip(f"{release} has no python{minor}")
    return Python(f"{release} {minor}", minor, ["chroot", str(root), f"/usr/bin/python{minor}"], str(root))


def all_of_them():
    """(name, how to get it) of all."""
    here = [(f"{version} {path}", lambda v=version, p=path: Python(f"{v} {p}", v, [p], "")) for version, path in
            interpreters()]
    static = sorted(p for p in (CACHE / "standalone").glob("*/bin/python3.[0-9]*[0-9]") if (p.parents[1] / ".done").exists())
    here += [(f"standalone {p.parts[-3]}", lambda p=p: Python(f"standalone {p.parts[-3]}", p.parts[-3], [str(p)], ""))
             for p in static]
    return here + [(f"{r} {m}", lambda r=r, m=m: debian(r, m)) for r in DEBIAN for m in DEBIAN[r]]
