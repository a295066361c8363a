// A processor that does what the attribute `misbehave` of a span says.
import { existsSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { defineSpanProcessor } from '../../../src/component/define.ts';

export const misbehaviourKey = 'misbehave';

/**
 * `exit`: the worker ends. `exit once FILE`: only while there is no such file, which is then made. `throw`: the hook
 * throws. `loop`: it never returns. `die later`: an error outside of any job, once the job is done. `overflow`: recursion
 * without end. `memory`: the heap fills.
 */
export type Misbehaviour = 'exit' | `exit once ${string}` | 'throw' | 'loop' | 'die later' | 'overflow' | 'memory';

export const misbehaving = defineSpanProcessor<Record<string, never>>({
  kind: 'processor',
  role: 'spans',
  type: 'misbehaving',
  aliases: [],
  stability: 'development',
  summary: 'for tests',
  config: z.strictObject({}),
  examples: [],
  metrics: [],
  traits: { mutates: false, drops: true },
  compile(_config, { span, intern, dropCounter }) {
    const key = intern(misbehaviourKey);
    const dropped = dropCounter('asked_to');
    return {
      span() {
        const entry = span.attributes.find(key);
        if (entry < 0) return;
        const value = String(span.attributes.get(entry));
        if (value === 'drop') span.drop(dropped);
        else misbehave(value as Misbehaviour);
      },
    };
  },
});

function misbehave(how: Misbehaviour): void {
  switch (how) {
    case 'exit':
      process.exit(3);
      break;
    case 'throw':
      throw new Error('told to throw');
    case 'loop':
      for (;;);
    case 'die later':
      setImmediate(() => {
        throw new Error('told to die');
      });
      return;
    case 'overflow':
      misbehaveDeeply(1);
      return;
    case 'memory': {
      const kept: unknown[] = [];
      for (;;) kept.push(new Array(100_000).fill(0.5));
    }
    default: {
      const file = how.slice('exit once '.length);
      if (existsSync(file)) return;
      writeFileSync(file, '');
      process.exit(3);
    }
  }
}

function misbehaveDeeply(depth: number): void {
  misbehaveDeeply(depth + 1);
  if (depth < 0) throw new Error('not reached');
}
