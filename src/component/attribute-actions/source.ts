// Where the value of insert, update and upsert comes from, as bytes in the shared memory.

import { clientAddressKey } from '../../lib/client-keys.ts';
import { encodedSize, encodeValue } from '../../wire/any-value.ts';
import type { AttributeTable } from '../../wire/attribute-table.ts';
import type { AttributeConstant } from '../../wire/stage-memory.ts';
import type { StageBuilder } from '../step.ts';
import { isSet, metadataKeyOf } from './actions.ts';
import type { Action } from './fields.ts';

export interface Source {
  /** The attribute to add when the value is the same for every span; then `find` is not needed. */
  readonly constant: AttributeConstant | null;
  /** Whether there is a value now; its AnyValue payload is the `length` bytes at `at`. */
  find(): boolean;
  at: number;
  length: number;
  /** Before the spans of each resource. */
  resource?(): void;
}

export function compileSource(action: Action, stage: StageBuilder, table: AttributeTable): Source {
  const fallback = isSet(action.default_value) ? constantSource(action.key, action.default_value, stage) : null;
  if (isSet(action.value)) return constantSource(action.key, action.value, stage);
  if (action.from_context !== '') return contextSource(action.from_context, stage, fallback);
  if (action.from_attribute !== '') return attributeSource(action.from_attribute, stage, table, fallback);
  if (fallback !== null) return fallback;
  throw new Error('an action without a source: check() refuses those');
}

function constantSource(key: string, value: Action['value'], stage: StageBuilder): Source {
  const constant = stage.attribute(key, value ?? null);
  return { constant, find: () => true, at: constant.value, length: constant.valueLength };
}

function attributeSource(name: string, stage: StageBuilder, table: AttributeTable, fallback: Source | null): Source {
  const from = stage.intern(name);
  const source: Source = {
    constant: null,
    at: 0,
    length: 0,
    find() {
      const entry = table.find(from);
      if (entry < 0) return useFallback(source, fallback);
      source.at = table.valueOffset(entry);
      source.length = table.valueLength(entry);
      return true;
    },
  };
  return source;
}

function useFallback(source: Source, fallback: Source | null): boolean {
  if (fallback === null) return false;
  source.at = fallback.at;
  source.length = fallback.length;
  return true;
}

/** The value is the same for all spans of a request: it is encoded once a resource, where the scratch still keeps it. */
function contextSource(context: string, stage: StageBuilder, fallback: Source | null): Source {
  const key = metadataKeyOf(context);
  const { scratch, shared } = stage.span.message.stage;
  let found = false;
  const source: Source = {
    constant: null,
    at: 0,
    length: 0,
    find: () => found,
    resource() {
      const values = stage.metadata(key);
      // As in the Collector, a client has an address even where nobody knows it.
      if (values.length === 0 && key !== clientAddressKey) {
        found = useFallback(source, fallback);
        return;
      }
      const text = values.join(';');
      source.length = encodedSize(text);
      source.at = scratch.take(source.length);
      encodeValue(shared, source.at, text);
      found = true;
    },
  };
  return source;
}
