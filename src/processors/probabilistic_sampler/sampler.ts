// The sampler inside a stage. By hash, too, nearly every span is decided on the bytes of its trace id, with no object made:
// those without a tracestate and without a priority.
import { defineStep } from '../../component/define.ts';
import { compileConsistent } from '../../component/sampling/consistent.ts';
import type { Counters } from '../../component/sampling/mode.ts';
import { compileReader } from '../../component/sampling/reading.ts';
import { type Bits56, thresholdText } from '../../component/sampling/threshold.ts';
import { emptyTraceState } from '../../component/sampling/trace-state.ts';
import { compileWholeWay, isZeroId } from '../../component/sampling/whole-way.ts';
import type { KeyId, StageBuilder, StageProcessor } from '../../component/step.ts';
import { spanField } from '../../wire/schema.ts';
import { compileCounters, metricName } from './counters.ts';
import type { Config } from './index.ts';
import { hashHigh, hashLow, hashTraceId, modeOf, seedState } from './policy.ts';
import { priorityKey, priorityOf } from './priority.ts';

const traceState = spanField.traceState;

export const samplerStep = defineStep<Config>({
  type: 'probabilistic_sampler',
  metrics: [
    {
      name: metricName,
      kind: 'counter',
      help: 'Count of traces that were sampled or not',
      labels: ['policy', 'sampled'],
    },
  ],
  compile: compileSampler,
});

function compileSampler(config: Config, stage: StageBuilder): StageProcessor {
  const { kind, mode } = modeOf(config);
  const counters = compileCounters(stage, mode);
  const priority = { key: stage.intern(priorityKey), of: priorityOf };
  const parts = { mode, counters, failClosed: config.fail_closed, priority };
  if (kind === 'consistent') return compileConsistent(stage, parts);
  const whole = compileWholeWay(stage, parts, compileReader(stage, mode));
  if (kind === 'never') return { span: whole };
  return compileHash(stage, config.hash_seed, mode.threshold(emptyTraceState), counters, priority.key, whole);
}

function compileHash(
  stage: StageBuilder,
  seed: number,
  threshold: Bits56,
  counters: Counters,
  priority: KeyId,
  whole: () => void,
): StageProcessor {
  const { span } = stage;
  const { attributes, message } = span;
  const { kernel, scratch, shared } = message.stage;
  const { bytes } = shared;
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
