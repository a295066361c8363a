import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import { nearMiss, nearMissKinds, privateKinds, privateText } from '../../../../loadgen/profile/private-data.ts';
import { checkedKinds, ibanLengths, isOfKind } from './private-validators.ts';

// The validators here test a whole number, the way a receiver does; the generators compute what is missing. Where an
// issuer publishes an example, the validator is first held against it.

const seeded = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state ^ (state >>> 15)) >>> 0;
  };
};

test('the validators accept the published examples and refuse one wrong digit', () => {
  const examples: readonly (readonly [kind: string, right: string, wrong: string])[] = [
    ['credit_card', '4111 1111 1111 1111', '4111 1111 1111 1112'],
    ['credit_card', '3782-822463-10005', '3782-822463-10006'],
    ['iban', 'DE89 3704 0044 0532 0130 00', 'DE88 3704 0044 0532 0130 00'],
    ['in_aadhaar', '2345 6789 0124', '2345 6789 0125'],
    ['uk_nhs', '943 476 5919', '943 476 5918'],
    ['br_cpf', '111.444.777-35', '111.444.777-53'],
    ['br_cnpj', '11.222.333/0001-81', '11.222.333/0001-18'],
    ['it_fiscal_code', 'RSSMRA85T10A562S', 'RSSMRA85T10A562T'],
    ['es_nif', '12345678Z', '12345678A'],
    ['au_abn', 'ABN 51 824 753 556', 'ABN 51 824 753 557'],
    ['au_tfn', 'TFN 123 456 782', 'TFN 123 456 783'],
    ['nl_bsn', 'BSN 111222333', 'BSN 111222334'],
    ['pl_pesel', 'PESEL 44051401359', 'PESEL 44051401358'],
    ['cn_id', '11010519491231002X', '110105194912310021'],
    ['de_tax_id', 'Steuer-ID 86 095 742 719', 'Steuer-ID 86 095 742 718'],
    ['de_svnr', '15070649C103', '15070649C104'],
    ['in_gstin', '27AAPFU0939F1ZV', '27AAPFU0939F1ZW'],
    ['us_npi', 'NPI 1234567893', 'NPI 1234567894'],
    ['aba_routing', 'routing number 021000021', 'routing number 021000022'],
    ['se_personnummer', '811218-9876', '811218-9875'],
    ['za_id', 'ID number 8001015009087', 'ID number 8001015009088'],
    ['bitcoin_address', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb'],
    ['bitcoin_address', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5'],
    ['ethereum_address', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed'],
  ];
  for (const [kind, right, wrong] of examples) {
    assert.equal(isOfKind(kind, right), true, `${kind}: ${right}`);
    assert.equal(isOfKind(kind, wrong), false, `${kind}: ${wrong}`);
  }
});

test('every text of every private kind passes the check of its kind', () => {
  assert.deepEqual([...privateKinds].toSorted(), checkedKinds);
  const random = seeded(11);
  for (const kind of privateKinds) {
    for (let round = 0; round < 60; round++) {
      const text = privateText(kind, random);
      assert.ok(isOfKind(kind, text), `${kind}: ${text}`);
    }
  }
});

test('a kind of private data is drawn anew each time, and the same for the same random bits', () => {
  for (const kind of privateKinds) {
    const random = seeded(12);
    const texts = Array.from({ length: 30 }, () => privateText(kind, random));
    assert.ok(new Set(texts).size > 20, kind);
    assert.equal(privateText(kind, seeded(12)), texts[0]);
  }
});

test('cards come of several brands and in several groupings, IBANs of several countries', () => {
  const random = seeded(13);
  const cards = Array.from({ length: 400 }, () => privateText('credit_card', random));
  assert.deepEqual([...new Set(cards.map((text) => text.charAt(0)))].toSorted(), ['2', '3', '4', '5', '6']);
  assert.equal(new Set(cards.map((text) => text.replaceAll(/\d+/g, (run) => String(run.length)))).size, 9);
  const countries = Array.from({ length: 400 }, () => privateText('iban', random).slice(0, 2));
  assert.deepEqual([...new Set(countries)].toSorted(), Object.keys(ibanLengths).toSorted());
});

/** Rules that are looser than those of the kinds, but not careless. */
const finders: Readonly<Record<string, (text: string) => boolean>> = {
  ...Object.fromEntries(checkedKinds.map((kind) => [kind, (text: string) => isOfKind(kind, text)])),
  any_mail: (text) => /[\w.+-]+@[\w-]+\.[a-z]{2,}$/.test(text),
  any_public_ip: (text) => isIP(text) !== 0 && !/^(?:10\.|127\.|192\.168\.)/.test(text),
  any_phone: (text) => /^\+?\(?\d[\d ()-]{8,}\d$/.test(text),
};

/** Kinds that look like phone numbers to the loosest of the finders, and are told by their checksums or ranges. */
const digitsOnly = /^(?:card|iban|ssn|nhs|aadhaar)_|^epoch_|^coordinates$/;

test('no near miss passes the check of the kind that it resembles, nor of any other', () => {
  const random = seeded(14);
  for (const kind of nearMissKinds) {
    for (let round = 0; round < 200; round++) {
      const text = nearMiss(kind, random);
      for (const [finder, finds] of Object.entries(finders)) {
        if (finder === 'any_phone' && digitsOnly.test(kind)) continue;
        assert.equal(finds(text), false, `${kind}: ${text} is taken for ${finder}`);
      }
    }
  }
});

test('near misses with a wrong checksum have the form of the right ones', () => {
  const random = seeded(15);
  const forms: Record<string, RegExp> = {
    card_bad_luhn: /^[2-6]\d{3}[ -]?\d{4,6}[ -]?\d{4,5}[ -]?(?:\d{4})?$/,
    iban_bad_checksum: /^[A-Z]{2}\d{2}[A-Z0-9 ]{14,34}$/,
    ssn_never_issued: /^\d{3}-\d{2}-\d{4}$/,
    nhs_bad_checksum: /^\d{3} \d{3} \d{4}$/,
    aadhaar_bad_checksum: /^[2-9]\d{3} \d{4} \d{4}$/,
    github_bad_checksum: /^ghp_[A-Za-z0-9]{36}$/,
    bitcoin_bad_checksum: /^1[1-9A-HJ-NP-Za-km-z]{25,34}$/,
    ethereum_bad_checksum: /^0x[0-9a-fA-F]{40}$/,
    epoch_ms: /^17\d{11}$/,
    uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    aws_example_key: /^AKIA[A-Z0-9]{9}EXAMPLE$/,
  };
  for (const [kind, pattern] of Object.entries(forms)) {
    for (let round = 0; round < 50; round++) assert.match(nearMiss(kind, random), pattern, kind);
  }
});

test('any draws from all kinds, and an unknown kind is refused by name', () => {
  const random = seeded(16);
  const firsts = new Set(Array.from({ length: 2_000 }, () => privateText('any', random).slice(0, 4)));
  assert.ok(firsts.size > 200, `${firsts.size} beginnings`);
  assert.ok(new Set(Array.from({ length: 200 }, () => nearMiss('any', random))).size > 100);
  assert.throws(() => privateText('colour', random), /no such kind of text: colour/);
  assert.throws(() => nearMiss('colour', random), RangeError);
});

/** Digits in groups, as rules find them in a text, from the first of a group to the last of one. */
const cardLike = (text: string): string[] => {
  const found: string[] = [];
  for (const [run] of text.matchAll(/(?<![\dA-Za-z])\d+(?:[ -]\d+)*(?![\dA-Za-z])/g)) {
    const groups = run.split(/[ -]/);
    for (let from = 0; from < groups.length; from++) {
      for (let to = from + 1; to <= groups.length; to++) found.push(groups.slice(from, to).join(''));
    }
  }
  return found.filter((number) => number.length >= 12 && number.length <= 19 && /^[2-6]/.test(number));
};

/** Every second digit from the right doubled, and the digits of that added. */
const luhnSum = (number: string): number =>
  [...number].reverse().reduce((sum, digit, i) => {
    const value = Number(digit) * (1 + (i % 2));
    return sum + Math.floor(value / 10) + (value % 10);
  }, 0);

test('no near miss holds a number that is a card, also not by chance and in groups', () => {
  const random = seeded(31);
  let looked = 0;
  for (const kind of ['aadhaar_bad_checksum', 'iban_bad_checksum', 'card_bad_luhn', 'order_number', 'epoch_ns']) {
    for (let round = 0; round < 3000; round++) {
      const text = nearMiss(kind, random);
      for (const number of cardLike(text)) {
        looked++;
        assert.ok(luhnSum(number) % 10 !== 0, `${kind}: ${text} holds ${number}`);
      }
    }
  }
  assert.ok(looked > 5_000, `${looked} numbers`);
});
