// Check digits as the issuers publish them: each function takes what stands before and gives what must follow.

const digitAt = (text: string, index: number): number => text.charCodeAt(index) - 48;

/** Sum of digit times weight; the digits from the left, as many as there are weights. */
export const weigh = (text: string, weights: readonly number[]): number =>
  weights.reduce((sum, weight, index) => sum + weight * digitAt(text, index), 0);

/** ISO/IEC 7812-1 annex B: every second digit from the right is doubled, the sum ends in 0. */
export const luhnDigit = (text: string): string => {
  let sum = 0;
  for (let index = text.length - 1, double = true; index >= 0; index--, double = !double) {
    const value = digitAt(text, index) * (double ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return String((10 - (sum % 10)) % 10);
};

/** Remainder of a number of any length. */
export const remainder = (text: string, divisor: number): number => {
  let rest = 0;
  for (let index = 0; index < text.length; index++) rest = (rest * 10 + digitAt(text, index)) % divisor;
  return rest;
};

/** ISO 7064 MOD 97-10 as IBANs use it: the two check digits for a country and its account part. */
export const ibanDigits = (country: string, account: string): string => {
  const numeric = `${account}${country}00`.replaceAll(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));
  return String(98 - remainder(numeric, 97)).padStart(2, '0');
};

/** Multiplication in the dihedral group of order 10: 0 to 4 turn, 5 to 9 mirror. */
const dihedral = (left: number, right: number): number => {
  if (left < 5) return right < 5 ? (left + right) % 5 : 5 + ((left + right) % 5);
  return right < 5 ? 5 + ((left - right + 5) % 5) : (left - right + 10) % 5;
};

/** Verhoeff's permutation, applied as often as the digit's position from the right. */
const permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/** Verhoeff, Error Detecting Decimal Codes, 1969. */
export const verhoeffDigit = (text: string): string => {
  let check = 0;
  for (let position = 1; position <= text.length; position++) {
    let digit = digitAt(text, text.length - position);
    for (let times = position % 8; times > 0; times--) digit = permutation[digit] as number;
    check = dihedral(check, digit);
  }
  return String(check === 0 || check > 4 ? check : 5 - check);
};

/** ISO 7064 MOD 11,10 (hybrid). */
export const mod1110Digit = (text: string): string => {
  let product = 10;
  for (let index = 0; index < text.length; index++) {
    const sum = (digitAt(text, index) + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return String((11 - product) % 10);
};

/** ISO 7064 MOD 11-2: the sum of digit times 2^position leaves 1; 10 is written X. */
export const mod112Digit = (text: string): string => {
  let sum = 0;
  for (let index = 0; index < text.length; index++) sum = ((sum + digitAt(text, index)) * 2) % 11;
  const check = (12 - sum) % 11;
  return check === 10 ? 'X' : String(check);
};

/** Of CRC-32 (IEEE 802.3) in base 62, six characters: the tail of GitHub's and npm's tokens. */
export const crcTail = (crc: number): string => {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  let text = '';
  for (let rest = crc; text.length < 6; rest = Math.floor(rest / 62)) text = alphabet.charAt(rest % 62) + text;
  return text;
};
