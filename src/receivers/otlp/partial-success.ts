// The answer that OTLP has for "taken, but …": an ExportTraceServiceResponse whose partial_success has a message, and no
// rejected spans, so that no client sends them again ("a warning", in the words of the specification).
//   ExportTraceServiceResponse   1 ExportTracePartialSuccess partial_success
//   ExportTracePartialSuccess    1 int64 rejected_spans   2 string error_message
import { writeVarint } from '../../wire/varint.ts';

const messageTag = (2 << 3) | 2;
const partialTag = (1 << 3) | 2;

export function partialSuccess(warning: string, form: 'protobuf' | 'json'): Buffer {
  if (form === 'json') return Buffer.from(JSON.stringify({ partialSuccess: { errorMessage: warning } }));
  return field(partialTag, field(messageTag, Buffer.from(warning, 'utf8')));
}

function field(tag: number, bytes: Buffer): Buffer {
  const head = Buffer.of(tag, 0, 0, 0, 0, 0);
  return Buffer.concat([head.subarray(0, writeVarint(head, 1, bytes.length)), bytes]);
}
