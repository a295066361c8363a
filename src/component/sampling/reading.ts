// The tracestate of the current span, as its mode understands it. Most spans that have one share it with the span before
// (the threshold of the same SDK), so the last reading is kept with its bytes, and what is written for it too.
import { spanField } from '../../wire/schema.ts';
import type { StageBuilder } from '../step.ts';
import type { Mode } from './mode.ts';
import { type Bits56, notBelow, thresholdText } from './threshold.ts';
import { formatTraceState, maxLength, parseTraceState, type TraceState } from './trace-state.ts';

export interface Reading {
  readonly state: TraceState;
  /** The threshold that the mode has for it. */
  readonly threshold: Bits56;
  /** The tracestate of a span that this threshold keeps, its `rv` unchanged: in memory until the next reading. */
  readonly nextAt: number;
  readonly nextLength: number;
}

/** `th` after sampling. It is only ever raised: who lowers it, lowers the count that the span stands for. */
export function nextThreshold(th: string, incoming: Bits56, threshold: Bits56): string {
  return th !== '' && !notBelow(threshold, incoming) ? th : thresholdText(threshold);
}

export function compileReader(stage: StageBuilder, mode: Mode): () => Reading {
  const { message } = stage.span;
  const { kernel, shared } = message.stage;
  const field = spanField.traceState;
  const read = (text: string, nextAt: number): Reading => {
    const state = parseTraceState(text);
    const threshold = mode.threshold(state);
    const next = formatTraceState(state, state.rv, nextThreshold(state.th, state.threshold, threshold));
    for (let i = 0; i < next.length; i++) shared.bytes[nextAt + i] = next.charCodeAt(i);
    return { state, threshold, nextAt, nextLength: next.length };
  };
  // What is written is longer than what came by no more than `ot=`, `th:`, 14 digits and two separators.
  const reserve = () => stage.constant(new Uint8Array(maxLength + 64));
  const empty = read('', reserve());
  const lastAt = reserve();
  const nextAt = reserve();
  let lastLength = 0;
  let last = empty;
  return () => {
    const length = message.has(field) ? message.valueLength(field) : 0;
    if (length === 0) return empty;
    const at = message.valueAt(field);
    if (length === lastLength && kernel.equal(at, lastAt, length) !== 0) return last;
    last = read(shared.buffer.toString('latin1', at, at + length), nextAt);
    // A longer one is malformed: it is not worth keeping.
    lastLength = length <= maxLength ? length : 0;
    kernel.copy(lastAt, at, lastLength);
    return last;
  };
}
