import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Http2Stream } from '../../../../src/transport/http2/stream.ts';
import { StreamTable } from '../../../../src/transport/http2/stream-table.ts';

const stream = (id: number): Http2Stream => new Http2Stream(id, 0, 0, -1, false);
const ids = (table: StreamTable): number[] => table.all().map(({ id }) => id);

test('a table finds, forgets and lists what a Map would, whatever ids come and go', () => {
  // Few ids of many, so that they share slots; and such as lie in the same slot of a table of any size.
  const idsOfClients = fc.oneof(
    fc.nat(40).map((i) => 2 * i + 1),
    fc.nat(6).map((i) => 2 * (i << 8) + 1),
  );
  const property = fc.property(
    fc.array(fc.record({ id: idsOfClients, adds: fc.boolean() }), { maxLength: 200 }),
    (steps) => {
      const table = new StreamTable();
      const model = new Map<number, Http2Stream>();
      for (const { id, adds } of steps) {
        if (!adds || model.has(id)) assert.equal(table.delete(id), model.delete(id));
        else {
          const made = stream(id);
          table.add(made);
          model.set(id, made);
        }
        assert.equal(table.size, model.size);
        for (let i = 1; i < 82; i += 2) assert.equal(table.get(i), model.get(i) ?? null);
        assert.equal(table.get(id), model.get(id) ?? null);
      }
      assert.deepEqual(
        ids(table).toSorted((a, b) => a - b),
        [...model.keys()].toSorted((a, b) => a - b),
      );
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test('streams that come one after the other are all found, however many are open', () => {
  const table = new StreamTable();
  for (let id = 1; id < 20_000; id += 2) {
    table.add(stream(id));
    if (id > 2000) assert.equal(table.delete(id - 2000), true);
  }
  assert.equal(table.size, 1000);
  for (let id = 18_001; id < 20_000; id += 2) assert.equal(table.get(id)?.id, id);
  assert.equal(table.get(17_999), null);
});

test('all streams can be deleted while they are gone through', () => {
  const table = new StreamTable();
  for (let id = 1; id < 100; id += 2) table.add(stream(id));
  let seen = 0;
  for (const { id } of table.all()) {
    seen++;
    table.delete(id);
  }
  assert.equal(seen, 50);
  assert.equal(table.size, 0);
  assert.deepEqual(table.all(), []);
});
