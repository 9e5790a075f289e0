# SPDX-License-Identifier: BSD-2-Clause
"""A financial analysis by three agents, one process each: researcher, critic, executive."""
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def ask(who, task):
    done = subprocess.run([sys.executable, str(HERE / f"{who}.py")], input=task, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"desk: {who} failed with {done.returncode}")
    print(done.stdout, end="", flush=True)
    return done.stdout


facts = ask("researcher", "What is known about Acme (ACME) today?")
mood = ask("critic", f"Weigh this:\n{facts}")
ask("executive", f"Decide on ACME.\n{facts}{mood}")
