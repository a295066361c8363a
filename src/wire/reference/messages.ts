// OTLP trace messages as plain objects: what the reference codec decodes to and encodes from. Every field is present
// with its default, but for message fields and oneof members, whose absence says something. int64 and fixed64 are bigint,
// bytes are Uint8Array, enums are numbers (values newer than this build stay as they are).

interface Extensible {
  /** Fields that proto/ does not know, each with its tag, in the order in which they came. Absent when there are none. */
  unknownFields?: Uint8Array[];
}

/** At most one member; none: the empty value. */
export interface AnyValue extends Extensible {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: bigint;
  doubleValue?: number;
  arrayValue?: ArrayValue;
  kvlistValue?: KeyValueList;
  bytesValue?: Uint8Array;
  stringValueStrindex?: number;
}
export interface ArrayValue extends Extensible {
  values: AnyValue[];
}
export interface KeyValueList extends Extensible {
  values: KeyValue[];
}
export interface KeyValue extends Extensible {
  key: string;
  value?: AnyValue;
  keyStrindex: number;
}
export interface InstrumentationScope extends Extensible {
  name: string;
  version: string;
  attributes: KeyValue[];
  droppedAttributesCount: number;
}
export interface EntityRef extends Extensible {
  schemaUrl: string;
  type: string;
  idKeys: string[];
  descriptionKeys: string[];
}
export interface Resource extends Extensible {
  attributes: KeyValue[];
  droppedAttributesCount: number;
  entityRefs: EntityRef[];
}
export interface SpanEvent extends Extensible {
  timeUnixNano: bigint;
  name: string;
  attributes: KeyValue[];
  droppedAttributesCount: number;
}
export interface SpanLink extends Extensible {
  traceId: Uint8Array;
  spanId: Uint8Array;
  traceState: string;
  attributes: KeyValue[];
  droppedAttributesCount: number;
  flags: number;
}
export interface Status extends Extensible {
  message: string;
  code: number;
}
export interface Span extends Extensible {
  traceId: Uint8Array;
  spanId: Uint8Array;
  traceState: string;
  parentSpanId: Uint8Array;
  flags: number;
  name: string;
  kind: number;
  startTimeUnixNano: bigint;
  endTimeUnixNano: bigint;
  attributes: KeyValue[];
  droppedAttributesCount: number;
  events: SpanEvent[];
  droppedEventsCount: number;
  links: SpanLink[];
  droppedLinksCount: number;
  status?: Status;
}
export interface ScopeSpans extends Extensible {
  scope?: InstrumentationScope;
  spans: Span[];
  schemaUrl: string;
}
export interface ResourceSpans extends Extensible {
  resource?: Resource;
  scopeSpans: ScopeSpans[];
  schemaUrl: string;
}
export interface ExportTraceServiceRequest extends Extensible {
  resourceSpans: ResourceSpans[];
}
