// What a connection costs that does nothing: it was opened, and made one call.
import { setTimeout as delay } from 'node:timers/promises';
import { connectUnary, type UnaryClient } from '../loadgen/h2/client.ts';
import { processFigures } from '../loadgen/process-figures.ts';
import { type Subject, startSubject } from './subject.ts';

const exportPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
/** Without spans. */
const emptyRequest = Buffer.alloc(0);
const settleMs = 3000;
/** Connections that are opened and used at a time. */
const together = 50;
/** Where nothing listens: no request has spans, so that nothing is to be exported. */
const deadPort = 9;

/** Bytes of resident memory for each of `connections`, of what the process grows by. */
export async function measureIdle(subject: Subject, connections: number): Promise<number> {
  const running = await startSubject(subject, deadPort, 'grpc');
  const clients: UnaryClient[] = [];
  try {
    const open = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += together) {
        const batch = Array.from({ length: Math.min(together, count - i) }, () => openOne(running.port));
        clients.push(...(await Promise.all(batch)));
      }
      await delay(settleMs);
    };
    // What the first connections bring along is not theirs.
    await open(together * 4);
    const resident = () => processFigures(running.pid)?.residentBytes ?? 0;
    const before = resident();
    await open(connections);
    return (resident() - before) / connections;
  } finally {
    for (const client of clients) client.close();
    await running.end();
  }
}

async function openOne(port: number): Promise<UnaryClient> {
  const client = await connectUnary({ host: '127.0.0.1', port, path: exportPath });
  await new Promise((resolve) => client.call(emptyRequest, resolve));
  return client;
}
