// What looks like private data and is not: a rule that finds one of these is too eager.
import { brokenBitcoinAddress, brokenEthereumAddress } from './addresses.ts';
import { luhnDigit, verhoeffDigit } from './checksums.ts';
import {
  base62,
  base64url,
  between,
  digits,
  draw,
  fill,
  group,
  lowerHex,
  pick,
  type Random,
  upperLetters,
} from './draw-text.ts';
import { brokenSsn } from './national-ids.ts';
import { brokenCard, brokenIban } from './payment.ts';
import { brokenGithubToken } from './secrets.ts';

const hex = (random: Random, length: number): string => draw(random, lowerHex, length);

/** Digits after a 1, never a card by their check digit. */
const plainNumber = (random: Random, length: number): string => {
  const body = `1${draw(random, digits, length - 2)}`;
  return body + ((Number(luhnDigit(body)) + between(random, 1, 9)) % 10);
};

const shortestCard = 12;
const longestCard = 19;

/** Whether groups of digits next to one another are a card's number by their check digit. */
const holdsCard = (text: string): boolean => {
  for (const [run] of text.matchAll(/\d+(?:[ -]\d+)*/g)) {
    const groups = run.split(/[ -]/);
    for (let from = 0; from < groups.length; from++) {
      let number = '';
      for (const part of groups.slice(from)) {
        number += part;
        if (number.length < shortestCard || number.length > longestCard) continue;
        if (number.endsWith(luhnDigit(number.slice(0, -1)))) return true;
      }
    }
  }
  return false;
};

/** Draws again what is a card by chance: one check digit in ten fits. */
const withoutCard =
  (make: (random: Random) => string) =>
  (random: Random): string => {
    for (;;) {
      const text = make(random);
      if (!holdsCard(text)) return text;
    }
  };

const uuid = (random: Random): string =>
  `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-${draw(random, '89ab', 1)}${hex(random, 3)}-${hex(random, 12)}`;

const isoTime = (random: Random): string => new Date(1_790_000_000_000 + between(random, 0, 2 ** 31)).toISOString();

const badAadhaar = (random: Random): string => {
  const body = between(random, 2, 9) + draw(random, digits, 10);
  return group(body + ((Number(verhoeffDigit(body)) + between(random, 1, 9)) % 10), [4, 4, 4], ' ');
};

const badNhs = (random: Random): string => {
  const body = fill(random, '999######');
  const sum = [...body].reduce((total, digit, index) => total + Number(digit) * (10 - index), 0);
  return group(`${body}${(((11 - (sum % 11)) % 11) + between(random, 1, 8)) % 10}`, [3, 3, 4], ' ');
};

const placeholders = [
  'Authorization: Bearer <token>',
  'password: $' + '{env:DB_PASSWORD}',
  'api_key = os.environ["OPENAI_API_KEY"]',
  'sk-...',
  'export GITHUB_TOKEN=$TOKEN',
  'x-api-key: YOUR_API_KEY',
];

export const nearMissTexts: Readonly<Record<string, (random: Random) => string>> = {
  card_bad_luhn: withoutCard(brokenCard),
  iban_bad_checksum: withoutCard(brokenIban),
  ssn_never_issued: brokenSsn,
  nhs_bad_checksum: badNhs,
  aadhaar_bad_checksum: withoutCard(badAadhaar),
  github_bad_checksum: brokenGithubToken,
  bitcoin_bad_checksum: brokenBitcoinAddress,
  ethereum_bad_checksum: brokenEthereumAddress,
  epoch_ms: (random) => `17${draw(random, digits, 11)}`,
  epoch_ns: (random) => plainNumber(random, 19),
  timestamp: isoTime,
  uuid,
  trace_id: (random) => `trace_id=${hex(random, 32)}`,
  git_sha: (random) => `commit ${hex(random, pick(random, [7, 12, 40]))}`,
  hex_hash: (random) => `sha256:${hex(random, 64)}`,
  version: (random) =>
    `v${between(random, 0, 9)}.${between(random, 0, 40)}.${between(random, 0, 40)}.${between(random, 0, 99)}`,
  private_ip: (random) =>
    pick(random, [
      `10.${between(random, 0, 255)}.0.${between(random, 1, 254)}`,
      fill(random, '192.168.1.1#'),
      '127.0.0.1',
    ]),
  order_number: (random) => `order no. ${plainNumber(random, 12)}`,
  invoice_number: (random) => fill(random, `INV-2026-##-555-0#`),
  phone_like: (random) => fill(random, 'part no. 0555-0###-#'),
  tracking_id: (random) => `1Z${draw(random, digits + upperLetters, 6)}${draw(random, digits, 10)}`,
  isbn: (random) => fill(random, 'ISBN 978-0-###-#####-#'),
  coordinates: (random) => fill(random, `${between(random, 10, 80)}.######, -${between(random, 10, 80)}.######`),
  aws_example_key: () => ['AKIA', 'IOSFODNN7', 'EXAMPLE'].join(''),
  decorator: (random) =>
    pick(random, ['@property', '@dataclass', '@app.route("/users")', '@Override', '@pytest.mark.slow']),
  package_version: (random) =>
    `@scope/client@${between(random, 0, 20)}.${between(random, 0, 20)}.${between(random, 0, 20)}`,
  handle: (random) => `@${pick(random, ['spanmill', 'release_bot', 'docs-team'])} in #general`,
  local_mail: (random) => `${pick(random, ['root', 'git', 'build'])}@localhost`,
  base64_word: (random) =>
    Buffer.from(pick(random, ['hello world', 'the quick brown fox', 'lorem ipsum dolor'])).toString('base64'),
  css_class: (random) => `sk-${pick(random, ['fading-circle', 'cube-grid', 'folding-cube', 'three-bounce'])}`,
  library_name: (random) => `sk-learn ${between(random, 0, 3)}.${between(random, 0, 9)}`,
  dotted_word: (random) => `eyJ-shirt.${draw(random, base62, 6)}.${draw(random, base64url, 9)}`,
  url_without_credentials: (random) =>
    pick(random, ['postgres://db.example.com:5432/orders', 'https://example.com/a:b?to=user', 'redis://cache:6379/0']),
  placeholder: (random) => pick(random, placeholders),
  public_key: () => ['-----BEGIN PUBLIC', 'KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC', 'KEY-----'].join(' '),
  request_id: (random) => `req_${draw(random, base62, 24)}`,
  completion_id: (random) => `chatcmpl-${draw(random, base62, 29)}`,
};
