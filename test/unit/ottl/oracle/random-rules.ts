// Random rules from the tables of functions and paths: mostly of the types that are asked for, sometimes not.
import fc from 'fast-check';
import { type ContextName, contextNames, sees } from '../../../../src/ottl/environment.ts';
import type { FunctionDefinition, Parameter } from '../../../../src/ottl/functions/define.ts';
import { functions } from '../../../../src/ottl/functions/table.ts';
import { enumSymbols, paths } from '../../../../src/ottl/paths.ts';
import { anyType, type } from '../../../../src/ottl/values.ts';
import type { Rule } from './both-ways.ts';
import { allKeys, keysByKind, meaningful } from './random-requests.ts';

type TypeName = keyof typeof type;
type Texts = fc.Arbitrary<string>;

const quote = (text: string): string => JSON.stringify(text);
const quoted = fc.constantFrom(...meaningful).map(quote);
const literalInt = fc.constantFrom('0', '1', '2', '3', '10', '16', '36', '9223372036854775807');
const patterns = ['.', '^a', '(\\w+)', '(?P<x>[0-9]+)', 'l+', '', '^(a|.*)*$', '\\d{1,3}', '(', '[a-c]|\\.', '\u65e5'];
const globs = ['*', 'a*', '?', '{GET,a}', '[a-c]*', '[', 'hello*', '\\*'];

const literals: Readonly<Record<TypeName, readonly string[]>> = {
  nil: ['nil'],
  bool: ['true', 'false', 'IsString(String(Now()))'],
  int: [
    '0',
    '1',
    '-1',
    '2',
    '200',
    '9223372036854775807',
    '-9223372036854775808',
    '4294967296',
    'Len(UUID())',
    'Len(UUIDv7())',
  ],
  double: ['0.0', '-0.0', '2.5', '-1.', '.5', '1.0e300', '9007199254740993.0'],
  string: ['"a"', '""', '"str"', '"k"', '"hello world"'],
  bytes: ['0x00', '0x00ff10', '0x0102030405060708090a0b0c0d0e0f10'],
  list: ['[]', '["a", 1, nil]', '[1, 2.5]', '["b", "a"]'],
  map: ['{}', '{"a": 1, "b": {"c": ["x", {"d": nil}]}}', '{"str": "a"}'],
  time: ['Unix(1)', 'Unix(1760000000, 123456789)', 'UnixNano'].slice(0, 2),
  duration: ['Duration("1h30m")', 'Duration("-1ns")'],
  traceId: ['TraceID(0x0102030405060708090a0b0c0d0e0f10)'],
  spanId: ['SpanID(0x0102030405060708)'],
  profileId: ['ProfileID(0x0102030405060708090a0b0c0d0e0f10)'],
  status: [],
  items: [],
};
/** They give something else each time: where they stand above, the value does not show it. */
const changing: readonly string[] = ['UUID', 'UUIDv7', 'Now'];

/** What an argument mostly has to be, by the parameter's name, or by the function's for its first. */
const meant: Readonly<Record<string, readonly string[]>> = {
  priority_keys: ['[]', '["a"]', '["k", "str"]'],
  start: ['0', '1', '2'],
  length: ['1', '2', '3'],
  base: ['0', '10', '16', '36'],
  xpath: ['"/r"', '"//a"', '"/r/a/text()"', '"/r/@b"'],
  sub_document: ['"<n/>"', '"<n>1</n>"'],
  source_ip: ['"192.168.1.7"', '"::1"'],
  destination_ip: ['"10.0.0.1"', '"2001:db8::1"'],
  source_port: ['1', '65535'],
  destination_port: ['443'],
  networks: ['["10.0.0.0/8", "192.168.0.0/16"]'],
  mapping: ['{"error": ["ERR", {"min": 400, "max": 599}], "info": [{"range": "2xx"}]}'],
  replacement_format: ['"<%s>"', '"%%%s"', '"none"'],
  replacement: ['"x"', `"$1-$\{x}"`, '""', '"$$"', 'name', '"h\u00e9"'],
  Duration: ['"1h30m"', '"-1ns"', '"2562047h47m16.854775807s"', '"1.5s"'],
  Time: ['"2024-02-29 23:59:59"', '"1999-12-31 00:00:00"'],
  ParseJSON: ['"{\\"a\\": {\\"b\\": [1, null]}}"', '"[1, {\\"k\\": \\"v\\"}]"', '"1"'],
  ParseInt: ['"42"', '"-7"', '"ff"', '"0x1f"'],
  Substring: ['"hello world"', '"\u65e5\u672c\u8a9e"', 'name'],
  ...Object.fromEntries(
    ['ParseXML', 'ParseSimplifiedXML', 'GetXML', 'InsertXML', 'RemoveXML'].map((name) => [
      name,
      ['"<r b=\\"c\\"><a>1</a><a>2</a>t</r>"', '"<r><a/></r>"'],
    ]),
  ),
};

/** Texts that stand in a rule, by parameter. */
const written: Readonly<Record<string, readonly string[]>> = {
  semconv_version: ['"1.37.0"', '"v1.43"', '"1.2.0"'],
  truncation_marker: ['"..."', '"\u2026"', '""'],
};

/** With the parameters of a lambda: `k` and `v`, and of one with three also `a`. */
const conditionBodies = [
  ...['v == "a"', 'k == 0 or k == "a"', 'IsString(v)', 'not (v["a"] == 1)'],
  ...['Any([1, "a"], (_, w) => w == v)', 'v > 1 and true', 'v'],
];
const textBodies = ['k', 'Concat([k, "x"], ".")', 'v', 'String(v)'];
const valueBodies = [
  ...['v', 'k', '[k, v]', 'String(v)', 'v + 1', 'v["a"]', 'Filter(v, (_, w) => w != k)', 'v != nil and k != "a"'],
  ...['a', '[a, v]', 'Concat([a, v], "/")', 'a + v'],
];

/** Rules for the items of a context. */
export function rulesOf(context: ContextName): fc.Arbitrary<Rule> {
  const visible = contextNames.filter((other) => sees(context, other));
  const known = [...functions.values()].filter(({ contexts }) => contexts === null || contexts.includes(context));
  const converters = known.filter(({ kind, name }) => kind === 'converter' && !changing.includes(name));
  const editors = known.filter(({ kind }) => kind === 'editor');
  const typeNames = Object.keys(type) as TypeName[];

  const allPaths = visible.flatMap((of) =>
    [...paths[of].values()]
      .filter(({ keyed }) => keyed !== 'cache' || of === context)
      .map((path) => ({
        path,
        texts: of === context ? [`${of}.${path.name}`, path.name] : [`${of}.${path.name}`],
      })),
  );
  const keyed = (kind: readonly string[]): Texts =>
    fc
      .tuple(
        fc.constantFrom(...visible),
        fc.constantFrom('attributes', 'attributes', 'cache'),
        fc.constantFrom(...kind),
      )
      .map(([of, map, key]) => `${map === 'cache' ? context : of}.${map}[${quote(key)}]`);
  const pathsOf = (name: TypeName): string[] =>
    allPaths.filter(({ path }) => path.types === type[name]).flatMap(({ texts }) => texts);
  const traceState = fc.constantFrom('vendor', 'new', 'BAD').map((key) => `trace_state[${quote(key)}]`);
  const clientPaths = [
    'client.addr',
    'client.metadata["Tenant"]',
    'client.metadata["roles"][1]',
    'client.metadata["none"]',
  ]
    .concat('client.auth.attributes["username"]', 'client.auth.attributes["groups"]', 'grpc.metadata["tenant"][0]')
    .map((path) => `otelcol.${path}`);
  const writable = allPaths.filter(({ path }) => path.writable);

  const { value, condition, converted, edited } = fc.letrec<
    Record<TypeName, string> & { value: string; condition: string; converted: string; edited: string; target: string }
  >((tie) => {
    const indexed = (base: Texts): Texts =>
      fc
        .tuple(
          base,
          fc.array(fc.oneof(fc.constantFrom('"a"', '"k"', '"b"', '0', '1', '-1', '20'), tie('int'), tie('string')), {
            minLength: 1,
            maxLength: 3,
          }),
        )
        .map(([text, keys]) => `${text}${keys.map((key) => `[${key}]`).join('')}`);
    const some = (set: number): Texts => {
      const names = typeNames.filter((name) => (set & type[name]) !== 0);
      return fc.oneof(
        { withCrossShrink: true },
        ...(names.length === 0 ? [tie('value')] : names.map((name) => tie(name))),
      );
    };
    const given = (parameter: Parameter, definition: FunctionDefinition): Texts => {
      const { role, accepts, choices, name } = parameter;
      if (choices !== undefined) return fc.constantFrom(...choices.map(quote), '"other"');
      if (role === 'function') {
        const one = converters.filter(({ parameters }) => parameters.filter(({ optional }) => !optional).length === 1);
        return fc.constantFrom(...one.map((entry) => entry.name));
      }
      if (role === 'literal' && (accepts & type.list) !== 0)
        return fc.constantFrom(...(meant[name] ?? ['[]', '["a"]']));
      if (role === 'literal') {
        return (accepts & type.bool) !== 0
          ? fc.constantFrom('true', 'false')
          : (accepts & type.int) !== 0
            ? literalInt
            : name in written
              ? fc.constantFrom(...written[name])
              : quoted;
      }
      if (role === 'target') return tie('target');
      if (role === 'lambda') return lambda(parameter);
      const isPattern = role === 'pattern';
      if (isPattern || name === 'pattern') {
        const written = fc.constantFrom(...(isPattern ? patterns : globs)).map(quote);
        return fc.oneof({ weight: 8, arbitrary: written }, { weight: 1, arbitrary: tie('string') });
      }
      const texts = meant[name] ?? (definition.parameters[0] === parameter ? meant[definition.name] : undefined);
      const right = texts === undefined ? some(accepts) : fc.oneof(fc.constantFrom(...texts), some(accepts));
      return fc.oneof({ weight: 8, arbitrary: right }, { weight: 1, arbitrary: tie('value') });
    };
    const lambda = (parameter: Parameter): Texts => {
      const { parameters = [], gives = anyType } = parameter.lambda ?? {};
      const names = parameters.length === 3 ? ['a', 'k', 'v'] : ['k', 'v'].slice(0, parameters.length);
      const bodies = gives === type.bool ? conditionBodies : gives === type.string ? textBodies : valueBodies;
      const usable = bodies.filter((body) => names.length === 3 || (names.length > 0 && !/\ba\b(?!")/.test(body)));
      const others = gives === type.bool ? tie('condition') : tie(gives === type.string ? 'string' : 'value');
      const made =
        usable.length === 0
          ? others
          : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...usable) }, { weight: 1, arbitrary: others });
      return made.map((body) => `(${names.join(', ')}) => ${body}`);
    };
    const called = (definition: FunctionDefinition): Texts => {
      const { name, parameters } = definition;
      const required = parameters.filter(({ optional }) => !optional).length;
      return fc
        .tuple(
          fc.integer({ min: required, max: parameters.length }),
          fc.boolean(),
          ...parameters.map((parameter) => given(parameter, definition)),
        )
        .map(([count, named, ...args]) => {
          // Without the ones between, the last argument needs its name.
          const last = named && count > required;
          const shown = last
            ? [...args.slice(0, required), `${parameters[count - 1].name} = ${args[count - 1]}`]
            : args.slice(0, count);
          return `${name}(${shown.join(', ')})`;
        });
    };
    const calls = new Map(known.map((definition) => [definition.name, called(definition)]));
    const callsOf = (list: readonly FunctionDefinition[]): Texts[] => list.flatMap(({ name }) => calls.get(name) ?? []);
    const calculated = (left: TypeName, right: TypeName): Texts =>
      fc.tuple(tie(left), fc.constantFrom('+', '-', '*', '/'), tie(right)).map((parts) => `(${parts.join(' ')})`);
    const extra: Partial<Record<TypeName, Texts[]>> = {
      int: [calculated('int', 'int'), fc.constantFrom(...enumSymbols.keys()), tie('int').map((text) => `(-${text})`)],
      double: [calculated('double', 'int'), calculated('double', 'double')],
      time: [calculated('time', 'duration')],
      duration: [calculated('time', 'time'), calculated('duration', 'duration')],
      string: [
        quoted,
        fc.constantFrom(...clientPaths),
        ...visible.filter((of) => paths[of].has('trace_state')).map((of) => traceState.map((text) => `${of}.${text}`)),
      ],
      list: [fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`)],
      map: [
        fc
          .array(fc.tuple(fc.constantFrom('a', 'b', 'str', 'list'), tie('value')), { maxLength: 3 })
          .map((entries) => `{${entries.map(([key, item]) => `${quote(key)}: ${item}`).join(', ')}}`),
      ],
    };
    const ofType = (name: TypeName): Texts => {
      const simple = [...literals[name], ...pathsOf(name)];
      const keys = (keysByKind as Partial<Record<TypeName, readonly string[]>>)[name];
      const makers = callsOf(converters.filter(({ returns }) => returns !== anyType && (returns & type[name]) !== 0));
      return fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom(...(simple.length > 0 ? simple : ['name'])),
        ...(keys === undefined ? [] : [keyed(keys)]),
        ...(extra[name] ?? []),
        ...(makers.length === 0 ? [] : [fc.oneof(...makers)]),
      );
    };
    const byType = Object.fromEntries(typeNames.map((name) => [name, ofType(name)])) as Record<TypeName, Texts>;
    const comparison = fc
      .tuple(fc.constantFrom(...typeNames), fc.constantFrom('==', '!=', '<', '<=', '>', '>='), fc.boolean())
      .chain(([name, operator, sameType]) =>
        fc.tuple(tie(name), fc.constant(operator), sameType ? tie(name) : tie('value')).map((parts) => parts.join(' ')),
      );
    return {
      ...byType,
      value: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        ...typeNames.map((name) => tie(name)),
        keyed(allKeys),
        indexed(keyed(allKeys)),
        tie('converted'),
      ),
      converted: fc.oneof(...callsOf(converters), indexed(fc.oneof(...callsOf(converters)))),
      target: fc.oneof(
        { weight: 3, arbitrary: keyed(allKeys) },
        { weight: 2, arbitrary: indexed(keyed(allKeys)) },
        {
          weight: 2,
          arbitrary: fc.constantFrom(
            ...writable.filter(({ path }) => path.types === type.map).flatMap(({ texts }) => texts),
          ),
        },
        { weight: 3, arbitrary: fc.constantFrom(...writable.flatMap(({ texts }) => texts)) },
      ),
      condition: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        comparison,
        fc.constantFrom('true', 'false', '1 == 1', '1 > 2'),
        fc.oneof(...callsOf(converters.filter(({ returns }) => (returns & type.bool) !== 0))),
        fc
          .tuple(tie('condition'), fc.constantFrom('and', 'or'), tie('condition'))
          .map((parts) => `(${parts.join(' ')})`),
        tie('condition').map((text) => `not (${text})`),
      ),
      edited: fc
        .tuple(fc.oneof(...callsOf(editors)), fc.option(tie('condition'), { freq: 3 }))
        .map(([text, where]) => (where === null ? text : `${text} where ${where}`)),
    };
  });
  const made = (form: Rule['form'], texts: Texts): fc.Arbitrary<Rule> => texts.map((text) => ({ form, context, text }));
  return fc.oneof(
    { weight: 5, arbitrary: made('statement', edited) },
    { weight: 4, arbitrary: made('expression', converted) },
    { weight: 3, arbitrary: made('condition', condition) },
    { weight: 1, arbitrary: made('expression', value) },
  );
}
