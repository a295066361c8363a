// RE2 syntax -> tree. Reads only patterns that re2js has accepted, so it need not find mistakes: what it does not know
// gives null, and the pattern is left to re2js.
import { foldsOf, type Ranges, rangesOf } from './ranges.ts';

export type Node =
  | { readonly kind: 'set'; readonly ranges: Ranges }
  | { readonly kind: 'assert'; readonly what: 'begin' | 'end' | 'line-begin' | 'line-end' | 'word' | 'no-word' }
  | { readonly kind: 'sequence' | 'choice'; readonly items: readonly Node[] }
  | { readonly kind: 'group'; readonly item: Node }
  | {
      readonly kind: 'repeat';
      readonly item: Node;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
    };

/** Thrown inside and caught by `parsePattern`. */
class Unknown extends Error {}

interface Flags {
  readonly fold: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly ungreedy: boolean;
}

const counted = /\{(\d+)(?:(,)(\d*))?\}/y;
const groupStart = /\(\?(?:P?<(\w+)>|([imsU]*)(-[imsU]+)?([:)]))/y;
const escapeRules = /\\(?:[pP](?:\{[^}]*\}|.)|x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|[0-7]{1,3}|[\s\S])/uy;
const className = /\[:\^?[a-z]+:\]/y;

/** null when the pattern has something that is not translated. */
export function parsePattern(source: string): Node | null {
  try {
    return new PatternParser(source).all();
  } catch (error) {
    if (error instanceof Unknown) return null;
    throw error;
  }
}

class PatternParser {
  readonly #source: string;
  #at = 0;
  #flags: Flags = { fold: false, multiline: false, dotAll: false, ungreedy: false };

  constructor(source: string) {
    this.#source = source;
  }

  all(): Node {
    const node = this.#choice();
    if (this.#at !== this.#source.length) throw new Unknown();
    return node;
  }

  #rule(rule: RegExp): RegExpExecArray | null {
    rule.lastIndex = this.#at;
    const found = rule.exec(this.#source);
    if (found !== null) this.#at = rule.lastIndex;
    return found;
  }

  #next(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  /** Flags that are set inside a group end with it. */
  #choice(): Node {
    const outer = this.#flags;
    const items: Node[] = [];
    do items.push(this.#sequence());
    while (this.#next('|'));
    this.#flags = outer;
    return items.length === 1 ? items[0] : { kind: 'choice', items };
  }

  #sequence(): Node {
    const items: Node[] = [];
    while (this.#at < this.#source.length) {
      const c = this.#source[this.#at];
      if (c === '|' || c === ')') break;
      const atoms = this.#atoms();
      // A quantifier belongs to the last character of \Q…\E.
      const last = atoms.pop();
      items.push(...atoms);
      if (last !== undefined) items.push(this.#quantified(last));
    }
    return items.length === 1 ? items[0] : { kind: 'sequence', items };
  }

  #quantified(atom: Node): Node {
    const { min, max } = this.#quantifier();
    if (min < 0) return atom;
    const lazy = this.#next('?') !== this.#flags.ungreedy;
    return { kind: 'repeat', item: atom, min, max, lazy };
  }

  #quantifier(): { min: number; max: number } {
    if (this.#next('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#next('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#next('?')) return { min: 0, max: 1 };
    const found = this.#rule(counted);
    if (found === null) return { min: -1, max: -1 };
    const min = Number(found[1]);
    if (found[2] === undefined) return { min, max: min };
    return { min, max: found[3] === '' ? Number.POSITIVE_INFINITY : Number(found[3]) };
  }

  /** One atom; none for a setting of flags; several for quoted text. */
  #atoms(): Node[] {
    const { multiline } = this.#flags;
    const start = this.#at;
    switch (this.#source[start]) {
      case '^':
        this.#at++;
        return [{ kind: 'assert', what: multiline ? 'line-begin' : 'begin' }];
      case '$':
        this.#at++;
        return [{ kind: 'assert', what: multiline ? 'line-end' : 'end' }];
      case '.':
        this.#at++;
        return [{ kind: 'set', ranges: this.#flags.dotAll ? [0, 0x10ffff] : [0, 9, 11, 0x10ffff] }];
      case '(':
        return this.#parenthesis();
      case '[':
        return [this.#class()];
      case '\\':
        return this.#escape();
    }
    const codePoint = this.#source.codePointAt(start) ?? 0;
    this.#at += codePoint > 0xffff ? 2 : 1;
    return [this.#literal(codePoint)];
  }

  #literal(codePoint: number): Node {
    const ranges = this.#flags.fold ? foldsOf(codePoint) : [codePoint, codePoint];
    if (ranges === null) throw new Unknown();
    return { kind: 'set', ranges };
  }

  #parenthesis(): Node[] {
    if (!this.#source.startsWith('(?', this.#at)) {
      this.#at++;
      return [this.#group(true)];
    }
    const found = this.#rule(groupStart);
    if (found === null) throw new Unknown();
    const [, name, on = '', off = '', end] = found;
    if (name !== undefined) return [this.#group(true)];
    const outer = this.#flags;
    const has = (letter: string, before: boolean): boolean =>
      off.includes(letter) ? false : on.includes(letter) || before;
    const inner: Flags = {
      fold: has('i', outer.fold),
      multiline: has('m', outer.multiline),
      dotAll: has('s', outer.dotAll),
      ungreedy: has('U', outer.ungreedy),
    };
    this.#flags = inner;
    if (end === ')') return []; // up to the end of the group around it
    const group = this.#group(false);
    this.#flags = outer;
    return [group];
  }

  #group(captures: boolean): Node {
    const item = this.#choice();
    if (!this.#next(')')) throw new Unknown();
    // A group is one atom for the quantifier behind it.
    return captures ? { kind: 'group', item } : { kind: 'sequence', items: [item] };
  }

  #class(): Node {
    const start = this.#at++;
    this.#next('^');
    this.#next(']'); // in first place it is itself
    while (!this.#next(']')) {
      if (this.#at >= this.#source.length) throw new Unknown();
      if (this.#rule(className) !== null) continue;
      if (this.#source[this.#at] === '\\') {
        if (this.#rule(escapeRules) === null) throw new Unknown();
      } else this.#at++;
    }
    return this.#set(this.#source.slice(start, this.#at));
  }

  #set(atom: string): Node {
    const ranges = rangesOf(atom, this.#flags.fold);
    if (ranges === null) throw new Unknown();
    return { kind: 'set', ranges };
  }

  #escape(): Node[] {
    if (this.#next('\\Q')) {
      const end = this.#source.indexOf('\\E', this.#at);
      const text = this.#source.slice(this.#at, end < 0 ? undefined : end);
      this.#at = end < 0 ? this.#source.length : end + 2;
      return Array.from(text, (character) => this.#literal(character.codePointAt(0) ?? 0));
    }
    const found = this.#rule(escapeRules)?.[0];
    switch (found) {
      case undefined:
        throw new Unknown();
      case '\\A':
        return [{ kind: 'assert', what: 'begin' }];
      case '\\z':
        return [{ kind: 'assert', what: 'end' }];
      case '\\b':
        return [{ kind: 'assert', what: 'word' }];
      case '\\B':
        return [{ kind: 'assert', what: 'no-word' }];
    }
    return [this.#set(found)];
  }
}
