// One record of CSV, with the results of Go's reader. A text of several lines is still one record: a line goes on in the
// last field of the line before it.
import { fault } from '../error.ts';

export const csvModes = ['strict', 'lazyQuotes', 'ignoreQuotes'] as const;

/** lazy: a quote may stand where it has no business, and then is itself. Throws OttlFault. */
export function readCsv(source: string, delimiter: string, lazy: boolean): string[] {
  if (['"', '\r', '\n', '\0', '\ufffd'].includes(delimiter)) throw fault('this character cannot separate fields');
  const text = source.replaceAll('\r\n', '\n').replace(/\r$/, '');
  const fields: string[] = [];
  let at = 0;
  let startsLine = true;
  while (at < text.length || !startsLine) {
    if (startsLine && text[at] === '\n') {
      at++; // an empty line is none
      continue;
    }
    const { field, end } = text[at] === '"' ? quoted(text, at, delimiter, lazy) : plain(text, at, delimiter, lazy);
    if (startsLine && fields.length > 0) fields[fields.length - 1] += `\n${field}`;
    else fields.push(field);
    startsLine = !text.startsWith(delimiter, end);
    at = end + (startsLine ? 1 : delimiter.length);
  }
  if (fields.length === 0) throw fault('the text has no fields');
  return fields;
}

interface Field {
  readonly field: string;
  /** Of the delimiter or line end behind it. */
  readonly end: number;
}

function plain(text: string, start: number, delimiter: string, lazy: boolean): Field {
  let end = start;
  while (end < text.length && text[end] !== '\n' && !text.startsWith(delimiter, end)) {
    if (text[end] === '"' && !lazy) throw fault('a quote stands in a field without quotes');
    end++;
  }
  return { field: text.slice(start, end), end };
}

/** Starts at its quote. */
function quoted(text: string, start: number, delimiter: string, lazy: boolean): Field {
  let field = '';
  let at = start + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) {
      if (!lazy) throw fault('a quote is not closed');
      return { field: field + text.slice(at), end: text.length };
    }
    field += text.slice(at, quote);
    at = quote + 1;
    if (at === text.length || text[at] === '\n' || text.startsWith(delimiter, at)) return { field, end: at };
    if (text[at] === '"') at++;
    else if (!lazy) throw fault('something stands behind the closing quote of a field');
    field += '"';
  }
}
