// XPath 1.0 over the tree, and the few functions of XPath 2.0 that the Collector has. A path is compiled once, at load.
import { createRequire } from 'node:module';
import { compileRegExp, type Matcher } from '../../lib/regexp/regexp.ts';
import { fault, OttlFault } from '../error.ts';
import type { XmlNode } from './xml-tree.ts';

/** Of the package, what is used here; its own types want those of a browser. */
interface XPathModule {
  parse(path: string): { evaluate(options: Options): unknown };
  readonly XNodeSet: { prototype: NodeSet };
}
interface NodeSet {
  nodes: XmlNode[];
  size: number;
  tree: unknown;
  addArray(nodes: readonly XmlNode[]): void;
  toArray(): XmlNode[];
}
interface Options {
  readonly node: XmlNode;
  namespaces(prefix: string): string;
  functions(name: string): ((context: { contextNode: XmlNode }, ...args: Argument[]) => unknown) | null;
}
interface Argument {
  stringValue(): string;
  toArray?(): XmlNode[];
  stringForNode?(node: XmlNode): string;
}

/** The nodes that the path selects, in the order of the document; none when it gives something else. Throws OttlFault. */
export type XPath = (document: XmlNode) => readonly XmlNode[];

/** Steps from node to node of one evaluation: about half a second. */
const maxMoves = 2_000_000;
/** Each step of this axis moves all that it has found. */
const costlyAxis = /\bpreceding\s*::/;
const maxCostlyMoves = 100_000;

const require = createRequire(import.meta.url);
let loaded: XPathModule | undefined;

function xpath(): XPathModule {
  if (loaded === undefined) {
    loaded = require('xpath') as XPathModule;
    // The package looks for each node in the list of all others, which takes minutes for a large document.
    loaded.XNodeSet.prototype.addArray = function (nodes) {
      this.nodes = [...new Set([...this.nodes, ...nodes])];
      this.size = this.nodes.length;
      this.tree = null;
    };
  }
  return loaded;
}

/** Throws OttlFault for what is no XPath. */
export function compileXPath(text: string): XPath {
  const { parse, XNodeSet } = xpath();
  checkNames(text);
  const expression = tryIt(() => parse(text), 'not an XPath');
  const moves = costlyAxis.test(text) ? maxCostlyMoves : maxMoves;
  return (document) => {
    document.moves.left = moves;
    const options: Options = { node: document, namespaces: (prefix) => prefix, functions };
    const result = tryIt(() => expression.evaluate(options), 'the XPath cannot be evaluated');
    if (!(result instanceof (XNodeSet as unknown as new () => NodeSet))) return [];
    const nodes = tryIt(() => result.toArray(), 'the XPath cannot be evaluated');
    document.moves.left = Number.POSITIVE_INFINITY;
    return nodes;
  };
}

/** Messages of the package are not handed on: they may show what stands in the document. */
function tryIt<T>(work: () => T, what: string): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof OttlFault ? error : fault(what);
  }
}

const known = new Set(
  (
    'boolean ceiling concat contains count ends-with false floor last local-name lower-case matches name ' +
    'namespace-uri normalize-space not number position replace round starts-with string string-join string-length ' +
    'substring substring-after substring-before sum translate true node text comment processing-instruction and or div mod'
  ).split(' '),
);

const axes = new Set(
  (
    'ancestor ancestor-or-self attribute child descendant descendant-or-self following following-sibling namespace parent ' +
    'preceding preceding-sibling self'
  ).split(' '),
);

/** The package finds out about names that there are not only when a document reaches them, or never. */
function checkNames(text: string): void {
  const withoutTexts = text.replace(/"[^"]*"|'[^']*'/g, '""');
  for (const [, name] of withoutTexts.matchAll(/([\w.-]+)\s*\(/g)) {
    if (!known.has(name)) throw fault(`there is no XPath function ${name}`);
  }
  for (const [, axis] of withoutTexts.matchAll(/([\w.-]+)\s*::/g)) {
    if (!axes.has(axis)) throw fault(`there is no XPath axis ${axis}`);
  }
  if (withoutTexts.includes('$')) throw fault('an XPath here has no variables');
}

/** Those that the package lacks, or that ask for the namespace, which is its prefix in the tree. */
const added: ReadonlyMap<string, (context: { contextNode: XmlNode }, ...args: Argument[]) => unknown> = new Map(
  Object.entries({
    'ends-with': (_: unknown, text: Argument, end: Argument) => text.stringValue().endsWith(end.stringValue()),
    'lower-case': (_: unknown, text: Argument) => text.stringValue().toLowerCase(),
    matches: (_: unknown, text: Argument, pattern: Argument) =>
      patternOf(pattern.stringValue()).test(text.stringValue()),
    replace: (_: unknown, text: Argument, from: Argument, to: Argument) =>
      patternOf(from.stringValue()).replaceAll(text.stringValue(), to.stringValue()),
    'string-join': (_: unknown, nodes: Argument, separator?: Argument) =>
      (nodes.toArray?.() ?? []).map((node) => nodes.stringForNode?.(node) ?? '').join(separator?.stringValue() ?? ''),
    'namespace-uri': (context: { contextNode: XmlNode }, nodes?: Argument) =>
      namespaceOf(nodes === undefined ? context.contextNode : nodes.toArray?.()[0]),
  }),
);

/** The last one: it mostly stands in the path, and is wanted for each node. */
let kept: Matcher | undefined;

function patternOf(source: string): Matcher {
  if (kept?.source !== source) kept = compileRegExp(source);
  return kept;
}

function functions(name: string): ReturnType<Options['functions']> {
  return added.get(name) ?? null;
}

function namespaceOf(node: XmlNode | undefined): string {
  if (node === undefined) return '';
  if (node.prefix === 'xml') return 'http://www.w3.org/XML/1998/namespace';
  if (node.prefix === null && node.ownerElement !== null) return '';
  const wanted = node.prefix === null ? 'xmlns' : `xmlns:${node.prefix}`;
  for (let at: XmlNode | null = node; at !== null; at = at.parentNode) {
    const found = at.own.find(({ nodeName }) => nodeName === wanted);
    if (found !== undefined) return found.nodeValue;
  }
  return '';
}
