// XML: as values, and edited as text by XPath.
import { asString } from '../coerce.ts';
import { fault } from '../error.ts';
import { type } from '../values.ts';
import { converter, type FunctionDefinition, literalString, optional, type Parameter, string } from './define.ts';
import { compileXPath, type XPath } from './xml-path.ts';
import { childrenOf, nodeType, parseXml, type XmlNode } from './xml-tree.ts';
import { elementOf, simplified } from './xml-values.ts';
import { documentXml, elementXml, escapeXml, innerText, nodeXml } from './xml-write.ts';

/** Compiled once: it must stand in the text. An empty one is `otherwise`, where there is one. */
const xpath = (otherwise?: XPath): Parameter<XPath> => ({
  ...literalString('xpath'),
  coerce: (value) => {
    const text = asString(value);
    return text === '' && otherwise !== undefined ? otherwise : compileXPath(text);
  },
});

/** Compiled when it is first needed: loading what reads paths takes time. */
function later(text: string): XPath {
  let path: XPath | undefined;
  return (document) => {
    path ??= compileXPath(text);
    return path(document);
  };
}

const allAttributes = later('//@*');
const wholeDocument = later('/');
/** Of a result, in characters. */
const maxLength = 16 * 1024 * 1024;

function getXml(text: string, path: XPath): string {
  if (text === '') return '';
  const parts: string[] = [];
  let length = 0;
  for (const node of path(parseXml(text))) {
    const part = selectedXml(node);
    length += part.length;
    // Elements inside of each other may all be selected.
    if (length > maxLength) throw fault(`the result is longer than ${maxLength} characters`);
    parts.push(part);
  }
  return parts.join('');
}

function selectedXml(node: XmlNode): string {
  switch (node.nodeType) {
    case nodeType.element:
    case nodeType.text:
      return nodeXml(node);
    case nodeType.attribute:
    case nodeType.data:
      return escapeXml(innerText(node));
    default:
      return '';
  }
}

function insertXml(text: string, path: XPath, addition: string): string {
  const added = documentXml(parseXml(addition));
  // An empty text is an empty document.
  const document = text === '' ? emptyDocument() : parseXml(text);
  const places = path(document);
  if (places.length * added.length > maxLength) throw fault(`the result is longer than ${maxLength} characters`);
  for (const node of places) {
    if (node.nodeType !== nodeType.element && node.nodeType !== nodeType.document) {
      throw fault('the XPath selects something else than elements');
    }
    node.appended += added;
  }
  return documentXml(document);
}

function emptyDocument(): XmlNode {
  const document = parseXml('<a/>');
  for (const child of childrenOf(document)) child.removed = true;
  return document;
}

/** An attribute that declares a prefix stays: elements need it. */
function removeXml(text: string, path: XPath): string {
  if (text === '') return '';
  const document = parseXml(text);
  const kinds: readonly number[] = [
    nodeType.element,
    nodeType.attribute,
    nodeType.text,
    nodeType.data,
    nodeType.comment,
  ];
  for (const node of path(document)) {
    if (kinds.includes(node.nodeType) && node.prefix !== 'xmlns') node.removed = true;
  }
  return documentXml(document);
}

/** As there. */
function attributesToElements(text: string, path: XPath): string {
  const document = parseXml(text);
  for (const node of path(document)) {
    const { parent, prefix, nodeName, nodeValue } = node;
    if (node.nodeType !== nodeType.attribute || parent === null || prefix === 'xmlns') continue;
    node.removed = true;
    parent.appended += elementXml(nodeName, nodeValue);
  }
  return documentXml(document);
}

function textToElements(text: string, path: XPath, name: string): string {
  const document = parseXml(text);
  for (const node of path(document)) wrapTexts(node, name);
  return documentXml(document);
}

/** Texts that stand beside other texts or elements, here and below. */
function wrapTexts(parent: XmlNode, name: string): void {
  if (parent.nodeType !== nodeType.element && parent.nodeType !== nodeType.document) return;
  const texts: XmlNode[] = [];
  let elements = 0;
  for (const child of childrenOf(parent)) {
    if (child.nodeType === nodeType.element) {
      wrapTexts(child, name);
      elements++;
    } else if (child.nodeType === nodeType.text) texts.push(child);
  }
  if (elements + texts.length > 1) for (const child of texts) child.wrapper = name;
}

export const xmlFunctions: readonly FunctionDefinition[] = [
  converter({
    name: 'ParseXML',
    summary:
      'The element that the XML is, as a map of its tag, content, attributes and children, each child a map of the same kind. ' +
      'Prefixes, comments and instructions are left out.',
    parameters: [string('target')],
    returns: type.map,
    examples: [
      {
        text: 'ParseXML("<user id=\\"7\\">x<name>Ann</name></user>")',
        gives:
          '{"tag": "user", "content": "x", "attributes": {"id": "7"}, "children": [{"tag": "name", "content": "Ann"}]}',
      },
      { text: 'ParseXML("<a>")', fails: 'the XML is not well-formed at line 1, column ' },
      { text: 'ParseXML("<a/><b/>")', fails: 'the XML goes on behind its first element' },
    ],
    run: (text) => elementOf(parseXml(text, true)),
  }),
  converter({
    name: 'ParseSimplifiedXML',
    summary:
      'The elements of the XML as a map by their names: an element is its text, a map of its elements, or one of a list where ' +
      'its name comes more than once. Attributes, empty elements and texts beside elements are left out.',
    parameters: [string('target')],
    returns: type.map,
    examples: [
      {
        text: 'ParseSimplifiedXML("<event><id>1</id><user>ann</user><user>bob</user></event>")',
        gives: '{"event": {"id": "1", "user": ["ann", "bob"]}}',
      },
      { text: 'ParseSimplifiedXML("<a b=\\"1\\">x<c><d>2</d></c><e/></a>")', gives: '{"a": {"c": {"d": "2"}}}' },
    ],
    run: (text) => simplified(parseXml(text)),
  }),
  converter({
    name: 'GetXML',
    summary:
      'The elements and texts that the XPath selects, as XML, one behind another; of an attribute its value. ' +
      'Empty when it selects nothing.',
    parameters: [string('target'), xpath()],
    returns: type.string,
    examples: [
      { text: 'GetXML("<a><b>1</b><b x=\\"y\\"/></a>", "/a/b")', gives: '"<b>1</b><b x=\\"y\\"></b>"' },
      { text: 'GetXML("<a><b k=\\"1\\">x</b></a>", "//b[@k=\'1\']/text()")', gives: '"x"' },
      { text: 'GetXML("<a k=\\"v\\"/>", "/a/@k")', gives: '"v"' },
      { text: 'GetXML("<a/>", "/a[")', fails: 'the argument xpath of GetXML: not an XPath' },
    ],
    run: getXml,
  }),
  converter({
    name: 'InsertXML',
    summary: 'The XML with the other put behind the children of each element that the XPath selects.',
    parameters: [string('target'), xpath(), string('sub_document')],
    returns: type.string,
    examples: [
      { text: 'InsertXML("<a/><a/>", "/a", "<b/>")', gives: '"<a><b></b></a><a><b></b></a>"' },
      { text: 'InsertXML("<a><b/></a><a/>", "//a[not(b)]", "<c>1</c>")', gives: '"<a><b></b></a><a><c>1</c></a>"' },
      { text: 'InsertXML("", "/", "<a/>")', gives: '"<a></a>"' },
      { text: 'InsertXML("<a k=\\"v\\"/>", "/a/@k", "<b/>")', fails: 'the XPath selects something else than elements' },
    ],
    run: insertXml,
  }),
  converter({
    name: 'RemoveXML',
    summary: 'The XML without the elements, attributes, texts and comments that the XPath selects.',
    parameters: [string('target'), xpath()],
    returns: type.string,
    examples: [
      { text: 'RemoveXML("<a><b/><c/></a>", "/a/b")', gives: '"<a><c></c></a>"' },
      { text: 'RemoveXML("<a k=\\"1\\" l=\\"2\\"/>", "//@k")', gives: '"<a l=\\"2\\"></a>"' },
      { text: 'RemoveXML("<a>x<!-- y --></a>", "//comment()")', gives: '"<a>x</a>"' },
    ],
    run: removeXml,
  }),
  converter({
    name: 'ConvertAttributesToElementsXML',
    summary:
      'The XML with the attributes that the XPath selects (all of them, without one) made elements, behind the children of theirs.',
    parameters: [string('target'), optional(xpath(allAttributes))],
    returns: type.string,
    examples: [
      { text: 'ConvertAttributesToElementsXML("<a k=\\"v\\"><b/></a>")', gives: '"<a><b></b><k>v</k></a>"' },
      {
        text: 'ConvertAttributesToElementsXML("<a k=\\"v\\" l=\\"w\\"/>", "/a/@l")',
        gives: '"<a k=\\"v\\"><l>w</l></a>"',
      },
    ],
    run: (text, path = allAttributes) => attributesToElements(text, path),
  }),
  converter({
    name: 'ConvertTextToElementsXML',
    summary:
      'The XML with texts that stand beside elements or other texts put into elements of the name (value, without one), ' +
      'in what the XPath selects (everything, without one) and below.',
    parameters: [string('target'), optional(xpath(wholeDocument)), optional(literalString('element_name'))],
    returns: type.string,
    examples: [
      { text: 'ConvertTextToElementsXML("<a>x<b/></a>")', gives: '"<a><value>x</value><b></b></a>"' },
      {
        text: 'ConvertTextToElementsXML("<a>x<b/></a><c>y<d/></c>", "/c", "text")',
        gives: '"<a>x<b></b></a><c><text>y</text><d></d></c>"',
      },
    ],
    run: (text, path = wholeDocument, name = 'value') => textToElements(text, path, name || 'value'),
  }),
];
