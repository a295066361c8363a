// Which proxy a target is reached through: the rules of Go's net/http, which the Collector has. Node's agent then connects.
import { BlockList, isIP } from 'node:net';
import { SpanmillError } from '../../errors.ts';
import type { HttpTarget } from './target.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy's URL, with its credentials, or null for none. `proxyUrl` as configured, '' where it is not: then the
 * environment decides (HTTP_PROXY, HTTPS_PROXY, NO_PROXY, or in lower case). Throws a SpanmillError EXPORT for a proxy of the
 * environment that cannot be used.
 */
export function proxyFor(target: HttpTarget, proxyUrl: string, env: Environment): string | null {
  if (target.socketPath !== null) return null;
  if (proxyUrl !== '') return usableProxy(proxyUrl);
  const name = target.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = ofEnvironment(env, name);
  if (value === '' || isLoopback(target.host) || isExempt(target, ofEnvironment(env, 'NO_PROXY'))) return null;
  const proxy = usableProxy(/^[a-z0-9+.-]+:\/\//i.test(value) ? value : `http://${value}`);
  if (proxy === null) {
    const message = `${name} in the environment is not http://host:port or https://host:port; correct it, or except the backend with NO_PROXY`;
    throw new SpanmillError('EXPORT', message);
  }
  return proxy;
}

/** The URL as it can be used, null when it cannot. Its text is a secret where it has a password: not for messages. */
export function usableProxy(text: string): string | null {
  if (!/^https?:\/\//i.test(text) || /[\r\n]/.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  try {
    decodeURIComponent(url.username + url.password);
  } catch {
    return null;
  }
  return url.href;
}

const ofEnvironment = (env: Environment, name: string): string => env[name] || env[name.toLowerCase()] || '';

/** httpproxy: "if req.URL.Host is "localhost" or a loopback address (with or without a port number), then a nil URL" */
function isLoopback(host: string): boolean {
  return host === 'localhost' || (isIP(host) === 4 && host.startsWith('127.')) || host === '::1';
}

/** NO_PROXY: names (with their subdomains), `.domain` (subdomains alone), addresses, networks, each with `:port` or not; or `*`. */
function isExempt({ host, port }: HttpTarget, noProxy: string): boolean {
  return noProxy.split(',').some((entry) => {
    const rule = entry.trim().toLowerCase();
    if (rule === '' || rule === '*') return rule === '*';
    if (rule.includes('/')) return isInNetwork(host, rule);
    const parts = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(rule);
    // More than one colon without brackets is an IPv6 address.
    const name = parts?.[1] ?? parts?.[2] ?? rule;
    if (parts?.[3] !== undefined && Number(parts[3]) !== port) return false;
    if (name === '') return false;
    if (isIP(name) !== 0) return isIP(host) !== 0 && sameAddress(host, name);
    const suffix = name.startsWith('*.') ? name.slice(1) : name;
    return suffix.startsWith('.') ? host.endsWith(suffix) : host === suffix || host.endsWith(`.${suffix}`);
  });
}

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

function isInNetwork(host: string, rule: string): boolean {
  const [address, bits] = rule.split('/');
  const most = isIP(address) === 6 ? 128 : 32;
  if (isIP(host) === 0 || isIP(address) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family(address));
  return list.check(host, family(host));
}

function sameAddress(one: string, other: string): boolean {
  const list = new BlockList();
  list.addAddress(other, family(other));
  return list.check(one, family(one));
}
