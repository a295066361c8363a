// Runs a script against a server and says what came of it, in a form in which two servers can be compared.
import { createHash } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { Bench, StartServer } from '../grpc/server-bench.ts';
import { startBench } from '../grpc/server-bench.ts';
import { answers } from './call-flavours.ts';
import { codeName } from './client-frames.ts';
import { lastCall, type Script } from './script.ts';
import { openWire, type WireClient, type WireReply } from './wire-client.ts';

export interface Outcome {
  /** What the method was given, sorted. */
  readonly handled: readonly string[];
  /** What became of each stream that the client did not reset. */
  readonly streams: Readonly<Record<number, string>>;
  /** Whether a connection without fault was kept: `open`, or how it ended. */
  readonly connection: string;
  /** How the server took what is illegal, see `Ending`; null: nothing was. */
  readonly illegal: string | null;
  /** What the server sent that the client did not let it. */
  readonly violations: readonly string[];
}

/** A server for scripts: no policy of pings, and a method that answers as the messages say. */
export async function startOutcomeBench(t: TestContext, start: StartServer): Promise<Bench> {
  const bench = await startBench(t, start, {
    includeMetadata: true,
    pings: { minTimeMs: 0, permitWithoutStream: true },
  });
  bench.method.answer = (message) => (message.length < 5 ? null : answers[message[4] % answers.length]);
  return bench;
}

/** Where the bytes of each step are cut, as parts of its length; `bytes`: after every byte. */
export type Cuts = readonly number[] | 'bytes';

export async function run(t: TestContext, bench: Bench, script: Script, cuts: Cuts): Promise<Outcome> {
  const client = await openWire(t, bench.port);
  bench.method.handled.length = 0;
  const legal = script.illegal === null ? script.steps : script.steps.slice(0, -1);
  for (const { bytes, due } of legal) {
    await sendCut(client, bytes, cuts);
    await Promise.all(due.map((stream) => client.reply(stream)));
    if (!(await client.pinged())) break;
  }
  const streams = Object.fromEntries(script.compared.map((stream) => [stream, replyText(client.soFar(stream))]));
  const connection = client.hasEnded() ? await endText(client) : 'open';
  let illegal: string | null = null;
  if (script.illegal !== null && connection === 'open') {
    await sendCut(client, script.steps[script.steps.length - 1].bytes, cuts);
    illegal = await endingOf(client, script.illegal.what.target(script.illegal.streams));
    if (!client.hasEnded()) illegal += await stillServes(client, script.illegal.streams.next + 4);
  }
  client.destroy();
  await client.ended;
  const { violations } = client;
  const handled = bench.method.handled.map(({ message, call }) => {
    const hash = createHash('sha1').update(message).digest('hex').slice(0, 8);
    const metadata = ['host', 'content-type', ...script.metadata].map((key) => call.metadata(key).join('|'));
    return `${message.length}:${hash} ${metadata.join(' ')}`;
  });
  return { handled: handled.sort(), streams, connection, illegal, violations };
}

/** Each part is written by itself, and the server gets a turn of the loop to read it. */
async function sendCut(client: WireClient, bytes: Buffer, cuts: Cuts): Promise<void> {
  const ends =
    cuts === 'bytes'
      ? Array.from(bytes, (_, i) => i + 1)
      : [...cuts.map((part) => Math.floor(part * bytes.length)), bytes.length].sort((a, b) => a - b);
  let from = 0;
  for (const end of ends) {
    if (end === from) continue;
    await client.send(bytes.subarray(from, end));
    await new Promise(setImmediate);
    from = end;
  }
}

/** After a PING behind what was illegal. */
async function endingOf(client: WireClient, target: number): Promise<string> {
  if (!(await client.pinged())) return endText(client);
  const { rstCode } = client.soFar(target);
  return rstCode === null ? 'ignored' : `stream ${codeName(rstCode)}`;
}

async function endText(client: WireClient): Promise<string> {
  const { goaway } = await client.ended;
  return goaway === null ? 'cut' : `connection ${codeName(goaway.code)}`;
}

async function stillServes(client: WireClient, stream: number): Promise<string> {
  await client.send(lastCall(stream));
  const reply = await client.reply(stream);
  return reply.trailers['grpc-status'] === '0' ? '' : `, then ${replyText(reply)}`;
}

/** Both servers say the same in the same words, wherever they put it: headers alone, or headers and trailers. */
function replyText({ headers, trailers, data, ended, rstCode }: WireReply): string {
  const said = new Map(Object.entries({ ...headers, ...trailers }));
  said.delete('date');
  let body = ` ${data.toString('hex')}`;
  if (headers[':status'] !== '200') {
    // What a server says beyond the status to a request that is not gRPC's is its own affair.
    said.delete('content-type');
    body = '';
  }
  const fields = [...said].map(([name, value]) => `${name}=${value}`).sort();
  // Whether NO_ERROR follows a whole answer depends on whether the body was whole by then (8.1: "MAY request").
  const reset = rstCode === null || (ended && rstCode === 0) ? '' : ` reset ${codeName(rstCode)}`;
  return `${fields.join(' ')}${body}${ended ? ' ended' : ''}${reset}`;
}
