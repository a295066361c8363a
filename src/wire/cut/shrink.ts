// Makes a request of one span small enough for a peer that takes no more: by rule (shrink-values.ts), then, if that is not
// enough, without its largest attributes, which dropped_attributes_count counts. Keys, names, ids and times stay. The span
// says what was cut (marks.ts). The same bytes always give the same result.
import { SpanmillError } from '../../errors.ts';
import type { WireCode } from '../codes.ts';
import { normalise, normaliseFaultOffset } from '../normalise.ts';
import { messageKind } from '../schema.ts';
import { Fields, malformed } from './fields.ts';
import { keyOf, longValuesOf } from './long-values.ts';
import { earlierMarks, markKeys, marksBytes, marksOf, mostMarksBytes, nameOf } from './marks.ts';
import { messageOf, type Part } from './part.ts';
import { type DropRule, type RewriteResult, rewriteSpan } from './rewrite-span.ts';
import { leastValueBytes, ShrinkingValues } from './shrink-values.ts';

/**
 * The request with its longest values cut to at most `maxBytes` in all; null: ids, names and keys alone are larger. One that
 * is small enough comes back as it is. Throws a SpanmillError: OTLP_PROTOBUF on what is malformed, INTERNAL when the request
 * has not exactly one span.
 */
export function shrinkSpan(segments: readonly Buffer[], maxBytes: number): Part | null {
  const message = messageOf(segments);
  const bytes = shrinkMessage(message, maxBytes);
  if (bytes === null) return null;
  return { segments: bytes === message ? segments : [bytes as Buffer], spans: 1, bytes: bytes.length };
}

/** The same; the message itself when it is small enough. `firstBytes`: what its size was before anything was done to it. */
export function shrinkMessage(
  message: Uint8Array,
  maxBytes: number,
  firstBytes: number = message.length,
): Uint8Array | null {
  const { spans, values, marks } = longValuesOf(message, leastValueBytes + 1, markKeys);
  if (spans !== 1)
    throw new SpanmillError('INTERNAL', `a request of ${spans} spans cannot be shrunk, only one span can`);
  if (message.length <= maxBytes) return message;
  const earlier = earlierMarks(message, marks);
  const owners = values.map(({ owner }) => owner);
  const room = marksBytes(message, owners, earlier, maxBytes);
  const originalBytes = earlier.originalBytes || firstBytes;
  const shrinking = new ShrinkingValues(message, values, message.length + room - maxBytes);
  shrinking.run();
  const names = new Set([...earlier.names, ...shrinking.names()]);
  const removed = marks.map(({ start, end }) => ({ start, end, tag: 0, bytes: nothing }));
  const edits = [...shrinking.edits(), ...removed].sort((a, b) => a.start - b.start);
  const whole = rewriteSpan(message, edits, marksOf(names, originalBytes, room), null);
  if (whole.bytes.length <= maxBytes) return whole.bytes;
  // A resource or a scope may legally come in several pieces. What is left out of them can only be counted in one.
  const canonical = normalised(message);
  if (Buffer.compare(canonical, message) !== 0) return shrinkMessage(canonical, maxBytes, firstBytes);
  // Only now is it known how large each attribute has become.
  const mostMarks = mostMarksBytes(maxBytes);
  const rule = dropRule(whole, whole.bytes.length + mostMarks - maxBytes);
  if (rule === null) return null;
  const { dropped } = rewriteSpan(message, edits, nothing, rule);
  for (const attribute of dropped) names.add(nameOfDropped(message, attribute));
  const { bytes } = rewriteSpan(message, edits, marksOf(names, originalBytes, mostMarks), rule);
  return bytes.length <= maxBytes ? bytes : null;
}

function normalised(message: Uint8Array): Uint8Array {
  const target = new Uint8Array(message.length);
  const bytes = normalise(message, 0, message.length, target, 0);
  if (bytes < 0) throw malformed(bytes as WireCode, normaliseFaultOffset());
  return target.subarray(0, bytes);
}

const nothing = new Uint8Array(0);

/** Bytes that the count of dropped attributes takes in each message that has lost one. */
const countBytes = 6;

/** Leaves out as few attributes as save so many bytes; null: all of them save less. */
function dropRule({ attributeBytes, holders }: RewriteResult, saved: number): DropRule | null {
  const descending = Float64Array.from(attributeBytes).sort().reverse();
  let sum = 0;
  for (let count = 1; count <= descending.length; count++) {
    const size = descending[count - 1];
    sum += size;
    if (sum < saved + countBytes * Math.min(count, holders)) continue;
    return { size, alsoEqual: count - descending.indexOf(size) };
  }
  return null;
}

const prefixes = new Map<number, string>([
  [messageKind.span, ''],
  [messageKind.event, 'events[].'],
  [messageKind.link, 'links[].'],
  [messageKind.resource, 'resource.'],
  [messageKind.scope, 'scope.'],
]);

function nameOfDropped(message: Uint8Array, { kind, start, end }: RewriteResult['dropped'][number]): string {
  const attribute = new Fields(message, start, end);
  attribute.next();
  const key = keyOf(message, attribute.start, attribute.end);
  return nameOf(message, { prefix: prefixes.get(kind) ?? '', key: key ?? '' });
}
