// Conditions of the expectation's `dropped` on spans of the corpus. What they look at must be the same in every round: whether
// it is follows from where the fresh texts lie, not from trying some rounds.
import type { Path } from '../../src/config/node.ts';
import type { Matcher } from '../../src/lib/regexp/regexp.ts';
import type { StampableCorpus } from '../corpus/build.ts';
import type { CorpusIndex } from './corpus-index.ts';
import { type DropConfig, spanKinds } from './expect-schema.ts';
import { createFreshPlaces, type FreshPlaces } from './fresh-places.ts';
import { type Field, int32Of, lastField, readFields } from './message-reader.ts';
import { attributeMember, attributeOf, simpleValue } from './span-attributes.ts';

/** Thrown where a condition looks at a text that is different in every span. */
export class FreshCondition extends Error {
  /** Of the condition, in the file of expectations. */
  readonly path: Path;

  constructor(path: Path) {
    super('depends on a text that is different in every span, and whether a span is dropped must not');
    this.path = path;
  }
}

/** A span of the corpus. */
interface Candidate {
  readonly ordinal: number;
  readonly bytes: Buffer;
  readonly fields: readonly Field[];
}

interface Condition {
  readonly path: Path;
  /** null: it depends on what is fresh. */
  holds(span: Candidate): boolean | null;
}

type Text = string | { readonly matches: Matcher };
type AttributeCondition = NonNullable<DropConfig['attributes']>[string];

function textMatches(wanted: Text, text: string): boolean {
  return typeof wanted === 'string' ? wanted === text : wanted.matches.test(text);
}

/** `field`: of the span, with the text. */
function fieldMatches(wanted: Text, { ordinal, bytes }: Candidate, field: Field, fresh: FreshPlaces): boolean | null {
  const { from, to } = field;
  if (!fresh.touch(ordinal, from, to)) return textMatches(wanted, bytes.toString('utf8', from, to));
  // An exact text that cannot come of it does not, whatever is drawn.
  if (typeof wanted === 'string' && !fresh.mayBecome(ordinal, from, to, Buffer.from(wanted))) return false;
  return null;
}

function nameMatches(wanted: Text, span: Candidate, fresh: FreshPlaces): boolean | null {
  const field = lastField(span.fields, 5, 2);
  return field === null ? textMatches(wanted, '') : fieldMatches(wanted, span, field, fresh);
}

function attributeMatches(
  wanted: AttributeCondition,
  key: string,
  span: Candidate,
  fresh: FreshPlaces,
): boolean | null {
  const member = attributeMember(span.bytes, span.fields, key);
  if (typeof wanted === 'object' && 'exists' in wanted) return wanted.exists === (member !== undefined);
  if (member === undefined || member === null) return false;
  const found = simpleValue(span.bytes, member);
  if (typeof found === 'string') {
    const isText = typeof wanted === 'string' || typeof wanted === 'object';
    return isText && fieldMatches(wanted, span, member, fresh);
  }
  const isNumber = (value: unknown) => typeof value === 'bigint' || typeof value === 'number';
  // 1 and 1.0 are the same number, whichever of them was written and sent.
  return isNumber(wanted) && isNumber(found) ? Number(wanted) === Number(found) : wanted === found;
}

function conditionsOf(
  drop: DropConfig,
  entry: Path,
  services: readonly string[],
  resourceOf: Int32Array,
  fresh: FreshPlaces,
): Condition[] {
  const { name, kind, service, attributes } = drop;
  const conditions: Condition[] = [];
  const add = (path: Path, holds: Condition['holds']) => conditions.push({ path: [...entry, ...path], holds });
  if (service !== undefined) {
    const matching = services.map((each) => textMatches(service, each));
    add(['service'], ({ ordinal }) => matching[resourceOf[ordinal]]);
  }
  if (kind !== undefined) {
    const number = spanKinds.indexOf(kind);
    add(['kind'], ({ bytes, fields }) => int32Of(bytes, lastField(fields, 6, 0)) === number);
  }
  if (name !== undefined) add(['name'], (span) => nameMatches(name, span, fresh));
  for (const [key, wanted] of Object.entries(attributes)) {
    add(['attributes', key], (span) => attributeMatches(wanted, key, span, fresh));
  }
  return conditions;
}

/** Whether all hold; where that depends on what is fresh, the first condition on which it does. */
function allHold(conditions: readonly Condition[], span: Candidate): boolean | Condition {
  let open: Condition | null = null;
  for (const condition of conditions) {
    const holds = condition.holds(span);
    if (holds === false) return false;
    if (holds === null) open ??= condition;
  }
  return open ?? true;
}

/** Gives whether the span of an ordinal matches all conditions of any entry; that throws a FreshCondition. */
export function compileDrops(
  drops: readonly DropConfig[],
  corpus: StampableCorpus,
  index: CorpusIndex,
): (ordinal: number) => boolean {
  const services = index.resources.map(({ bytes, from, to }) => {
    const service = attributeOf(bytes, readFields(bytes, from, to), 'service.name', 1);
    return typeof service === 'string' ? service : '';
  });
  const fresh = createFreshPlaces(corpus);
  const entries = drops.map((drop, i) => conditionsOf(drop, ['dropped', i], services, index.resourceOf, fresh));
  const { bytes, spanStart, spanEnd } = corpus;
  return (ordinal) => {
    const span = { ordinal, bytes, fields: readFields(bytes, spanStart[ordinal], spanEnd[ordinal]) };
    const results = entries.map((conditions) => allHold(conditions, span));
    if (results.includes(true)) return true;
    const open = results.find((result) => typeof result === 'object');
    if (open !== undefined) throw new FreshCondition(open.path);
    return false;
  };
}
