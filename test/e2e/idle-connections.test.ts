// As many idle connections as the machine allows, up to 10,000.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createClient, createTally } from './support/client.ts';
import { configOf, exportTo } from './support/config.ts';
import { startService } from './support/service.ts';
import { settle } from './support/settle.ts';
import { startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

const wanted = 10_000;
/** File descriptors that a process needs besides its connections. */
const others = 300;

/** Node raises its own limit of file descriptors to the hard one at start; that is what the report shows. */
function connectionsAllowed(): number {
  const { userLimits } = process.report.getReport() as unknown as {
    userLimits: { open_files: { hard: number | string } };
  };
  const limit = Number(userLimits.open_files.hard);
  return Math.min(wanted, (Number.isNaN(limit) ? wanted : limit) - others);
}

test('10,000 idle connections stand in nobody’s way', async (t) => {
  const count = connectionsAllowed();
  assert.ok(count >= 500, `only ${count} connections are allowed here`);
  const sink = await startSink(t);
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink) } }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  const send = async (): Promise<void> => assert.equal((await client.send(source.request(10))).code, 0);
  await send();
  const idle = await openIdle(t, service.port, count);
  const later = createClient(t, service, tally);
  for (let i = 0; i < 20; i++) {
    await send();
    assert.equal((await later.send(source.request(10))).code, 0);
  }
  assert.equal(idle.closed(), 0, 'idle connections were ended');
  t.diagnostic(`${count} connections, ${Math.round(service.residentBytes() / 1e6)} MB resident`);
  assert.ok(service.residentBytes() < 900e6);
  await idle.end();
  await send();
  await settle(service, { sink, tally });
});

interface Idle {
  closed(): number;
  end(): Promise<void>;
}

function openIdle(t: TestContext, port: number, count: number): Promise<Idle> {
  const program = fileURLToPath(new URL('support/idle-connections.ts', import.meta.url));
  const child = spawn(process.execPath, [program, String(port), String(count)], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  let closed = 0;
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  return new Promise((resolve, reject) => {
    child.on('exit', () => reject(new Error('the process of the idle connections ended')));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'closed') closed++;
      else if (line === `open ${count}`) {
        resolve({
          closed: () => closed,
          end() {
            child.stdin.end();
            return exited;
          },
        });
      }
    });
  });
}
