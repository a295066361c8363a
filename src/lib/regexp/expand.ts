// Replacement templates as Go's regexp.Expand reads them: $1, $name, ${name}, $$.

type Part = string | { readonly group: string };

/** A name is as long as letters, digits and underscores go: $1x is the group named 1x. What is no reference stays. */
export function parseTemplate(template: string): readonly Part[] {
  const parts: Part[] = [];
  const rule = /\$(?:(\$)|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu;
  let at = 0;
  for (const found of template.matchAll(rule)) {
    parts.push(template.slice(at, found.index));
    parts.push(found[1] === undefined ? { group: found[2] ?? found[3] } : '$');
    at = found.index + found[0].length;
  }
  parts.push(template.slice(at));
  return parts.filter((part) => part !== '');
}

/** `names[i]`: name of group i + 1. A group that does not exist or took no part is empty. */
export function expandTemplate(
  parts: readonly Part[],
  groups: readonly (string | undefined)[],
  names: readonly (string | null)[],
): string {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') text += part;
    else if (/^\d+$/.test(part.group)) text += groups[Number(part.group)] ?? '';
    else text += groups[names.indexOf(part.group) + 1 || groups.length] ?? '';
  }
  return text;
}
