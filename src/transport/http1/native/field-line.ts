// A field line of a head of HTTP/1.1, of a request or a reply, RFC 9112 5.

/** Every field is a few objects; clients and servers of OTLP send ten. */
export const mostFields = 100;

// 9112 5.1: "No whitespace is allowed between the field name and colon"; 5.2: who gets a folded line may refuse it
// One character class for all of the value, so that no text makes it try twice; what surrounds the value is cut off below.
/** Its groups: the name, and the value with the white space around it. */
export const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/;

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09;

/** 9110 5.5: spaces and tabs around a value are not of it. Nothing else is cut, as `trim` would. */
export function withoutSpace(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return from === 0 && to === text.length ? text : text.slice(from, to);
}

// Options of the Connection fields of a head, in lower case and with commas between, 9110 7.6.1.
export const closes = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/;
export const keepsAlive = /(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/;
