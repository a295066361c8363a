// What the kernel and the normaliser say of one request. 0 and 1 are not faults; every fault is negative and permanent:
// the same bytes will always be refused.

export const wireCode = {
  /** Canonical enough for the fast reader. */
  ok: 0,
  /** Legal, but not an encoding that the fast reader handles: normalise first. */
  unusual: 1,
  /** The bytes end inside a tag, a varint or a fixed-width value. */
  truncated: -1,
  /** A length reaches past the end of the message that encloses the field. */
  badLength: -2,
  /** A varint of more than 10 bytes, or of more than 64 bits. */
  badVarint: -3,
  /** Wire types 3 and 4. Groups were never part of proto3, so no OTLP sender has them. */
  group: -4,
  /** Field number 0, wire type 6 or 7, a tag of more than 5 bytes or of more than 32 bits. */
  badTag: -5,
  /** A field that OTLP defines, with another wire type than OTLP gives it. */
  badWireType: -6,
  /** A trace id that is neither empty nor 16 bytes, or a span id that is neither empty nor 8 bytes. */
  badId: -7,
  /** More than `maxDepth` messages inside one another. */
  tooDeep: -8,
  /** More attributes than the attribute table holds, or more than 65,536 events or links in one span. */
  tooMany: -9,
} as const;

export type WireCode = (typeof wireCode)[keyof typeof wireCode];

const descriptions: Readonly<Record<WireCode, string>> = {
  [wireCode.ok]: 'it is valid',
  [wireCode.unusual]: 'it is valid in an unusual encoding',
  [wireCode.truncated]: 'the message ends in the middle of a field',
  [wireCode.badLength]: 'the length of a field reaches past the end of the message that holds it',
  [wireCode.badVarint]: 'a varint is longer than 10 bytes or larger than 64 bits',
  [wireCode.group]: 'it holds a group (wire type 3 or 4), which OTLP does not use',
  [wireCode.badTag]: 'a tag has field number 0, an unknown wire type, or more than 5 bytes',
  [wireCode.badWireType]: 'a field has another wire type than OTLP gives it',
  [wireCode.badId]: 'an id has a wrong length (a trace id has 16 bytes, a span id 8)',
  [wireCode.tooDeep]: 'more than 100 messages are nested inside one another',
  [wireCode.tooMany]: 'a span has more attributes, events or links than spanmill takes in one span',
};

/**
 * The sentence that a client is answered with. `offset`: bytes from the start of the request to where the fault was
 * seen; -1 when not known.
 */
export function describeWireCode(code: number, offset: number): string {
  const what = descriptions[code as WireCode] ?? `fault ${code}`;
  const where = offset < 0 ? '' : ` (at byte ${offset})`;
  return `not a valid ExportTraceServiceRequest: ${what}${where}`;
}
