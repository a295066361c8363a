// Type tests and conversions.
import { fault } from '../error.ts';
import { parseInt64 } from '../go-text.ts';
import { OttlDuration, OttlId, OttlTime, type OttlValue, OttlWhole, type, typeOf } from '../values.ts';
import {
  any,
  boolLike,
  bytesLike,
  compiledConverter,
  converter,
  doubleLike,
  type FunctionDefinition,
  int,
  intLike,
  string,
  stringLike,
} from './define.ts';

function typeTest(name: string, what: string, wanted: number, target: string): FunctionDefinition {
  return converter({
    name,
    summary: `Whether the value is ${what}; false for nil.`,
    examples: [
      { text: `${name}(${target})`, gives: 'true' },
      { text: `${name}(nil)`, gives: 'false' },
    ],
    parameters: [any('target')],
    returns: type.bool,
    run: (value) => typeOf(value) === wanted,
  });
}

function isEmpty(value: OttlValue): boolean {
  if (value instanceof OttlId) return value.bytes.every((byte) => byte === 0);
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
  if (value instanceof Map) return value.size === 0;
  if (value instanceof OttlDuration) return value.nanos === 0n;
  // Go's zero time is one of the year 1, which no span has.
  if (value instanceof OttlTime) return false;
  if (value instanceof OttlWhole) return value.number === 0 && value.message === '';
  return value === null || value === '' || value === false || Number(value) === 0;
}

export const typeFunctions: readonly FunctionDefinition[] = [
  typeTest('IsBool', 'a bool', type.bool, 'true'),
  typeTest('IsDouble', 'a double', type.double, '1.5'),
  typeTest('IsInt', 'an int', type.int, '1'),
  typeTest('IsString', 'a string', type.string, 'name'),
  typeTest('IsMap', 'a map', type.map, 'attributes'),
  typeTest('IsList', 'a list', type.list, 'attributes["tags"]'),
  converter({
    name: 'IsEmpty',
    summary:
      'Whether the value is nil, or the empty one of its type: "", 0, false, a list or map of nothing, an id of zeros.',
    examples: [
      { text: 'IsEmpty(attributes["none"])', gives: 'true' },
      { text: 'IsEmpty(name)', gives: 'false' },
      { text: 'IsEmpty(parent_span_id)', gives: 'true' },
    ],
    parameters: [any('target')],
    returns: type.bool,
    run: isEmpty,
  }),
  compiledConverter({
    name: 'IsRootSpan',
    examples: [{ text: 'IsRootSpan()', gives: 'true' }],
    summary: 'Whether the span has no parent.',
    parameters: [],
    returns: type.bool,
    contexts: ['span'],
    pure: false,
    compile:
      (_args, { target: { span } }) =>
      () =>
        !span.hasParent,
  }),
  converter({
    name: 'Bool',
    examples: [
      { text: 'Bool("true")', gives: 'true' },
      { text: 'Bool(2)', gives: 'true' },
      { text: 'Bool("yes")', fails: 'the argument target of Bool: the string is not a bool' },
    ],
    summary:
      'The value as a bool: a number is true when not 0, a text as Go reads it (1, t, true, …); other text is an error.',
    parameters: [boolLike('target')],
    returns: type.bool | type.nil,
    run: (value) => value,
  }),
  converter({
    name: 'Double',
    examples: [
      { text: 'Double("2.5")', gives: '2.5' },
      { text: 'Double(name)', fails: 'the string is not a number' },
    ],
    summary: 'The value as a double: text is read as a number, and it is an error when it is none.',
    parameters: [doubleLike('target')],
    returns: type.double | type.nil,
    run: (value) => value,
  }),
  converter({
    name: 'Int',
    examples: [
      { text: 'Int("42")', gives: '42' },
      { text: 'Int(2.9)', gives: '2' },
      { text: 'Int("x")', gives: 'nil' },
    ],
    summary: 'The value as an int: a double is cut, text is read in base 10 and gives nil when it is no number.',
    parameters: [intLike('target')],
    returns: type.int | type.nil,
    run: (value) => value,
  }),
  converter({
    name: 'String',
    examples: [
      { text: 'String(42)', gives: '"42"' },
      { text: 'String(attributes["none"])', gives: 'nil' },
    ],
    summary: 'The value as text: bytes as hex, lists and maps as JSON; nil stays nil.',
    parameters: [stringLike('target')],
    returns: type.string | type.nil,
    run: (value) => value,
  }),
  converter({
    name: 'ParseInt',
    examples: [
      { text: 'ParseInt("ff", 16)', gives: '255' },
      { text: 'ParseInt("x", 10)', fails: 'the text is not an int in base 10' },
    ],
    summary: 'The int that the text is in the base (2 to 36; 0: by its prefix, as in Go).',
    parameters: [string('target'), int('base')],
    returns: type.int,
    run: (text, base) => {
      if (base < 0n || base === 1n || base > 36n) throw fault(`a base is 0 or from 2 to 36, got ${base}`);
      const value = parseInt64(text, Number(base));
      if (value === null) throw fault(`the text is not an int in base ${base}`);
      return value;
    },
  }),
  converter({
    name: 'Hex',
    examples: [
      { text: 'Hex("abc")', gives: '"616263"' },
      { text: 'Hex(255)', gives: '"00000000000000ff"' },
    ],
    summary: 'The bytes of the value as hex text without a prefix; numbers are 8 bytes, big-endian.',
    parameters: [bytesLike('target')],
    returns: type.string,
    run: (value) => (value === null ? '' : Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex')),
  }),
];
