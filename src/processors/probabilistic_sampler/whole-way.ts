// A span decided on in the Collector's order, whatever it brings: its randomness, whether it is consistent, the threshold
// of the mode, its priority, and the tracestate that follows.
import type { StageBuilder } from '../../component/types.ts';
import { spanField } from '../../wire/schema.ts';
import type { Counters } from './counters.ts';
import type { Config } from './index.ts';
import type { Mode } from './policy.ts';
import { priorityKey, priorityOf } from './priority.ts';
import { nextThreshold, type Reading } from './reading.ts';
import { always, never, notBelow } from './threshold.ts';
import { formatTraceState } from './trace-state.ts';

export function compileWholeWay(
  config: Config,
  stage: StageBuilder,
  mode: Mode,
  counters: Counters,
  read: () => Reading,
): () => void {
  const { span } = stage;
  const { attributes, message } = span;
  const { bytes } = message.stage.shared;
  const priorityId = stage.intern(priorityKey);
  return () => {
    const reading = read();
    const { state } = reading;
    const at = span.traceIdOffset;
    const found = mode.find(state, bytes, at > 0 && !isZeroId(bytes, at) ? at : 0);
    if (found.problem === 'malformed_tracestate') {
      stage.warn('TRACE_STATE', 'a span has a tracestate that is not W3C trace context; fail_closed decides on it');
    }
    let { threshold } = reading;
    if (found.problem !== null) threshold = config.fail_closed ? never : always;
    const entry = attributes.find(priorityId);
    const priority = entry < 0 ? 'defer' : priorityOf(attributes.get(entry));
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
