// Loaded before the service: names that end in `silent.invalid` are never answered for, as by a name server that is gone.
import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';

const { lookup } = dns;

dns.lookup = ((name: string, options: object) =>
  name.endsWith('silent.invalid') ? new Promise(() => undefined) : lookup(name, options)) as typeof lookup;
syncBuiltinESMExports();
