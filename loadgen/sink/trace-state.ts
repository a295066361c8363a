// W3C tracestate as far as a sampler in the chain writes it: the member `ot`.

const otPrefix = Buffer.from('ot=');
const comma = 0x2c;

/** Whether two trace states have the same members in the same order, leaving out OpenTelemetry's own. */
export function sameOtherMembers(
  a: Buffer,
  aFrom: number,
  aTo: number,
  b: Buffer,
  bFrom: number,
  bTo: number,
): boolean {
  if (bFrom === bTo) return onlyOt(a, aFrom, aTo);
  return otherMembers(a.toString('latin1', aFrom, aTo)) === otherMembers(b.toString('latin1', bFrom, bTo));
}

function onlyOt(bytes: Buffer, from: number, to: number): boolean {
  if (from === to) return true;
  for (let i = 0; i < otPrefix.length; i++) if (from + i >= to || bytes[from + i] !== otPrefix[i]) return false;
  const second = bytes.indexOf(comma, from);
  return second < 0 || second >= to;
}

function otherMembers(text: string): string {
  return text
    .split(',')
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '' && !member.startsWith('ot='))
    .join(',');
}

/** What samplers read of it: hex digits as they are written, '' for none. */
export interface OtMember {
  readonly rv: string;
  readonly th: string;
}

const memberSyntax = /^[a-z0-9][a-z0-9_\-*/@]*=[\x20-\x2b\x2d-\x3c\x3e-\x7e]*[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const pairSyntax = /^([a-z][a-z0-9]*):([a-zA-Z0-9._-]*)$/;
const longestOt = 256;

/** null when it cannot be understood. */
export function readOtMember(text: string): OtMember | null {
  const found = { rv: '', th: '' };
  for (const member of text.split(',').map((each) => each.replace(/^[ \t]+|[ \t]+$/g, ''))) {
    if (member === '') continue;
    if (!memberSyntax.test(member)) return null;
    if (member.startsWith('ot=') && !readPairs(member.slice(3), found)) return null;
  }
  return found;
}

function readPairs(text: string, found: { rv: string; th: string }): boolean {
  if (text.length > longestOt) return false;
  for (const pair of text.split(';')) {
    const [, key, value] = pairSyntax.exec(pair) ?? [];
    if (key === undefined || value === undefined) return false;
    if (key === 'rv') {
      if (!/^[0-9a-fA-F]{14}$/.test(value)) return false;
      found.rv = value;
    } else if (key === 'th') {
      if (!/^[0-9a-fA-F]{1,14}$/.test(value)) return false;
      found.th = value;
    }
  }
  return true;
}
