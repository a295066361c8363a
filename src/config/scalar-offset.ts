// A character of a YAML scalar's value -> its offset in the file. The value is rebuilt from the scalar's text, with the
// offset of every character kept; where the rebuilt value is not the value (a corner of YAML this does not know), the
// scalar's beginning is the answer.
import type { ScalarNode, Written } from './node.ts';
import type { Spot } from './source.ts';

interface Trail {
  text: string;
  readonly offsets: number[];
}

const put = (trail: Trail, characters: string, offset: number): void => {
  for (let unit = 0; unit < characters.length; unit += 1) trail.offsets.push(offset);
  trail.text += characters;
};

const trimBlanks = (trail: Trail, keep: number): void => {
  while (trail.text.length > keep && (trail.text.endsWith(' ') || trail.text.endsWith('\t'))) {
    trail.text = trail.text.slice(0, -1);
    trail.offsets.pop();
  }
};

/** Line folding of flow scalars: one break is a blank, n breaks are n-1 newlines, blanks around them vanish. */
const foldFlow = (trail: Trail, raw: string, at: number, base: number, keep: number): number => {
  trimBlanks(trail, keep);
  let breaks = 0;
  let next = at;
  while (next < raw.length && /[ \t\r\n]/.test(raw[next] ?? '')) {
    if (raw[next] === '\n') breaks += 1;
    next += 1;
  }
  put(trail, breaks === 1 ? ' ' : '\n'.repeat(breaks - 1), base + at);
  return next;
};

const ESCAPES: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1b',
  ' ': ' ',
  '"': '"',
  '/': '/',
  '\\': '\\',
  N: '\x85',
  _: '\xa0',
  L: '\u2028',
  P: '\u2029',
};
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** One escape of a double-quoted scalar; returns the index after it. */
const readEscape = (trail: Trail, raw: string, at: number, base: number): number => {
  const letter = raw[at + 1] ?? '';
  const digits = HEX_DIGITS[letter];
  if (digits !== undefined) {
    const code = Number.parseInt(raw.slice(at + 2, at + 2 + digits), 16);
    put(trail, code <= 0x10ffff ? String.fromCodePoint(code) : '', base + at);
    return at + 2 + digits;
  }
  if (letter === '\n' || letter === '\r') {
    let next = at + 1;
    while (next < raw.length && /[ \t\r\n]/.test(raw[next] ?? '')) next += 1;
    return next;
  }
  put(trail, ESCAPES[letter] ?? '', base + at);
  return at + 2;
};

const rebuildFlow = (raw: string, base: number, style: Written['style']): Trail => {
  const trail: Trail = { text: '', offsets: [] };
  const quoted = style !== 'plain';
  const end = quoted ? raw.length - 1 : raw.length;
  let at = quoted ? 1 : 0;
  let keep = 0;
  while (at < end) {
    const character = raw[at] ?? '';
    if (character === '\n' || character === '\r') {
      at = foldFlow(trail, raw.slice(0, end), at, base, keep);
    } else if (style === 'double' && character === '\\') {
      at = readEscape(trail, raw, at, base);
      keep = trail.text.length;
    } else if (style === 'single' && character === "'") {
      put(trail, "'", base + at);
      at += 2;
    } else {
      put(trail, character, base + at);
      at += 1;
    }
  }
  return trail;
};

interface BlockLine {
  readonly text: string;
  readonly offset: number;
}

const blockLines = (raw: string, base: number, parentIndent: number): BlockLine[] => {
  const headEnd = raw.indexOf('\n');
  if (headEnd < 0) return [];
  const indicator = /^[|>][-+]?([1-9])/.exec(raw)?.[1];
  const body = raw.slice(headEnd + 1).split('\n');
  const first = body.find((line) => line.trim() !== '') ?? '';
  const indent = indicator === undefined ? (/^ */.exec(first)?.[0].length ?? 0) : parentIndent + Number(indicator);
  const lines: BlockLine[] = [];
  let offset = base + headEnd + 1;
  for (const line of body) {
    lines.push({ text: line.slice(indent).replace(/\r$/, ''), offset: offset + Math.min(indent, line.length) });
    offset += line.length + 1;
  }
  return lines;
};

const rebuildLiteral = (lines: readonly BlockLine[]): Trail => {
  const trail: Trail = { text: '', offsets: [] };
  for (const line of lines) {
    for (const [index, character] of [...line.text.split('')].entries()) put(trail, character, line.offset + index);
    put(trail, '\n', line.offset + line.text.length);
  }
  return trail;
};

/** As rebuildLiteral, but a break between two lines that are not indented further is a blank. */
const rebuildFolded = (lines: readonly BlockLine[]): Trail => {
  const trail: Trail = { text: '', offsets: [] };
  let previousFolds = false;
  let breaks = 0;
  for (const line of lines) {
    if (line.text === '') {
      breaks += 1;
      continue;
    }
    const folds = !/^[ \t]/.test(line.text);
    const at = line.offset - 1;
    if (trail.text !== '' && folds && previousFolds) put(trail, breaks === 1 ? ' ' : '\n'.repeat(breaks - 1), at);
    else put(trail, '\n'.repeat(breaks), at);
    for (const [index, character] of line.text.split('').entries()) put(trail, character, line.offset + index);
    previousFolds = folds;
    breaks = 1;
  }
  put(trail, '\n'.repeat(Math.max(1, breaks)), (trail.offsets.at(-1) ?? -1) + 1);
  return trail;
};

const rebuild = (written: Written): Trail => {
  const { text } = written.source;
  const raw = text.slice(written.start, written.end);
  if (written.style !== 'literal' && written.style !== 'folded') return rebuildFlow(raw, written.start, written.style);
  const lineStart = text.lastIndexOf('\n', written.start) + 1;
  const parentIndent = /^ */.exec(text.slice(lineStart))?.[0].length ?? 0;
  const lines = blockLines(raw, written.start, parentIndent);
  return written.style === 'literal' ? rebuildLiteral(lines) : rebuildFolded(lines);
};

/** Behind the last character: the closing quote, or the end of the last line that says something. */
const endOf = (trail: Trail, { style, end }: Written): number => {
  if (style === 'plain') return end;
  if (style === 'single' || style === 'double') return end - 1;
  return trail.offsets[trail.text.replace(/\n+$/, '').length] ?? end;
};

/** Where character `index` of the value of `node` stands, or its end; its beginning where that cannot be said. */
export const spotInScalar = (node: ScalarNode, index: number): Spot => {
  const { written, value } = node;
  if (written === undefined || typeof value !== 'string') return node.at;
  const trail = rebuild(written);
  const original = node.origin === undefined ? index : (node.origin[Math.min(index, node.origin.length - 1)] ?? 0);
  // Without expansion the value itself tells whether the rebuilding is right; trailing newlines (chomping) may differ.
  if (node.origin === undefined && !trail.text.startsWith(value.replace(/\n+$/, ''))) return node.at;
  const offset = index >= value.length ? endOf(trail, written) : trail.offsets[original];
  return offset === undefined ? node.at : { source: written.source, offset };
};
