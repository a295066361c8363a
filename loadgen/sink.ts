// Process: the backend of a run. Counts spans, measures their latency, and can be made to stall.
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { createArrivals } from './arrivals.ts';
import { childOptions, serveParent } from './child.ts';
import { createClock } from './clock.ts';
import { serveUnary } from './h2/server.ts';
import type { SinkOptions, SinkReport, SinkRequest } from './messages.ts';

const options = childOptions<SinkOptions>();
const clock = createClock(BigInt(options.clockOffset));
const arrivals = createArrivals(options);
let stalled = options.stalled;
let requests = 0;
let unanswered = 0;
let bytes = 0;

/** Request headers are not read; each format begins with bytes of its own. */
function decompress(message: Buffer): Buffer {
  return message.length > 4 && message.readUInt32LE(0) === 0xfd2fb528
    ? zstdDecompressSync(message)
    : gunzipSync(message);
}

const server = await serveUnary(options.host, options.port, (message, compressed) => {
  if (stalled) {
    unanswered++;
    return { answer: false };
  }
  requests++;
  bytes += message.length;
  arrivals.take(compressed ? decompress(message) : message, clock.nowApprox());
  return { answer: true };
});

function answer(question: SinkRequest): SinkReport | null {
  switch (question.kind) {
    case 'report': {
      const { user, system } = process.cpuUsage();
      return {
        requests,
        unanswered,
        bytes,
        ...arrivals.counts(),
        inRanges: arrivals.within(question.ranges),
        endToEnd: arrivals.latency(),
        cpuMicroseconds: user + system,
      };
    }
    case 'stall':
      stalled = question.on;
      return null;
    case 'resetLatency':
      arrivals.resetLatency();
      return null;
    case 'close':
      server.close();
      return null;
  }
}

serveParent<SinkRequest>({ port: server.port }, answer);
