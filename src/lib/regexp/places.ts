// Where the groups of a match stand. V8 tells only by the flag d, and then refuses to be linear: so the expression is spelled
// out, every part of it in a group of its own, and the lengths of the parts add up to places.
import type { Node } from './parse.ts';
import { hasGroup, write } from './translate.ts';

/** Start and end, of UTF-16 units; -1 where a group took no part. */
export type Place = readonly [start: number, end: number];

/** A part in a group of its own. */
interface Part {
  /** Number of that group in the expression that is spelled out. */
  readonly capture: number;
  /** Number of the group of the pattern that the part is; 0: it is none. */
  readonly group: number;
  /** What it consists of, from its start on, where that holds groups. */
  readonly parts: readonly Part[];
}

export interface Spelled {
  readonly source: string;
  /** Of each group of the pattern; the first is the match itself. */
  placesOf(match: RegExpExecArray): Place[];
}

const nowhere: Place = [-1, -1];

/** null: a group is in a loop, of whose rounds only the last is told. `pairs`: as for `write`. */
export function spellOut(tree: Node, pairs: boolean): Spelled | null {
  const speller = new Speller(pairs);
  const inside = speller.inside(tree);
  if (inside === null) return null;
  const { groups } = speller;
  return {
    source: inside.source,
    placesOf(match) {
      const places: Place[] = new Array(groups + 1).fill(nowhere);
      places[0] = [match.index, match.index + match[0].length];
      placeAll(inside.parts, match, match.index, places);
      return places;
    },
  };
}

/** Of branches only one took part: the others have no length. */
function placeAll(parts: readonly Part[], match: RegExpExecArray, from: number, places: Place[]): void {
  let at = from;
  for (const { capture, group, parts: inner } of parts) {
    const text: string | undefined = match[capture];
    if (text === undefined) continue;
    const end = at + text.length;
    if (group > 0) places[group] = [at, end];
    placeAll(inner, match, at, places);
    at = end;
  }
}

interface Writing {
  readonly source: string;
  readonly parts: readonly Part[];
}

class Speller {
  /** Of the pattern, so far. */
  groups = 0;
  #captures = 0;
  readonly #pairs: boolean;

  constructor(pairs: boolean) {
    this.#pairs = pairs;
  }

  /** The parts of a node one after another. */
  inside(node: Node): Writing | null {
    if (!hasGroup(node)) return this.#capture(node, 0, '');
    switch (node.kind) {
      case 'sequence':
        return this.#sequence(node.items);
      case 'choice': {
        const branches = node.items.map((item) => this.#capture(item, 0, ''));
        const joined = join(branches);
        return joined === null ? null : { ...joined, source: `(?:${branches.map((one) => one?.source).join('|')})` };
      }
      case 'group':
        this.groups++;
        return this.#capture(node.item, this.groups, '');
      case 'repeat':
        if (node.max !== 1 || node.min !== 0) return null;
        return this.#capture(node.item, 0, node.lazy ? '??' : '?');
      default:
        return null;
    }
  }

  /** What holds no group is one part as far as it goes. */
  #sequence(items: readonly Node[]): Writing | null {
    const writings: (Writing | null)[] = [];
    let plain: Node[] = [];
    const flush = (): void => {
      if (plain.length > 0) writings.push(this.#capture({ kind: 'sequence', items: plain }, 0, ''));
      plain = [];
    };
    for (const item of items) {
      if (!hasGroup(item)) {
        plain.push(item);
        continue;
      }
      flush();
      writings.push(this.inside(item));
    }
    flush();
    return join(writings);
  }

  #capture(node: Node, group: number, suffix: string): Writing | null {
    this.#captures++;
    const capture = this.#captures;
    const inner = hasGroup(node) ? this.inside(node) : { source: write(node, this.#pairs), parts: [] };
    if (inner === null) return null;
    return { source: `(${inner.source})${suffix}`, parts: [{ capture, group, parts: inner.parts }] };
  }
}

function join(writings: readonly (Writing | null)[]): Writing | null {
  const all = writings.filter((one) => one !== null);
  if (all.length < writings.length) return null;
  return { source: all.map(({ source }) => source).join(''), parts: all.flatMap(({ parts }) => parts) };
}
