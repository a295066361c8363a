"""Spans from the OpenTelemetry SDK for Python over OTLP/HTTP (protobuf).

Usage: python_http_sdk.py URL COUNT COMPRESSION CA_FILE TOKEN SERVICE; COMPRESSION: gzip or none; '' for no file or token.
Exits with 1 when an export failed.
"""

import sys

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult


class Watched(SpanExporter):
    """Remembers whether an export failed: the SDK only logs it."""

    def __init__(self, exporter):
        self.exporter = exporter
        self.failed = False

    def export(self, spans):
        result = self.exporter.export(spans)
        self.failed = self.failed or result is not SpanExportResult.SUCCESS
        return result

    def shutdown(self):
        self.exporter.shutdown()


def main():
    url, count, compression, ca_file, token, service = sys.argv[1:7]
    exporter = Watched(
        OTLPSpanExporter(
            endpoint=url,
            certificate_file=ca_file or None,
            headers={"authorization": f"Bearer {token}"} if token else None,
            compression=Compression.Gzip if compression == "gzip" else Compression.NoCompression,
            timeout=3,
        )
    )
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("python_http_sdk")
    for i in range(int(count)):
        with tracer.start_as_current_span(f"span {i}") as span:
            span.set_attribute("gen_ai.request.model", "a-model")
    provider.shutdown()
    sys.exit(1 if exporter.failed else 0)


main()
