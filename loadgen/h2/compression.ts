// Compression of whole messages at once, on the thread that sends or reads them.
import { constants, gunzipSync, gzipSync, inflateSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

export type Compression = 'none' | 'gzip' | 'zstd';

/** Of gzip and zstd alike; what collectors' exporters use by default is slower and hardly smaller on spans. */
const level = 1;
const maxOutputLength = 256 << 20;

/** A new buffer; the message itself for `none`. */
export function compress(compression: Compression, message: Buffer): Buffer {
  switch (compression) {
    case 'none':
      return message;
    case 'gzip':
      return gzipSync(message, { level });
    case 'zstd':
      return zstdCompressSync(message, { params: { [constants.ZSTD_c_compressionLevel]: level } });
  }
}

/** null for an encoding that is not known here. Throws what zlib throws when the bytes are not of it. */
export function decompress(encoding: string, bytes: Buffer): Buffer | null {
  switch (encoding) {
    case '':
    case 'identity':
      return bytes;
    case 'gzip':
      return gunzipSync(bytes, { maxOutputLength });
    case 'zstd':
      return zstdDecompressSync(bytes, { maxOutputLength });
    case 'deflate':
      return inflateSync(bytes, { maxOutputLength });
    default:
      return null;
  }
}
