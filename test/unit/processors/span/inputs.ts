// Spans and configurations for comparing the span processor with the Collector.
import type { Span } from '../../../../src/wire/reference/messages.ts';
import { spansFor as spansWithAttributes } from '../attributes/inputs.ts';

const names = [
  '',
  '/api/v1/document/321083210/update/3',
  '/api/v1/document/1/update/1',
  'GET /users/42/orders',
  'GET /users/x',
  'a-b-a',
  'ü/€/🎉/1',
  'line\nbreak /users/7',
  `/users/${'9'.repeat(1200)}`,
  '42',
];

export function spansFor(seed: number, count: number): Span[] {
  return spansWithAttributes(seed, count).map((span, i) => ({
    ...span,
    name: names[i % names.length],
    ...(i % 3 === 0 ? {} : { status: { message: i % 2 === 0 ? '' : 'was there', code: i % 3 } }),
  }));
}

const from = (keys: readonly string[], separator?: string) => ({
  name: { from_attributes: keys, ...(separator === undefined ? {} : { separator }) },
});
const to = (rules: readonly string[], more: object = {}) => ({ name: { to_attributes: { rules, ...more } } });

const twice = ['^/api/.*/document/(?P<documentId>.*)/update/\\d$', '^/api/(?P<version>.*)/document/.*/update/\\d$'];
const chained = ['(?P<k1>[0-9]+)', '\\{k1\\}(?P<rest>.*)$', '^(?P<all>.*)$'];

/** Configurations as a user writes them; JSON, as the recorder puts them into its file. */
export const configs: readonly Record<string, unknown>[] = [
  from(['k1']),
  from(['k2']),
  from(['k3', 'user.id'], '::'),
  from(['user.email', 'k1', 'k2']),
  from(['http.url', 'http.method'], ' – '),
  from(['k1', 'k1'], '/'),
  from(['absent']),
  from(['k1', 'absent', 'k2'], '::'),
  to(['^GET /users/(?P<uid>\\d+)/(?P<rest>.*)$']),
  to(['/users/(?P<uid>[^/]+)']),
  to(twice),
  to(twice, { keep_original_name: true }),
  to(twice, { break_after_match: true }),
  to(twice, { break_after_match: true, keep_original_name: true }),
  to(chained),
  to(chained, { keep_original_name: true }),
  to(['no group', 'GET', '(?P<verb>GET)'], { break_after_match: true }),
  to(['(?P<empty>)x?', '(?P<first>.)(?P<empty>)(?P<second>.)']),
  to(['(?P<a>a)-(?P<b>.)-(?P<c>a)$', '(?P<one>\\PL)$']),
  to(['(?P<last>.*)/(?P<number>\\d+)$', '(?i)^get (?P<path>.*)$']),
  to(['^(GET) /(users)/(?P<id>.*)$']),
  to(['(?s)^line(?P<break>.)break', '(?P<digit>\\d)']),
  { name: { from_attributes: ['k1', 'k2'], separator: '/', to_attributes: { rules: ['(?P<k3>[0-9a-z]+)'] } } },
  { status: { code: 'Ok' } },
  { status: { code: 'Unset' } },
  { status: { code: 'Error' } },
  { status: { code: 'Error', description: 'what went wrong: ü' } },
  { status: { code: 'Error', description: 'long '.repeat(60) }, ...from(['k1']) },
  {
    include: { match_type: 'regexp', services: ['check'], span_names: ['^(.*?)/(.*?)$'] },
    exclude: { match_type: 'strict', span_names: ['GET /users/x'] },
    ...to(['(?P<operation_website>.*?)$']),
    status: { code: 'Ok' },
  },
  { include: { match_type: 'strict', attributes: [{ key: 'k1' }] }, status: { code: 'Error', description: 'k1' } },
  { exclude: { match_type: 'regexp', span_kinds: ['SERVER', 'CLIENT'] }, ...from(['k1']), status: { code: 'Ok' } },
];
