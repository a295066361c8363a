// The reference reader of these tests: protobufjs over proto/.
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

export interface DecodedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code: string };
}
export interface DecodedRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: DecodedSpan['attributes'] };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string; readonly version: string };
      readonly spans: readonly DecodedSpan[];
    }[];
  }[];
}

const root = new protobuf.Root();
root.resolvePath = (_, target) => fileURLToPath(new URL(`../../../proto/${target}`, import.meta.url));
root.loadSync('opentelemetry/proto/collector/trace/v1/trace_service.proto');
const requestType = root.lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest');
const responseType = root.lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse');

/** Ids in hexadecimal, times as decimal text. */
export function decodeRequest(body: Uint8Array): DecodedRequest {
  const plain: unknown = requestType.toObject(requestType.decode(body), {
    longs: String,
    enums: String,
    bytes: String,
  });
  const hex = (text: string) => Buffer.from(text, 'base64').toString('hex');
  return JSON.parse(JSON.stringify(plain), (key, value: unknown) =>
    typeof value === 'string' && (key === 'traceId' || key === 'spanId' || key === 'parentSpanId') ? hex(value) : value,
  ) as DecodedRequest;
}

/** An answer that rejects some spans, as a gRPC message. */
export function partialResponse(rejectedSpans: number, errorMessage: string): Buffer {
  const body = responseType
    .encode(responseType.fromObject({ partialSuccess: { rejectedSpans, errorMessage } }))
    .finish();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}
