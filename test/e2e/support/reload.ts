// Asks the service for another configuration and waits for what comes of it.
import { writeFileSync } from 'node:fs';
import type { LogLine, Service } from './service.ts';

export const isReloadLine = ({ msg = '' }: LogLine): boolean => /^(not )?reloaded/.test(msg);

/** `config`: as an object (JSON is YAML), or a text that need not be one. Resolves with the line that says what came of it. */
export async function reload(service: Service, config: object | string): Promise<LogLine> {
  writeFileSync(service.file, typeof config === 'string' ? config : JSON.stringify(config));
  const line = service.nextLine(isReloadLine);
  service.hangUp();
  return line;
}
