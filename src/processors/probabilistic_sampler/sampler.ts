// The sampler inside a stage. Nearly every span arrives without `sampling.priority`, and without a tracestate or with the
// one of the span before: those are decided on the bytes of the trace id, by halves, with no object made. All others go
// the whole way.
import type { StageBuilder, StageProcessor } from '../../component/types.ts';
import { spanField } from '../../wire/schema.ts';
import { type Counters, compileCounters } from './counters.ts';
import type { Config } from './index.ts';
import { hashHigh, hashLow, hashTraceId, modeOf, seedState, traceIdHigh, traceIdLow } from './policy.ts';
import { priorityKey } from './priority.ts';
import { compileReader, type Reading } from './reading.ts';
import { type Bits56, thresholdText } from './threshold.ts';
import { emptyTraceState } from './trace-state.ts';
import { compileWholeWay, isZeroId } from './whole-way.ts';

const traceState = spanField.traceState;

export function compileSampler(config: Config, stage: StageBuilder): StageProcessor {
  const { kind, mode } = modeOf(config);
  const counters = compileCounters(stage, mode);
  const read = compileReader(stage, mode);
  const whole = compileWholeWay(config, stage, mode, counters, read);
  if (kind === 'consistent') return compileConsistent(stage, counters, read, whole);
  if (kind === 'hash') return compileHash(stage, config.hash_seed, mode.threshold(emptyTraceState), counters, whole);
  return { span: whole };
}

function compileConsistent(
  stage: StageBuilder,
  counters: Counters,
  read: () => Reading,
  whole: () => void,
): StageProcessor {
  const { span } = stage;
  const { attributes, message } = span;
  const { bytes } = message.stage.shared;
  const priority = stage.intern(priorityKey);
  const kept = counters.kept.trace_id_w3c;
  const left = counters.left.trace_id_w3c;
  const dropped = counters.dropped.not_sampled;
  return {
    span() {
      const at = span.traceIdOffset;
      const high = traceIdHigh(bytes, at);
      const low = traceIdLow(bytes, at);
      // No trace id, or zeros where it should be random: the rest of it says which.
      if (at === 0 || (high | low) === 0 || attributes.find(priority) >= 0) {
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

function compileHash(
  stage: StageBuilder,
  seed: number,
  threshold: Bits56,
  counters: Counters,
  whole: () => void,
): StageProcessor {
  const { span } = stage;
  const { attributes, message } = span;
  const { kernel, scratch, shared } = message.stage;
  const { bytes } = shared;
  const priority = stage.intern(priorityKey);
  const template = Buffer.from(`ot=rv:00000000000000;th:${thresholdText(threshold)}`, 'latin1');
  const templateAt = stage.constant(template);
  const length = template.length;
  const digitsAt = 'ot=rv:'.length;
  const seeded = seedState(seed);
  const kept = counters.kept.trace_id_hash;
  const left = counters.left.trace_id_hash;
  const dropped = counters.dropped.not_sampled;
  return {
    span() {
      const at = span.traceIdOffset;
      const stated = message.has(traceState) && message.valueLength(traceState) > 0;
      if (at === 0 || stated || isZeroId(bytes, at) || attributes.find(priority) >= 0) {
        whole();
        return;
      }
      const hash = hashTraceId(seeded, bytes, at);
      const high = hashHigh(hash);
      if (high < threshold.high) {
        stage.add(left, 1);
        span.drop(dropped);
        return;
      }
      stage.add(kept, 1);
      const to = scratch.take(length);
      kernel.copy(to, templateAt, length);
      writeHex(bytes, to + digitsAt, high);
      writeHex(bytes, to + digitsAt + 7, hashLow(hash));
      message.setRange(traceState, to, length);
    },
  };
}

/** Seven lower-case hex digits of a number below 2^28. Without a branch: the digits are random. */
function writeHex(bytes: Uint8Array, at: number, n: number): void {
  for (let i = 0, shift = 24; i < 7; i++, shift -= 4) {
    const digit = (n >>> shift) & 15;
    bytes[at + i] = 48 + digit + (((9 - digit) >> 31) & 39);
  }
}
