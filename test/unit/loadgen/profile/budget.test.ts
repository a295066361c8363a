// Profiles that would fill the memory are refused: by one error that says what draws too much.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProfile } from '../../../../loadgen/profile/load.ts';
import { SpanmillError } from '../../../../src/errors.ts';
import { profileText, tracesOf } from './small-profiles.ts';

const doubled = (times: number) => ({
  l0: { prose: '1KB' },
  ...Object.fromEntries(Array.from({ length: times }, (_, i) => [`l${i + 1}`, { pattern: `{let:l${i}}{let:l${i}}` }])),
});

const list = (count: number, item: object) => ({ list: item, count });
const huge = { huge: { attributes: { text: { prose: '1MB' } } } };

/** What is refused, and how the message begins. */
const tooMuch: readonly [name: string, text: string, begin: RegExp][] = [
  [
    'lists in lists',
    profileText({ nested: { attributes: { all: list(1000, list(1000, list(1000, { int: 1 }))) } } }),
    /^the span "nested" draws too much: a trace may hold 2000000 values/,
  ],
  [
    'lists of absent items',
    profileText({ nested: { attributes: { all: list(1e6, list(1e6, { optional: 0, value: 1 })) } } }),
    /^the span "nested" .* 2000000 values/,
  ],
  [
    'large instances of a resource',
    profileText(
      { request: {} },
      { resources: { app: { instances: 10_000, attributes: { blob: { prose: '1MB' } }, scope: { name: 'lib' } } } },
    ),
    /^the resource "app" draws too much: the resources and scopes of a profile may hold 128 MiB at most$/,
  ],
  [
    'a text that doubles',
    profileText({ request: {} }, {}, { let: doubled(19) }),
    /^the let of a trace of the span "request" draws too much: a trace may hold 128 MiB at most$/,
  ],
  [
    'a text that doubles without end',
    profileText({ request: {} }, {}, { let: doubled(60) }),
    /^the let of a trace of the span "request" .* 128 MiB/,
  ],
  [
    'many spans with a copy of a large text',
    profileText(
      { request: { children: [{ span: 'copy', count: 20_000 }] }, copy: { attributes: { text: { let: 'text' } } } },
      {},
      { let: { text: { prose: '1MB' } } },
    ),
    /^the span "copy" .* 128 MiB/,
  ],
  [
    'many spans with a large text of the profile',
    profileText({
      request: { children: [{ span: 'same', count: 20_000 }] },
      same: { attributes: { text: 'x'.repeat(50_000) } },
    }),
    /^the span "same" .* 128 MiB/,
  ],
  [
    'many spans with all the events they may have',
    profileText({
      request: { children: [{ span: 'talk', count: 20_000 }] },
      talk: { events: [{ name: 'word', count: 10_000 }] },
    }),
    /^the span "talk" .* 2000000 values/,
  ],
  [
    'many spans with all the links they may have',
    profileText({ request: { children: [{ span: 'tied', count: 20_000 }] }, tied: { links: 128 } }),
    /^the span "tied" .* 2000000 values/,
  ],
  [
    'an embedding in every item',
    profileText({ request: { attributes: { all: list(1000, { floats: 1_000_000 }) } } }),
    /^the span "request" .* 128 MiB/,
  ],
  [
    'the spans below name theirs',
    profileText({
      request: {
        children: [{ span: 'below' }],
        events: [{ name: 'x', attributes: huge.huge.attributes, count: 9000 }],
      },
      below: {},
    }),
    /^the span "request" .* 128 MiB/,
  ],
];

for (const [name, text, begin] of tooMuch) {
  test(`${name}: refused, and the message says where`, () => {
    assert.throws(
      () => tracesOf(text, 1),
      (error) => {
        assert.ok(error instanceof SpanmillError, String(error));
        assert.equal(error.code, 'CONFIG_VALUE');
        assert.match(error.message, begin);
        return true;
      },
    );
  });
}

test('more events and links than a span can have are refused where they are written', () => {
  const events = [{ name: 'x', count: 1_000_000 }];
  const text = profileText({ request: { links: 1_000_000, events } }, {}, { spans: 200_000 });
  const { issues } = parseProfile({ name: 'test.yaml', text, parts: [] });
  assert.deepEqual(
    issues.map(({ message }) => message.replace(/; found.*/, '')),
    [
      'traces[0].spans: must be at most 100000',
      'spans.request.links: must be 0 to 128',
      'spans.request.events[0].count: must be 0 to 10000',
    ],
  );
});

test('a trace that is as large as any has room', () => {
  const attributes = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`key.${i}`, { int: '0..9' }]));
  const [trace] = tracesOf(
    profileText({ request: { children: [{ span: 'leaf', count: 19_999 }] }, leaf: { attributes, links: 4 } }),
    1,
  );
  assert.equal(trace?.spans.length, 20_000);
});
