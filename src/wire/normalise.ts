// Rewrites a legal but unusual encoding of one request into the only one that the fast reader must handle:
//   - known fields ascending by number, repeated ones in their order, unknown ones after them in theirs;
//   - a singular scalar once (the last wins), a singular message once (protobuf's merge: the payloads one after another);
//   - one member of AnyValue's oneof (the last; its message members merge only while no other member comes between);
//   - tags, lengths and varints in as few bytes as they need. The values themselves stay as they are.
// It is slow beside the kernel and runs only where that has said `unusual`. It trusts nothing that the kernel checked.
import { type WireCode, wireCode } from './codes.ts';
import { type FieldRule, type MessageKind, maxDepth, messageKind, messageRules, wireType } from './schema.ts';
import { varintSize, writeVarint } from './varint.ts';

interface Work {
  readonly source: Uint8Array;
  readonly target: Uint8Array;
  /** Position of the reader in `source`. */
  position: number;
  /** Value of the varint read last; exact up to 2^53, and only as a bound above that. */
  value: number;
  /** ok until something is malformed; then every function returns early. */
  fault: WireCode;
}

/** Where one message's fields stand in `source`: pairs of start and end of the payloads. */
interface Fields {
  /** For each of the kind's rules, or null where there is none. */
  readonly known: (number[] | null)[];
  /** Triples: tag, start and end of the payload. */
  readonly unknown: number[];
  /** AnyValue: pairs of the rule and the index in its payloads, in the order of arrival. */
  readonly oneof: number[];
}

const noRule = -1;
const rulesByNumber: readonly Int8Array[] = messageRules.map((rules) => {
  const byNumber = new Int8Array(32).fill(noRule);
  rules.forEach((rule, index) => {
    byNumber[rule.field] = index;
  });
  return byNumber;
});

let faultOffset = -1;

/**
 * Normalises the request `source[start … start + length)` into `target` from `at` on, which must have `length` bytes there
 * and not overlap the request. Returns the bytes written, never more than `length`; or a negative wireCode, and then what
 * was written means nothing.
 */
export function normalise(source: Uint8Array, start: number, length: number, target: Uint8Array, at: number): number {
  const work: Work = { source, target, position: start, value: 0, fault: wireCode.ok };
  const end = writeMessage(work, messageKind.request, [start, start + length], 0, at);
  if (work.fault !== wireCode.ok) {
    faultOffset = work.position - start;
    return work.fault;
  }
  return end - at;
}

/** Bytes from the start of the request to where the last `normalise` that failed stood. */
export function normaliseFaultOffset(): number {
  return faultOffset;
}

// --- reading ---------------------------------------------------------------------------------------------------------

/** Walks the payloads of one message, which count as one, and notes where its fields are. */
function scan(work: Work, kind: MessageKind, payloads: readonly number[]): Fields {
  const rules = messageRules[kind];
  const byNumber = rulesByNumber[kind];
  const fields: Fields = { known: new Array(rules.length).fill(null), unknown: [], oneof: [] };
  for (let i = 0; i < payloads.length; i += 2) {
    const end = payloads[i + 1];
    work.position = payloads[i];
    while (work.position < end) {
      const tagAt = work.position;
      const tag = readTag(work, end);
      if (work.fault !== wireCode.ok) return fields;
      const number = tag >>> 3;
      const index = number < 32 ? byNumber[number] : noRule;
      const start = skipToPayload(work, tag & 7, end);
      if (work.fault !== wireCode.ok) return fields;
      if (index === noRule) {
        fields.unknown.push(tag, start, work.position);
        continue;
      }
      checkRule(work, rules[index], tag & 7, start, tagAt);
      if (work.fault !== wireCode.ok) return fields;
      fields.known[index] ??= [];
      if (kind === messageKind.anyValue) fields.oneof.push(index, fields.known[index].length);
      fields.known[index].push(start, work.position);
    }
  }
  return fields;
}

function checkRule(work: Work, rule: FieldRule, wire: number, start: number, tagAt: number): void {
  const length = work.position - start;
  if (wire !== rule.wire) {
    work.fault = wireCode.badWireType;
    work.position = tagAt;
  } else if (rule.idLength !== 0 && length !== 0 && length !== rule.idLength) {
    work.fault = wireCode.badId;
    work.position = tagAt;
  }
}

/** Steps over a field's value; returns where its payload starts: behind the length of a length-delimited one. */
function skipToPayload(work: Work, wire: number, end: number): number {
  let start = work.position;
  switch (wire) {
    case wireType.varint:
      readVarint(work, end);
      return start;
    case wireType.fixed64:
    case wireType.fixed32: {
      const width = wire === wireType.fixed64 ? 8 : 4;
      if (end - start < width) work.fault = wireCode.truncated;
      else work.position = start + width;
      return start;
    }
    default: // readTag lets nothing else through
      readVarint(work, end);
      if (work.fault !== wireCode.ok) return start;
      if (work.value > end - work.position) {
        work.fault = wireCode.badLength;
        work.position = start;
        return start;
      }
      start = work.position;
      work.position = start + work.value;
      return start;
  }
}

function readTag(work: Work, end: number): number {
  const from = work.position;
  readVarint(work, end);
  if (work.fault !== wireCode.ok) return 0;
  const tag = work.value >>> 0;
  const wire = tag & 7;
  if (work.value > 0xffffffff || work.position - from > 5 || tag >>> 3 === 0 || wire > 5) {
    work.fault = wireCode.badTag;
  } else if (wire === 3 || wire === 4) {
    work.fault = wireCode.group;
  }
  if (work.fault !== wireCode.ok) work.position = from;
  return tag;
}

function readVarint(work: Work, end: number): void {
  const { source } = work;
  const from = work.position;
  let value = 0;
  let scale = 1;
  for (let p = from; p < end; p++) {
    const byte = source[p];
    // Ten bytes have room for 70 bits: of the tenth only the lowest is part of a 64-bit value.
    if (p - from === 9 && byte > 1) {
      work.fault = wireCode.badVarint;
      return;
    }
    value += (byte & 127) * scale;
    if (byte < 128) {
      work.value = value;
      work.position = p + 1;
      return;
    }
    scale *= 128;
  }
  work.fault = wireCode.truncated;
}

// --- writing ---------------------------------------------------------------------------------------------------------
// Each function writes from `at` on and returns where it ended. What is written for some fields is never longer than they
// were: a merged message has one tag instead of several, and a length that needs no more bytes than the parts' lengths.

function writeMessage(work: Work, kind: MessageKind, payloads: readonly number[], depth: number, at: number): number {
  if (depth > maxDepth) {
    work.fault = wireCode.tooDeep;
    work.position = payloads[0];
    return at;
  }
  const fields = scan(work, kind, payloads);
  if (work.fault !== wireCode.ok) return at;
  if (fields.oneof.length > 2) chooseMember(work, kind, fields, depth, at);
  const rules = messageRules[kind];
  let end = at;
  for (let index = 0; index < rules.length && work.fault === wireCode.ok; index++) {
    const found = fields.known[index];
    if (found !== null) end = writeField(work, rules[index], found, depth, end);
  }
  for (let i = 0; i < fields.unknown.length; i += 3) {
    end = writeScalar(work, fields.unknown[i], fields.unknown[i + 1], fields.unknown[i + 2], end);
  }
  return end;
}

function writeField(work: Work, rule: FieldRule, found: readonly number[], depth: number, at: number): number {
  const tag = rule.field * 8 + rule.wire;
  let end = at;
  if (rule.repeated) {
    for (let i = 0; i < found.length && work.fault === wireCode.ok; i += 2) {
      end =
        rule.child === -1
          ? writeScalar(work, tag, found[i], found[i + 1], end)
          : writeChild(work, rule.child, tag, [found[i], found[i + 1]], depth, end);
    }
    return end;
  }
  if (rule.child !== -1) return writeChild(work, rule.child, tag, found, depth, at);
  const last = found.length - 2;
  return writeScalar(work, tag, found[last], found[last + 1], at);
}

/** Leaves of all members of AnyValue the last, and of that the payloads since another member was set. */
function chooseMember(work: Work, kind: MessageKind, fields: Fields, depth: number, at: number): void {
  const { oneof, known } = fields;
  const winner = oneof[oneof.length - 2];
  const payloads = known[winner] as number[];
  let first = payloads.length;
  for (let i = oneof.length - 2; i >= 0 && oneof[i] === winner; i -= 2) first = oneof[i + 1];
  for (let index = 0; index < known.length; index++) {
    const lost = index === winner ? payloads.slice(0, first) : known[index];
    const { child } = messageRules[kind][index];
    // What does not count must still be well formed. It is written where what counts will overwrite it.
    if (lost !== null && child !== -1) {
      for (let i = 0; i < lost.length && work.fault === wireCode.ok; i += 2) {
        writeMessage(work, child, [lost[i], lost[i + 1]], depth + 1, at);
      }
    }
    known[index] = index === winner ? payloads.slice(first) : null;
  }
}

function writeChild(
  work: Work,
  kind: MessageKind,
  tag: number,
  payloads: readonly number[],
  depth: number,
  at: number,
): number {
  let most = 0;
  for (let i = 0; i < payloads.length; i += 2) most += payloads[i + 1] - payloads[i];
  const lengthAt = writeVarint(work.target, at, tag);
  // The length is known only afterwards: leave the space that the longest possible one needs, and close up if it was less.
  const bodyAt = lengthAt + varintSize(most);
  const end = writeMessage(work, kind, payloads, depth + 1, bodyAt);
  if (work.fault !== wireCode.ok) return at;
  const start = writeVarint(work.target, lengthAt, end - bodyAt);
  if (start !== bodyAt) work.target.copyWithin(start, bodyAt, end);
  return end - (bodyAt - start);
}

/** Any field that is not a known message, with its tag. */
function writeScalar(work: Work, tag: number, start: number, end: number, at: number): number {
  let to = writeVarint(work.target, at, tag);
  if ((tag & 7) === wireType.varint) return copyVarint(work, start, end, to);
  if ((tag & 7) === wireType.bytes) to = writeVarint(work.target, to, end - start);
  work.target.set(work.source.subarray(start, end), to);
  return to + end - start;
}

/** The same value without the groups of zeroes that pad it: the bits of a varint stand lowest first. */
function copyVarint(work: Work, start: number, end: number, at: number): number {
  let last = end - 1;
  while (last > start && (work.source[last] & 127) === 0) last--;
  let to = at;
  for (let p = start; p < last; p++) work.target[to++] = work.source[p];
  work.target[to++] = work.source[last] & 127;
  return to;
}
