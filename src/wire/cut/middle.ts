// Cuts one text in its middle: beginning and end say most of what a prompt, an answer or a stack trace is about.

/** What stands where something was cut. ASCII but for the dots, no quotes and no backslash: it may stand in JSON as it is. */
const notice = (cutBytes: number): Buffer => Buffer.from(`…[spanmill: ${cutBytes} bytes cut]…`);
const noticeBytes = (cutBytes: number): number => emptyNoticeBytes + String(cutBytes).length;
const emptyNoticeBytes = notice(0).length - 1;
const dots = Buffer.from('…');

/** The smallest that a text is cut to. */
export const leastCutBytes = dots.length;

/** Where a text may be cut without leaving half a character behind. */
interface Borders {
  /** The last at or before `position`. */
  before(position: number): number;
  /** The first at or after `position`. */
  after(position: number): number;
}

/** At most `maxBytes` (at least `leastCutBytes`) of UTF-8 text that is longer; valid if the text is. */
export function cutMiddle(text: Uint8Array, maxBytes: number): Buffer {
  return cutBetween(text, 0, text.length, maxBytes, characterBorders(text, 0, text.length));
}

/** A string of a JSON text, without its quotes. */
export interface JsonString {
  readonly start: number;
  readonly end: number;
  readonly hasEscapes: boolean;
}

/** The same for the content of a string of valid JSON: no escape sequence is cut. */
export function cutJsonMiddle(json: Uint8Array, { start, end, hasEscapes }: JsonString, maxBytes: number): Buffer {
  const borders = hasEscapes ? escapeBorders(json, start, end) : characterBorders(json, start, end);
  return cutBetween(json, start, end, maxBytes, borders);
}

function cutBetween(text: Uint8Array, start: number, end: number, maxBytes: number, borders: Borders): Buffer {
  // The number in the notice has as many digits as the length at most.
  const longest = noticeBytes(end - start);
  const hasNotice = longest * 2 <= maxBytes;
  const room = maxBytes - (hasNotice ? longest : dots.length);
  const head = borders.before(start + Math.ceil(room / 2));
  const tail = borders.after(end - Math.floor(room / 2));
  const between = hasNotice ? notice(tail - head) : dots;
  return Buffer.concat([text.subarray(start, head), between, text.subarray(tail, end)]);
}

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;

/** Of UTF-8. Bytes that are no UTF-8 are cut anywhere. */
function characterBorders(text: Uint8Array, start: number, end: number): Borders {
  const isBorder = (at: number): boolean => at <= start || at >= end || !isContinuation(text[at]);
  return {
    before(position) {
      for (let at = position; at > position - 4; at--) if (isBorder(at)) return at;
      return position;
    },
    after(position) {
      for (let at = position; at < position + 4; at++) if (isBorder(at)) return at;
      return position;
    },
  };
}

const backslash = 0x5c;
const letterU = 0x75;

/** Of a JSON string: also not within an escape sequence, nor between the two of a surrogate pair. */
function escapeBorders(json: Uint8Array, start: number, end: number): Borders {
  const unitEnd = (at: number): number => {
    if (json[at] !== backslash) {
      let p = at + 1;
      while (p < end && isContinuation(json[p])) p++;
      return p;
    }
    if (json[at + 1] !== letterU) return at + 2;
    const isPair = isSurrogate(json, at, 'high') && at + 12 <= end && isSurrogate(json, at + 6, 'low');
    return at + (isPair ? 12 : 6);
  };
  return {
    before(position) {
      let border = start;
      for (let at = start; at < end; ) {
        at = unitEnd(at);
        if (at > position) break;
        border = at;
      }
      return border;
    },
    after(position) {
      let at = start;
      while (at < position) at = unitEnd(at);
      return Math.min(at, end);
    },
  };
}

/** Whether `\\uXXXX` stands at `at`, and is that half of a pair. */
function isSurrogate(json: Uint8Array, at: number, half: 'high' | 'low'): boolean {
  if (json[at] !== backslash || json[at + 1] !== letterU) return false;
  const digits = String.fromCharCode(json[at + 2], json[at + 3]).toLowerCase();
  return half === 'high' ? /^d[89ab]$/.test(digits) : /^d[c-f]$/.test(digits);
}
