// A span decided on in the Collector's order, whatever it brings: its randomness, whether it is consistent, the threshold
// of the mode, its priority, and the tracestate that follows.
import { spanField } from '../../wire/schema.ts';
import type { Value } from '../../wire/value.ts';
import type { KeyId, StageBuilder } from '../step.ts';
import type { Counters, Mode } from './mode.ts';
import { nextThreshold, type Reading } from './reading.ts';
import { always, never, notBelow } from './threshold.ts';
import { formatTraceState } from './trace-state.ts';

export type Priority = 'defer' | 'drop' | 'keep';

export interface SamplerParts {
  readonly mode: Mode;
  readonly counters: Counters;
  /** Spans that cannot be decided on are dropped; else they are kept. */
  readonly failClosed: boolean;
  /** An attribute that forces spans in or out; null: none does. */
  readonly priority: { readonly key: KeyId; of(value: Value): Priority } | null;
}

export function compileWholeWay(stage: StageBuilder, parts: SamplerParts, read: () => Reading): () => void {
  const { mode, counters, failClosed } = parts;
  const { span } = stage;
  const { attributes, message } = span;
  const { bytes } = message.stage.shared;
  const priorityOf = (): Priority => {
    const entry = parts.priority === null ? -1 : attributes.find(parts.priority.key);
    return parts.priority === null || entry < 0 ? 'defer' : parts.priority.of(attributes.get(entry));
  };
  return () => {
    const reading = read();
    const { state } = reading;
    const at = span.traceIdOffset;
    const found = mode.find(state, bytes, at > 0 && !isZeroId(bytes, at) ? at : 0);
    if (found.problem === 'malformed_tracestate') {
      stage.warn(
        'TRACE_STATE',
        `a span has a tracestate that is not W3C trace context: such spans are ${failClosed ? 'dropped' : 'kept'}`,
      );
    }
    let { threshold } = reading;
    if (found.problem !== null) threshold = failClosed ? never : always;
    const priority = priorityOf();
    if (priority !== 'defer') threshold = priority === 'keep' ? always : never;
    const policy = priority === 'defer' ? found.policy : 'sampling_priority';
    if (notBelow(found.randomness, threshold)) {
      stage.add(counters.kept[policy], 1);
      if (!found.writes) return;
      const th = nextThreshold(found.th, state.threshold, threshold);
      message.setText(spanField.traceState, formatTraceState(state, found.rv, th));
    } else {
      stage.add(counters.left[policy], 1);
      const reason = priority === 'drop' ? 'sampling_priority' : (found.problem ?? 'not_sampled');
      span.drop(counters.dropped[reason]);
    }
  };
}

/** The 16 bytes of a trace id that is none. */
export function isZeroId(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + 16; i++) if (bytes[i] !== 0) return false;
  return true;
}
