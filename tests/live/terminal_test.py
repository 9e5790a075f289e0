# SPDX-License-Identifier: BSD-2-Clause
"""`bottrace run` as people type it: an ordinary user, a terminal, pipes, signals; and what happens without rights."""
import os
import pty
import pwd
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import run as rig  # noqa: E402

USER = "bottrace-test"


# ---- an ordinary user ----

def prepare_user(sudo):
    """A user of this name whom sudo trusts, or does not; returns a directory with a copy of the program that he may run."""
    rig.need_root()
    if not shutil.which("sudo") or not shutil.which("useradd"):
        raise rig.Skip("no sudo or useradd here")
    try:
        pwd.getpwnam(USER)
    except KeyError:
        subprocess.run(["useradd", "-m", "-s", "/bin/sh", USER], check=True)
    home = Path(pwd.getpwnam(USER).pw_dir)
    binary = home / "bottrace"
    shutil.copy(rig.BOTTRACE, binary)
    binary.chmod(0o755)
    rule = Path("/etc/sudoers.d/bottrace-test")
    rule.write_text(f"{USER} ALL=(root) NOPASSWD: {binary} attacher\n" if sudo else f"{USER} ALL=(root) {binary} attacher\n")
    rule.chmod(0o440)
    return home, binary


def remove_user():
    Path("/etc/sudoers.d/bottrace-test").unlink(missing_ok=True)
    subprocess.run(["userdel", "-r", USER], capture_output=True)


def as_user(command, cwd, env=None, **options):
    entry = pwd.getpwnam(USER)
    env = {"HOME": entry.pw_dir, "USER": USER, "PATH": os.environ["PATH"], **(env or {})}
    return subprocess.run(command, cwd=cwd, env=env, user=entry.pw_uid, group=entry.pw_gid, extra_groups=[], capture_output=True,
                          text=True, timeout=60, **options)


def ordinary_user():
    home, binary = prepare_user(True)
    code = ("import os,sys;print(os.getuid(),os.environ['HOME'],os.environ['SECRET_SETTING'],len(os.environ),sorted(os.listdir('/proc/self/fd'))"
            ",sys.stdin.read());sys.exit(11)")
    command = ["/usr/bin/python3", "-c", code]
    env = {"SECRET_SETTING": "kept", "VIRTUAL_ENV": "/nowhere"}
    plain = as_user(command, home, env, input="typed")
    traced = as_user([str(binary), "run", "-q", "-o", "json=out.json", "--", *command], home, env, input="typed")
    rig.equal("stderr", traced.stderr, "")
    rig.equal("stdout", traced.stdout, plain.stdout)
    rig.equal("status", traced.returncode, plain.returncode)
    assert "kept" in traced.stdout
    out = home / "out.json"
    rig.equal("owner of the file", out.stat().st_uid, pwd.getpwnam(USER).pw_uid)
    assert out.stat().st_size > 100


def no_rights():
    home, binary = prepare_user(False)
    marker = home / "was-run"
    r = as_user([str(binary), "run", "-o", "json=never.json", "--", "touch", str(marker)], home, stdin=subprocess.DEVNULL,
                start_new_session=True)
    rig.equal("status", r.returncode, 125)
    rig.equal("started", marker.exists(), False)
    rig.equal("document", (home / "never.json").exists(), False)
    lines = r.stderr.strip().split("\n")
    assert len(lines) == 2 and lines[0].startswith("bottrace: ") and lines[1].startswith("hint: "), r.stderr
    r = as_user([str(binary), "attach", str(os.getpid())], home, stdin=subprocess.DEVNULL, start_new_session=True)
    rig.equal("attach's status", r.returncode, 4)


def through_sudo():
    """Typed as `sudo bottrace run`: the command is the caller's."""
    home, binary = prepare_user(True)
    entry = pwd.getpwnam(USER)
    env = {"SUDO_UID": str(entry.pw_uid), "SUDO_GID": str(entry.pw_gid), "SUDO_USER": USER, "HOME": "/root", "USER": "root",
           "PATH": os.environ["PATH"]}
    r = subprocess.run([str(binary), "run", "-o", "json=sudo.json", "--", "sh", "-c", "id -u; id -g; echo $HOME $USER"], env=env, cwd=home,
                       capture_output=True, text=True)
    rig.equal("stdout", r.stdout, f"{entry.pw_uid}\n{entry.pw_gid}\n{entry.pw_dir} {USER}\n")
    rig.equal("owner of the file", (home / "sudo.json").stat().st_uid, entry.pw_uid)
    assert f"runs as {USER}" in r.stderr, r.stderr


# ---- status and signals ----

def statuses():
    for command, want in ((["true"], 0), (["false"], 1), (["sh", "-c", "exit 42"], 42), (["/nonexistent"], 127),
                          (["/etc/passwd"], 126), (["sh", "-c", "kill -9 $$"], -9), (["sh", "-c", "kill -TERM $$"], -15),
                          (["sh", "-c", "kill -SEGV $$"], -11)):
        r = subprocess.run([rig.BOTTRACE, "run", "-q", "--", *command], capture_output=True, text=True)
        rig.equal(f"status of {command}", r.returncode, want)
        if want not in (126, 127):
            rig.equal(f"stderr of {command}", r.stderr, "")


COUNT = r"""
import signal, sys, time
got = []
for s in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
    signal.signal(s, lambda n, f: got.append(n))
print("ready", flush=True)
end = time.monotonic() + 1.5
while time.monotonic() < end:
    time.sleep(0.05)
print(got, flush=True)
"""


def signals():
    """One that is sent to us reaches the command; one sent to the whole group reaches it once."""
    for to_group in (False, True):
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP):
            p = subprocess.Popen([rig.BOTTRACE, "run", "-q", "--", "/usr/bin/python3", "-c", COUNT], stdout=subprocess.PIPE,
                                 text=True, start_new_session=True)
            rig.equal("first line", p.stdout.readline(), "ready\n")
            os.killpg(p.pid, sig) if to_group else p.send_signal(sig)
            out, _ = p.communicate(timeout=30)
            rig.equal(f"{sig.name} to the {'group' if to_group else 'process'}", out, f"[{int(sig)}]\n")
            rig.equal("status", p.returncode, 0)


# ---- a terminal ----

class Terminal:
    """A pseudo-terminal with a shell on it."""

    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.environ.update(PS1="$ ", TERM="dumb", HISTFILE="")
            os.execl("/bin/bash", "bash", "--norc", "--noprofile", "-i")
        self.text = ""
        self.expect(r"\$ ")

    def send(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern, timeout_s=20):
        end = time.monotonic() + timeout_s
        while True:
            m = re.search(pattern, self.text)
            if m:
                seen, self.text = self.text[:m.end()], self.text[m.end():]
                return seen
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f"the terminal did not show {pattern!r}; it showed {self.text!r}")
            self.text += os.read(self.fd, 4096).decode(errors="replace")

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def on_terminal(function):
    t = Terminal()
    try:
        function(t)
    finally:
        t.close()


def terminal_stays():
    def check(t):
        t.send(f"{rig.BOTTRACE} run -q -- /usr/bin/python3 -c \"import os;print([os.isatty(i) for i in (0,1,2)]); print('got', input('name? '))\"\n")
        t.expect(r"\[True, True, True\]\r\n")
        t.expect(r"name\? ")
        t.send("Ada\n")
        t.expect(r"Ada\r\ngot Ada\r\n")  # the terminal echoed what was typed
        t.expect(r"\$ ")
        t.send("stty -a | grep -ow '[-]*echo'\n")
        t.expect(r"\necho\r\n")
    on_terminal(check)


def interrupt_once():
    def check(t):
        t.send(f"{rig.BOTTRACE} run -q -- /usr/bin/python3 {script}\n")
        t.expect("ready")
        t.send("\x03")
        t.expect(r"\[2\]\r\n")
        t.expect(r"\$ ")
        t.send("echo status $?\n")
        t.expect(r"status 0\r\n")
    with rig.directory() as d:
        script = Path(d, "count.py")
        script.write_text(COUNT)
        on_terminal(check)


def stop_and_continue():
    def check(t):
        t.send(f"{rig.BOTTRACE} run -q -- /usr/bin/python3 -u -c \"print('be'+'gun'); print('got', input())\"\n")
        t.expect("begun")
        time.sleep(0.2)
        t.send("\x1a")
        t.expect("Stopped")
        t.expect(r"\$ ")
        time.sleep(0.2)  # bash takes the terminal back after its prompt and drops what was typed meanwhile
        t.send("jobs\n")
        t.expect(r"Stopped.*run")
        t.send("fg\n")
        t.expect(r"run -q")
        time.sleep(0.2)
        t.send("on again\n")
        t.expect("got on again")
        t.expect(r"\$ ")
    on_terminal(check)


def pipeline():
    def check(t):
        t.send(f"printf 'b\\na\\n' | {rig.BOTTRACE} run -q -- sort | {rig.BOTTRACE} run -q -- sed 's/^/x/' | cat\n")
        t.expect(r"xa\r\nxb\r\n")
        t.expect(r"\$ ")
        t.send(f"{rig.BOTTRACE} run -q -- yes | head -n 1; echo ${{PIPESTATUS[*]}}\n")
        t.expect(r"y\r\n141 0\r\n")
    on_terminal(check)


def main():
    suite = rig.Suite()
    try:
        for test in (ordinary_user, no_rights, through_sudo):
            suite.test(test)
    finally:
        if os.geteuid() == 0:
            remove_user()
    if os.geteuid() == 0:
        for test in (statuses, signals, terminal_stays, interrupt_once, stop_and_continue, pipeline):
            suite.test(test)
    else:
        print("skipped 6 tests of run: need root")
        suite.skipped += 6
    suite.close()


main()
