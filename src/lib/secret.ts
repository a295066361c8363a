// Texts that must not be shown.
import { inspect } from 'node:util';

/** Instead of the text, wherever one is shown by mistake. */
export const shownSecret = '[REDACTED]';

const text: unique symbol = Symbol('text');

/**
 * A password, token or key. Logs, errors, JSON and templates show that there is one; whoever needs the text has to ask for it.
 * Its key is a symbol, so that two are deeply equal when their texts are, and nothing that lists fields finds it.
 */
export class Secret {
  private readonly [text]: string;

  constructor(value: string) {
    this[text] = value;
  }

  reveal(): string {
    return this[text];
  }

  get isEmpty(): boolean {
    return this[text] === '';
  }

  toString(): string {
    return shownSecret;
  }

  toJSON(): string {
    return shownSecret;
  }

  [inspect.custom](): string {
    return shownSecret;
  }
}
