// The span that `spanmill ottl` works on when it is given none, and that the examples of the functions speak of; docs/ottl.md
// shows it. OTLP JSON.

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const int = (key: string, value: number) => ({ key, value: { intValue: String(value) } });
const items = (...values: string[]) => ({ arrayValue: { values: values.map((stringValue) => ({ stringValue })) } });

export const exampleRequest = {
  resourceSpans: [
    {
      resource: { attributes: [text('service.name', 'shop'), text('host.name', 'web-1')] },
      scopeSpans: [
        {
          scope: { name: 'http-server', version: '1.2.0' },
          spans: [
            {
              traceId: '0102030405060708090a0b0c0d0e0f10',
              spanId: '1112131415161718',
              traceState: 'vendor=x',
              flags: 257,
              name: 'GET /api/v2/users',
              kind: 2,
              startTimeUnixNano: '1760000000123456789',
              endTimeUnixNano: '1760000001623456789',
              attributes: [
                text('http.method', 'GET'),
                text('http.url', 'https://shop.example.com:8443/api/v2/users?page=2&sort=name#top'),
                int('http.status_code', 200),
                text('user.email', 'ann@example.com'),
                text('client.address', '192.0.2.17'),
                text('payload', '{"id": 7, "tags": ["a", "b"], "price": 2.5}'),
                { key: 'ratio', value: { doubleValue: 0.25 } },
                { key: 'cached', value: { boolValue: true } },
                { key: 'tags', value: items('red', 'green', 'blue') },
                {
                  key: 'request',
                  value: { kvlistValue: { values: [int('size', 120), { key: 'langs', value: items('en', 'de') }] } },
                },
              ],
              events: [
                {
                  timeUnixNano: '1760000000200000000',
                  name: 'exception',
                  attributes: [text('exception.type', 'TimeoutError')],
                },
              ],
              links: [
                {
                  traceId: 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf',
                  spanId: 'b0b1b2b3b4b5b6b7',
                  attributes: [text('link.kind', 'retry_of')],
                },
              ],
              status: { code: 2, message: 'upstream timed out' },
            },
          ],
        },
      ],
    },
  ],
} as const;
