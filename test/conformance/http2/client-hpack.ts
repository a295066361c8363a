// An HPACK encoder for tests: writes each field the way it is told to, with a dynamic table of its own. It shares nothing with the
// server's decoder.
import { type Field, hpackInteger, indexed, literal } from './client-frames.ts';

/** How a field is written where there is a choice; `shortest`: by index where a table has it, or is made to have it. */
export type FieldMode = 'plain' | 'never' | 'keep' | 'shortest';

/** Those of RFC 7541 appendix A that a gRPC request has. */
const staticIndex = new Map([
  [':method POST', 3],
  [':method GET', 2],
  [':path /', 4],
  [':scheme http', 6],
]);
const staticFields = 61;

export interface ClientEncoder {
  /** `modes` are taken in turn. */
  block(fields: readonly Field[], modes: readonly FieldMode[]): Buffer;
  /** A new maximum of the table, written at the start of the next block; at most 4096, unless the server said more. */
  resize(bytes: number): void;
}

export function createClientEncoder(): ClientEncoder {
  /** The newest first. */
  const table: Field[] = [];
  let maximum = 4096;
  let updates: Buffer[] = [];
  const sizeOf = ([name, value]: Field): number => name.length + value.length + 32;
  const evict = (room: number): void => {
    while (table.length > 0 && table.reduce((sum, field) => sum + sizeOf(field), 0) > room) table.pop();
  };
  const write = (field: Field, mode: FieldMode): Buffer => {
    const [name, value] = field;
    if (mode === 'plain') return literal(name, value);
    if (mode === 'never') return literal(name, value, 0x10);
    if (mode === 'shortest') {
      const known = staticIndex.get(`${name} ${value}`);
      if (known !== undefined) return indexed(known);
      const at = table.findIndex((entry) => entry[0] === name && entry[1] === value);
      if (at >= 0) return indexed(staticFields + 1 + at);
    }
    evict(maximum - sizeOf(field));
    if (sizeOf(field) <= maximum) table.unshift(field);
    return literal(name, value, 0x40);
  };
  return {
    block(fields, modes) {
      const before = updates;
      updates = [];
      return Buffer.concat([...before, ...fields.map((field, i) => write(field, modes[i % modes.length]))]);
    },
    resize(bytes) {
      maximum = bytes;
      evict(bytes);
      updates.push(hpackInteger(0x20, 5, bytes));
    },
  };
}
