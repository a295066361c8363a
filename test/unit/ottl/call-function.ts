// Calls a converter of the table with values, as a compiled rule does.
import { OttlFault } from '../../../src/ottl/error.ts';
import type { CompiledArgument } from '../../../src/ottl/functions/define.ts';
import { functions } from '../../../src/ottl/functions/table.ts';
import type { OttlValue } from '../../../src/ottl/values.ts';

/** Arguments by position; undefined for one that is left out. Throws OttlFault. */
export function call(name: string, ...values: readonly (OttlValue | undefined)[]): OttlValue {
  const definition = functions.get(name);
  if (definition === undefined) throw new Error(`there is no function ${name}`);
  const args = definition.parameters.map((parameter, i) => {
    const value = values[i];
    return value === undefined && parameter.optional ? undefined : parameter.coerce(value ?? null);
  });
  const environment = undefined as never; // plain functions do not use it
  const compiled: CompiledArgument[] = args.map((value) => ({
    get: () => value,
    items: null,
    target: null,
    attributes: null,
    isConstant: true,
  }));
  return definition.compile(compiled, environment)();
}

/** The message of the fault that the call ends with. */
export function faultOf(name: string, ...values: readonly (OttlValue | undefined)[]): string {
  try {
    call(name, ...values);
  } catch (error) {
    if (error instanceof OttlFault) return error.message;
    throw error;
  }
  return 'no fault';
}

/** A map from an object, nested ones too. */
export function toMap(value: Readonly<Record<string, unknown>>): ReadonlyMap<string, OttlValue> {
  return new Map(Object.entries(value).map(([key, item]) => [key, toValue(item)]));
}

function toValue(value: unknown): OttlValue {
  if (Array.isArray(value)) return value.map(toValue);
  const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? toMap(value as Readonly<Record<string, unknown>>) : (value as OttlValue);
}
