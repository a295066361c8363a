// Requests written otherwise than encoders write them, with the same meaning: legal protobuf all of it.
import { type Field, readFields } from '../../../../loadgen/sink/message-reader.ts';

/** How messages are written again. `random`: a number from 0 to below `n`. */
export interface Variation {
  /** The fields of a message in another order or number; each as its bytes. */
  fields?(parts: Buffer[], kind: Kind, random: (n: number) => number): Buffer[];
  /** A varint in another length. */
  varint?(value: Buffer): Buffer;
}

/** A message type by the fields that hold messages. */
type Kind =
  | 'request'
  | 'resourceSpans'
  | 'scopeSpans'
  | 'span'
  | 'resource'
  | 'scope'
  | 'event'
  | 'link'
  | 'status'
  | 'keyValue'
  | 'value'
  | 'list'
  | 'map';

const inner: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  request: { 1: 'resourceSpans' },
  resourceSpans: { 1: 'resource', 2: 'scopeSpans' },
  scopeSpans: { 1: 'scope', 2: 'span' },
  span: { 9: 'keyValue', 11: 'event', 13: 'link', 15: 'status' },
  resource: { 1: 'keyValue' },
  scope: { 3: 'keyValue' },
  event: { 3: 'keyValue' },
  link: { 4: 'keyValue' },
  status: {},
  keyValue: { 2: 'value' },
  value: { 5: 'list', 6: 'map' },
  list: { 1: 'value' },
  map: { 1: 'keyValue' },
};

export function varint(n: number): Buffer {
  const bytes: number[] = [];
  let rest = n;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

export function field(number: number, type: number, content: Uint8Array, lengthOf = varint): Buffer {
  const length = type === 2 ? lengthOf(content.length) : Buffer.alloc(0);
  return Buffer.concat([varint(number * 8 + type), length, content]);
}

export function reencode(bytes: Buffer, variation: Variation, seed: number): Buffer {
  let state = seed + 1;
  const random = (n: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % n;
  };
  const again = variation.varint ?? ((value: Buffer) => value);
  const write = (kind: Kind, from: number, to: number): Buffer => {
    const parts = readFields(bytes, from, to).map((each: Field) => {
      const within = each.type === 2 ? inner[kind][each.number] : undefined;
      const content = within === undefined ? bytes.subarray(each.from, each.to) : write(within, each.from, each.to);
      return field(each.number, each.type, each.type === 0 ? again(content) : content, (n) => again(varint(n)));
    });
    return Buffer.concat(variation.fields?.(parts, kind, random) ?? parts);
  };
  return write('request', 0, bytes.length);
}

function shuffled(parts: Buffer[], random: (n: number) => number): Buffer[] {
  const rest = [...parts];
  const result: Buffer[] = [];
  while (rest.length > 0) result.push(...rest.splice(random(rest.length), 1));
  return result;
}

const tagOf = (part: Buffer): number => part[0];

/** Fields of other numbers change places; those of one number keep their order, as what is repeated must. */
function reordered(parts: Buffer[], random: (n: number) => number): Buffer[] {
  const order = shuffled(parts, random).map(tagOf);
  const queues = new Map<number, Buffer[]>();
  for (const part of parts) queues.set(tagOf(part), [...(queues.get(tagOf(part)) ?? []), part]);
  return order.map((tag) => queues.get(tag)?.shift() ?? Buffer.alloc(0));
}

const padded = (value: Buffer): Buffer => {
  if (value.length > 8) return value;
  const bytes = Buffer.concat([value, Buffer.alloc(2, 0x80)]);
  // Two more groups of zeros: the last byte of the number goes on, and the very last ends it.
  bytes[value.length - 1] |= 0x80;
  bytes[bytes.length - 1] = 0;
  return bytes;
};

const unknownField = Buffer.concat([
  field(999, 2, Buffer.from('unknown')),
  field(1000, 0, varint(5)),
  field(77, 1, Buffer.alloc(8, 1)),
]);
const spanDefaults = Buffer.concat([field(10, 0, varint(0)), field(12, 0, varint(0)), field(14, 0, varint(0))]);

export const variations: Readonly<Record<string, Variation>> = {
  'fields in another order': { fields: (parts, _, random) => reordered(parts, random) },
  'attributes in another order': {
    fields: (parts, kind, random) => {
      if (kind !== 'span' && kind !== 'map' && kind !== 'resource') return parts;
      const isEntry = (part: Buffer) => tagOf(part) === (kind === 'span' ? 0x4a : 0x0a);
      const entries = shuffled(parts.filter(isEntry), random);
      return parts.map((part) => (isEntry(part) ? (entries.shift() ?? part) : part));
    },
  },
  'varints longer than they need be': { varint: padded },
  'fields that nobody knows': {
    fields: (parts, kind, random) => {
      if (kind === 'request') return parts;
      const at = random(parts.length + 1);
      return [...parts.slice(0, at), unknownField, ...parts.slice(at)];
    },
  },
  'defaults written out': {
    fields: (parts, kind) => {
      if (kind === 'status') return [field(3, 0, varint(0)), field(2, 2, Buffer.alloc(0)), ...parts];
      if (kind === 'span') return [field(4, 2, Buffer.alloc(8)), field(3, 2, Buffer.alloc(0)), spanDefaults, ...parts];
      return kind === 'event' ? [...parts, field(4, 0, varint(0))] : parts;
    },
  },
  'scalars that stand twice, of which the last counts': {
    fields: (parts, kind) => {
      if (kind !== 'span') return parts;
      const wrong = [
        field(2, 2, Buffer.alloc(8, 3)),
        field(1, 2, Buffer.alloc(16, 1)),
        field(5, 2, Buffer.from('no name')),
        field(7, 1, Buffer.alloc(8, 1)),
        field(6, 0, varint(4)),
      ];
      return [...wrong, ...parts];
    },
  },
  'a status in two parts, to be merged': {
    fields: (parts, kind) => (kind === 'span' ? [field(15, 2, field(3, 0, varint(0))), ...parts] : parts),
  },
  'a status code and message in two statuses': {
    fields: (parts, kind) =>
      kind !== 'span'
        ? parts
        : parts.flatMap((part) => {
            if (tagOf(part) !== 0x7a) return [part];
            const [status] = readFields(part, 0, part.length);
            return readFields(part, status.from, status.to).map((each) =>
              field(15, 2, part.subarray(each.at, each.to)),
            );
          }),
  },
  'resources and scopes in parts, to be merged': {
    fields: (parts, kind) => {
      if (kind !== 'resourceSpans' && kind !== 'scopeSpans') return parts;
      return parts.flatMap((part) => {
        if (tagOf(part) !== 0x0a) return [part];
        const [message] = readFields(part, 0, part.length);
        const each = readFields(part, message.from, message.to).map(({ at, to }) => part.subarray(at, to));
        return [field(1, 2, Buffer.alloc(0)), ...each.map((content) => field(1, 2, content))];
      });
    },
  },
  'values in parts, to be merged': {
    fields: (parts, kind) =>
      kind === 'keyValue'
        ? parts.flatMap((part) => (tagOf(part) === 0x12 ? [field(2, 2, Buffer.alloc(0)), part] : [part]))
        : parts,
  },
  'values of two members, of which the last counts': {
    fields: (parts, kind) =>
      kind === 'value' ? [field(2, 0, varint(1)), field(1, 2, Buffer.from('x')), ...parts] : parts,
  },
};
