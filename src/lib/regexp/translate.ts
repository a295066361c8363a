// Tree -> JavaScript source without flags, that means the same as the pattern does in RE2.
import { type Node, parsePattern } from './parse.ts';
import { bmpClass, pairClass } from './ranges.ts';

export interface Translation {
  readonly tree: Node;
  /** For texts without surrogates. */
  readonly bmp: string;
  /** For all texts; null when it would be the same. */
  readonly pairs: string | null;
  /** `$` of a line: JavaScript ends lines at \r, U+2028 and U+2029 too, so texts with those are left to re2js. */
  readonly endsLines: boolean;
  /** The groups hold what they do in RE2. If not, only `test` may use the translation. */
  readonly groupsAgree: boolean;
  /** It repeats without end: a backtracking engine may take time beyond all proportion to the text. */
  readonly unbounded: boolean;
}

/** null when the pattern has something that JavaScript does otherwise. */
export function translate(source: string): Translation | null {
  const tree = parsePattern(source);
  if (tree === null || !meansTheSame(tree)) return null;
  const bmp = write(tree, false);
  const pairs = write(tree, true);
  return {
    tree,
    bmp,
    pairs: pairs === bmp ? null : pairs,
    endsLines: some(tree, (node) => node.kind === 'assert' && node.what === 'line-end'),
    groupsAgree: groupsAgree(tree),
    unbounded: some(tree, (node) => node.kind === 'repeat' && node.max === Number.POSITIVE_INFINITY),
  };
}

function children(node: Node): readonly Node[] {
  if (node.kind === 'sequence' || node.kind === 'choice') return node.items;
  return node.kind === 'group' || node.kind === 'repeat' ? [node.item] : [];
}

function some(node: Node, test: (node: Node) => boolean): boolean {
  return test(node) || children(node).some((child) => some(child, test));
}

/** JavaScript refuses a round of a loop that matches nothing, RE2 allows it: loops over what may be empty differ. */
function meansTheSame(tree: Node): boolean {
  return !some(tree, (node) => node.kind === 'repeat' && mayBeEmpty(node.item));
}

function mayBeEmpty(node: Node): boolean {
  switch (node.kind) {
    case 'set':
      return false;
    case 'assert':
      return true;
    case 'sequence':
      return node.items.every(mayBeEmpty);
    case 'choice':
      return node.items.some(mayBeEmpty);
    case 'group':
      return mayBeEmpty(node.item);
    case 'repeat':
      return node.min === 0 || mayBeEmpty(node.item);
  }
}

/** JavaScript forgets a group at each round of a loop, RE2 keeps its last: differs when a round can leave the group out. */
function groupsAgree(tree: Node): boolean {
  return !some(tree, (node) => node.kind === 'repeat' && node.max > 1 && leavesOutGroup(node.item));
}

export const hasGroup = (node: Node): boolean => some(node, ({ kind }) => kind === 'group');

function leavesOutGroup(node: Node): boolean {
  if (node.kind === 'choice' || (node.kind === 'repeat' && node.min === 0)) return hasGroup(node);
  return children(node).some(leavesOutGroup);
}

/** `pairs`: for texts with surrogates. */
export function write(node: Node, pairs: boolean): string {
  switch (node.kind) {
    case 'set':
      return pairs ? pairClass(node.ranges) : bmpClass(node.ranges);
    case 'assert':
      return assertion(node.what, pairs);
    case 'sequence':
      return node.items
        .map((item) => (item.kind === 'choice' ? `(?:${write(item, pairs)})` : write(item, pairs)))
        .join('');
    case 'choice':
      return node.items.map((item) => write(item, pairs)).join('|');
    case 'group':
      return `(${write(node.item, pairs)})`;
    case 'repeat':
      return repeat(node, pairs);
  }
}

function assertion(what: (Node & { kind: 'assert' })['what'], pairs: boolean): string {
  switch (what) {
    case 'begin':
      return '^';
    case 'end':
      return '$';
    case 'line-begin':
      return '(?<![^\\n])';
    case 'line-end':
      return '(?m:$)';
    case 'word':
      return '\\b';
    case 'no-word':
      // Not between the two halves of a pair.
      return pairs ? '(?:\\B(?<![\\ud800-\\udbff]))' : '\\B';
  }
}

function repeat({ item, min, max, lazy }: Node & { kind: 'repeat' }, pairs: boolean): string {
  const inner = write(item, pairs);
  const single = item.kind === 'set' || item.kind === 'group';
  const atom = single ? inner : `(?:${inner})`;
  const suffix = lazy ? '?' : '';
  if (min === 0 && max === 1) return `${atom}?${suffix}`;
  if (max === Number.POSITIVE_INFINITY && min <= 1) return `${atom}${min === 0 ? '*' : '+'}${suffix}`;
  const upper = max === Number.POSITIVE_INFINITY ? ',' : max === min ? '' : `,${max}`;
  return `${atom}{${min}${upper}}${suffix}`;
}
