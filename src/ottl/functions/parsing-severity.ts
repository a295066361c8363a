// Which level a value stands for, by a mapping such as {"error": [{"equals": ["err"]}, {"range": {"min": 400, "max": 599}}]}.
import { fault } from '../error.ts';
import { describe, type OttlMap, type OttlValue } from '../values.ts';

/** The first level in the order of the mapping that has the value. Throws OttlFault. */
export function severityOf(value: OttlValue, mapping: OttlMap): string {
  if (typeof value !== 'string' && typeof value !== 'bigint') {
    throw fault(`a level is read from a string or an int, got ${describe(value)}`);
  }
  for (const [level, criteria] of mapping) {
    if (!Array.isArray(criteria)) throw fault(`the mapping of a level is a list, got ${describe(criteria)}`);
    for (const criterion of criteria as readonly OttlValue[]) {
      if (!(criterion instanceof Map)) throw fault(`an item of a level's list is a map, got ${describe(criterion)}`);
      if (typeof value === 'string' ? isEqual(value, criterion) : isInRange(value, criterion)) return level;
    }
  }
  throw fault('the mapping has no level for the value');
}

function isEqual(value: string, criterion: OttlMap): boolean {
  const texts = criterion.get('equals');
  if (texts === undefined) return false;
  if (!Array.isArray(texts)) throw fault(`"equals" is a list of strings, got ${describe(texts)}`);
  return texts.includes(value);
}

/** `{"min": 200, "max": 299}`, both inclusive; `"2xx"` is short for that. */
function isInRange(value: bigint, criterion: OttlMap): boolean {
  const range = criterion.get('range');
  if (range === undefined) return false;
  if (typeof range === 'string') {
    if (!/^[1-5]xx$/.test(range)) throw fault('a "range" as text is one of 1xx, 2xx, 3xx, 4xx, 5xx');
    const min = BigInt(range[0]) * 100n;
    return value >= min && value < min + 100n;
  }
  const [min, max] = range instanceof Map ? [range.get('min'), range.get('max')] : [];
  if (typeof min !== 'bigint' || typeof max !== 'bigint') throw fault('a "range" is a map with the ints min and max');
  return value >= min && value <= max;
}
