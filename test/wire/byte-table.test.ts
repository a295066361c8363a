import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteTable } from '../../src/wire/byte-table.ts';
import { loadKernel } from '../../src/wire/kernel/kernel.ts';
import { createMemory, viewsOf } from '../../src/wire/memory.ts';
import { NoRoomError } from '../../src/wire/no-room.ts';
import { Region, Scratch, StageMemory } from '../../src/wire/stage-memory.ts';
import { TextTable } from '../../src/wire/text-table.ts';
import { layOut } from '../../src/workers/layout.ts';

const layout = layOut(1, 1 << 16, 1 << 20);
const shared = viewsOf(createMemory(layout.totalBytes));
const [{ region, scratch, texts }] = layout.contexts;
const kernel = loadKernel(shared);
const own = { region: new Region(region.at, region.bytes), scratch: new Scratch(scratch.at, scratch.bytes) };
const stage = new StageMemory(shared, kernel, own.region, own.scratch, new TextTable(shared, kernel, texts));
const from = layout.arena.at;

test('the same bytes have the same number, wherever they stand', () => {
  const table = new ByteTable(stage);
  const count = 5000;
  const at = (i: number): number => from + i * 16;
  const put = (i: number, text: string): number => {
    shared.bytes.set(Buffer.from(text), at(i));
    return text.length;
  };
  for (let i = 0; i < count; i++) {
    const length = put(i, `key ${i}`);
    assert.equal(table.find(at(i), length), -1);
    assert.equal(table.add(at(i), length), i);
  }
  assert.equal(table.count, count);
  for (let i = 0; i < count; i += 7) assert.equal(table.find(at(count), put(count, `key ${i}`)), i);
  assert.equal(table.find(at(0), 'key'.length), -1, 'a part of one');
  assert.equal(table.find(at(count), put(count, `key ${count}`)), -1);
  table.clear();
  assert.equal(table.count, 0);
  assert.equal(table.find(at(0), 'key 0'.length), -1);
  assert.equal(table.add(at(0), 'key 0'.length), 0);
});

test('kept scratch outlasts resets, takes half of it at most, and is given back', () => {
  const scratch = new Scratch(1000, 100);
  assert.equal(scratch.keepable, 50);
  assert.equal(scratch.keep(20), 1080);
  scratch.take(60);
  assert.equal(scratch.keepable, 20, 'of what nobody has taken');
  assert.throws(() => scratch.keep(21), /more than 50 bytes/);
  assert.throws(() => scratch.take(21), NoRoomError);
  scratch.reset();
  assert.equal(scratch.keepable, 30);
  assert.equal(scratch.keep(30), 1050);
  scratch.freeKept();
  assert.equal(scratch.keepable, 50);
  assert.equal(scratch.take(100), 1000);
});
