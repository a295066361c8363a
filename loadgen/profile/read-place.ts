// Where a value of a profile stands, and how what is wrong with it is told.
import type { z } from 'zod';
import { checkSchema } from '../../src/config/check-schema.ts';
import type { MapEntry } from '../../src/config/node.ts';
import { type Issue, makeIssue, type Spot } from '../../src/config/source.ts';
import type { ErrorCode } from '../../src/errors.ts';
import type { Surroundings } from './references.ts';

/** Where a value stands, and what may stand there. */
export interface Place {
  /** As messages name it. */
  readonly name: string;
  /** Where to point for what is not there. */
  readonly key: Spot;
  readonly around: Surroundings;
  /** A map without the key of a form is a map itself: in JSON and in a `let`. */
  readonly bareMaps: boolean;
  /** In JSON, where a null is one. */
  readonly json: boolean;
  /** Whether the value may be absent. */
  readonly optional: boolean;
  readonly report: (issue: Issue) => void;
}

export const refuse = (place: Place, spot: Spot, code: ErrorCode, message: string): null => {
  place.report(makeIssue('error', spot, code, `${place.name}: ${message}`));
  return null;
};

export const below = (place: Place, key: string, entry: MapEntry): Place => ({
  ...place,
  name: `${place.name}.${key}`,
  key: entry.key,
  optional: false,
});

export const checked = <T>(schema: z.ZodType<T>, place: Place, key: string, entry: MapEntry): T | null => {
  const result = checkSchema(schema, { name: `${place.name}.${key}`, node: entry.node, key: entry.key });
  for (const issue of result.issues) place.report(issue);
  return result.value;
};

/** A text that names something. */
export const textOf = (place: Place, entry: MapEntry): string | null => {
  const { node } = entry;
  if (node.kind === 'scalar' && node.value !== null) return String(node.value);
  return refuse(place, entry.key, 'CONFIG_TYPE', 'expected a text');
};
