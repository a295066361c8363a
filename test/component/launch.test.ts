// The ways to start the service: as the README says, from a fresh checkout.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const freePorts = [
  'receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0',
  'receivers.otlp.protocols.http.endpoint=127.0.0.1:0',
  'service.telemetry.metrics.address=127.0.0.1:0',
].flatMap((set) => ['--set', set]);

for (const [name, command] of [
  ['npm start', ['npm', 'start', '--', ...freePorts]],
  ['bin/spanmill', ['bin/spanmill', 'run', '--config', 'pipelines/default.yaml', ...freePorts]],
] as const) {
  test(`${name} says where to send spans, and SIGTERM ends it with the account`, { timeout: 60_000 }, async (t) => {
    const [program, ...args] = command;
    // A group of its own: where npm is killed, what it started is killed too.
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    t.after(() => {
      if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    });
    const lines: string[] = [];
    const ready = new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          lines.push(line);
          if (line.includes('spanmill is ready')) resolve();
        });
      }
      child.once('exit', () => reject(new Error(`it ended early:\n${lines.join('\n')}`)));
    });
    const closed = once(child, 'close');
    await ready;
    child.kill('SIGTERM');
    await closed;
    assert.match(lines.join('\n'), /OTEL_EXPORTER_OTLP_ENDPOINT=http:\/\/127\.0\.0\.1:\d+\t/);
    assert.match(lines.join('\n'), /\taccount\t.*"remainder":0/);
  });
}

test('bin/spanmill replaces itself by Node, so that signals and exit codes are those of the service', async () => {
  const child = spawn(join(root, 'bin/spanmill'), ['run'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const text = child.stderr.toArray();
  const [code] = await once(child, 'close');
  assert.equal(code, 2);
  assert.match(Buffer.concat(await text).toString(), /--config FILE is required/);
});
