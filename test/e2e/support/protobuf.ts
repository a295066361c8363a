// Protobuf fields as bytes, for templates that are encoded once: clear rather than fast.

const wire = { varint: 0, fixed64: 1, bytes: 2 } as const;

/** A base-128 varint of a safe integer that is not negative. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

function tag(field: number, type: number): Buffer {
  return varint(field * 8 + type);
}

/** A length-delimited field: a message, bytes, or a string in UTF-8. */
export function bytesField(field: number, value: Uint8Array | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([tag(field, wire.bytes), varint(bytes.length), bytes]);
}

export function varintField(field: number, value: number): Buffer {
  return Buffer.concat([tag(field, wire.varint), varint(value)]);
}

/** A fixed64 of value 0, to be patched, or an IEEE double's bytes. */
export function fixed64Field(field: number, bytes: Uint8Array = new Uint8Array(8)): Buffer {
  return Buffer.concat([tag(field, wire.fixed64), bytes]);
}
