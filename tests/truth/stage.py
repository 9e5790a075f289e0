# SPDX-License-Identifier: BSD-2-Clause
"""A program of a framework on a stage: names drawn, the model beside it, run under bottrace or with the oracle inside."""
import json
import os
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

from draw import Draw, read_plan
from rig import run as rig
from rig.server import Server
from speech import Model

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
# what keeps programs from calling home, or from asking a person
QUIET = {"OPENAI_AGENTS_DISABLE_TRACING": "1", "CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_TRACING_ENABLED": "false",
         "LITELLM_LOCAL_MODEL_COST_MAP": "True", "ANONYMIZED_TELEMETRY": "false", "HF_HUB_OFFLINE": "1",
         "CREWAI_DISABLE_TRACKING": "true", "CREWAI_TESTING": "true"}


class Stage:
    """One drawing of a program, in a directory of its own; may be run twice."""

    def __init__(self, directory, framework, program, seed):
        self.framework, self.directory = framework, Path(directory)
        self.draw = Draw(seed)
        self.stem = program
        for source in PROGRAMS.glob("*.py"):
            (self.directory / source.name).write_text(self.draw.fill(source.read_text()))
        self.program = self.directory / f"{self.stem}.py"

    def rows(self, mode):
        """The plan of this mode: rows after a line `only MODE…` are for those modes, until the next such line or `all`."""
        kept, lines = True, []
        for line in (PROGRAMS / f"{self.stem}.plan").read_text().split("\n"):
            words = line.split()
            if words[:1] == ["only"] or words == ["all"]:
                kept = words == ["all"] or mode in words[1:]
            elif kept:
                lines.append(line)
        return read_plan(self.draw, "\n".join(lines))

    def environment(self, server, extra):
        home = self.directory / "home"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        env = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "TERM", "TMPDIR")}
        return {**env, **QUIET, "HOME": str(home), "OPENAI_API_KEY": "sk-none", "OPENAI_BASE_URL": server.url + "/v1",
                "OPENAI_API_BASE": server.url + "/v1", "SSL_CERT_FILE": server.ca, **extra}

    def run(self, python, mode, oracle):
        """(process, model, document or the oracle's spans)."""
        model = Model(self.rows(mode), self.framework)
        with closing(Server(model)) as server:
            env = self.environment(server, {"OPENAI_AGENTS_DISABLE_TRACING": "0"} if oracle else {})
            if oracle:
                out = self.directory / f"{mode}.spans"
                r = subprocess.run([python, str(HERE / "oracle.py"), self.framework, str(out), str(self.program), mode], env=env,
                                   capture_output=True, text=True, timeout=120, cwd=self.directory, stdin=subprocess.DEVNULL)
                told = [json.loads(line) for line in out.read_text().split("\n") if line] if out.exists() else []
            else:
                r, told = rig.run([python, str(self.program), mode], env=env, cwd=self.directory)
        return r, model, told
