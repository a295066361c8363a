// Whether the resource and the scope that a span arrived under are those it was sent under. Both are the same for many
// spans, and do not change from round to round: they are told apart by their bytes, and each pair is compared once.
import { SpanmillError } from '../../src/errors.ts';
import { compareResource, compareScope, type Message } from './compare-span.ts';
import { type CorpusIndex, type Group, groupOf, ownGroup } from './corpus-index.ts';
import type { KeyRules } from './key-rules.ts';
import { type Field, readFields, sameBytes } from './message-reader.ts';
import { normalise } from './normalise.ts';
import { UnusualEncoding } from './same-value.ts';

export interface GroupRules {
  readonly resources: KeyRules;
  readonly scopes: KeyRules;
}

export interface GroupCheck {
  /** The spans that follow are in this ResourceSpans, and within it in this ScopeSpans: their fields. */
  enterResource(bytes: Buffer, fields: readonly Field[]): void;
  enterScope(bytes: Buffer, fields: readonly Field[]): void;
  /** What is wrong with where the span of this ordinal arrived; '' when nothing is. */
  check(ordinal: number): string;
}

/** Groups that arrived, and verdicts, that are remembered. */
const mostKnown = 10_000;
/** Of the groups whose digests are the same. */
const mostAlike = 64;
/** The digest takes one byte of so many: that tells nearly all apart, and costs next to nothing. */
const digestStep = 5;

interface KnownGroup {
  readonly id: number;
  readonly group: Group;
}

function digestOf({ bytes, from, to, urlFrom, urlTo }: Group): number {
  let digest = Math.imul(to - from, 65_599) + urlTo - urlFrom;
  for (let p = from; p < to; p += digestStep) digest = (Math.imul(digest, 31) + bytes[p]) | 0;
  for (let p = urlFrom; p < urlTo; p += digestStep) digest = (Math.imul(digest, 31) + bytes[p]) | 0;
  return digest;
}

function sameGroup(a: Group, b: Group): boolean {
  return (
    sameBytes(a.bytes, a.from, a.to, b.bytes, b.from, b.to) &&
    sameBytes(a.bytes, a.urlFrom, a.urlTo, b.bytes, b.urlFrom, b.urlTo)
  );
}

/** Gives groups of the same bytes the same entry, for as long as it remembers them. `forget` is called when it does not. */
function createKnownGroups(forget: () => void) {
  const byDigest = new Map<number, KnownGroup[]>();
  let count = 0;
  let nextId = 0;
  return (group: Group): KnownGroup => {
    const digest = digestOf(group);
    let alike = byDigest.get(digest);
    if (alike !== undefined) {
      for (let i = 0; i < alike.length; i++) if (sameGroup(alike[i].group, group)) return alike[i];
    }
    if (count >= mostKnown) {
      byDigest.clear();
      count = 0;
      alike = undefined;
      forget();
    }
    const known = { id: nextId++, group: ownGroup(group) };
    if (alike === undefined) byDigest.set(digest, [known]);
    else if (alike.length < mostAlike) alike.push(known);
    else alike[known.id % mostAlike] = known;
    count++;
    return known;
  };
}

/** Resources and scopes alike: `compare` tells what differs. */
function createKind(
  sent: readonly Group[],
  name: 'resource' | 'scope',
  compare: (arrived: Message, sent: Message) => string,
) {
  /** By id of what arrived * number of those sent + id of what was sent. */
  const verdicts = new Map<number, string>();
  const knownGroup = createKnownGroups(() => verdicts.clear());
  let current: KnownGroup | null = null;
  let lastPair = -1;
  let lastVerdict = '';

  const compareBytes = (bytes: Buffer, from: number, to: number, other: Group): string =>
    compare(
      { bytes, fields: readFields(bytes, from, to) },
      { bytes: other.bytes, fields: readFields(other.bytes, other.from, other.to) },
    );
  const verdictOf = (group: Group, sentId: number): string => {
    const { bytes, from, to, urlFrom, urlTo } = group;
    const other = sent[sentId];
    if (!sameBytes(bytes, urlFrom, urlTo, other.bytes, other.urlFrom, other.urlTo)) return `${name} schema URL`;
    try {
      return compareBytes(bytes, from, to, other);
    } catch (error) {
      if (!(error instanceof UnusualEncoding)) throw error;
      const normal = normalise(name, bytes.subarray(from, to));
      return compareBytes(normal, 0, normal.length, other);
    }
  };
  return {
    enter(bytes: Buffer, fields: readonly Field[]): void {
      const group = groupOf(bytes, fields);
      if (current === null || !sameGroup(group, current.group)) current = knownGroup(group);
    },
    check(sentId: number): string {
      if (current === null) throw new SpanmillError('INTERNAL', `a span came before its ${name}`);
      const pair = current.id * sent.length + sentId;
      if (pair === lastPair) return lastVerdict;
      let verdict = verdicts.get(pair);
      if (verdict === undefined) {
        verdict = verdictOf(current.group, sentId);
        if (verdicts.size >= mostKnown) verdicts.clear();
        verdicts.set(pair, verdict);
      }
      lastPair = pair;
      lastVerdict = verdict;
      return verdict;
    },
  };
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
