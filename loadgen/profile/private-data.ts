// Texts that a redaction rule should find, and texts that it should not, by kind: what `private` and `near_miss` of a
// profile put into prompts. Nothing here belongs to anybody: documented test ranges where there are such, else random.
import { bitcoinAddress, ethereumAddress } from './private/addresses.ts';
import * as contact from './private/contact.ts';
import { pick, type Random } from './private/draw-text.ts';
import * as ids from './private/national-ids.ts';
import { nearMissTexts } from './private/near-misses.ts';
import * as payment from './private/payment.ts';
import { secretKinds } from './private/secrets.ts';

const privateTexts: Readonly<Record<string, (random: Random) => string>> = {
  credit_card: payment.creditCard,
  iban: payment.iban,
  aba_routing: payment.abaRouting,
  swift_bic: payment.swiftBic,
  bitcoin_address: bitcoinAddress,
  ethereum_address: ethereumAddress,
  us_ssn: ids.usSsn,
  us_itin: ids.usItin,
  us_npi: ids.usNpi,
  us_dea: ids.usDea,
  us_mbi: ids.usMbi,
  us_passport: ids.usPassport,
  us_driver_licence: ids.usDriverLicence,
  uk_nhs: ids.ukNhs,
  uk_nino: ids.ukNino,
  ca_sin: ids.caSin,
  au_tfn: ids.auTfn,
  au_abn: ids.auAbn,
  au_medicare: ids.auMedicare,
  in_aadhaar: ids.inAadhaar,
  in_pan: ids.inPan,
  in_gstin: ids.inGstin,
  fr_nir: ids.frNir,
  de_tax_id: ids.deTaxId,
  de_svnr: ids.deSvnr,
  it_fiscal_code: ids.itFiscalCode,
  es_nif: ids.esNif,
  es_nie: ids.esNie,
  pl_pesel: ids.plPesel,
  se_personnummer: ids.sePersonnummer,
  fi_hetu: ids.fiHetu,
  nl_bsn: ids.nlBsn,
  br_cpf: ids.brCpf,
  br_cnpj: ids.brCnpj,
  za_id: ids.zaId,
  kr_rrn: ids.krRrn,
  sg_nric: ids.sgNric,
  cn_id: ids.cnId,
  email: contact.email,
  phone: contact.phone,
  ipv4: contact.ipv4,
  ipv6: contact.ipv6,
  mac: contact.mac,
  url_credentials: contact.urlCredentials,
  connection_string: contact.connectionString,
  ...secretKinds,
};

/** Kinds that `privateText` knows, besides `any`. */
export const privateKinds: readonly string[] = Object.keys(privateTexts);

/** Kinds that `nearMiss` knows, besides `any`. */
export const nearMissKinds: readonly string[] = Object.keys(nearMissTexts);

const draw = (
  texts: Readonly<Record<string, (random: Random) => string>>,
  kinds: readonly string[],
  kind: string,
  random: Random,
): string => {
  const make = texts[kind === 'any' ? pick(random, kinds) : kind];
  if (make === undefined) throw new RangeError(`no such kind of text: ${kind}`);
  return make(random);
};

/**
 * A text that a rule for this kind of private data should find: `kind` is one of `privateKinds`, or `any`. Where rules
 * ask for a word of context ("routing number"), it stands before. `random` gives 32 unsigned bits a call.
 */
export const privateText = (kind: string, random: Random): string => draw(privateTexts, privateKinds, kind, random);

/** A text that resembles private data and is none: `kind` is one of `nearMissKinds`, or `any`. */
export const nearMiss = (kind: string, random: Random): string => draw(nearMissTexts, nearMissKinds, kind, random);
