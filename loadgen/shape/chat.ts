// The spans of the bench: calls of a language model as an SDK's instrumentation reports them, 10 attributes, 418 bytes
// in large requests.
import { encodeRequest, type RequestTemplate, type SpanShape } from './span-template.ts';

function chatSpan(i: number): SpanShape {
  return {
    name: 'chat gpt-4o-mini',
    kind: 3,
    attributes: {
      'http.request.method': 'POST',
      'url.path': '/v1/chat/completions',
      'http.response.status_code': i % 20 === 0 ? 500 : 200,
      'gen_ai.system': 'openai',
      'gen_ai.request.model': 'gpt-4o-mini',
      'gen_ai.usage.input_tokens': 100 + (i % 1000),
      'gen_ai.usage.output_tokens': 50 + (i % 500),
      'user.email': `user${i % 1000}@example.com`,
      'server.address': 'api.example.com',
      'session.id': `sess-${i % 100}`,
    },
    status: 1,
  };
}

/** Different spans that small requests take turns with. */
const variety = 512;
const mostTemplates = 64;

/** Templates of `spans` spans each, to be sent in turn. */
export function chatRequests(spans: number): RequestTemplate[] {
  const count = Math.max(1, Math.min(mostTemplates, Math.floor(variety / spans)));
  return Array.from({ length: count }, (_, k) =>
    encodeRequest({
      resource: {
        'service.name': 'llm-app',
        'service.version': '1.2.3',
        'telemetry.sdk.language': 'nodejs',
        'host.name': 'host-1',
      },
      scope: { name: 'openai-instr', version: '0.1' },
      spans: Array.from({ length: spans }, (_, i) => chatSpan(k * spans + i)),
    }),
  );
}
