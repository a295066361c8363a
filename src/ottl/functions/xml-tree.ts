// XML text -> tree. As lenient as the Collector about what a document is: several elements, and text, may stand beside each
// other. Entities other than the five of XML are mistakes, those that a DTD declares included: nothing is ever expanded.
import { createRequire } from 'node:module';
import { fault } from '../error.ts';

// Loaded when the first rule that needs it is compiled.
const load = createRequire(import.meta.url);

/** Numbers of the DOM, which XPath asks for. */
export const nodeType = {
  element: 1,
  attribute: 2,
  text: 3,
  data: 4,
  instruction: 7,
  comment: 8,
  document: 9,
  doctype: 10,
};

/** Elements inside of each other. */
const maxDepth = 200;
/** Elements, attributes, texts and the like, all together. */
const maxNodes = 100_000;
const maxLength = 16 * 1024 * 1024;

/** What is left of the moves that one XPath may make over a tree. */
export interface Moves {
  left: number;
}

/**
 * A node of the tree, with the names that the DOM has for XPath; whoever goes from node to node by those is counted. What a
 * function changes is noted on it, for the writer.
 */
export class XmlNode {
  readonly nodeType: number;
  /** With its prefix. */
  readonly nodeName: string;
  readonly prefix: string | null;
  readonly localName: string;
  /** The prefix itself: paths name prefixes as they stand in the document, as in the Collector. */
  readonly namespaceURI: string | null;
  /** Of what has no children. */
  readonly nodeValue: string;
  readonly parent: XmlNode | null;
  readonly ownerDocument: XmlNode | null;
  readonly own: XmlNode[] = [];
  readonly moves: Moves;
  /** Its place in the document. */
  readonly order: number;
  first: XmlNode | null = null;
  last: XmlNode | null = null;
  next: XmlNode | null = null;
  previous: XmlNode | null = null;

  removed = false;
  /** XML behind its children. */
  appended = '';
  /** The element that is put around a text. */
  wrapper = '';

  constructor(type: number, name: string, value: string, parent: XmlNode | null, order: number) {
    const colon = name.indexOf(':');
    this.nodeType = type;
    this.nodeName = name;
    this.prefix = colon > 0 ? name.slice(0, colon) : null;
    this.localName = colon > 0 ? name.slice(colon + 1) : name;
    this.namespaceURI = this.prefix;
    this.nodeValue = value;
    this.parent = parent;
    this.ownerDocument = parent === null ? null : (parent.ownerDocument ?? parent);
    this.moves = parent?.moves ?? { left: 0 };
    this.order = order;
  }

  get firstChild(): XmlNode | null {
    this.#move();
    return this.first;
  }
  get nextSibling(): XmlNode | null {
    this.#move();
    return this.next;
  }
  get previousSibling(): XmlNode | null {
    this.#move();
    return this.previous;
  }
  get parentNode(): XmlNode | null {
    this.#move();
    return this.parent;
  }
  get ownerElement(): XmlNode | null {
    return this.nodeType === nodeType.attribute ? this.parentNode : null;
  }
  get attributes(): { readonly length: number; item(i: number): XmlNode } | null {
    if (this.nodeType !== nodeType.element) return null;
    const { own } = this;
    return { length: own.length, item: (i) => own[i].#counted() };
  }
  get name(): string {
    return this.nodeName;
  }
  get value(): string {
    return this.nodeValue;
  }
  /** 2: the other stands before, 4: behind. */
  compareDocumentPosition(other: XmlNode): number {
    this.#move();
    return other.order < this.order ? 2 : 4;
  }

  #counted(): XmlNode {
    this.#move();
    return this;
  }

  #move(): void {
    if (this.moves.left-- <= 0) throw fault('the XPath takes too many steps on this XML');
  }
}

/** Of the children of a node, or the like. */
export function* childrenOf(node: XmlNode): Generator<XmlNode> {
  for (let child = node.first; child !== null; child = child.next) yield child;
}

const declaration = /^<\?xml\s([^?]*)\?>/;

/**
 * The document that the text is. What stands before the first element counts when the text starts with an XML declaration,
 * else it is left out. `anyPrefix`: also one that is not declared. Throws OttlFault.
 */
export function parseXml(text: string, anyPrefix = false): XmlNode {
  if (text.length > maxLength) throw fault(`the text is longer than ${maxLength} characters`);
  const document = new XmlNode(nodeType.document, '#document', '', null, 0);
  const found = declaration.exec(text);
  const builder = new TreeBuilder(document, text.startsWith('<?xml'), anyPrefix);
  if (found !== null) builder.leaf(nodeType.instruction, 'xml', declared(found[1]));
  read(found === null ? text : text.slice(found[0].length), builder);
  if (!builder.hasElement) throw fault('the XML has no element');
  return document;
}

/** Its fields, with one space between them and double quotes. */
function declared(body: string): string {
  return body
    .split(/\s+/)
    .filter((pair) => pair.includes('='))
    .map(
      (pair) =>
        `${pair.slice(0, pair.indexOf('='))}="${pair.slice(pair.indexOf('=') + 1).replace(/^["']+|["']+$/g, '')}"`,
    )
    .join(' ');
}

class TreeBuilder {
  hasElement = false;
  readonly #keepsProlog: boolean;
  readonly #anyPrefix: boolean;
  readonly #declared = new Set(['xml']);
  #at: XmlNode;
  #count = 0;
  #depth = 0;

  constructor(document: XmlNode, keepsProlog: boolean, anyPrefix: boolean) {
    this.#at = document;
    this.#keepsProlog = keepsProlog;
    this.#anyPrefix = anyPrefix;
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (++this.#depth > maxDepth) throw fault(`the XML is nested deeper than ${maxDepth}`);
    this.hasElement = true;
    const element = this.#add(nodeType.element, name, '');
    this.#at = element;
    for (const attribute of Object.keys(attributes)) {
      const node = new XmlNode(nodeType.attribute, attribute, attributes[attribute], element, this.#order());
      if (node.prefix === 'xmlns') this.#declared.add(node.localName);
      element.own.push(node);
    }
    if (element.prefix !== null && !this.#anyPrefix && !this.#declared.has(element.prefix)) {
      throw fault('the XML has a prefix of a namespace that it does not declare');
    }
  }

  close(): void {
    this.#depth--;
    this.#at = this.#at.parent ?? this.#at;
  }

  leaf(type: number, name: string, value: string): void {
    if (this.hasElement || this.#keepsProlog) this.#add(type, name, value);
  }

  #add(type: number, name: string, value: string): XmlNode {
    const parent = this.#at;
    const node = new XmlNode(type, name, value, parent, this.#order());
    node.previous = parent.last;
    if (parent.last === null) parent.first = node;
    else parent.last.next = node;
    parent.last = node;
    return node;
  }

  #order(): number {
    if (++this.#count > maxNodes) throw fault(`the XML has more than ${maxNodes} nodes`);
    return this.#count;
  }
}

/** A DTD may stand anywhere; it means nothing. */
const tolerated = 'inappropriately located doctype declaration.';

function read(text: string, builder: TreeBuilder): void {
  const { SaxesParser } = load('saxes') as typeof import('saxes');
  const parser = new SaxesParser({ fragment: true });
  parser.on('error', ({ message }) => {
    if (message.endsWith(tolerated)) return;
    // What the parser says may show names of the document.
    throw fault(`the XML is not well-formed at line ${parser.line}, column ${parser.columnIndex}`);
  });
  parser.on('opentag', ({ name, attributes }) => builder.open(name, attributes as Readonly<Record<string, string>>));
  parser.on('closetag', () => builder.close());
  parser.on('text', (value) => builder.leaf(nodeType.text, '#text', value));
  parser.on('cdata', (value) => builder.leaf(nodeType.data, '#cdata-section', value));
  parser.on('comment', (value) => builder.leaf(nodeType.comment, '#comment', value));
  parser.on('processinginstruction', ({ target, body }) => builder.leaf(nodeType.instruction, target, body.trim()));
  parser.on('doctype', (value) => builder.leaf(nodeType.doctype, '#doctype', value));
  parser.write(text).close();
}
