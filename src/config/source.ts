// Where a value was written: a text with a name, and an offset into it.
import { LineCounter } from 'yaml';
import type { ErrorCode } from '../errors.ts';
import { maskLine } from './mask-line.ts';

export interface Source {
  /** As shown to the user: a file name, `env:NAME`, `--set a.b=c`. */
  readonly name: string;
  readonly text: string;
  readonly lines: LineCounter;
  /** Ranges of the text that no message shows: secrets, as they are found. */
  readonly hidden: { readonly start: number; readonly end: number }[];
}

/** A character of a source. */
export interface Spot {
  readonly source: Source;
  readonly offset: number;
}

export type Severity = 'error' | 'warning' | 'note';

/** A problem at its place. `line` and `column` count from 1, in characters (UTF-16 units). */
export interface Issue {
  readonly severity: Severity;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: ErrorCode;
  readonly message: string;
  /** The source line, cut to a window around the column where it is very long. */
  readonly excerpt: string;
  /** Blanks (tabs where the excerpt has tabs) and one ^ under the column. */
  readonly caret: string;
}

export const makeSource = (name: string, text: string): Source => {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return { name, text, lines, hidden: [] };
};

const WINDOW = 140;

/** The line and the caret under `column` (0-based here); a long line is cut around it. */
const excerptOf = (line: string, column: number): { excerpt: string; caret: string } => {
  const start = line.length > WINDOW && column > WINDOW / 2 ? column - WINDOW / 2 : 0;
  const end = Math.min(line.length, start + WINDOW);
  const head = start > 0 ? '…' : '';
  const before = line.slice(start, column).replace(/[^\t]/g, ' ');
  return {
    excerpt: `${head}${line.slice(start, end)}${end < line.length ? '…' : ''}`,
    caret: `${head === '' ? '' : ' '}${before}^`,
  };
};

/** Without secrets, as long as it is. */
const shownLine = ({ text, hidden }: Source, start: number, end: number): string => {
  let line = text.slice(start, end).replace(/\r$/, '');
  for (const range of hidden) {
    const [from, to] = [Math.max(range.start - start, 0), Math.min(range.end - start, line.length)];
    if (from < to) line = line.slice(0, from) + '*'.repeat(to - from) + line.slice(to);
  }
  return maskLine(line);
};

export const makeIssue = (severity: Severity, spot: Spot, code: ErrorCode, message: string): Issue => {
  const { source } = spot;
  const offset = Math.max(0, Math.min(spot.offset, source.text.length));
  const { line, col } = source.lines.linePos(offset);
  const lineStart = offset - (col - 1);
  const lineEnd = source.text.indexOf('\n', lineStart);
  const text = shownLine(source, lineStart, lineEnd < 0 ? source.text.length : lineEnd);
  return { severity, file: source.name, line, column: col, code, message, ...excerptOf(text, col - 1) };
};

/** Issues as they stand in the files: files in the order given, then by line and column. */
export const sortIssues = (issues: readonly Issue[], fileOrder: readonly string[]): Issue[] => {
  const rank = (issue: Issue): number => {
    const index = fileOrder.indexOf(issue.file);
    return index < 0 ? fileOrder.length : index;
  };
  return issues.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
};
