// What an encoding of requests must do, so that protobuf and JSON share everything else.
import type { ByteWriter } from './byte-writer.ts';
import type { FreshPart, LinkShape, ResourceShape, ScopeShape, SpanShape } from './shape.ts';

/** What stands before and after the items of a list. */
export interface Frame {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/** A request is a list of resources, each a list of scopes, each a list of spans. */
export interface Encoding {
  /**
   * Appends a span's message: ids and times are placeholders, their places are marked (but for trace and span id, which
   * stand at the same place in every span).
   */
  writeSpan(to: ByteWriter, span: SpanShape): void;
  readonly request: Frame;
  resourceFrame(resource: ResourceShape): Frame;
  scopeFrame(scope: ScopeShape): Frame;
  /** Bytes that stand in a list before an item of so many bytes. */
  itemBytes(index: number, length: number): number;
  /** Writes them; gives where the item starts. */
  writeItem(to: Uint8Array, at: number, level: Level, index: number, length: number): number;
  /** Nanoseconds are kept as two numbers, high * radix + low. */
  readonly timeRadix: number;
}

export type Level = 'resource' | 'scope' | 'span';

export const freshAlphabets = ['hex', 'digits', 'base62'] as const;
export const freshScopes = ['span', 'trace'] as const;

/** A fresh part as the two numbers of its mark and the upper bits of its kind. */
export function freshKind(kind: number, part: FreshPart): number {
  return kind | (freshAlphabets.indexOf(part.alphabet) << 4) | (freshScopes.indexOf(part.scope) << 8);
}

const sampled = 0x01;
const hasIsRemote = 0x100;
const isRemote = 0x200;

/** As every SDK writes them (SpanFlags of the OTLP): sampled, and whether the parent is in another program. */
export function flagsOf(span: SpanShape): number {
  const remote = span.parent !== null && span.parent.resource !== span.resource;
  return sampled | hasIsRemote | (remote ? isRemote : 0);
}

export function linkFlags(span: SpanShape, link: LinkShape): number {
  return sampled | hasIsRemote | (link.to.resource !== span.resource ? isRemote : 0);
}
