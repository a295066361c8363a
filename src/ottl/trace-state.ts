// The W3C tracestate list: `key=value` members with commas between.

/** The members in order; null when the text is not a valid list, which the Collector treats as not there. */
function parse(text: string): [string, string][] | null {
  const members: [string, string][] = [];
  const seen = new Set<string>();
  for (const part of text.split(',')) {
    const member = part.replace(/^[ \t]+|[ \t]+$/g, '');
    if (member === '') continue;
    const split = member.indexOf('=');
    const key = member.slice(0, Math.max(0, split));
    const value = member.slice(split + 1);
    if (split < 0 || !validKey(key) || !validValue(value) || seen.has(key)) return null;
    seen.add(key);
    members.push([key, value]);
  }
  return members.length > 32 ? null : members;
}

const simpleKey = /^[a-z][a-z0-9_\-*/]{0,255}$/;
const tenantKey = /^[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}$/;

function validKey(key: string): boolean {
  return simpleKey.test(key) || tenantKey.test(key);
}
/** Printable ASCII without comma and equals sign, not ending in a space; at most 256. */
function validValue(value: string): boolean {
  return /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/.test(value);
}

/** '' when the list has no such member, null when the list is not valid. */
export function traceStateMember(text: string, key: string): string | null {
  const members = parse(text);
  return members === null ? null : (members.find(([name]) => name === key)?.[1] ?? '');
}

/** The list with the member in front; unchanged when list, key or value are not valid. */
export function withTraceStateMember(text: string, key: string, value: string): string {
  const members = parse(text);
  if (members === null || !validKey(key) || !validValue(value)) return text;
  const rest = members.filter(([name]) => name !== key);
  // A full list loses its last member to the new one.
  if (rest.length === 32) rest.pop();
  return [[key, value] as const, ...rest].map((member) => member.join('=')).join(',');
}
