// Tree -> XML text, as the Collector writes it: no empty tags, five characters escaped everywhere.
import { childrenOf, nodeType, type XmlNode } from './xml-tree.ts';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  "'": '&#39;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
};

export function escapeXml(text: string): string {
  return text.replace(/[&'<>"]/g, (character) => escapes[character]);
}

export function elementXml(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

/** All of the document, with what was changed. */
export function documentXml(document: XmlNode): string {
  return inside(document);
}

export function nodeXml(node: XmlNode): string {
  if (node.removed) return '';
  switch (node.nodeType) {
    case nodeType.element:
      return `<${node.nodeName}${attributesXml(node)}>${inside(node)}</${node.nodeName}>`;
    case nodeType.text:
      return node.wrapper === '' ? escapeXml(node.nodeValue) : elementXml(node.wrapper, node.nodeValue);
    case nodeType.data:
      return `<![CDATA[${node.nodeValue}]]>`;
    case nodeType.comment:
      return `<!--${node.nodeValue}-->`;
    case nodeType.doctype:
      return `<!DOCTYPE${node.nodeValue}>`;
    default:
      return `<?${node.nodeName}${node.nodeValue === '' ? '' : ` ${node.nodeValue}`}?>`;
  }
}

function inside(node: XmlNode): string {
  let out = '';
  for (const child of childrenOf(node)) out += nodeXml(child);
  return out + node.appended;
}

function attributesXml({ own }: XmlNode): string {
  let out = '';
  for (const { nodeName, nodeValue, removed } of own) if (!removed) out += ` ${nodeName}="${escapeXml(nodeValue)}"`;
  return out;
}

/** The text in a node and all below it, comments left out. */
export function innerText(node: XmlNode): string {
  if (node.nodeType === nodeType.text || node.nodeType === nodeType.data || node.nodeType === nodeType.attribute) {
    return node.nodeValue;
  }
  let out = '';
  if (node.nodeType === nodeType.element) for (const child of childrenOf(node)) out += innerText(child);
  return out;
}
