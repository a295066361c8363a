// Header blocks without a dynamic table (RFC 7541): we write literals only and announce a table of size 0, so that the
// peer may write static indexes and literals only.

export type Header = readonly [name: string, value: string];

/** RFC 7541 appendix A, index 1 to 61; only names are needed, and the values of the pseudo-headers. */
const staticTable: readonly Header[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...[
    'accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control',
    'content-disposition content-encoding content-language content-length content-location content-range content-type',
    'cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since',
    'last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after',
    'server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate',
  ]
    .join(' ')
    .split(' ')
    .map((name): Header => [name, '']),
];

/**
 * RFC 7541 appendix B: the code is canonical (codes of one length ascend with the symbol, each length continues where
 * the shorter one ended), so that the printable symbols by length say everything. Longer codes are of bytes that
 * no header here has.
 */
const huffmanSymbols: readonly (readonly [bits: number, symbols: string])[] = [
  [5, '012aceiost'],
  [6, ' %-./3456789=A_bdfghlmnpru'],
  [7, ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz'],
  [8, '&*,;XZ'],
  [10, '!"()?'],
  [11, "'+|"],
  [12, '#>'],
  [13, '\0$@[]~'],
  [14, '^}'],
  [15, '<`{'],
  [19, '\\'],
];

const huffmanCodes: ReadonlyMap<number, string> = (() => {
  const codes = new Map<number, string>();
  let code = 0;
  let length = 0;
  for (const [bits, symbols] of huffmanSymbols) {
    code <<= bits - length;
    length = bits;
    // A leading one keeps codes of different lengths apart.
    for (const symbol of symbols) codes.set((1 << bits) | code++, symbol);
  }
  return codes;
})();

const longestHuffmanBits = 19;

/** The text of a Huffman-coded string; throws RangeError for a symbol outside of printable ASCII. */
function huffmanText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  let code = 1;
  let length = 0;
  for (let at = start; at < end; at++) {
    for (let bit = 7; bit >= 0; bit--) {
      code = (code << 1) | ((bytes[at] >> bit) & 1);
      length++;
      const symbol = huffmanCodes.get(code);
      if (symbol !== undefined) {
        text += symbol;
        code = 1;
        length = 0;
      } else if (length > longestHuffmanBits) throw new RangeError('Huffman code outside of printable ASCII');
    }
  }
  return text;
}

/** Encodes headers as literals that enter no table (0000 prefix, section 6.2.2), names as given (lower case). */
export function encodeHeaders(headers: readonly Header[]): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of headers) {
    const exact = staticTable.findIndex((entry) => entry[0] === name && entry[1] === value && value !== '');
    if (exact >= 0) parts.push(Buffer.from([0x80 | (exact + 1)]));
    else parts.push(Buffer.from([0]), literal(name), literal(value));
  }
  return Buffer.concat(parts);
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128);
  length.push(rest);
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** Decodes a whole header block. Throws RangeError when it is cut short or names a dynamic table entry. */
export function decodeHeaders(bytes: Uint8Array): Header[] {
  const headers: Header[] = [];
  let at = 0;

  function byte(): number {
    if (at >= bytes.length) throw new RangeError('header block cut short');
    return bytes[at++];
  }
  /** An integer with an n-bit prefix (section 5.1); `first` is the byte that holds the prefix. */
  function integer(first: number, prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = first & mask;
    if (value < mask) return value;
    for (let shift = 0; shift < 28; shift += 7) {
      const next = byte();
      value += (next & 127) << shift;
      if (next < 128) return value;
    }
    throw new RangeError('header integer too large');
  }
  function text(): string {
    const first = byte();
    const length = integer(first, 7);
    const start = at;
    at += length;
    if (at > bytes.length) throw new RangeError('header block cut short');
    if (first & 0x80) return huffmanText(bytes, start, at);
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1');
  }
  function indexed(index: number): Header {
    const entry = staticTable[index - 1];
    if (entry === undefined) throw new RangeError(`header index ${index} with a dynamic table of size 0`);
    return entry;
  }

  while (at < bytes.length) {
    const first = byte();
    if (first & 0x80) headers.push(indexed(integer(first, 7)));
    else if ((first & 0xe0) === 0x20)
      integer(first, 5); // the table's size: 0, as we asked
    else {
      const index = integer(first, first & 0x40 ? 6 : 4);
      const name = index === 0 ? text() : indexed(index)[0];
      headers.push([name, text()]);
    }
  }
  return headers;
}
