// The head of an HTTP/1.1 request, RFC 9112, strictly: what two parsers might read differently is refused, so that no proxy in
// front takes for one request what is two here.
import { closes, fieldLine, mostFields, withoutSpace } from './field-line.ts';

export interface ParsedHead {
  readonly method: string;
  readonly target: string;
  /** Names and values by turns, as they came but for white space around values. */
  readonly rawHeaders: readonly string[];
  /** The client wants no further request on this connection. */
  readonly isLast: boolean;
  readonly wantsContinue: boolean;
  readonly isChunked: boolean;
}

/** What comes is no request that could be answered in any other way. */
export class BadRequest extends Error {
  readonly status: number;
  readonly phrase: string;
  constructor(message: string, status = 400, phrase = 'Bad Request') {
    super(message);
    this.status = status;
    this.phrase = phrase;
  }
}

// 9110 5.6.2: token; 9112 3: "request-line = method SP request-target SP HTTP-version"
const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP\/1\.([01])$/;

/** Of a head without the empty line that ends it, as Latin-1. Throws a BadRequest. */
export function parseHead(text: string): ParsedHead {
  const lines = text.split('\r\n');
  const first = requestLine.exec(lines[0]);
  if (first === null) throw new BadRequest('the first line is not that of an HTTP/1.1 request');
  if (lines.length > mostFields + 1) {
    throw new BadRequest('the head of the request has too many fields', 431, 'Request Header Fields Too Large');
  }
  const isOld = first[3] === '0';
  const rawHeaders: string[] = [];
  let hosts = 0;
  let length: string | null = null;
  let transferEncoding: string | null = null;
  let connection = '';
  let expect = '';
  for (let i = 1; i < lines.length; i++) {
    const field = fieldLine.exec(lines[i]);
    if (field === null) throw new BadRequest(`line ${i + 1} of the head is not a header field`);
    const name = field[1];
    const value = withoutSpace(field[2]);
    rawHeaders.push(name, value);
    // Few fields matter here, and most are told by their length.
    switch (name.length) {
      case 4:
        if (name.toLowerCase() === 'host') hosts++;
        break;
      case 6:
        if (name.toLowerCase() === 'expect') expect = value.toLowerCase();
        break;
      case 10:
        if (name.toLowerCase() === 'connection') connection += `,${value.toLowerCase()}`;
        break;
      case 14:
        if (name.toLowerCase() !== 'content-length') break;
        if (length !== null) throw new BadRequest('there are two lengths of the body');
        if (!/^\d{1,15}$/.test(value)) throw new BadRequest('the length of the body is not a number');
        length = value;
        break;
      case 17:
        if (name.toLowerCase() !== 'transfer-encoding') break;
        if (transferEncoding !== null) throw new BadRequest('there are two transfer encodings');
        transferEncoding = value.toLowerCase();
        break;
    }
  }
  // 9112 3.2
  if (hosts > 1 || (hosts === 0 && !isOld)) throw new BadRequest('there has to be one Host header');
  checkFraming(isOld, length, transferEncoding);
  if (!isOld && expect !== '' && expect !== '100-continue') {
    throw new BadRequest('only 100-continue can be expected', 417, 'Expectation Failed');
  }
  return {
    method: first[1],
    target: first[2],
    rawHeaders,
    // 9110 9.3.6: behind a CONNECT a proxy may see a tunnel, and no request.
    isLast: isOld || first[1] === 'CONNECT' || closes.test(connection),
    wantsContinue: !isOld && expect === '100-continue',
    isChunked: transferEncoding !== null,
  };
}

function checkFraming(isOld: boolean, length: string | null, transferEncoding: string | null): void {
  if (transferEncoding === null) return;
  // 9112 6.3: "A server MAY reject a request that contains both Content-Length and Transfer-Encoding"
  if (length !== null) throw new BadRequest('the body has both a length and a transfer encoding');
  if (isOld) throw new BadRequest('HTTP/1.0 has no transfer encodings');
  if (transferEncoding !== 'chunked') throw new BadRequest('the only transfer encoding is chunked');
}
