// Makes docs/errors.md from the table in src/errors.ts; with --check exits 1 when the two differ.
import { type ErrorCode, errorCodes } from '../src/errors.ts';
import { publish } from './generated-doc.ts';

const row = ([code, meaning]: [string, string]): string => `| \`${code}\` | ${meaning.replaceAll('|', '\\|')} |`;

const table = (codes: readonly [string, string][]): string[] => ['| code | meaning |', '|---|---|', ...codes.map(row)];

/** The text of docs/errors.md. */
export const renderErrors = (codes: Readonly<Record<ErrorCode, string>>): string => {
  const all = Object.entries(codes);
  const configuration = all.filter(([code]) => code.startsWith('CONFIG_'));
  return [
    '# Error codes',
    '',
    '<!-- Made by scripts/errors-doc.ts from src/errors.ts. -->',
    '',
    'Codes are stable: they stand in messages, logs and tests.',
    '',
    '## Configuration',
    '',
    'Found before anything starts, all at once, each as `file:line:column CODE message` with the line and a caret. Exit code 2.',
    '',
    ...table(configuration),
    '',
    '## Running',
    '',
    ...table(all.filter(([code]) => !code.startsWith('CONFIG_'))),
    '',
  ].join('\n');
};

if (import.meta.main) {
  process.exitCode = publish('errors.md', renderErrors(errorCodes), 'errors-doc.ts', process.argv.includes('--check'));
}
