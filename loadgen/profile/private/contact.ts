// How people and machines are reached: only names, numbers and addresses that are set aside for documentation.
import { below, between, digits, draw, fill, lowerHex, pick, type Random } from './draw-text.ts';

const givenNames = [
  'ada',
  'blaise',
  'chidi',
  'dana',
  'emre',
  'farah',
  'goran',
  'hana',
  'ines',
  'jonas',
  'keiko',
  'luis',
];
const familyNames = ['example', 'muster', 'sample', 'doe', 'bloggs', 'dupont', 'rossi', 'novak', 'tanaka', 'silva'];

/** RFC 2606 reserves these domains. */
const domains = ['example.com', 'example.org', 'example.net', 'mail.example.com', 'support.example.org'];

export const email = (random: Random): string => {
  const given = pick(random, givenNames);
  const family = pick(random, familyNames);
  const local = pick(random, [
    `${given}.${family}`,
    `${given}_${family}${draw(random, digits, 2)}`,
    `${given}+${pick(random, ['billing', 'news', 'test'])}`,
    `${given.charAt(0)}${family}`,
    `${given.charAt(0).toUpperCase()}${given.slice(1)}.O'${family}`,
  ]);
  return `${local}@${pick(random, domains)}`;
};

/** Ranges for fiction: NANPA 555-0100 to 0199, Ofcom, ARCEP, Bundesnetzagentur, ACMA. */
const phoneForms = [
  '+1 202 555 01##',
  '(415) 555-01##',
  '212-555-01##',
  '+1-303-555-01##',
  '+44 20 7946 0###',
  '+44 161 496 0###',
  '+33 1 99 00 ## ##',
  '06 39 98 ## ##',
  '+49 30 23125 ###',
  '+61 2 5550 ####',
];

export const phone = (random: Random): string => fill(random, pick(random, phoneForms));

/** RFC 5737. */
export const ipv4 = (random: Random): string =>
  `${pick(random, ['192.0.2', '198.51.100', '203.0.113'])}.${between(random, 1, 254)}`;

/** RFC 3849. */
export const ipv6 = (random: Random): string => {
  const part = (): string => between(random, 1, 0xffff).toString(16);
  return below(random, 2) === 0
    ? `2001:db8:${part()}:${part()}::${part()}`
    : `2001:db8:${part()}:${part()}:${part()}:${part()}:${part()}:${part()}`;
};

/** RFC 7042: 00-00-5E-00-53-00 to FF. */
export const mac = (random: Random): string => {
  const text = `00:00:5e:00:53:${draw(random, lowerHex, 2)}`;
  return pick(random, [text, text.toUpperCase().replaceAll(':', '-')]);
};

const secretWord = (random: Random): string =>
  `fake-${draw(random, 'bcdfghjkmnpqrstvwxz23456789', between(random, 9, 14))}`;

export const urlCredentials = (random: Random): string =>
  `https://${pick(random, givenNames)}:${secretWord(random)}@${pick(random, ['git', 'artifacts', 'api'])}.example.com/v1/${pick(random, ['repo.git', 'export', 'hook'])}`;

export const connectionString = (random: Random): string => {
  const password = secretWord(random);
  return pick(random, [
    `postgres://app:${password}@db.example.com:5432/orders`,
    `postgresql://app:${password}@198.51.100.7/orders?sslmode=require`,
    `mongodb+srv://app:${password}@cluster0.example.net/chat`,
    `mysql://root:${password}@mysql.example.org:3306/shop`,
    `redis://:${password}@cache.example.com:6379/0`,
    `amqps://worker:${password}@mq.example.net:5671/jobs`,
    `Server=tcp:sql.example.com,1433;Database=crm;User ID=app;Password=${password};Encrypt=True;`,
  ]);
};
