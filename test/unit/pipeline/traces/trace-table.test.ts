import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TraceTable } from '../../../../src/pipeline/traces/trace-table.ts';
import { Arena } from '../../../../src/workers/arena.ts';

const memoryBytes = 8 << 20;
const idOf = (n: number): Uint32Array => Uint32Array.of(n, 0, 0, n & 3);

function createTable(budgetBytes = memoryBytes): { table: TraceTable; arena: Arena } {
  const shared = new Uint32Array(memoryBytes / 4);
  const arena = new Arena(4096, memoryBytes - 4096, budgetBytes);
  return { table: new TraceTable(arena, shared), arena };
}

test('a trace is found by its id until it is removed, whatever began, ended and grew meanwhile', () => {
  const step = fc.record({
    what: fc.constantFrom('begin', 'begin', 'begin', 'remove', 'append', 'shrink'),
    n: fc.nat(4000),
    many: fc.integer({ min: 1, max: 900 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { table, arena } = createTable();
      const model = new Map<number, { number: number; newest: number; spans: number; bytes: number }>();
      let next = 0;
      for (const { what, n, many } of steps) {
        if (what === 'shrink') table.shrink();
        for (let i = 0; i < many && what !== 'shrink'; i++) {
          if (what === 'begin') {
            const number = table.begin(idOf(next), 0, 0);
            assert.ok(number >= 0);
            table.append(number, next + 1, 1, 10);
            model.set(next, { number, newest: next + 1, spans: 1, bytes: 10 });
            next++;
            continue;
          }
          const id = next === 0 ? 0 : (n + i) % next;
          const known = model.get(id);
          assert.equal(table.find(idOf(id), 0), known?.number ?? -1);
          if (known === undefined) continue;
          if (what === 'remove') {
            table.remove(known.number);
            model.delete(id);
          } else {
            known.newest = next + 7 + i;
            known.spans += 2;
            known.bytes += 5;
            table.append(known.number, known.newest, 2, 5);
          }
        }
        while (table.first !== table.end && table.newest(table.first) === 0) table.advance();
        assert.equal(table.size, model.size);
      }
      for (const [id, { number, newest, spans, bytes }] of model) {
        assert.equal(table.find(idOf(id), 0), number);
        assert.deepEqual([table.newest(number), table.spans(number), table.bytes(number)], [newest, spans, bytes]);
      }
      for (let id = 0; id < next; id++) if (!model.has(id)) assert.equal(table.find(idOf(id), 0), -1);
      table.close();
      assert.equal(arena.used, 0);
    }),
    { numRuns: 60 },
  );
});

test('it grows in the arena, gives back what it left, and grows no more when the budget is full', () => {
  const { table, arena } = createTable(300 << 10);
  let begun = 0;
  while (table.begin(idOf(begun), 0, 0) >= 0) {
    table.append(begun, begun + 1, 1, 1);
    begun++;
  }
  assert.equal(begun, 4096, 'doubled from 1024 as often as the budget allows');
  assert.equal(arena.used, 4096 * 36);
  table.remove(0);
  table.advance();
  const again = table.begin(idOf(begun), 0, 0);
  assert.equal(again, begun, 'the place of the oldest is used again');
  for (let n = 1; n < 4000; n++) {
    table.remove(n);
    table.advance();
  }
  table.shrink();
  assert.equal(arena.used, 0, 'few traces need nothing of the arena');
  assert.equal(table.find(idOf(4050), 0), 4050);
});

test('numbers of entries count on through 2^32', () => {
  const { table } = createTable();
  table.first = table.end = 2 ** 32 - 3;
  const numbers = Array.from({ length: 6 }, (_, i) => {
    const number = table.begin(idOf(i), 0, 0);
    table.append(number, i + 1, 1, 1);
    return number;
  });
  assert.deepEqual(numbers, [2 ** 32 - 3, 2 ** 32 - 2, 2 ** 32 - 1, 0, 1, 2]);
  assert.deepEqual(
    numbers.map((_, i) => table.find(idOf(i), 0)),
    numbers,
  );
});
