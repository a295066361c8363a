// A name made of attribute values: their bytes, one after another.
import { scalarText } from '../../component/scalar-text.ts';
import type { StageBuilder } from '../../component/step.ts';
import { contentStart } from '../../wire/any-value.ts';
import { spanField } from '../../wire/schema.ts';
import { valueKind } from '../../wire/value.ts';
import type { NameConfig } from './index.ts';

/** What the Collector writes for a list, a map, bytes or an empty value. */
const noText = '<unknown-attribute-type>';

export function compileNaming({ from_attributes: keys, separator }: NameConfig, stage: StageBuilder): () => void {
  const { attributes: table, message } = stage.span;
  const { shared, kernel, scratch } = message.stage;
  const ids = keys.map((key) => stage.intern(key));
  const between = Buffer.from(separator);
  const betweenAt = stage.constant(between);
  /** Where the text of each value lies, of the present span. */
  const starts = ids.map(() => 0);
  const lengths = ids.map(() => 0);
  const findText = (part: number, entry: number): void => {
    if (table.kind(entry) === valueKind.string) {
      const at = table.valueOffset(entry);
      starts[part] = contentStart(shared.bytes, at);
      lengths[part] = at + table.valueLength(entry) - starts[part];
      return;
    }
    const text = scalarText(table.get(entry)) ?? noText;
    starts[part] = scratch.take(text.length);
    lengths[part] = shared.buffer.write(text, starts[part], 'latin1');
  };
  return () => {
    let total = between.length * (ids.length - 1);
    for (let i = 0; i < ids.length; i++) {
      const entry = table.find(ids[i]);
      if (entry < 0) return;
      findText(i, entry);
      total += lengths[i];
    }
    if (ids.length === 1) {
      message.setRange(spanField.name, starts[0], total);
      return;
    }
    const at = scratch.take(total);
    kernel.copy(at, starts[0], lengths[0]);
    let p = at + lengths[0];
    for (let i = 1; i < ids.length; i++) {
      kernel.copy(p, betweenAt, between.length);
      p += between.length;
      kernel.copy(p, starts[i], lengths[i]);
      p += lengths[i];
    }
    message.setRange(spanField.name, at, total);
  };
}
