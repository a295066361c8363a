// How each kind of near miss is recognised in a text that holds more.
import { isOfKind } from '../profile/private-validators.ts';

const form =
  (pattern: RegExp) =>
  (text: string): boolean =>
    pattern.test(text);

/** In the form of a kind of private data, but not valid. */
const broken =
  (pattern: RegExp, kind: string) =>
  (text: string): boolean =>
    [...text.matchAll(pattern)].some(([match]) => !isOfKind(kind, match));

export const nearMissForms: Readonly<Record<string, (text: string) => boolean>> = {
  card_bad_luhn: broken(/(?<![\w-])(?:4\d{3}|5[15]\d{2}|6[02]\d{2})(?:[ -]\d{4}){3}(?![\w-])/g, 'credit_card'),
  iban_bad_checksum: broken(
    /\b(?:DE|AT|CH|LU|SA|CY|GB|NL|IE)\d{2}(?: [A-Z0-9]{4}){3,6}(?: [A-Z0-9]{1,3})?(?= )/g,
    'iban',
  ),
  ssn_never_issued: form(/\b(?:000|666)-\d{2}-\d{4}\b|\b[1-6]\d{2}-00-\d{4}\b|\b[1-6]\d{2}-\d{2}-0000\b/),
  nhs_bad_checksum: broken(/\b999 \d{3} \d{4}\b/g, 'uk_nhs'),
  aadhaar_bad_checksum: broken(/(?<![\d -])[2-9]\d{3} \d{4} \d{4}(?![ -]?\d)/g, 'in_aadhaar'),
  github_bad_checksum: broken(/\bghp_[A-Za-z0-9]{36}\b/g, 'github_token'),
  bitcoin_bad_checksum: broken(/\b1[1-9A-HJ-NP-Za-km-z]{32,33}\b/g, 'bitcoin_address'),
  ethereum_bad_checksum: broken(/\b0x[0-9a-fA-F]{40}\b/g, 'ethereum_address'),
  epoch_ms: form(/\b17\d{11}\b/),
  epoch_ns: form(/\b1\d{18}\b/),
  timestamp: form(/\b2026-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/),
  uuid: form(/\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/),
  trace_id: form(/\btrace_id=[0-9a-f]{32}\b/),
  git_sha: form(/\bcommit [0-9a-f]{7,40}\b/),
  hex_hash: form(/\bsha256:[0-9a-f]{64}\b/),
  version: form(/\bv\d\.\d+\.\d+\.\d+\b/),
  private_ip: form(/\b(?:10\.\d+\.0\.\d+|192\.168\.1\.1\d|127\.0\.0\.1)\b/),
  order_number: form(/\border no\. \d{12}\b/),
  invoice_number: form(/\bINV-2026-\d\d-555-0\d\b/),
  phone_like: form(/\bpart no\. 0555-0\d{3}-\d\b/),
  tracking_id: form(/\b1Z[A-Z0-9]{6}\d{10}\b/),
  isbn: form(/\bISBN 978-0-/),
  coordinates: form(/\b\d\d\.\d{6}, -\d\d\.\d{6}\b/),
  aws_example_key: form(/\bAKIA[A-Z0-9]{9}EXAMPLE\b/),
  decorator: form(/@(?:property|dataclass|app\.route|Override|pytest)/),
  package_version: form(/@scope\/client@\d/),
  handle: form(/@(?:spanmill|release_bot|docs-team) in #general/),
  local_mail: form(/\b\w+@localhost\b/),
  base64_word: form(/\b(?:aGVsbG8gd29ybGQ|dGhlIHF1aWNr|bG9yZW0g)/),
  css_class: form(/\bsk-[a-z]+-[a-z]+\b/),
  library_name: form(/\bsk-learn \d/),
  dotted_word: form(/\beyJ-shirt\./),
  url_without_credentials: form(/\/\/(?:db\.example\.com:5432\/orders|example\.com\/a:b|cache:6379\/0)/),
  placeholder: form(/Bearer <token>|\$\{env:|os\.environ|sk-\.\.\.|=\$TOKEN|YOUR_API_KEY/),
  public_key: form(/-----BEGIN PUBLIC KEY-----/),
  request_id: form(/\breq_[A-Za-z0-9]{24}\b/),
  completion_id: form(/\bchatcmpl-[A-Za-z0-9]{29}\b/),
};
