// What people get wrong in OTTL: each mistake is pointed at where it stands in the file, however YAML writes it, and the message
// says what was expected or what may have been meant.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ReadResult, readConfig } from '../../../src/config/read-config.ts';
import { registry } from '../../../src/registry.ts';

/** The mistake stands behind the mark. */
const mark = '\u2038';
type Row = readonly [marked: string, message: RegExp];

const conditions: readonly Row[] = [
  // names
  ['‸nmae == "x"', /a span has no field nmae; did you mean name\?/],
  ['resource.‸atributes["x"] == 1', /a resource has no field atributes; did you mean attributes\?/],
  ['attributes.‸method == 1', /span.attributes has no field method; write attributes\["method"\]/],
  ['attributes[‸method] == 1', /a key that is a text stands in quotes: "method"/],
  ['name == "x" and ‸version == "1"', /has no field version; it has .*attributes.*\(scope\.version exists\)/],
  ['‸log.body == "x"', /there is no context log for spans; there are resource, scope, span/],
  ['‸spanevent.name == "x"', /the span context cannot see a spanevent/],
  ['‸IsMtch(name, "x")', /unknown converter IsMtch; did you mean IsMatch\?/],
  ['‸Ismatch(name, "x")', /unknown converter Ismatch; did you mean IsMatch\?/],
  ['‸is_match(name, "x")', /is_match is an editor \(lower case\)/],
  ['‸Frobnicate(name)', /unknown converter Frobnicate/],
  // enums
  ['kind == ‸SPAN_KIND_SERVR', /did you mean SPAN_KIND_SERVER\?/],
  ['kind == ‸SERVER', /did you mean SPAN_KIND_SERVER\?/],
  ['status.code == ‸FAILED', /unknown enum symbol FAILED; there are SPAN_KIND_UNSPECIFIED, .*STATUS_CODE_ERROR/],
  // words of other languages, or in another case
  ['attributes["a"] == ‸TRUE', /TRUE is not known; write true/],
  ['attributes["a"] == ‸True', /True is not known; write true/],
  ['attributes["a"] == ‸null', /write nil/],
  ['name == "x" ‸AND kind == 2', /found "AND"; write and/],
  ['‸NOT IsString(name)', /NOT is not known; write not/],
  ['name == "x" ‸&& kind == 2', /write "and"/],
  ['name ‸= "x"', /"=" does not compare; write "=="/],
  ['kind ‸<> 2', /"<>" does not compare; write "!="/],
  ['kind ‸=> 2', /"=>" does not compare; write ">="/],
  ['name =‸~ "x"', /"~" means nothing here; .*IsMatch/],
  ["name == ‸'x'", /strings stand in double quotes/],
  ['name == "x"‸; true', /each statement is an item of its own/],
  // arguments
  ['‸IsMatch(name)', /needs the argument pattern: IsMatch\(target, pattern\)/],
  ['IsMatch(name, "a", ‸"b")', /IsMatch takes 2 arguments, found 3: IsMatch\(target, pattern\)/],
  ['IsMatch(name, ‸patern="a")', /has no argument patern; did you mean pattern\?/],
  ['IsMatch(name, ‸target=name)', /the argument target is given twice/],
  ['IsMatch(target=name, ‸"a")', /an argument without a name cannot follow one with a name/],
  ['HasPrefix(name, ‸5)', /the argument prefix of HasPrefix: expected a string, got an int/],
  ['ConvertCase(name, ‸"lowr") == "x"', /the argument to_case of ConvertCase is one of lower, upper, snake, camel/],
  ['IsMatch(name, "a‸(?=b)")', /not a regular expression of RE2/],
  ['IsMatch(name, "^\\\\d+\\u0041‸*+")', /invalid nested repetition operator/],
  ['IsMatch(name, "a$b[‸z-a]")', /invalid character class range/],
  // constants inside of lists, and those that do not go together
  ['IsInCIDR(name, ["10.0.0.0/8", ‸"10.0.0.1"])', /the argument networks of IsInCIDR: a network is written as/],
  [
    'SliceToMap(attributes["a"], ["k", ‸1])["b"] == 1',
    /the argument key_path of SliceToMap: expected a string, got an int/,
  ],
  ['SliceToMap(attributes["a"], ‸[name])["b"] == 1', /the argument key_path of SliceToMap must be written out/],
  ['Coalesce(‸[]) == "a"', /Coalesce wants a value at least/],
  ['Trim(‸[1]) == "a"', /the argument target of Trim: expected a string, got a list/],
  ['ParseKeyValue(name, "=", ‸"=")["a"] == "b"', /the delimiter and the pair delimiter are the same/],
  ['ParseKeyValue(name, pair_delimiter=‸"=")["a"] == "b"', /the delimiter and the pair delimiter are the same/],
  ['ToKeyValueString(attributes, ‸"") == "a"', /a delimiter is not empty/],
  ['ParseCSV(name, "a", ‸",,")["a"] == "b"', /the delimiter is one character/],
  ['Time(name, ‸"%Y-%K") > start_time', /there is no directive %K/],
  ['Time(name, "%Y", ‸"Mars/Base") > start_time', /there is no such time zone/],
  ['Time(name, "%Y", "", ‸"zz") > start_time', /there is no such locale/],
  ['GetXML(name, ‸"/a[") == "b"', /the argument xpath of GetXML: not an XPath/],
  ['GetXML(name, ‸"//a[foo(1)]") == "b"', /there is no XPath function foo/],
  // grok
  [
    'ExtractGrokPatterns(name, "%{WORD:a}-‸%{WROD:b}")["a"] == "b"',
    /there is no grok pattern WROD; did you mean WORD\?/,
  ],
  ['ExtractGrokPatterns(name, "%{WORD:a}‸(?=b)")["a"] == "b"', /not a regular expression of RE2/],
  ['ExtractGrokPatterns(name, ‸"(a)", true)["a"] == "b"', /the pattern names nothing/],
  ['ExtractGrokPatterns(name, "a‸%{X}", true, ["X=("])["a"] == "b"', /not a regular expression of RE2/],
  ['ExtractGrokPatterns(name, "%{X}", true, ["X=a", ‸"Y"])["a"] == "b"', /a definition is written NAME=pattern/],
  ['ExtractGrokPatterns(name, "a‸%{X}", false, ["X=%{Y}", "Y=%{X}"])["a"] == "b"', /the pattern X is made of itself/],
  // what does not fit together
  ['(name == "x" or (kind == 2‸', /expected "and", "or" or "\)", found the end/],
  ['name == "x"‸)', /found "\)"/],
  ['attributes["x" ‸== 1', /expected "\]", found "=="/],
  ['name == ["a", "b"‸', /expected "," or "\]", found the end/],
  ['name == {"a": 1‸', /expected "," or "}", found the end/],
  ['IsMatch(name, "x"‸', /expected "," or "\)", found the end/],
  ['name == ‸"x', /this string has no closing quote/],
  ['name ==‸', /expected a value, found the end/],
  ['‸name', /a path is not a condition by itself/],
  ['"it\'s" == ‸"a" + 1', /texts are joined with Concat/],
  ['kind == ‸9223372036854775808', /does not fit a 64-bit integer/],
];

/** What is accepted with a warning. */
const useless: readonly Row[] = [
  ['kind == 1 and ‸kind == 2', /can never hold: kind == 1 and == 2/],
  ['‸name == 5', /always false: a string is compared with an int/],
  ['‸kind == "SPAN_KIND_SERVER"', /write SPAN_KIND_SERVER without quotes/],
  ['‸1 == 2', /never holds: it does nothing/],
  ['IsInCIDR(name, [name, ‸"x"])', /the argument networks of IsInCIDR: a network is written as/],
  ['‸Len(5) == 1', /always fails: expected a string, list or map, got an int/],
];

interface Place {
  readonly line: number;
  readonly column: number;
}

interface Form {
  /** The lines of a list item. */
  write(text: string): string;
  /** Of character `at`; the item begins in line 1, its dash in column 1. */
  place(text: string, at: number): Place;
}

const dollars = (text: string): string => text.replaceAll('$', '$$$$');
/** In one line: what stands before a character, as it is written, says where that is. */
const inLine = (open: string, close: string, encode: (text: string) => string): Form => ({
  write: (text) => `- ${open}${encode(dollars(text))}${close}`,
  place: (text, at) => ({ line: 1, column: 3 + open.length + encode(dollars(text.slice(0, at))).length }),
});
/** Each word is a line. */
const inBlock = (indicator: string): Form => ({
  write: (text) =>
    `- ${indicator}\n${dollars(text).replace(/^|(?<=\S) (?=\S)/g, (gap) => (gap === '' ? '    ' : '\n    '))}`,
  place: (text, at) => {
    const lines = dollars(text.slice(0, at)).split(/(?<=\S) (?=\S|$)/);
    return { line: 1 + lines.length, column: 5 + (lines.at(-1) ?? '').length };
  },
});

const forms: Readonly<Record<string, Form>> = {
  'in single quotes': inLine("'", "'", (text) => text.replaceAll("'", "''")),
  'in double quotes': inLine('"', '"', (text) => JSON.stringify(text).slice(1, -1)),
  'in double quotes, with escapes for letters': inLine('"', '"', (text) =>
    text.replace(/[\s\S]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
  ),
  // biome-ignore lint/suspicious/noTemplateCurlyInString: of the configuration
  'behind an expansion': inLine("' ${env:BLANKS}", "'", (text) => text.replaceAll("'", "''")),
  'in a literal block': inBlock('|'),
  'in a folded block': inBlock('>-'),
};

const head = [
  'receivers: { otlp: { protocols: { grpc: } } }',
  'exporters: { nop: }',
  'service: { pipelines: { traces: { receivers: [otlp], processors: [PROCESSOR], exporters: [nop] } } }',
  'processors:',
].join('\n');

function read(text: string): ReadResult {
  const env = { BLANKS: '     ' };
  return readConfig({ files: ['test.yaml'], sets: [], env, readFile: () => text, registry, cores: 2 });
}

/** `body`: the lines before the list. */
function check(
  severity: 'errors' | 'warnings',
  processor: string,
  body: readonly string[],
  [marked, message]: Row,
  form: Form,
): void {
  const at = marked.indexOf(mark);
  const text = marked.replace(mark, '');
  const before = `${head.replace('PROCESSOR', processor)}\n  ${processor}:\n${body.join('\n')}\n`;
  const indent = '        ';
  const result = read(before + form.write(text).replace(/^/gm, indent));
  const issues = [...result.errors, ...result.warnings];
  assert.deepEqual(issues, result[severity]);
  assert.equal(issues.length, 1, JSON.stringify(issues));
  const [{ code, line, column, message: found }] = issues;
  const { line: itemLine, column: itemColumn } = form.place(text, at);
  assert.equal(code, 'CONFIG_OTTL', found);
  assert.match(found, message);
  const expected = { line: before.split('\n').length - 1 + itemLine, column: indent.length + itemColumn };
  assert.deepEqual({ line, column }, expected);
}

for (const [name, form] of Object.entries(forms)) {
  describe(`a mistake in a condition, ${name}`, () => {
    for (const row of conditions) {
      test(row[0], () => check('errors', 'filter', ['    traces:', '      span:'], row, form));
    }
  });
  describe(`a condition that does nothing, ${name}`, () => {
    for (const row of useless) {
      test(row[0], () => check('warnings', 'filter', ['    traces:', '      span:'], row, form));
    }
  });
}

test('a condition behind one that drops everything is pointed at', () => {
  const list = "    traces:\n      span:\n      - 'kind == 1'\n      - 'true'\n      - 'kind == 2'\n";
  const { errors, warnings } = read(`${head.replace('PROCESSOR', 'filter')}\n  filter:\n${list}`);
  assert.deepEqual(errors, []);
  assert.deepEqual(
    warnings.map(({ line, message }) => `${line} ${message}`),
    ['10 processors.filter.traces.span[2]: is never tried: traces.span[1] comes first and drops everything'],
  );
});
