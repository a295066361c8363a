import { ConnectionError } from './connection-error.ts';
import { errorCode } from './frames.ts';
import type { HeaderBlock } from './header-blocks.ts';
import { CompressionError, type HpackDecoder } from './hpack/decoder.ts';
import type { HeaderField } from './hpack/static-table.ts';

/** null when the fields are larger than the decoder allows. Throws ConnectionError. */
export function decodeBlock(decoder: HpackDecoder, { bytes, start, end }: HeaderBlock): readonly HeaderField[] | null {
  try {
    return decoder.decode(bytes, start, end);
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error;
    // 4.3: "A receiver MUST terminate the connection with a connection error of type COMPRESSION_ERROR if it does not
    // decompress a field block."
    throw new ConnectionError(errorCode.compressionError, error.message);
  }
}
