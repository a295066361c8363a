// RFC 7541 5.2 and appendix B: strings in a Huffman code. All that is needed of appendix B are the lengths, since the code
// is canonical: codes of one length ascend with the symbol, and each length goes on where the shorter one ended.
import { latin1Text } from './latin1.ts';

/** The bits of each symbol's code, a base-36 digit a symbol, 32 symbols a line; the last is EOS, symbol 256. */
const codeLengths = [
  'dnsssssssoussussssssssusssssssss',
  '6aacd68baa8b8666555666666678f6ca',
  'd67777777777777777777777878djde6',
  'f56565666577666567655677777fbeds',
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnno',
  'mlkmmnnlnmmolmnnllmlnmnnkmmmnmmn',
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrr',
  'koklmllnmmppooqnqrqqrrrrrsrrrrrq',
  'u',
].join('');
const endOfString = 256;
const longestCode = 30;
const shortestCode = 5;

const lengths = Uint8Array.from(codeLengths, (digit) => Number.parseInt(digit, 36));
const codes = assignCodes();

function assignCodes(): Uint32Array {
  const assigned = new Uint32Array(lengths.length);
  let code = 0;
  for (let bits = shortestCode; bits <= longestCode; bits++) {
    for (let symbol = 0; symbol < lengths.length; symbol++) if (lengths[symbol] === bits) assigned[symbol] = code++;
    code *= 2;
  }
  return assigned;
}

// The decoder is an automaton that takes four bits a step. Its states are the 256 inner nodes of the code's tree, 0 the
// root: the bits read since the last whole code. No code is shorter than five bits, so a step completes at most one.
//
//   step = next state (bits 0 to 7), symbol (8 to 15), whether there is one (16), whether EOS was completed (17)

const hasSymbol = 1 << 16;
const hasEndOfString = 1 << 17;

interface Automaton {
  /** By state * 16 + four bits. */
  readonly steps: Uint32Array;
  /** By state: 1 when a string may end there. */
  readonly mayEnd: Uint8Array;
}

const { steps, mayEnd } = buildAutomaton();

function buildAutomaton(): Automaton {
  // By node * 2 + bit: a node, or -1 - symbol for a leaf. 0 is not yet set, since the root is nobody's child.
  const children = new Int16Array(256 * 2);
  let nodes = 1;
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    let node = 0;
    for (let bit = lengths[symbol] - 1; bit > 0; bit--) {
      const at = node * 2 + ((codes[symbol] >>> bit) & 1);
      if (children[at] === 0) children[at] = nodes++;
      node = children[at];
    }
    children[node * 2 + (codes[symbol] & 1)] = -1 - symbol;
  }
  const built: Automaton = { steps: new Uint32Array(256 * 16), mayEnd: new Uint8Array(256) };
  for (let i = 0; i < built.steps.length; i++) built.steps[i] = oneStep(children, i >>> 4, i & 15);
  // Section 5.2: "A padding strictly longer than 7 bits MUST be treated as a decoding error. A padding not corresponding to
  // the most significant bits of the code for the EOS symbol MUST be treated as a decoding error." EOS is all ones.
  for (let node = 0, bits = 0; bits < 8; node = children[node * 2 + 1], bits++) built.mayEnd[node] = 1;
  return built;
}

function oneStep(children: Int16Array, state: number, fourBits: number): number {
  let node = state;
  let found = 0;
  for (let bit = 3; bit >= 0; bit--) {
    node = children[node * 2 + ((fourBits >>> bit) & 1)];
    if (node >= 0) continue;
    const symbol = -1 - node;
    found = symbol === endOfString ? hasEndOfString : hasSymbol | (symbol << 8);
    node = 0;
  }
  return found | node;
}

/** What was decoded last. One for all connections, since decoding is not interrupted; as long as the longest text was. */
let scratch = Buffer.allocUnsafeSlow(1024);

/**
 * Decodes bytes[start, end) for `decodedText` and gives the length in bytes, -1 for what is no Huffman-coded string. Of a
 * text longer than `limitBytes` only the length is right: no more than that is ever kept.
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, limitBytes: number): number {
  const room = Math.min(limitBytes, Math.ceil(((end - start) * 8) / shortestCode));
  if (room > scratch.length) scratch = Buffer.allocUnsafeSlow(Math.max(room, scratch.length * 2));
  const to = scratch;
  let length = 0;
  let step = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    step = steps[((step & 0xff) << 4) | (byte >>> 4)];
    if (step >= hasSymbol) {
      // "A Huffman-encoded string literal containing the EOS symbol MUST be treated as a decoding error" (5.2).
      if (step >= hasEndOfString) return -1;
      if (length < room) to[length] = step >>> 8;
      length++;
    }
    step = steps[((step & 0xff) << 4) | (byte & 15)];
    if (step >= hasSymbol) {
      if (step >= hasEndOfString) return -1;
      if (length < room) to[length] = step >>> 8;
      length++;
    }
  }
  return mayEnd[step & 0xff] === 1 ? length : -1;
}

/** The first `length` bytes of what was decoded last, as latin1. */
export function decodedText(length: number): string {
  return latin1Text(scratch, 0, length);
}

/** The bytes that `text` (latin1) takes in the Huffman code. */
export function huffmanBytes(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += lengths[text.charCodeAt(i)];
  return Math.ceil(bits / 8);
}

/** Writes `text` (latin1) in the Huffman code, padded with ones, and gives the position behind it. */
export function writeHuffman(to: Uint8Array, at: number, text: string): number {
  let next = at;
  let pending = 0;
  let pendingBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    // Up to 7 bits are left over and a code has up to 30: in two parts, they fit 32 bits.
    for (let rest = lengths[symbol]; rest > 0; ) {
      const take = Math.min(rest, 16);
      rest -= take;
      pending = (pending << take) | ((codes[symbol] >>> rest) & ((1 << take) - 1));
      for (pendingBits += take; pendingBits >= 8; pendingBits -= 8) to[next++] = pending >>> (pendingBits - 8);
    }
  }
  // "the most significant bits of the code corresponding to the EOS symbol" (5.2) fill the last byte.
  if (pendingBits > 0) to[next++] = (pending << (8 - pendingBits)) | (0xff >>> pendingBits);
  return next;
}
