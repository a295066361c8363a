// The name that the semantic conventions give a span, over plain attributes.
import type { Attributes, SpanItem } from './model.ts';
import { asText } from './text.ts';

/** Per kind, in order: what has to be there, and what the name is made of. */
const server = 2;
const client = 3;
const older: Readonly<Record<string, string>> = {
  'http.request.method': 'http.method',
  'rpc.system.name': 'rpc.system',
  'rpc.method': 'rpc.grpc.method',
  'rpc.service': 'rpc.grpc.service',
  'db.system.name': 'db.system',
  'db.operation.name': 'db.operation',
  'db.namespace': 'db.name',
  'messaging.operation.name': 'messaging.operation',
  'messaging.destination.name': 'messaging.destination',
};

/** '' when no convention is for the span. */
export function conventionalName({ kind, attributes }: SpanItem): string {
  const at = (key: string): string | undefined => textAt(attributes, key) ?? textAt(attributes, older[key] ?? '');
  const isTrue = (key: string) => attributes.find((entry) => entry.key === key)?.value === true;
  const port = at('server.port');
  const host = at('server.address');
  const address = host === undefined || port === undefined ? host : `${host}:${port}`;

  const http = () => {
    const low = at(kind === server ? 'http.route' : 'url.template');
    const method = at('http.request.method');
    return method === undefined || low === undefined ? method : `${method} ${low}`;
  };
  const rpc = () => {
    const [method, service] = [at('rpc.method'), at('rpc.service')];
    if (service !== undefined) return `${service}/${method ?? '*'}`;
    return method ?? at('rpc.system.name');
  };
  const database = () => {
    const space = at('db.namespace') || undefined;
    const within = at('db.collection.name') ?? at('db.stored_procedure.name');
    const target = within === undefined ? (space ?? address) : [space, within].filter((x) => x !== undefined).join('.');
    const parts = [at('db.operation.name'), target].filter((part) => part !== undefined && part !== '');
    return at('db.query.summary') ?? (parts.length > 0 ? parts.join(' ') : at('db.system.name'));
  };
  const messaging = () => {
    const operation = at('messaging.operation.name');
    let to = at('messaging.destination.template') ?? at('messaging.destination.name') ?? address ?? '';
    if (isTrue('messaging.destination.anonymous')) to = '(anonymous)';
    if (isTrue('messaging.destination.temporary')) to = '(temporary)';
    if (to === '') return operation ?? at('messaging.system');
    return operation === undefined ? to : `${operation} ${to}`;
  };
  const tried = [
    [kind === server || kind === client, 'http.request.method', http],
    [kind === server || kind === client, 'rpc.system.name', rpc],
    [kind === client, 'db.system.name', database],
    [kind >= server && kind <= 5, 'messaging.system', messaging],
  ] as const;
  for (const [isMeant, key, name] of tried) {
    const found = isMeant && at(key) !== undefined ? name() : '';
    if (found) return found;
  }
  return '';
}

function textAt(attributes: Attributes, key: string): string | undefined {
  const entry = attributes.find((one) => one.key === key);
  return entry === undefined || key === '' ? undefined : asText(entry.value);
}
