# SPDX-License-Identifier: BSD-2-Clause
"""Builds of OpenSSL to try: Debian's of several releases, unpacked (nothing is installed), and wheels' private copies."""
import fcntl
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .run import CACHE, Skip

# release: package with both libraries, then what else a program of that release needs to start
DEBIAN = {"bullseye": ["libssl1.1"], "bookworm": ["libssl3"], "trixie": ["libssl3t64", "libc6", "zlib1g", "libzstd1"],
          "sid": ["libssl3t64", "libc6", "zlib1g", "libzstd1"]}
# psycopg's has no .eh_frame: the extent of its static functions is not known
WHEELS = {"psycopg": "psycopg-binary==3.3.9", "psycopg2": "psycopg2-binary==2.9.10"}


@dataclass
class Build:
    name: str
    crypto: str
    ssl: str
    start: list  # what runs a program with it


def mirror():
    """The Debian mirror that this machine uses."""
    r = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)"], capture_output=True, text=True)
    for line in r.stdout.split("\n"):
        if re.match(r"https?://.*debian", line) and "security" not in line:
            return line.strip()
    return "http://deb.debian.org/debian"


def command(*words, cwd=None):
    r = subprocess.run(words, capture_output=True, text=True, cwd=cwd)
    if r.returncode:
        raise Skip(f"{words[0]}: {(r.stderr or r.stdout).strip().splitlines()[-1:]}")


def once(where, make):
    """A directory of the cache, made whole or not at all."""
    where.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{where}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (where / ".done").exists():
            shutil.rmtree(where, ignore_errors=True)
            where.mkdir()
            make(where)
            (where / ".done").write_text("\n")
    return where


def unpack(where, release, packages):
    """Debian's packages of that release, into where/root."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise Skip("no apt-get here")
    apt = where / "apt"
    for d in ("lists/partial", "cache/archives/partial", "deb"):
        (apt / d).mkdir(parents=True)
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (apt / "sources.list").write_text(f"deb [signed-by={keys}] {mirror()} {release} main\n")
    options = [f"-oDir::Etc::SourceList={apt}/sources.list", "-oDir::Etc::SourceParts=/dev/null",
               f"-oDir::State::Lists={apt}/lists", f"-oDir::Cache={apt}/cache", "-oDir::State::status=/dev/null",
               "-oAPT::Sandbox::User=root", "-oAcquire::Languages=none", "-oAcquire::Retries=2"]
    command("apt-get", "-q", *options, "update")
    command("apt-get", "-q", *options, "download", *packages, cwd=apt / "deb")
    for deb in sorted((apt / "deb").glob("*.deb")):
        command("dpkg", "-x", str(deb), str(where / "root"))
    shutil.rmtree(apt)


def debian(release):
    root = once(CACHE / "openssl" / release, lambda where: unpack(where, release, DEBIAN[release])) / "root"
    ssl = next(root.glob("usr/lib/*/libssl.so.*"))
    loader = next(iter(sorted(root.glob("usr/lib/*/ld-linux-*.so.*"))), None)
    return Build(release, str(next(ssl.parent.glob("libcrypto.so.*"))), str(ssl),
                 [str(loader), "--library-path", str(ssl.parent)] if loader else ["env", f"LD_LIBRARY_PATH={ssl.parent}"])


def wheel(name):
    def make(where):
        command(sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
                "--python-version", "3.11", "-d", str(where), WHEELS[name])
        command(sys.executable, "-m", "zipfile", "-e", str(next(where.glob("*.whl"))), str(where / "root"))

    root = once(CACHE / "openssl" / name, make) / "root"
    ssl = next(root.glob("*.libs/libssl-*"))
    return Build(name, str(next(ssl.parent.glob("libcrypto-*"))), str(ssl), ["env", f"LD_LIBRARY_PATH={ssl.parent}"])


def builds():
    """(name, how to get it) of all."""
    return [(n, lambda n=n: debian(n)) for n in DEBIAN] + [(n, lambda n=n: wheel(n)) for n in WHEELS]
