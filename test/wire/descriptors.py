"""Writes data/descriptors.json: what the Python package opentelemetry-proto says about the messages in proto/.

An independent source for reference-schema.test.ts. To make it anew, in any virtual environment:

    pip install opentelemetry-proto==1.45.2 googleapis-common-protos
    python test/wire/descriptors.py > test/wire/data/descriptors.json
"""

import json
from importlib.metadata import version

from google.protobuf.descriptor import FieldDescriptor
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

SCALARS = {
    getattr(FieldDescriptor, name): name.removeprefix("TYPE_").lower()
    for name in dir(FieldDescriptor)
    if name.startswith("TYPE_") and name not in ("TYPE_MESSAGE", "TYPE_ENUM", "TYPE_GROUP")
}


def field_facts(field):
    kind = field.message_type or field.enum_type
    oneof = field.containing_oneof
    return {
        "number": field.number,
        "name": field.name,
        "type": kind.full_name if kind else SCALARS[field.type],
        "repeated": field.is_repeated,
        "oneof": oneof.name if oneof else None,
    }


def collect(container, messages, enums):
    nested = getattr(container, "message_types_by_name", None)
    for message in nested.values() if nested is not None else container.nested_types:
        messages[message.full_name] = [field_facts(f) for f in sorted(message.fields, key=lambda f: f.number)]
        collect(message, messages, enums)
    for enum in container.enum_types_by_name.values():
        enums[enum.full_name] = {value.name: value.number for value in enum.values}


def main():
    messages, enums = {}, {}
    for module in (trace_service_pb2, common_pb2, resource_pb2, trace_pb2):
        collect(module.DESCRIPTOR, messages, enums)
    for message in (status_pb2.Status.DESCRIPTOR, error_details_pb2.RetryInfo.DESCRIPTOR):
        messages[message.full_name] = [field_facts(f) for f in sorted(message.fields, key=lambda f: f.number)]
    facts = {
        "source": f"opentelemetry-proto {version('opentelemetry-proto')} (Python)",
        "messages": dict(sorted(messages.items())),
        "enums": dict(sorted(enums.items())),
    }
    print(json.dumps(facts, indent=1))


main()
