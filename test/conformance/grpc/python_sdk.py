"""Spans from the OpenTelemetry SDK for Python, for the server suite.

Usage: python_sdk.py HOST:PORT COUNT COMPRESSION; COMPRESSION: gzip or none. Exits with 1 when the last flush failed.
"""

import sys

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from grpc import Compression


def main():
    address, count = sys.argv[1], int(sys.argv[2])
    compression = Compression.Gzip if sys.argv[3] == "gzip" else Compression.NoCompression
    exporter = OTLPSpanExporter(endpoint=address, insecure=True, compression=compression, headers=(("x-tenant", "gold"),))
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=count, max_export_batch_size=100))
    tracer = provider.get_tracer("python_sdk")
    for i in range(count):
        with tracer.start_as_current_span(f"span {i}") as span:
            span.set_attribute("gen_ai.request.model", "a-model")
    flushed = provider.force_flush(30_000)
    provider.shutdown()
    sys.exit(0 if flushed else 1)


main()
