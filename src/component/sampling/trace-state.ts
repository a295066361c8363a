// W3C tracestate with OpenTelemetry's member in it: `ot=rv:…;th:…;other:…,vendor=value`. Read into what sampling needs
// and what must come through unchanged, and written again. Strings here are ASCII, one character a byte: whoever reads a
// span's field decodes it as Latin-1, since everything above 0x7e is an error anyway.
import { always, type Bits56, parseRandomness, parseThreshold } from './threshold.ts';

/** Limits as the Collector has them; W3C allows one member more. */
export const maxLength = 1024;
const maxMembers = 31;
const maxMemberLength = 256;
const maxTenantLength = 241;
const maxSystemLength = 14;

export interface TraceState {
  /** Malformed somewhere: what could be read up to there, and around it, is in the other fields. */
  readonly malformed: boolean;
  /** 14 hex digits as they came, or ''. */
  readonly rv: string;
  readonly randomness: Bits56;
  /** 1 to 14 hex digits as they came, or ''. */
  readonly th: string;
  readonly threshold: Bits56;
  /** `;key:value` for each further key of OpenTelemetry's member. */
  readonly otherKeys: string;
  /** `,vendor=value` for each other member. */
  readonly otherMembers: string;
}

interface OtMember {
  readonly malformed: boolean;
  readonly rv: string;
  readonly randomness: Bits56;
  readonly th: string;
  readonly threshold: Bits56;
  readonly otherKeys: string;
}

const noMember: OtMember = { malformed: false, rv: '', randomness: always, th: '', threshold: always, otherKeys: '' };
const badMember: OtMember = { ...noMember, malformed: true };
export const emptyTraceState: TraceState = { ...noMember, otherMembers: '' };
const badTraceState: TraceState = { ...badMember, otherMembers: '' };

// key = lcalpha *( lcalpha / DIGIT / "_" / "-" / "*" / "/" ), or tenant "@" system, whose tenant may begin with a digit.
const keySyntax = /^(?:[a-z][a-z0-9_\-*/]*|[a-z0-9][a-z0-9_\-*/]*@[a-z][a-z0-9_\-*/]*)$/;
// value = 0*255(chr) nblk-chr: printable ASCII but "," and "=", not ending in a blank.
const valueSyntax = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const otSyntax = /^[a-z][a-z0-9]*:[a-zA-Z0-9._-]*(?:;[a-z][a-z0-9]*:[a-zA-Z0-9._-]*)*$/;
const surroundingBlanks = /^[ \t]+|[ \t]+$/g;

export function parseTraceState(text: string): TraceState {
  if (text === '') return emptyTraceState;
  if (text.length > maxLength) return badTraceState;
  const members = text.split(',');
  // A comma at the very end opens no member.
  if (members[members.length - 1] === '') members.pop();
  for (let i = 0; i < members.length; i++) {
    members[i] = members[i].replace(surroundingBlanks, '');
    if (members[i] !== '' && !isMember(members[i])) return badTraceState;
  }
  let ot = noMember;
  let malformed = members.length > maxMembers;
  let otherMembers = '';
  for (const member of members.slice(0, maxMembers)) {
    const at = member.indexOf('=');
    const key = member.slice(0, at);
    if (member === '') continue;
    if (isTooLong(key)) malformed = true;
    else if (key !== 'ot') otherMembers += `,${member}`;
    else {
      ot = parseOtMember(member.slice(at + 1));
      malformed ||= ot.malformed;
    }
  }
  return { ...ot, malformed, otherMembers };
}

function isMember(member: string): boolean {
  const at = member.indexOf('=');
  return at > 0 && keySyntax.test(member.slice(0, at)) && valueSyntax.test(member.slice(at + 1));
}

function isTooLong(key: string): boolean {
  if (key.length > maxMemberLength) return true;
  const at = key.indexOf('@');
  return at >= 0 && (at > maxTenantLength || key.length - at - 1 > maxSystemLength);
}

function parseOtMember(value: string): OtMember {
  if (value.length > maxMemberLength || !otSyntax.test(value)) return badMember;
  let { rv, randomness, th, threshold, otherKeys, malformed } = noMember;
  for (const pair of value.split(';')) {
    const at = pair.indexOf(':');
    const content = pair.slice(at + 1);
    switch (pair.slice(0, at)) {
      case 'rv': {
        const parsed = parseRandomness(content);
        malformed ||= parsed === null;
        rv = parsed === null ? '' : content;
        randomness = parsed ?? always;
        break;
      }
      case 'th': {
        const parsed = parseThreshold(content);
        malformed ||= parsed === null;
        th = parsed === null ? '' : content;
        threshold = parsed ?? always;
        break;
      }
      default:
        otherKeys += `;${pair}`;
    }
  }
  return { malformed, rv, randomness, th, threshold, otherKeys };
}

/** The trace state with these two values in place of its own ('': none); OpenTelemetry's member first, as W3C asks. */
export function formatTraceState(state: TraceState, rv: string, th: string): string {
  const ot = (rv === '' ? '' : `;rv:${rv}`) + (th === '' ? '' : `;th:${th}`) + state.otherKeys;
  const text = (ot === '' ? '' : `,ot=${ot.slice(1)}`) + state.otherMembers;
  return text.slice(1);
}
