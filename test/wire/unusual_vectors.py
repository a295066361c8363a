"""Writes data/unusual.json: unusual encodings, and how Google's protobuf library writes the same request again.

An independent oracle for normalise.test.ts and reference.test.ts, above all for the rules of oneof.
To make it anew, in any virtual environment:

    pip install opentelemetry-proto==1.45.2
    python test/wire/unusual_vectors.py > test/wire/data/unusual.json
"""

import json

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2


def varint(value, pad=0):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    if pad:
        out[-1] |= 128
        out += bytes([128] * (pad - 1) + [0])
    return bytes(out)


def msg(number, *parts, pad=0):
    body = b"".join(parts)
    return varint(number << 3 | 2, pad) + varint(len(body), pad) + body


def num(number, value, pad=0):
    return varint(number << 3, pad) + varint(value, pad)


def fixed64(number, value):
    return varint(number << 3 | 1) + value.to_bytes(8, "little")


def fixed32(number, value):
    return varint(number << 3 | 5) + value.to_bytes(4, "little")


def span(*fields):
    return msg(1, msg(2, msg(2, *fields)))


def attribute(*fields):
    return span(msg(9, *fields))


def value(*members):
    return attribute(msg(1, b"k"), msg(2, *members))


TEXT, TRUE, INT = msg(1, b"text"), num(2, 1), num(3, 7)
ITEM_A, ITEM_B = msg(1, msg(1, b"a")), msg(1, msg(1, b"b"))
PAIR_A, PAIR_B = msg(1, msg(1, b"a"), msg(2, TEXT)), msg(1, msg(1, b"b"), msg(2, INT))

VECTORS = {
    "a name twice": span(msg(5, b"first"), msg(5, b"last")),
    "a name, then the empty one": span(msg(5, b"first"), msg(5)),
    "a kind, then the default": span(num(6, 2), num(6, 0)),
    "an id twice": span(msg(1, bytes(range(16))), msg(1, bytes(range(16, 32)))),
    "an id, then the empty one": span(msg(2, bytes(range(8))), msg(2)),
    "times twice, the last first": span(fixed64(8, 9), fixed64(7, 1), fixed64(8, 2), fixed64(7, 3)),
    "flags before the id": span(fixed32(16, 257), msg(1, bytes(range(16)))),
    "a status in two parts": span(msg(15, msg(2, b"boom")), msg(15, num(3, 2))),
    "a status whose second part overrides": span(msg(15, msg(2, b"boom"), num(3, 2)), msg(15, msg(2, b"bang"))),
    "attributes between other fields": span(
        msg(9, msg(1, b"a"), msg(2, INT)), msg(5, b"n"), msg(9, msg(1, b"b"), msg(2, TRUE)), num(6, 3), msg(9, msg(1, b"a"))
    ),
    "value before key": attribute(msg(2, TEXT), msg(1, b"k")),
    "a key twice": attribute(msg(1, b"k"), msg(2, TEXT), msg(1, b"l")),
    "a value in two parts, another member": attribute(msg(1, b"k"), msg(2, TEXT), msg(2, INT)),
    "a value in two parts, the second empty": attribute(msg(1, b"k"), msg(2, TEXT), msg(2)),
    "a value in two parts, arrays": attribute(msg(1, b"k"), msg(2, msg(5, ITEM_A)), msg(2, msg(5, ITEM_B))),
    "a value in three parts, a text between arrays": attribute(
        msg(1, b"k"), msg(2, msg(5, ITEM_A)), msg(2, TEXT), msg(2, msg(5, ITEM_B))
    ),
    "text, then int": value(TEXT, INT),
    "int, then bool, then text": value(INT, TRUE, TEXT),
    "text, then the empty text": value(TEXT, msg(1)),
    "an array in two parts": value(msg(5, ITEM_A), msg(5, ITEM_B)),
    "an array, a text, an array": value(msg(5, ITEM_A), TEXT, msg(5, ITEM_B)),
    "an array, a map, an array": value(msg(5, ITEM_A), msg(6, PAIR_A), msg(5, ITEM_B)),
    "an array, an int, an array in two parts": value(msg(5, ITEM_A), INT, msg(5, ITEM_B), msg(5, ITEM_A)),
    "an array, then a text": value(msg(5, ITEM_A), TEXT),
    "a text, then an array": value(TEXT, msg(5, ITEM_A)),
    "a map in two parts": value(msg(6, PAIR_A), msg(6, PAIR_B)),
    "a map, an empty map": value(msg(6, PAIR_A), msg(6)),
    "a map, bytes, an empty map": value(msg(6, PAIR_A), msg(7, b"\x00"), msg(6)),
    "a oneof inside a oneof": value(msg(5, msg(1, TEXT, msg(5, ITEM_A), msg(5, ITEM_B)), ITEM_A), msg(5, msg(1, INT, TRUE))),
    "a resource after its spans": msg(1, msg(2, msg(2, msg(5, b"n"))), msg(1, msg(1, msg(1, b"k"), msg(2, TEXT)))),
    "a resource in two parts around the spans": msg(
        1, msg(1, msg(1, msg(1, b"a")), num(2, 1)), msg(2, msg(2, msg(5, b"n"))), msg(1, msg(1, msg(1, b"b")), num(2, 2))
    ),
    "a scope in two parts around the spans": msg(
        1, msg(2, msg(1, msg(1, b"name")), msg(2, msg(5, b"n")), msg(1, msg(2, b"1.0"), msg(3, msg(1, b"a"))))
    ),
    "schema urls first and twice": msg(1, msg(3, b"u"), msg(2, msg(3, b"v"), msg(3, b"w"), msg(2)), msg(3, b"x")),
    "padded tags, lengths and values": msg(
        1, msg(2, msg(2, msg(5, b"n", pad=2), num(6, 3, pad=3), num(10, 300, pad=1), pad=3), pad=1), pad=2
    ),
    "an int of the largest padding": value(varint(3 << 3) + b"\x85" + b"\x80" * 8 + b"\x00"),
    "a bool that is not 1": value(num(2, 5)),
    "a negative kind": span(num(6, 2**64 - 1)),
    "entity references between": msg(
        1, msg(1, msg(3, msg(3, b"id"), msg(1, b"u"), msg(3, b"jd"), msg(1, b"v")), msg(1, msg(1, b"k")), msg(3, msg(2, b"t")))
    ),
    "events and links mixed": span(
        msg(13, fixed32(6, 1)), msg(11, msg(2, b"e1"), fixed64(1, 5), msg(2, b"e2")), msg(13, msg(3, b"a=b")), msg(11)
    ),
}


def main():
    vectors = []
    for name, data in VECTORS.items():
        request = trace_service_pb2.ExportTraceServiceRequest.FromString(data)
        vectors.append({"name": name, "unusual": data.hex(), "rewritten": request.SerializeToString().hex()})
    print(json.dumps(vectors, indent=1))


main()
