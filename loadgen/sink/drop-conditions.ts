// Conditions of the expectation's `dropped` on spans of the corpus, as they were stamped last.
import type { Matcher } from '../../src/lib/regexp/regexp.ts';
import type { Corpus } from '../corpus/corpus.ts';
import type { CorpusIndex } from './corpus-index.ts';
import { type DropConfig, spanKinds } from './expect-schema.ts';
import { type Field, int32Of, lastField, readFields } from './message-reader.ts';
import { attributeOf, type SimpleValue } from './span-attributes.ts';

type Condition = (ordinal: number, bytes: Buffer, fields: readonly Field[]) => boolean;
type AttributeCondition = NonNullable<DropConfig['attributes']>[string];

function textMatches(wanted: string | { readonly matches: Matcher }, text: string): boolean {
  return typeof wanted === 'string' ? wanted === text : wanted.matches.test(text);
}

function attributeMatches(wanted: AttributeCondition, found: SimpleValue | undefined): boolean {
  if (typeof wanted === 'object') {
    if ('exists' in wanted) return wanted.exists === (found !== undefined);
    return typeof found === 'string' && wanted.matches.test(found);
  }
  const isNumber = (value: unknown) => typeof value === 'bigint' || typeof value === 'number';
  // 1 and 1.0 are the same number, whichever of them was written and sent.
  return isNumber(wanted) && isNumber(found) ? Number(wanted) === Number(found) : wanted === found;
}

function conditionsOf(drop: DropConfig, services: readonly string[], resourceOf: Int32Array): Condition[] {
  const { name, kind, service, attributes } = drop;
  const conditions: Condition[] = [];
  if (service !== undefined) {
    const matching = services.map((each) => textMatches(service, each));
    conditions.push((ordinal) => matching[resourceOf[ordinal]]);
  }
  if (kind !== undefined) {
    const number = spanKinds.indexOf(kind);
    conditions.push((_, bytes, fields) => int32Of(bytes, lastField(fields, 6, 0)) === number);
  }
  if (name !== undefined) {
    conditions.push((_, bytes, fields) => {
      const field = lastField(fields, 5, 2);
      return textMatches(name, field === null ? '' : bytes.toString('utf8', field.from, field.to));
    });
  }
  for (const [key, wanted] of Object.entries(attributes)) {
    conditions.push((_, bytes, fields) => attributeMatches(wanted, attributeOf(bytes, fields, key)));
  }
  return conditions;
}

/** Gives whether the span of an ordinal matches all conditions of any entry. */
export function compileDrops(
  drops: readonly DropConfig[],
  corpus: Corpus,
  index: CorpusIndex,
): (ordinal: number) => boolean {
  const services = index.resources.map(({ bytes, from, to }) => {
    const service = attributeOf(bytes, readFields(bytes, from, to), 'service.name', 1);
    return typeof service === 'string' ? service : '';
  });
  const entries = drops.map((drop) => conditionsOf(drop, services, index.resourceOf));
  const { bytes, spanStart, spanEnd } = corpus;
  return (ordinal) => {
    const fields = readFields(bytes, spanStart[ordinal], spanEnd[ordinal]);
    return entries.some((conditions) => conditions.every((condition) => condition(ordinal, bytes, fields)));
  };
}
