// Paths of otelcol: what is known of the client, and what must be kept of its requests for that.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SpanProcessorDefinition } from '../../../src/component/processor.ts';
import { clientAddressKey, credentialKey, grpcMetadataKey, peerKey } from '../../../src/lib/client-keys.ts';
import { checkCondition, checkExpression, checkStatement } from '../../../src/ottl/check.ts';
import { compileExpression } from '../../../src/ottl/compile.ts';
import { contextNames, createEnvironment } from '../../../src/ottl/environment.ts';
import { OttlError, OttlFault } from '../../../src/ottl/error.ts';
import { inferContext } from '../../../src/ottl/infer.ts';
import { parseCondition } from '../../../src/ottl/parser.ts';
import { showValue } from '../../../src/ottl/show.ts';
import { filter } from '../../../src/processors/filter/index.ts';
import { decodeRequest, encodeRequest } from '../../../src/wire/reference/codec.ts';
import { createStage, processor } from '../../wire/chain-support.ts';
import { sampleRequest } from './sample.ts';

const metadata = {
  [peerKey]: ['192.0.2.7:4100'],
  'x-tenant': ['red'],
  'x-many': ['a', 'b'],
  [credentialKey('username')]: ['ann'],
  [credentialKey('roles')]: ['r1', 'r2'],
  [grpcMetadataKey('x-grpc')]: ['g'],
};

/** What the expression gives for a span of such a client, or its fault. */
function valueFor(text: string): string {
  let shown = '';
  const stage = createStage([
    processor('rule', (builder) => {
      const get = compileExpression(checkExpression(text, 'span'), createEnvironment(builder));
      return {
        span: () => {
          try {
            shown = showValue(get());
          } catch (error) {
            if (!(error instanceof OttlFault)) throw error;
            shown = error.message;
          }
        },
      };
    }),
  ]);
  stage.chain.metadata = metadata;
  stage.run(encodeRequest(sampleRequest()));
  return shown;
}

describe('what is known of the client', () => {
  const table: readonly (readonly [expression: string, shown: string, keys: readonly string[]])[] = [
    ['otelcol.client.addr', '"192.0.2.7:4100"', [peerKey]],
    ['otelcol.client.metadata["x-tenant"]', '["red"]', ['x-tenant']],
    ['otelcol.client.metadata["X-Tenant"][0]', '"red"', ['x-tenant']],
    ['otelcol.client.metadata["x-many"]', '["a", "b"]', ['x-many']],
    ['otelcol.client.metadata["x-many"][dropped_attributes_count]', '"b"', ['x-many']],
    ['otelcol.client.metadata["x-many"][2]', 'index 2 is outside of a list of 2', ['x-many']],
    ['otelcol.client.metadata["x-many"][0][0]', 'a string has no keys', ['x-many']],
    ['otelcol.client.metadata["x-none"]', 'nil', ['x-none']],
    ['otelcol.client.metadata["x-none"][0]', 'nil', ['x-none']],
    ['otelcol.client.auth.attributes["username"]', '"ann"', [credentialKey('username')]],
    ['otelcol.client.auth.attributes["roles"][1]', '"r2"', [credentialKey('roles')]],
    ['otelcol.client.auth.attributes["none"]', 'nil', [credentialKey('none')]],
    ['otelcol.grpc.metadata["X-GRPC"][0]', '"g"', [grpcMetadataKey('x-grpc')]],
    ['otelcol.grpc.metadata["x-tenant"]', 'nil', [grpcMetadataKey('x-tenant')]],
    [
      'When(() => otelcol.client.metadata["x-tenant"][0] == "red", otelcol.client.addr, "")',
      '"192.0.2.7:4100"',
      ['x-tenant', peerKey],
    ],
  ];
  for (const [expression, shown, keys] of table) {
    it(`${expression} gives ${shown} and needs ${keys.join(', ')}`, () => {
      assert.equal(valueFor(expression), shown);
      assert.deepEqual(checkExpression(expression, 'span').metadataKeys, keys);
    });
  }

  it('is seen in every context, and decides none', () => {
    const condition = 'otelcol.client.metadata["x-tenant"][0] == "red"';
    for (const context of contextNames) assert.deepEqual(checkCondition(condition, context).metadataKeys, ['x-tenant']);
    assert.equal(inferContext([parseCondition(condition)]), 'resource');
    assert.equal(inferContext([parseCondition(`${condition} and spanlink.flags == 1`)]), 'spanlink');
  });

  it('is named by all parts of a statement', () => {
    const text =
      'set(attributes[otelcol.client.metadata["a"][0]], otelcol.client.metadata["b"]) where otelcol.client.addr != nil';
    assert.deepEqual(checkStatement(text, 'span').metadataKeys, ['a', 'b', peerKey]);
    assert.deepEqual(checkStatement('set(name, "x")', 'span').metadataKeys, []);
  });

  it('has a key for the host and one for the address', () => assert.notEqual(clientAddressKey, peerKey));
});

describe('a path of the client is refused', () => {
  const table: readonly (readonly [text: string, at: string, message: RegExp])[] = [
    ['otelcol.client.metadata == nil', 'metadata', /needs a key: write metadata\["…"\] for each that is read/],
    ['Len(otelcol.grpc.metadata) == 1', 'metadata', /otelcol\.grpc\.metadata needs a key/],
    ['otelcol.client.auth.attributes == nil', 'attributes', /needs a key/],
    ['otelcol.client.metadata[name] == nil', 'name', /stands in the rule as text/],
    ['otelcol.client.metadata[0] == nil', '0', /stands in the rule as text: expected a string/],
    ['otelcol.client.addr["a"] == nil', '"a"', /otelcol\.client\.addr has no keys/],
    ['otelcol.client == nil', 'client', /otelcol\.client is no value by itself; it has addr, metadata, auth/],
    ['otelcol.client.auth == nil', 'auth', /it has attributes/],
    ['otelcol.clients.addr == nil', 'clients', /otelcol has no field clients; did you mean client\?/],
    ['otelcol.client.adr == nil', 'adr', /otelcol\.client has no field adr; did you mean addr\?/],
    ['otelcol.grpc.addr == nil', 'addr', /otelcol\.grpc has no field addr; it has metadata/],
  ];
  for (const [text, at, message] of table) {
    it(`${text}: at ${at}, ${message.source}`, () => {
      assert.throws(
        () => checkCondition(text, 'span'),
        (error) => {
          assert.ok(error instanceof OttlError, String(error));
          assert.equal(text.slice(error.offset, error.offset + error.length), at, error.message);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('where it is written', () => {
    for (const path of ['otelcol.client.addr', 'otelcol.client.metadata["a"]', 'otelcol.grpc.metadata["a"][0]']) {
      assert.throws(() => checkStatement(`set(${path}, "x")`, 'span'), /can only be read/);
    }
  });
});

describe('filter', () => {
  const definition = filter as SpanProcessorDefinition;
  const raw = {
    trace_conditions: [
      'otelcol.client.metadata["x-tenant"][0] == "red"',
      'span.name == "x" and otelcol.client.metadata["X-Tenant"] != nil',
    ],
    error_mode: 'propagate',
  };

  it('says which keys its conditions read, each once', () => {
    assert.deepEqual(definition.metadataKeys?.(definition.config.parse(raw)), ['x-tenant']);
    assert.deepEqual(definition.metadataKeys?.(definition.config.parse({})), []);
  });

  it('drops what came from a client, and nothing of another', () => {
    for (const [tenant, left] of [
      ['red', 0],
      ['blue', 1],
    ] as const) {
      const stage = createStage([definition], [definition.config.parse(raw)]);
      stage.chain.metadata = { 'x-tenant': [tenant] };
      const { output } = stage.run(encodeRequest(sampleRequest()));
      assert.equal(decodeRequest(output).resourceSpans.length, left, tenant);
    }
  });

  it('has no conditions on links', () => {
    const config = definition.config.parse({ trace_conditions: ['span.name == "a" or spanlink.flags == 1'] });
    const [issue] = definition.check?.(config) ?? [];
    assert.deepEqual([issue.path, issue.offset], [['trace_conditions', 0], 'span.name == "a" or '.length]);
    assert.match(issue.message, /cannot drop a link/);
    const group = { trace_conditions: [{ context: 'spanlink', conditions: ['flags == 1'] }] };
    assert.equal(definition.config.safeParse(group).success, false);
  });
});
