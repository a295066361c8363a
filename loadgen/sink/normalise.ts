// A message that is legal protobuf but unusual (a part that may stand once stands twice), as the reference codec writes it.
import { decodeRequest, encodeRequest } from '../../src/wire/reference/codec.ts';
import { varintSize, writeVarint } from '../../src/wire/varint.ts';
import { readFields } from './message-reader.ts';

/** The tags that it stands under, from the innermost out to the request; each message is alone in the one around it. */
const wrapperTags = {
  span: [0x12, 0x12, 0x0a],
  scope: [0x0a, 0x12, 0x0a],
  resource: [0x0a, 0x0a],
} as const;

function wrap(tag: number, content: Uint8Array): Buffer {
  const size = varintSize(content.length);
  const bytes = Buffer.alloc(1 + size + content.length);
  bytes[0] = tag;
  writeVarint(bytes, 1, content.length);
  bytes.set(content, 1 + size);
  return bytes;
}

function rewritten(request: Uint8Array): Buffer {
  try {
    return Buffer.from(encodeRequest(decodeRequest(request)));
  } catch (cause) {
    // The codec throws plain errors too: for wire types that there are not, and for messages that are nested too deep.
    throw new RangeError('not protobuf', { cause });
  }
}

/** The message's own bytes, without tag and length. Throws a RangeError on bytes that are not protobuf. */
export function normalise(kind: keyof typeof wrapperTags, message: Uint8Array): Buffer {
  const tags = wrapperTags[kind];
  let content = rewritten(tags.reduce((inner, tag) => wrap(tag, inner), message));
  for (let level = 0; level < tags.length; level++) {
    const [{ from, to }] = readFields(content, 0, content.length);
    content = content.subarray(from, to);
  }
  return content;
}
