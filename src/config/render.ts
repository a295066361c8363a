// Issues as a terminal shows them.
import { styleText } from 'node:util';
import type { Issue } from './source.ts';

/** `file:line:column CODE message`, the source line, and a caret under the column. */
export const renderIssue = (issue: Issue, color: boolean): string => {
  const paint = (style: 'bold' | 'red' | 'yellow' | 'dim', text: string): string =>
    color ? styleText(style, text, { validateStream: false }) : text;
  const tone = issue.severity === 'error' ? 'red' : 'yellow';
  const place = `${issue.file}:${issue.line}:${issue.column}`;
  const kind = issue.severity === 'error' ? '' : `${issue.severity}: `;
  const head = `${paint('bold', place)} ${paint(tone, issue.code)} ${kind}${issue.message}`;
  if (issue.excerpt.trim() === '') return head;
  return `${head}\n  ${paint('dim', issue.excerpt)}\n  ${paint(tone, issue.caret)}`;
};

export const renderIssues = (issues: readonly Issue[], color: boolean): string =>
  issues.map((issue) => `${renderIssue(issue, color)}\n`).join('');
