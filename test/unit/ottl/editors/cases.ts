// Every editor on every kind of target, with every kind of argument. What the Collector makes of them is in
// ../recorded-editors.json; scripts/record-editors.ts records it anew.

export interface EditorCase {
  /** Run in order on the sample (sample.ts); the last but `out` is the one that is tried. */
  readonly statements: readonly string[];
  /** What is looked at afterwards. */
  readonly read: string;
}

export const titleOf = ({ statements, read }: EditorCase): string => `${statements.join('; ')} -> ${read}`;

interface Target {
  readonly path: string;
  readonly read: string;
  readonly before?: string;
  readonly after?: string;
}

/** In the cache there is what `from` has. */
const cached = (path: string, from: string): Target => ({
  path,
  read: 'span.attributes["out"]',
  before: `set(${path}, ${from})`,
  after: `set(span.attributes["out"], ${path})`,
});
const plain = (path: string): Target => ({ path, read: path });

const maps: readonly Target[] = [
  plain('span.attributes'),
  plain('spanevent.attributes'),
  plain('resource.attributes'),
  plain('scope.attributes'),
  plain('span.attributes["m"]'),
  plain('span.attributes["m"]["deep"]'),
  plain('span.attributes["list"][4]'),
  cached('span.cache["x"]', 'span.attributes["m"]'),
  cached('span.cache', 'span.attributes["m"]'),
  // No maps: nothing is there, something else is.
  plain('span.attributes["absent"]'),
  plain('span.attributes["s"]'),
  plain('span.attributes["none"]'),
];

const mapEditors: readonly string[] = [
  ...['"z"', '"absent"', '""', 'span.attributes["key"]', 'span.attributes["i"]', 'span.attributes["none"]'].map(
    (key) => `delete_key(TARGET, ${key})`,
  ),
  ...['["z", "absent", "k"]', '[]', '[span.attributes["key"]]', '["z", span.attributes["i"]]'].map(
    (keys) => `keep_keys(TARGET, ${keys})`,
  ),
  ...['"^[kz]"', '"e"', '"^nothing$"', '""', 'span.attributes["key"]', 'span.attributes["i"]'].flatMap((pattern) => [
    `delete_matching_keys(TARGET, ${pattern})`,
    `keep_matching_keys(TARGET, ${pattern})`,
  ]),
  ...['0, []', '1, []', '2, ["z"]', '2, ["absent"]', '1, ["k"]', '100, ["z"]'].map((rest) => `limit(TARGET, ${rest})`),
  ...['insert', 'update', 'upsert'].flatMap((strategy) => [
    `merge_maps(TARGET, {"z": 1, "new": "x", "k": {"in": [1]}}, "${strategy}")`,
    `merge_maps(TARGET, span.attributes["m"]["deep"], "${strategy}")`,
    `merge_maps(TARGET, span.attributes["s"], "${strategy}")`,
  ]),
  'merge_maps(TARGET, span.attributes["absent"], "upsert")',
  'merge_maps(TARGET, {}, "upsert")',
  ...['', ', "p"', ', ""', ', depth=1', ', "p", 2', ', resolve_conflicts=true', ', "p", 1, true'].map(
    (rest) => `flatten(TARGET${rest})`,
  ),
  'stringify_all(TARGET)',
  ...['0', '1', '2', '3', '7', '100', '3, true'].map((rest) => `truncate_all(TARGET, ${rest})`),
  ...[
    ...['"last", "x"', '"*", "x"', '"?a*", "$1"', '"{last,GET}", "x"', '"l[a-z]st", span.attributes["s"]', '"", "x"'],
    ...[
      '"*a*", "x", SHA256',
      '"*a*", "Ab", ToUpperCase, "<%s>"',
      '"/users/*", "/users/{id}"',
      '"last", span.attributes["i"]',
    ],
  ].map((rest) => `replace_all_matches(TARGET, ${rest})`),
  ...['key', 'value'].flatMap((mode) =>
    [
      ...[
        '"a", "_"',
        '"(.)a", "$1"',
        `"(.)a", "$\{1}x$$"`,
        `"(?P<c>.)t", "$\{c}$\{none}"`,
        '"x*", "-"',
        '"^.*$", "same"',
      ],
      ...['"a", "Ab", ToUpperCase', '"(.)a", "$1", SHA256, "(%s)"', '"e|z", span.attributes["s"]'],
    ].map((rest) => `replace_all_patterns(TARGET, "${mode}", ${rest})`),
  ),
];

const values: readonly Target[] = [
  ...['s', 'e', 'i', 'd', 't', 'b', 'none', 'absent', 'list', 'empty', 'm'].map((key) =>
    plain(`span.attributes["${key}"]`),
  ),
  plain('span.attributes["m"]["deep"]["list"]'),
  plain('span.attributes["m"]["z"]'),
  plain('span.attributes["list"][0]'),
  plain('spanevent.attributes["k"]'),
  plain('resource.attributes["tags"]'),
  cached('span.cache["x"]', 'span.attributes["list"]'),
  cached('span.cache["x"]', 'span.attributes["s"]'),
];

const valueEditors: readonly string[] = [
  ...['"v"', '1', 'value=[1, "b"]', 'value=nil', 'values=["v", 1, nil]', 'values=[]', '"v", ["w", [2]]'].map(
    (rest) => `append(TARGET, ${rest})`,
  ),
  'append(TARGET, span.attributes["absent"])',
  ...['0', '1', '4', '5', '-1', '0, 5', '1, 3', '2, 2', '3, 1', '0, 6', '0, 0', '5, 5', 'span.attributes["s"]'].map(
    (rest) => `delete_index(TARGET, ${rest})`,
  ),
  ...['"h*", "x"', '"*", span.attributes["key"]', '"hello world", "x", ToUpperCase, "<%s>"', '"HELLO*", "x"'].map(
    (rest) => `replace_match(TARGET, ${rest})`,
  ),
  ...['"l+", "L"', '"(\\\\w+) (\\\\w+)", "$2 $1"', '"o", "Ab", ToUpperCase, "<%s>"', '"nothing", "x"', '"^", ">"'].map(
    (rest) => `replace_pattern(TARGET, ${rest})`,
  ),
  ...[
    '"x"',
    '-5',
    '1.5',
    'true',
    '0x00ff',
    'nil',
    '["a", [1], nil]',
    '{"k": {"l": 1}}',
    'span.attributes["m"]',
    'span.attributes["none"]',
  ].map((value) => `set(TARGET, ${value})`),
  'set(TARGET["n"], 1)',
  'set(TARGET["n"]["o"], "x")',
  'set(TARGET[1], "x")',
  'set(TARGET[7], "x")',
  'set(TARGET["n"][2], "x")',
  'set(TARGET[0]["n"], "x")',
];

/** What fits into no table. */
const others: readonly EditorCase[] = [
  ...[
    'append(span.attributes["list"], value={"k": 1})',
    'append(span.attributes["list"], values=[span.attributes["empty"], span.attributes["s"]])',
    'replace_match(span.attributes["list"], "*", span.attributes["i"])',
    'replace_pattern(span.attributes["list"], ".", span.attributes["i"])',
  ].map((statement) => ({ statements: [statement], read: 'span.attributes["list"]' })),
  ...[
    'replace_match(span.attributes["s"], "*", "x", Double)',
    'replace_match(span.attributes["s"], "*", "1", Double)',
    'replace_pattern(span.attributes["s"], "o", "x", Double)',
    'replace_pattern(span.attributes["s"], "o", "1", Double)',
  ].map((statement) => ({ statements: [statement], read: 'span.attributes["s"]' })),
  ...['key', 'value'].map((mode) => ({
    statements: [`replace_all_patterns(span.attributes["m"], "${mode}", "a", "b", Double)`],
    read: 'span.attributes["m"]',
  })),
  ...[
    'set(span.name, "x")',
    'set(span.name, 5 + span.attributes["i"])',
    'set(span.kind, 3)',
    'set(span.kind, span.attributes["s"])',
    'set(span.kind.string, "Client")',
    'set(span.kind.string, span.attributes["s"])',
    'set(span.status.code, 1)',
    'set(span.status.message, span.attributes["i"])',
    'set(span.trace_state["vendor"], "y")',
    'set(span.trace_state["new"], "y")',
    'replace_pattern(span.name, "/[0-9]+", "/{id}")',
    'replace_match(span.name, "GET*", "x")',
    'replace_match(span.kind.string, "Ser*", "Client")',
    'append(span.name, "x")',
  ].map((statement) => ({
    statements: [statement],
    read: '[span.name, span.kind, span.status.code, span.status.message, span.trace_state]',
  })),
  ...[
    '',
    ', resolve_conflicts=true',
    ', "p", resolve_conflicts=true',
    ', depth=1, resolve_conflicts=true',
    ', depth=2',
  ].map((rest) => ({
    statements: [`flatten(span.attributes["conflicts"]${rest})`],
    read: 'span.attributes["conflicts"]',
  })),
  ...[
    'set(spanevent.attributes, {"only": 1})',
    'set(spanevent.attributes, span.attributes["m"])',
    'set(spanevent.attributes, span.attributes["s"])',
    'set(spanevent.attributes, span.attributes["absent"])',
    'set(spanevent.attributes["copy"], spanevent.attributes)',
    'set(spanevent.attributes["t"], span.start_time)',
    'set(spanevent.attributes["t"], span.trace_id)',
    'set(spanevent.attributes["l"], [span.start_time, 1])',
    'merge_maps(spanevent.attributes, {"a": 1, "t": span.start_time}, "upsert")',
    'append(spanevent.attributes["k"], span.start_time)',
    'set(spanevent.attributes[span.attributes["key"]], "dynamic")',
    'set(spanevent.attributes[span.attributes["i"]], "dynamic")',
    'delete_key(spanevent.attributes["absent"]["x"], "y")',
    'set(spanevent.attributes["twice"], 3)',
    'delete_key(spanevent.attributes, "twice")',
  ].map((statement) => ({ statements: [statement], read: 'spanevent.attributes' })),
];

/** What keys find in a value, seen by what `set` writes. */
const reads: readonly EditorCase[] = [
  ...['none', 'absent', 's', 'e', 'i', 'b', 'list', 'empty', 'm'].flatMap((key) =>
    ['["x"]', '["x"]["y"]', '[0]', '[9]', '[-1]', '["k"]', '["deep"]["k"]', '["deep"]["list"][1]["x"]', '[4]["z"]'].map(
      (keys) => `span.attributes["${key}"]${keys}`,
    ),
  ),
  ...['span.attributes["list"][span.attributes["i"]]', 'span.attributes[span.attributes["key"]]'],
  ...['span.attributes["m"][span.attributes["key"]]', 'span.attributes["m"][span.attributes["i"]]'],
  ...['span.attributes["list"][span.attributes["s"]]', 'span.attributes["m"][span.attributes["none"]]'],
  ...['span.cache["x"]', 'span.cache["x"]["y"]', 'span.trace_state["vendor"]', 'span.trace_state["absent"]'],
  ...['Split("a,b", ",")[1]', 'Split("a,b", ",")[2]', 'ParseJSON("{}")["a"]', 'ParseJSON("[1]")[0]'],
  ...['ParseJSON("{\\"a\\": {\\"b\\": 1}}")["a"]["b"]', 'ParseJSON("{\\"a\\": 1}")["a"]["b"]'],
].map((value) => ({ statements: [`set(span.attributes["out"], ${value})`], read: 'span.attributes["out"]' }));

function on(editors: readonly string[], targets: readonly Target[]): EditorCase[] {
  return targets.flatMap(({ path, read, before, after }) =>
    editors.map((editor) => {
      const tried = editor.replace('TARGET', path);
      return { statements: [before, tried, after].filter((text) => text !== undefined), read };
    }),
  );
}

export const editorCases: readonly EditorCase[] = [
  ...on(mapEditors, maps),
  ...on(valueEditors, values),
  ...others,
  ...reads,
];
