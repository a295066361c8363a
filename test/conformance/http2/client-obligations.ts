// What a client's own frames oblige the server to: the windows it gave, and the table that it made smaller. Reads the client's
// frames as they are sent and the server's as they come, and notes what was not kept.
import { defaultWindow, flag, frameType, setting } from '../../../src/transport/http2/frames.ts';
import type { WireFrame } from './wire-client.ts';

export interface Obligations {
  sent(frame: WireFrame): void;
  received(frame: WireFrame): void;
  /** What the server did not keep to. */
  readonly violations: readonly string[];
}

const tableBytesAtFirst = 4096;

export function createObligations(): Obligations {
  const violations: string[] = [];
  /** Per stream, and 0: what WINDOW_UPDATE gave less what DATA took. */
  const balance = new Map<number, number>([[0, defaultWindow]]);
  /** Of each SETTINGS that is not acknowledged yet. */
  const pending: { window: number | null; table: number | null }[] = [];
  let window = defaultWindow;
  let table = tableBytesAtFirst;
  let updateDue = false;
  const add = (stream: number, bytes: number): number => {
    const now = (balance.get(stream) ?? 0) + bytes;
    balance.set(stream, now);
    return now;
  };
  return {
    violations,
    sent({ type, flags, stream, payload }) {
      if (type === frameType.windowUpdate && payload.length === 4) add(stream, payload.readUInt32BE(0));
      if (type !== frameType.settings || flags !== 0) return;
      const entry: { window: number | null; table: number | null } = { window: null, table: null };
      for (let at = 0; at + 6 <= payload.length; at += 6) {
        const id = payload.readUInt16BE(at);
        if (id === setting.initialWindowSize) entry.window = payload.readUInt32BE(at + 2);
        if (id === setting.headerTableSize) entry.table = payload.readUInt32BE(at + 2);
      }
      pending.push(entry);
    },
    received({ type, flags, stream, payload }) {
      if (type === frameType.settings && flags === flag.ack) {
        const entry = pending.shift();
        window = entry?.window ?? window;
        // RFC 7541 4.2: "A change in the maximum size of the dynamic table is signaled via a dynamic table size update … at the
        // beginning of the first header block following the change". It must be where the table has to become smaller.
        if (entry?.table !== undefined && entry.table !== null) {
          updateDue ||= entry.table < table;
          table = entry.table;
        }
      } else if (type === frameType.headers) {
        if (updateDue && (payload[0] & 0xe0) !== 0x20) violations.push(`no table size update on stream ${stream}`);
        updateDue = false;
      } else if (type === frameType.data) {
        // A setting on its way may hold already.
        const initial = Math.max(window, ...pending.map((entry) => entry.window ?? 0));
        if (payload.length > 0 && add(stream, -payload.length) + initial < 0) {
          violations.push(`${payload.length} bytes on stream ${stream} beyond its window`);
        }
        if (add(0, -payload.length) < 0) violations.push('DATA beyond the window of the connection');
      }
    },
  };
}
