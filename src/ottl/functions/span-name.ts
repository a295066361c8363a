// set_semconv_span_name: the name that the semantic conventions give a span of HTTP, RPC, a database or messaging.
import { valueText } from '../coerce.ts';
import type { CompileTarget } from '../environment.ts';
import type { Getter } from '../values.ts';
import { editor, type FunctionDefinition, literalString, type Mistake, optional } from './define.ts';

/** Gives the text of the first of the keys that the span has, null when it has none. */
type Read = () => string | null;

/** What names a span, by convention; null where its attributes are absent. */
function namesOf({ span: { attributes }, intern }: CompileTarget) {
  const read = (...keys: string[]): Read => {
    const ids = keys.map(intern);
    return () => {
      for (const id of ids) {
        const entry = attributes.find(id);
        if (entry >= 0) return valueText(attributes.get(entry));
      }
      return null;
    };
  };
  const isTrue = (key: string) => {
    const id = intern(key);
    return () => {
      const entry = attributes.find(id);
      return entry >= 0 && attributes.get(entry) === true;
    };
  };
  const address = serverAddress(read);
  const method = read('http.request.method', 'http.method');
  return {
    httpServer: http(method, read('http.route')),
    httpClient: http(method, read('url.template')),
    rpc: rpc(read),
    database: database(read, address),
    messaging: messaging(read, isTrue, address),
  };
}

function http(method: Read, low: Read): Read {
  return () => joined(method(), ' ', low());
}

/** null without the first. */
function joined(first: string | null, between: string, second: string | null): string | null {
  return first === null || second === null ? first : first + between + second;
}

function serverAddress(read: (...keys: string[]) => Read): Read {
  const address = read('server.address');
  const port = read('server.port');
  return () => joined(address(), ':', port());
}

function rpc(read: (...keys: string[]) => Read): Read {
  const system = read('rpc.system.name', 'rpc.system');
  const service = read('rpc.service', 'rpc.grpc.service');
  const method = read('rpc.method', 'rpc.grpc.method');
  return () => {
    const found = system();
    if (found === null) return null;
    const [of, called] = [service(), method()];
    if (of !== null) return `${of}/${called ?? '*'}`;
    return called ?? found;
  };
}

function database(read: (...keys: string[]) => Read, address: Read): Read {
  const system = read('db.system.name', 'db.system');
  const summary = read('db.query.summary');
  const operation = read('db.operation.name', 'db.operation');
  const namespace = read('db.namespace', 'db.name');
  const object = read('db.collection.name', 'db.stored_procedure.name');
  const target = (): string => {
    const space = namespace() ?? '';
    const within = object();
    if (within !== null) return space === '' ? within : `${space}.${within}`;
    return space === '' ? (address() ?? '') : space;
  };
  return () => {
    const found = system();
    if (found === null) return null;
    return summary() ?? ([operation() ?? '', target()].filter((part) => part !== '').join(' ') || found);
  };
}

function messaging(read: (...keys: string[]) => Read, isTrue: (key: string) => () => boolean, address: Read): Read {
  const system = read('messaging.system');
  const operation = read('messaging.operation.name', 'messaging.operation');
  const isTemporary = isTrue('messaging.destination.temporary');
  const isAnonymous = isTrue('messaging.destination.anonymous');
  const template = read('messaging.destination.template');
  const named = read('messaging.destination.name', 'messaging.destination');
  const destination = (): string => {
    if (isTemporary()) return '(temporary)';
    if (isAnonymous()) return '(anonymous)';
    return template() ?? named() ?? address() ?? '';
  };
  return () => {
    const found = system();
    if (found === null) return null;
    const [does, where] = [operation(), destination()];
    if (where === '') return does ?? found;
    return does === null ? where : `${does} ${where}`;
  };
}

/** By the number of a span's kind: the conventions that are tried, in order. */
function triedFor(target: CompileTarget): readonly (readonly Read[])[] {
  const { httpServer, httpClient, rpc: call, database: db, messaging: message } = namesOf(target);
  const server = [httpServer, call, message];
  const client = [httpClient, call, db, message];
  return [[], [], server, client, [message], [message]];
}

const oldest = 37;
const newest = 43;

/** A version as the conventions have it: 1.37.0 to 1.43.0. */
function isKnown(version: string): boolean {
  const parts = /^v?1\.(\d+)(?:\.(\d+))?$/.exec(version);
  if (parts === null) return false;
  const [minor, patch] = [Number(parts[1]), Number(parts[2] ?? 0)];
  return minor >= oldest && (minor < newest || (minor === newest && patch === 0));
}

function mistakeIn(version: string | undefined, kept: string | undefined): Mistake | null {
  if (version !== undefined && !isKnown(version)) {
    return { message: `versions 1.${oldest}.0 to 1.${newest}.0 are known`, parameter: 'semconv_version' };
  }
  if (kept === '') return { message: 'the key is empty', parameter: 'original_span_name_attribute' };
  return null;
}

export const setSemconvSpanName: FunctionDefinition = editor({
  name: 'set_semconv_span_name',
  summary:
    'Gives a span of HTTP, RPC, a database or messaging the name of few values that the semantic conventions make of its ' +
    'attributes (older ones are known, too). The name that it had goes to the attribute, when one is named and they differ.',
  examples: [
    {
      text: 'set_semconv_span_name("1.37.0", "original_name")',
      given: { 'attributes["http.route"]': '"/api/{version}/users"' },
      gives: { name: '"GET /api/{version}/users"', 'attributes["original_name"]': '"GET /api/v2/users"' },
    },
    { text: 'set_semconv_span_name("1.37.0")', gives: { name: '"GET"' }, note: 'Without a route the method is left.' },
    { text: 'set_semconv_span_name("1.2.0")', fails: 'versions 1.37.0 to 1.43.0 are known' },
  ],
  parameters: [literalString('semconv_version'), optional(literalString('original_span_name_attribute'))],
  contexts: ['span'],
  mistakeIn,
  compile: ([, kept], { target }) => {
    const { span } = target;
    const tried = triedFor(target);
    const key = (kept.get as Getter<string | undefined>)();
    return () => {
      const before = span.name;
      let after: string | null = null;
      for (const name of tried[span.kind] ?? []) {
        after = name();
        if (after !== null && after !== '') break;
      }
      if (after === null || after === '' || after === before) return null;
      if (key !== undefined) span.attributes.setKey(key, before);
      span.name = after;
      return null;
    };
  },
});
