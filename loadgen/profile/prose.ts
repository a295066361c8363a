// English-like text of an exact length, made of pieces that are put together once: fast, and for a compressor like prose
// (words of uneven frequency, few long repetitions), which constant or uniformly random text is not.
import { adjectives, adverbs, asides, determiners, joiners, linkers, nouns, openers, verbs } from './prose-words.ts';

interface Pieces {
  readonly texts: readonly string[];
  /** UTF-8 bytes of each. */
  readonly bytes: Uint8Array;
}

interface Stock {
  /** Capitalised, and end with a space. */
  readonly starts: Pieces;
  /** End with a space. */
  readonly middles: Pieces;
  /** End with a full stop or question mark, and a space. */
  readonly ends: Pieces;
  /** ASCII words by length. */
  readonly words: readonly (readonly string[])[];
}

/** So many that few pieces recur within a compressor's window; a power of two, as pieces are picked by bits. */
const piecesOfAKind = 1 << 15;
const pieceMask = piecesOfAKind - 1;
/** No start and end together, with the end of a paragraph, have more bytes; buildStock holds it. */
const shortRoom = 160;
/** The middles of a sentence are at most four, each shorter than half a short sentence. */
const middlesRoom = 4 * (shortRoom / 2);
/** One sentence in so many ends its paragraph. */
const paragraphMask = 7;

/** A xorshift with a start of its own, so that the stock is the same in every process. */
const stockRandom = (): (() => number) => {
  let state = 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
};

/** Rank k with a weight of about 1/(k+1): the inverse of the logarithm. */
const zipf = (random: () => number, words: readonly string[]): string =>
  words[Math.floor((words.length + 1) ** random()) - 1] ?? '';

const nounPhrase = (random: () => number): string => {
  const adjective = random() < 0.45 ? `${zipf(random, adjectives)} ` : '';
  const thing = `${adjective}${zipf(random, nouns)}`;
  const determiner = zipf(random, determiners);
  return `${determiner === 'a' && /^[aeio]/.test(thing) ? 'an' : determiner} ${thing}`;
};

const start = (random: () => number): string => {
  const subject = `${nounPhrase(random)} ${zipf(random, verbs)} `;
  if (random() < 0.25) return `${zipf(random, openers)}, ${subject}`;
  return subject.charAt(0).toUpperCase() + subject.slice(1);
};

const middle = (random: () => number): string => {
  const choice = random();
  if (choice < 0.5) return `${nounPhrase(random)} ${zipf(random, linkers)} `;
  if (choice < 0.7) return `${zipf(random, joiners)} ${nounPhrase(random)} ${zipf(random, verbs)} `;
  if (choice < 0.9) return `${zipf(random, adverbs)} ${zipf(random, linkers)} `;
  return `${zipf(random, asides)} ${zipf(random, linkers)} `;
};

const end = (random: () => number): string =>
  `${nounPhrase(random)}${random() < 0.2 ? ` ${zipf(random, adverbs)}` : ''}${random() < 0.1 ? '?' : '.'} `;

const pieces = (random: () => number, make: (random: () => number) => string): Pieces => {
  const texts = Array.from({ length: piecesOfAKind }, () => {
    for (;;) {
      const text = make(random);
      if (Buffer.byteLength(text) < shortRoom / 2) return text;
    }
  });
  return { texts, bytes: Uint8Array.from(texts, (text) => Buffer.byteLength(text)) };
};

const buildStock = (): Stock => {
  const random = stockRandom();
  const words: string[][] = [[]];
  for (const word of [...determiners, ...nouns, ...adjectives, ...verbs, ...linkers, ...adverbs]) {
    if (!/^[a-z]+$/.test(word)) continue;
    while (words.length <= word.length) words.push([]);
    words[word.length]?.push(word);
  }
  return { starts: pieces(random, start), middles: pieces(random, middle), ends: pieces(random, end), words };
};

let stock: Stock | undefined;

/** The last sentence: exactly so many ASCII bytes, full stop included. */
const lastSentence = (random: () => number, words: Stock['words'], bytes: number): string => {
  if (bytes === 0) return '';
  let text = '';
  for (let left = bytes - 1; left > 0; ) {
    const longest = Math.min(left, words.length - 1);
    let length = 1 + (random() % Math.min(longest, 9));
    // After a word comes a space and another word, or the end: a rest of one byte could not be filled.
    if (left - length === 1) length = left === 2 ? 2 : length === 1 ? 2 : length - 1;
    const choice = words[length] ?? [];
    text += choice[random() % choice.length] ?? 'x'.repeat(length);
    left -= length;
    if (left > 0) {
      text += ' ';
      left--;
    }
  }
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
};

/**
 * Text of exactly so many UTF-8 bytes: sentences, paragraphs between empty lines, a few words that are not ASCII.
 * `random` gives 32 unsigned bits a call; the same bits give the same text.
 */
export const prose = (random: () => number, bytes: number): string => {
  stock ??= buildStock();
  const { starts, middles, ends, words } = stock;
  const parts: string[] = [];
  let left = bytes;
  while (left > shortRoom) {
    const bits = random();
    const first = bits & pieceMask;
    const last = (bits >>> 15) & pieceMask;
    parts.push(starts.texts[first] as string);
    left -= (starts.bytes[first] as number) + (ends.bytes[last] as number);
    if (left > middlesRoom) {
      for (let more = bits >>> 30; more >= 0; more--) {
        const middle = (random() >>> 9) & pieceMask;
        parts.push(middles.texts[middle] as string);
        left -= middles.bytes[middle] as number;
      }
    }
    parts.push(ends.texts[last] as string);
    if (((first ^ last) & paragraphMask) === 0) {
      parts.push('\n\n');
      left -= 2;
    }
  }
  parts.push(lastSentence(random, words, left));
  return parts.join('');
};
