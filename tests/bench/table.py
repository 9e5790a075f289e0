# SPDX-License-Identifier: BSD-2-Clause
"""Medians with their spread, and the table that people read."""
import os
import platform
import statistics
import sys
from pathlib import Path


def note(text):
    print(text, file=sys.stderr, flush=True)


def machine(load_before):
    cpu = next((l.split(":", 1)[1].strip() for l in Path("/proc/cpuinfo").read_text().splitlines()
                if l.startswith("model name")), platform.machine())
    virtual = "hypervisor" in Path("/proc/cpuinfo").read_text()
    return {"cores": os.cpu_count(), "cpu": cpu, "kernel": ".".join(platform.release().split("-")[0].split(".")[:2]),
            "virtual": virtual, "python": platform.python_version(),
            "load_before": round(load_before[0], 2), "load_after": round(os.getloadavg()[0], 2)}


def middle(values):
    """(median, least, most), or None."""
    values = [v for v in values if v is not None]
    return (statistics.median(values), min(values), max(values)) if values else None


def by_mode(rows, workload):
    out = {}
    for r in rows:
        if r["workload"] == workload:
            out.setdefault(r["mode"], []).append(r)
    return out


def ratios(rows, base, name):
    """Of each round's figure to the same round's untraced one."""
    of = {r["round"]: r.get(name) for r in base}
    return [r[name] / of[r["round"]] for r in rows if of.get(r["round"]) and r.get(name) is not None]


def summary(rows):
    """Everything that a table says, for machines: workload -> mode -> figure -> {median, min, max}."""
    out = {}
    for workload in dict.fromkeys(r["workload"] for r in rows):
        modes = by_mode(rows, workload)
        base = modes.get("untraced") or modes.get("none") or []
        for mode, mine in modes.items():
            figures = {}
            names = dict.fromkeys(k for r in mine for k, v in r.items() if isinstance(v, (int, float)) and k != "round")
            for name in names:
                figures[name] = middle([r.get(name) for r in mine])
                if base and base is not mine and any(name.startswith(p) for p in ("cpu", "wall", "us_per", "step")):
                    figures[name + "_ratio"] = middle(ratios(mine, base, name))
            out.setdefault(workload, {})[mode] = {k: dict(zip(("median", "min", "max"), v)) for k, v in figures.items() if v}
    return out


def number(v):
    return f"{v:.0f}" if v >= 100 else f"{v:.1f}" if v >= 10 else f"{v:.2f}" if v >= 0.1 or v == 0 else f"{v:.3f}"


def spread(figure, scale=1):
    if not figure:
        return "-"
    m, lo, hi = (number(figure[k] * scale) for k in ("median", "min", "max"))
    return m if lo == hi else f"{m} ({lo}-{hi})"


def share(f, part, whole):
    if part not in f or not f.get(whole, {}).get("median"):
        return "-"
    return f"{100 * f[part]['median'] / f[whole]['median']:.4g} %"


def copied(f):
    """Of what moved, what came to the collector: less than all by a mode or a verdict, or by loss."""
    moved = sum(f.get(name, {}).get("median", 0) for name in ("bytes_read", "bytes_written"))
    return f"{100 * f['kept']['median'] / moved:.3g} %" if moved and "kept" in f else "-"


def lost(f):
    """The worst round's; the peer knows only how many events."""
    for name, unit in (("lost", ""), ("lost_events", " ev")):
        if name in f:
            return f"{f[name]['max']:.0f}{unit}"
    return "-"


LOAD_COLUMNS = [
    ("client CPU s", lambda f: spread(f.get("cpu_s"))),
    ("x untraced", lambda f: spread(f.get("cpu_s_ratio"))),
    ("wall s", lambda f: spread(f.get("wall_s"))),
    ("x untraced", lambda f: spread(f.get("wall_s_ratio"))),
    ("read", lambda f: share(f, "captured_read", "bytes_read")),
    ("written", lambda f: share(f, "captured_written", "bytes_written")),
    ("copied", copied),
    ("lost B", lost),
    ("tracer CPU s", lambda f: spread(f.get("tracer_cpu_s"))),
    ("private MB", lambda f: spread(f.get("private_bytes"), 1e-6)),
    ("at the end", lambda f: spread(f.get("private_end_bytes"), 1e-6)),
]
PAIR_COLUMNS = [
    ("us a call, 64 B", lambda f: spread(f.get("us_per_call_64"))),
    ("4 KiB", lambda f: spread(f.get("us_per_call_4096"))),
    ("x untraced, 64 B", lambda f: spread(f.get("us_per_call_64_ratio"))),
    ("4 KiB", lambda f: spread(f.get("us_per_call_4096_ratio"))),
    ("lost B", lost),
    ("tracer CPU s", lambda f: spread(f.get("tracer_cpu_s"))),
]
QUIET_COLUMNS = [
    ("wake-ups/s", lambda f: spread(f.get("wakeups_per_s"))),
    ("CPU % of a core", lambda f: spread(f.get("idle_cpu_pct"))),
    ("private MB", lambda f: spread(f.get("private_bytes"), 1e-6)),
]
# What syscalls.c makes.
PLAIN_CALLS = {"nothing": "getppid", "file": "3 on a file", "deaf": "pipe, no talk", "tls": "socket, TLS",
               "json64": "64 B of JSON", "json4k": "4 KiB of JSON"}
COLUMNS = {
    "pairs": PAIR_COLUMNS,
    "idle": QUIET_COLUMNS,
    "calm": QUIET_COLUMNS,
    "attach": [("attach ms", lambda f: spread(f.get("attach_s"), 1e3)), ("detach ms", lambda f: spread(f.get("detach_s"), 1e3)),
               ("version ms", lambda f: spread(f.get("version_s"), 1e3))],
    "decode": [("chat request MB/s", lambda f: spread(f.get("request_mb_s"))), ("stream MB/s", lambda f: spread(f.get("stream_mb_s"))),
               ("peak MB", lambda f: spread(f.get("request_peak_bytes"), 1e-6)),
               ("growth MB, 1,000 steps", lambda f: spread(f.get("growth_bytes"), 1e-6))],
    "plain": [(what, lambda f, name=name: spread(f.get(f"{name}_ns"))) for name, what in PLAIN_CALLS.items()],
    "formats": [(name, lambda f, key=key: spread(f.get(key + "_mb_s"))) for name, key in (
        ("Responses MB/s", "responses_sse"), ("Anthropic", "anthropic_sse"), ("Gemini", "gemini_sse"), ("Gemini array", "gemini_array"),
        ("Interactions", "interactions_sse"), ("Converse", "converse_stream"), ("Invoke", "invoke_stream"), ("Cohere", "cohere_sse"),
        ("Ollama", "ollama_ndjson"), ("Realtime", "realtime_ws"), ("MCP", "mcp_json"))] + [
            ("turn 2 us", lambda f: spread(f.get("turn_2_cpu_us"))), ("turn 200 us", lambda f: spread(f.get("turn_200_cpu_us"))),
            ("x", lambda f: spread(f.get("turn_ratio"))), ("reading us", lambda f: spread(f.get("turn_200_read_us"))),
            ("x without", lambda f: spread(f.get("turn_decode_ratio")))],
    "inprocess": [("client CPU us a step", lambda f: spread(f.get("step_cpu_us"))), ("added", lambda f: spread(f.get("step_cpu_us_ratio"))),
                  ("our CPU us a step", lambda f: spread(f.get("tracer_step_us")))],
}


def rows_of(mode_figures, columns):
    lines = [["mode"] + [c[0] for c in columns]]
    lines += [[mode] + [show(f) for _, show in columns] for mode, f in mode_figures.items()]
    return lines


def put(lines):
    widths = [max(len(l[i]) for l in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  " + "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))).rstrip())


def show(m, rows, workloads):
    kind = "virtual machine" if m["virtual"] else "bare metal"
    print(f"{m['cores']} cores, kernel {m['kernel']}, {kind}, {m['cpu']}, Python {m['python']}; "
          f"load {m['load_before']} before, {m['load_after']} after")
    print("medians (least-most) over interleaved rounds; x untraced: ratio within a round")
    for workload, figures in summary(rows).items():
        print(f"\n{workload}: {workloads[workload][0]}")
        put(rows_of(figures, COLUMNS.get(workload, LOAD_COLUMNS)))
    print()
