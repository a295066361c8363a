/** What a span has, and the name that a Collector gave it; "before": the one that it had. */
export const spanNames: readonly {
  readonly kind: number;
  readonly attributes: Readonly<Record<string, object>>;
  readonly name: string;
}[] = [
  {
    kind: 2,
    attributes: { 'http.request.method': { stringValue: 'GET' }, 'http.route': { stringValue: '/a/{id}' } },
    name: 'GET /a/{id}',
  },
  {
    kind: 2,
    attributes: { 'http.method': { stringValue: 'POST' }, 'http.route': { stringValue: '/a' } },
    name: 'POST /a',
  },
  {
    kind: 2,
    attributes: { 'http.method': { stringValue: 'GET' }, 'url.template': { stringValue: '/t' } },
    name: 'GET',
  },
  {
    kind: 3,
    attributes: {
      'http.request.method': { stringValue: 'GET' },
      'url.template': { stringValue: '/t' },
      'http.route': { stringValue: '/r' },
    },
    name: 'GET /t',
  },
  { kind: 3, attributes: { 'http.method': { stringValue: 'GET' } }, name: 'GET' },
  {
    kind: 1,
    attributes: { 'http.method': { stringValue: 'GET' }, 'http.route': { stringValue: '/a' } },
    name: 'before',
  },
  { kind: 4, attributes: { 'http.method': { stringValue: 'GET' } }, name: 'before' },
  { kind: 0, attributes: { 'http.method': { stringValue: 'GET' } }, name: 'before' },
  {
    kind: 2,
    attributes: {
      'http.request.method': { stringValue: '' },
      'http.method': { stringValue: 'GET' },
      'http.route': { stringValue: '/a' },
    },
    name: ' /a',
  },
  {
    kind: 2,
    attributes: { 'http.request.method': { stringValue: '' }, 'rpc.system': { stringValue: 'grpc' } },
    name: 'grpc',
  },
  {
    kind: 2,
    attributes: { 'http.request.method': { intValue: '7' }, 'http.route': { boolValue: true } },
    name: '7 true',
  },
  {
    kind: 2,
    attributes: {
      'rpc.system': { stringValue: 'grpc' },
      'rpc.service': { stringValue: 'pkg.S' },
      'rpc.method': { stringValue: 'Get' },
    },
    name: 'pkg.S/Get',
  },
  {
    kind: 3,
    attributes: { 'rpc.system.name': { stringValue: 'grpc' }, 'rpc.method': { stringValue: 'pkg.S/Get' } },
    name: 'pkg.S/Get',
  },
  { kind: 3, attributes: { 'rpc.system': { stringValue: 'grpc' }, 'rpc.service': { stringValue: 'S' } }, name: 'S/*' },
  { kind: 3, attributes: { 'rpc.system': { stringValue: 'grpc' } }, name: 'grpc' },
  { kind: 3, attributes: { 'rpc.service': { stringValue: 'S' }, 'rpc.method': { stringValue: 'm' } }, name: 'before' },
  {
    kind: 2,
    attributes: {
      'rpc.system': { stringValue: 'grpc' },
      'rpc.grpc.method': { stringValue: 'm' },
      'rpc.grpc.service': { stringValue: 's' },
    },
    name: 's/m',
  },
  {
    kind: 3,
    attributes: {
      'http.method': { stringValue: 'POST' },
      'rpc.system': { stringValue: 'grpc' },
      'rpc.method': { stringValue: 'm' },
    },
    name: 'POST',
  },
  {
    kind: 3,
    attributes: {
      'db.system': { stringValue: 'postgresql' },
      'db.operation': { stringValue: 'SELECT' },
      'db.name': { stringValue: 'shop' },
      'db.collection.name': { stringValue: 'users' },
    },
    name: 'SELECT shop.users',
  },
  {
    kind: 3,
    attributes: { 'db.system': { stringValue: 'postgresql' }, 'db.statement': { stringValue: 'SELECT 1' } },
    name: 'postgresql',
  },
  {
    kind: 3,
    attributes: {
      'db.system.name': { stringValue: 'mysql' },
      'db.query.summary': { stringValue: 'SELECT users' },
      'db.operation.name': { stringValue: 'SELECT' },
    },
    name: 'SELECT users',
  },
  {
    kind: 3,
    attributes: {
      'db.system.name': { stringValue: 'mysql' },
      'db.operation.name': { stringValue: 'CALL' },
      'db.stored_procedure.name': { stringValue: 'p' },
      'db.namespace': { stringValue: 'n' },
    },
    name: 'CALL n.p',
  },
  {
    kind: 3,
    attributes: { 'db.system.name': { stringValue: 'redis' }, 'db.operation.name': { stringValue: 'GET' } },
    name: 'GET',
  },
  {
    kind: 3,
    attributes: {
      'db.system.name': { stringValue: 'redis' },
      'server.address': { stringValue: 'h' },
      'server.port': { intValue: '6379' },
    },
    name: 'h:6379',
  },
  {
    kind: 3,
    attributes: { 'db.system.name': { stringValue: 'redis' }, 'server.address': { stringValue: 'h' } },
    name: 'h',
  },
  {
    kind: 3,
    attributes: { 'db.system.name': { stringValue: 'redis' }, 'server.port': { intValue: '1' } },
    name: 'redis',
  },
  {
    kind: 3,
    attributes: {
      'db.system.name': { stringValue: 'redis' },
      'db.namespace': { stringValue: '' },
      'server.address': { stringValue: 'h' },
      'db.operation.name': { stringValue: '' },
    },
    name: 'h',
  },
  {
    kind: 3,
    attributes: {
      'db.system.name': { stringValue: 'x' },
      'db.collection.name': { stringValue: '' },
      'db.namespace': { stringValue: 'n' },
    },
    name: 'n.',
  },
  { kind: 2, attributes: { 'db.system': { stringValue: 'x' } }, name: 'before' },
  {
    kind: 3,
    attributes: { 'db.system': { stringValue: 'x' }, 'db.query.summary': { stringValue: '' } },
    name: 'before',
  },
  {
    kind: 3,
    attributes: {
      'db.system': { stringValue: 'x' },
      'db.collection.name': { stringValue: 'c' },
      'db.stored_procedure.name': { stringValue: 'p' },
    },
    name: 'c',
  },
  {
    kind: 4,
    attributes: {
      'messaging.system': { stringValue: 'kafka' },
      'messaging.operation.name': { stringValue: 'send' },
      'messaging.destination.name': { stringValue: 'orders' },
    },
    name: 'send orders',
  },
  {
    kind: 5,
    attributes: {
      'messaging.system': { stringValue: 'kafka' },
      'messaging.operation': { stringValue: 'process' },
      'messaging.destination': { stringValue: 'orders' },
    },
    name: 'process orders',
  },
  {
    kind: 5,
    attributes: {
      'messaging.system': { stringValue: 'kafka' },
      'messaging.destination.template': { stringValue: '/c/{id}' },
      'messaging.destination.name': { stringValue: 'x' },
    },
    name: '/c/{id}',
  },
  {
    kind: 4,
    attributes: {
      'messaging.system': { stringValue: 'rabbitmq' },
      'messaging.operation.name': { stringValue: 'publish' },
      'messaging.destination.temporary': { boolValue: true },
      'messaging.destination.anonymous': { boolValue: true },
    },
    name: 'publish (temporary)',
  },
  {
    kind: 4,
    attributes: {
      'messaging.system': { stringValue: 'rabbitmq' },
      'messaging.destination.anonymous': { boolValue: true },
      'messaging.destination.temporary': { boolValue: false },
    },
    name: '(anonymous)',
  },
  {
    kind: 4,
    attributes: {
      'messaging.system': { stringValue: 'rabbitmq' },
      'messaging.destination.temporary': { stringValue: 'true' },
      'messaging.destination.name': { stringValue: 'q' },
    },
    name: 'q',
  },
  {
    kind: 4,
    attributes: {
      'messaging.system': { stringValue: 'sqs' },
      'server.address': { stringValue: 'h' },
      'server.port': { intValue: '80' },
    },
    name: 'h:80',
  },
  {
    kind: 4,
    attributes: { 'messaging.system': { stringValue: 'sqs' }, 'messaging.operation.name': { stringValue: 'send' } },
    name: 'send',
  },
  { kind: 4, attributes: { 'messaging.system': { stringValue: 'sqs' } }, name: 'sqs' },
  {
    kind: 2,
    attributes: { 'messaging.system': { stringValue: 'sqs' }, 'messaging.operation.name': { stringValue: 'receive' } },
    name: 'receive',
  },
  { kind: 3, attributes: { 'messaging.system': { stringValue: 'sqs' }, 'db.system': { stringValue: 'x' } }, name: 'x' },
  { kind: 1, attributes: { 'messaging.system': { stringValue: 'sqs' } }, name: 'before' },
  { kind: 4, attributes: { 'messaging.operation.name': { stringValue: 'send' } }, name: 'before' },
  { kind: 3, attributes: {}, name: 'before' },
  {
    kind: 2,
    attributes: {
      'messaging.system': { stringValue: 'a' },
      'messaging.destination.template': { stringValue: '' },
      'messaging.destination.name': { stringValue: 'n' },
    },
    name: 'a',
  },
  { kind: 7, attributes: { 'messaging.system': { stringValue: 'a' } }, name: 'before' },
  { kind: 3, attributes: { 'db.system': { arrayValue: { values: [{ stringValue: 'a<b' }] } } }, name: '["a<b"]' },
];
