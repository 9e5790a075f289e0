# SPDX-License-Identifier: BSD-2-Clause
"""A client, and LiteLLM's proxy between it and the model: proxied.py URL CA MODE

The client speaks plain HTTP with the proxy, the proxy TLS with the model. MODE: plain or stream."""
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

URL, CA, MODE = sys.argv[1:]
CONFIG = {"model_list": [{"model_name": "our-model", "litellm_params": {
    "model": "openai/gpt-5-mini", "api_base": URL + "/v1", "api_key": "sk-x"}}], "litellm_settings": {"telemetry": False, "num_retries": 0}}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait(proxy, base):
    end = time.monotonic() + 120
    while time.monotonic() < end and proxy.poll() is None:
        try:
            return urllib.request.urlopen(base + "/health/liveliness", timeout=5).read()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    sys.exit("the proxy did not start")


def main():
    from openai import OpenAI
    key = "sk-" + secrets.token_hex(32)  # it wants a strong one
    base = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as d:
        config = Path(d, "config.yaml")
        config.write_text(json.dumps(CONFIG))
        env = dict(os.environ, SSL_CERT_FILE=CA, LITELLM_MASTER_KEY=key, LITELLM_LOCAL_MODEL_COST_MAP="True", HOME=d)
        with open(Path(d, "log"), "wb") as log:
            script = Path(sys.executable).with_name("litellm")  # its first line may name where the venv was before
            proxy = subprocess.Popen([sys.executable, script, "--config", config, "--host", "127.0.0.1",
                                      "--port", base.rsplit(":", 1)[1], "--telemetry", "False"], env=env, stdout=log, stderr=log)
            try:
                wait(proxy, base)
                client = OpenAI(base_url=base + "/v1", api_key=key, max_retries=0)
                request = {"model": "our-model", "messages": [{"role": "user", "content": "What is the weather in Oslo?"}]}
                if MODE == "stream":
                    told = client.chat.completions.create(**request, stream=True, stream_options={"include_usage": True})
                    print("".join(c.choices[0].delta.content or "" for c in told if c.choices))
                else:
                    print(client.chat.completions.create(**request).choices[0].message.content)
            except Exception:
                sys.stderr.write(Path(d, "log").read_text(errors="replace")[-3000:])
                raise
            finally:
                proxy.terminate()
                proxy.wait(30)


main()
