// Numbers that states give to people: valid by their check digits, of test ranges where there are such. Those that are
// nothing but digits stand after the word that tells a rule what they are.
import { luhnDigit, mod112Digit, mod1110Digit, remainder, verhoeffDigit, weigh } from './checksums.ts';
import {
  below,
  between,
  digits,
  draw,
  fill,
  group,
  lowerLetters,
  pick,
  type Random,
  upperLetters,
} from './draw-text.ts';

/** Areas from 773 to 899 were never issued before numbers became random in 2011. */
export const usSsn = (random: Random): string => {
  const serial = [between(random, 773, 899), between(random, 1, 99), between(random, 1, 9999)];
  const text = serial.map((value, index) => String(value).padStart([3, 2, 4][index] as number, '0')).join('-');
  return below(random, 4) === 0 ? text.replaceAll('-', ' ') : text;
};

export const brokenSsn = (random: Random): string =>
  pick(random, [
    () => fill(random, `000-${between(random, 11, 99)}-####`),
    () => fill(random, `666-${between(random, 11, 99)}-####`),
    () => fill(random, `${between(random, 100, 665)}-00-####`),
    () => `${between(random, 100, 665)}-${between(random, 11, 99)}-0000`,
  ])();

export const usItin = (random: Random): string => fill(random, `9##-${between(random, 70, 88)}-####`);

export const usNpi = (random: Random): string => {
  const body = fill(random, '1########');
  // CMS: Luhn over the number with the issuer prefix 80840.
  return `NPI ${body}${luhnDigit(`80840${body}`)}`;
};

export const usDea = (random: Random): string => {
  const body = draw(random, digits, 6);
  return `DEA number FX${body}${weigh(body, [1, 2, 1, 2, 1, 2]) % 10}`;
};

/** Draws until a body has a check digit that can be written: some remainders of 11 leave none. */
const withCheck = (random: Random, form: string, check: (body: string) => number | null): string => {
  for (;;) {
    const body = fill(random, form);
    const digit = check(body);
    if (digit !== null) return `${body}${digit}`;
  }
};

/** 999 is the NHS's range for tests. */
export const ukNhs = (random: Random): string => {
  const number = withCheck(random, '999######', (body) => {
    const check = (11 - (weigh(body, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
    return check === 10 ? null : check;
  });
  return below(random, 3) === 0 ? number : group(number, [3, 3, 4], ' ');
};

export const ukNino = (random: Random): string => {
  const prefix = draw(random, 'ABCEHJLMPRSWXY', 1) + draw(random, 'ABCEHJLMPRSWXY', 1);
  return `${prefix} ${fill(random, '## ## ##')} ${draw(random, 'ABCD', 1)}`;
};

export const caSin = (random: Random): string => {
  const body = fill(random, '9#######');
  return group(body + luhnDigit(body), [3, 3, 3], pick(random, [' ', '-']));
};

export const auTfn = (random: Random): string => {
  const number = withCheck(random, '########', (body) => {
    // The ninth weight is 10, which is -1 modulo 11.
    const check = weigh(body, [1, 4, 3, 7, 5, 8, 6, 9]) % 11;
    return check === 10 ? null : check;
  });
  return `TFN ${group(number, [3, 3, 3], ' ')}`;
};

export const auAbn = (random: Random): string => {
  const body = draw(random, digits, 9);
  const sum = weigh(body, [3, 5, 7, 9, 11, 13, 15, 17, 19]);
  // The check digits 10 to 98 come first, weighted 10 (less one) and 1: a leading number that closes the sum modulo 89.
  for (let lead = 10; lead < 100; lead++) {
    const first = Math.floor(lead / 10);
    if ((10 * (first - 1) + (lead % 10) + sum) % 89 === 0) return `ABN ${group(`${lead}${body}`, [2, 3, 3, 3], ' ')}`;
  }
  return auAbn(random);
};

export const inAadhaar = (random: Random): string => {
  const body = between(random, 2, 9) + draw(random, digits, 10);
  return group(body + verhoeffDigit(body), [4, 4, 4], pick(random, [' ', ' ', '-']));
};

export const inPan = (random: Random): string => `PAN ${fill(random, 'AAAPA####A')}`;

/** Numéro de sécurité sociale: sex, year, month, department, commune, order, key. 99 is the department of births abroad. */
export const frNir = (random: Random): string => {
  const body = `${between(random, 1, 2)}${fill(random, '##')}${month(random)}99${between(random, 100, 399)}${fill(random, '###')}`;
  const key = String(97 - remainder(body, 97)).padStart(2, '0');
  return below(random, 2) === 0 ? body + key : `${group(body, [1, 2, 2, 2, 3, 3], ' ')} ${key}`;
};

/** One of the first ten digits occurs twice and one not at all; the first is not 0. */
export const deTaxId = (random: Random): string => {
  const pool = [...digits];
  for (let left = pool.length - 1; left > 0; left--) {
    const other = below(random, left + 1);
    [pool[left], pool[other]] = [pool[other] as string, pool[left] as string];
  }
  if (pool[0] === '0') pool.reverse();
  pool[9] = pool[between(random, 0, 5)] as string;
  const body = pool.join('');
  return `Steuer-ID ${group(body + mod1110Digit(body), [2, 3, 3, 3], ' ')}`;
};

const day = (random: Random): string => String(between(random, 1, 28)).padStart(2, '0');
const month = (random: Random): string => String(between(random, 1, 12)).padStart(2, '0');
const year = (random: Random): string => String(between(random, 40, 99));

const birth = (random: Random): string => year(random) + month(random) + day(random);

/** Versicherungsnummer: area, birthday, initial, serial; the initial counts as its place in the alphabet, two digits. */
export const deSvnr = (random: Random): string => {
  const initial = draw(random, upperLetters, 1);
  const before = `${between(random, 10, 29)}${day(random)}${month(random)}${year(random)}`;
  const serial = fill(random, '##');
  const place = String(initial.charCodeAt(0) - 64).padStart(2, '0');
  const weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
  const sum = [...`${before}${place}${serial}`].reduce((total, digit, index) => {
    const product = Number(digit) * (weights[index] as number);
    return total + Math.floor(product / 10) + (product % 10);
  }, 0);
  return `${before}${initial}${serial}${sum % 10}`;
};

/** What a letter at an odd place of a codice fiscale counts; digits count as the letters A to J. */
const oddPlaces = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

export const itFiscalCode = (random: Random): string => {
  const name = draw(random, 'BCDFGLMNPRSTVZ', 6);
  const body = `${name}${year(random)}${draw(random, 'ABCDEHLMPRST', 1)}${day(random)}${fill(random, 'Z1##')}`;
  const sum = [...body].reduce((total, character, index) => {
    const value = /\d/.test(character) ? Number(character) : character.charCodeAt(0) - 65;
    return total + (index % 2 === 0 ? (oddPlaces[value] as number) : value);
  }, 0);
  return body + upperLetters.charAt(sum % 26);
};

const spanishLetters = 'TRWAGMYFPDXBNJZSQVHLCKE';

export const esNif = (random: Random): string => {
  const body = fill(random, '########');
  return body + spanishLetters.charAt(Number(body) % 23);
};

export const esNie = (random: Random): string => {
  const lead = below(random, 3);
  const body = fill(random, '#######');
  return `${'XYZ'.charAt(lead)}${body}${spanishLetters.charAt(Number(`${lead}${body}`) % 23)}`;
};

export const plPesel = (random: Random): string => {
  const body = birth(random) + fill(random, '####');
  return `PESEL ${body}${(10 - (weigh(body, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10}`;
};

/** 980 to 999 are the serials of Sweden's test numbers. */
export const sePersonnummer = (random: Random): string => {
  const date = birth(random);
  const serial = String(between(random, 980, 999));
  return `${date}-${serial}${luhnDigit(date + serial)}`;
};

/** Serials from 900 on are never given to people. */
export const fiHetu = (random: Random): string => {
  const date = day(random) + month(random) + year(random);
  const serial = String(between(random, 900, 999));
  return `${date}-${serial}${'0123456789ABCDEFHJKLMNPRSTUVWXY'.charAt(Number(date + serial) % 31)}`;
};

export const nlBsn = (random: Random): string => {
  const number = withCheck(random, '9#######', (body) => {
    // The eleven test: the last digit counts -1.
    const check = weigh(body, [9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    return check === 10 ? null : check;
  });
  return `BSN ${number}`;
};

const brazilianDigit = (body: string, weights: readonly number[]): number => {
  const rest = weigh(body, weights) % 11;
  return rest < 2 ? 0 : 11 - rest;
};

export const brCpf = (random: Random): string => {
  const body = fill(random, '#########');
  const first = `${body}${brazilianDigit(body, [10, 9, 8, 7, 6, 5, 4, 3, 2])}`;
  const number = `${first}${brazilianDigit(first, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2])}`;
  return `${group(number, [3, 3, 3], '.')}-${number.slice(9)}`;
};

export const brCnpj = (random: Random): string => {
  const body = fill(random, '########0001');
  const first = `${body}${brazilianDigit(body, [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])}`;
  const number = `${first}${brazilianDigit(first, [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])}`;
  return `${group(number, [2, 3, 3], '.')}/${number.slice(8, 12)}-${number.slice(12)}`;
};

export const zaId = (random: Random): string => {
  const body = `${birth(random)}${fill(random, '####')}08`;
  return `ID number ${body}${luhnDigit(body)}`;
};

export const krRrn = (random: Random): string => {
  const body = `${birth(random)}${between(random, 1, 2)}${fill(random, '#####')}`;
  const check = (11 - (weigh(body, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11)) % 10;
  return `${body.slice(0, 6)}-${body.slice(6)}${check}`;
};

export const sgNric = (random: Random): string => {
  const body = fill(random, '#######');
  return `S${body}${'JZIHGFEDCBA'.charAt(weigh(body, [2, 7, 6, 5, 4, 3, 2]) % 11)}`;
};

/** 990101 is no district of China. */
export const cnId = (random: Random): string => {
  const body = `99010119${birth(random)}${fill(random, '###')}`;
  return body + mod112Digit(body);
};

/** India's tax number of a firm: state, PAN, a count, Z, and a check character in base 36. */
export const inGstin = (random: Random): string => {
  const alphabet = (digits + lowerLetters).toUpperCase();
  const body = `${fill(random, `2${between(random, 1, 9)}AAAPA####A`)}1Z`;
  const sum = [...body].reduce((total, character, index) => {
    const product = alphabet.indexOf(character) * (index % 2 === 0 ? 1 : 2);
    return total + Math.floor(product / 36) + (product % 36);
  }, 0);
  return body + alphabet.charAt((36 - (sum % 36)) % 36);
};

export const auMedicare = (random: Random): string => {
  const body = between(random, 2, 6) + draw(random, digits, 7);
  const check = weigh(body, [1, 3, 7, 9, 1, 3, 7, 9]) % 10;
  return `Medicare number ${group(`${body}${check}1`, [4, 5, 1], ' ')}`;
};

/** Of CMS: C is 1 to 9, A a letter but S L O I B Z, N a digit: CANN-ANN-AANN with A/N at third and sixth place. */
export const usMbi = (random: Random): string => {
  const letter = (count: number): string => draw(random, 'ACDEFGHJKMNPQRTUVWXY', count);
  return `MBI ${between(random, 1, 9)}${letter(1)}${fill(random, '##')}-${letter(1)}${fill(random, '##')}-${letter(2)}${fill(random, '##')}`;
};

export const usPassport = (random: Random): string => `passport number ${fill(random, 'A########')}`;

export const usDriverLicence = (random: Random): string => `driver license ${fill(random, 'A#######')}`;
