// Every flood that is known, each with a bound, beside good clients.
import { describe } from 'node:test';
import { decompressionFloodTests } from './decompression-floods.ts';
import { floodTests } from './floods.ts';
import { oracle, ours } from './servers.ts';
import { idleFloodTests, slowFloodTests } from './slow-floods.ts';

describe('floods', () => {
  floodTests(ours, ours !== oracle);
  slowFloodTests(ours, ours !== oracle);
  idleFloodTests(ours);
  decompressionFloodTests(ours);
});
