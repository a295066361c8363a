// A span that arrived against the span that was sent, field by field and by meaning: the order of fields, how long varints
// are written, defaults written out and fields that nobody knows do not count.
import { compareAttributes, entriesIn, type Notes, noNotes } from './compare-attributes.ts';
import { type KeyRules, noKeyRules } from './key-rules.ts';
import { type Field, int32Of, lastField, readFields, sameBytes } from './message-reader.ts';
import { onlyMessage } from './same-value.ts';
import { sameOtherMembers } from './trace-state.ts';

/** A message with its fields. */
export interface Message {
  readonly bytes: Buffer;
  readonly fields: readonly Field[];
}

export interface SpanRules {
  readonly attributes: KeyRules;
  readonly events: KeyRules;
  /** A sampler in the chain writes OpenTelemetry's member of the trace state. */
  readonly writesTraceState: boolean;
}

/** Told of trace states that are right although not as sent. */
export interface SpanNotes extends Notes {
  traceState(arrived: Field, sent: Field | null): void;
}

export const noSpanNotes: SpanNotes = { ...noNotes, traceState() {} };

/**
 * What is wrong first, in words; '' when nothing is. `startTime`: end and events do not fit to the start, and all by as much,
 * so that it is the start that was changed.
 */
export interface SpanFinding {
  readonly what: string;
  readonly startTime: boolean;
}

const fine: SpanFinding = { what: '', startTime: false };
const problem = (what: string): SpanFinding => ({ what, startTime: false });

export const spanField = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  parentSpanId: 4,
  name: 5,
  kind: 6,
  startTime: 7,
  endTime: 8,
  attributes: 9,
  droppedAttributes: 10,
  events: 11,
  droppedEvents: 12,
  links: 13,
  droppedLinks: 14,
  status: 15,
  flags: 16,
} as const;

/** How a scalar is compared; its wire type decides, and for `id` zeros are none. */
type Scalar = readonly [number: number, type: 0 | 1 | 2 | 5, name: string, id?: 'id'];

const spanScalars: readonly Scalar[] = [
  [spanField.traceId, 2, 'trace id'],
  [spanField.spanId, 2, 'span id'],
  [spanField.parentSpanId, 2, 'parent span id', 'id'],
  [spanField.name, 2, 'name'],
  [spanField.kind, 0, 'kind'],
  [spanField.flags, 5, 'flags'],
  [spanField.droppedAttributes, 0, 'dropped attributes count'],
  [spanField.droppedEvents, 0, 'dropped events count'],
  [spanField.droppedLinks, 0, 'dropped links count'],
];
const statusScalars: readonly Scalar[] = [
  [3, 0, 'status code'],
  [2, 2, 'status message'],
];
const eventScalars: readonly Scalar[] = [
  [2, 2, 'name'],
  [4, 0, 'dropped attributes count'],
];
const linkScalars: readonly Scalar[] = [
  [1, 2, 'trace id'],
  [2, 2, 'span id'],
  [3, 2, 'trace state'],
  [5, 0, 'dropped attributes count'],
  [6, 5, 'flags'],
];

function isZero(bytes: Buffer, field: Field | null): boolean {
  if (field === null) return true;
  for (let p = field.from; p < field.to; p++) if (bytes[p] !== 0) return false;
  return true;
}

function sameScalar(a: Buffer, left: Field | null, b: Buffer, right: Field | null, scalar: Scalar): boolean {
  const [, type, , id] = scalar;
  if (type === 0) return int32Of(a, left) === int32Of(b, right);
  if (id === 'id' || type !== 2) {
    if (isZero(a, left) && isZero(b, right)) return true;
    if (type !== 2 && (left === null || right === null)) return false;
  }
  return sameBytes(a, left?.from ?? 0, left?.to ?? 0, b, right?.from ?? 0, right?.to ?? 0);
}

/** The name of the first scalar that differs; '' for none. */
function compareScalars(arrived: Message, sent: Message, scalars: readonly Scalar[], notes: Notes): string {
  for (const scalar of scalars) {
    const [number, type, name] = scalar;
    const left = lastField(arrived.fields, number, type);
    const right = lastField(sent.fields, number, type);
    if (!sameScalar(arrived.bytes, left, sent.bytes, right, scalar)) return name;
    noteScalar(arrived.bytes, left, sent.bytes, right, notes);
  }
  return '';
}

function noteScalar(a: Buffer, left: Field | null, b: Buffer, right: Field | null, notes: Notes): void {
  // A default that was written out may be left out.
  if (left === null) return;
  if (right === null) notes.constant(left);
  else if (sameBytes(a, left.at, left.to, b, right.at, right.to)) notes.same(left, right);
  else notes.equal();
}

/** Nanoseconds by which a time is later than the one that was sent; exact where they are less than 104 days apart. */
function timeShift(a: Buffer, left: Field | null, b: Buffer, right: Field | null): number {
  const half = (bytes: Buffer, field: Field | null, after: number) =>
    field === null ? 0 : bytes.readUInt32LE(field.from + after);
  return (half(a, left, 4) - half(b, right, 4)) * 2 ** 32 + (half(a, left, 0) - half(b, right, 0));
}

/** May throw UnusualEncoding, and a RangeError where a part is not protobuf. */
export function compareSpan(arrived: Message, sent: Message, rules: SpanRules, notes: SpanNotes): SpanFinding {
  const scalar = compareScalars(arrived, sent, spanScalars, notes);
  if (scalar !== '') return problem(scalar);
  const traceState = compareTraceState(arrived, sent, rules, notes);
  if (traceState !== '') return problem(traceState);
  const status = compareStatus(arrived, sent, notes);
  if (status !== '') return problem(status);
  const attributes = compareAttributes(
    entriesIn(arrived.bytes, arrived.fields, spanField.attributes),
    entriesIn(sent.bytes, sent.fields, spanField.attributes),
    rules.attributes,
    notes,
  );
  if (attributes !== '') return problem(attributes);
  const links = compareItems(arrived, sent, spanField.links, 'link', notes, true, compareLink);
  if (links !== '') return problem(links);
  return compareTimes(arrived, sent, rules, notes);
}

function compareTimes(arrived: Message, sent: Message, rules: SpanRules, notes: SpanNotes): SpanFinding {
  const end = lastField(arrived.fields, spanField.endTime, 1);
  const sentEnd = lastField(sent.fields, spanField.endTime, 1);
  const shift = timeShift(arrived.bytes, end, sent.bytes, sentEnd);
  noteStart(arrived, sent, notes);
  noteScalar(arrived.bytes, end, sent.bytes, sentEnd, notes);
  const eventsShiftedBy = (by: number) =>
    compareItems(arrived, sent, spanField.events, 'event', notes, rules.events.none && by === 0, (a, b, each) =>
      compareEvent(a, b, each, rules.events, by),
    );
  const events = eventsShiftedBy(0);
  if (shift === 0) return events === '' ? fine : problem(events);
  const hasEvents = arrived.fields.some(({ number }) => number === spanField.events);
  if (hasEvents && events !== '' && eventsShiftedBy(shift) === '') return { what: 'start time', startTime: true };
  return problem('end time');
}

function noteStart(arrived: Message, sent: Message, notes: Notes): void {
  const start = lastField(arrived.fields, spanField.startTime, 1);
  const sentStart = lastField(sent.fields, spanField.startTime, 1);
  noteScalar(arrived.bytes, start, sent.bytes, sentStart, notes);
}

function compareTraceState(arrived: Message, sent: Message, rules: SpanRules, notes: SpanNotes): string {
  const left = lastField(arrived.fields, spanField.traceState, 2);
  const right = lastField(sent.fields, spanField.traceState, 2);
  if (!rules.writesTraceState) {
    return compareScalars(arrived, sent, [[spanField.traceState, 2, 'trace state']], notes);
  }
  const range = (field: Field | null): [number, number] => [field?.from ?? 0, field?.to ?? 0];
  if (!sameOtherMembers(arrived.bytes, ...range(left), sent.bytes, ...range(right))) return 'trace state';
  if (left !== null) notes.traceState(left, right);
  return '';
}

function compareStatus(arrived: Message, sent: Message, notes: Notes): string {
  const left = onlyMessage(arrived.fields, spanField.status);
  const right = onlyMessage(sent.fields, spanField.status);
  const within = (bytes: Buffer, field: Field | null): Message => ({
    bytes,
    fields: field === null ? [] : readFields(bytes, field.from, field.to),
  });
  const name = compareScalars(within(arrived.bytes, left), within(sent.bytes, right), statusScalars, noNotes);
  if (name === '') noteScalar(arrived.bytes, left, sent.bytes, right, notes);
  return name;
}

/** Events and links, which keep their order. `asSent`: what has the bytes that were sent is right. */
function compareItems(
  arrived: Message,
  sent: Message,
  number: number,
  name: string,
  notes: Notes,
  asSent: boolean,
  compare: (arrived: Message, sent: Message, name: string) => string,
): string {
  const items = entriesIn(arrived.bytes, arrived.fields, number).fields;
  const others = entriesIn(sent.bytes, sent.fields, number).fields;
  if (items.length !== others.length) return `number of ${name}s`;
  for (const [i, item] of items.entries()) {
    const other = others[i];
    const same = sameBytes(arrived.bytes, item.from, item.to, sent.bytes, other.from, other.to);
    if (same) noteScalar(arrived.bytes, item, sent.bytes, other, notes);
    if (same && asSent) continue;
    const left = { bytes: arrived.bytes, fields: readFields(arrived.bytes, item.from, item.to) };
    const right = { bytes: sent.bytes, fields: readFields(sent.bytes, other.from, other.to) };
    const what = compare(left, right, `${name} ${i + 1}`);
    if (what !== '') return what;
    if (!same) notes.equal();
  }
  return '';
}

function compareEvent(arrived: Message, sent: Message, name: string, rules: KeyRules, shift: number): string {
  const scalar = compareScalars(arrived, sent, eventScalars, noNotes);
  if (scalar !== '') return `${name} ${scalar}`;
  const time = lastField(arrived.fields, 1, 1);
  const sentTime = lastField(sent.fields, 1, 1);
  if (timeShift(arrived.bytes, time, sent.bytes, sentTime) !== shift) return `${name} time`;
  const attributes = compareAttributes(
    entriesIn(arrived.bytes, arrived.fields, 3),
    entriesIn(sent.bytes, sent.fields, 3),
    rules,
    noNotes,
  );
  return attributes === '' ? '' : `${name} ${attributes}`;
}

function compareLink(arrived: Message, sent: Message, name: string): string {
  const scalar = compareScalars(arrived, sent, linkScalars, noNotes);
  if (scalar !== '') return `${name} ${scalar}`;
  const attributes = compareAttributes(
    entriesIn(arrived.bytes, arrived.fields, 4),
    entriesIn(sent.bytes, sent.fields, 4),
    noKeyRules,
    noNotes,
  );
  return attributes === '' ? '' : `${name} ${attributes}`;
}

const scopeScalars: readonly Scalar[] = [
  [1, 2, 'scope name'],
  [2, 2, 'scope version'],
  [4, 0, 'scope dropped attributes count'],
];

/** What differs of a scope, in words; '' for nothing. */
export function compareScope(arrived: Message, sent: Message, rules: KeyRules): string {
  const scalar = compareScalars(arrived, sent, scopeScalars, noNotes);
  if (scalar !== '') return scalar;
  return prefixed('scope', arrived, sent, 3, rules);
}

/** What differs of a resource, in words; '' for nothing. */
export function compareResource(arrived: Message, sent: Message, rules: KeyRules): string {
  const scalar = compareScalars(arrived, sent, [[2, 0, 'resource dropped attributes count']], noNotes);
  if (scalar !== '') return scalar;
  return prefixed('resource', arrived, sent, 1, rules);
}

function prefixed(name: string, arrived: Message, sent: Message, number: number, rules: KeyRules): string {
  const found = compareAttributes(
    entriesIn(arrived.bytes, arrived.fields, number),
    entriesIn(sent.bytes, sent.fields, number),
    rules,
    noNotes,
  );
  return found === '' ? '' : `${name} ${found}`;
}
