// A span that is legal protobuf but unusual (a message that may stand once stands twice), as the reference codec writes it.
import { decodeRequest, encodeRequest } from '../../src/wire/reference/codec.ts';
import { varintSize, writeVarint } from '../../src/wire/varint.ts';
import { readFields } from './message-reader.ts';

/** Of the span in ScopeSpans, of those in ResourceSpans, and of those in the request; each alone in it. */
const wrapperTags = [0x12, 0x12, 0x0a] as const;

function wrap(tag: number, content: Uint8Array): Buffer {
  const size = varintSize(content.length);
  const bytes = Buffer.alloc(1 + size + content.length);
  bytes[0] = tag;
  writeVarint(bytes, 1, content.length);
  bytes.set(content, 1 + size);
  return bytes;
}

/** The span's own bytes, without tag and length. Throws an Error on bytes that are not protobuf. */
export function normaliseSpan(span: Uint8Array): Buffer {
  let message: Uint8Array = span;
  for (const tag of wrapperTags) message = wrap(tag, message);
  let content = Buffer.from(encodeRequest(decodeRequest(message)));
  for (let level = 0; level < wrapperTags.length; level++) {
    const [{ from, to }] = readFields(content, 0, content.length);
    content = content.subarray(from, to);
  }
  return content;
}
