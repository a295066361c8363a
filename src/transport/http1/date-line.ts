// The Date of answers. RFC 9110 6.6.1: "An origin server with a clock … MUST generate a Date header field in all 2xx
// (Successful), 3xx (Redirection), and 4xx (Client Error) responses".

let second = Number.NaN;
let line = '';

/** `Date: Tue, 15 Nov 1994 08:12:31 GMT` with the end of its line: the same text for a second. */
export function dateLine(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    line = `Date: ${new Date(now * 1000).toUTCString()}\r\n`;
  }
  return line;
}
