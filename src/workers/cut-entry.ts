// What the cutting thread loads: one task at a time, on bytes that nobody changes meanwhile.
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { SpanmillError } from '../errors.ts';
import { messageOf } from '../wire/cut/part.ts';
import { shrinkMessage } from '../wire/cut/shrink.ts';
import { planHalves, planSplit } from '../wire/cut/split.ts';
import type { CutResult, CutTask } from './cut-protocol.ts';

export default function cut(task: CutTask): unknown {
  try {
    const message = messageOf(task.segments);
    const result = run(task, message);
    if (result === null || result.kind === 'whole') return result;
    if (result.kind === 'plan') {
      const { literals, pieces, parts } = result.plan;
      return moved(result, [literals.buffer, pieces.buffer, parts.buffer]);
    }
    return result.kind === 'bytes' ? moved(result, [result.bytes.buffer]) : result;
  } catch (error) {
    if (error instanceof SpanmillError) return { kind: 'error', code: error.code, message: error.message };
    throw error;
  }
}

function run(task: CutTask, message: Uint8Array): CutResult {
  switch (task.kind) {
    case 'split': {
      const plan = planSplit(message, task.limits);
      return plan === null ? { kind: 'whole' } : { kind: 'plan', plan };
    }
    case 'halve': {
      const plan = planHalves(message);
      return plan === null ? null : { kind: 'plan', plan };
    }
    case 'shrink': {
      const bytes = shrinkMessage(message, task.maxBytes);
      if (bytes === null) return null;
      // Of its own: what it lies in may be far larger.
      return bytes === message ? { kind: 'whole' } : { kind: 'bytes', bytes: Uint8Array.from(bytes) };
    }
  }
}

/** The result with its buffers handed over instead of copied. */
function moved(result: CutResult, buffers: readonly ArrayBufferLike[]): unknown {
  return move({ [transferableSymbol]: buffers, [valueSymbol]: result } as unknown as ArrayBuffer);
}
