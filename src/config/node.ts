// A configuration as a tree in which every value still knows where it was written.
import type { Source, Spot } from './source.ts';

/** How a scalar stands in its source: what maps a character of the value back to a character of the file. */
export interface Written {
  readonly source: Source;
  /** First character of the scalar's own text (its quote, or the | or > of a block). */
  readonly start: number;
  readonly end: number;
  readonly style: 'plain' | 'single' | 'double' | 'literal' | 'folded';
}

export type ScalarValue = null | boolean | bigint | number | string;

interface NodeBase {
  readonly at: Spot;
  /** The text of a value that came whole from one `${…}`: what a string field gets instead of the typed value. */
  readonly text?: string;
  /** A problem was already reported here; nothing more is said about this value. */
  readonly broken?: true;
}

export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar';
  /** Integers are bigint, floats number: 1 and 1.0 are different values. */
  readonly value: ScalarValue;
  readonly written?: Written;
  /** Set once the text was expanded: character of `value` -> character of the scalar as YAML gave it. */
  readonly origin?: readonly number[];
}
export interface MapEntry {
  readonly key: Spot;
  readonly node: ConfigNode;
}
export interface MapNode extends NodeBase {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, MapEntry>;
}
export interface ListNode extends NodeBase {
  readonly kind: 'list';
  readonly items: readonly ConfigNode[];
}
export type ConfigNode = ScalarNode | MapNode | ListNode;

export type Path = readonly (string | number)[];

const child = (node: ConfigNode, step: string | number): ConfigNode | undefined => {
  if (node.kind === 'map') return node.entries.get(String(step))?.node;
  return node.kind === 'list' ? node.items[Number(step)] : undefined;
};

/** The node at `path`, or undefined. */
export const nodeAt = (root: ConfigNode, path: Path): ConfigNode | undefined => {
  let node: ConfigNode | undefined = root;
  for (const step of path) node = node === undefined ? undefined : child(node, step);
  return node;
};

export interface Located {
  /** The deepest node on the way that exists. */
  readonly node: ConfigNode;
  /** Where to point for it: its key where it has one, its value in a list. */
  readonly keyAt: Spot;
  /** How many steps of the path exist. */
  readonly depth: number;
}

/** Follows `path` as far as it exists; a path of no steps is the root itself, pointed at by `rootKey`. */
export const locate = (root: ConfigNode, path: Path, rootKey: Spot): Located => {
  let node = root;
  let keyAt = rootKey;
  for (const [depth, step] of path.entries()) {
    const next = child(node, step);
    if (next === undefined) return { node, keyAt, depth };
    keyAt = node.kind === 'map' ? (node.entries.get(String(step))?.key ?? next.at) : next.at;
    node = next;
  }
  return { node, keyAt, depth: path.length };
};

/** Whether a problem was already reported at `path`, above it or below it. */
export const isBroken = (root: ConfigNode, path: Path): boolean => {
  let node: ConfigNode | undefined = root;
  for (const step of path) {
    if (node?.broken) return true;
    node = node === undefined ? undefined : child(node, step);
  }
  return node !== undefined && hasBroken(node);
};

const hasBroken = (node: ConfigNode): boolean => {
  if (node.broken) return true;
  if (node.kind === 'list') return node.items.some(hasBroken);
  return node.kind === 'map' && [...node.entries.values()].some((entry) => hasBroken(entry.node));
};

/** `processors.batch.timeout`, `pipelines.traces.receivers[0]`; as messages name a place. */
export const formatPath = (path: Path): string =>
  path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
