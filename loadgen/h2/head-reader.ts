// Header blocks of a connection to what they mean. Most are the same bytes again.
import { decodeBlock } from '../../src/transport/http2/decode-block.ts';
import type { HeaderBlock } from '../../src/transport/http2/header-blocks.ts';
import { HpackDecoder } from '../../src/transport/http2/hpack/decoder.ts';
import { KnownHeads } from '../../src/transport/http2/known-heads.ts';
import { largestHeaderBlock } from './control.ts';

export type Fields = ReadonlyMap<string, string>;

/**
 * Takes all blocks of a connection in order; what it returns throws ConnectionError. `tableBytes`: our
 * SETTINGS_HEADER_TABLE_SIZE; `headOf` gets null for fields above largestHeaderBlock.
 */
export function createHeadReader<T>(
  tableBytes: number,
  headOf: (fields: Fields | null) => T,
): (block: HeaderBlock) => T {
  const decoder = new HpackDecoder(tableBytes, largestHeaderBlock);
  const known = new KnownHeads<T>();
  return (block) => {
    const { bytes, start, end } = block;
    const { version } = decoder;
    const found = known.find(bytes, start, end, version);
    if (found !== null) return found;
    const fields = decodeBlock(decoder, block);
    const head = headOf(fields === null ? null : new Map(fields.map(({ name, value }) => [name, value])));
    if (decoder.version === version) known.add(bytes, start, end, version, head);
    return head;
  };
}
