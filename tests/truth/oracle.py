# SPDX-License-Identifier: BSD-2-Clause
"""Runs a program with its framework's instrumentation inside it: oracle.py FRAMEWORK OUT PROGRAM ARGUMENT…

OUT gets a JSON line for each OpenTelemetry span that ended, in the order of ending."""
import atexit
import json
import runpy
import sys
import threading

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult


class Lines(SpanExporter):
    def __init__(self, path):
        self.file, self.lock = open(path, "w"), threading.Lock()  # spans end in any thread

    def export(self, spans):
        for s in spans:
            line = json.dumps({"id": f"{s.context.span_id:016x}", "parent": f"{s.parent.span_id:016x}" if s.parent else None,
                               "name": s.name, "start": s.start_time, "end": s.end_time, "status": s.status.status_code.name,
                               "attributes": dict(s.attributes or {})}, default=list)
            with self.lock:
                print(line, file=self.file, flush=True)
        return SpanExportResult.SUCCESS


def openai_agents(provider):
    from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
    OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)


def openai(provider):
    """The clients themselves, for frameworks whose own instrumentation leaves model calls out."""
    from openinference.instrumentation.openai import OpenAIInstrumentor
    OpenAIInstrumentor().instrument(tracer_provider=provider)


def smolagents(provider):
    from openinference.instrumentation.smolagents import SmolagentsInstrumentor
    SmolagentsInstrumentor().instrument(tracer_provider=provider)
    openai(provider)


def pydantic_ai(provider):
    from pydantic_ai import Agent
    from pydantic_ai.models.instrumented import InstrumentationSettings
    Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))


def langgraph(provider):
    from openinference.instrumentation.langchain import LangChainInstrumentor
    LangChainInstrumentor().instrument(tracer_provider=provider)


def autogen(provider):
    from openinference.instrumentation.autogen_agentchat import AutogenAgentChatInstrumentor
    AutogenAgentChatInstrumentor().instrument(tracer_provider=provider)


def llama_index(provider):
    from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
    LlamaIndexInstrumentor().instrument(tracer_provider=provider)


def dspy(provider):
    from openinference.instrumentation.dspy import DSPyInstrumentor
    DSPyInstrumentor().instrument(tracer_provider=provider)


def crewai(provider):
    from openinference.instrumentation.crewai import CrewAIInstrumentor
    CrewAIInstrumentor().instrument(tracer_provider=provider)
    openai(provider)


def ag2(provider):
    """Its own middleware, as every agent of the program would have it."""
    from ag2 import Agent
    from ag2.middleware.builtin.telemetry import TelemetryMiddleware
    plain = Agent.__init__

    def init(self, name, *args, **options):
        plain(self, name, *args, **options)
        self.add_middleware(TelemetryMiddleware(tracer_provider=provider, agent_name=name))

    Agent.__init__ = init


def main():
    framework, out, program = sys.argv[1:4]
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Lines(out)))
    trace.set_tracer_provider(provider)
    atexit.register(provider.shutdown)
    globals()[framework.replace("-", "_")](provider)
    sys.argv = sys.argv[3:]
    runpy.run_path(program, run_name="__main__")


main()
