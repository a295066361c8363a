// The small language of the context `request`: request["key"] == "value", and !=.

/** What one header of a request is compared with. */
export interface RequestCondition {
  /** Lower case. */
  readonly key: string;
  readonly value: string;
  readonly isEqual: boolean;
}

/** A mistake at a character of the text. */
export interface RequestMistake {
  readonly message: string;
  readonly offset: number;
}

const form = 'a condition on the request is request["key"] == "value", or with !=';

export function parseRequestCondition(text: string): RequestCondition | RequestMistake {
  const start = text.search(/\S/);
  const [whole, key] = /^\s*request\["([^"]*)"\]\s*/.exec(text) ?? [];
  if (whole === undefined || key === undefined) return { message: form, offset: Math.max(0, start) };
  if (key === '') return { message: 'the key is empty: a header has a name', offset: text.indexOf('""') };
  const [compared = '', operator] = /^(==|!=)\s*/.exec(text.slice(whole.length)) ?? [];
  if (operator === undefined) return { message: `${form}; "==" or "!=" belongs here`, offset: whole.length };
  const behind = whole.length + compared.length;
  const rest = text.slice(behind).trimEnd();
  // As in the Collector nothing is escaped: what stands between the outer quotes is the value.
  const [, value] = /^"(.*)"$/s.exec(rest) ?? [];
  if (value === undefined) return { message: `${form}; a text in double quotes belongs here`, offset: behind };
  const second = /==|!=/.exec(value);
  if (second !== null) {
    return { message: 'only one comparison can stand here', offset: behind + 1 + second.index };
  }
  return { key: key.toLowerCase(), value, isEqual: operator === '==' };
}

/** One of the values will do; a header that is not there is neither equal nor unequal. */
export const compareRequest = ({ value, isEqual }: RequestCondition, found: readonly string[]): boolean =>
  found.some((one) => (one === value) === isEqual);
