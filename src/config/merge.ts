// Several files as one, as the Collector merges them: maps deep, everything else replaced by the later file. A key
// with nothing under it (`processors:`) replaces too, and so wipes what earlier files had there.
import type { ConfigNode, MapEntry } from './node.ts';

export const mergeNodes = (earlier: ConfigNode, later: ConfigNode): ConfigNode => {
  if (earlier.kind !== 'map' || later.kind !== 'map') return later;
  const entries = new Map<string, MapEntry>(earlier.entries);
  for (const [key, entry] of later.entries) {
    const before = entries.get(key);
    entries.set(key, before === undefined ? entry : { key: entry.key, node: mergeNodes(before.node, entry.node) });
  }
  return { kind: 'map', at: later.at, entries };
};

/** `a::b: c` at the top of a file is `a: {b: c}` (the Collector's key delimiter). */
export const unflattenTop = (root: ConfigNode): ConfigNode => {
  if (root.kind !== 'map') return root;
  let result: ConfigNode = { kind: 'map', at: root.at, entries: new Map() };
  for (const [key, entry] of root.entries) {
    const steps = key.split('::');
    let node = entry.node;
    for (const step of steps.slice(1).reverse()) {
      node = { kind: 'map', at: entry.key, entries: new Map([[step, { key: entry.key, node }]]) };
    }
    const one = new Map([[steps[0] ?? '', { key: entry.key, node }]]);
    result = mergeNodes(result, { kind: 'map', at: root.at, entries: one });
  }
  return result;
};
