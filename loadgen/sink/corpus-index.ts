// What of a corpus does not change from round to round and is not in the spans: which request, resource and scope each
// ordinal belongs to.
import { SpanmillError } from '../../src/errors.ts';
import type { Corpus } from '../corpus/corpus.ts';
import { type Field, readFields } from './message-reader.ts';

/** A resource or scope and the schema URL beside it, both as they lie in `bytes`. */
export interface Group {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  readonly urlFrom: number;
  readonly urlTo: number;
}

export interface CorpusIndex {
  /** By ordinal: index in `corpus.requests`. */
  readonly requestOf: Int32Array;
  /** By ordinal: index in `resources` and `scopes`. */
  readonly resourceOf: Int32Array;
  readonly scopeOf: Int32Array;
  /** Distinct by their bytes. */
  readonly resources: readonly Group[];
  readonly scopes: readonly Group[];
}

/**
 * ResourceSpans and ScopeSpans alike: 1 resource or scope, 2 the groups or spans in it, 3 schema_url. A message that comes in
 * parts is what its parts are one after another: so protobuf merges them.
 */
export function groupOf(bytes: Buffer, fields: readonly Field[]): Group {
  let message: Field | null = null;
  let url: Field | null = null;
  let parts = 0;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i];
    if (field.type !== 2) continue;
    if (field.number === 1) {
      message = field;
      parts++;
    } else if (field.number === 3) url = field;
  }
  if (parts > 1) return mergedGroup(bytes, fields, url);
  return {
    bytes,
    from: message?.from ?? 0,
    to: message?.to ?? 0,
    urlFrom: url?.from ?? 0,
    urlTo: url?.to ?? 0,
  };
}

function mergedGroup(bytes: Buffer, fields: readonly Field[], url: Field | null): Group {
  const isPart = ({ number, type }: Field) => number === 1 && type === 2;
  const parts = fields.filter(isPart).map(({ from, to }) => bytes.subarray(from, to));
  return joinedGroup(parts, url === null ? bytes.subarray(0, 0) : bytes.subarray(url.from, url.to));
}

/** In bytes of its own. */
function joinedGroup(parts: readonly Buffer[], url: Buffer): Group {
  const bytes = Buffer.concat([...parts, url]);
  const end = bytes.length - url.length;
  return { bytes, from: 0, to: end, urlFrom: end, urlTo: bytes.length };
}

/** The same in bytes of its own: those that arrive are used again for others. */
export function ownGroup({ bytes, from, to, urlFrom, urlTo }: Group): Group {
  return joinedGroup([bytes.subarray(from, to)], bytes.subarray(urlFrom, urlTo));
}

/** A text that is the same for groups of the same bytes only. */
export function groupKey(group: Group): string {
  const { bytes } = group;
  return `${group.to - group.from} ${bytes.toString('latin1', group.from, group.to)}${bytes.toString('latin1', group.urlFrom, group.urlTo)}`;
}

function createInterner() {
  const ids = new Map<string, number>();
  const groups: Group[] = [];
  return {
    groups,
    id(group: Group): number {
      const key = groupKey(group);
      let id = ids.get(key);
      if (id === undefined) {
        id = groups.length;
        ids.set(key, id);
        groups.push(group);
      }
      return id;
    },
  };
}

/** The corpus must be encoded as protobuf. */
export function indexCorpus(corpus: Corpus): CorpusIndex {
  if (corpus.options.encoding !== 'protobuf') throw new SpanmillError('INTERNAL', 'the sink needs a protobuf corpus');
  const { bytes } = corpus;
  const requestOf = new Int32Array(corpus.spans);
  const resourceOf = new Int32Array(corpus.spans);
  const scopeOf = new Int32Array(corpus.spans);
  const resources = createInterner();
  const scopes = createInterner();
  for (const [i, request] of corpus.requests.entries()) {
    let ordinal = request.first;
    for (const resourceSpans of readFields(bytes, request.start, request.end)) {
      const inResource = readFields(bytes, resourceSpans.from, resourceSpans.to);
      const resource = resources.id(groupOf(bytes, inResource));
      for (const scopeSpans of inResource) {
        if (scopeSpans.number !== 2) continue;
        const inScope = readFields(bytes, scopeSpans.from, scopeSpans.to);
        const scope = scopes.id(groupOf(bytes, inScope));
        for (const span of inScope) {
          if (span.number !== 2) continue;
          if (span.from !== corpus.spanStart[ordinal]) {
            throw new SpanmillError('INTERNAL', `span ${ordinal} of the corpus is not where its index says`);
          }
          requestOf[ordinal] = i;
          resourceOf[ordinal] = resource;
          scopeOf[ordinal] = scope;
          ordinal++;
        }
      }
    }
  }
  return { requestOf, resourceOf, scopeOf, resources: resources.groups, scopes: scopes.groups };
}
