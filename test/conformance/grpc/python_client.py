"""Calls of a grpcio client for the server suite.

Usage: python_client.py HOST:PORT; prints one JSON object: name of the call -> what the client saw.
The test tells the server what to answer by the first bytes of each message.
"""

import json
import sys
import threading

import grpc

PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def seen(call, message, **options):
    try:
        response, state = call.with_call(message, **options)
        return {"code": "OK", "length": len(response), "status": state.code().name}
    except grpc.RpcError as error:
        details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        return {"code": error.code().name, "message": error.details(), "details": details.hex()}


def cancelled(call):
    future = call.future(b"never answered")
    threading.Timer(0.1, future.cancel).start()
    try:
        future.result()
    except grpc.FutureCancelledError:
        pass
    return {"code": future.code().name}


def main():
    address = sys.argv[1]
    out = {}
    with grpc.insecure_channel(address, options=[("grpc.max_send_message_length", -1)]) as channel:
        call = channel.unary_unary(PATH)
        out["empty"] = seen(call, b"")
        out["small"] = seen(call, b"ok" + b"x" * 100)
        out["large"] = seen(call, b"ok" + b"x" * 3_000_000)
        out["gzip"] = seen(call, b"ok" + b"x" * 300_000, compression=grpc.Compression.Gzip)
        out["deflate"] = seen(call, b"ok" + b"x" * 300_000, compression=grpc.Compression.Deflate)
        out["metadata"] = seen(call, b"metadata", metadata=(("x-tenant", "one"), ("x-tenant", "two")))
        out["refused"] = seen(call, b"refuse")
        out["too_large"] = seen(call, b"x" * 5_000_000)
        out["deadline"] = seen(call, b"never answered", timeout=0.2)
        out["cancelled"] = cancelled(call)
        out["unknown"] = seen(channel.unary_unary("/no.Such/Method"), b"ok")
        many = [call.future(b"ok" + bytes([i])) for i in range(200)]
        out["many"] = {"code": "OK", "length": sum(len(one.result()) for one in many)}
    print(json.dumps(out))


main()
