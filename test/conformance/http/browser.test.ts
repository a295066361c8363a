// A page that sends OTLP JSON across origins, in a real browser: the origin that the configuration names gets in, another does not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { findBrowser, launchBrowser, noBrowser, type Page } from '../../e2e/support/browser.ts';
import { startBench } from './client-bench.ts';

const program = findBrowser();

/** The origin of an empty page. */
async function startPage(t: TestContext): Promise<string> {
  const server = http.createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>page</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function visit(page: Page, origin: string): Promise<void> {
  await page.send('Page.navigate', { url: origin });
  await page.event('Page.loadEventFired');
}

/** As web SDKs have it: `fetch`, or a beacon of the type application/json when the page goes. */
const script = (url: string, service: string, way: 'fetch' | 'beacon'): string => `(async () => {
  const span = { traceId: '5b8efff798038103d269b633813fc60c', spanId: 'eee19b7ec3c1b174', name: 'click',
    startTimeUnixNano: String(Date.now()) + '000000', endTimeUnixNano: String(Date.now()) + '000000' };
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: ${JSON.stringify(service)} } }] };
  const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] });
  if (${JSON.stringify(way)} === 'beacon') {
    return navigator.sendBeacon(${JSON.stringify(url)}, new Blob([body], { type: 'application/json' }));
  }
  try {
    const headers = { 'content-type': 'application/json', 'x-tenant': 'gold' };
    const response = await fetch(${JSON.stringify(url)}, { method: 'POST', headers, body });
    return response.status + ' ' + JSON.stringify(await response.json());
  } catch (error) {
    return String(error);
  }
})()`;

test('a page gets in from the origin that is allowed, and from no other', {
  skip: program === null ? noBrowser : false,
}, async (t) => {
  assert.ok(program !== null);
  const allowed = await startPage(t);
  const other = await startPage(t);
  const cors = { allowed_origins: [allowed], allowed_headers: ['content-type', 'x-tenant'], max_age: 600 };
  const bench = await startBench(t, 'plain', { cors });
  const browser = await launchBrowser(program);
  t.after(() => browser.close());
  const page = await browser.open();
  await visit(page, allowed);
  assert.equal(await page.evaluate(script(bench.url, 'allowed', 'fetch')), '200 {}');
  await bench.arrived('allowed', 1);
  assert.equal(await page.evaluate(script(bench.url, 'beacon', 'beacon')), true);
  await bench.arrived('beacon', 1);
  const stranger = await browser.open();
  await visit(stranger, other);
  assert.match(String(await stranger.evaluate(script(bench.url, 'stranger', 'fetch'))), /Failed to fetch/);
  const { accounts } = await bench.service.end();
  assert.deepEqual(bench.names('stranger'), []);
  assert.equal(accounts[0].received, 2);
  assert.equal(accounts[0].exported, 2);
});
