# SPDX-License-Identifier: BSD-2-Clause
"""An agent's plain steps: step.py KIND COUNT; runs in an environment of inprocess.py."""
import json
import os
import resource
import sys
import time

KIND, COUNT = sys.argv[1], int(sys.argv[2])
made = [0]


def provider():
    """OpenTelemetry with the cheapest way out: batches, counted and thrown away."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Away(SpanExporter):
        def export(self, spans):
            made[0] += len(spans)
            return SpanExportResult.SUCCESS

    p = TracerProvider()
    p.add_span_processor(BatchSpanProcessor(Away()))
    return p


def set_up():
    flush = None
    if KIND == "langfuse":
        from langfuse import get_client
        from langfuse.openai import OpenAI
        flush = get_client().flush
    else:
        from openai import OpenAI
    if KIND == "openinference":
        from openinference.instrumentation.openai import OpenAIInstrumentor
    elif KIND == "openllmetry":
        from opentelemetry.instrumentation.openai import OpenAIInstrumentor
    if KIND in ("openinference", "openllmetry"):
        p = provider()
        flush = p.force_flush
        OpenAIInstrumentor().instrument(tracer_provider=p)
    return OpenAI(base_url=os.environ["BENCH_URL"] + "/v1", max_retries=0), flush


def main():
    client, flush = set_up()
    text = "The quarter was better than the one before, said the report, and nobody believed it. " * 12
    messages = [{"role": "user" if n % 2 else "assistant", "content": text} for n in range(20)]

    def step():
        return client.chat.completions.create(model="gpt-5", messages=messages).choices[0].message.content

    # The first calls load modules and open the connection.
    for _ in range(5):
        step()
    print(json.dumps({"pid": os.getpid()}), flush=True)
    sys.stdin.readline()
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    for _ in range(COUNT):
        step()
    if flush:
        flush()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"wall_s": wall, "spans": made[0],
                      "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}), flush=True)
    sys.stdin.readline()


main()
