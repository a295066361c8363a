// A headless Chromium, spoken to over the DevTools protocol with the WebSocket of Node.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Peer, programOf } from '../../conformance/support/peers.ts';

const peer = (program: string): Peer => ({
  name: 'Chromium',
  variable: 'SPANMILL_CHROMIUM',
  program,
  reason: 'no Chromium: set SPANMILL_CHROMIUM, or install it (Debian: chromium)',
});

export const noBrowser = peer('chromium').reason;

/** The program, or null where the machine has none. */
export const findBrowser = (): string | null =>
  ['chromium', 'chromium-browser', 'google-chrome']
    .map((name) => programOf(peer(name)))
    .find((path) => path !== null) ?? null;

type Params = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Params;
  readonly result?: Params;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
}

export interface Page {
  /** Every event since the page was opened, as the protocol names it. */
  readonly events: readonly { readonly method: string; readonly params: Params }[];
  send(method: string, params?: Params): Promise<Params>;
  /** Resolves at the next event of this name for which `match` holds, or at once if one has come already. */
  event(method: string, match?: (params: Params) => boolean): Promise<Params>;
  /** The value of an expression, awaited; throws what it throws. */
  evaluate(expression: string): Promise<unknown>;
}

export interface Browser {
  /** An empty page; its console, its network and its errors are being watched. */
  open(): Promise<Page>;
  close(): Promise<void>;
}

interface Connection {
  send(method: string, params: Params, sessionId: string | null): Promise<Params>;
  listen(listener: (message: Message) => void): void;
  close(): void;
}

async function connect(url: string): Promise<Connection> {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const waiting = new Map<number, PromiseWithResolvers<Params>>();
  const listeners: ((message: Message) => void)[] = [];
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    const call = message.id === undefined ? undefined : waiting.get(message.id);
    if (message.id !== undefined) waiting.delete(message.id);
    if (message.error !== undefined) call?.reject(new Error(message.error.message));
    else call?.resolve(message.result ?? {});
    for (const listener of listeners) listener(message);
  });
  socket.addEventListener('close', () => {
    for (const call of waiting.values()) call.reject(new Error('the browser ended the connection'));
  });
  return {
    send(method, params, sessionId) {
      const call = Promise.withResolvers<Params>();
      last += 1;
      waiting.set(last, call);
      socket.send(JSON.stringify({ id: last, method, params, ...(sessionId === null ? {} : { sessionId }) }));
      return call.promise;
    },
    listen: (listener) => listeners.push(listener),
    close: () => socket.close(),
  };
}

async function openPage(connection: Connection): Promise<Page> {
  const { targetId } = await connection.send('Target.createTarget', { url: 'about:blank' }, null);
  const attached = await connection.send('Target.attachToTarget', { targetId, flatten: true }, null);
  const sessionId = String(attached.sessionId);
  const events: { method: string; params: Params }[] = [];
  const listeners = new Set<(method: string, params: Params) => void>();
  connection.listen(({ method, params, sessionId: from }) => {
    if (method === undefined || (from !== sessionId && !method.startsWith('Browser.'))) return;
    events.push({ method, params: params ?? {} });
    for (const listener of listeners) listener(method, params ?? {});
  });
  const send = (method: string, params: Params = {}) => connection.send(method, params, sessionId);
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`);
  return {
    events,
    send,
    event(method, match = () => true) {
      const past = events.find((event) => event.method === method && match(event.params));
      if (past !== undefined) return Promise.resolve(past.params);
      const { promise, resolve } = Promise.withResolvers<Params>();
      const listener = (name: string, params: Params) => {
        if (name !== method || !match(params)) return;
        listeners.delete(listener);
        resolve(params);
      };
      listeners.add(listener);
      return promise;
    },
    async evaluate(expression) {
      const options = { expression, awaitPromise: true, returnByValue: true, userGesture: true };
      const { result, exceptionDetails } = (await send('Runtime.evaluate', options)) as {
        readonly result: { readonly value?: unknown };
        readonly exceptionDetails?: unknown;
      };
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return result.value;
    },
  };
}

/** The address that it prints when it is ready. */
async function devToolsUrl(child: ChildProcess): Promise<string> {
  if (child.stderr === null) throw new Error('the browser has no stderr');
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    const url = /^DevTools listening on (\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
    said.push(line);
  }
  throw new Error(`the browser ended before it was ready:\n${said.join('\n')}`);
}

/** Its profile is a folder of its own, which goes with it. */
export async function launchBrowser(program: string): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'spanmill-browser-'));
  // The pages are our own, and root, as which CI runs, cannot have the sandbox.
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
  const quiet = [
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-extensions',
  ];
  const child = spawn(program, [...flags, ...quiet, '--remote-debugging-port=0', `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  // Else it would outlive a test that fails before its end.
  const kill = () => child.kill();
  process.once('exit', kill);
  const connection = await connect(await devToolsUrl(child));
  child.stderr?.resume();
  return {
    open: () => openPage(connection),
    async close() {
      await connection.send('Browser.close', {}, null);
      await ended;
      process.off('exit', kill);
      connection.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
