// The head of an HTTP/1.1 reply, RFC 9112, strictly: where two clients might read different things, the reply is refused, and
// so is one of which it is not clear where it ends.
import {
  closes,
  fieldLine,
  keepsAlive,
  mostFields,
  withoutSpace,
} from '../../src/transport/http1/native/field-line.ts';

/** How the end of the body is found: after so many bytes, by its chunks, or where the connection ends. */
type Framing = number | 'chunked' | 'to the end';

export interface ReplyHead {
  readonly status: number;
  /** By name in lower case; of several of a name the first. */
  readonly fields: ReadonlyMap<string, string>;
  readonly framing: Framing;
  /** No other reply comes on this connection. */
  readonly isLast: boolean;
}

/** What comes is no reply; the message is one line, for the user. */
export class BadReply extends Error {}

export const notHttp = 'the server does not speak HTTP/1.1';
const malformed = (what: string): BadReply => new BadReply(`a malformed reply: ${what}`);

// 9112 4: "status-line = HTTP-version SP status-code SP [ reason-phrase ]"; the second space is often left out with the phrase.
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;

/** Of a head without the empty line that ends it, as Latin-1. Throws a BadReply. */
export function parseReplyHead(text: string): ReplyHead {
  const lines = text.split('\r\n');
  if (lines.length > mostFields + 1) throw malformed(`more than ${mostFields} header fields`);
  const first = statusLine.exec(lines[0]);
  if (first === null) throw new BadReply(notHttp);
  const isOld = first[1] === '0';
  const status = Number(first[2]);
  const fields = new Map<string, string>();
  let connection = '';
  for (let i = 1; i < lines.length; i++) {
    const field = fieldLine.exec(lines[i]);
    if (field === null) throw malformed(`line ${i + 1} of its head is not a header field`);
    const name = field[1].toLowerCase();
    const value = withoutSpace(field[2]);
    if (name === 'connection') connection += `,${value.toLowerCase()}`;
    else if (!fields.has(name)) fields.set(name, value);
    else if (name === 'content-length' || name === 'transfer-encoding') throw malformed(`there are two of ${name}`);
  }
  const framing = framingOf(status, isOld, fields);
  // 9112 9.3
  const isLast = closes.test(connection) || (isOld && !keepsAlive.test(connection)) || framing === 'to the end';
  return { status, fields, framing, isLast };
}

/** 9112 6.3 */
function framingOf(status: number, isOld: boolean, fields: ReadonlyMap<string, string>): Framing {
  const length = fields.get('content-length');
  const coding = fields.get('transfer-encoding');
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw malformed('its content-length is not a number');
  if (coding !== undefined) {
    // "Such a message might indicate an attempt to perform request smuggling … and ought to be handled as an error."
    if (length !== undefined) throw malformed('it has both a content-length and a transfer-encoding');
    // 6.1: a client that gets this "MUST treat the message as if the framing is faulty"
    if (isOld) throw malformed('HTTP/1.0 has no transfer-encoding');
    if (coding.toLowerCase() !== 'chunked') throw malformed('a transfer-encoding that is not chunked');
  }
  // Whatever its fields say.
  if (status < 200 || status === 204 || status === 304) return 0;
  if (coding !== undefined) return 'chunked';
  return length === undefined ? 'to the end' : Number(length);
}
