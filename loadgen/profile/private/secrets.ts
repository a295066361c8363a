// Keys and tokens in the forms that their issuers give them, with a mark of being made up where the alphabet has room
// for it. They are put together from prefix and random tail, so that nothing in this file is a whole key.
import { crc32 } from 'node:zlib';
import { crcTail } from './checksums.ts';
import { urlCredentials } from './contact.ts';
import {
  base62,
  base64url,
  between,
  digits,
  draw,
  lowerHex,
  lowerLetters,
  pick,
  type Random,
  upperLetters,
} from './draw-text.ts';

const base32 = `${upperLetters}234567`;
const base64 = `${base62}+/`;

/** A tail of so many characters that says what it is. */
const tail = (random: Random, alphabet: string, length: number): string => {
  const mark = alphabet.includes('f') && alphabet.includes('k') ? 'fake' : alphabet.includes('K') ? 'FAKE' : '';
  return mark + draw(random, alphabet, length - mark.length);
};

const hex = (random: Random, length: number): string => `fa4e${draw(random, lowerHex, length - 4)}`;

const uuid = (random: Random): string =>
  `${hex(random, 8)}-${draw(random, lowerHex, 4)}-4${draw(random, lowerHex, 3)}-a${draw(random, lowerHex, 3)}-${draw(random, lowerHex, 12)}`;

/** 30 characters and the CRC-32 of them. */
const withCrc = (random: Random, prefix: string): string => {
  const body = tail(random, base62, 30);
  return prefix + body + crcTail(crc32(body));
};

const base64Json = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const jwt = (random: Random): string => {
  const issued = between(random, 1_790_000_000, 1_799_000_000);
  const claims = {
    iss: 'https://id.example.com',
    sub: `fake|${draw(random, digits, 9)}`,
    iat: issued,
    exp: issued + 3600,
  };
  return `${base64Json({ alg: 'HS256', typ: 'JWT' })}.${base64Json(claims)}.${tail(random, base64url, 43)}`;
};

const pemBody = (random: Random, lines: number): readonly string[] =>
  Array.from({ length: lines }, (_, index) =>
    index === 0 ? `MII${tail(random, base64, 61)}` : draw(random, base64, 64),
  );

const pem = (random: Random, kind: string): string =>
  [`-----BEGIN ${kind}-----`, ...pemBody(random, between(random, 4, 16)), `-----END ${kind}-----`].join('\n');

const privateKey = (random: Random): string => {
  const text = pem(random, `${pick(random, ['', 'RSA ', 'EC ', 'OPENSSH ', 'ENCRYPTED '])}PRIVATE KEY`);
  // As it stands in a JSON file of a cloud: one line with \n written out.
  return between(random, 0, 2) === 0 ? text.replaceAll('\n', '\\n') : text;
};

const serviceAccount = (random: Random): string =>
  JSON.stringify({
    type: 'service_account',
    project_id: 'fake-project',
    private_key_id: hex(random, 40),
    private_key: `${pem(random, 'PRIVATE KEY')}\n`,
    client_email: 'robot@fake-project.iam.example.com',
  });

const basicAuth = (random: Random): string =>
  `Basic ${Buffer.from(new URL(urlCredentials(random)).href.slice(8).split('@')[0] as string).toString('base64')}`;

const slack = (random: Random): string =>
  pick(random, [
    () => `xoxb-${draw(random, '123456789', 12)}-${draw(random, '123456789', 12)}-${tail(random, base62, 24)}`,
    () => `xoxp-${[12, 12, 12].map((length) => draw(random, '123456789', length)).join('-')}-${hex(random, 32)}`,
  ])();

/** The marker is "OpenAI" in base 64. */
const openai = (random: Random, kind: string, side: number): string =>
  `sk-${kind}${tail(random, kind === '' ? base62 : base64url, side)}T3BlbkFJ${draw(random, kind === '' ? base62 : base64url, side)}`;

export const secretKinds: Readonly<Record<string, (random: Random) => string>> = {
  aws_access_key_id: (random) => pick(random, ['AKIA', 'ASIA']) + tail(random, base32, 16),
  aws_secret_key: (random) => `aws_secret_access_key = ${tail(random, base64, 40)}`,
  bedrock_api_key: (random) => `ABSK${tail(random, base64, 128)}`,
  gcp_api_key: (random) => `AIza${tail(random, base64url, 35)}`,
  gcp_service_account: serviceAccount,
  gemini_url_key: (random) =>
    `https://generative.example.com/v1beta/models/gemini:generateContent?key=AIza${tail(random, base64url, 35)}`,
  azure_ad_secret: (random) =>
    `${draw(random, base62, 3)}${draw(random, digits, 1)}Q~${tail(random, base62, between(random, 31, 34))}`,
  azure_storage_key: (random) =>
    `DefaultEndpointsProtocol=https;AccountName=fakestore;AccountKey=${tail(random, base64, 86)}==;EndpointSuffix=core.example.net`,
  openai_key: (random) => openai(random, '', 20),
  openai_project_key: (random) => openai(random, pick(random, ['proj-', 'svcacct-', 'admin-']), pick(random, [58, 74])),
  anthropic_key: (random) => `sk-ant-${pick(random, ['api03', 'admin01'])}-${tail(random, base64url, 93)}AA`,
  groq_key: (random) => `gsk_${tail(random, base62, 52)}`,
  huggingface_token: (random) => `hf_${tail(random, lowerLetters + upperLetters, 34)}`,
  perplexity_key: (random) => `pplx-${tail(random, base62, 48)}`,
  cohere_key: (random) => `COHERE_API_KEY=${tail(random, base62, 40)}`,
  langfuse_key: (random) => `${pick(random, ['sk', 'pk'])}-lf-${uuid(random)}`,
  langsmith_key: (random) => `lsv2_${pick(random, ['pt', 'sk'])}_${hex(random, 32)}_${draw(random, lowerHex, 10)}`,
  replicate_token: (random) => `r8_${tail(random, base62, 37)}`,
  github_token: (random) => withCrc(random, pick(random, ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'])),
  github_fine_grained: (random) => `github_pat_${tail(random, base62, 22)}_${draw(random, base62, 59)}`,
  gitlab_token: (random) => `glpat-${tail(random, base64url, 20)}`,
  npm_token: (random) => withCrc(random, 'npm_'),
  pypi_token: (random) => `pypi-AgEIcHlwaS5vcmc${tail(random, base64url, 100)}`,
  slack_token: slack,
  slack_webhook: (random) =>
    `https://hooks.slack.com/services/T${tail(random, upperLetters + digits, 9)}/B${draw(random, upperLetters + digits, 10)}/${draw(random, base62, 24)}`,
  stripe_key: (random) => `${pick(random, ['sk', 'rk'])}_${pick(random, ['test', 'live'])}_${tail(random, base62, 24)}`,
  sendgrid_key: (random) => `SG.${tail(random, base64url, 22)}.${draw(random, base64url, 43)}`,
  twilio_key: (random) => `TWILIO_API_KEY=SK${hex(random, 32)}`,
  databricks_token: (random) => `dapi${hex(random, 32)}`,
  shopify_token: (random) => `shpat_${hex(random, 32)}`,
  notion_token: (random) => `ntn_${draw(random, digits, 11)}${tail(random, base62, 35)}`,
  linear_key: (random) => `lin_api_${tail(random, lowerLetters + digits, 40)}`,
  telegram_token: (random) => `${draw(random, '123456789', 10)}:AA${tail(random, base64url, 33)}`,
  datadog_key: (random) => `DD_API_KEY=${hex(random, 32)}`,
  grafana_token: (random) => `glsa_${tail(random, base62, 32)}_${draw(random, lowerHex, 8)}`,
  vault_token: (random) => `hvs.${tail(random, base64url, 95)}`,
  jwt,
  private_key: privateKey,
  pgp_private_key: (random) => pem(random, 'PGP PRIVATE KEY BLOCK'),
  bearer_header: (random) => `Authorization: Bearer ${tail(random, base64url, 48)}`,
  basic_header: (random) => `Authorization: ${basicAuth(random)}`,
  api_key_header: (random) => `x-api-key: ${tail(random, base62, 40)}`,
  cookie_header: (random) => `Cookie: session_id=${tail(random, base62, 32)}; theme=dark`,
  generic_secret: (random) =>
    `${pick(random, ['password', 'client_secret', 'auth_token'])}: "${tail(random, base64url, 24)}"`,
};

/** The tail is not the checksum of the rest. */
export const brokenGithubToken = (random: Random): string => {
  const token = withCrc(random, 'ghp_');
  const last = token.charAt(token.length - 1);
  return token.slice(0, -1) + (last === 'z' ? '0' : base62.charAt(base62.indexOf(last) + 1));
};
