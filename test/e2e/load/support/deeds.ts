// What a proxy can do to spans, each thing with a note of what the report must say of it.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { decodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest, Span } from '../../../../src/wire/reference/messages.ts';
import { edited, type Name, nameOf, type Passage, spanNamed, spansOf, without } from './proxy.ts';

type Altered = Name & { readonly what: string };

/** What the proxy did. */
export interface Deeds {
  readonly lost: Name[];
  /** A name as often as it came too often. */
  readonly duplicated: Name[];
  readonly altered: Altered[];
  foreign: number;
  malformed: number;
}

export type Deed = (passage: Passage, deeds: Deeds) => Promise<void>;

export const loses =
  (goes: (span: Span) => boolean): Deed =>
  async ({ message, forward }, { lost }) => {
    lost.push(...spansOf(decodeRequest(message)).filter(goes).map(nameOf));
    assert.equal(await forward(without(message, (span) => goes(span))), 0);
  };

export const repeats =
  (times: number, comes: (span: Span) => boolean): Deed =>
  async ({ message, forward }, { duplicated }) => {
    assert.equal(await forward(message), 0);
    const names = spansOf(decodeRequest(message)).filter(comes).map(nameOf);
    for (let i = 0; i < times; i++) {
      duplicated.push(...names);
      assert.equal(await forward(without(message, (span) => !comes(span))), 0);
    }
  };

/** Changes one span; the sink must call it so. */
const alters =
  (what: string, name: string, change: (span: Span, request: ExportTraceServiceRequest) => void): Deed =>
  async ({ message, forward }, { altered }) => {
    const changed = edited(message, (request) => {
      const span = spanNamed(request, name);
      altered.push({ ...nameOf(span), what });
      change(span, request);
    });
    assert.equal(await forward(changed), 0);
  };

/** Changes what all spans of a request stand under. */
const altersAll =
  (what: string, change: (request: ExportTraceServiceRequest) => void): Deed =>
  async ({ message, forward }, { altered }) => {
    altered.push(...spansOf(decodeRequest(message)).map((span) => ({ ...nameOf(span), what })));
    assert.equal(await forward(edited(message, change)), 0);
  };

/** The message, and then a copy of it whose ids are others. */
export const invents =
  (change: (span: Span) => void): Deed =>
  async ({ message, forward }, deeds) => {
    assert.equal(await forward(message), 0);
    const invented = edited(message, (request) => {
      for (const span of spansOf(request)) {
        change(span);
        deeds.foreign++;
      }
    });
    assert.equal(await forward(invented), 0);
  };

const invalidArgument = 3;
export const garbles =
  (bytes: Uint8Array): Deed =>
  async ({ message, forward }, deeds) => {
    assert.equal(await forward(message), 0);
    assert.equal(await forward(bytes), invalidArgument);
    deeds.malformed++;
  };

const attribute = (span: Span, key: string) => {
  const found = span.attributes.find((one) => one.key === key);
  assert.ok(found !== undefined, `no attribute ${key}`);
  return found;
};
const eventOf = (span: Span, at: number) => {
  const event = span.events[at];
  assert.ok(event !== undefined);
  return event;
};

const millisecond = 1_000_000n;

export const alterations: readonly Deed[] = [
  alters('name', 'charge', (span) => {
    span.name = 'charged';
  }),
  alters('kind', 'charge', (span) => {
    span.kind = 2;
  }),
  alters('attribute http.route: changed', 'POST /orders', (span) => {
    attribute(span, 'http.route').value = { stringValue: '/order5' };
  }),
  alters('attribute http.response.status_code: changed', 'POST /orders', (span) => {
    attribute(span, 'http.response.status_code').value = { intValue: 202n };
  }),
  alters('attribute http.response.status_code: changed', 'POST /orders', (span) => {
    attribute(span, 'http.response.status_code').value = { stringValue: '201' };
  }),
  alters('attribute cart.total: changed', 'POST /orders', (span) => {
    attribute(span, 'cart.total').value = { doubleValue: 0.25 };
  }),
  alters('attribute cart.items: changed', 'POST /orders', (span) => {
    attribute(span, 'cart.items').value?.arrayValue?.values.pop();
  }),
  // The last character of a text that is different in every span.
  alters('attribute session.id: changed', 'POST /orders', (span) => {
    const { value } = attribute(span, 'session.id');
    const text = value?.stringValue ?? '';
    attribute(span, 'session.id').value = { stringValue: `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}` };
  }),
  alters('attribute db.query.text: changed', 'stock', (span) => {
    const text = attribute(span, 'db.query.text').value?.stringValue ?? '';
    attribute(span, 'db.query.text').value = { stringValue: text.slice(0, -1) };
  }),
  alters('attribute user.email: missing', 'POST /orders', (span) => {
    span.attributes = span.attributes.filter(({ key }) => key !== 'user.email');
  }),
  alters('attribute note: unexpected', 'charge', (span) => {
    span.attributes.push({ key: 'note', value: { boolValue: true }, keyStrindex: 0 });
  }),
  alters('attribute payment.provider: twice', 'charge', (span) => {
    span.attributes.push({ ...attribute(span, 'payment.provider') });
  }),
  alters('event 2 name', 'POST /orders', (span) => {
    eventOf(span, 1).name = 'order.lost';
  }),
  alters('event 1 attribute queue: changed', 'POST /orders', (span) => {
    eventOf(span, 0).attributes = [{ key: 'queue', value: { stringValue: 'side' }, keyStrindex: 0 }];
  }),
  alters('event 2 time', 'POST /orders', (span) => {
    eventOf(span, 1).timeUnixNano += 1n;
  }),
  alters('number of events', 'POST /orders', (span) => {
    span.events.pop();
  }),
  alters('number of links', 'receipt', (span) => {
    span.links = [];
  }),
  alters('link 1 span id', 'receipt', (span) => {
    for (const link of span.links) link.spanId = randomBytes(8);
  }),
  alters('status code', 'charge', (span) => {
    span.status = { code: 1, message: span.status?.message ?? '' };
  }),
  alters('status message', 'charge', (span) => {
    span.status = { code: span.status?.code ?? 0, message: '' };
  }),
  alters('status code', 'POST /orders', (span) => {
    delete span.status;
  }),
  alters('parent span id', 'stock', (span, request) => {
    span.parentSpanId = spanNamed(request, 'charge').spanId;
  }),
  alters('parent span id', 'stock', (span) => {
    span.parentSpanId = new Uint8Array(0);
  }),
  alters('trace state', 'POST /orders', (span) => {
    span.traceState = 'vendor=8';
  }),
  alters('trace id', 'stock', (span) => {
    span.traceId = randomBytes(16);
  }),
  alters('end time', 'POST /orders', (span) => {
    span.endTimeUnixNano += 1n;
  }),
  alters('start time', 'POST /orders', (span) => {
    span.startTimeUnixNano += millisecond;
  }),
  alters('dropped attributes count', 'charge', (span) => {
    span.droppedAttributesCount = 1;
  }),
  altersAll('resource attribute service.name: changed', ({ resourceSpans: [{ resource }] }) => {
    for (const one of resource?.attributes ?? []) if (one.key === 'service.name') one.value = { stringValue: 'shed' };
  }),
  altersAll('scope version', ({ resourceSpans: [{ scopeSpans }] }) => {
    for (const { scope } of scopeSpans) if (scope !== undefined) scope.version = '1.4.1';
  }),
];

/** Gives one span the id of another one of the request: the one is lost, the other comes twice, the second time wrong. */
const confuses: Deed = async ({ message, forward }, { lost, duplicated, altered }) => {
  const confused = edited(message, (request) => {
    const charge = spanNamed(request, 'charge');
    const stock = spanNamed(request, 'stock');
    lost.push(nameOf(charge));
    duplicated.push(nameOf(stock));
    altered.push({ ...nameOf(stock), what: 'name' });
    charge.spanId = stock.spanId;
  });
  assert.equal(await forward(confused), 0);
};

/** Of the 48 bits of a span's number the highest: no run has so many. */
export const neverSent = (span: Span): void => {
  span.spanId = Uint8Array.from(span.spanId, (byte, i) => (i === 2 ? byte | 0x80 : byte));
};

export const everyDeed: readonly Deed[] = [
  loses(({ name }) => name === 'charge'),
  loses(() => true),
  loses(({ name }) => name !== 'charge'),
  repeats(1, () => true),
  repeats(3, ({ name }) => name === 'stock'),
  ...alterations,
  confuses,
  invents((span) => {
    span.spanId = randomBytes(8).fill(0xff, 0, 2);
  }),
  invents(neverSent),
  garbles(Buffer.from('not protobuf')),
  // A length that lies.
  garbles(Buffer.of(0x0a, 0x7f, 0x00)),
];
