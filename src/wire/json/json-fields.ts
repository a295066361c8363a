// What OTLP JSON calls the fields of the trace messages, and how it writes their values: made from the tables of schema.ts.
// A test compares the result with proto/.
import {
  anyValueField,
  arrayValueField,
  entityRefField,
  eventField,
  type FieldRule,
  keyValueField,
  keyValueListField,
  linkField,
  type MessageKind,
  messageKind,
  messageRules,
  requestField,
  resourceField,
  resourceSpansField,
  scopeField,
  scopeSpansField,
  spanField,
  statusField,
  wireType,
} from '../schema.ts';

/** How a value stands in JSON. */
export type JsonType =
  | 'message'
  | 'string'
  /** An id, in hexadecimal digits. */
  | 'hex'
  | 'base64'
  | 'bool'
  | 'int64'
  | 'uint32'
  | 'int32'
  /** A number or a name. */
  | 'enum'
  | 'fixed64'
  | 'fixed32'
  | 'double';

export interface JsonField {
  /** lowerCamelCase. */
  readonly name: string;
  /** The protobuf tag: field number and wire type. */
  readonly tag: number;
  readonly type: JsonType;
  readonly repeated: boolean;
  /** Of a type `message`, else -1. */
  readonly child: MessageKind | -1;
  /** Bytes of an id. */
  readonly idLength: number;
  /** A member of AnyValue's oneof: written even when it is the default. */
  readonly oneof: boolean;
  /** A single value of a message, which counts as it stands last; of each of a message's another bit. 0: one of the others. */
  readonly bit: number;
  /** Of a type `enum`. */
  readonly values: Readonly<Record<string, number>>;
  /** Bytes that the length of a message usually takes. */
  readonly lengthBytes: number;
}

/** A spelling of a field's name. */
export interface JsonName {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly field: JsonField;
  /** As OTLP called it before 0.15. */
  readonly former: boolean;
}

const fieldNumbers: Readonly<Record<MessageKind, Readonly<Record<string, number>>>> = {
  [messageKind.request]: requestField,
  [messageKind.resourceSpans]: resourceSpansField,
  [messageKind.scopeSpans]: scopeSpansField,
  [messageKind.span]: spanField,
  [messageKind.event]: eventField,
  [messageKind.link]: linkField,
  [messageKind.status]: statusField,
  [messageKind.resource]: resourceField,
  [messageKind.scope]: scopeField,
  [messageKind.keyValue]: keyValueField,
  [messageKind.anyValue]: anyValueField,
  [messageKind.arrayValue]: arrayValueField,
  [messageKind.keyValueList]: keyValueListField,
  [messageKind.entityRef]: entityRefField,
};

const enums: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  kind: {
    SPAN_KIND_UNSPECIFIED: 0,
    SPAN_KIND_INTERNAL: 1,
    SPAN_KIND_SERVER: 2,
    SPAN_KIND_CLIENT: 3,
    SPAN_KIND_PRODUCER: 4,
    SPAN_KIND_CONSUMER: 5,
  },
  code: { STATUS_CODE_UNSET: 0, STATUS_CODE_OK: 1, STATUS_CODE_ERROR: 2 },
};

/** What the wire type alone does not say. */
const specialTypes: Readonly<Record<string, JsonType>> = {
  bytesValue: 'base64',
  boolValue: 'bool',
  intValue: 'int64',
  doubleValue: 'double',
  stringValueStrindex: 'int32',
  keyStrindex: 'int32',
  kind: 'enum',
  code: 'enum',
};

const lengthBytes: Partial<Record<MessageKind, number>> = {
  [messageKind.resourceSpans]: 3,
  [messageKind.scopeSpans]: 3,
  [messageKind.span]: 2,
  [messageKind.resource]: 2,
};

/** As they were called before OTLP 0.15; the Collector still reads them. */
const formerNames: readonly (readonly [kind: MessageKind, former: string, name: string])[] = [
  [messageKind.resourceSpans, 'instrumentationLibrarySpans', 'scopeSpans'],
  [messageKind.scopeSpans, 'instrumentationLibrary', 'scope'],
];

function typeOf(name: string, rule: FieldRule): JsonType {
  if (rule.child !== -1) return 'message';
  if (rule.idLength !== 0) return 'hex';
  const special = specialTypes[name];
  if (special !== undefined) return special;
  switch (rule.wire) {
    case wireType.bytes:
      return 'string';
    case wireType.varint:
      return 'uint32';
    case wireType.fixed64:
      return 'fixed64';
    default:
      return 'fixed32';
  }
}

function fieldsOf(kind: MessageKind): JsonField[] {
  return Object.entries(fieldNumbers[kind]).map(([name, number], index) => {
    const rule = messageRules[kind].find(({ field }) => field === number);
    if (rule === undefined) throw new TypeError(`${name} has no rule`);
    return {
      name,
      tag: number * 8 + rule.wire,
      type: typeOf(name, rule),
      repeated: rule.repeated,
      child: rule.child,
      idLength: rule.idLength,
      oneof: kind === messageKind.anyValue,
      bit: rule.child !== -1 || rule.repeated || kind === messageKind.anyValue ? 0 : 1 << index,
      values: enums[name] ?? {},
      lengthBytes: (rule.child === -1 ? undefined : lengthBytes[rule.child]) ?? 1,
    };
  });
}

export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function namesOf(kind: MessageKind): JsonName[] {
  const named = (name: string, field: JsonField, former: boolean): JsonName[] =>
    [...new Set([name, snakeCase(name)])].map((text) => ({ text, bytes: Buffer.from(text), field, former }));
  return fieldsOf(kind).flatMap((field) => [
    ...named(field.name, field, false),
    ...formerNames
      .filter(([of, , name]) => of === kind && name === field.name)
      .flatMap(([, former]) => named(former, field, true)),
  ]);
}

/** For each message kind the spellings of its fields, by their length in bytes. */
export const jsonNames: readonly (readonly (readonly JsonName[])[])[] = Object.values(messageKind).map((kind) => {
  const byLength: JsonName[][] = Array.from({ length: 32 }, () => []);
  for (const name of namesOf(kind)) byLength[name.bytes.length].push(name);
  return byLength;
});
