// RFC 7541 appendix A: the 61 fields that both sides know from the start.

/** Name and value as latin1 text of their bytes. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

const namesWithoutValue = [
  'accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control',
  'content-disposition content-encoding content-language content-length content-location content-range content-type',
  'cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since',
  'last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after',
  'server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate',
];

/** By index minus one: section 2.3.3 counts from 1. Fields of one name stand next to each other. */
export const staticTable: readonly HeaderField[] = [
  { name: ':authority', value: '' },
  { name: ':method', value: 'GET' },
  { name: ':method', value: 'POST' },
  { name: ':path', value: '/' },
  { name: ':path', value: '/index.html' },
  { name: ':scheme', value: 'http' },
  { name: ':scheme', value: 'https' },
  ...['200', '204', '206', '304', '400', '404', '500'].map((value) => ({ name: ':status', value })),
  { name: 'accept-charset', value: '' },
  { name: 'accept-encoding', value: 'gzip, deflate' },
  ...namesWithoutValue.flatMap((line) => line.split(' ').map((name) => ({ name, value: '' }))),
];
