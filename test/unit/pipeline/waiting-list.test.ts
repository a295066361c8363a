import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StageRequest } from '../../../src/pipeline/stage-request.ts';
import { WaitingList } from '../../../src/pipeline/waiting-list.ts';

let made = 0;
const request = (): StageRequest => ({
  at: made++,
  length: 0,
  spans: 0,
  metadata: {},
  metadataKey: '',
  taken: () => undefined,
  secured: () => undefined,
});

test('it is a queue, whatever is taken and put back', () => {
  const step = fc.oneof(
    fc.record({ push: fc.integer({ min: 1, max: 3000 }) }),
    fc.record({ take: fc.nat(3000) }),
    fc.record({ putBack: fc.nat(50) }),
  );
  const property = fc.property(fc.array(step, { maxLength: 40 }), (list) => {
    const waiting = new WaitingList();
    const model: StageRequest[] = [];
    for (const one of list) {
      if ('push' in one) {
        for (let i = 0; i < one.push; i++) {
          model.push(request());
          waiting.push(model[model.length - 1]);
        }
      } else if ('take' in one) {
        const count = Math.min(one.take, model.length);
        assert.deepEqual(waiting.first(count), model.splice(0, count));
        waiting.advance(count);
      } else {
        const back = Array.from({ length: one.putBack }, request);
        waiting.putBack(back);
        model.unshift(...back);
      }
      assert.equal(waiting.length, model.length);
      if (model.length > 0) assert.deepEqual([waiting.at(0), waiting.at(model.length - 1)], [model[0], model.at(-1)]);
    }
  });
  fc.assert(property, { numRuns: 100 });
});
