"""Much of everything at once, from grpcio clients, for the server suite.

Usage: python_load.py HOST:PORT LARGE; LARGE: bytes of the largest message. Prints one JSON object: name -> what the client saw.
Messages are made of the byte b"x", after what the test is to know of them; the server answers all of them.
"""

import json
import sys

import grpc

PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SIZES = [0, 1, 100, 4000, 8000, 16_300, 16_384, 16_385, 33_000, 60_000]
OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]


def filler(length):
    return "".join(chr(0x21 + i * 7 % 94) for i in range(length))


def code(call, message, **options):
    try:
        return call.with_call(message, **options)[1].code().name
    except grpc.RpcError as error:
        return error.code().name


def codes(futures):
    seen = {}
    for future in futures:
        try:
            future.result()
            name = "OK"
        except grpc.RpcError as error:
            name = error.code().name
        seen[name] = seen.get(name, 0) + 1
    return seen


def main():
    address, large = sys.argv[1], int(sys.argv[2])
    out = {}
    with grpc.insecure_channel(address, options=OPTIONS) as channel:
        call = channel.unary_unary(PATH)
        out["metadata"] = [code(call, b"m", metadata=(("x-filler", filler(size)),)) for size in SIZES]
        binary = bytes(i * 31 % 256 for i in range(10_000))
        out["binary"] = code(call, b"b", metadata=(("x-bytes-bin", binary),))
        out["too_much"] = code(call, b"t", metadata=(("x-filler", filler(70_000)),))
        out["after"] = code(call, b"a")
        out["many"] = codes([call.future(b"n%d" % i) for i in range(2000)])
        gzip = grpc.Compression.Gzip
        out["gzip"] = codes([call.future(b"z%d" % i + b"x" * (100 * i), compression=gzip) for i in range(200)])
        out["large"] = code(call, b"x" * large)
        out["large_gzip"] = code(call, b"x" * large, compression=gzip)
    channels = [grpc.insecure_channel(address, options=OPTIONS) for _ in range(10)]
    calls = [channel.unary_unary(PATH) for channel in channels]
    out["channels"] = codes([call.future(b"c%d" % i) for i in range(100) for call in calls])
    for channel in channels:
        channel.close()
    print(json.dumps(out))


main()
