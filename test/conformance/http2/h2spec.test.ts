// h2spec, the conformance test of HTTP/2 servers, with all of its cases, also the strict ones.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type StartServer, startBench } from '../grpc/server-bench.ts';
import { exportPath } from '../grpc/test-method.ts';
import { peers, programOf } from '../support/peers.ts';
import { type H2specException, nodeExceptions, ourExceptions } from './h2spec-exceptions.ts';
import { oracle, ours } from './servers.ts';

/** Of version 2.2.1, with --strict. */
const casesInAll = 146;
/** How long h2spec waits for what should come; a case that it waits in vain for has failed. */
const caseTimeoutSeconds = 1;

function h2specTest(name: string, start: StartServer, exceptions: Readonly<Record<string, H2specException>>): void {
  test(`${name} passes h2spec, but for the cases in the table`, async (t) => {
    const program = programOf(peers.h2spec);
    if (program === null) return t.skip(peers.h2spec.reason);
    const bench = await startBench(t, start);
    const outcomes = await runH2spec(t, program, bench.port);
    assert.equal(outcomes.size, casesInAll, 'another h2spec than the table is for');
    const notPassed = [...outcomes].filter(([, outcome]) => outcome !== 'passed');
    const expected = Object.entries(exceptions).filter(([, { outcome }]) => outcome !== 'varies');
    assert.deepEqual(
      new Map(notPassed.filter(([key]) => exceptions[key]?.outcome !== 'varies')),
      new Map(expected.map(([key, { outcome }]) => [key, outcome])),
    );
    t.diagnostic(`${outcomes.size - notPassed.length} of ${outcomes.size} cases passed`);
  });
}

h2specTest('the server on node:http2', oracle, nodeExceptions);
h2specTest('the intake of our own', ours, ourExceptions);

async function runH2spec(t: TestContext, program: string, port: number): Promise<Map<string, string>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'spanmill-h2spec-'));
  t.after(() => rm(folder, { recursive: true }));
  const report = path.join(folder, 'report.xml');
  const where = ['--host', '127.0.0.1', '--port', String(port), '--path', exportPath];
  const how = ['--strict', '--timeout', String(caseTimeoutSeconds), '--junit-report', report];
  // It exits with 1 when a case failed; what counts is the report.
  await new Promise((resolve) => execFile(program, [...where, ...how], { timeout: 180_000 }, resolve));
  return readReport(await readFile(report, 'latin1'));
}

/**
 * `<testcase package="http2/6.7" classname="Sends a PING frame" time="0.0003">`, in it what became of it unless it passed. Frames
 * are quoted as they came, so that the report is not always XML.
 */
function readReport(report: string): Map<string, string> {
  const outcomes = new Map<string, string>();
  for (const [, section, title, inside] of report.matchAll(
    /<testcase package="([^"]*)" classname="([^"]*)" time="[^"]*">(?:\s*<(failure|error|skipped))?/g,
  )) {
    const outcome = inside === undefined ? 'passed' : inside === 'skipped' ? 'skipped' : 'failed';
    assert.ok(!outcomes.has(`${section} ${title}`), `${section} ${title} stands twice in the report`);
    outcomes.set(`${section} ${title}`, outcome);
  }
  return outcomes;
}
