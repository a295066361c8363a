"""Writes one ExportTraceServiceRequest with a bit of everything that OTLP JSON has rules for to standard output.

data/collector-json.json holds it (base64) beside the line that the `file` exporter of OpenTelemetry Collector 0.155 made
of it. To make that anew, in any virtual environment, with a Collector that has the receiver otlp (http) and that exporter:

    pip install opentelemetry-proto==1.45.2
    python test/wire/collector_json.py | curl --data-binary @- -H 'content-type: application/x-protobuf' <receiver>/v1/traces
"""

import sys

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

EMPTY = object()  # a value that is there without a member of the oneof
ABSENT = object()

VALUES = {
    "service.name": ("string_value", 'quotes " newline \n separator \u2028 <é> & \x7f \x01'),
    "no value": ABSENT,
    "empty value": EMPTY,
    "empty array": ("array_value", None),
    "empty map": ("kvlist_value", None),
    "empty bytes": ("bytes_value", b""),
    "empty string": ("string_value", ""),
    "false": ("bool_value", False),
    "zero": ("int_value", 0),
    "zero double": ("double_value", 0.0),
    "negative zero": ("double_value", -0.0),
    "": ("int_value", -(2**63)),
    "largest int": ("int_value", 2**63 - 1),
    "not a number": ("double_value", float("nan")),
    "infinity": ("double_value", float("inf")),
    "negative infinity": ("double_value", -float("inf")),
    "least double": ("double_value", 5e-324),
    "1.5e-10": ("double_value", 1.5e-10),
    "1.5e-6": ("double_value", 1.5e-6),
    "1e20": ("double_value", 1e20),
    "1e21": ("double_value", 1e21),
    "largest double": ("double_value", 1.7976931348623157e308),
    "a third": ("double_value", 1 / 3),
    "whole double": ("double_value", 12.0),
    "bytes": ("bytes_value", bytes(range(200, 230))),
    "string index": ("string_value_strindex", 7),
}


def fill(attribute, key, value):
    attribute.key = key
    if value is EMPTY:
        attribute.value.SetInParent()
    elif value is not ABSENT:
        member, content = value
        if content is None:
            getattr(attribute.value, member).SetInParent()
        else:
            setattr(attribute.value, member, content)


def add_text(attributes):
    fill(attributes.add(), "a", ("string_value", "v"))


def full_span(span):
    span.trace_id, span.span_id, span.parent_span_id = bytes(range(16)), bytes(range(8)), bytes(range(10, 18))
    span.trace_state, span.flags, span.name, span.kind = "a=b", 0x301, "full", 3
    span.start_time_unix_nano, span.end_time_unix_nano = 2**64 - 1, 1760000000000000001
    add_text(span.attributes)
    span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count = 2**32 - 1, 1, 2
    event = span.events.add(name="e", time_unix_nano=5, dropped_attributes_count=4)
    add_text(event.attributes)
    span.events.add()
    link = span.links.add(trace_id=bytes(range(16)), span_id=bytes(range(8)), trace_state="x=y", flags=257)
    link.dropped_attributes_count = 9
    add_text(link.attributes)
    span.links.add()
    span.status.message, span.status.code = "boom", 2


def main():
    request = trace_service_pb2.ExportTraceServiceRequest()
    group = request.resource_spans.add(schema_url="resource url")
    for key, value in VALUES.items():
        fill(group.resource.attributes.add(), key, value)
    mixed = group.resource.attributes.add(key="mixed").value.array_value.values
    mixed.add().int_value = 1
    mixed.add()
    fill(mixed.add().kvlist_value.values.add(), "k", ("bool_value", True))
    fill(group.resource.attributes.add(key_strindex=7), "key index", ("string_value", "x"))
    group.resource.dropped_attributes_count = 3
    group.resource.entity_refs.add(schema_url="s", type="service", id_keys=["service.name"], description_keys=["d"])
    scope_spans = group.scope_spans.add(schema_url="scope url")
    scope_spans.scope.name, scope_spans.scope.version, scope_spans.scope.dropped_attributes_count = "n", "1", 2
    add_text(scope_spans.scope.attributes)
    full_span(scope_spans.spans.add())
    scope_spans.spans.add()
    newer = scope_spans.spans.add(trace_id=bytes(16), span_id=bytes(8), kind=99)
    newer.status.code = 77
    request.resource_spans.add()
    request.resource_spans.add().scope_spans.add().spans.add(name="bare")
    sys.stdout.buffer.write(request.SerializeToString())


main()
