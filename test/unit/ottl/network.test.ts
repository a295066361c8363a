// Addresses, flows and the functions that belong to no group; what they give was compared with a Collector.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OttlValue } from '../../../src/ottl/values.ts';
import { call, faultOf } from './call-function.ts';

type Row = readonly [name: string, args: readonly OttlValue[], expected: OttlValue | RegExp];

function check(table: readonly Row[]): void {
  for (const [i, [name, args, expected]] of table.entries()) {
    it(`${name} of ${args.map(String).join(', ').slice(0, 60)} (${i})`, () => {
      if (expected instanceof RegExp) assert.match(faultOf(name, ...args), expected);
      else assert.equal(call(name, ...args), expected);
    });
  }
}

describe('CommunityID', () => {
  check([
    ['CommunityID', ['192.168.1.1', 80n, '10.0.0.1', 443n], '1:sZatfoUI6MHD+fhR0NlAieDW2UM='],
    ['CommunityID', ['10.0.0.1', 443n, '192.168.1.1', 80n, 'UDP', 7n], '1:T0hAi14FKv1VFodKsvQT3dvKjpQ='],
    ['CommunityID', ['::1', 1n, '10.0.0.1', 2n, 'SCTP'], '1:XxTppusbsIIZhwejDTDoF8X73kU='],
    ['CommunityID', ['::ffff:10.0.0.1', 1n, '10.0.0.2', 2n], '1:nsF+CyuHj+gRdemh9jH9fNbMK+U='],
    ['CommunityID', ['10.0.0.1', 0n, '10.0.0.2', 2n], '1:VisU19/sdy9eAZciyoNWqtIkZhE='],
    ['CommunityID', ['10.0.0.1', 1n, '10.0.0.2', 2n, 'ICMP'], '1:HRiwBV5sqZXF+UaBLqDs2c9n8vo='],
    ['CommunityID', ['::1', 1n, '10.0.0.1', 2n, 'tcp'], /^a protocol is one of/],
    ['CommunityID', ['x', 1n, '10.0.0.2', 2n], /^the source IP is not an address$/],
    ['CommunityID', ['10.0.0.2', 1n, '10.0.0.01', 2n], /^the destination IP is not/],
    ['CommunityID', ['fe80::1%eth0', 1n, '10.0.0.2', 2n], /^the source IP/],
    ['CommunityID', ['10.0.0.1', 65536n, '10.0.0.2', 2n], /^the source port is from 0 to 65535$/],
    ['CommunityID', ['10.0.0.1', 1n, '10.0.0.2', -1n], /^the destination port/],
    ['CommunityID', ['10.0.0.1', 1n, '10.0.0.2', 2n, 'TCP', 65536n], /^the seed is from/],
    ['CommunityID', [null, 1n, '10.0.0.2', 2n], /^expected a string, got nil$/],
  ]);
});

describe('IsInCIDR', () => {
  check([
    ['IsInCIDR', ['10.1.2.3', ['10.0.0.0/8']], true],
    ['IsInCIDR', ['11.1.2.3', ['10.0.0.0/8', '11.0.0.0/16', '11.1.2.3/32']], true],
    ['IsInCIDR', ['11.1.2.3', ['10.0.0.0/8', '11.0.0.0/16', '11.1.2.2/32']], false],
    ['IsInCIDR', ['10.127.0.0', ['10.0.0.0/9']], true],
    ['IsInCIDR', ['10.128.0.0', ['10.0.0.0/9']], false],
    ['IsInCIDR', ['x', ['10.0.0.0/8']], false],
    ['IsInCIDR', ['', ['10.0.0.0/8']], false],
    ['IsInCIDR', ['10.1.2.3', []], false],
    ['IsInCIDR', ['::ffff:10.1.2.3', ['10.0.0.0/8']], true],
    ['IsInCIDR', ['10.1.2.3', ['::/0']], false],
    ['IsInCIDR', ['10.1.2.3', ['::ffff:10.0.0.0/104']], true],
    ['IsInCIDR', ['10.1.2.3', ['10.5.6.7/8']], true],
    ['IsInCIDR', ['2001:db8::1', ['2001:db8::/32']], true],
    ['IsInCIDR', ['2001:db9::1', ['2001:db8::/32']], false],
    ['IsInCIDR', ['1:2:3:4:5:6:7:8', ['1:2:3:4:5:6:7:8/128']], true],
    ['IsInCIDR', ['1:2:3:4:5:6:7::8', ['::/0']], false],
    ['IsInCIDR', ['1::2::3', ['::/0']], false],
    ['IsInCIDR', ['1.2.3.4', ['0.0.0.0/0']], true],
    ['IsInCIDR', ['fe80::1%eth0', ['fe80::/10']], false],
    ['IsInCIDR', ['1'.repeat(5_000_000), ['0.0.0.0/0']], false],
    ['IsInCIDR', ['10.1.2.3', ['10.0.0.0/8', 'foo']], /^a network is written as/],
    ['IsInCIDR', ['10.1.2.3', ['10.1.2.3']], /^a network is written as/],
    ['IsInCIDR', ['10.1.2.3', ['10.0.0.0/33']], /^a network is written as/],
    ['IsInCIDR', ['10.1.2.3', [5n]], /^expected a string, got an int$/],
    ['IsInCIDR', [null, ['10.0.0.0/8']], /^expected a string, got nil$/],
  ]);
});

describe('IsValidLuhn and Log', () => {
  check([
    ['IsValidLuhn', ['4539 1488 0343 6467'], true],
    ['IsValidLuhn', ['17893729974'], true],
    ['IsValidLuhn', ['17893729975'], false],
    ['IsValidLuhn', [17893729974n], true],
    ['IsValidLuhn', [''], false],
    ['IsValidLuhn', [' '], false],
    ['IsValidLuhn', ['0'], true],
    ['IsValidLuhn', ['0'.repeat(5_000_000)], true],
    ['IsValidLuhn', ['12a'], /^the text has something else than digits$/],
    ['IsValidLuhn', ['\uff11\uff18'], /^the text has something else/],
    ['IsValidLuhn', [-18n], /^the text has something else/],
    ['IsValidLuhn', [2.5], /^the text has something else/],
    ['IsValidLuhn', [null], /^expected a string, got nil$/],
    ['Log', [1n], 0],
    ['Log', [2.5], 0.9162907318741551],
    ['Log', ['2.718281828459045'], 1],
    ['Log', [true], 0],
    ['Log', [0n], /^a logarithm wants a number above 0$/],
    ['Log', [-1], /^a logarithm/],
    ['Log', [null], /^a logarithm/],
    ['Log', ['x'], /^the string is not a number$/],
  ]);
});

describe('UUID and UUIDv7', () => {
  it('give a new UUID of their version at every call', () => {
    for (const [name, version] of [
      ['UUID', 4],
      ['UUIDv7', 7],
    ] as const) {
      const first = newId(name);
      assert.match(first, new RegExp(`^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`));
      assert.notEqual(newId(name), first);
    }
  });

  it('start with the milliseconds in version 7', () => {
    const before = Date.now();
    const time = Number.parseInt(newId('UUIDv7').replaceAll('-', '').slice(0, 12), 16);
    assert.ok(time >= before && time <= Date.now());
  });
});

const newId = (name: string): string => call(name) as string;
