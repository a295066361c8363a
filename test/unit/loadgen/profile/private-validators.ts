// Checks of private data as a receiver makes them: a whole number is tested, where the generators compute what is missing.
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { crc32 } from 'node:zlib';
import { mixedCase } from '../../../../loadgen/profile/private/addresses.ts';

const onlyDigits = (text: string): number[] => [...text.replaceAll(/\D/g, '')].map(Number);
const dot = (values: readonly number[], weights: readonly number[]): number =>
  weights.reduce((sum, weight, index) => sum + weight * (values[index] ?? Number.NaN), 0);
const number = (values: readonly number[]): bigint => BigInt(values.join(''));

const luhn = (text: string): boolean =>
  onlyDigits(text)
    .toReversed()
    .reduce((sum, value, index) => sum + (index % 2 === 0 ? value : ([0, 2, 4, 6, 8, 1, 3, 5, 7, 9][value] ?? 0)), 0) %
    10 ===
  0;

const card = (text: string): boolean =>
  /^(?:\d[ -]?){12,18}\d$/.test(text) && /^[3-6]|^2[2-7]/.test(text) && luhn(text);

export const ibanLengths: Record<string, number> = {
  DE: 22,
  GB: 22,
  NL: 18,
  AT: 20,
  CH: 21,
  IE: 22,
  LU: 20,
  SA: 24,
  CY: 28,
};
const iban = (text: string): boolean => {
  if (!/^[A-Z]{2}\d{2}[A-Z0-9 ]+$/.test(text)) return false;
  const plain = text.replaceAll(' ', '');
  const turned = plain.slice(4) + plain.slice(0, 4);
  const value = BigInt([...turned].map((character) => Number.parseInt(character, 36)).join(''));
  return plain.length === ibanLengths[plain.slice(0, 2)] && value % 97n === 1n;
};

const verhoeffTables = (() => {
  const d = Array.from({ length: 10 }, (_, i) =>
    Array.from({ length: 10 }, (_, j) => {
      if (i < 5) return j < 5 ? (i + j) % 5 : ((i + j - 5) % 5) + 5;
      return j < 5 ? ((i - 5 - j + 5) % 5) + 5 : (i - j + 5) % 5;
    }),
  );
  const p = [Array.from({ length: 10 }, (_, i) => i)];
  for (let row = 1; row < 8; row++) {
    p.push((p[row - 1] ?? []).map((value) => [1, 5, 7, 6, 2, 8, 3, 0, 9, 4][value] ?? 0));
  }
  return { d, p };
})();
const verhoeff = (text: string): boolean =>
  onlyDigits(text)
    .toReversed()
    .reduce((check, value, index) => verhoeffTables.d[check]?.[verhoeffTables.p[index % 8]?.[value] ?? 0] ?? 0, 0) ===
  0;

const ssn = (text: string): boolean => {
  const match = /^(\d{3})([- ])(\d{2})\2(\d{4})$/.exec(text);
  return match !== null && !/^(?:000|666|9..)$/.test(match[1] ?? '') && match[3] !== '00' && match[4] !== '0000';
};

const nhs = (text: string): boolean =>
  /^\d{3} ?\d{3} ?\d{4}$/.test(text) && dot(onlyDigits(text), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0;

const base62Value = (text: string): bigint =>
  [...text].reduce(
    (value, character) =>
      value * 62n + BigInt('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'.indexOf(character)),
    0n,
  );
const crcToken = (text: string): boolean => {
  const match = /^(?:gh[pousr]|npm)_([0-9A-Za-z]{30})([0-9A-Za-z]{6})$/.exec(text);
  return match !== null && base62Value(match[2] ?? '') === BigInt(crc32(match[1] ?? ''));
};

const sha = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const base58 = (text: string): boolean => {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  const value = [...text].reduce((sum, character) => sum * 58n + BigInt(alphabet.indexOf(character)), 0n);
  const bytes = Buffer.from(value.toString(16).padStart(50, '0'), 'hex');
  return (
    bytes.length === 25 &&
    sha(sha(bytes.subarray(0, 21)))
      .subarray(0, 4)
      .equals(bytes.subarray(21))
  );
};
/** The remainder of a polynomial over GF(32), as BIP 173 gives it. */
const bech32 = (text: string): boolean => {
  const values = [...text.slice(3)].map((character) => 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'.indexOf(character));
  let check = 1n;
  for (const value of [3, 3, 0, 2, 3, ...values]) {
    const top = check >> 25n;
    check = ((check & 0x1ffffffn) << 5n) ^ BigInt(value);
    for (const [bit, term] of [0x3b6a57b2n, 0x26508e6dn, 0x1ea119fan, 0x3d4233ddn, 0x2a1462b3n].entries()) {
      if ((top >> BigInt(bit)) & 1n) check ^= term;
    }
  }
  return text.length === 42 && !values.includes(-1) && check === 1n;
};
const bitcoin = (text: string): boolean => (text.startsWith('bc1') ? bech32(text) : /^[13]/.test(text) && base58(text));
const ethereum = (text: string): boolean =>
  /^0x[0-9a-fA-F]{40}$/.test(text) && mixedCase(text.slice(2).toLowerCase()) === text.slice(2);

const jwt = (text: string): boolean => {
  const parts = text.split('.');
  if (parts.length !== 3 || !text.startsWith('ey')) return false;
  const decode = (part: string | undefined): unknown => JSON.parse(Buffer.from(part ?? '', 'base64url').toString());
  try {
    const header = decode(parts[0]);
    return typeof header === 'object' && header !== null && 'alg' in header && typeof decode(parts[1]) === 'object';
  } catch {
    return false;
  }
};

const withPassword = (text: string): boolean =>
  URL.canParse(text) && new URL(text).password !== '' && new URL(text).host !== '';

/** ISO 7064 MOD 11,10 over all eleven digits leaves 1. */
const mod1110 = (text: string): boolean => {
  const values = onlyDigits(text);
  const product = values.slice(0, -1).reduce((previous, value) => (((previous + value) % 10 || 10) * 2) % 11, 10);
  return (product + (values.at(-1) ?? 0)) % 10 === 1;
};
const deTaxId = (text: string): boolean => {
  const values = onlyDigits(text);
  return values.length === 11 && values[0] !== 0 && new Set(values.slice(0, 10)).size === 9 && mod1110(text);
};

const spanish = (text: string): boolean => {
  const value = Number(text.slice(0, -1).replace(/^[XYZ]/, (lead) => String('XYZ'.indexOf(lead))));
  return /^[XYZ\d]\d{7}[A-Z]$/.test(text) && 'TRWAGMYFPDXBNJZSQVHLCKE'[value % 23] === text.at(-1);
};

/** Values at odd places, 0 to 9 and A to Z, as the Italian ministry prints them. */
const italianOdd = '1 0 5 7 9 13 15 17 19 21 1 0 5 7 9 13 15 17 19 21 2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23';
const italian = (text: string): boolean => {
  const odd = italianOdd.split(' ').map(Number);
  const sum = [...text.slice(0, 15)].reduce((total, character, index) => {
    const place = Number.parseInt(character, 36);
    return total + (index % 2 === 0 ? (odd[place] ?? 0) : place < 10 ? place : place - 10);
  }, 0);
  const shape = /^[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]$/;
  return shape.test(text) && String.fromCharCode(65 + (sum % 26)) === text[15];
};

const cpf = (text: string): boolean => {
  const values = onlyDigits(text);
  const check = (count: number): boolean => {
    const sum = values.slice(0, count).reduce((total, value, index) => total + value * (count + 1 - index), 0);
    return ((sum * 10) % 11) % 10 === values[count];
  };
  return /^\d{3}\.\d{3}\.\d{3}-\d{2}$/.test(text) && check(9) && check(10);
};
const cnpj = (text: string): boolean => {
  const values = onlyDigits(text);
  const check = (count: number): boolean => {
    const turned = values.slice(0, count).toReversed();
    const sum = turned.reduce((total, value, index) => total + value * (2 + (index % 8)), 0);
    return ((sum * 10) % 11) % 10 === values[count];
  };
  return /^\d{2}\.\d{3}\.\d{3}\/\d{4}-\d{2}$/.test(text) && check(12) && check(13);
};
const gstin = (text: string): boolean => {
  const sum = [...text].toReversed().reduce((total, character, index) => {
    const product = Number.parseInt(character, 36) * (index % 2 === 0 ? 1 : 2);
    return total + Math.floor(product / 36) + (product % 36);
  }, 0);
  return /^\d{2}[A-Z]{5}\d{4}[A-Z]\dZ[0-9A-Z]$/.test(text) && sum % 36 === 0;
};
const svnr = (text: string): boolean => {
  const match = /^(\d{8})([A-Z])(\d{2})(\d)$/.exec(text);
  if (match === null) return false;
  const letter = String(Number.parseInt(match[2] ?? '', 36) - 9).padStart(2, '0');
  const digitSum = (value: number): number => (value > 9 ? value - 9 : value);
  const products = onlyDigits(`${match[1]}${letter}${match[3]}`).map((value, index) => {
    const product = value * ([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1][index] ?? 0);
    return product > 18 ? Math.floor(product / 10) + (product % 10) : digitSum(product);
  });
  return products.reduce((sum, value) => sum + value, 0) % 10 === Number(match[4]);
};
const abn = (text: string): boolean => {
  const values = onlyDigits(text);
  const first = [(values[0] ?? 0) - 1, ...values.slice(1)];
  return values.length === 11 && dot(first, [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) % 89 === 0;
};
const nir = (text: string): boolean => {
  const values = onlyDigits(text);
  return values.length === 15 && 97n - (number(values.slice(0, 13)) % 97n) === number(values.slice(13));
};
const cn = (text: string): boolean => {
  const values = [...text].map((character) => (character === 'X' ? 10 : Number(character)));
  const sum = values.reduce((total, value, index) => total + value * (2 ** (17 - index) % 11), 0);
  return /^\d{17}[\dX]$/.test(text) && sum % 11 === 1;
};
const hetu = (text: string): boolean => {
  const match = /^(\d{6})-(9\d{2})([0-9A-Y])$/.exec(text);
  return match !== null && '0123456789ABCDEFHJKLMNPRSTUVWXY'[Number(`${match[1]}${match[2]}`) % 31] === match[3];
};
const serviceAccount = (text: string): boolean => {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && 'private_key_id' in value && 'private_key' in value;
};
const basic = (text: string): boolean =>
  /^[a-z]+:fake-/.test(Buffer.from(text.replace('Authorization: Basic ', ''), 'base64').toString());
const pem =
  (kind: string) =>
  (text: string): boolean =>
    new RegExp(`^-----BEGIN ${kind}-----\\n(?:[A-Za-z0-9+/]{64}\\n){4,}-----END ${kind}-----$`).test(
      text.replaceAll('\\n', '\n'),
    );

interface Rule {
  /** Where the rule is to look: the form of a whole one, without anchors. */
  readonly shape: RegExp;
  readonly valid?: (text: string) => boolean;
}

const rules: Readonly<Record<string, Rule>> = {
  credit_card: { shape: /(?:\d[ -]?){12,18}\d/, valid: card },
  iban: { shape: /[A-Z]{2}\d{2}(?: ?[A-Z0-9]){14,30}/, valid: iban },
  aba_routing: {
    shape: /routing number \d{9}/,
    valid: (text) => dot(onlyDigits(text), [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0,
  },
  swift_bic: { shape: /SWIFT code [A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?/ },
  bitcoin_address: { shape: /bc1[a-z0-9]{39}|[13][1-9A-HJ-NP-Za-km-z]{25,34}/, valid: bitcoin },
  ethereum_address: { shape: /0x[0-9a-fA-F]{40}/, valid: ethereum },
  us_ssn: { shape: /\d{3}([- ])\d{2}\1\d{4}/, valid: ssn },
  us_itin: { shape: /9\d{2}-(?:7\d|8[0-8])-\d{4}/ },
  us_npi: { shape: /NPI 1\d{9}/, valid: (text) => luhn(`80840${text.slice(4)}`) },
  us_dea: {
    shape: /DEA number [A-Z]{2}\d{7}/,
    valid: (text) => {
      const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, check] = onlyDigits(text);
      return (a + c + e + 2 * (b + d + f)) % 10 === check;
    },
  },
  us_mbi: { shape: /MBI [1-9][AC-HJKMNP-RT-Y]\d\d-[AC-HJKMNP-RT-Y]\d{2}-[AC-HJKMNP-RT-Y]{2}\d{2}/ },
  us_passport: { shape: /passport number [A-Z]\d{8}/ },
  us_driver_licence: { shape: /driver license [A-Z]\d{7}/ },
  uk_nhs: { shape: /\d{3} ?\d{3} ?\d{4}/, valid: nhs },
  uk_nino: { shape: /(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] \d{2} \d{2} \d{2} [A-D]/ },
  ca_sin: { shape: /[1-79]\d{2}([ -])\d{3}\1\d{3}/, valid: luhn },
  au_tfn: {
    shape: /TFN \d{3} \d{3} \d{3}/,
    valid: (text) => dot(onlyDigits(text), [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0,
  },
  au_abn: { shape: /ABN \d{2} \d{3} \d{3} \d{3}/, valid: abn },
  au_medicare: {
    shape: /Medicare number [2-6]\d{3} \d{5} \d/,
    valid: (text) => dot(onlyDigits(text), [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === onlyDigits(text)[8],
  },
  in_aadhaar: { shape: /[2-9]\d{3}([ -])\d{4}\1\d{4}/, valid: verhoeff },
  in_pan: { shape: /PAN [A-Z]{3}P[A-Z]\d{4}[A-Z]/ },
  in_gstin: { shape: /\d{2}[A-Z]{5}\d{4}[A-Z]\dZ[0-9A-Z]/, valid: gstin },
  fr_nir: { shape: /[12] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}/, valid: nir },
  de_tax_id: { shape: /Steuer-ID \d{2} \d{3} \d{3} \d{3}/, valid: deTaxId },
  de_svnr: { shape: /\d{8}[A-Z]\d{3}/, valid: svnr },
  it_fiscal_code: { shape: /[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]/, valid: italian },
  es_nif: { shape: /\d{8}[A-Z]/, valid: spanish },
  es_nie: { shape: /[XYZ]\d{7}[A-Z]/, valid: spanish },
  pl_pesel: {
    shape: /PESEL \d{11}/,
    valid: (text) => dot(onlyDigits(text), [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0,
  },
  se_personnummer: { shape: /\d{6}-\d{4}/, valid: luhn },
  fi_hetu: { shape: /\d{6}-9\d{2}[0-9A-Y]/, valid: hetu },
  nl_bsn: { shape: /BSN \d{9}/, valid: (text) => dot(onlyDigits(text), [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0 },
  br_cpf: { shape: /\d{3}\.\d{3}\.\d{3}-\d{2}/, valid: cpf },
  br_cnpj: { shape: /\d{2}\.\d{3}\.\d{3}\/\d{4}-\d{2}/, valid: cnpj },
  za_id: { shape: /ID number \d{13}/, valid: luhn },
  kr_rrn: {
    shape: /\d{6}-[12]\d{6}/,
    valid: (text) =>
      (11 - (dot(onlyDigits(text), [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11)) % 10 === onlyDigits(text)[12],
  },
  sg_nric: {
    shape: /S\d{7}[A-JZ]/,
    valid: (text) => 'JZIHGFEDCBA'[dot(onlyDigits(text), [2, 7, 6, 5, 4, 3, 2]) % 11] === text.at(-1),
  },
  cn_id: { shape: /\d{17}[\dX]/, valid: cn },
  email: { shape: /[\w.+']+@(?:[a-z]+\.)?example\.(?:com|org|net)/ },
  // Ranges for fiction of the US, the UK, France, Germany and Australia.
  phone: {
    shape:
      /(?:\+1[ -])?\(?\d{3}\)?[ -]555[- ]01\d\d|\+44 (?:20 7946|161 496) 0\d{3}|\+33 1 99 00 \d\d \d\d|06 39 98 \d\d \d\d|\+49 30 23125 \d{3}|\+61 2 5550 \d{4}/,
  },
  ipv4: {
    shape: /(?:\d{1,3}\.){3}\d{1,3}/,
    valid: (text) => isIP(text) === 4 && /^(?:192\.0\.2|198\.51\.100|203\.0\.113)\./.test(text),
  },
  ipv6: { shape: /2001:db8:[0-9a-f:]+/, valid: (text) => isIP(text) === 6 },
  mac: { shape: /00([:-])00\1(?:5e|5E)\1(?:00)\1(?:53)\1[0-9a-fA-F]{2}/ },
  url_credentials: { shape: /https:\/\/[^\s"\\]+/, valid: withPassword },
  connection_string: {
    shape: /[a-z+]+:\/\/[^\s"\\]+|Server=[^"\n]+;/,
    valid: (text) => (withPassword(text) && !text.startsWith('http')) || /;Password=[^;]{8,};/.test(text),
  },
  aws_access_key_id: { shape: /A[KS]IA[A-Z2-7]{16}/, valid: (text) => !text.endsWith('EXAMPLE') },
  aws_secret_key: { shape: /aws_secret_access_key = [A-Za-z0-9+/]{40}/ },
  bedrock_api_key: { shape: /ABSK[A-Za-z0-9+/]{109,269}/ },
  gcp_api_key: { shape: /AIza[\w-]{35}/ },
  gcp_service_account: { shape: /\{"type":"service_account".*?\}/, valid: serviceAccount },
  gemini_url_key: { shape: /https:\/\/[^\s"\\]+[?&]key=AIza[\w-]{35}/ },
  azure_ad_secret: { shape: /[\w~.]{3}\dQ~[\w~.-]{31,34}/ },
  azure_storage_key: { shape: /DefaultEndpoints[^"\n]*;AccountKey=[A-Za-z0-9+/]{86}==;EndpointSuffix=[a-z.]+/ },
  openai_key: { shape: /sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}/ },
  openai_project_key: { shape: /sk-(?:proj|svcacct|admin)-(?:[\w-]{74}|[\w-]{58})T3BlbkFJ(?:[\w-]{74}|[\w-]{58})/ },
  anthropic_key: { shape: /sk-ant-(?:api03|admin01)-[\w-]{93}AA/ },
  groq_key: { shape: /gsk_[A-Za-z0-9]{52}/ },
  huggingface_token: { shape: /hf_[A-Za-z]{34}/ },
  perplexity_key: { shape: /pplx-[A-Za-z0-9]{48}/ },
  cohere_key: { shape: /COHERE_API_KEY=[A-Za-z0-9]{40}/ },
  langfuse_key: { shape: /[sp]k-lf-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/ },
  langsmith_key: { shape: /lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}/ },
  replicate_token: { shape: /r8_[A-Za-z0-9]{37}/ },
  github_token: { shape: /gh[pousr]_[0-9A-Za-z]{36}/, valid: crcToken },
  github_fine_grained: { shape: /github_pat_\w{82}/ },
  gitlab_token: { shape: /glpat-[\w-]{20}/ },
  npm_token: { shape: /npm_[0-9A-Za-z]{36}/, valid: crcToken },
  pypi_token: { shape: /pypi-AgEIcHlwaS5vcmc[\w-]{50,}/ },
  slack_token: { shape: /xoxb-\d{12}-\d{12}-\w{24}|xoxp(?:-\d{12}){3}-\w{32}/ },
  slack_webhook: { shape: /https:\/\/hooks\.slack\.com\/services\/[A-Za-z0-9+/]{43,56}/ },
  stripe_key: { shape: /[sr]k_(?:test|live)_[A-Za-z0-9]{24}/ },
  sendgrid_key: { shape: /SG\.[\w-]{22}\.[\w-]{43}/ },
  twilio_key: { shape: /TWILIO_API_KEY=SK[0-9a-f]{32}/ },
  databricks_token: { shape: /dapi[0-9a-f]{32}/ },
  shopify_token: { shape: /shpat_[0-9a-f]{32}/ },
  notion_token: { shape: /ntn_\d{11}[A-Za-z0-9]{35}/ },
  linear_key: { shape: /lin_api_[a-z0-9]{40}/ },
  telegram_token: { shape: /\d{10}:A[\w-]{34}/ },
  datadog_key: { shape: /DD_API_KEY=[0-9a-f]{32}/ },
  grafana_token: { shape: /glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}/ },
  vault_token: { shape: /hvs\.[\w-]{90,120}/ },
  jwt: { shape: /ey[\w-]+\.[\w-]+\.[\w-]+/, valid: jwt },
  private_key: {
    shape: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[^-]+-----END (?:[A-Z]+ )?PRIVATE KEY-----/,
    valid: pem('(?:RSA |EC |OPENSSH |ENCRYPTED )?PRIVATE KEY'),
  },
  pgp_private_key: {
    shape: /-----BEGIN PGP PRIVATE KEY BLOCK-----[^-]+-----END PGP PRIVATE KEY BLOCK-----/,
    valid: pem('PGP PRIVATE KEY BLOCK'),
  },
  bearer_header: { shape: /Authorization: Bearer [\w-]{48}/ },
  basic_header: { shape: /Authorization: Basic [A-Za-z0-9+/]+=*/, valid: basic },
  api_key_header: { shape: /x-api-key: \w{40}/ },
  cookie_header: { shape: /Cookie: session_id=\w{32}; theme=dark/ },
  generic_secret: { shape: /(?:password|client_secret|auth_token): "[\w-]{24}"/ },
};

/** Kinds that have a check. */
export const checkedKinds: readonly string[] = Object.keys(rules).toSorted();

const ruleOf = (kind: string): Rule => {
  const rule = rules[kind];
  if (rule === undefined) throw new RangeError(`no check for ${kind}`);
  return rule;
};

const whole = new Map<string, RegExp>(
  checkedKinds.map((kind) => [kind, new RegExp(`^(?:${ruleOf(kind).shape.source})$`)]),
);
const within = new Map<string, RegExp>(checkedKinds.map((kind) => [kind, new RegExp(ruleOf(kind).shape.source, 'g')]));

/** Whether the text is of this kind, form and check digits. */
export const isOfKind = (kind: string, text: string): boolean => {
  const { valid } = ruleOf(kind);
  return whole.get(kind)?.test(text) === true && valid?.(text) !== false;
};

/** Whether the text has one of this kind in it. */
export const holdsKind = (kind: string, text: string): boolean => {
  const { valid } = ruleOf(kind);
  for (const [match] of text.matchAll(within.get(kind) ?? /$^/g)) if (valid?.(match) !== false) return true;
  return false;
};
