// Whether the resource and the scope that a span arrived under are those it was sent under. Both are the same for many
// spans, and do not change from round to round: they are told apart by their bytes, and each pair is compared once.
import { compareResource, compareScope, type Message } from './compare-span.ts';
import { type CorpusIndex, type Group, groupKey, groupOf } from './corpus-index.ts';
import type { KeyRules } from './key-rules.ts';
import { type Field, readFields, sameBytes } from './message-reader.ts';

export interface GroupRules {
  readonly resources: KeyRules;
  readonly scopes: KeyRules;
}

export interface GroupCheck {
  /** The spans that follow are in this ResourceSpans, and within it in this ScopeSpans: their fields. */
  enterResource(bytes: Buffer, fields: Field[]): void;
  enterScope(bytes: Buffer, fields: Field[]): void;
  /** What is wrong with where the span of this ordinal arrived; '' when nothing is. */
  check(ordinal: number): string;
}

/** Groups that arrived, and verdicts, that are remembered. */
const mostKnown = 10_000;

/** Resources and scopes alike: `compare` tells what differs. */
function createKind(
  sent: readonly Group[],
  name: 'resource' | 'scope',
  compare: (arrived: Message, sent: Message) => string,
) {
  const ids = new Map<string, number>();
  /** By id of what arrived * number of those sent + id of what was sent. */
  const verdicts = new Map<number, string>();
  let nextId = 0;
  let current: Group = { bytes: Buffer.alloc(0), from: 0, to: 0, urlFrom: 0, urlTo: 0 };
  let currentId = -1;
  let lastPair = -1;
  let lastVerdict = '';

  const verdictOf = (sentId: number): string => {
    const { bytes, from, to, urlFrom, urlTo } = current;
    const other = sent[sentId];
    if (!sameBytes(bytes, urlFrom, urlTo, other.bytes, other.urlFrom, other.urlTo)) return `${name} schema URL`;
    return compare(
      { bytes, fields: readFields(bytes, from, to) },
      { bytes: other.bytes, fields: readFields(other.bytes, other.from, other.to) },
    );
  };
  return {
    enter(bytes: Buffer, fields: Field[]): void {
      const group = groupOf(bytes, fields);
      const same =
        currentId >= 0 &&
        sameBytes(bytes, group.from, group.to, current.bytes, current.from, current.to) &&
        sameBytes(bytes, group.urlFrom, group.urlTo, current.bytes, current.urlFrom, current.urlTo);
      if (same) return;
      const key = groupKey(group);
      const known = ids.get(key);
      if (known === undefined && ids.size >= mostKnown) {
        ids.clear();
        verdicts.clear();
      }
      currentId = known ?? nextId++;
      ids.set(key, currentId);
      current = ownGroup(group);
    },
    check(sentId: number): string {
      const pair = currentId * sent.length + sentId;
      if (pair === lastPair) return lastVerdict;
      let verdict = verdicts.get(pair);
      if (verdict === undefined) {
        verdict = verdictOf(sentId);
        if (verdicts.size >= mostKnown) verdicts.clear();
        verdicts.set(pair, verdict);
      }
      lastPair = pair;
      lastVerdict = verdict;
      return verdict;
    },
  };
}

/** In bytes of its own: those that arrive are used again for others. */
function ownGroup({ bytes, from, to, urlFrom, urlTo }: Group): Group {
  const own = Buffer.concat([bytes.subarray(from, to), bytes.subarray(urlFrom, urlTo)]);
  return { bytes: own, from: 0, to: to - from, urlFrom: to - from, urlTo: own.length };
}

export function createGroupCheck(index: CorpusIndex, rules: GroupRules): GroupCheck {
  const resources = createKind(index.resources, 'resource', (a, b) => compareResource(a, b, rules.resources));
  const scopes = createKind(index.scopes, 'scope', (a, b) => compareScope(a, b, rules.scopes));
  return {
    enterResource: resources.enter,
    enterScope: scopes.enter,
    check(ordinal) {
      const resource = resources.check(index.resourceOf[ordinal]);
      return resource === '' ? scopes.check(index.scopeOf[ordinal]) : resource;
    },
  };
}
