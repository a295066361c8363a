// The bench's yardstick: receives exports and passes them on in batches, on node:http2 and nothing of ours. What it costs
// says how fast the machine is; see gate.ts.
import { connect, createServer, type ServerHttp2Stream } from 'node:http2';

const prefixBytes = 5;
const batchBytes = 3_400_000;
const batchTimeoutMs = 200;
const mostExports = 4;
const streamWindow = 8 << 20;
const sessionWindow = 24 << 20;
const exportHeaders = {
  ':method': 'POST',
  ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  'content-type': 'application/grpc',
  te: 'trailers',
};

const client = connect(`http://127.0.0.1:${process.env.SINK_PORT}`);
let batch: Buffer[] = [];
let batched = 0;
let exporting = 0;
let timer: NodeJS.Timeout | null = null;
/** Answers held back while enough exports are under way. */
const held: (() => void)[] = [];

function exportBatch(): void {
  if (timer !== null) clearTimeout(timer);
  timer = null;
  if (batched === 0) return;
  const message = Buffer.concat([Buffer.alloc(prefixBytes), ...batch], prefixBytes + batched);
  message.writeUInt32BE(batched, 1);
  batch = [];
  batched = 0;
  exporting++;
  const stream = client.request(exportHeaders);
  stream.resume();
  stream.on('close', () => {
    exporting--;
    for (const answer of held.splice(0)) answer();
  });
  stream.end(message);
}

function answer(stream: ServerHttp2Stream): void {
  if (stream.destroyed) return;
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.end(Buffer.alloc(prefixBytes));
}

const server = createServer({ settings: { initialWindowSize: streamWindow } });
server.on('session', (session) => session.setLocalWindowSize(sessionWindow));
server.on('stream', (stream) => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => stream.destroy());
  stream.on('end', () => {
    const message = Buffer.concat(chunks).subarray(prefixBytes);
    batch.push(message);
    batched += message.length;
    if (batched >= batchBytes) exportBatch();
    else timer ??= setTimeout(exportBatch, batchTimeoutMs);
    if (exporting < mostExports) answer(stream);
    else held.push(() => answer(stream));
  });
});
server.listen(Number(process.env.RECEIVER_PORT), '127.0.0.1');
process.once('SIGTERM', () => process.exit());
