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

/** As the Collector has them: one member fewer than W3C allows. */
const longestState = 1024;
const mostMembers = 31;
const longestKey = 256;
const longestTenant = 241;
const longestSystem = 14;
const longestOt = 256;
/** A key is a name, or a tenant, which may begin with a digit, and a system. A value does not end in a blank. */
const name = '[a-z][a-z0-9_*/-]*';
const memberSyntax = new RegExp(
  `^(${name}|([a-z0-9][a-z0-9_*/-]*)@(${name}))=([\\x20-\\x2b\\x2d-\\x3c\\x3e-\\x7e]{0,255}[\\x21-\\x2b\\x2d-\\x3c\\x3e-\\x7e])$`,
);
const pairSyntax = /^([a-z][a-z0-9]*):([a-zA-Z0-9._-]*)$/;
const noSampling: OtMember = { rv: '', th: '' };

/** null when it cannot be understood. `text`: one character a byte. */
export function readOtMember(text: string): OtMember | null {
  if (text.length > longestState) return null;
  // Nothing after the last comma is no member; nothing before it is an empty one.
  const members = text.replace(/,$/, '').split(',');
  if (members.length > mostMembers) return null;
  let found: OtMember | null = noSampling;
  let isWrong = false;
  for (const member of members.map((each) => each.replace(/^[ \t]+|[ \t]+$/g, ''))) {
    if (member === '') continue;
    const [, key, tenant = '', system = '', value] = memberSyntax.exec(member) ?? [];
    if (key === undefined || value === undefined) return null;
    const isLong = key.length > longestKey || tenant.length > longestTenant || system.length > longestSystem;
    // Of several, the last one counts; but each must be right.
    if (key === 'ot') found = readPairs(value);
    if (isLong || found === null) isWrong = true;
  }
  return isWrong ? null : found;
}

function readPairs(text: string): OtMember | null {
  if (text.length > longestOt) return null;
  let rv = '';
  let th = '';
  for (const pair of text.split(';')) {
    const [, key, value] = pairSyntax.exec(pair) ?? [];
    if (key === undefined || value === undefined) return null;
    if (key === 'rv') {
      if (!/^[0-9a-fA-F]{14}$/.test(value)) return null;
      rv = value;
    } else if (key === 'th') {
      if (!/^[0-9a-fA-F]{1,14}$/.test(value)) return null;
      th = value;
    }
  }
  return { rv, th };
}
