import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderIssue, renderIssues } from '../../../src/config/render.ts';
import { makeIssue, makeSource } from '../../../src/config/source.ts';

const source = makeSource('config.yaml', 'processors:\n\tbatch: {timout: 5s}\r\n');
const issue = makeIssue(
  'error',
  { source, offset: source.text.indexOf('timout') },
  'CONFIG_UNKNOWN_KEY',
  'unknown key "timout"',
);

test('an issue is its place, code and message, then the line, then a caret under the column', () => {
  assert.equal(
    renderIssue(issue, false),
    'config.yaml:2:10 CONFIG_UNKNOWN_KEY unknown key "timout"\n  \tbatch: {timout: 5s}\n  \t        ^',
  );
});

test('colours appear only where they are asked for', () => {
  assert.ok(renderIssues([issue], true).includes('\u001b['));
  assert.ok(!renderIssues([issue], false).includes('\u001b['));
});

test('a warning says that it is one', () => {
  const warning = makeIssue('warning', { source, offset: 0 }, 'CONFIG_VALUE', 'no effect');
  assert.equal(renderIssue(warning, false).split('\n')[0], 'config.yaml:1:1 CONFIG_VALUE warning: no effect');
});

test('a very long line is cut around the column, and the caret stays under it', () => {
  const long = makeSource('f', `${'a'.repeat(500)}HERE${'b'.repeat(500)}`);
  const { excerpt, caret, column } = makeIssue('error', { source: long, offset: 500 }, 'CONFIG_TYPE', 'x');
  assert.equal(column, 501);
  assert.ok(excerpt.length < 160);
  assert.equal(excerpt.slice(caret.length - 1, caret.length + 3), 'HERE');
});

test('a place at the end of a file without a last line break has an excerpt', () => {
  const short = makeSource('f', 'a: b');
  assert.equal(makeIssue('error', { source: short, offset: 99 }, 'CONFIG_SYNTAX', 'x').column, 5);
});
