// Functions of network addresses and flows.
import { hash } from 'node:crypto';
import { asString } from '../coerce.ts';
import { fault } from '../error.ts';
import { type } from '../values.ts';
import { converter, type FunctionDefinition, int, listOf, optional, type Parameter, string } from './define.ts';
import { contains, type Network, parseAddress, parseNetwork } from './network-address.ts';

const networks: Parameter<readonly Network[]> = listOf('networks', (item) => {
  const network = parseNetwork(asString(item));
  if (network === null) throw fault('a network is written as 10.0.0.0/8 or 2001:db8::/32');
  return network;
});

/** Their IANA numbers. */
const protocols: ReadonlyMap<string, number> = new Map([
  ['ICMP', 1],
  ['TCP', 6],
  ['UDP', 17],
  ['RSVP', 46],
  ['ICMP6', 58],
  ['SCTP', 132],
]);

interface End {
  readonly address: Uint8Array;
  readonly port: number;
}

function endOf(address: string, port: bigint, which: string): End {
  const bytes = parseAddress(address);
  if (bytes === null) throw fault(`the ${which} IP is not an address`);
  return { address: bytes, port: uint16(port, `the ${which} port`) };
}

function uint16(value: bigint, what: string): number {
  if (value < 0n || value > 65_535n) throw fault(`${what} is from 0 to 65535`);
  return Number(value);
}

function compareEnds(a: End, b: End): number {
  return a.address.length - b.address.length || Buffer.compare(a.address, b.address) || a.port - b.port;
}

/** Version 1 of the Community ID: the same for both directions of a flow. */
function communityId(a: End, b: End, protocol: number, seed: number): string {
  const [first, second] = compareEnds(a, b) <= 0 ? [a, b] : [b, a];
  const numbers = Buffer.alloc(6);
  numbers.writeUInt8(protocol, 0); // and a byte of padding
  numbers.writeUInt16BE(first.port, 2);
  numbers.writeUInt16BE(second.port, 4);
  const tuple = Buffer.concat([Uint8Array.of(seed >> 8, seed & 255), first.address, second.address, numbers]);
  return `1:${hash('sha1', tuple, 'base64')}`;
}

export const networkFunctions: readonly FunctionDefinition[] = [
  converter({
    name: 'CommunityID',
    summary: 'The Community ID of a network flow: the same for both of its directions. The protocol is TCP by default.',
    parameters: [
      string('source_ip'),
      int('source_port'),
      string('destination_ip'),
      int('destination_port'),
      optional(string('protocol')),
      optional(int('seed')),
    ],
    returns: type.string,
    examples: [
      { text: 'CommunityID("192.168.1.1", 80, "10.0.0.1", 443)', gives: '"1:sZatfoUI6MHD+fhR0NlAieDW2UM="' },
      { text: 'CommunityID("10.0.0.1", 443, "192.168.1.1", 80)', gives: '"1:sZatfoUI6MHD+fhR0NlAieDW2UM="' },
      { text: 'CommunityID("10.0.0.1", 443, "192.168.1.1", 80, "UDP", 7)', gives: '"1:T0hAi14FKv1VFodKsvQT3dvKjpQ="' },
      { text: 'CommunityID("10.0.0.1", 1, "10.0.0.2", 2, "HTTP")', fails: 'a protocol is one of ICMP, TCP, ' },
    ],
    run: (sourceIp, sourcePort, destinationIp, destinationPort, protocol = 'TCP', seed = 0n) => {
      const number = protocols.get(protocol);
      if (number === undefined) throw fault(`a protocol is one of ${[...protocols.keys()].join(', ')}`);
      const source = endOf(sourceIp, sourcePort, 'source');
      const destination = endOf(destinationIp, destinationPort, 'destination');
      return communityId(source, destination, number, uint16(seed, 'the seed'));
    },
  }),
  converter({
    name: 'IsInCIDR',
    summary: 'Whether the IP address is in one of the networks; false when the text is no address.',
    parameters: [string('target'), networks],
    returns: type.bool,
    examples: [
      { text: 'IsInCIDR(attributes["client.address"], ["10.0.0.0/8", "192.0.2.0/24"])', gives: 'true' },
      { text: 'IsInCIDR("2001:db8::1", ["10.0.0.0/8"])', gives: 'false' },
      {
        text: 'IsInCIDR("10.0.0.1", ["10.0.0.1"])',
        fails: 'the argument networks of IsInCIDR: a network is written as ',
      },
    ],
    run: (text, all) => {
      const address = parseAddress(text);
      return address !== null && all.some((network) => contains(network, address));
    },
  }),
];
