// Regular expressions of the configuration: RE2's syntax and meaning, linear time, at the speed of V8 where that can be
// had. re2js decides what is a pattern; a translation runs in V8's own engine when V8's linear engine could take over
// from it (which it does when the first backtracks too much); everything else runs in re2js. The take-over counts no steps
// inside a loop over one class, so that \w+@ on a long text would be quadratic: long texts go to re2js as well, unless the
// pattern has no such loop. re2js then is as fast.
import v8 from 'node:v8';
import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js';
import { expandTemplate, parseTemplate } from './expand.ts';
import type { Node } from './parse.ts';
import { type Place, type Spelled, spellOut } from './places.ts';
import { translate } from './translate.ts';

// The first lets `l` ask whether the linear engine can run a source; the second makes it take over from the backtracking
// one, and the third lets it do so early, since that costs little. They are for the process and for expressions compiled
// later.
v8.setFlagsFromString('--enable-experimental-regexp-engine');
v8.setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
v8.setFlagsFromString('--regexp-backtracks-before-fallback=5000');

/** Longest text for a native expression with loops; at worst it then takes about 3 ms (5,000 times the length). */
const longestForLoops = 1_000;

/** Longest source that V8 is given: of longer ones it says when they first run, and not before, that they are too large. */
const longestNative = 10_000;

/** Not RE2. `offset`: the character of the pattern, when it is known. */
export class RegExpError extends Error {
  readonly offset: number | null;
  constructor(message: string, offset: number | null) {
    super(message);
    this.name = 'RegExpError';
    this.offset = offset;
  }
}

/** Positions are of UTF-16 units. `groups[0]` is the match; a group that took no part is undefined. */
interface Match {
  readonly index: number;
  readonly groups: readonly (string | undefined)[];
}

export interface Matcher {
  readonly source: string;
  /** Of the groups 1 and up; null for one without a name. */
  readonly groupNames: readonly (string | null)[];
  /** Whether V8 runs it; else re2js does. */
  readonly native: boolean;
  /** Whether it is found anywhere in the text. */
  test(text: string): boolean;
  /** The leftmost match that starts at `from` or later; what stands before `from` still counts for ^ and \b. */
  exec(text: string, from?: number): Match | null;
  /** Where the match and its groups stand: start and end of each, -1 where one took no part. */
  execPositions(text: string, from?: number): readonly Place[] | null;
  /** All matches replaced, as Go's ReplaceAllString (a template with $1, ${name}, $$) or by what a function gives. */
  replaceAll(text: string, replacement: string | ((match: Match) => string)): string;
}

/** Runs one compiled form of the pattern. */
interface Engine {
  test(text: string): boolean;
  exec(text: string, from: number): Match | null;
  execPositions(text: string, from: number): readonly Place[] | null;
}

const surrogate = /[\ud800-\udfff]/;
const otherLineEnd = /[\r\u2028\u2029]/;

/** Throws RegExpError. */
export function compileRegExp(source: string): Matcher {
  const reference = compileReference(source);
  const names = groupNames(reference);
  const slow = referenceEngine(reference);
  const native = compileNative(source, slow);
  const forTest = native?.forText ?? (() => slow);
  // Of the last replacement: it is nearly always the same one.
  let template = '';
  let parts = parseTemplate(template);
  const forGroups = native?.groupsAgree === true ? native.forText : () => slow;
  return {
    source,
    groupNames: names,
    native: native !== null,
    test: native?.always === null || native === null ? (text) => forTest(text).test(text) : native.always.test,
    exec: (text, from = 0) => forGroups(text).exec(text, from),
    execPositions: (text, from = 0) => forGroups(text).execPositions(text, from),
    replaceAll: (text, replacement) => {
      if (!forTest(text).test(text)) return text;
      const engine = forGroups(text);
      if (typeof replacement === 'function') return replaceAll(text, engine, replacement);
      if (replacement !== template) {
        template = replacement;
        parts = parseTemplate(replacement);
      }
      return replaceAll(text, engine, ({ groups }) => expandTemplate(parts, groups, names));
    },
  };
}

function compileReference(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) {
      const part = error.getPattern();
      const shown = part === null || part === source ? '' : `: ${part}`;
      throw new RegExpError(`${error.getDescription()}${shown}`, offsetOf(source, part));
    }
    if (error instanceof RE2JSException) throw new RegExpError(error.message, null);
    throw error;
  }
}

/** re2js names the part that is wrong, not its place: known when the part occurs once, or ends the pattern. */
function offsetOf(source: string, part: string | null): number | null {
  if (part === null) return source.endsWith('\\') ? source.length - 1 : null;
  if (part === '' || part === source) return null;
  const first = source.indexOf(part);
  return first === source.lastIndexOf(part) && first >= 0 ? first : null;
}

function groupNames(reference: RE2JS): (string | null)[] {
  const names: (string | null)[] = new Array(reference.groupCount()).fill(null);
  for (const [name, index] of Object.entries(reference.namedGroups())) names[index - 1] = name;
  return names;
}

function referenceEngine(reference: RE2JS): Engine {
  return {
    test: (text) => reference.test(text),
    exec: (text, from) => {
      const matcher = reference.matcher(text);
      if (!matcher.find(from)) return null;
      const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? undefined);
      return { index: matcher.start(), groups };
    },
    execPositions: (text, from) => {
      const matcher = reference.matcher(text);
      if (!matcher.find(from)) return null;
      return Array.from({ length: matcher.groupCount() + 1 }, (_, i) => [matcher.start(i), matcher.end(i)]);
    },
  };
}

/** Whether the linear engine of V8 could take the source over. */
function isLinear(source: string): boolean {
  try {
    new RegExp(source, 'l');
    return true;
  } catch {
    // What it cannot run it refuses, and that is the question here.
    return false;
  }
}

/** null when the linear engine could not take the source over. `pairs`: which form of the tree the source is. */
function nativeEngine(source: string, tree: Node, pairs: boolean, slow: Engine): Engine | null {
  if (!isLinear(source)) return null;
  const once = new RegExp(source);
  const search = new RegExp(source, 'g');
  let places: Engine['execPositions'] | null = null;
  return {
    test: (text) => once.test(text),
    exec: (text, from) => {
      search.lastIndex = from;
      const found = search.exec(text);
      return found === null ? null : { index: found.index, groups: found };
    },
    execPositions: (text, from) => {
      // Few patterns are asked for places.
      places ??= placesEngine(spellOut(tree, pairs)) ?? slow.execPositions;
      return places(text, from);
    },
  };
}

function placesEngine(spelled: Spelled | null): Engine['execPositions'] | null {
  if (spelled === null || !isLinear(spelled.source)) return null;
  const search = new RegExp(spelled.source, 'g');
  return (text, from) => {
    search.lastIndex = from;
    const found = search.exec(text);
    return found === null ? null : spelled.placesOf(found);
  };
}

interface Native {
  /** The engine for all texts, when one is. */
  readonly always: Engine | null;
  readonly groupsAgree: boolean;
  forText(text: string): Engine;
}

function compileNative(source: string, slow: Engine): Native | null {
  if (source.length > longestNative) return null;
  const translation = translate(source);
  if (translation === null || translation.bmp.length > longestNative) return null;
  const { tree, bmp, pairs, endsLines, groupsAgree, unbounded } = translation;
  const plain = nativeEngine(bmp, tree, false, slow);
  if (plain === null) return null;
  let paired: Engine | null = null;
  return {
    always: pairs === null && !endsLines && !unbounded ? plain : null,
    groupsAgree,
    forText: (text) => {
      if (unbounded && text.length > longestForLoops) return slow;
      if (endsLines && otherLineEnd.test(text)) return slow;
      if (pairs === null || !surrogate.test(text)) return plain;
      // Few patterns ever see such a text: the second form is compiled when the first does.
      paired ??= nativeEngine(pairs, tree, true, slow) ?? slow;
      return paired;
    },
  };
}

/** Go's rules: an empty match right behind another match does not count; the search steps over whole code points. */
function replaceAll(text: string, engine: Engine, replace: (match: Match) => string): string {
  let out = '';
  let copied = 0;
  let from = 0;
  while (from <= text.length) {
    const match = engine.exec(text, from);
    if (match === null) break;
    const end = match.index + (match.groups[0] ?? '').length;
    out += text.slice(copied, match.index);
    if (end > copied || match.index === 0) out += replace(match);
    copied = end;
    const step = (text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1;
    from = Math.max(end, from + step);
  }
  return out + text.slice(copied);
}
