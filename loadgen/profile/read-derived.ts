// Values that follow from others, or from how the span went: read from their tree.
import { z } from 'zod';
import type { MapEntry } from '../../src/config/node.ts';
import { suggestion } from '../../src/config/suggest.ts';
import { numberSchema, type Quantity, shareSchema } from './quantity.ts';
import { checked, type Place, refuse, textOf } from './read-place.ts';
import { durationRefusal, isRefusal, resolveReference } from './references.ts';
import { DURATION_UNITS, type ValueSpec } from './value-spec.ts';

interface Amount {
  readonly key: string;
  readonly target: ValueSpec | null;
}

/** Attributes of which only the amount counts, so that they may be fresh; null where one was refused. */
const readAmounts = (place: Place, items: readonly MapEntry[]): readonly Amount[] | null => {
  const found: Amount[] = [];
  for (const item of items) {
    const key = textOf(place, item);
    if (key === null) return null;
    const one = resolveReference('attr', key, { ...place.around, fresh: true });
    if (isRefusal(one)) return refuse(place, item.node.at, one.code, one.message);
    found.push({ key, target: one.form === 'attr' ? one.target : null });
  }
  return found;
};

export const readTokens = (place: Place, entry: MapEntry): ValueSpec | null => {
  const [found] = readAmounts(place, [entry]) ?? [];
  return found === undefined ? null : { form: 'tokens_of', ...found };
};

const readAmountList = (place: Place, entry: MapEntry, form: string): readonly Amount[] | null => {
  const { node } = entry;
  if (node.kind !== 'list') return refuse(place, entry.key, 'CONFIG_TYPE', `${form}: expected a list of attributes`);
  return readAmounts(
    place,
    node.items.map((item) => ({ key: item.at, node: item })),
  );
};

const keysAndTargets = (found: readonly Amount[]) => ({
  keys: found.map(({ key }) => key),
  targets: found.map(({ target }) => target),
});

export const readSum = (place: Place, entry: MapEntry): ValueSpec | null => {
  const found = readAmountList(place, entry, 'sum');
  return found === null ? null : { form: 'sum', ...keysAndTargets(found) };
};

export const readRatio = (place: Place, entry: MapEntry, written: MapEntry | undefined): ValueSpec | null => {
  const found = readAmountList(place, entry, 'ratio');
  const times = written === undefined ? 1 : checked(z.number().positive(), place, 'times', written);
  if (found === null || times === null) return null;
  if (found.length === 2) return { form: 'ratio', ...keysAndTargets(found), times };
  return refuse(place, entry.key, 'CONFIG_VALUE', `ratio: expected two attributes, found ${found.length}`);
};

/** What happens below is known when the span has ended. */
export const readSumBelow = (place: Place, entry: MapEntry): ValueSpec | null => {
  const { ofSpans, ended } = place.around;
  const key = textOf(place, entry);
  if (key === null) return null;
  const late = (message: string) => refuse(place, entry.key, 'CONFIG_CONFLICT', message);
  if (!ended) return late(durationRefusal('the sum of what is below').message);
  if (ofSpans?.has(key) === true) return { form: 'sum_below', key };
  const hint = suggestion(key, [...(ofSpans ?? [])], 'there is');
  return refuse(place, entry.node.at, 'CONFIG_UNDEFINED', `no span has an attribute "${key}"${hint}`);
};

export const readPerSecond = (place: Place, entry: MapEntry): ValueSpec | null => {
  const rate = checked(numberSchema, place, 'per_second', entry);
  if (!place.around.ended) {
    const { code, message } = durationRefusal('the duration of a span');
    return refuse(place, entry.key, code, message);
  }
  return rate === null ? null : { form: 'per_second', rate };
};

const readShare = (place: Place, share: MapEntry | undefined): Quantity | null =>
  share === undefined ? { form: 'fixed', value: 1 } : checked(shareSchema, place, 'share', share);

export const readShareOf = (place: Place, entry: MapEntry, written: MapEntry | undefined): ValueSpec | null => {
  if (written === undefined) return refuse(place, entry.key, 'CONFIG_MISSING', 'share_of needs a share beside it');
  const [found] = readAmounts(place, [entry]) ?? [];
  const share = readShare(place, written);
  return found === undefined || share === null ? null : { form: 'share_of', ...found, share };
};

export const readDuration = (place: Place, entry: MapEntry, written: MapEntry | undefined): ValueSpec | null => {
  const unit = checked(z.enum(DURATION_UNITS), place, 'duration_in', entry);
  const share = readShare(place, written);
  if (!place.around.ended) {
    const { code, message } = durationRefusal('the duration of a span');
    return refuse(place, entry.key, code, message);
  }
  return unit === null || share === null ? null : { form: 'duration_in', unit, share };
};
