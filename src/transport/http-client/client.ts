// A client for POSTs to one place over HTTP/1.1, with connections that are kept. The body is written from the buffers that
// it is given: those must not change until the reply has settled, and are not read any more then.
import type * as http from 'node:http';
import * as https from 'node:https';
import type { SecureContext } from 'node:tls';
import { nodeHttp } from '../node/http.ts';
import { type ClientTls, tlsConnectOptions } from '../tls/client-tls.ts';
import { type Cookies, createCookies } from './cookies.ts';
import { type Exchange, type ExchangeLimits, failure, type HttpReply, startExchange } from './exchange.ts';
import { type Environment, proxyFor } from './proxy.ts';
import { authorityOf, type HttpTarget, redirected, shownTarget } from './target.ts';

export interface HttpClientOptions {
  /** For https:// targets. When its certificates change, new connections are made. */
  readonly tls: ClientTls;
  /** At a time; 0: as many as there are requests. */
  readonly maxConnections: number;
  /** Kept without a request; 0: all. */
  readonly maxIdleConnections: number;
  /** For which a connection is kept without a request; 0: as long as the server keeps it. */
  readonly idleTimeoutMs: number;
  /** False: each request has its own connection. */
  readonly keepAlive: boolean;
  /** http:// or https://, with credentials or not; '': as the environment says. */
  readonly proxyUrl: string;
  /** Whether cookies that the server sets are sent back to it. Default: no. */
  readonly keepsCookies?: boolean;
  readonly env?: Environment;
  readonly limits?: Partial<ExchangeLimits>;
}

export interface PostOptions {
  /** Names in lower case. content-length is set here. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface HttpClient {
  /**
   * Sends `parts`, one after another, and reads the answer. Never rejects. Follows 307 and 308 on the same host. A connection
   * that was kept and turns out to be closed is replaced, once, when nothing of an answer had come.
   */
  post(parts: readonly Buffer[], options: PostOptions): Promise<HttpReply>;
  /** Ends the connections and the requests under way. May be called twice. */
  close(): void;
}

const mostRedirects = 5;
/** Node warns of longer ones. */
const longestTimerMs = 2 ** 31 - 1;
/** Of an answer the Collector's exporter reads as much. */
const defaultLimits: ExchangeLimits = { connectTimeoutMs: 20_000, maxAnswerBytes: 64 << 10, bodyTimeoutMs: 5000 };

/** Throws a SpanmillError EXPORT where the environment names a proxy that cannot be used. */
export function createHttpClient(target: HttpTarget, options: HttpClientOptions): HttpClient {
  return new Client(target, options);
}

class Client implements HttpClient {
  readonly #target: HttpTarget;
  readonly #options: HttpClientOptions;
  readonly #limits: ExchangeLimits;
  readonly #isProxied: boolean;
  readonly #cookies: Cookies | null;
  readonly #exchanges = new Set<Exchange>();
  #plain: http.Agent | null = null;
  #secure: { readonly agent: https.Agent; readonly context: SecureContext | undefined } | null = null;
  #isClosed = false;

  constructor(target: HttpTarget, options: HttpClientOptions) {
    this.#target = target;
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#cookies = options.keepsCookies === true ? createCookies() : null;
    this.#isProxied = proxyFor(target, options.proxyUrl, options.env ?? process.env) !== null;
  }

  async post(parts: readonly Buffer[], options: PostOptions): Promise<HttpReply> {
    let length = 0;
    for (const part of parts) length += part.length;
    const headers = { ...options.headers, 'content-length': length };
    let target = this.#target;
    for (let hops = 0; hops <= mostRedirects; hops++) {
      let reply = await this.#exchange(target, parts, headers, options.signal);
      if (reply.kind === 'failed' && reply.wasStale && !options.signal.aborted) {
        // The others were idle for as long: a server that was restarted has closed them all.
        this.#closeIdle();
        reply = await this.#exchange(target, parts, headers, options.signal);
      }
      if (reply.kind === 'failed') return reply;
      if (reply.status !== 307 && reply.status !== 308) {
        return hops === 0 ? reply : { ...reply, redirectedTo: shownTarget(target) };
      }
      const next = redirected(target, reply.headers.location);
      if (typeof next === 'string') return failure('redirect', `HTTP ${reply.status}: ${next}`);
      target = next;
    }
    return failure('redirect', `more than ${mostRedirects} redirects`);
  }

  close(): void {
    this.#isClosed = true;
    for (const exchange of this.#exchanges) exchange.end('the client is closed');
    this.#plain?.destroy();
    this.#secure?.agent.destroy();
  }

  async #exchange(
    target: HttpTarget,
    parts: readonly Buffer[],
    headers: http.OutgoingHttpHeaders,
    signal: AbortSignal,
  ): Promise<HttpReply> {
    if (this.#isClosed) return failure('ended', 'the client is closed');
    if (signal.aborted) return failure('ended', String(signal.reason));
    let exchange: Exchange;
    try {
      exchange = startExchange(this.#requestOptions(target, headers), parts, this.#limits);
    } catch (error) {
      return failure('unsendable', error instanceof Error ? error.message : String(error));
    }
    this.#exchanges.add(exchange);
    const onAbort = (): void => exchange.end(String(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    const reply = await exchange.reply;
    if (reply.kind === 'answer') this.#cookies?.take(reply.headers['set-cookie'] ?? [], target);
    signal.removeEventListener('abort', onAbort);
    this.#exchanges.delete(exchange);
    return reply;
  }

  #requestOptions(target: HttpTarget, headers: http.OutgoingHttpHeaders): https.RequestOptions {
    const { protocol, host, port, path, socketPath, credentials } = target;
    return {
      agent: protocol === 'https:' ? this.#secureAgent(target) : this.#plainAgent(target),
      protocol,
      host,
      port,
      path,
      method: 'POST',
      headers: { host: authorityOf(target), ...headers, ...this.#cookiesFor(target, headers) },
      ...(socketPath === null ? {} : { socketPath }),
      ...(credentials === '' ? {} : { auth: credentials }),
      // For a proxy that makes no tunnel; the socket that it was to be made on is not ours yet.
      ...(this.#isProxied ? { timeout: this.#limits.connectTimeoutMs } : {}),
    };
  }

  /** Behind what is configured. */
  #cookiesFor(target: HttpTarget, { cookie }: http.OutgoingHttpHeaders): { cookie?: string } {
    const kept = this.#cookies?.header(target) ?? '';
    if (kept === '') return {};
    return { cookie: typeof cookie === 'string' ? `${cookie}; ${kept}` : kept };
  }

  #plainAgent(target: HttpTarget): http.Agent {
    this.#plain ??= new nodeHttp.Agent(this.#agentOptions(target));
    return this.#plain;
  }

  #secureAgent(target: HttpTarget): https.Agent {
    const { tls } = this.#options;
    const context = tls.context?.();
    if (this.#secure === null || this.#secure.context !== context) {
      if (this.#secure !== null) retire(this.#secure.agent);
      const agent = new https.Agent({
        // Else Node takes it from the Host field, which may be configured to be another.
        servername: '',
        ...this.#agentOptions(target),
        ...tlsConnectOptions(tls, target.host),
        ALPNProtocols: ['http/1.1'],
      });
      this.#secure = { agent, context };
    }
    return this.#secure.agent;
  }

  #agentOptions(target: HttpTarget): http.AgentOptions {
    const { maxConnections, maxIdleConnections, idleTimeoutMs, keepAlive, proxyUrl, env } = this.#options;
    const proxy = proxyFor(target, proxyUrl, env ?? process.env);
    return {
      keepAlive,
      maxSockets: maxConnections === 0 ? Number.POSITIVE_INFINITY : maxConnections,
      maxFreeSockets: maxIdleConnections === 0 ? Number.POSITIVE_INFINITY : maxIdleConnections,
      ...(idleTimeoutMs === 0 ? {} : { timeout: Math.min(idleTimeoutMs, longestTimerMs) }),
      ...(proxy === null ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }),
    };
  }

  #closeIdle(): void {
    if (this.#plain !== null) closeIdle(this.#plain);
    if (this.#secure !== null) closeIdle(this.#secure.agent);
  }
}

function closeIdle(agent: http.Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of [...(sockets ?? [])]) socket.destroy();
}

/** Its requests under way end well; their connections are not kept. */
function retire(agent: http.Agent): void {
  agent.maxFreeSockets = 0;
  closeIdle(agent);
}
