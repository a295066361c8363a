// Legal but unusual encodings: the same message with its fields shuffled, repeated, split and padded. Works on the bytes
// alone and by its own reading of the schema table, so that it shares nothing with the normaliser.
import { type FieldRule, messageKind, messageRules } from '../../src/wire/schema.ts';
import type { Random } from './arbitraries.ts';

interface Field {
  readonly number: number;
  readonly wire: number;
  /** Without length. */
  readonly payload: Uint8Array;
}

/**
 * Another encoding of the same request. `bytes`: fields ascending and each once, as encodeRequest writes them.
 * Tags and lengths are padded to at most 5 bytes, values to 10: what every protobuf library reads.
 */
export function unusual(bytes: Uint8Array, random: Random): Uint8Array {
  return Uint8Array.from(scramble(messageKind.request, bytes, random));
}

function scramble(kind: number, bytes: Uint8Array, random: Random): number[] {
  return writeFields(shuffle(kind, rework(kind, readFields(bytes), random), random), random);
}

/** Children are scrambled too; singular fields may come in parts, or after a value that does not count. */
function rework(kind: number, fields: readonly Field[], random: Random): Field[] {
  const out: Field[] = [];
  for (const field of fields) {
    const rule = messageRules[kind].find((known) => known.field === field.number);
    if (rule === undefined) {
      out.push(field);
    } else if (rule.child === -1) {
      if (!rule.repeated && random() < 0.2) out.push(...decoys(kind, rule, field, random));
      out.push(field);
    } else if (!rule.repeated && random() < 0.25) {
      if (kind === messageKind.anyValue && random() < 0.5) out.push(scalarMember(random));
      for (const part of split(rule.child, field.payload, random)) {
        out.push({ ...field, payload: Uint8Array.from(scramble(rule.child, part, random)) });
      }
    } else {
      out.push({ ...field, payload: Uint8Array.from(scramble(rule.child, field.payload, random)) });
    }
  }
  return out;
}

/** What comes before the value that counts. */
function decoys(kind: number, rule: FieldRule, field: Field, random: Random): Field[] {
  if (kind === messageKind.anyValue && random() < 0.5) {
    const empty = { number: random() < 0.5 ? 5 : 6, wire: 2, payload: new Uint8Array(0) };
    return random() < 0.5 ? [empty] : [scalarMember(random), empty];
  }
  if (rule.wire !== 2) return [{ ...field, payload: field.payload.map((byte, i) => byte ^ (i === 0 ? 1 : 0)) }];
  const length = rule.idLength !== 0 ? (random() < 0.5 ? rule.idLength : 0) : Math.floor(random() * 140);
  return [{ ...field, payload: new Uint8Array(length).fill(0x61) }];
}

function scalarMember(random: Random): Field {
  return random() < 0.5
    ? { number: 1, wire: 2, payload: new Uint8Array(3).fill(0x62) }
    : { number: 3, wire: 0, payload: Uint8Array.of(5) };
}

/** A message in two parts, whose concatenation says the same. */
function split(kind: number, payload: Uint8Array, random: Random): Uint8Array[] {
  const fields = readFields(payload);
  const at = Math.floor(random() * (fields.length + 1));
  // The parts are scrambled on their own: a oneof may only be in one of them, or its decoys would count.
  if (kind === messageKind.anyValue && fields.length > 0) return [new Uint8Array(0), payload];
  const plain = () => 1;
  return [fields.slice(0, at), fields.slice(at)].map((part) => Uint8Array.from(writeFields(part, plain)));
}

/** Any order in which repeated fields, repeats of singular ones, and the members of a oneof keep theirs. */
function shuffle(kind: number, fields: readonly Field[], random: Random): Field[] {
  const known = new Set(messageRules[kind].map((rule) => rule.field));
  const groupOf = (field: Field): number => {
    if (!known.has(field.number)) return 0;
    return kind === messageKind.anyValue ? 1 : field.number;
  };
  const order = [...new Set(fields.map(groupOf))];
  if (random() < 0.4) return [...fields];
  const waiting = new Map(order.map((group) => [group, fields.filter((field) => groupOf(field) === group)]));
  const out: Field[] = [];
  while (waiting.size > 0) {
    const groups = [...waiting.keys()];
    const group = groups[Math.floor(random() * groups.length)];
    const queue = waiting.get(group) as Field[];
    out.push(queue[0]);
    if (queue.length === 1) waiting.delete(group);
    else waiting.set(group, queue.slice(1));
  }
  return out;
}

function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag % 8;
    let start = at;
    if (wire === 0) varint();
    else if (wire === 2) {
      const length = varint();
      start = at;
      at += length;
    } else at += wire === 1 ? 8 : 4;
    fields.push({ number: Math.floor(tag / 8), wire, payload: bytes.slice(start, at) });
  }
  return fields;
}

function writeFields(fields: readonly Field[], random: Random): number[] {
  const out: number[] = [];
  for (const { number, wire, payload } of fields) {
    out.push(...padded(number * 8 + wire, random));
    if (wire === 2) out.push(...padded(payload.length, random));
    if (wire === 0 && random() < 0.1) out.push(...padBytes([...payload], 10, random));
    else for (const byte of payload) out.push(byte);
  }
  return out;
}

function padded(value: number, random: Random): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest > 127) {
    out.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
  return random() < 0.05 ? padBytes(out, 5, random) : out;
}

/** Adds groups of zeroes to a varint, up to `most` bytes in all. */
function padBytes(varint: number[], most: number, random: Random): number[] {
  const extra = Math.floor(random() * (most - varint.length + 1));
  if (extra <= 0) return varint;
  varint[varint.length - 1] |= 128;
  for (let i = 1; i < extra; i++) varint.push(128);
  varint.push(0);
  return varint;
}
