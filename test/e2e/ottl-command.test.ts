// `spanmill ottl` as a process.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../../bin/spanmill', import.meta.url));
const span = '{"name": "GET /", "spanId": "0000000000000001"}';

async function run(args: readonly string[], stdin = '') {
  const child = spawn(launcher, ['ottl', ...args], { stdio: ['pipe', 'pipe', 'pipe'], timeout: 60_000 });
  child.stdin.end(stdin);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}

test('a statement on a file shows the difference and ends with 0', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-ottl-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'span.json');
  writeFileSync(file, span);
  const { code, out, err } = await run(['set(name, "x")', '--span', file]);
  assert.deepEqual({ code, err }, { code: 0, err: '' });
  assert.equal(out, 'span "GET /" 0000000000000001\n  - name: "GET /"\n  + name: "x"\n');
});

test('a condition on standard input shows its value', async () => {
  const { code, out } = await run(['name == "GET /"', '--span', '-'], span);
  assert.deepEqual({ code, out }, { code: 0, out: 'span "GET /" 0000000000000001: true\n' });
});

test('a fault on a span ends with 1', async () => {
  const { code, out } = await run(['Substring(name, 0, 99)', '--span', '-'], span);
  assert.equal(code, 1);
  assert.match(out, /^span "GET \/" 0000000000000001: fails: /);
});

test('a mistake is shown with a caret under it, and ends with 2', async () => {
  const { code, out, err } = await run(['set(nme, "x")', '--span', '-'], span);
  assert.deepEqual({ code, out }, { code: 2, out: '' });
  assert.match(err, /^expression:1:5 CONFIG_OTTL .*did you mean name\?\n {2}set\(nme, "x"\)\n {6}\^\n$/);
});

test('--help says what it is', async () => {
  const { code, out } = await run(['--help']);
  assert.equal(code, 0);
  assert.match(out, /^Usage: spanmill ottl EXPRESSION/);
});
