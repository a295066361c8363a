// The item at hand as a log shows it: enough to find it, and what its attributes are; what they say only where that is wanted.
import { attributesOf, type ContextName, currentEvent, type Environment } from './environment.ts';
import { kindSymbols } from './paths.ts';
import { showValue } from './show.ts';
import { describe, type OttlValue } from './values.ts';

const mostAttributes = 64;
const mostCharacters = 256;

/** Plain data. A resource or scope is shown alone, what stands below it with its span and resource. */
export function sampleItem(
  env: Environment,
  context: ContextName,
  showValues: boolean,
): Readonly<Record<string, unknown>> {
  const attributes = (of: ContextName) => sampleAttributes(env, of, showValues);
  const { span, scope } = env.target;
  const resource = { attributes: attributes('resource') };
  if (context === 'resource') return { resource };
  const named = { name: short(scope.name), version: short(scope.version), attributes: attributes('scope') };
  if (context === 'scope') return { resource, scope: named };
  const item = {
    trace_id: Buffer.from(span.traceId).toString('hex'),
    span_id: Buffer.from(span.spanId).toString('hex'),
    name: short(span.name),
    kind: kindSymbols[span.kind] ?? span.kind,
    attributes: attributes('span'),
  };
  if (context === 'span') return { resource, scope: named, span: item };
  const inside = { attributes: attributes(context) };
  if (context === 'spanlink') return { resource, scope: named, span: item, link: inside };
  return { resource, scope: named, span: item, event: { name: short(currentEvent(env).name), ...inside } };
}

function sampleAttributes(
  env: Environment,
  context: ContextName,
  showValues: boolean,
): Readonly<Record<string, string>> {
  const table = attributesOf(env, context)();
  const shown: [string, string][] = [];
  for (let entry = 0; entry < table.count && shown.length < mostAttributes; entry++) {
    if (!table.live(entry)) continue;
    const value = table.get(entry) as OttlValue;
    shown.push([short(table.key(entry)), showValues ? short(showValue(value)) : describe(value)]);
  }
  return Object.fromEntries(shown);
}

const short = (text: string): string => (text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters)}…`);
