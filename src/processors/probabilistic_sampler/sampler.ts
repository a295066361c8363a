// The sampler inside a stage. Nearly every span arrives without a tracestate and without `sampling.priority`: those are
// decided on the bytes of the trace id alone, by halves, with no object made. All others go the Collector's whole way:
// the randomness, is the span consistent, the threshold of the mode, the priority, the new tracestate.
import type { CounterId, StageBuilder, StageProcessor } from '../../component/types.ts';
import { spanField } from '../../wire/schema.ts';
import type { Config } from './index.ts';
import {
  type Finding,
  hashHigh,
  hashLow,
  hashTraceId,
  type Mode,
  modeOf,
  type PolicyName,
  type Problem,
  problems,
  seedState,
  traceIdHigh,
  traceIdLow,
} from './policy.ts';
import { priorityKey, priorityOf } from './priority.ts';
import { always, type Bits56, never, notBelow, thresholdText } from './threshold.ts';
import { emptyTraceState, formatTraceState, parseTraceState, type TraceState } from './trace-state.ts';

const traceStateField = spanField.traceState;
const metric = 'otelcol_processor_probabilistic_sampler_count_traces_sampled';

interface Counters {
  readonly kept: Readonly<Record<PolicyName, CounterId>>;
  readonly left: Readonly<Record<PolicyName, CounterId>>;
  /** Of the ledger, by reason. */
  readonly dropped: Readonly<Record<Problem | 'not_sampled' | 'sampling_priority', CounterId>>;
}

function countersOf(stage: StageBuilder, mode: Mode): Counters {
  const count = (sampled: boolean) =>
    Object.fromEntries(
      mode.policies.map((policy) => [policy, stage.counter(metric, { policy, sampled: String(sampled) })]),
    ) as Record<PolicyName, CounterId>;
  const reasons = [...problems, 'not_sampled', 'sampling_priority'] as const;
  return {
    kept: count(true),
    left: count(false),
    dropped: Object.fromEntries(reasons.map((reason) => [reason, stage.dropCounter(reason)])) as Counters['dropped'],
  };
}

/** A tracestate as it was read last: most spans of a request share theirs. */
interface Reading {
  readonly text: string;
  readonly state: TraceState;
  readonly threshold: Bits56;
}

export function compileSampler(config: Config, stage: StageBuilder): StageProcessor {
  const { kind, mode } = modeOf(config);
  const counters = countersOf(stage, mode);
  const whole = wholeWay(config, stage, mode, counters);
  const own = mode.threshold(emptyTraceState);
  if (kind === 'consistent') return plainConsistent(stage, own, counters, whole);
  if (kind === 'hash') return plainHash(stage, own, config.hash_seed, counters, whole);
  return { span: whole };
}

/** Has the span something besides its trace id that the decision depends on? */
function notPlain(stage: StageBuilder): () => boolean {
  const { message, attributes } = stage.span;
  const priority = stage.intern(priorityKey);
  return () =>
    attributes.find(priority) >= 0 || (message.has(traceStateField) && message.valueLength(traceStateField) > 0);
}

function plainConsistent(stage: StageBuilder, own: Bits56, counters: Counters, whole: () => void): StageProcessor {
  const { span } = stage;
  const { message } = span;
  const { bytes } = message.stage.shared;
  const text = Buffer.from(`ot=th:${thresholdText(own)}`, 'latin1');
  const textAt = stage.constant(text);
  const textLength = text.length;
  const { high: ownHigh, low: ownLow } = own;
  const kept = counters.kept.trace_id_w3c;
  const left = counters.left.trace_id_w3c;
  const dropped = counters.dropped.not_sampled;
  const isNotPlain = notPlain(stage);
  return {
    span() {
      const at = span.traceIdOffset;
      const high = traceIdHigh(bytes, at);
      const low = traceIdLow(bytes, at);
      // No trace id, or zeros where it should be random: a look at the rest of it is needed.
      if (at === 0 || (high | low) === 0 || isNotPlain()) whole();
      else if (high > ownHigh || (high === ownHigh && low >= ownLow)) {
        stage.add(kept, 1);
        message.setRange(traceStateField, textAt, textLength);
      } else {
        stage.add(left, 1);
        span.drop(dropped);
      }
    },
  };
}

function plainHash(
  stage: StageBuilder,
  own: Bits56,
  seed: number,
  counters: Counters,
  whole: () => void,
): StageProcessor {
  const { span } = stage;
  const { message } = span;
  const { scratch, shared } = message.stage;
  const { bytes } = shared;
  const template = Buffer.from(`ot=rv:00000000000000;th:${thresholdText(own)}`, 'latin1');
  const digitsAt = 'ot=rv:'.length;
  const seeded = seedState(seed);
  const kept = counters.kept.trace_id_hash;
  const left = counters.left.trace_id_hash;
  const dropped = counters.dropped.not_sampled;
  const isNotPlain = notPlain(stage);
  return {
    span() {
      const at = span.traceIdOffset;
      if (at === 0 || isZero(bytes, at) || isNotPlain()) {
        whole();
        return;
      }
      const hash = hashTraceId(seeded, bytes, at);
      const high = hashHigh(hash);
      if (high < own.high) {
        stage.add(left, 1);
        span.drop(dropped);
        return;
      }
      stage.add(kept, 1);
      const to = scratch.take(template.length);
      for (let i = 0; i < template.length; i++) bytes[to + i] = template[i];
      writeHex(bytes, to + digitsAt, high);
      writeHex(bytes, to + digitsAt + 7, hashLow(hash));
      message.setRange(traceStateField, to, template.length);
    },
  };
}

function isZero(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + 16; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Seven lower-case hex digits of a number below 2^28. */
function writeHex(bytes: Uint8Array, at: number, n: number): void {
  for (let i = 0, shift = 24; i < 7; i++, shift -= 4) {
    const digit = (n >>> shift) & 15;
    bytes[at + i] = digit < 10 ? 48 + digit : 87 + digit;
  }
}

function wholeWay(config: Config, stage: StageBuilder, mode: Mode, counters: Counters): () => void {
  const { span } = stage;
  const { attributes, message } = span;
  const { shared } = message.stage;
  const priorityId = stage.intern(priorityKey);
  let last: Reading = { text: '', state: emptyTraceState, threshold: mode.threshold(emptyTraceState) };

  const read = (): Reading => {
    const at = message.has(traceStateField) ? message.valueAt(traceStateField) : 0;
    const n = message.has(traceStateField) ? message.valueLength(traceStateField) : 0;
    const text = shared.buffer.toString('latin1', at, at + n);
    if (text !== last.text) {
      const state = parseTraceState(text);
      last = { text, state, threshold: mode.threshold(state) };
    }
    return last;
  };

  const write = (found: Finding, { state }: Reading, threshold: Bits56): void => {
    // An incoming threshold is only ever raised: who lowers it, lowers the count that the span stands for.
    const stays = found.th !== '' && !notBelow(threshold, state.threshold);
    message.setText(traceStateField, formatTraceState(state, found.rv, stays ? found.th : thresholdText(threshold)));
  };

  return () => {
    const reading = read();
    const at = span.traceIdOffset;
    const found = mode.find(reading.state, shared.bytes, at > 0 && !isZero(shared.bytes, at) ? at : 0);
    const entry = attributes.find(priorityId);
    const priority = entry < 0 ? 'defer' : priorityOf(attributes.get(entry));
    if (found.problem === 'malformed_tracestate') {
      stage.warn(
        'TRACE_STATE',
        'a span has a tracestate that W3C trace context does not allow; fail_closed decides on it',
      );
    }
    let threshold = reading.threshold;
    if (found.problem !== null) threshold = config.fail_closed ? never : always;
    if (priority !== 'defer') threshold = priority === 'keep' ? always : never;
    const policy = priority === 'defer' ? found.policy : 'sampling_priority';
    if (notBelow(found.randomness, threshold)) {
      stage.add(counters.kept[policy], 1);
      if (found.writes) write(found, reading, threshold);
    } else {
      stage.add(counters.left[policy], 1);
      const reason = priority === 'drop' ? 'sampling_priority' : (found.problem ?? 'not_sampled');
      span.drop(counters.dropped[reason]);
    }
  };
}
