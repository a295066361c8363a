// Consistent probability sampling inside a stage. Nearly every span arrives without a priority, and without a tracestate or
// with the one of the span before: those are decided on the bytes of the trace id, by halves, with no object made. All
// others go the whole way.
import { spanField } from '../../wire/schema.ts';
import type { StageBuilder, StageProcessor } from '../step.ts';
import { traceIdHigh, traceIdLow } from './mode.ts';
import { compileReader } from './reading.ts';
import { compileWholeWay, type SamplerParts } from './whole-way.ts';

const traceState = spanField.traceState;

/** `parts.mode`: of `consistentMode`. */
export function compileConsistent(stage: StageBuilder, parts: SamplerParts): StageProcessor & { span(): void } {
  const { span } = stage;
  const { attributes, message } = span;
  const { bytes } = message.stage.shared;
  const { counters, mode } = parts;
  const read = compileReader(stage, mode);
  const whole = compileWholeWay(stage, parts, read);
  const hasPriority = parts.priority !== null;
  const priority = parts.priority?.key ?? 0;
  const kept = counters.kept.trace_id_w3c;
  const left = counters.left.trace_id_w3c;
  const dropped = counters.dropped.not_sampled;
  return {
    span() {
      const at = span.traceIdOffset;
      const high = traceIdHigh(bytes, at);
      const low = traceIdLow(bytes, at);
      // No trace id, or zeros where it should be random: the rest of it says which.
      if (at === 0 || (high | low) === 0 || (hasPriority && attributes.find(priority) >= 0)) {
        whole();
        return;
      }
      const { state, threshold, nextAt, nextLength } = read();
      const incoming = state.threshold;
      if (
        state.malformed ||
        state.rv !== '' ||
        high < incoming.high ||
        (high === incoming.high && low < incoming.low)
      ) {
        whole();
      } else if (high > threshold.high || (high === threshold.high && low >= threshold.low)) {
        stage.add(kept, 1);
        message.setRange(traceState, nextAt, nextLength);
      } else {
        stage.add(left, 1);
        span.drop(dropped);
      }
    },
  };
}
