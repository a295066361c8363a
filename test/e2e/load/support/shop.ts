// A small profile that has a bit of everything that a span can have. Its corpus is quickly made: one long text lets a few
// hundred traces be as many bytes as a corpus needs.

const longText = 'SELECT stock FROM shelves WHERE item IN (1, 2, 3) -- '.repeat(1100);

/** Four spans a trace, one trace a request. Fails: the call `charge`, always, and nobody minds. */
const shop = {
  description: 'a shop, for the tests of spanload',
  export: { by: 'service', spans: 4 },
  resources: {
    shop: {
      attributes: { 'service.name': 'shop', 'host.name': 'shop-1' },
      scope: { name: 'shop-http', version: '1.4.0' },
    },
  },
  traces: [{ root: 'order' }],
  spans: {
    order: {
      resource: 'shop',
      name: 'POST /orders',
      kind: 'server',
      duration: '2ms..6ms',
      status: 'ok',
      trace_state: 'vendor=7',
      attributes: {
        'http.route': '/orders',
        'http.response.status_code': 201,
        'cart.total': { double: '1.5..99.5' },
        'cart.gift': { bool: 0.3 },
        'cart.items': { list: { int: '1..9' }, count: 3 },
        'session.id': { pattern: '{uuid}' },
        'user.email': { pattern: 'user{int:0..99}@example.com' },
      },
      events: [
        { name: 'order.received', at: 'start', attributes: { queue: 'main' } },
        { name: 'order.stored', at: 'end' },
      ],
      children: [{ span: 'charge' }, { span: 'stock' }, { span: 'receipt' }],
    },
    charge: {
      resource: 'shop',
      kind: 'client',
      duration: '1ms..3ms',
      attributes: { 'payment.provider': { one_of: ['north', 'south'] } },
      error: { rate: 1, message: 'declined' },
    },
    stock: { resource: 'shop', kind: 'client', duration: '1ms', attributes: { 'db.query.text': longText } },
    receipt: { resource: 'shop', kind: 'producer', duration: '1ms', links: 1, attributes: { 'receipt.no': 1 } },
  },
};

/** A file of `--profile`: JSON is YAML. */
export const shopProfile: string = JSON.stringify(shop);
export const shopSpansOfRequest = 4;
