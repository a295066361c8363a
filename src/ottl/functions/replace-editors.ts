// Editors that replace text. A function, when one is named, makes what is put in out of the replacement.
import { expandTemplate, parseTemplate } from '../../lib/regexp/expand.ts';
import type { Matcher } from '../../lib/regexp/regexp.ts';
import { remember } from '../../lib/remember.ts';
import { asString } from '../coerce.ts';
import { fault, OttlFault } from '../error.ts';
import { describe, type Getter, type OttlValue, type } from '../values.ts';
import {
  type Apply,
  applied,
  type CompiledArgument,
  editor,
  type FunctionDefinition,
  glob,
  literalString,
  optional,
  type Parameter,
  pattern,
  string,
  target,
} from './define.ts';
import { keyRenamer, strings, targetOf, valueEditor } from './editable-map.ts';

/** A text with one %s, where the result of the function goes; %% is a %. */
const format: Parameter<string> = {
  ...string('replacement_format'),
  coerce: (value) => {
    const text = asString(value);
    const places = [...text.matchAll(/%[%s]/g)].filter(([found]) => found === '%s').length;
    if (places !== 1) throw fault(`the replacement format has one %s, found ${places}`);
    return text;
  },
};
const replacementParameters = [string('replacement'), optional(applied('function')), optional(format)] as const;

/** What the function makes of the text, or the text itself when there is none. */
function transformer(functionOf: CompiledArgument, formatOf: CompiledArgument): ((text: string) => string) | null {
  const apply = functionOf.get() as Apply | undefined;
  if (apply === undefined) return null;
  const get = formatOf.get as Getter<string | undefined>;
  return (text) => {
    const made = apply(text);
    if (typeof made !== 'string') throw fault(`the function gave ${describe(made)}, not a string`);
    return (get() ?? '%s').replace(/%[%s]/g, (found) => (found === '%s' ? made : '%'));
  };
}

type Replace = (value: OttlValue) => OttlValue;

/** Gives a function that replaces by glob, for the values that the arguments have now. */
function globReplacer([, glob, by, functionOf, formatOf]: readonly CompiledArgument[]): () => Replace {
  const matcherOf = glob.get as Getter<Matcher>;
  const replacement = by.get as Getter<string>;
  const transform = transformer(functionOf, formatOf);
  return () => {
    const matcher = matcherOf();
    const text = replacement();
    return (value) => {
      if (!matcher.test(value as string)) return value;
      return transform === null ? text : transform(text);
    };
  };
}

/** The same by regular expression. */
function patternReplacer([regexp, by, functionOf, formatOf]: readonly CompiledArgument[]): () => (
  text: string,
) => string {
  const matcherOf = regexp.get as Getter<Matcher>;
  const replacement = by.get as Getter<string>;
  const transform = transformer(functionOf, formatOf);
  const isFixed = regexp.isConstant && by.isConstant && transform === null;
  if (isFixed) {
    const replace = remember((text) => matcherOf().replaceAll(text, replacement()));
    return () => {
      // Constants may be such that they always fail: they do so where there is nothing to replace, too.
      matcherOf();
      replacement();
      return replace;
    };
  }
  return () => {
    const matcher = matcherOf();
    const template = replacement();
    if (transform === null) return (text) => matcher.replaceAll(text, template);
    const parts = parseTemplate(template);
    return (text) =>
      matcher.replaceAll(text, ({ groups }) => transform(expandTemplate(parts, groups, matcher.groupNames)));
  };
}

/** A function that fails for an item leaves it as it is; the others are still replaced. */
function orAsItWas(replace: (text: string) => string): (text: string) => string {
  return (text) => {
    try {
      return replace(text);
    } catch (error) {
      if (error instanceof OttlFault) return text;
      throw error;
    }
  };
}

export const replaceEditors: readonly FunctionDefinition[] = [
  editor({
    name: 'replace_match',
    summary: 'Replaces a string that the glob matches as a whole; what is no string stays.',
    examples: [
      {
        text: 'replace_match(attributes["http.url"], "https:*", "secure")',
        gives: { 'attributes["http.url"]': '"secure"' },
      },
      {
        text: 'replace_match(attributes["http.method"], "{GET,HEAD}", "read", ToUpperCase, "<%s>")',
        gives: { 'attributes["http.method"]': '"<READ>"' },
      },
    ],
    parameters: [target('target'), glob('pattern'), ...replacementParameters],
    compile: (args) => {
      const { get, set } = targetOf(args[0]);
      const replacer = globReplacer(args);
      return () => {
        const value = get();
        if (typeof value !== 'string') return null;
        const after = replacer()(value);
        if (after !== value) set(after);
        return null;
      };
    },
  }),
  editor({
    name: 'replace_all_matches',
    summary: 'Replaces every string of the map that the glob matches as a whole.',
    examples: [
      {
        text: 'replace_all_matches(attributes, "/users/*", "/users/{id}")',
        given: { attributes: '{"path": "/users/7", "other": "/cart"}' },
        gives: { attributes: '{"path": "/users/{id}", "other": "/cart"}' },
      },
    ],
    parameters: [target('target', type.map), glob('pattern'), ...replacementParameters],
    compile: (args) => {
      const edit = valueEditor(targetOf(args[0]), strings);
      const replacer = globReplacer(args);
      return () => {
        edit(replacer());
        return null;
      };
    },
  }),
  editor({
    name: 'replace_pattern',
    summary:
      'Replaces what the regular expression (RE2) finds in a string; the replacement may name groups ($1). What is no string stays.',
    examples: [
      { text: 'replace_pattern(name, "/v([0-9]+)/", "/version-$1/")', gives: { name: '"GET /api/version-2/users"' } },
      { text: 'replace_pattern(name, "(api)", "$1", ToUpperCase, "{%s}")', gives: { name: '"GET /{API}/v2/users"' } },
    ],
    parameters: [target('target'), pattern('regex_pattern'), ...replacementParameters],
    compile: ([place, ...rest]) => {
      const { get, set } = targetOf(place);
      const replacer = patternReplacer(rest);
      return () => {
        const value = get();
        if (typeof value !== 'string') return null;
        const after = replacer()(value);
        if (after !== value) set(after);
        return null;
      };
    },
  }),
  editor({
    name: 'replace_all_patterns',
    summary: 'Replaces what the regular expression (RE2) finds in every string of the map, or in every key.',
    examples: [
      {
        text: 'replace_all_patterns(attributes, "value", "[a-z]+@", "***@")',
        given: { attributes: '{"a": "ann@example.com", "b": 1}' },
        gives: { attributes: '{"a": "***@example.com", "b": 1}' },
      },
      {
        text: 'replace_all_patterns(attributes, "key", "^http_", "http.")',
        given: { attributes: '{"http_method": "GET", "b": 1}' },
        gives: { attributes: '{"http.method": "GET", "b": 1}' },
      },
    ],
    parameters: [
      target('target', type.map),
      literalString('mode', ['key', 'value']),
      pattern('regex_pattern'),
      ...replacementParameters,
    ],
    compile: ([place, mode, ...rest]) => {
      const where = targetOf(place);
      const replacer = patternReplacer(rest);
      if (mode.get() === 'key') {
        const rename = keyRenamer(where);
        return () => {
          rename(orAsItWas(replacer()));
          return null;
        };
      }
      const edit = valueEditor(where, strings);
      return () => {
        const replace = orAsItWas(replacer());
        edit((value) => replace(value as string));
        return null;
      };
    },
  }),
];
