// The OTLP trace messages as plain tables, for what reads bytes without decoding them: the kernel and the normaliser.
// Numbers and types are those of proto/; a test compares the two.

/** Numbers of the message kinds: indexes into `messageRules`. */
export const messageKind = {
  request: 0,
  resourceSpans: 1,
  scopeSpans: 2,
  span: 3,
  event: 4,
  link: 5,
  status: 6,
  resource: 7,
  scope: 8,
  keyValue: 9,
  anyValue: 10,
  arrayValue: 11,
  keyValueList: 12,
  entityRef: 13,
} as const;
export type MessageKind = (typeof messageKind)[keyof typeof messageKind];

/** Protobuf wire types that OTLP uses. */
export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Messages inside one another, the request itself not counted: what protobuf's own parsers allow by default. */
export const maxDepth = 100;

export const requestField = { resourceSpans: 1 } as const;
export const resourceSpansField = { resource: 1, scopeSpans: 2, schemaUrl: 3 } as const;
export const scopeSpansField = { scope: 1, spans: 2, schemaUrl: 3 } as const;
export const spanField = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  parentSpanId: 4,
  name: 5,
  kind: 6,
  startTimeUnixNano: 7,
  endTimeUnixNano: 8,
  attributes: 9,
  droppedAttributesCount: 10,
  events: 11,
  droppedEventsCount: 12,
  links: 13,
  droppedLinksCount: 14,
  status: 15,
  flags: 16,
} as const;
export const eventField = { timeUnixNano: 1, name: 2, attributes: 3, droppedAttributesCount: 4 } as const;
export const linkField = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  attributes: 4,
  droppedAttributesCount: 5,
  flags: 6,
} as const;
/** Field 1 was once a deprecated code and is reserved. */
export const statusField = { message: 2, code: 3 } as const;
export const resourceField = { attributes: 1, droppedAttributesCount: 2, entityRefs: 3 } as const;
export const scopeField = { name: 1, version: 2, attributes: 3, droppedAttributesCount: 4 } as const;
export const keyValueField = { key: 1, value: 2, keyStrindex: 3 } as const;
/** All members of one oneof. */
export const anyValueField = {
  stringValue: 1,
  boolValue: 2,
  intValue: 3,
  doubleValue: 4,
  arrayValue: 5,
  kvlistValue: 6,
  bytesValue: 7,
  stringValueStrindex: 8,
} as const;
export const arrayValueField = { values: 1 } as const;
export const keyValueListField = { values: 1 } as const;
export const entityRefField = { schemaUrl: 1, type: 2, idKeys: 3, descriptionKeys: 4 } as const;

export interface FieldRule {
  readonly field: number;
  readonly wire: 0 | 1 | 2 | 5;
  readonly repeated: boolean;
  /** Kind of the message that the field holds; -1 for a scalar, string or bytes. */
  readonly child: MessageKind | -1;
  /** Bytes of an id, which may also be empty; 0: any length. */
  readonly idLength: 0 | 8 | 16;
}

function rule(field: number, wire: FieldRule['wire']): FieldRule {
  return { field, wire, repeated: false, child: -1, idLength: 0 };
}
const varint = (field: number): FieldRule => rule(field, wireType.varint);
const fixed64 = (field: number): FieldRule => rule(field, wireType.fixed64);
const fixed32 = (field: number): FieldRule => rule(field, wireType.fixed32);
const bytes = (field: number): FieldRule => rule(field, wireType.bytes);
const id = (field: number, idLength: 8 | 16): FieldRule => ({ ...bytes(field), idLength });
const message = (field: number, child: MessageKind): FieldRule => ({ ...bytes(field), child });
const repeated = (of: FieldRule): FieldRule => ({ ...of, repeated: true });

/** For each message kind its fields, ascending by number. OTLP has no packed fields in traces. */
export const messageRules: readonly (readonly FieldRule[])[] = [
  // request
  [repeated(message(requestField.resourceSpans, messageKind.resourceSpans))],
  // resourceSpans
  [
    message(resourceSpansField.resource, messageKind.resource),
    repeated(message(resourceSpansField.scopeSpans, messageKind.scopeSpans)),
    bytes(resourceSpansField.schemaUrl),
  ],
  // scopeSpans
  [
    message(scopeSpansField.scope, messageKind.scope),
    repeated(message(scopeSpansField.spans, messageKind.span)),
    bytes(scopeSpansField.schemaUrl),
  ],
  // span
  [
    id(spanField.traceId, 16),
    id(spanField.spanId, 8),
    bytes(spanField.traceState),
    id(spanField.parentSpanId, 8),
    bytes(spanField.name),
    varint(spanField.kind),
    fixed64(spanField.startTimeUnixNano),
    fixed64(spanField.endTimeUnixNano),
    repeated(message(spanField.attributes, messageKind.keyValue)),
    varint(spanField.droppedAttributesCount),
    repeated(message(spanField.events, messageKind.event)),
    varint(spanField.droppedEventsCount),
    repeated(message(spanField.links, messageKind.link)),
    varint(spanField.droppedLinksCount),
    message(spanField.status, messageKind.status),
    fixed32(spanField.flags),
  ],
  // event
  [
    fixed64(eventField.timeUnixNano),
    bytes(eventField.name),
    repeated(message(eventField.attributes, messageKind.keyValue)),
    varint(eventField.droppedAttributesCount),
  ],
  // link
  [
    id(linkField.traceId, 16),
    id(linkField.spanId, 8),
    bytes(linkField.traceState),
    repeated(message(linkField.attributes, messageKind.keyValue)),
    varint(linkField.droppedAttributesCount),
    fixed32(linkField.flags),
  ],
  // status
  [bytes(statusField.message), varint(statusField.code)],
  // resource
  [
    repeated(message(resourceField.attributes, messageKind.keyValue)),
    varint(resourceField.droppedAttributesCount),
    repeated(message(resourceField.entityRefs, messageKind.entityRef)),
  ],
  // scope
  [
    bytes(scopeField.name),
    bytes(scopeField.version),
    repeated(message(scopeField.attributes, messageKind.keyValue)),
    varint(scopeField.droppedAttributesCount),
  ],
  // keyValue
  [bytes(keyValueField.key), message(keyValueField.value, messageKind.anyValue), varint(keyValueField.keyStrindex)],
  // anyValue
  [
    bytes(anyValueField.stringValue),
    varint(anyValueField.boolValue),
    varint(anyValueField.intValue),
    fixed64(anyValueField.doubleValue),
    message(anyValueField.arrayValue, messageKind.arrayValue),
    message(anyValueField.kvlistValue, messageKind.keyValueList),
    bytes(anyValueField.bytesValue),
    varint(anyValueField.stringValueStrindex),
  ],
  // arrayValue
  [repeated(message(arrayValueField.values, messageKind.anyValue))],
  // keyValueList
  [repeated(message(keyValueListField.values, messageKind.keyValue))],
  // entityRef
  [
    bytes(entityRefField.schemaUrl),
    bytes(entityRefField.type),
    repeated(bytes(entityRefField.idKeys)),
    repeated(bytes(entityRefField.descriptionKeys)),
  ],
];
