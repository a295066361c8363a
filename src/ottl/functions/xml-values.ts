// Tree of XML -> values.
import { fault } from '../error.ts';
import { trimSpace } from '../go-text.ts';
import type { OttlMap, OttlValue } from '../values.ts';
import { childrenOf, nodeType, type XmlNode } from './xml-tree.ts';

/** The first element, as a map of tag, content, attributes and children. Throws OttlFault when something stands behind it. */
export function elementOf(document: XmlNode): OttlMap {
  for (const node of childrenOf(document)) {
    if (node.nodeType !== nodeType.element) continue;
    if (node.next !== null) throw fault('the XML goes on behind its first element');
    return elementMap(node);
  }
  return new Map();
}

function elementMap(element: XmlNode): OttlMap {
  const map = new Map<string, OttlValue>([['tag', element.localName]]);
  let content = '';
  const children: OttlMap[] = [];
  for (const child of childrenOf(element)) {
    if (child.nodeType === nodeType.element) children.push(elementMap(child));
    else if (child.nodeType === nodeType.text || child.nodeType === nodeType.data) {
      content += trimSpace(child.nodeValue);
    }
  }
  if (content !== '') map.set('content', content);
  if (element.own.length > 0) {
    map.set('attributes', new Map(element.own.map(({ localName, nodeValue }) => [localName, nodeValue])));
  }
  if (children.length > 0) map.set('children', children);
  return map;
}

/** Elements by their names: texts, maps of what is in them, or lists where a name comes more than once. */
export function simplified(parent: XmlNode): Map<string, OttlValue> {
  const elements = [...childrenOf(parent)].filter((child) => child.nodeType === nodeType.element);
  const counts = new Map<string, number>();
  for (const { localName } of elements) counts.set(localName, (counts.get(localName) ?? 0) + 1);
  const map = new Map<string, OttlValue>();
  const lists = new Map<string, OttlValue[]>();
  for (const element of elements) {
    if (element.first === null) continue;
    const { localName } = element;
    if (counts.get(localName) === 1) {
      const value = simplifiedValue(element);
      if (value !== null) map.set(localName, value);
      continue;
    }
    const list = lists.get(localName) ?? [];
    lists.set(localName, list);
    map.set(localName, list);
    const value = simplifiedValue(element);
    if (value !== null) list.push(value);
  }
  return map;
}

/** null for an element with nothing in it that counts. */
function simplifiedValue(element: XmlNode): OttlValue {
  const text = leafText(element);
  if (text !== '') return text;
  const map = simplified(element);
  return map.size === 0 ? null : map;
}

/** The first text of an element without elements. */
function leafText(element: XmlNode): string {
  let text: string | null = null;
  for (const { nodeType: kind, nodeValue } of childrenOf(element)) {
    if (kind === nodeType.element) return '';
    if (kind === nodeType.text || kind === nodeType.data) text ??= nodeValue;
  }
  return text ?? '';
}
