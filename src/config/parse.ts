// YAML text -> ConfigNode. Scalars as Go's yaml.v3 types them (YAML 1.2 with `0123` octal, `0b101`, `1_000`).
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type Scalar,
  type ScalarTag,
  visit,
  type YAMLParseError,
} from 'yaml';
import type { ConfigNode, MapEntry, ScalarNode, ScalarValue, Written } from './node.ts';
import { type Issue, makeIssue, type Source, type Spot } from './source.ts';

/** More nodes than any configuration has; stops aliases that multiply. */
const MAX_NODES = 200_000;
const MAX_DEPTH = 500;

const UINT64_MAX = 2n ** 64n - 1n;
const INT64_MIN = -(2n ** 63n);

const parseInteger = (text: string): bigint | number => {
  const negative = text.startsWith('-');
  let digits = text.replace(/^[-+]/, '').replaceAll('_', '');
  if (/^0[0-7]+$/.test(digits)) digits = `0o${digits.slice(1)}`;
  const value = negative ? -BigInt(digits) : BigInt(digits);
  return value > UINT64_MAX || value < INT64_MIN ? Number(value) : value;
};

const integerTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  identify: (value) => typeof value === 'bigint',
  test: /^[-+]?(0|0[0-7_]+|0o[0-7_]+|0b[01_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*)$/,
  resolve: (text) => parseInteger(text),
};

const styleOf = (type: Scalar.Type | undefined): Written['style'] => {
  if (type === 'QUOTE_SINGLE') return 'single';
  if (type === 'QUOTE_DOUBLE') return 'double';
  if (type === 'BLOCK_LITERAL') return 'literal';
  return type === 'BLOCK_FOLDED' ? 'folded' : 'plain';
};

const scalarValue = (value: unknown): ScalarValue => {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  return typeof value === 'boolean' ? value : String(value);
};

/** Digits of a number that no double holds: for Go's yaml.v3 a text. */
const isTooLarge = (node: Scalar): node is Scalar & { source: string } =>
  (node.value === Number.POSITIVE_INFINITY || node.value === Number.NEGATIVE_INFINITY) && /\d/.test(node.source ?? '');

/** What each alias stands for: the last node with its anchor before it. */
type Targets = ReadonlyMap<Alias, Node>;

interface Conversion {
  readonly targets: Targets;
  readonly source: Source;
  /** Added to every offset: where the parsed text stands in the source. */
  readonly base: number;
  /** Where every node is said to be, for text that stands in no file. */
  readonly fixed: Spot | null;
  nodes: number;
}

class TooLarge extends Error {}

const spotOf = (conversion: Conversion, node: Node | null): Spot => {
  if (conversion.fixed !== null) return conversion.fixed;
  return { source: conversion.source, offset: conversion.base + (node?.range?.[0] ?? 0) };
};

const convertScalar = (conversion: Conversion, node: Scalar, at: Spot): ScalarNode => {
  const value = isTooLarge(node) ? node.source : scalarValue(node.value);
  if (typeof value !== 'string' || conversion.fixed !== null || !node.range) return { kind: 'scalar', at, value };
  const start = conversion.base + node.range[0];
  const end = conversion.base + node.range[1];
  return { kind: 'scalar', at, value, written: { source: conversion.source, start, end, style: styleOf(node.type) } };
};

const keyText = (key: unknown): string => {
  if (!isScalar(key)) return String(key);
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
};

const isMergeKey = (key: unknown): boolean => isScalar(key) && key.source === '<<' && key.type === 'PLAIN';

/** The maps that `<<` names: one, or a list of them. */
const mergedMaps = (node: ConfigNode): ConfigNode[] => (node.kind === 'list' ? [...node.items] : [node]);

const convertMap = (conversion: Conversion, node: Node, at: Spot, depth: number): ConfigNode => {
  const entries = new Map<string, MapEntry>();
  const merged: ConfigNode[] = [];
  for (const pair of isMap(node) ? node.items : []) {
    const value = convert(conversion, pair.value as Node | null, depth, spotOf(conversion, pair.key as Node));
    if (isMergeKey(pair.key)) merged.push(...mergedMaps(value));
    else entries.set(keyText(pair.key), { key: spotOf(conversion, pair.key as Node), node: value });
  }
  // Keys written out win over merged ones, earlier merged maps over later ones.
  for (const map of merged) {
    if (map.kind !== 'map') continue;
    for (const [key, entry] of map.entries) if (!entries.has(key)) entries.set(key, entry);
  }
  return { kind: 'map', at, entries };
};

/** `absent`: where to point for a value that is not written at all (`batch:`). */
const convert = (conversion: Conversion, node: Node | null, depth: number, absent: Spot): ConfigNode => {
  conversion.nodes += 1;
  if (conversion.nodes > MAX_NODES || depth > MAX_DEPTH) throw new TooLarge();
  if (isAlias(node)) {
    return convert(conversion, conversion.targets.get(node) ?? null, depth + 1, absent);
  }
  if (isMap(node)) return convertMap(conversion, node, spotOf(conversion, node), depth + 1);
  if (isSeq(node)) {
    const items = node.items.map((item) =>
      convert(conversion, item as Node | null, depth + 1, spotOf(conversion, node)),
    );
    return { kind: 'list', at: spotOf(conversion, node), items };
  }
  if (!isScalar(node)) return { kind: 'scalar', at: absent, value: null };
  const written = node.source !== undefined && node.source !== '';
  return convertScalar(conversion, node, node.value === null && !written ? absent : spotOf(conversion, node));
};

/** Where the YAML package's own sentence speaks to programmers. */
const clearer: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'a second YAML document begins here; a configuration is one document',
};

const syntaxMessage = (error: YAMLParseError, text: string): string => {
  const [at] = error.pos;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: shows how references are written
  if (text[at] === '{' && text[at - 1] === '$') return 'inside { } or [ ] a reference needs quotes: "${…}"';
  return clearer[error.code] ?? `not valid YAML: ${error.message}`;
};

interface Problem {
  readonly offset: number;
  readonly message: string;
}

/** The package's own search for repeated keys compares each with all before it. */
const repeatedKeys = (document: Document.Parsed): Problem[] => {
  const problems: Problem[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key) || isMergeKey(key)) continue;
        const offset = key.range?.[0] ?? 0;
        if (seen.has(key.value)) problems.push({ offset, message: 'this key stands twice in the same map' });
        seen.add(key.value);
      }
    },
  });
  return problems.sort((a, b) => a.offset - b.offset);
};

/** After its first error the parser guesses, and its next errors are about its guesses. */
const problemsOf = (document: Document.Parsed, text: string): Problem[] => {
  const [error] = document.errors;
  const repeated = repeatedKeys(document);
  if (error === undefined) return repeated;
  const [offset] = error.pos;
  return [...repeated.filter((one) => one.offset < offset), { offset, message: syntaxMessage(error, text) }];
};

export interface Parsed {
  /** null when the text is not valid YAML. */
  readonly root: ConfigNode | null;
  readonly issues: readonly Issue[];
}

/** Of all aliases at once: the package's own `resolve` walks the document for each. */
const findTargets = (document: Document.Parsed, onMissing: (alias: Alias) => void): Targets => {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Alias: (_, alias) => {
      const target = anchors.get(alias.source);
      if (target === undefined) onMissing(alias);
      else targets.set(alias, target);
    },
    Value: (_, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return targets;
};

/**
 * Parses `text`, which stands at `base` in `source`; with `fixed`, every node is said to be there instead.
 * An empty text is a null scalar.
 */
export const parseYaml = (text: string, source: Source, base = 0, fixed: Spot | null = null): Parsed => {
  const document = parseDocument(text, {
    prettyErrors: false,
    merge: true,
    uniqueKeys: false,
    customTags: (tags) => [integerTag, ...tags.filter((tag) => tag !== 'int' && tag !== 'intHex' && tag !== 'intOct')],
  });
  const spot = (offset: number): Spot => fixed ?? { source, offset: base + offset };
  const issues = problemsOf(document, text).map(({ offset, message }) =>
    makeIssue('error', spot(offset), 'CONFIG_SYNTAX', message),
  );
  const targets = findTargets(document, ({ range, source: anchor }) => {
    if (document.errors.length > 0) return;
    issues.push(makeIssue('error', spot(range?.[0] ?? 0), 'CONFIG_SYNTAX', `no anchor &${anchor} before this alias`));
  });
  if (issues.length > 0) return { root: null, issues };
  try {
    const conversion: Conversion = { targets, source, base, fixed, nodes: 0 };
    return { root: convert(conversion, document.contents, 0, spot(0)), issues: [] };
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    return {
      root: null,
      issues: [makeIssue('error', spot(0), 'CONFIG_SYNTAX', 'too large or too deep once its aliases are followed')],
    };
  }
};
