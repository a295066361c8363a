// Numbers of cards and accounts: valid by their check digits, of documented test ranges where there are such.
import { ibanDigits, luhnDigit, weigh } from './checksums.ts';
import { below, between, digits, draw, fill, group, pick, type Random, upperLetters } from './draw-text.ts';

/** Prefixes of the numbers that payment processors document for tests. */
const cards: readonly { readonly prefix: string; readonly groups: readonly number[] }[] = [
  { prefix: '411111', groups: [4, 4, 4, 4] },
  { prefix: '424242', groups: [4, 4, 4, 4] },
  { prefix: '400000', groups: [4, 4, 4, 4] },
  { prefix: '555555', groups: [4, 4, 4, 4] },
  { prefix: '510510', groups: [4, 4, 4, 4] },
  { prefix: '222300', groups: [4, 4, 4, 4] },
  { prefix: '378282', groups: [4, 6, 5] },
  { prefix: '371449', groups: [4, 6, 5] },
  { prefix: '601111', groups: [4, 4, 4, 4] },
  { prefix: '353011', groups: [4, 4, 4, 4] },
  { prefix: '305693', groups: [4, 6, 4] },
  { prefix: '620000', groups: [4, 4, 4, 4] },
];

/** A card's digits before the check digit, and how they are grouped. */
const cardBody = (random: Random): { body: string; groups: readonly number[] } => {
  const { prefix, groups } = pick(random, cards);
  const length = groups.reduce((sum, count) => sum + count, 0);
  return { body: prefix + draw(random, digits, length - prefix.length - 1), groups };
};

const cardText = (random: Random, number: string, groups: readonly number[]): string =>
  group(number, groups, pick(random, ['', ' ', '-', ' ']));

export const creditCard = (random: Random): string => {
  const { body, groups } = cardBody(random);
  return cardText(random, body + luhnDigit(body), groups);
};

const otherDigit = (random: Random, digit: string): string =>
  digits.charAt((Number(digit) + between(random, 1, 9)) % 10);

export const brokenCard = (random: Random): string => {
  const { body, groups } = cardBody(random);
  return cardText(random, body + otherDigit(random, luhnDigit(body)), groups);
};

/** Account parts of countries without a check digit within them. The British bank code is the registry's example. */
const accounts: readonly (readonly [country: string, form: string])[] = [
  ['DE', '##################'],
  ['GB', 'WEST##############'],
  ['NL', 'ABNA0#########'],
  ['AT', '################'],
  ['CH', '#################'],
  ['IE', 'AIBK##############'],
  ['LU', '################'],
  ['SA', '####################'],
  ['CY', '########################'],
];

const ibanText = (random: Random, country: string, check: string, account: string): string => {
  const text = country + check + account;
  return below(random, 2) === 0 ? text : text.replaceAll(/.{4}(?=.)/g, '$& ');
};

export const iban = (random: Random): string => {
  const [country, form] = pick(random, accounts);
  const account = fill(random, form);
  return ibanText(random, country, ibanDigits(country, account), account);
};

export const brokenIban = (random: Random): string => {
  const [country, form] = pick(random, accounts);
  const account = fill(random, form);
  // Check digits are 02 to 98, so that two numbers that differ by less than 97 are never both right.
  const wrong = ((Number(ibanDigits(country, account)) - 2 + between(random, 1, 96)) % 97) + 2;
  return ibanText(random, country, String(wrong).padStart(2, '0'), account);
};

const abaWeights = [3, 7, 1, 3, 7, 1, 3, 7];

/** Routing numbers only mean something after the word; 00 to 12 are the Federal Reserve's districts. */
export const abaRouting = (random: Random): string => {
  const body = String(between(random, 1, 12)).padStart(2, '0') + draw(random, digits, 6);
  return `routing number ${body}${(10 - (weigh(body, abaWeights) % 10)) % 10}`;
};

export const swiftBic = (random: Random): string => {
  const country = pick(random, ['DE', 'FR', 'GB', 'NL', 'US', 'IT']);
  return `SWIFT code FAKE${country}${draw(random, upperLetters, 2)}${pick(random, ['', 'XXX', '001'])}`;
};
