// A span should not have a key twice, but some do, and then every reader picks one. The Collector's actions see the first
// and leave the others, so that a deleted or overwritten value stays readable there; ours leave none of the old values.

import type { AttributeTable } from '../../wire/attribute-table.ts';
import type { Kernel } from '../../wire/kernel/kernel.ts';
import type { KeyId, StageBuilder } from '../step.ts';

/** The next live entry behind `entry` with the same key, or -1. */
export function stepOverKey(table: AttributeTable, kernel: Kernel, entry: number): number {
  if (!table.hasDuplicateKeys) return -1;
  const at = table.keyOffset(entry);
  const length = table.keyLength(entry);
  for (let e = entry + 1; e < table.count; e++) {
    if (table.keyLength(e) === length && table.live(e) && kernel.equal(table.keyOffset(e), at, length) !== 0) return e;
  }
  return -1;
}

/** Removes all attributes of a key but the first. */
export function removeLater(table: AttributeTable, stage: StageBuilder, key: KeyId): void {
  if (!table.hasDuplicateKeys) return;
  const { kernel } = stage.span.message.stage;
  const first = table.find(key);
  for (let e = stepOverKey(table, kernel, first); e >= 0; e = stepOverKey(table, kernel, e)) table.removeEntry(e);
}
